"""Capabilities ``schedule.geometric`` and ``schedule.karras``: noise levels from σ_max down to σ_min."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capabilities.schedules.common import schedule_case
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.schedules import geometric, karras

__all__ = ["GEOMETRIC", "KARRAS"]

ONE = "one level is σ_max: i/(n − 1) must not be 0/0"


def _logs(sigma_min: float, sigma_max: float) -> float:
    return float(1 + abs(np.log(sigma_min)) + abs(np.log(sigma_max)))


def _geometric_cases(_: Mapping[str, Any]) -> Iterator[Case]:
    for n, low, high in ((10, 0.01, 1.0), (232, 0.01, 50.0), (5, 0.5, 8.0), (2, 0.125, 16.0), (1, 0.5, 8.0)):
        keywords = {"n": n, "sigma_min": low, "sigma_max": high}
        sigmas = geometric(n=n, sigma_min=low, sigma_max=high)
        # Interpolated logarithms are a right code, and so are repeated products, whose error grows with the index.
        size = (_logs(low, high) + np.arange(n)) * sigmas
        yield schedule_case(f"n={n},sigma={low:g}-{high:g}", keywords, (size,), claim=ONE if n == 1 else "")


def _geometric_with(exponents: Callable[[int], Float]) -> Function:
    return lambda *, n, sigma_min, sigma_max: sigma_max * (sigma_min / sigma_max) ** exponents(n)


GEOMETRIC = Capability(
    name="schedule.geometric",
    title="Noise levels with a constant ratio",
    signature="geometric(*, n, sigma_min, sigma_max) -> (n,) descending",
    formula="σ_i = σ_max (σ_min/σ_max)^((i−1)/(n−1)),  i = 1 … n",
    label="SCH.1",
    source="Song & Ermon (2019), section 4.1",
    page="docs/schedules/levels.md",
    reference=geometric,
    cases=_geometric_cases,
    truth="5, 0.5 to 8: 8, 4, 2, 1, ½",
    faults=(
        Fault(
            "GEO-linear",
            "equal differences instead of equal ratios",
            "nearly all levels are large ones",
            lambda *, n, sigma_min, sigma_max: np.linspace(sigma_max, sigma_min, n),
        ),
        Fault(
            "GEO-short",
            "i/n instead of i/(n − 1): σ_min is not reached",
            "sampling stops with too much noise in the sample",
            _geometric_with(lambda n: np.arange(n) / n),
        ),
        Fault(
            "GEO-late",
            "(i + 1)/n: σ_max is left out",
            "sampling starts below the level of the prior",
            _geometric_with(lambda n: (np.arange(n) + 1) / n),
        ),
        Fault(
            "GEO-ascending",
            "from σ_min up to σ_max",
            "annealing heats instead of cooling",
            lambda **keywords: geometric(**keywords)[::-1],
        ),
        Fault(
            "GEO-variances",
            "the variances σ² are returned",
            "levels from σ_max² to σ_min²",
            lambda **keywords: geometric(**keywords) ** 2,
        ),
        Fault(
            "GEO-ratio-squared",
            "σ_max (σ_min²/σ_max²)^(…): variances in the ratio, a standard deviation in front",
            "the last level is σ_min²/σ_max",
            _geometric_with(lambda n: 2 * _uniform(n)),
            "https://github.com/huggingface/diffusers/issues/590",
        ),
    ),
)


def _karras_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    told = {"final_zero": conventions["final_zero"]}
    for n, low, high, rho in (
        (18, 0.002, 80.0, 7.0),
        (5, 0.25, 16.0, 2.0),
        (10, 0.02, 10.0, 3.0),
        (4, 0.5, 8.0, 1.0),
        (2, 0.125, 16.0, 7.0),
        (1, 0.5, 8.0, 7.0),
    ):
        keywords = {"n": n, "sigma_min": low, "sigma_max": high, "rho": rho}
        sigmas = karras(n=n, sigma_min=low, sigma_max=high, rho=rho)
        # The root is rounded at the size of the largest, then raised to ρ; the exponent 1/ρ is rounded too.
        roots = (high / sigmas) ** (1 / rho)
        size = (_logs(low, high) + rho * roots) * sigmas
        size = where_zero(np.append(size, 0.0)) if conventions["final_zero"] else size
        claim = ONE if n == 1 else ""
        yield schedule_case(f"n={n},sigma={low:g}-{high:g},rho={rho:g}", keywords, (size,), told=told, claim=claim)


def _karras_with(ramp: Callable[[int], Float], inner: Callable[[float], float], outer: Callable[[float], float]) -> Any:
    """Levels with roots σ^inner(ρ), a ramp between them, and the power outer(ρ)."""

    def levels(*, n: int, sigma_min: float, sigma_max: float, rho: float, final_zero: bool = False) -> Float:
        first, last = sigma_max ** inner(rho), sigma_min ** inner(rho)
        sigmas = (first + ramp(n) * (last - first)) ** outer(rho)
        return np.append(sigmas, 0.0) if final_zero else sigmas

    return levels


def _uniform(n: int) -> Float:
    return np.asarray(np.linspace(0, 1, n), dtype=np.float64)


def _ascending(*, final_zero: bool = False, **keywords: Any) -> Float:
    sigmas = karras(**keywords)[::-1]
    return np.append(0.0, sigmas) if final_zero else sigmas


def _repeated(*, n: int, final_zero: bool = False, **keywords: Any) -> Float:
    sigmas = karras(n=n if final_zero else max(n - 1, 1), **keywords)
    return np.append(sigmas, sigmas[-1])


def _zero_counted(*, n: int, sigma_min: float, sigma_max: float, rho: float, **_: bool) -> Float:
    if n == 1:
        return np.zeros(1)
    return karras(n=n - 1, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho, final_zero=True)


KARRAS = Capability(
    name="schedule.karras",
    title="The noise levels of EDM",
    signature="karras(*, n, sigma_min, sigma_max, rho) -> (n,) descending, or (n + 1,) with final_zero",
    formula="σ_i = (σ_max^(1/ρ) + (i−1)/(n−1) (σ_min^(1/ρ) − σ_max^(1/ρ)))^ρ,  i = 1 … n",
    label="SCH.2",
    source="Karras et al. (2022), eq. 5",
    page="docs/schedules/levels.md",
    reference=karras,
    cases=_karras_cases,
    conventions=(Convention("final_zero", False, (False, True), "whether 0 follows σ_min"),),
    truth="18, 0.002 to 80, ρ = 7: 80, 57.586, 40.786, … 0.022935, 0.0075280, 0.002",
    faults=(
        Fault(
            "KARRAS-no-rho",
            "the levels themselves are linear: ρ is left out",
            "nearly all steps are spent on large noise",
            _karras_with(_uniform, lambda rho: 1.0, lambda rho: 1.0),
        ),
        Fault(
            "KARRAS-fixed-rho",
            "ρ = 7 whatever was asked for",
            "right until somebody changes ρ",
            _karras_with(_uniform, lambda rho: 1 / 7, lambda rho: 7.0),
            "https://github.com/huggingface/diffusers/blob/main/src/diffusers/schedulers/scheduling_euler_discrete.py",
        ),
        Fault(
            "KARRAS-inverted-rho",
            "ρ and 1/ρ are exchanged",
            "nearly all levels are next to σ_max",
            _karras_with(_uniform, lambda rho: rho, lambda rho: 1 / rho),
        ),
        Fault(
            "KARRAS-roots",
            "the roots are returned: the outer power ρ is missing",
            "levels from σ_max^(1/ρ) to σ_min^(1/ρ)",
            _karras_with(_uniform, lambda rho: 1 / rho, lambda rho: 1.0),
        ),
        Fault(
            "KARRAS-short",
            "i/n instead of i/(n − 1): σ_min is not reached",
            "the last step is a large one",
            _karras_with(lambda n: np.arange(n) / n, lambda rho: 1 / rho, lambda rho: rho),
        ),
        Fault(
            "KARRAS-ascending",
            "from σ_min up to σ_max",
            "the sampler adds noise",
            _ascending,
        ),
        Fault(
            "KARRAS-repeated-last",
            "the last level stands there twice",
            "a step of length zero, and one step less",
            _repeated,
            "https://github.com/huggingface/diffusers/pull/6477",
        ),
        Fault(
            "KARRAS-zero-counted",
            "the final 0 is one of the n levels",
            "one step less than asked for",
            _zero_counted,
        ),
    ),
)
