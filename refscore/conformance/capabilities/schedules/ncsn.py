"""Capability ``schedule.ncsnv2``: how many noise levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from refscore.conformance.capabilities.schedules.common import schedule_case
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.schedules import ncsnv2

__all__ = ["NCSNV2"]


def _levels_cases(_: Mapping[str, Any]) -> Iterator[Case]:
    for d, low, high, overlap in (
        (3072, 0.01, 50.0, 0.5),
        (3072, 0.01, 50.0, 0.567),
        (784, 0.01, 20.0, 0.25),
        (64, 0.125, 8.0, 0.875),
        (8, 0.5, 16.0, 0.5),
    ):
        gamma = ncsnv2(d=d, sigma_min=low, sigma_max=high, overlap=overlap)[0]
        keywords = {"d": d, "sigma_min": low, "sigma_max": high, "overlap": overlap}
        # γ is the root of an equation with 3γ in it; n is an integer, and a size of 1 lets no other one pass.
        size = (np.asarray(4 * gamma), np.asarray(1.0))
        yield schedule_case(f"d={d},sigma={low:g}-{high:g},overlap={overlap:g}", keywords, size)


def _levels_with(
    scale: Callable[[int], float] = lambda d: float(np.sqrt(2 * d)),
    width: Callable[[float], float] = lambda gamma: 3 * gamma,
    target: Callable[[float], float] = lambda overlap: overlap,
    count: Callable[[float], int] = lambda intervals: 1 + int(np.ceil(intervals)),
) -> Function:
    def levels(*, d: int, sigma_min: float, sigma_max: float, overlap: float) -> tuple[float, int]:
        def excess(gamma: float) -> float:
            y = scale(d) * (gamma - 1)
            return float(ndtr(width(gamma) - y) - ndtr(-width(gamma) - y)) - target(overlap)

        gamma = float(brentq(excess, 1.0, 1 + 64 / scale(d), xtol=1e-15))
        return gamma, count(float(np.log(sigma_max / sigma_min) / np.log(gamma)))

    return levels


def _inverse(**keywords: Any) -> tuple[float, int]:
    gamma, n = ncsnv2(**keywords)
    return 1 / gamma, n


NCSNV2 = Capability(
    name="schedule.ncsnv2",
    title="How many noise levels: neighbours should overlap by a given probability",
    signature="ncsnv2(*, d, sigma_min, sigma_max, overlap) -> gamma (), n ()",
    formula="Φ(√(2d)(γ − 1) + 3γ) − Φ(√(2d)(γ − 1) − 3γ) = overlap;  n the least with (σ_max/σ_min)^(1/(n−1)) ≤ γ",
    label="SCH.7",
    source="Song & Ermon (2020), technique 2",
    page="docs/schedules/ncsn.md",
    reference=ncsnv2,
    cases=_levels_cases,
    truth="CIFAR-10, 0.01 to 50: n = 220 for an overlap of ½; the published 232 has 0.567",
    faults=(
        Fault(
            "NCSNV2-root-d",
            "√d stands where √(2d) belongs",
            "√2 too few levels: annealing loses the samples between them",
            _levels_with(scale=lambda d: float(np.sqrt(d))),
        ),
        Fault(
            "NCSNV2-fixed-overlap",
            "an overlap of ½ whatever was asked for",
            "the published numbers of levels cannot be had",
            _levels_with(target=lambda overlap: 0.5),
        ),
        Fault(
            "NCSNV2-fixed-width",
            "3 stands where 3γ belongs: the shell is as wide as the inner one",
            "slightly too many levels, and far too many in few dimensions",
            _levels_with(width=lambda gamma: 3.0),
        ),
        Fault(
            "NCSNV2-one-short",
            "the intervals are counted, not the levels",
            "the ratio of the levels is above γ",
            _levels_with(count=lambda intervals: int(np.ceil(intervals))),
        ),
        Fault(
            "NCSNV2-rounded",
            "rounded to the nearest integer, not up",
            "half of the time the ratio of the levels is above γ",
            _levels_with(count=lambda intervals: 1 + round(intervals)),
        ),
        Fault(
            "NCSNV2-inverse",
            "1/γ, the ratio of a level to the one before",
            "a ratio below 1 where one above 1 is expected",
            _inverse,
        ),
    ),
)
