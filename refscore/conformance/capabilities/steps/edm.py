"""Capability ``step.edm``: noise up to σ̂ = (1 + γ) σ, then down to σ' with one slope or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import LIFTED, first
from refscore.conformance.capabilities.steps.edm_cases import CAP, CHURN, ORDER, edm_cases, reference_step
from refscore.conformance.capability import Capability, Fault, Function

__all__ = ["EDM_STEP"]


def _with(
    noise_scale: Callable[[Float, Float], Float] = lambda old, up: np.sqrt(up**2 - old**2),
    times: Callable[[float], float] = lambda s: s,
    gamma: Callable[[float, bool], float] = lambda churn, capped: min(churn, CAP) if capped else churn,
    up: Callable[[Float, float], Float] = lambda old, g: old * (1 + g),
    first: Callable[..., Float] = lambda D, x, y, old, up: (y - D(y, up)) / up,
    second: Callable[..., Float] = lambda D, y, euler, up, down: (euler - D(euler, down)) / down,
    down: Callable[..., Float] = lambda x, y, dt, d, e: y + dt * (d + e) / 2,
    reach: Callable[[Float, Float, Float], Float] = lambda old, up, down: down - up,
    skipped: bool = True,
    lifted: bool = True,
) -> Function:
    """The step with one rule exchanged; `D` is told a level of shape (n, 1)."""

    def function(
        denoiser: Any,
        x: Float,
        noise: Float,
        *,
        sigma: Float,
        sigma_next: Float,
        churn: float,
        s_noise: float,
        order: int = 2,
        capped: bool = False,
    ) -> Float:
        def model(y: Float, level: Float) -> Float:
            return np.asarray(denoiser(y, level[:, 0] if lifted else level))

        old, end = (sigma[:, None], sigma_next[:, None]) if lifted else (sigma, sigma_next)
        high = up(old, gamma(churn, capped))
        y = x + noise_scale(old, high) * times(s_noise) * noise
        d = first(model, x, y, old, high)
        dt = reach(old, high, end)
        e = d
        if order == 2:
            e = second(model, y, y + dt * d, high, end)
            e = np.where(end > 0, e, d) if skipped else e
        return np.asarray(down(x, y, dt, d, e))

    return function


EDM_STEP = Capability(
    name="step.edm",
    title="One step of EDM's sampler: noise up, Heun down",
    signature="edm(denoiser, x (n, d), noise (n, d), *, sigma (n,), sigma_next (n,), churn, s_noise) -> (n, d);"
    "  denoiser(x, sigma), and 0 ≤ σ' < σ",
    formula="x' = x̂ + (σ' − σ̂) (d + d')/2,  x' = x̃ where σ' = 0",
    label="EDMS.3",
    source="Karras et al. (2022), Algorithm 2, lines 4 to 11",
    page="docs/samplers/edm.md",
    reference=reference_step,
    cases=edm_cases,
    conventions=(ORDER, CHURN),
    derivation=(
        "σ̂ = (1 + γ) σ,  x̂ = x + √(σ̂² − σ²) S z,  with γ = churn as it comes,",
        'or where churn="rate" is declared and churn is S_churn/N, γ = min(churn, √2 − 1).',
        "d = (x̂ − D(x̂, σ̂))/σ̂,  x̃ = x̂ + (σ' − σ̂) d,  d' = (x̃ − D(x̃, σ'))/σ'.",
        "At σ' = 0 this is 0/0, and the step is Euler's. With order=1 it is that throughout.",
    ),
    truth="for S = 1 exact states stay exact at σ̂: churn alone changes no law",
    faults=(
        Fault(
            "EDM-noise-prediction-before",
            "the noise is predicted at (x, σ), before noise is added, and is the slope from σ̂ on",
            "the noise added is never removed: samples are too wide wherever there is churn",
            _with(first=lambda D, x, y, old, up: (x - D(x, old)) / old),
            "https://github.com/huggingface/diffusers/blob/main/src/diffusers/schedulers/scheduling_euler_discrete.py",
        ),
        Fault(
            "EDM-data-prediction-before",
            "the data are predicted at (x, σ), before noise is added, and used from σ̂ on",
            "the step does not see the noise it added",
            _with(first=lambda D, x, y, old, up: (y - D(x, old)) / up),
        ),
        Fault(
            "EDM-churn-no-root",
            "(σ̂² − σ²) S z: the root is missing",
            "too much noise at high levels, too little at low ones",
            _with(noise_scale=lambda old, up: up**2 - old**2),
        ),
        Fault(
            "EDM-churn-difference",
            "(σ̂ − σ) S z: standard deviations are subtracted, not variances",
            "far too little noise: the state is narrower than its level says",
            _with(noise_scale=lambda old, up: up - old),
        ),
        Fault(
            "EDM-churn-added",
            "σ̂ = σ + γ instead of (1 + γ) σ",
            "as much churn at the last levels as at the first",
            _with(up=lambda old, g: old + g),
        ),
        Fault(
            "EDM-churn-not-capped",
            "γ = churn, not capped at √2 − 1",
            "few steps with S_churn as in the paper throw the state far above its level",
            _with(gamma=lambda churn, _: churn),
            declared={"churn": "rate"},
        ),
        Fault(
            "EDM-s-noise-squared",
            "the noise is multiplied by S²",
            "S_noise = 1.007 counts twice",
            _with(times=lambda s: s * s),
        ),
        Fault(
            "EDM-s-noise-ignored",
            "S does not multiply the noise",
            "S_noise has no effect",
            _with(times=lambda s: 1.0),
        ),
        Fault(
            "EDM-told-old-level",
            "the model at x̂ is told σ, not σ̂",
            "the noise added is taken for signal",
            _with(first=lambda D, x, y, old, up: (y - D(y, old)) / up),
        ),
        Fault(
            "EDM-divided-by-old-level",
            "d = (x̂ − D)/σ, not divided by σ̂",
            "steps too long by 1 + γ",
            _with(first=lambda D, x, y, old, up: (y - D(y, up)) / old),
        ),
        Fault(
            "EDM-from-old-level",
            "the step has the length σ' − σ, not σ' − σ̂",
            "the noise added stays in the samples",
            _with(reach=lambda old, up, down: down - old),
        ),
        Fault(
            "EDM-from-old-state",
            "the slopes are added to x, not to x̂",
            "the noise moves the model only: samples have too little of it",
            _with(down=lambda x, y, dt, d, e: x + dt * (d + e) / 2),
        ),
        Fault(
            "EDM-correction-level",
            "the correction asks the model at σ̂, not at σ'",
            "order 1, and no other sign of it",
            _with(second=lambda D, y, euler, up, down: (euler - D(euler, up)) / down),
            "https://github.com/huggingface/diffusers/pull/1512",
        ),
        Fault(
            "EDM-correction-old-level",
            "the correction asks the model at σ̂ and divides by σ̂, not by σ'",
            "order 1, at the price of two evaluations",
            _with(second=lambda D, y, euler, up, down: (euler - D(euler, up)) / up),
        ),
        Fault(
            "EDM-correction-divided",
            "d' = (x̃ − D(x̃, σ'))/σ̂, not divided by σ'",
            "order 1: the second slope is too small",
            _with(second=lambda D, y, euler, up, down: (euler - D(euler, down)) / up),
        ),
        Fault(
            "EDM-correction-state",
            "the correction asks the model at x̂, not at x̃",
            "order 1, at the price of two evaluations",
            _with(second=lambda D, y, euler, up, down: (y - D(y, down)) / down),
        ),
        Fault(
            "EDM-correction-at-zero",
            "the correction is not skipped at σ' = 0",
            "the last step divides by 0: samples are not numbers",
            _with(skipped=False),
        ),
        Fault(
            "EDM-no-average",
            "the second slope alone, not the mean of both",
            "order 1, at the price of two evaluations",
            _with(down=lambda x, y, dt, d, e: y + dt * e),
        ),
        Fault(
            "EDM-not-halved",
            "the sum of both slopes, not their mean",
            "every step goes twice as far",
            _with(down=lambda x, y, dt, d, e: y + dt * (d + e)),
        ),
        Fault(
            "EDM-from-euler-state",
            "the mean slope is added to x̃ instead of x̂",
            "every step goes twice as far",
            _with(down=lambda x, y, dt, d, e: y + dt * d + dt * (d + e) / 2),
        ),
        Fault(
            "EDM-direction",
            "the slopes are added with σ̂ − σ'",
            "samples run away from the data",
            _with(reach=lambda old, up, down: up - down),
        ),
        Fault(
            "EDM-takes-noise",
            "the prediction is taken for the noise, not for the data",
            "samples are noise",
            _with(
                first=lambda D, x, y, old, up: D(y, up),
                second=lambda D, y, euler, up, down: D(euler, down),
            ),
        ),
        Fault(
            "EDM-shared-noise",
            "one noise vector for the whole batch",
            "samples are not independent of each other",
            lambda denoiser, x, noise, **named: reference_step(
                denoiser, x, np.broadcast_to(noise[:1], x.shape), **named
            ),
        ),
        Fault(
            "EDM-not-lifted",
            "levels of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension has its own level, and only for n = d does nobody complain",
            _with(lifted=False),
            LIFTED,
        ),
        Fault(
            "EDM-first-level",
            "all samples step between the levels of the first",
            "right only where a batch shares its level",
            lambda denoiser, x, noise, *, sigma, sigma_next, **named: reference_step(
                denoiser, x, noise, sigma=first(sigma), sigma_next=first(sigma_next), **named
            ),
        ),
    ),
)
