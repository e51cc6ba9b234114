"""Capabilities ``path.cosine`` and ``path.flow``: paths that end in noise alone, offered on either clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.paths.common import TIME, clock, path_case, times_of
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.paths import Cosine, Flow

__all__ = ["COSINE_PATH", "FLOW_PATH"]

# On either clock: next to the data 1 - t is a number of float32 as well.
TIMES = times_of(0, 1e-5, 0.001, 0.25, 0.625, 0.999, 0.99999, 1)


def _cosine(t: Float, *, s: float) -> Values:
    path = Cosine(s)
    return path.alpha(t), path.sigma(t)


def _cosine_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for prefix, s in {"": 0.008, "s=0.125,": 0.125}.items():
        for name, t in TIMES.items():
            if prefix and name != "batch":
                continue
            time = clock(t, conventions)
            sigma = _cosine(time, s=s)[1]
            # σ is a root of products of rounded sines: two roundings. A cosine next to π/2 has an absolute error;
            # nothing but noise is left there, so that is right enough.
            yield path_case(prefix + name, t, {"s": s}, (np.ones_like(t), 2 * sigma), reference_time=time)


def _angle(t: Float, s: float) -> Float:
    return (t + s) / (1 + s) * np.pi / 2


def _cosine_with(alpha: Callable[[Float, float], Float]) -> Function:
    def function(t: Float, *, s: float) -> Values:
        value = alpha(t, s)
        return value, np.sqrt(np.maximum((1 - value) * (1 + value), 0))

    return function


def _alpha_squared(t: Float, *, s: float) -> Values:
    alpha, sigma = _cosine(t, s=s)
    return alpha**2, sigma


def _cosine_plain(t: Float, *, s: float) -> Values:
    kept = np.cos(_angle(t, s)) ** 2 / np.cos(_angle(0 * t, s)) ** 2
    return np.sqrt(kept), np.sqrt(1 - kept)


COSINE_PATH = Capability(
    name="path.cosine",
    title="The cosine path with offset s",
    signature="cosine(t (n,), *, s) -> alpha (n,), sigma (n,)",
    formula="α² = f(t)/f(0),  σ = √(1 − α²) = √(sin(ct) sin(ct + 2cs))/sin c,  f = cos²(c (t + s)),  c = ½π/(1 + s)",
    label="COS.3",
    source="Nichol & Dhariwal (2021), eq. 17",
    page="docs/paths/cosine.md",
    reference=_cosine,
    cases=_cosine_cases,
    conventions=(TIME,),
    truth="α(0) = 1, α(1) = 0, α² + σ² = 1",
    faults=(
        Fault(
            "COS-cancellation",
            "1 − ᾱ cancels near the data",
            "the last steps see the wrong noise level: in float32 σ is off by 4 % at t = 1e-5",
            _cosine_plain,
        ),
        Fault(
            "COS-not-normalised",
            "f is not divided by f(0)",
            "α(0) = 0.99992 and σ(0) = 0.0125: the data are never reached",
            _cosine_with(lambda t, s: np.cos(_angle(t, s))),
        ),
        Fault(
            "COS-not-squared",
            "ᾱ is the cosine, not its square",
            "too much signal at every t",
            _cosine_with(lambda t, s: np.sqrt(np.maximum(np.cos(_angle(t, s)), 0) / np.cos(_angle(0 * t, s)))),
            "https://github.com/lilianweng/lilianweng.github.io/issues/9",
        ),
        Fault(
            "COS-alpha-squared",
            "α² = ᾱ is returned for α",
            "the signal is scaled down twice",
            _alpha_squared,
        ),
        Fault(
            "COS-offset-squared",
            "s² stands where s belongs",
            "too little noise near the data",
            lambda t, *, s: _cosine(t, s=s**2),
        ),
        Fault(
            "COS-offset-outside",
            "t/(1 + s) + s instead of (t + s)/(1 + s)",
            "the signal has changed its sign at the end",
            _cosine_with(lambda t, s: np.cos((t / (1 + s) + s) * np.pi / 2) / np.cos(s * np.pi / 2)),
        ),
        Fault(
            "COS-no-offset",
            "the offset is left out",
            "too little noise near the data",
            lambda t, *, s: _cosine(t, s=0.0),
        ),
        Fault(
            "COS-linear-sigma",
            "σ = 1 − α",
            "hardly any noise near the data, and α² + σ² < 1",
            lambda t, *, s: (_cosine(t, s=s)[0], 1 - _cosine(t, s=s)[0]),
        ),
    ),
)


def _flow(t: Float) -> Values:
    return Flow().alpha(t), Flow().sigma(t)


def _flow_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, t in TIMES.items():
        time = clock(t, conventions)
        yield path_case(name, t, {}, (np.ones_like(t), _flow(time)[1]), reference_time=time)


def _shifted(t: Float) -> Values:
    late = 3 * t / (1 + 2 * t)
    return 1 - late, late


FLOW_PATH = Capability(
    name="path.flow",
    title="The straight path of flow matching and rectified flow",
    signature="flow(t (n,)) -> alpha (n,), sigma (n,)",
    formula="α = 1 − t,  σ = t",
    label="FLOW.1",
    source="Liu et al. (2023), eq. 1; Lipman et al. (2023), eq. 20",
    page="docs/paths/flow.md",
    reference=_flow,
    cases=_flow_cases,
    conventions=(TIME,),
    truth="α + σ = 1",
    faults=(
        Fault(
            "FLOW-preserving",
            "σ = √(1 − α²): the variance is kept",
            "too much noise at every t, and the velocity is not ε − x₀",
            lambda t: (1 - t, np.sqrt(t * (2 - t))),
        ),
        Fault(
            "FLOW-root",
            "α = √(1 − t), σ = √t: the variances are interpolated",
            "too much noise at every t, and the velocity is not ε − x₀",
            lambda t: (np.sqrt(1 - t), np.sqrt(t)),
        ),
        Fault(
            "FLOW-trigonometric",
            "α = cos(πt/2), σ = sin(πt/2)",
            "the right ends on another path",
            lambda t: (np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)),
        ),
        Fault(
            "FLOW-floor",
            "σ = σ_min + (1 − σ_min) t with σ_min = 1e-4",
            "the data are never reached",
            lambda t: (1 - t, 1e-4 + (1 - 1e-4) * t),
        ),
        Fault(
            "FLOW-shifted",
            "the shift 3t/(1 + 2t) of a sampler's grid is applied inside the path",
            "with the sampler's own it is applied twice",
            _shifted,
            "https://github.com/huggingface/diffusers/issues/13243",
        ),
        Fault(
            "FLOW-thousandth",
            "t is divided by 1000, as if it were a step index",
            "hardly any noise at all",
            lambda t: (1 - t / 1000, t / 1000),
        ),
    ),
)
