"""What a run found: one result a check, their summary, and the exit code that follows from it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import final

from refscore.conformance.capability import LIMIT, Diagnosis, Figures
from refscore.conformance.statistics import ALPHA

__all__ = ["OUTCOMES", "AdapterInfo", "Report", "Result"]

OUTCOMES = ("pass", "fail", "xfail", "xpass", "undeclared", "blocked", "inconclusive", "error")


@final
@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check of one adapter.

    Parameters
    ----------
    adapter : str
        Name of the adapter.
    check, capability : str
        Identifier "capability/name", and the capability.
    outcome : str
        One of `OUTCOMES`.
    claim : str
        The sentence that was tested.
    ratio, bound : float
        The error in units of what rounding explains, and what it is held against.
    message : str
        Expected, got, where; or what the implementation raised.
    detects, sees : float, str
        The smallest deviation that would have been caught, as a relative error or in words.
    reproduction : str
        A command that repeats this check alone.
    figures : tuple of (str, tuple of float)
        Named series behind the verdict.
    diagnosis : tuple of Diagnosis
        What the output looks like.
    """

    adapter: str
    check: str
    capability: str
    outcome: str
    claim: str = ""
    ratio: float = math.nan
    bound: float = LIMIT
    message: str = ""
    detects: float = math.nan
    sees: str = ""
    reproduction: str = ""
    figures: Figures = ()
    diagnosis: tuple[Diagnosis, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """What the report says about an adapter.

    Parameters
    ----------
    name, version, arrays, dtype : str
        As declared.
    offers : tuple of (str, str)
        Capabilities with the conventions that differ from the default, in words.
    planned : int
        How many checks follow from them.
    statistical : int
        How many of these are statistical.
    """

    name: str
    version: str
    arrays: str
    dtype: str
    offers: tuple[tuple[str, str], ...]
    planned: int
    statistical: int = 0


@final
@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Parameters
    ----------
    refscore : str
        Version of the suite.
    target : str
        What was checked.
    adapters : tuple of AdapterInfo
        The adapters of the target.
    results : tuple of Result
        In the order of the plan.
    known : int
        How many capabilities there are.
    seconds : float
        Wall time.
    """

    refscore: str
    target: str
    adapters: tuple[AdapterInfo, ...]
    results: tuple[Result, ...]
    known: int
    seconds: float

    @property
    def planned(self) -> int:
        """How many checks there should be."""
        return sum(adapter.planned for adapter in self.adapters)

    @property
    def false_alarm(self) -> float:
        """Upper bound on the probability that a correct implementation fails anywhere in this run."""
        return ALPHA * sum(adapter.statistical for adapter in self.adapters)

    @property
    def summary(self) -> dict[str, int]:
        """Planned checks and the count of every outcome; undeclared counts capabilities that nobody offers."""
        count = Counter(result.outcome for result in self.results)
        offered = {name for adapter in self.adapters for name, _ in adapter.offers}
        found = {outcome: count[outcome] for outcome in OUTCOMES}
        return {"planned": self.planned, **found, "undeclared": self.known - len(offered)}

    @property
    def unexplained(self) -> tuple[Result, ...]:
        """The results but for those that are blocked by an expected failure of the same capability."""
        known = {(r.adapter, r.capability) for r in self.results if r.outcome == "xfail"}
        return tuple(r for r in self.results if r.outcome != "blocked" or (r.adapter, r.capability) not in known)

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 a check fails or xpasses, 2 the adapter erred, 3 only inconclusive, 4 too few ran."""
        summary = self.summary
        if summary["fail"] or summary["xpass"]:
            return 1
        if summary["error"] or any(result.outcome == "blocked" for result in self.unexplained):
            return 2
        if len(self.results) < self.planned:
            return 4
        return 3 if summary["inconclusive"] else 0
