"""Checking a target from outside: its code runs in a process of its own, which may hang, crash or exit as it likes."""

from __future__ import annotations

import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, final

import refscore
from refscore.conformance.adapter import Adapter
from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.loading import TargetError
from refscore.conformance.results import AdapterInfo, Report, Result
from refscore.conformance.runner import Diagnosed, Event, Selection, run
from refscore.conformance.worker import describe_adapters

__all__ = ["check", "check_here"]

Watch = Callable[[int, int, Event], None]


def check(
    target: str,
    selection: Selection | None = None,
    *,
    time_limit: float = 60.0,
    import_limit: float = 180.0,
    watch: Watch | None = None,
) -> Report:
    """Check every adapter of a target in a process of its own.

    Parameters
    ----------
    target : str
        File, ``module`` or ``module:attribute``.
    selection : Selection, optional
        Which checks; all by default.
    time_limit, import_limit : float
        Seconds that one check, and importing the target, may take before the process is ended.
    watch : callable, optional
        Told ``(checks done, checks planned, event)`` as the run goes on.

    Returns
    -------
    Report
        Results in the order of the plan; what hung or crashed is an error, and the rest was checked.

    Raises
    ------
    TargetError
        If the target cannot be used.
    """
    selection, watch = selection or Selection(), watch or (lambda *_: None)
    started = time.monotonic()
    infos: tuple[AdapterInfo, ...] = ()
    planned: list[tuple[int, str]] = []
    results: list[Result] = []
    ended = False
    while not ended:
        process = _Worker(target, selection, len(results), import_limit)
        hung = False
        try:
            for message in process.messages():
                if message[0] == "unusable":
                    raise TargetError(message[1])
                if message[0] == "ready":
                    infos, planned = message[1], message[2]
                elif message[0] == "end":
                    ended = True
                else:
                    number, event = message[1], message[2]
                    process.limit = time_limit
                    if isinstance(event, Result):
                        results.append(event)
                    elif isinstance(event, Diagnosed):
                        results = [_diagnosed(r, infos[number], event) for r in results]
                    watch(len(results), len(planned), event)
            gone = process.epitaph()
        except _Silent as silence:
            gone, hung = f"did not come back within {silence.seconds:g} s; its process was ended", True
        finally:
            process.kill()
        if not ended:
            if not planned:
                raise TargetError(f"{target}: importing it: {gone}")
            lost = planned[len(results)]
            results.append(_lost(infos[lost[0]], lost[1], target, "error", gone))
            # Where one check hangs the next one of that capability would too, a time limit each.
            while hung and len(results) < len(planned) and _capability(planned[len(results)]) == _capability(lost):
                number, name = planned[len(results)]
                results.append(_lost(infos[number], name, target, "blocked", f"{lost[1]} hung"))
            watch(len(results), len(planned), results[-1])
            ended = len(results) == len(planned)
    return Report(refscore.__version__, target, infos, tuple(results), len(CATALOGUE), time.monotonic() - started)


def check_here(*adapters: Adapter, selection: Selection | None = None, target: str = "ADAPTER") -> Report:
    """Check adapters in this process, without limits of time: for debuggers and test suites.

    Parameters
    ----------
    *adapters : Adapter
        What is under test.
    selection : Selection, optional
        Which checks; all by default.
    target : str
        How the reproduction calls them.

    Returns
    -------
    Report
        As from :func:`check`.
    """
    selection = selection or Selection()
    started = time.monotonic()
    results: list[Result] = []
    infos = describe_adapters(adapters, selection)
    for adapter, info in zip(adapters, infos):
        for event in run(adapter, selection, target):
            if isinstance(event, Result):
                results.append(event)
            elif isinstance(event, Diagnosed):
                results = [_diagnosed(r, info, event) for r in results]
    return Report(refscore.__version__, target, infos, tuple(results), len(CATALOGUE), time.monotonic() - started)


def _diagnosed(result: Result, info: AdapterInfo, event: Diagnosed) -> Result:
    title = f"{info.name} {info.version}".strip()
    mine = (result.adapter, result.capability) == (title, event.capability) and result.outcome in ("fail", "error")
    if not mine or result.diagnosis:
        return result
    return replace(result, diagnosis=event.diagnosis)


def _capability(planned: tuple[int, str]) -> tuple[int, str]:
    """Whose function runs: a derived gradient calls its objective."""
    return planned[0], planned[1].split("/")[0].removesuffix(".gradient")


def _lost(info: AdapterInfo, name: str, target: str, outcome: str, why: str) -> Result:
    return Result(
        adapter=f"{info.name} {info.version}".strip(),
        check=name,
        capability=name.split("/")[0],
        outcome=outcome,
        claim="it comes back",
        message=why,
        reproduction=f"refscore check {target} --only '{name}'",
    )


class _Silent(Exception):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


@final
class _Worker:
    """The child process, and a thread that listens to it so that silence can be timed."""

    def __init__(self, target: str, selection: Selection, skip: int, limit: float) -> None:
        self.limit = limit
        command = [sys.executable, "-c", "from refscore.conformance.worker import main; main()"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            pickle.dump((target, selection, skip), stdin)
        self.inbox: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while True:
            try:
                self.inbox.put(pickle.load(self.process.stdout))
            except Exception:  # end of the stream, or a message cut short by the end of the process
                self.inbox.put(None)
                return

    def messages(self) -> Iterator[Any]:
        """Messages until the stream ends; raises `_Silent` after `limit` seconds without one."""
        while True:
            try:
                message = self.inbox.get(timeout=self.limit)
            except queue.Empty:
                raise _Silent(self.limit) from None
            if message is None:
                return
            yield message

    def epitaph(self) -> str:
        """How the process ended."""
        code = self.process.wait()
        return f"its process was killed by signal {-code}" if code < 0 else f"its process ended with exit code {code}"

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
