"""Capabilities ``objective.denoising`` and ``objective.multilevel``: the score of noised data from the noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import (
    BATCHES,
    COMMON,
    MODEL,
    NOISE,
    half_square,
    objective_case,
)
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.objectives import denoising, multilevel

__all__ = ["DENOISING", "MULTILEVEL", "POWERS"]

POWERS = {"one": 0, "sigma**2": 2, "sigma**4": 4}  # of σ, by weight


def _target_terms(score_terms: Float, x0: Float, noise: Float, sigma: Float | float) -> Float:
    # The last term lets pass codes that recover the noise as (x − x0)/σ²: a worse algebra, not a wrong one.
    return score_terms + np.abs(noise) / sigma + (np.abs(x0) + sigma * np.abs(noise)) / sigma**2


def _denoising_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for sigma in (2.0**-7, 0.5, 8.0):
        for name, x0 in BATCHES.items():
            noise = NOISE[: len(x0)]
            x = x0 + sigma * noise
            residual = MODEL(x) + noise / sigma
            shift = np.abs(MODEL.jacobian_magnitude(x) @ np.abs(x)[..., None])[..., 0]  # x itself is rounded
            size = half_square(residual, _target_terms(MODEL.magnitude(x) + shift, x0, noise, sigma))
            weight = sigma ** POWERS[conventions["weight"]]
            arguments = (MODEL, x0, noise, sigma)
            yield objective_case(
                f"sigma={sigma:g},{name}", conventions, arguments, denoising, size, weight, random=(2,)
            )


def _denoising_with(residual: Callable[[Any, Float, Float, float], Float]) -> Function:
    return lambda s, x0, noise, sigma: 0.5 * (residual(s, x0, noise, sigma) ** 2).sum(-1)


DENOISING = Capability(
    name="objective.denoising",
    title="Denoising score matching at one noise level",
    signature="denoising(score, x0 (n, d), noise (n, d), sigma ()) -> (n,)",
    formula="ℓ = ½ |s(x₀ + σ ε) + ε/σ|²",
    label="DSM.3",
    source="Vincent (2011), eq. 11",
    page="docs/objectives/denoising.md",
    reference=denoising,
    cases=_denoising_cases,
    conventions=(*COMMON, Convention("weight", "one", tuple(POWERS), "what multiplies the value")),
    truth="½ [tr A C Aᵀ + |A(μ − b)|² − 2 tr A + d/σ²] for s = −A(x − b) on N(μ, Σ), C = Σ + σ²I",
    derivation=(
        "x = x₀ + σε has the density p_σ(x) = E N(x; x₀, σ²I), so ∇log p_σ(x) = E[−ε/σ | x].",
        "Given x, ε/σ + ∇log p_σ(x) has mean 0, so the square splits without a cross term:",
        "E ½|s(x) + ε/σ|² = E ½|s(x) − ∇log p_σ(x)|² + ½ (d/σ² − E|∇log p_σ(x)|²),",
        "and the last part does not know the model.",
    ),
    faults=(
        Fault(
            "DSM-variance",
            "target divided by σ² instead of σ",
            "the learned score is 1/σ too large: samples collapse onto the data",
            _denoising_with(lambda s, x0, z, sigma: s(x0 + sigma * z) + z / sigma**2),
            "https://github.com/yang-song/score_sde_pytorch/issues/26",
        ),
        Fault(
            "DSM-unscaled",
            "target is the noise itself, not ε/σ",
            "the learned score is σ times too small",
            _denoising_with(lambda s, x0, z, sigma: s(x0 + sigma * z) + z),
        ),
        Fault(
            "DSM-sign",
            "sign of the target",
            "the learned field points away from the data",
            _denoising_with(lambda s, x0, z, sigma: s(x0 + sigma * z) - z / sigma),
            "https://github.com/soran-ghaderi/torchebm/issues/318",
        ),
        Fault(
            "DSM-clean-point",
            "score taken at the clean point",
            "learns the score of no distribution at all",
            _denoising_with(lambda s, x0, z, sigma: s(x0) + z / sigma),
        ),
        Fault(
            "DSM-variance-noise",
            "noise scaled by σ² instead of σ",
            "the learned noise level is not the one it is labelled with",
            _denoising_with(lambda s, x0, z, sigma: s(x0 + sigma**2 * z) + z / sigma),
        ),
        Fault(
            "DSM-root-noise",
            "noise scaled by √σ: σ taken for a variance",
            "the learned noise level is not the one it is labelled with",
            _denoising_with(lambda s, x0, z, sigma: s(x0 + np.sqrt(sigma) * z) + z / sigma),
        ),
        Fault(
            "DSM-subtracted-noise",
            "noise subtracted from the sample, target not turned",
            "the learned field points away from the data",
            _denoising_with(lambda s, x0, z, sigma: s(x0 - sigma * z) + z / sigma),
        ),
    ),
)


LEVELS = np.array([2.0**-6, 0.5, 8.0])


def _multilevel_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, x0 in BATCHES.items():
        for order, sigma in (("rising", LEVELS[: len(x0)]), ("falling", LEVELS[::-1][: len(x0)])):
            noise = NOISE[: len(x0)]
            lifted = sigma[:, None]
            x = x0 + lifted * noise
            shift = np.abs(MODEL.jacobian_magnitude(x, sigma) @ np.abs(x)[..., None])[..., 0]
            terms = _target_terms(MODEL.magnitude(x, sigma) + shift, x0, noise, lifted)
            size = sigma**2 * half_square(MODEL(x, sigma) + noise / lifted, terms)
            weight = 1.0 if conventions["weight"] == "sigma**2" else sigma**-2
            arguments = (MODEL, x0, noise, sigma)
            yield objective_case(f"{order},{name}", conventions, arguments, multilevel, size, weight, random=(2,))


def _multilevel_with(residual: Callable[[Any, Float, Float, Float], Float], power: float = 2.0) -> Function:
    def function(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
        return np.asarray(0.5 * sigma**power * (residual(score, x0, noise, sigma) ** 2).sum(-1))

    return function


def _not_lifted(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
    return np.asarray(score(x0 + sigma * noise, sigma) + noise / sigma)


MULTILEVEL = Capability(
    name="objective.multilevel",
    title="Denoising score matching over noise levels (NCSN)",
    signature="multilevel(score, x0 (n, d), noise (n, d), sigma (n,)) -> (n,)",
    formula="ℓ = ½ λ(σ) |s(x₀ + σ ε, σ) + ε/σ|²,  λ(σ) = σ²",
    label="MSM.2",
    source="Song & Ermon (2019), eq. 5 and 6",
    page="docs/objectives/multilevel.md",
    reference=multilevel,
    cases=_multilevel_cases,
    conventions=(*COMMON, Convention("weight", "sigma**2", ("sigma**2", "one"), "λ(σ)")),
    derivation=(
        "At each level this is objective.denoising: the minimiser is s(x, σ) = ∇log p_σ(x),",
        "whatever λ is. The target ε/σ is √d/σ long, so that small levels would rule the sum;",
        "λ = σ² makes them alike: ℓ = ½|σ s(x₀ + σε, σ) + ε|², where −σs is a guess of ε.",
    ),
    faults=(
        Fault(
            "MSM-not-lifted",
            "σ of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension gets its own noise level",
            _multilevel_with(_not_lifted),
            "https://github.com/facebookresearch/flow_matching",
        ),
        Fault(
            "MSM-weight-linear",
            "weighted by σ instead of σ²",
            "large noise levels are neglected",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:, None] * z, v) + z / v[:, None], 1.0),
        ),
        Fault(
            "MSM-target-variance",
            "target divided by σ²",
            "the learned score is 1/σ too large",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:, None] * z, v) + z / v[:, None] ** 2),
        ),
        Fault(
            "MSM-level-squared",
            "the model is told σ² instead of σ",
            "sampling asks for levels that were not learned",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:, None] * z, v**2) + z / v[:, None]),
        ),
        Fault(
            "MSM-level-reversed",
            "levels and samples run in opposite orders",
            "every level is learned at another one's noise",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:, None] * z, v[::-1]) + z / v[:, None]),
        ),
        Fault(
            "MSM-first-level",
            "all samples use the level of the first",
            "one level is learned",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:1, None] * z, v[:1].repeat(len(v))) + z / v[:1, None]),
        ),
        Fault(
            "MSM-sign",
            "sign of the target",
            "the learned field points away from the data",
            _multilevel_with(lambda s, x0, z, v: s(x0 + v[:, None] * z, v) - z / v[:, None]),
        ),
    ),
)
