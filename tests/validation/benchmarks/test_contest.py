"""validation/benchmarks/contest.py: absent peers are skipped, other work is refused, rows have the right keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from validation.benchmarks import forward, trace, training
from validation.benchmarks.contest import Contest, Contestant, Settings, hold
from validation.benchmarks.process import Work
from validation.benchmarks.rows import Goal, Row, Skipped

QUICK = Settings(rounds=3, seconds=0.002)


def sleeps(milliseconds: float) -> Work:
    return Work(lambda repeats: time.sleep(1e-3 * milliseconds * repeats), lambda: [np.array(1.0)])


def sleeps_three_times_as_long(milliseconds: float) -> Work:
    return sleeps(3 * milliseconds)


def computes_otherwise(milliseconds: float) -> Work:
    return Work(sleeps(milliseconds).run, lambda: [np.array(2.0)])


def computes_a_part(milliseconds: float) -> Work:
    return Work(sleeps(milliseconds).run, list)


def raises(milliseconds: float) -> Work:
    raise RuntimeError("no compiler")


def equal(problem: Any, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    return None if own[0] == peer[0] else f"{peer[0]} is not {own[0]}"


def contest(*peers: Contestant, threads: int = 1) -> Contest:
    return Contest("nap", 5.0, threads, [Contestant("", "numpy", sleeps)], peers, equal)


def test_a_contest_by_the_clock() -> None:
    told: list[str] = []
    settings = Settings(rounds=3, seconds=0.002, tell=told.append)
    peers = (
        Contestant("late", "numpy", sleeps_three_times_as_long, Goal.at_least(2)),
        Contestant("absent", "no_such_library", sleeps),
        Contestant("broken", "numpy", raises),
        Contestant("part", "numpy", computes_a_part),
    )
    found = {item.peer: item for item in hold(contest(*peers), settings)}
    absent, broken, late, part = (found[name] for name in ("absent", "broken", "late", "part"))
    assert isinstance(absent, Skipped)
    assert "no_such_library" in absent.reason
    assert ".[bench]" in absent.reason
    assert broken == Skipped("nap", "broken", "does not work here: RuntimeError: no compiler")
    assert isinstance(late, Row)
    assert {"work", "peer", "ratio", "goal"} <= set(late.plain())
    assert late.ratio > 1.5  # 3 by the clock; sleeping never takes less time than asked for
    assert late.seconds >= 5e-3
    assert isinstance(part, Row)
    assert told == [*(f"nap: {name} starts" for name in ("refscore", "late", "broken", "part")), "nap: 3 rounds"]


def test_other_work_is_not_timed() -> None:
    with pytest.raises(AssertionError, match=r"nap: other does other work than refscore: 2\.0 is not 1\.0"):
        list(hold(contest(Contestant("other", "numpy", computes_otherwise)), QUICK))


def test_more_threads_than_processors_are_not_measured() -> None:
    (found,) = hold(contest(Contestant("late", "numpy", sleeps), threads=4096), QUICK)
    assert isinstance(found, Skipped)
    assert "processors" in found.reason


def test_the_goals_are_those_of_the_project() -> None:
    goals = {
        (c.work, p.name): p.goal.text
        for contests in (training.contests(), forward.contests(), trace.contests())
        for c in contests
        for p in c.peers
        if p.goal.text
    }
    for dtype in ("float32", "float64"):
        for threads in ("1 thread", "2 threads"):
            assert goals[f"training step, silu, batch 1000, {dtype}, {threads}", "torch eager"] == "at least 1.4"
            assert goals[f"training step, silu, batch 128, {dtype}, {threads}", "torch eager"] == "at least 2.5"
        assert goals[f"values, silu, batch 1000, {dtype}", "its matrix products"] == "at most 1.35"
    traces = {work for (work, peer), goal in goals.items() if peer == "JAX jacfwd, jit" and goal == "at least 30"}
    assert len(traces) == 4
    assert all("d = 64" in work or "d = 784" in work for work in traces)


def test_no_two_pieces_of_work_have_one_name() -> None:
    names = [c.work for contests in (training.contests(), forward.contests(), trace.contests()) for c in contests]
    assert len(set(names)) == len(names)
