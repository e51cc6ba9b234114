"""Capabilities ``path.ve`` and ``path.edm``: the data stay as they are, and noise is added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.paths.common import path_case, times_of
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function, Values
from refscore.paths import EDM, VE, VETransition

__all__ = ["EDM_PATH", "VE_PATH"]

KERNEL = Convention(
    "kernel", "marginal", ("marginal", "transition"), "σ(t), or √(σ² − σ_min²), what the SDE does to clean data"
)
LEVELS = {"": (0.01, 50.0), "sigma=0.5-8,": (0.5, 8.0)}
TIMES = times_of(0, 1e-7, 1e-5, 0.25, 0.875, 1)


def _ve(t: Float, *, sigma_min: float, sigma_max: float, kernel: str = "marginal") -> Values:
    path = VE(sigma_min, sigma_max) if kernel == "marginal" else VETransition(sigma_min, sigma_max)
    return path.alpha(t), path.sigma(t)


def _ve_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    told = {"kernel": conventions["kernel"]}
    for prefix, (low, high) in LEVELS.items():
        keywords = {"sigma_min": low, "sigma_max": high}
        for name, t in TIMES.items():
            if prefix and name != "batch":
                continue
            alpha, sigma = _ve(t, **keywords, kernel=conventions["kernel"])
            logs = 1 + abs(np.log(low)) + abs(np.log(high))  # exp of interpolated logarithms is a right code too
            yield path_case(prefix + name, t, keywords, (alpha, logs * sigma), told=told)


def _ve_with(level: Callable[[Float, float, float], Float]) -> Function:
    def function(t: Float, *, sigma_min: float, sigma_max: float, kernel: str = "marginal") -> Values:
        sigma = level(t, sigma_min, sigma_max)
        return np.ones_like(t), sigma if kernel == "marginal" else np.sqrt(sigma**2 - sigma_min**2)

    return function


def _variance(t: Float, **levels: Any) -> Values:
    alpha, sigma = _ve(t, **levels)
    return alpha, sigma**2


def _preserved(t: Float, **levels: Any) -> Values:
    alpha, sigma = _ve(t, **levels)
    return alpha / np.hypot(1, sigma), sigma / np.hypot(1, sigma)


def _difference(t: Float, *, sigma_min: float, sigma_max: float, kernel: str = "transition") -> Values:
    if kernel == "marginal":
        raise ValueError("nothing is subtracted in the marginal kernel")
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return np.ones_like(t), np.sqrt(sigma**2 - sigma_min**2)


VE_PATH = Capability(
    name="path.ve",
    title="The variance-exploding path",
    signature="ve(t (n,), *, sigma_min, sigma_max) -> alpha (n,), sigma (n,)",
    formula='α = 1,  σ = σ_min (σ_max/σ_min)^t; kernel "transition": √(σ² − σ_min²)',
    label="VE.1",
    source="Song et al. (2021), eq. 31",
    page="docs/paths/ve.md",
    reference=_ve,
    cases=_ve_cases,
    conventions=(KERNEL,),
    truth="log σ is linear in t; at t = 0.01 the two kernels have 0.0109 and 0.0043 (σ from 0.01 to 50)",
    faults=(
        Fault(
            "VE-arithmetic",
            "σ is interpolated linearly, not geometrically",
            "nearly all of the time is spent on large noise",
            _ve_with(lambda t, low, high: low + t * (high - low)),
        ),
        Fault(
            "VE-variance",
            "the variance is returned for σ",
            "noise levels from σ_min² to σ_max²",
            _variance,
        ),
        Fault(
            "VE-cancellation",
            "√(σ² − σ_min²) by subtraction, which cancels near the data",
            "the last steps see the wrong noise level",
            _difference,
            declared={"kernel": "transition"},
        ),
        Fault(
            "VE-unscaled",
            "(σ_max/σ_min)^t: the factor σ_min is missing",
            "every noise level is 1/σ_min too large",
            _ve_with(lambda t, low, high: (high / low) ** t),
        ),
        Fault(
            "VE-reversed",
            "σ runs from σ_max at t = 0 to σ_min at t = 1",
            "sampling starts where it should end",
            _ve_with(lambda t, low, high: high * (low / high) ** t),
        ),
        Fault(
            "VE-root-time",
            'σ = σ_max √t: noise of a constant rate, as in EDM\'s "VE"',
            "far too much noise at every t but the last",
            _ve_with(lambda t, low, high: high * np.sqrt(t)),
        ),
        Fault(
            "VE-preserved",
            "α and σ are divided by √(1 + σ²)",
            "a network trained on the one sees the other's inputs",
            _preserved,
        ),
    ),
)


def _edm(t: Float) -> Values:
    return EDM().alpha(t), EDM().sigma(t)


def _edm_cases(_: Mapping[str, Any]) -> Iterator[Case]:
    for name, t in times_of(0, 0.002, 0.5, 1, 8, 80).items():
        yield path_case(name, t, {}, _edm(t))


EDM_PATH = Capability(
    name="path.edm",
    title="The path of EDM: time is the noise level",
    signature="edm(t (n,)) -> alpha (n,), sigma (n,)",
    formula="α = 1,  σ = t",
    label="EDM.1",
    source="Karras et al. (2022), Table 1",
    page="docs/paths/edm.md",
    reference=_edm,
    cases=_edm_cases,
    faults=(
        Fault(
            "EDM-root",
            "σ = √t, which EDM's table calls VE",
            "times are read as variances",
            lambda t: (np.ones_like(t), np.sqrt(t)),
        ),
        Fault(
            "EDM-variance",
            "the variance t² is returned for σ",
            "every noise level is squared",
            lambda t: (np.ones_like(t), t**2),
        ),
        Fault(
            "EDM-log",
            "t is read as log σ",
            "the level 80 becomes 5e34",
            lambda t: (np.ones_like(t), np.exp(t)),
        ),
        Fault(
            "EDM-preserved",
            "α = 1/√(1 + t²), σ = t/√(1 + t²): the sample in the scale of VP",
            "the denoiser is given inputs of the wrong scale",
            lambda t: (1 / np.hypot(1, t), t / np.hypot(1, t)),
        ),
        Fault(
            "EDM-preconditioned",
            "scaled by c_in = 1/√(t² + σ_data²), which belongs inside the denoiser",
            "the input is scaled twice",
            lambda t: (1 / np.hypot(0.5, t), t / np.hypot(0.5, t)),
        ),
        Fault(
            "EDM-floor",
            "σ never below 0.002",
            "the data are never reached",
            lambda t: (np.ones_like(t), np.maximum(t, 0.002)),
        ),
    ),
)
