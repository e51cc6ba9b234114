"""A plan is found once for a sampler, a target prepared once for its levels; what may change is asked each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import remembered

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        remembered._plan.cache_clear()
        remembered._both.cache_clear()
        CALLS.clear()

    plan_of, prepare = remembered.plan_of, remembered.prepare
    monkeypatch.setattr(remembered, "plan_of", lambda *a: (CALLS.append("plan"), plan_of(*a))[1])
    monkeypatch.setattr(remembered, "prepare", lambda *a: (CALLS.append("prepare"), prepare(*a))[1])
    forget()
    yield
    forget()


def run(sampler: Any, score: Any, dtype: Any = np.float64) -> np.ndarray:
    return rk.run(sampler, score, np.ones((3, 2)), seed=1, steps=2, backend="portable", dtype=dtype).x


def test_the_same_objects_are_planned_once() -> None:
    law, langevin = rs.targets.gaussian([0.0, 1.0]), rs.samplers.langevin(0.1)
    assert (run(langevin, law) == run(langevin, law)).all()
    assert CALLS == ["plan", "prepare"]
    run(langevin, law, np.float32)
    assert CALLS == ["plan", "prepare", "prepare"]


def test_equal_numbers_in_other_objects_are_other_objects() -> None:
    langevin = rs.samplers.langevin(0.1)
    first, second = (run(langevin, rs.targets.gaussian([0.0, mean])) for mean in (1.0, 2.0))
    third = run(rs.samplers.langevin(0.2), rs.targets.gaussian([0.0, 2.0]))
    assert len({x.tobytes() for x in (first, second, third)}) == 3
    assert CALLS == ["plan", "prepare", "prepare", "plan", "prepare"]


def test_a_function_is_prepared_each_time() -> None:
    langevin, pull = rs.samplers.langevin(0.1), lambda x, alpha, sigma: -x
    run(langevin, pull)
    run(langevin, pull)
    assert CALLS == ["plan", "prepare", "prepare"]


def test_few_are_kept() -> None:
    law = rs.targets.gaussian([0.0, 1.0])
    for k in range(remembered.KEPT + 3):
        run(rs.samplers.langevin(0.1 + k), law)
    assert remembered._both.cache_info().currsize == remembered.KEPT
