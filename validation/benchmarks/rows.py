"""What a benchmark finds out: one row for each piece of work and peer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import final

from validation.benchmarks.timing import ratio

__all__ = ["Goal", "Row", "Skipped", "compared"]


@final
@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio should be.

    Parameters
    ----------
    text : str
        In words.
    least, most : float or None
        Bounds of the ratio, where there are any.
    """

    text: str = ""
    least: float | None = None
    most: float | None = None

    @classmethod
    def at_least(cls, value: float) -> Goal:
        """The peer takes at least so many times as long."""
        return cls(f"at least {value:g}", least=value)

    @classmethod
    def at_most(cls, value: float) -> Goal:
        """Ours takes at most so many times as long."""
        return cls(f"at most {value:g}", most=value)

    @classmethod
    def turned(cls) -> Goal:
        """None, but the ratio is ours by the peer's, as for :meth:`at_most`."""
        return cls("ours by theirs", most=math.inf)

    def met(self, value: float) -> bool | None:
        """Whether `value` is within the bounds; None where there is none, or only that of :meth:`turned`."""
        if self.least is None and self.most in (None, math.inf):
            return None
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One ratio.

    Parameters
    ----------
    work, peer : str
        What is done, and what it is compared with.
    ratio : float
        Of the medians: the peer's seconds by ours, above 1 where ours is faster, unless `goal` says "at most": then
        ours by the peer's.
    goal : Goal
        What was aimed at.
    seconds : float
        Ours, for one piece of work.
    low, high : float or None
        Quartiles of the ratios of single rounds.
    peer_seconds : float or None
        The peer's.
    unit : str
        Of what stands as seconds, where it is something else.
    """

    work: str
    peer: str
    ratio: float
    goal: Goal
    seconds: float
    low: float | None = None
    high: float | None = None
    peer_seconds: float | None = None
    unit: str = "s"

    @property
    def verdict(self) -> str:
        """Of the goal: met, missed, undecided where the quartiles are on both sides of it, or "" without a goal."""
        found = {self.goal.met(value) for value in (self.low, self.ratio, self.high) if value is not None}
        return "undecided" if len(found) > 1 else {True: "met", False: "missed", None: ""}[found.pop()]

    def plain(self) -> dict[str, object]:
        """For JSON."""
        fields = {name: value for name, value in asdict(self).items() if value not in (None, "s")}
        return {**fields, "goal": self.goal.text, "verdict": self.verdict}


@final
@dataclass(frozen=True, slots=True)
class Skipped:
    """A comparison that could not be made, and why."""

    work: str
    peer: str
    reason: str


def compared(work: str, peer: str, peer_seconds: Sequence[float], own: Sequence[float], goal: Goal) -> Row:
    """The row of two contestants that took turns.

    Parameters
    ----------
    work, peer : str
        What is done, and what it is compared with.
    peer_seconds, own : sequence of float
        Seconds, one for each round.
    goal : Goal
        What was aimed at; with an upper bound the ratio is ours by the peer's.

    Returns
    -------
    Row
        With the spread of the ratio.
    """
    first, second = (own, peer_seconds) if goal.most is not None else (peer_seconds, own)
    found = ratio(first, second)
    return Row(
        work=work,
        peer=peer,
        ratio=found.value,
        goal=goal,
        seconds=statistics.median(own),
        low=found.low,
        high=found.high,
        peer_seconds=statistics.median(peer_seconds),
    )
