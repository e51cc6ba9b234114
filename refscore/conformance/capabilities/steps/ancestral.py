"""Capabilities ``step.ancestral_vp`` and ``step.ancestral_ve``: the posterior of one step back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import (
    BATCHES,
    LIFTED,
    Batch,
    claim_of,
    first,
    noise_scale,
    per_sample,
    step_case,
)
from refscore.conformance.capabilities.steps.levels import LEVELS, levels_of
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.samplers import ancestral_ve_step, ancestral_vp_step, small_variance

__all__ = ["ANCESTRAL_VE", "ANCESTRAL_VP"]

VARIANCE = Convention(
    "variance", "small", ("small", "large"), "of x_s given x_t and x_0 (β̃), or of the forward step (β)"
)


def _as_large(noise: Float, sigma: Float, sigma_next: Float, conventions: Mapping[str, Any]) -> Float:
    """The large variance is the small one with a noise σ_t/σ_s times larger."""
    if conventions["variance"] == "small":
        return noise
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(noise * np.where(sigma_next > 0, sigma / sigma_next, 1.0)[:, None])


def _vp_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, batch in BATCHES.items():
        yield _vp_case(f"mid,{name}", batch, "mid", conventions, claim_of(name))
    for when in LEVELS:
        if when != "mid":
            yield _vp_case(when, BATCHES["n=d"], when, conventions)


def _vp_case(name: str, batch: Batch, when: str, conventions: Mapping[str, Any], claim: str = "") -> Case:
    model, x, noise = batch
    noise = np.zeros_like(noise) if when == "last" else noise
    keywords = levels_of(when, len(x))
    larger = _as_large(noise, keywords["sigma_t"], keywords["sigma_s"], conventions)
    at, st, an, sn = (keywords[k][:, None] for k in ("alpha_t", "sigma_t", "alpha_s", "sigma_s"))
    a = at / an
    terms = st**2 + (a * sn) ** 2 + 1 + a**2  # 1 − a² is right too
    v = small_variance(at, st, an, sn)
    relative = terms / (st**2 - (a * sn) ** 2) + st**-2.0 + np.where(sn > 0, sn, np.inf) ** -2.0  # σ² as 1 − α²
    mean = (1 + terms / st**2) / a * (np.abs(x) + (1 + st**2) * model.magnitude(x))  # by way of x̂_0
    size = mean + noise_scale(v, v * relative) * np.abs(larger)
    given = (model, x, noise)
    return step_case(name, given, keywords, size, meant=((model, x, larger), keywords), claim=claim)


def _vp(score: Any, x: Float, noise: Float, *, alpha_t: Float, sigma_t: Float, alpha_s: Float, sigma_s: Float) -> Float:
    levels = {"alpha_t": alpha_t, "sigma_t": sigma_t, "alpha_s": alpha_s, "sigma_s": sigma_s}
    return ancestral_vp_step(score, x, noise, **levels, variance=small_variance(alpha_t, sigma_t, alpha_s, sigma_s))


def _vp_with(
    mean: Callable[[Float, Float, Float, Float, Float, Float], Float] = lambda x, s, a, b2, at, st: (x + b2 * s) / a,
    noise_of: Callable[[Float, Float], Float] = lambda v, z: np.sqrt(v) * z,
    lifted: bool = True,
) -> Function:
    """From mean(x, S, a, b², α_t, σ_t) and noise(β̃, z)."""

    def function(
        score: Any, x: Float, noise: Float, *, alpha_t: Float, sigma_t: Float, alpha_s: Float, sigma_s: Float
    ) -> Float:
        scales = (alpha_t, sigma_t, alpha_s, sigma_s)
        at, st, an, sn = (v[:, None] if lifted else v for v in scales)
        a = at / an
        b2 = st**2 - (a * sn) ** 2
        return mean(x, score(x), a, b2, at, st) + noise_of(b2 * (sn / st) ** 2, noise)

    return function


ANCESTRAL_VP = Capability(
    name="step.ancestral_vp",
    title="One ancestral (DDPM) step",
    signature="ancestral_vp(score, x (n, d), noise (n, d), *, alpha_t (n,), sigma_t (n,), alpha_s (n,), sigma_s (n,))"
    " -> (n, d);  score(x), and α² + σ² = 1",
    formula="x_s = (x + b² s(x))/a + √v z,  a = α_t/α_s,  b² = σ_t² − a² σ_s² = β,  v = b² σ_s²/σ_t² = β̃",
    label="ANC.3",
    source="Ho, Jain & Abbeel (2020), Algorithm 2 and eq. 7",
    page="docs/samplers/ancestral.md",
    reference=_vp,
    cases=_vp_cases,
    conventions=(VARIANCE,),
    truth="the posterior of x_s given x_t and x_0, with x̂_0 = (x + σ_t² s)/α_t in the place of x_0",
    faults=(
        Fault(
            "ANCVP-variance-as-std",
            "the variance multiplies the noise, not its root (or exp of the log-variance, not of its half)",
            "hardly any noise: samples are smooth and too alike",
            _vp_with(noise_of=lambda v, z: v * z),
        ),
        Fault(
            "ANCVP-mean-no-root",
            "(x + β s)/(1 − β): the root is missing",
            "samples grow by 1/a at every step",
            _vp_with(lambda x, s, a, b2, at, st: (x + b2 * s) / a**2),
        ),
        Fault(
            "ANCVP-cumulative-factor",
            "divided by α_t, the product of all steps, not by that of one step",
            "samples explode in the first steps",
            _vp_with(lambda x, s, a, b2, at, st: (x + b2 * s) / at),
            "https://github.com/yang-song/score_sde_pytorch/issues/73",
        ),
        Fault(
            "ANCVP-cumulative-beta",
            "1 − ᾱ_t stands where β = 1 − ᾱ_t/ᾱ_s belongs",
            "all noise is removed at the first step",
            _vp_with(lambda x, s, a, b2, at, st: (x + st**2 * s) / a),
        ),
        Fault(
            "ANCVP-step-noise",
            "β/√β ε̂ instead of β/√(1 − ᾱ_t) ε̂: the noise level of one step, not of t",
            "too much noise is removed near the prior",
            _vp_with(lambda x, s, a, b2, at, st: (x + np.sqrt(b2) * st * s) / a),
        ),
        Fault(
            "ANCVP-score-as-noise",
            "the score goes where the predicted noise belongs: −σ_t is missing",
            "samples flee the data",
            _vp_with(lambda x, s, a, b2, at, st: (x - b2 / st * s) / a),
            "https://github.com/yang-song/score_sde_pytorch/issues/44",
        ),
        Fault(
            "ANCVP-reverse-diffusion",
            "(2 − a) x + b² s: the mean of reverse diffusion",
            "agrees to first order only",
            _vp_with(lambda x, s, a, b2, at, st: (2 - a) * x + b2 * s),
        ),
        Fault(
            "ANCVP-half-score",
            "½ b² s, as in the probability flow, with the noise of the SDE",
            "samples are too wide",
            _vp_with(lambda x, s, a, b2, at, st: (x + 0.5 * b2 * s) / a),
        ),
        Fault(
            "ANCVP-no-noise",
            "the mean without noise",
            "samples collapse",
            _vp_with(noise_of=lambda v, z: 0 * z),
        ),
        Fault(
            "ANCVP-not-lifted",
            "scales of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own level, and only for n = d does nobody complain",
            _vp_with(lifted=False),
            LIFTED,
        ),
        Fault(
            "ANCVP-first-level",
            "all samples use the levels of the first",
            "right only where a batch shares its level",
            lambda score, x, z, **levels: _vp(score, x, z, **{name: first(value) for name, value in levels.items()}),
        ),
    ),
)

SIGMAS = {
    "mid": ((8.0, 1.0, 0.5), (4.0, 0.25, 0.375)),
    "short": ((1.0, 64.0, 0.03125), (1 - 2.0**-8, 63.5, 0.03118896484375)),
    "long": ((64.0, 16.0, 80.0), (0.0625, 0.015625, 1.0)),
    "apart": ((157.0, 50.0, 25.0), (125 * 2.0**-13, 469 * 2.0**-16, 467 * 2.0**-17)),
    "last": ((0.5, 0.03125, 2.0), (0.0, 0.0, 0.0)),
}
APART = "far apart, where σ_down as √(σ'² − σ_up²) is the root of a rounding error; σ'²/σ is the same and safe"


def _ve_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, batch in BATCHES.items():
        yield _ve_case(f"mid,{name}", batch, "mid", conventions, claim_of(name))
    for when in SIGMAS:
        if when != "mid":
            yield _ve_case(when, BATCHES["n=d"], when, conventions, APART if when == "apart" else "")


def _ve_case(name: str, batch: Batch, when: str, conventions: Mapping[str, Any], claim: str = "") -> Case:
    model, x, noise = batch
    noise = np.zeros_like(noise) if when == "last" else noise
    sigma, sigma_next = (per_sample(values, len(x)) for values in SIGMAS[when])
    keywords = {"sigma": sigma, "sigma_next": sigma_next}
    larger = _as_large(noise, sigma, sigma_next, conventions)
    high, low = sigma[:, None], sigma_next[:, None]
    terms = high**2 + low**2
    spread = low / high * noise_scale((high - low) * (high + low), terms)
    size = np.abs(x) + terms * model.magnitude(x) + spread * np.abs(larger)
    given = (model, x, noise)
    return step_case(name, given, keywords, size, meant=((model, x, larger), keywords), claim=claim)


def _ve(score: Any, x: Float, noise: Float, *, sigma: Float, sigma_next: Float) -> Float:
    return ancestral_ve_step(score, x, noise, sigma_t=sigma, sigma_s=sigma_next)


def _ve_with(formula: Callable[[Float, Float, Float, Float, Float], Float], lifted: bool = True) -> Function:
    """From formula(x, S, z, σ, σ')."""

    def function(score: Any, x: Float, noise: Float, *, sigma: Float, sigma_next: Float) -> Float:
        high, low = (v[:, None] if lifted else v for v in (sigma, sigma_next))
        return formula(x, score(x), noise, high, low)

    return function


def _std(high: Float, low: Float) -> Float:
    return np.asarray(low / high * np.sqrt(high**2 - low**2))


ANCESTRAL_VE = Capability(
    name="step.ancestral_ve",
    title="One ancestral (SMLD) step",
    signature="ancestral_ve(score, x (n, d), noise (n, d), *, sigma (n,), sigma_next (n,)) -> (n, d);  score(x)",
    formula="x' = x + (σ² − σ'²) s(x) + (σ'/σ) √(σ² − σ'²) z,  from σ down to σ'",
    label="ANC.6",
    source="Song et al. (2021), eq. 47",
    page="docs/samplers/ancestral.md",
    reference=_ve,
    cases=_ve_cases,
    conventions=(VARIANCE,),
    truth="k-diffusion's Euler step to σ_down = σ'²/σ, then σ_up = (σ'/σ) √(σ² − σ'²) of new noise",
    faults=(
        Fault(
            "ANCVE-not-squared",
            "σ − σ' instead of σ² − σ'², in the mean and under the root",
            "right only where σ + σ' = 1",
            _ve_with(lambda x, s, z, u, v: x + (u - v) * s + v / u * np.sqrt(u - v) * z),
        ),
        Fault(
            "ANCVE-difference-squared",
            "(σ − σ')² instead of σ² − σ'²",
            "far too little is done in short steps",
            _ve_with(lambda x, s, z, u, v: x + (u - v) ** 2 * s + v / u * (u - v) * z),
        ),
        Fault(
            "ANCVE-all-noise",
            "x + σ² s, the clean data, and the noise of the ancestral step on top",
            "too little noise is left: samples collapse",
            _ve_with(lambda x, s, z, u, v: x + u**2 * s + _std(u, v) * z),
        ),
        Fault(
            "ANCVE-renoised",
            "x + σ² s, the clean data, and noise σ' z",
            "right for the noise level, but the predicted noise is forgotten at every step",
            _ve_with(lambda x, s, z, u, v: x + u**2 * s + v * z),
        ),
        Fault(
            "ANCVE-noise-next",
            "the noise has the standard deviation σ'",
            "too much noise at every step",
            _ve_with(lambda x, s, z, u, v: x + (u**2 - v**2) * s + v * z),
        ),
        Fault(
            "ANCVE-variance-as-std",
            "the variance multiplies the noise, not its root",
            "too much noise at large levels, none at small ones",
            _ve_with(lambda x, s, z, u, v: x + (u**2 - v**2) * s + _std(u, v) ** 2 * z),
        ),
        Fault(
            "ANCVE-ratio-squared",
            "(σ'/σ)² √(σ² − σ'²) z: the ratio of variances outside the root",
            "too little noise at every step",
            _ve_with(lambda x, s, z, u, v: x + (u**2 - v**2) * s + v / u * _std(u, v) * z),
        ),
        Fault(
            "ANCVE-half-score",
            "½ (σ² − σ'²) s, as in the probability flow, with the noise of the SDE",
            "samples are too wide",
            _ve_with(lambda x, s, z, u, v: x + 0.5 * (u**2 - v**2) * s + _std(u, v) * z),
        ),
        Fault(
            "ANCVE-sign",
            "the score is subtracted",
            "samples flee the data",
            _ve_with(lambda x, s, z, u, v: x - (u**2 - v**2) * s + _std(u, v) * z),
        ),
        Fault(
            "ANCVE-not-lifted",
            "levels of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own level, and only for n = d does nobody complain",
            _ve_with(lambda x, s, z, u, v: x + (u**2 - v**2) * s + _std(u, v) * z, lifted=False),
            LIFTED,
        ),
    ),
)
