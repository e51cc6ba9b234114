"""A line of progress for a run: on a terminal, and nothing where nobody is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from refscore.arrays import Float
from refscore.samplers.recording import Callback

__all__ = ["watched"]

PERIOD = 0.1  # seconds between two updates


@contextmanager
def watched(n_steps: int, name: str = "sampling") -> Iterator[Callback]:
    """Progress of a run on standard error, if that is a terminal, as a callback of ``replay``.

    Parameters
    ----------
    n_steps : int
        How many steps the run has.
    name : str
        What the line calls it.

    Yields
    ------
    callable
        For ``replay(…, callback=…)``; it does nothing where standard error is no terminal.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> score, z = rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0)), np.zeros((3, 1, 1))
    >>> with watched(len(z)) as shown:
    ...     rs.samplers.replay(rs.samplers.langevin(step_size=1), score, [[8.0]], z, callback=shown)
    array([[1.]])
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task, due = bar.add_task(name, total=n_steps), 0.0

        def show(k: int, x: Float) -> None:  # noqa: ARG001  the state is not shown
            nonlocal due
            if (now := time.monotonic()) >= due or k + 1 == n_steps:
                due = now + PERIOD
                bar.update(task, completed=k + 1, refresh=True)

        yield show


def _nothing(k: int, x: Float) -> None:
    pass
