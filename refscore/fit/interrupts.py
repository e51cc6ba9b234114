"""Ctrl-C between two steps, never inside one: a step writes to θ and to the optimiser's slots in place."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, final

__all__ = ["Interrupts"]


@final
class Interrupts:
    """Within this context a first SIGINT waits until somebody asks; a second one does what it did before.

    Outside the main thread, where Python delivers no signals, and where SIGINT is ignored, nothing is changed.

    Examples
    --------
    >>> import os
    >>> try:
    ...     with Interrupts() as interrupts:
    ...         os.kill(os.getpid(), signal.SIGINT)
    ...         print("this line is reached")
    ...         interrupts.poll()
    ... except KeyboardInterrupt:
    ...     print("between two steps")
    this line is reached
    between two steps
    """

    def __init__(self) -> None:
        self._pending = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if kind is None:
            self.poll()

    def poll(self) -> None:
        """Let a SIGINT that came have its effect now, by default a KeyboardInterrupt."""
        if self._pending:
            self._pending = False
            self._before(signal.SIGINT, None)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._pending:
            self._before(number, frame)
        self._pending = True
