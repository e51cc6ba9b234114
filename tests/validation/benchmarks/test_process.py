"""validation/benchmarks/process.py: a contestant in its own process, with its own threads."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from validation.benchmarks.process import Child, DoesNotWork, Work, environment, processors


def surroundings(names: tuple[str, ...]) -> Work:
    """Tells the environment and the processors of its process."""
    told = [os.environ.get(name, "") for name in names]
    return Work(lambda repeats: None, lambda: [np.array(told), np.array(processors())])


def cannot(problem: str) -> Work:
    raise ImportError(problem + "\nmore lines")


def dies(problem: None) -> Work:
    os._exit(3)


def fails_later(problem: None) -> Work:
    def run(repeats: int) -> None:
        raise FloatingPointError("not today")

    return Work(run, list)


def test_the_number_of_threads_is_told_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "OMP_WAIT_POLICY")
    with closing(Child(surroundings, names, 1)) as child:
        told, allowed = child.answer
        assert told.tolist() == ["1", "1", "", ""]
        assert len(allowed) == 1 or not hasattr(os, "sched_setaffinity")
        assert child(5) >= 0.0
    assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"


def test_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    before = dict(os.environ)
    with environment(2):
        assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("build", "problem", "message"),
    [(cannot, "no such library", "ImportError: no such library$"), (dies, None, "the process ended with code 3")],
)
def test_what_does_not_work_says_why(build: Any, problem: object, message: str) -> None:
    with pytest.raises(DoesNotWork, match=message):
        Child(build, problem, 1)
    assert not multiprocessing.active_children()


def test_what_fails_in_its_turn_says_why() -> None:
    with (
        closing(Child(fails_later, None, 1)) as child,
        pytest.raises(DoesNotWork, match="FloatingPointError: not today"),
    ):
        child(1)
    assert not multiprocessing.active_children()
