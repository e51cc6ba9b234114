"""validation/benchmarks/timing.py: turns on a clock that only the contestants move."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from validation.benchmarks.timing import WARM, interleave, ratio, repeats_for, turn


class Clock:
    """Seconds that pass when work is done, and at no other time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float, first: float = 0.0) -> Callable[[int], None]:
        extra = [first]

        def run(repeats: int) -> None:
            self.now += repeats * seconds + extra[0]
            extra[0] = 0.0

        return run


def test_a_turn_counts_neither_the_first_runs_nor_anything_else() -> None:
    clock = Clock()
    counted: list[int] = []
    slow_start = clock.work(0.25, first=100.0)

    def run(repeats: int) -> None:
        counted.append(repeats)
        slow_start(repeats)

    assert turn(run, 3 * WARM, clock) == 0.25
    assert counted == [3, 3 * WARM]


def test_a_long_run_is_made_once() -> None:
    clock = Clock()
    assert turn(clock.work(2.0), 1, clock) == clock.now == 2.0


@pytest.mark.parametrize(("each", "expected"), [(2.0, 1), (0.25, 4), (0.3, 4), (2.0**-10, 1024)])
def test_a_turn_has_as_many_runs_as_fill_it(each: float, expected: int) -> None:
    clock = Clock()
    run = clock.work(each, first=1000.0)
    assert repeats_for(lambda repeats: turn(run, repeats, clock), 1.0) == expected


def test_everyone_has_one_turn_a_round_and_is_first_in_turn() -> None:
    order: list[str] = []
    pauses = itertools.count()

    def contestant(name: str) -> Callable[[int], float]:
        def take(repeats: int) -> float:
            order.append(name)
            return 1.0

        return take

    names = ("a", "b", "c")
    found = interleave({n: contestant(n) for n in names}, rounds=4, seconds=1.0, pause=lambda: next(pauses))
    rounds = [order[-12:][3 * k : 3 * k + 3] for k in range(4)]
    assert rounds == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert found == {name: [1.0] * 4 for name in names}
    assert next(pauses) == 3 + 12


def test_a_machine_that_slows_down_for_everybody_leaves_the_ratio() -> None:
    clock, slow = Clock(), itertools.count()

    def contestant(seconds: float) -> Callable[[int], float]:
        run = clock.work(seconds)

        def take(repeats: int) -> float:
            factor = 1.0 + 0.5 * (next(slow) // 2 % 3)  # two turns, one round, at one speed
            return factor * turn(run, repeats, clock)

        return take

    found = interleave({"own": contestant(0.5), "peer": contestant(1.5)}, rounds=6, seconds=0.5)
    measured = ratio(found["peer"], found["own"])
    assert (measured.value, measured.low, measured.high) == (3.0, 3.0, 3.0)


def test_ratio_of_medians_and_quartiles_of_single_rounds() -> None:
    measured = ratio([2.0, 4.0, 6.0, 8.0, 100.0], [1.0, 1.0, 2.0, 4.0, 4.0])
    assert measured.value == 6.0 / 2.0
    assert (measured.low, measured.high) == (2.0, 4.0)  # of 2, 4, 3, 2, 25


def test_one_round_has_no_spread() -> None:
    assert ratio([3.0], [2.0]).low == ratio([3.0], [2.0]).high == 1.5
