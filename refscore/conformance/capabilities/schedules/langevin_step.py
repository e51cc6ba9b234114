"""Capability ``schedule.ncsnv2_step``: how large a Langevin step.

The step is a minimiser. A search that compares values of R finds it to the root of the roundoff and is right all the
same, so what is checked is not the distance of two steps but how far R is above its least value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from refscore.arrays import Float
from refscore.conformance.capability import (
    LIMIT,
    Capability,
    Check,
    Diagnosis,
    Fault,
    Finding,
    Function,
    unit_roundoff,
)
from refscore.schedules import geometric, ncsnv2_step

__all__ = ["NCSNV2_STEP"]

LADDERS = {
    "d=3072,n=232,T=5": (geometric(n=232, sigma_min=0.01, sigma_max=50.0), 5),
    "n=500,T=5": (geometric(n=500, sigma_min=0.01, sigma_max=90.0), 5),
    "n=5,T=3": (np.array([12.0, 6.0, 3.0, 1.5, 0.75]), 3),
    "n=2,T=2": (np.array([3.0, 0.75]), 2),
}


def _gamma2(sigmas: Float) -> float:
    return float((sigmas[0] / sigmas[-1]) ** (2 / (len(sigmas) - 1)))


def _above(step: float, sigmas: Float, n_steps: int) -> float:
    """R at a step minus the least R."""
    least = ncsnv2_step(sigmas=sigmas, n_steps=n_steps)

    def ratio(e: float) -> float:
        q = 2 / (2 - e)
        return (1 - e) ** (2 * n_steps) * (_gamma2(sigmas) - q) + q

    return float(ratio(step / sigmas[-1] ** 2) - ratio(least / sigmas[-1] ** 2))


def _size(sigmas: Float, n_steps: int) -> tuple[float, float]:
    """Size of the terms of R at its least value, and the relative error of a step that moves R by as much."""
    least, power = ncsnv2_step(sigmas=sigmas, n_steps=n_steps) / sigmas[-1] ** 2, 2 * n_steps
    q, kept, gamma2 = 2 / (2 - least), (1 - least) ** power, _gamma2(sigmas)
    size = (power + 4) * kept * (gamma2 + q) + 2 * q  # a power rounds as often as it multiplies
    slope, curve = 2 / (2 - least) ** 2, 4 / (2 - least) ** 3  # q', q''
    bend = kept / (1 - least) * (power * (power - 1) * (gamma2 - q) / (1 - least) + 2 * power * slope)
    return size, float(np.sqrt(2 * size / (bend + curve * (1 - kept))) / least)  # R'' in the root


def _check(name: str, dtype: str) -> Check:
    sigmas, n_steps = LADDERS[name]
    u, (size, reach) = unit_roundoff(dtype), _size(sigmas, n_steps)
    detects = reach * float(np.sqrt(LIMIT * u))

    def measure(call: Any) -> Finding:
        values = call((), {"sigmas": sigmas, "n_steps": n_steps})
        if [value.shape for value in values] != [()]:
            shapes = ", ".join(str(value.shape) for value in values)
            return Finding(
                "fail", float("inf"), f"returned shape {shapes}; expected (), one step size", symptom="shape"
            )
        step, right = float(values[0]), ncsnv2_step(sigmas=sigmas, n_steps=n_steps)
        with np.errstate(all="ignore"):
            above = abs(_above(step, sigmas, n_steps))
        ratio = above / (u * size) if np.isfinite(above) else float("inf")
        if ratio <= LIMIT:
            return Finding("pass", ratio, detects=detects)
        message = f"expected   {right:.5g}   got {step:.5g}   R is {above:.1e} above its least value"
        found = _named(call, u)
        return Finding("fail", ratio, message, detects=detects, diagnosis=found, symptom=f"{step:.6g}")

    return Check(name, "the step at which R, the variance after T steps at a level over σ², is least", measure)


def _named(call: Any, u: float) -> tuple[Diagnosis, ...]:
    """The faults that give the implementation's step on every ladder, as near as a search can come to it."""
    try:
        got = [float(call((), {"sigmas": s, "n_steps": n})[0]) for s, n in LADDERS.values()]
    except Exception:  # it answers here and not there: the check of that ladder says so
        return ()
    reach = [_size(*ladder)[1] * float(np.sqrt(LIMIT * u)) for ladder in LADDERS.values()]
    found = []
    for fault in FAULTS:
        wrong = [fault.function(sigmas=s, n_steps=n) for s, n in LADDERS.values()]
        if all(abs(g - w) <= r * abs(w) for g, w, r in zip(got, wrong, reach)):
            found.append(Diagnosis(fault.name, fault.description, fault.effect, fault.link))
    return tuple(found)


