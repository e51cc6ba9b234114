"""Capabilities ``path.vp`` and ``path.subvp``: a linear rate β, and what its integral B does to signal and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import exp_in_dtype
from refscore.conformance.capabilities.paths.common import path_case, times_of
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.paths import VP, SubVP

__all__ = ["SUBVP_PATH", "VP_PATH"]

RATES = {"": (0.1, 20.0), "beta=0.5-4,": (0.5, 4.0)}
TIMES = times_of(0, 1e-5, 0.005, 0.25, 0.875, 1)


def _cases(reference: Function) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        for prefix, (low, high) in RATES.items():
            keywords = {"beta_min": low, "beta_max": high}
            for name, t in TIMES.items():
                if prefix and name != "batch":
                    continue
                alpha, sigma = reference(t, **keywords)
                size = ((1 + _integral(t, low, high)) * alpha, sigma)  # the exponent is rounded before it is raised
                yield path_case(prefix + name, t, keywords, size)

    return cases


def _integral(t: Float, beta_min: float, beta_max: float) -> Float:
    return t * (beta_min + 0.5 * t * (beta_max - beta_min))


def _with(integral: Callable[[Float, float, float], Float], sigma: Callable[[Float], Float]) -> Function:
    def function(t: Float, *, beta_min: float, beta_max: float) -> Values:
        value = integral(t, beta_min, beta_max)
        return np.exp(-0.5 * value), sigma(value)

    return function


def _root(integral: Float) -> Float:
    value: Float = np.sqrt(-np.expm1(-integral))
    return value


def _no_root(integral: Float) -> Float:
    value: Float = -np.expm1(-integral)
    return value


def _vp(t: Float, *, beta_min: float, beta_max: float) -> Values:
    path = VP(beta_min, beta_max)
    return path.alpha(t), path.sigma(t)


def _subvp(t: Float, *, beta_min: float, beta_max: float) -> Values:
    path = SubVP(beta_min, beta_max)
    return path.alpha(t), path.sigma(t)


def _plain(variance: Callable[[Float], Float], power: float) -> Function:
    """As it stands in most codes, in the dtype of t: from log α to 1 minus a number near 1."""

    def function(t: Float, *, beta_min: float, beta_max: float) -> Values:
        log_alpha = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
        return exp_in_dtype(log_alpha), variance(log_alpha) ** power

    return function


def _one_minus_exp(log_alpha: Float) -> Float:
    return 1.0 - exp_in_dtype(2.0 * log_alpha)


def _one_minus_square(log_alpha: Float) -> Float:
    return 1.0 - exp_in_dtype(log_alpha) ** 2


def _table(t: Float, *, beta_min: float, beta_max: float) -> Values:
    products = np.cumprod(1 - np.linspace(beta_min / 1000, beta_max / 1000, 1000))
    kept = products[(t * 999).astype(int)]
    return np.sqrt(kept), np.sqrt(1 - kept)


def _shared(prefix: str, sigma: Callable[[Float], Float]) -> tuple[Fault, ...]:
    right = _with(_integral, sigma)
    return (
        Fault(
            f"{prefix}-half",
            "α = e^(−B): the ½ in the exponent is missing",
            "noise arrives twice as fast as the SDE brings it",
            _with(lambda t, low, high: 2 * _integral(t, low, high), sigma),
        ),
        Fault(
            f"{prefix}-betas-swapped",
            "β_min and β_max are exchanged",
            "most of the noise arrives next to the data",
            _with(lambda t, low, high: _integral(t, high, low), sigma),
        ),
        Fault(
            f"{prefix}-rate-for-integral",
            "t β(t) stands where ∫β belongs: the ½ of the quadratic term is missing",
            "the levels are those of a path with another β_max",
            _with(lambda t, low, high: t * (low + t * (high - low)), sigma),
        ),
        Fault(
            f"{prefix}-alpha-squared",
            "α² = ᾱ is returned for α",
            "the signal is scaled down twice",
            lambda t, **rates: (right(t, **rates)[0] ** 2, right(t, **rates)[1]),
        ),
        Fault(
            f"{prefix}-parameters-ignored",
            "β_min = 0.1 and β_max = 20 whatever was asked for",
            "right until somebody changes the schedule",
            _with(lambda t, low, high: _integral(t, 0.1, 20.0), sigma),
        ),
    )


VP_PATH = Capability(
    name="path.vp",
    title="The variance-preserving path with a linear rate β",
    signature="vp(t (n,), *, beta_min, beta_max) -> alpha (n,), sigma (n,)",
    formula="α = e^(−B/2),  σ = √(1 − α²) = √(−expm1(−B)),  B = ∫₀ᵗ β = t (β_min + ½ t (β_max − β_min))",
    label="VP.3",
    source="Song et al. (2021), eq. 33",
    page="docs/paths/vp.md",
    reference=_vp,
    cases=_cases(_vp),
    truth="α² + σ² = 1; σ ≈ √(β_min t) near the data",
    faults=(
        Fault(
            "VP-cancellation",
            "1 − exp(·) cancels near the data",
            "the last steps see the wrong noise level: in float32 σ is off by 0.6 % at t = 1e-5, up to 1.4 % above it",
            _plain(_one_minus_exp, 0.5),
            "https://github.com/yang-song/score_sde_pytorch/blob/main/sde_lib.py",
        ),
        Fault(
            "VP-difference",
            "1 − α² cancels near the data",
            "the last steps see the wrong noise level, as with 1 − exp(·)",
            _plain(_one_minus_square, 0.5),
        ),
        Fault(
            "VP-variance",
            "the variance 1 − e^(−B) is returned for σ: no root (this is the σ of sub-VP)",
            "far too little noise near the data",
            _with(_integral, _no_root),
        ),
        Fault(
            "VP-table",
            "looked up in DDPM's table of 1000 steps instead of computed",
            "a staircase in t that never reaches the data: σ(0) = 0.01",
            _table,
        ),
        *_shared("VP", _root),
    ),
)

SUBVP_PATH = Capability(
    name="path.subvp",
    title="The sub-VP path: the signal of VP with less noise",
    signature="subvp(t (n,), *, beta_min, beta_max) -> alpha (n,), sigma (n,)",
    formula="α = e^(−B/2),  σ = 1 − e^(−B) = −expm1(−B),  B = ∫₀ᵗ β = t (β_min + ½ t (β_max − β_min))",
    label="SUBVP.1",
    source="Song et al. (2021), eq. 29",
    page="docs/paths/vp.md",
    reference=_subvp,
    cases=_cases(_subvp),
    truth="σ = 1 − α², the square of VP's σ",
    faults=(
        Fault(
            "SUBVP-cancellation",
            "1 − exp(·) cancels near the data",
            "the last steps see the wrong noise level: in float32 σ is off by 1.2 % at t = 1e-5, up to 2.9 % above it",
            _plain(_one_minus_exp, 1.0),
            "https://github.com/yang-song/score_sde_pytorch/blob/main/sde_lib.py",
        ),
        Fault(
            "SUBVP-difference",
            "1 − α² cancels near the data",
            "the last steps see the wrong noise level, as with 1 − exp(·)",
            _plain(_one_minus_square, 1.0),
        ),
        Fault(
            "SUBVP-root",
            "√(1 − e^(−B)), the σ of VP: the variance of sub-VP is a square already",
            "more noise than the SDE brings, at every t",
            _with(_integral, _root),
        ),
        Fault(
            "SUBVP-variance",
            "the variance (1 − e^(−B))² is returned for σ",
            "hardly any noise near the data",
            _with(_integral, lambda value: np.expm1(-value) ** 2),
        ),
        Fault(
            "SUBVP-one-minus-alpha",
            "σ = 1 − α instead of 1 − α²",
            "half the noise near the data",
            _with(_integral, lambda value: -np.expm1(-0.5 * value)),
        ),
        *_shared("SUBVP", _no_root),
    ),
)
