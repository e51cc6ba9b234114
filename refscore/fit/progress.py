"""A line of progress on a terminal, and nothing where nobody is watching."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Watched"]

PERIOD = 0.1  # seconds between two updates: the line costs nothing, and is no animation


@final
class Watched:
    """Progress of a run on standard error, if that is a terminal.

    Parameters
    ----------
    done, planned : int
        Steps at the start, and at the end.
    wanted : bool
        Whether anybody asked for it.
    """

    def __init__(self, done: int, planned: int, wanted: bool) -> None:
        self._done, self._planned = done, planned
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._next = 0.0
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Watched:
        if self._wanted:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("loss {task.fields[loss]:.4g}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                auto_refresh=False,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._planned, completed=self._done, loss=float("nan"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int, loss: float) -> None:
        """`done` steps are done, the last with `loss`."""
        if self._bar is None or self._task is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + PERIOD
        self._bar.update(self._task, completed=done, loss=loss, refresh=True)