def _checks(_: Mapping[str, Any], dtype: str, __: str) -> Iterator[Check]:
    return (_check(name, dtype) for name in LADDERS)


def _least_with(
    gamma: Callable[[Float], float] = _gamma2,
    power: Callable[[int], int] = lambda n_steps: 2 * n_steps,
    unit: Callable[[Float], float] = lambda sigmas: float(sigmas[-1]) ** 2,
) -> Function:
    """The least R with another γ², another power, or in another unit; by the sign of its derivative."""

    def step(*, sigmas: Float, n_steps: int) -> float:
        gamma2, p = gamma(sigmas), power(n_steps)

        def slope(e: float) -> float:
            kept = (1 - e) ** (p - 1)
            return float(2 / (2 - e) ** 2 * (1 - kept * (1 - e)) - p * kept * (gamma2 - 2 / (2 - e)))

        return float(brentq(slope, 0.0, 1.0, xtol=1e-15)) * unit(sigmas)

    return step


FAULTS = (
    Fault(
        "NCSNV2-STEP-first-level",
        "scaled with σ_1², the largest level, not σ_n²",
        "the step is larger by (σ_1/σ_n)²: every chain diverges",
        _least_with(unit=lambda sigmas: float(sigmas[0]) ** 2),
    ),
    Fault(
        "NCSNV2-STEP-unscaled",
        "ε/σ_n² is returned",
        "the step does not know the unit of the data",
        _least_with(unit=lambda sigmas: 1.0),
    ),
    Fault(
        "NCSNV2-STEP-sigma",
        "scaled with σ_n instead of σ_n²",
        "right only for σ_n = 1",
        _least_with(unit=lambda sigmas: float(sigmas[-1])),
    ),
    Fault(
        "NCSNV2-STEP-gamma",
        "γ stands where γ² belongs",
        "a step that is too small: each level ends with the noise of the one before",
        _least_with(gamma=lambda sigmas: np.sqrt(_gamma2(sigmas))),
    ),
    Fault(
        "NCSNV2-STEP-one-power",
        "(1 − ε/σ²)^T instead of ^(2T): the mean's contraction, not the variance's",
        "a step that is too large",
        _least_with(power=lambda n_steps: n_steps),
    ),
    Fault(
        "NCSNV2-STEP-doubled",
        "2ε: the step of x + (ε/2) s + √ε z, where NCSNv2 writes x + ε s + √(2ε) z",
        "in NCSNv2's own sampler the step is twice too large",
        _least_with(unit=lambda sigmas: 2 * float(sigmas[-1]) ** 2),
    ),
    Fault(
        "NCSNV2-STEP-halved",
        "ε/2: the conventions are converted the wrong way",
        "in NCSNv2's own sampler the step is half of what it should be",
        _least_with(unit=lambda sigmas: 0.5 * float(sigmas[-1]) ** 2),
    ),
)

NCSNV2_STEP = Capability(
    name="schedule.ncsnv2_step",
    title="The Langevin step size of NCSNv2",
    signature="ncsnv2_step(*, sigmas (n,), n_steps) -> step size ()",
    formula="R(e) = (1 − e)^(2T) (γ² − q) + q is least,  q = 2/(2 − e),  e = ε/σ_n²",
    label="SCH.9",
    source="Song & Ermon (2020), proposition 3, technique 4",
    page="docs/schedules/ncsn.md",
    reference=ncsnv2_step,
    cases=lambda _: (),
    checks=_checks,
    truth="published for CIFAR-10: 6.2e-6 (232 levels, T = 5)",
    faults=FAULTS,
)
