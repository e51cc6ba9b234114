"""Capability ``objective.edm``: EDM's weighted loss of a denoiser."""

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
from refscore.objectives import edm

__all__ = ["EDM_CONVENTIONS", "EDM_LOSS", "EDM_SETTINGS", "edm_sizes", "edm_weight"]

SIGMAS = np.array([2.0**-6, 0.5, 8.0])
EDM_SETTINGS = {
    f"sigma_data={data:g},{order},{name}": (BATCHES[name], (SIGMAS if order == "rising" else SIGMAS[::-1]), data)
    for name in BATCHES
    for order in ("rising", "falling")
    for data in (0.5, 2.0)
}
EDM_CONVENTIONS = tuple(Convention("factor", 1, (0.5, 1, 2), c.meaning) if c.name == "factor" else c for c in COMMON)


def edm_weight(sigma: Any, sigma_data: float) -> Any:
    """λ, in the dtype of the levels."""
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2


def edm_sizes(x0: Float, noise: Float, sigma: Float) -> tuple[Float, Float, Float]:
    """The noised points, what rounding does to them, and to what D is compared with."""
    lifted = sigma[:, None]
    moved = np.abs(x0) + lifted * np.abs(noise)
    # The last term lets pass codes that take the difference of F and its target, (x₀ − c_skip x)/c_out.
    return x0 + lifted * noise, moved, np.abs(x0) + moved


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (x0, levels, sigma_data) in EDM_SETTINGS.items():
        n = len(x0)
        sigma, noise = levels[:n], NOISE[:n]
        x, moved, target = edm_sizes(x0, noise, sigma)
        shift = (MODEL.jacobian_magnitude(x, sigma) @ moved[..., None])[..., 0]
        residual = MODEL(x, sigma) - x0
        # Twice ½ |r|²; and the rounding of λ itself, up to six operations.
        size = 2 * half_square(residual, MODEL.magnitude(x, sigma) + shift + target) + 3 * (residual**2).sum(-1)
        yield objective_case(
            name,
            conventions,
            (MODEL, x0, noise, sigma),
            edm,
            edm_weight(sigma, sigma_data) * size,
            0.5,  # the reference has the factor 1 where the others have ½
            random=(2,),
            keywords={"sigma_data": sigma_data},
        )


def _with(
    *,
    point: Callable[[Any, Any, Any], Any] = lambda x0, z, s: x0 + s * z,
    told: Callable[[Any], Any] = lambda sigma: sigma,
    target: Callable[[Any, Any], Any] = lambda x0, z: x0,
    weight: Callable[[Any, float], Any] = edm_weight,
    lifted: bool = True,
    reduce: Callable[[Any, Any], Any] = lambda w, r: w * (r**2).sum(-1),
) -> Function:
    """The loss with some part of it replaced."""

    def function(denoiser: Any, x0: Float, noise: Float, sigma: Float, *, sigma_data: float) -> Float:
        x = point(x0, noise, sigma[:, None] if lifted else sigma)
        return np.asarray(reduce(weight(sigma, sigma_data), denoiser(x, told(sigma)) - target(x0, noise)))

    return function


EDM_LOSS = Capability(
    name="objective.edm",
    title="EDM's loss of a denoiser",
    signature="edm(denoiser, x0 (n, d), noise (n, d), sigma (n,), *, sigma_data ()) -> (n,);  denoiser(x, sigma)",
    formula="ℓ = λ(σ) |D(x₀ + σ ε, σ) − x₀|²,  λ = (σ² + σ_data²)/(σ σ_data)²",
    label="EDML.2",
    source="Karras et al. (2022), eq. 8 and Table 1",
    page="docs/objectives/edm.md",
    reference=edm,
    cases=_cases,
    conventions=EDM_CONVENTIONS,
    truth="1 per dimension at every level for the perfect denoiser of N(0, σ_data² I)",
    derivation=(
        "D = c_skip x + c_out F with a raw network F: D − x₀ = c_out (F − F*) for a target",
        "F* = (x₀ − c_skip x)/c_out, and λ = 1/c_out² leaves |F − F*|². The best linear guess",
        "of x₀ is c_skip x with c_skip = σ_data²/(σ² + σ_data²); what it misses has variance",
        "σ²σ_data²/(σ² + σ_data²) = c_out², so that F* has variance 1 at every level.",
    ),
    faults=(
        Fault(
            "EDML-sum",
            "(σ + σ_data)² stands where (σ σ_data)² belongs",
            "small noise levels are hardly learned",
            _with(weight=lambda s, data: (s**2 + data**2) / (s + data) ** 2),
            "https://github.com/lucidrains/alphafold3-pytorch/issues/68",
        ),
        Fault(
            "EDML-inverse",
            "weighted by c_out² instead of 1/c_out²",
            "large noise levels have all the weight",
            _with(weight=lambda s, data: 1 / edm_weight(s, data)),
        ),
        Fault(
            "EDML-unweighted",
            "no weight: that of F is left for the denoiser, which has it to lose",
            "large noise levels have all the weight",
            _with(weight=lambda s, data: np.ones_like(s)),
        ),
        Fault(
            "EDML-weight-root",
            "weighted by 1/c_out instead of 1/c_out²",
            "small noise levels are neglected",
            _with(weight=lambda s, data: np.sqrt(edm_weight(s, data))),
        ),
        Fault(
            "EDML-weight-inside",
            "the weight is multiplied into the square",
            "the weight counts twice",
            _with(reduce=lambda w, r: ((w[:, None] * r) ** 2).sum(-1)),
        ),
        Fault(
            "EDML-snr",
            "weighted by 1/σ², without 1/σ_data²",
            "large noise levels are neglected",
            _with(weight=lambda s, data: 1 / s**2),
        ),
        Fault(
            "EDML-half",
            "σ_data = ½ whatever the data are",
            "right for images scaled to [-1, 1] only",
            _with(weight=lambda s, data: edm_weight(s, 0.5)),
        ),
        Fault(
            "EDML-not-lifted",
            "σ of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension gets its own noise level",
            _with(lifted=False),
        ),
        Fault(
            "EDML-variance",
            "noise scaled by σ² instead of σ",
            "the learned noise level is not the one it is labelled with",
            _with(point=lambda x0, z, s: x0 + s**2 * z),
        ),
        Fault(
            "EDML-clean-point",
            "the denoiser sees the clean point",
            "the network learns to do nothing",
            _with(point=lambda x0, z, s: x0),
        ),
        Fault(
            "EDML-told-variance",
            "the denoiser is told σ² instead of σ",
            "sampling asks for levels that were not learned",
            _with(told=lambda sigma: sigma**2),
        ),
        Fault(
            "EDML-first-level",
            "the denoiser is told the level of the first sample",
            "one level is learned",
            _with(told=lambda sigma: sigma[:1] + 0 * sigma),
        ),
        Fault(
            "EDML-noise-target",
            "D is compared with the noise",
            "a denoiser that is none",
            _with(target=lambda x0, z: z),
        ),
    ),
)
