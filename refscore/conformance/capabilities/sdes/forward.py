"""Capabilities ``sde.vp``, ``sde.subvp`` and ``sde.ve``: drift f x and diffusion g, not g², of the forward SDE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import exp_in_dtype, where_zero
from refscore.conformance.capabilities.sdes.common import BATCHES, LATE, NEAR, STATES
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.paths import VE, VP, SubVP
from refscore.sde import forward_sde

__all__ = ["SUBVP_SDE", "VE_SDE", "VP_SDE"]


def _cases(
    reference: Function, parameters: Mapping[str, Mapping[str, float]], terms: Callable[..., float]
) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(_: Mapping[str, Any]) -> Iterator[Case]:
        for prefix, keywords in parameters.items():
            for when, times in (("near", NEAR), ("late", LATE)):
                for name, part in BATCHES.items():
                    if prefix and name != "n=d":
                        continue
                    yield _case(f"{prefix}{when},{name}", reference, STATES[part], times[part[0]], keywords, terms)

    return cases


def _case(
    name: str, reference: Function, x: Float, t: Float, keywords: Mapping[str, float], terms: Callable[..., float]
) -> Case:
    def expect(function: Function) -> Values:
        drift, diffusion = function(x, t, **keywords)
        return np.asarray(drift), np.asarray(diffusion)

    drift, diffusion = reference(x, t, **keywords)
    size = (np.abs(drift), terms(**keywords) * diffusion)
    return Case(name, (x, t), expect, tuple(where_zero(s) for s in size), keywords)


def _rate(t: Float, beta_min: float, beta_max: float) -> Float:
    return beta_min + t * (beta_max - beta_min)


def _integral(t: Float, beta_min: float, beta_max: float) -> Float:
    return t * (beta_min + 0.5 * t * (beta_max - beta_min))


def _with(
    drift: Callable[[Float, Float], Float], diffusion: Callable[[Float, Float], Float], swapped: bool = False
) -> Function:
    """From drift(x, β) and diffusion(β, B) to the function of the capability."""

    def function(x: Float, t: Float, *, beta_min: float, beta_max: float) -> Values:
        low, high = (beta_max, beta_min) if swapped else (beta_min, beta_max)
        rate = _rate(t, low, high)
        return drift(x, rate), diffusion(rate, _integral(t, low, high))

    return function


def _drift(x: Float, rate: Float) -> Float:
    return -0.5 * rate[:, None] * x


def _vp_diffusion(rate: Float, _: Float) -> Float:
    return np.asarray(np.sqrt(rate))


def _subvp_diffusion(rate: Float, integral: Float) -> Float:
    return np.asarray(np.sqrt(-rate * np.expm1(-2 * integral)))


def _step(x: Float, t: Float, *, beta_min: float, beta_max: float) -> Values:
    rate = _rate(t, beta_min, beta_max)
    return -0.5 * rate[:, None] * x / 1000, np.sqrt(rate / 1000)


def _drift_faults(prefix: str, diffusion: Callable[[Float, Float], Float]) -> tuple[Fault, ...]:
    return (
        Fault(
            f"{prefix}-no-half",
            "drift −β x: the ½ is missing",
            "the signal decays twice as fast as the noise is made for",
            _with(lambda x, rate: -rate[:, None] * x, diffusion),
        ),
        Fault(
            f"{prefix}-drift-sign",
            "drift +½ β x",
            "the signal grows: the variance explodes",
            _with(lambda x, rate: 0.5 * rate[:, None] * x, diffusion),
        ),
        Fault(
            f"{prefix}-not-lifted",
            "β of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own time, and only for n = d does nobody complain",
            _with(lambda x, rate: -0.5 * rate * x, diffusion),
            "https://github.com/facebookresearch/flow_matching",
        ),
        Fault(
            f"{prefix}-variance",
            "g² is returned for g",
            "far too much noise in a step late in time",
            _with(_drift, lambda rate, integral: diffusion(rate, integral) ** 2),
        ),
        Fault(
            f"{prefix}-betas-swapped",
            "β_min and β_max are exchanged",
            "most of the noise arrives next to the data",
            _with(_drift, diffusion, swapped=True),
        ),
    )


def _vp(x: Float, t: Float, *, beta_min: float, beta_max: float) -> Values:
    return forward_sde(x, t, path=VP(beta_min, beta_max))


def _subvp(x: Float, t: Float, *, beta_min: float, beta_max: float) -> Values:
    return forward_sde(x, t, path=SubVP(beta_min, beta_max))


RATES = {"": {"beta_min": 0.1, "beta_max": 20.0}, "beta=0.5-4,": {"beta_min": 0.5, "beta_max": 4.0}}

VP_SDE = Capability(
    name="sde.vp",
    title="The forward SDE of the VP path",
    signature="vp(x (n, d), t (n,), *, beta_min, beta_max) -> drift (n, d), diffusion (n,)",
    formula="dx = −½ β x dt + √β dw,  β = β_min + t (β_max − β_min); the diffusion is g, not g²",
    label="VP.9",
    source="Song et al. (2021), eq. 11",
    page="docs/paths/vp.md",
    reference=_vp,
    cases=_cases(_vp, RATES, lambda **_: 1.0),
    truth="keeps N(0, I): g² = −2 f",
    faults=(
        *_drift_faults("VPSDE", _vp_diffusion),
        Fault(
            "VPSDE-step",
            "f/1000 and g/√1000: one step of a chain, not the rate per unit of time",
            "with dt applied once more hardly anything happens",
            _step,
        ),
        Fault(
            "VPSDE-subvp",
            "the diffusion of sub-VP",
            "too little noise next to the data",
            _with(_drift, _subvp_diffusion),
        ),
    ),
)

SUBVP_SDE = Capability(
    name="sde.subvp",
    title="The forward SDE of the sub-VP path",
    signature="subvp(x (n, d), t (n,), *, beta_min, beta_max) -> drift (n, d), diffusion (n,)",
    formula="dx = −½ β x dt + √(β (1 − e^(−2B))) dw,  B = ∫₀ᵗ β; the diffusion is g, not g²",
    label="SUBVP.5",
    source="Song et al. (2021), eq. 12",
    page="docs/paths/vp.md",
    reference=_subvp,
    cases=_cases(_subvp, RATES, lambda **_: 1.0),
    truth="g(0) = 0, g ≈ β √(2t) next to the data",
    faults=(
        *_drift_faults("SUBVPSDE", _subvp_diffusion),
        Fault(
            "SUBVPSDE-vp",
            "g = √β, the diffusion of VP",
            "more noise than the path has, at every t",
            _with(_drift, _vp_diffusion),
        ),
        Fault(
            "SUBVPSDE-one-integral",
            "1 − e^(−B) instead of 1 − e^(−2B)",
            "the variance next to the data is half of what it should be",
            _with(_drift, lambda rate, integral: np.sqrt(-rate * np.expm1(-integral))),
        ),
        Fault(
            "SUBVPSDE-cancellation",
            "1 − exp(·) cancels near the data",
            "in float32 g is wrong or zero below t = 1e-3",
            _with(_drift, lambda rate, integral: np.sqrt(rate * (1.0 - exp_in_dtype(-2 * integral)))),
            "https://github.com/yang-song/score_sde_pytorch/blob/main/sde_lib.py",
        ),
    ),
)


def _ve(x: Float, t: Float, *, sigma_min: float, sigma_max: float) -> Values:
    return forward_sde(x, t, path=VE(sigma_min, sigma_max))


def _ve_terms(sigma_min: float, sigma_max: float) -> float:
    return float(1 + abs(np.log(sigma_min)) + abs(np.log(sigma_max)))  # exp of interpolated logarithms is right too


def _ve_with(diffusion: Callable[[Float, float], Float]) -> Function:
    """From diffusion(σ, log(σ_max/σ_min)) to the function of the capability."""

    def function(x: Float, t: Float, *, sigma_min: float, sigma_max: float) -> Values:
        sigma = sigma_min * (sigma_max / sigma_min) ** t
        return np.zeros_like(x), diffusion(sigma, float(np.log(sigma_max / sigma_min)))

    return function


def _contracting(x: Float, t: Float, *, sigma_min: float, sigma_max: float) -> Values:
    sigma, log_ratio = sigma_min * (sigma_max / sigma_min) ** t, np.log(sigma_max / sigma_min)
    return -0.5 * sigma[:, None] ** 2 * x, sigma * np.sqrt(2 * log_ratio)


def _arithmetic(x: Float, t: Float, *, sigma_min: float, sigma_max: float) -> Values:
    slope = sigma_max - sigma_min
    return np.zeros_like(x), np.sqrt(2 * (sigma_min + t * slope) * slope)


VE_SDE = Capability(
    name="sde.ve",
    title="The forward SDE of the VE path",
    signature="ve(x (n, d), t (n,), *, sigma_min, sigma_max) -> drift (n, d), diffusion (n,)",
    formula="dx = σ √(2 log(σ_max/σ_min)) dw,  σ = σ_min (σ_max/σ_min)^t; the diffusion is g, not g²",
    label="VE.5",
    source="Song et al. (2021), eq. 30",
    page="docs/paths/ve.md",
    reference=_ve,
    cases=_cases(
        _ve,
        {"": {"sigma_min": 0.01, "sigma_max": 50.0}, "sigma=0.5-8,": {"sigma_min": 0.5, "sigma_max": 8.0}},
        _ve_terms,
    ),
    truth="g² is the derivative of σ²",
    faults=(
        Fault(
            "VESDE-no-log",
            "g = σ: the factor √(2 log(σ_max/σ_min)) is missing",
            "a fraction of the noise that the path has",
            _ve_with(lambda sigma, log_ratio: sigma),
            "https://github.com/deepinv/deepinv/issues/775",
        ),
        Fault(
            "VESDE-no-two",
            "g = σ √log(σ_max/σ_min): the 2 is missing",
            "half the variance that the path has",
            _ve_with(lambda sigma, log_ratio: sigma * np.sqrt(log_ratio)),
        ),
        Fault(
            "VESDE-slope",
            "g = σ' = σ log(σ_max/σ_min), not the root of the derivative of σ²",
            "too much noise where σ_max/σ_min > e²",
            _ve_with(lambda sigma, log_ratio: sigma * log_ratio),
        ),
        Fault(
            "VESDE-variance",
            "g² is returned for g",
            "far too much noise late in time, far too little next to the data",
            _ve_with(lambda sigma, log_ratio: sigma**2 * 2 * log_ratio),
        ),
        Fault(
            "VESDE-arithmetic",
            "g of a σ that is interpolated linearly",
            "the noise of another path",
            _arithmetic,
        ),
        Fault(
            "VESDE-drift",
            "a drift −½ σ² x, as VP has one",
            "the signal decays; on this path it stays",
            _contracting,
        ),
    ),
)
