"""validation/benchmarks/rows.py: which way a ratio goes, and when a goal is met."""

from __future__ import annotations

import pytest

from validation.benchmarks.rows import Goal, Row, compared


def test_a_peer_that_takes_twice_as_long_has_ratio_two() -> None:
    row = compared("step", "peer", [4.0, 4.0, 4.0], [2.0, 2.0, 2.0], Goal.at_least(1.4))
    assert (row.ratio, row.low, row.high, row.seconds, row.peer_seconds) == (2.0, 2.0, 2.0, 2.0, 4.0)
    assert row.verdict == "met"


def test_with_an_upper_bound_the_ratio_is_ours_by_the_peers() -> None:
    row = compared("values", "products", [4.0, 4.0, 4.0], [6.0, 6.0, 6.0], Goal.at_most(1.35))
    assert (row.ratio, row.verdict) == (1.5, "missed")


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal.at_least(1.4), 1.4, True),
        (Goal.at_least(1.4), 1.39, False),
        (Goal.at_most(1.35), 1.35, True),
        (Goal.at_most(1.35), 1.36, False),
        (Goal(), 0.1, None),
    ],
)
def test_goals(goal: Goal, value: float, met: bool | None) -> None:
    assert goal.met(value) is met


def test_json_has_what_was_promised_and_only_what_is_known() -> None:
    plain = Row("work", "peer", 2.0, Goal.at_least(1.4), 0.5).plain()
    promised = {"work": "work", "peer": "peer", "ratio": 2.0, "goal": "at least 1.4"}
    assert plain == {**promised, "seconds": 0.5, "verdict": "met"}
    assert Row("work", "peer", 2.0, Goal(), 0.5).plain()["verdict"] == ""


def test_a_ratio_whose_quartiles_are_on_both_sides_of_the_goal_decides_nothing() -> None:
    assert Row("work", "peer", 1.5, Goal.at_least(1.4), 0.5, low=1.3, high=1.6).verdict == "undecided"
    assert Row("work", "peer", 1.5, Goal.at_least(1.4), 0.5, low=1.45, high=1.6).verdict == "met"
    assert Row("work", "peer", 1.3, Goal.at_least(1.4), 0.5, low=1.2, high=1.35).verdict == "missed"
