"""Capability ``objective.edm.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import MODEL, NOISE
from refscore.conformance.capabilities.objectives.edm import (
    EDM_CONVENTIONS,
    EDM_LOSS,
    EDM_SETTINGS,
    edm_sizes,
    edm_weight,
)
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.fields import Field
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import edm_gradient

__all__ = ["EDM_GRADIENT"]

BASES: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}


def _reference(denoiser: Any, x0: Float, noise: Float, sigma: Float, *, sigma_data: float) -> Float:
    return np.asarray(edm_gradient(denoiser, x0, noise, sigma, sigma_data=sigma_data) / len(x0))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (x0, levels, sigma_data) in EDM_SETTINGS.items():
        for kind, base in BASES.items() if name.endswith("n=d") else [("", BASES[""])]:
            n = len(x0)
            sigma, noise, model = levels[:n], NOISE[:n], Levelled(base)
            x, moved, target = edm_sizes(x0, noise, sigma)
            weight = 2 * edm_weight(sigma, sigma_data)[:, None]
            residual = np.abs(model(x, sigma) - x0)
            # 6 for the rounding of λ itself, as in the value.
            error = model.score_terms(x, moved, sigma).error + target + 6 * residual
            found = model.parameter_terms(x, moved, sigma, Terms(weight * residual, weight * error))
            arguments, keywords = (model, x0, noise, sigma), {"sigma_data": sigma_data}
            # The reference has the factor 1 where the others have ½.
            yield gradient_case(f"{kind}{name}", conventions, arguments, found, 0.5, random=(2,), keywords=keywords)


def _pulled(cotangent: Callable[[Float, Float, Float], Float]) -> Function:
    """What multiplies ∂D/∂θ in the place of 2 λ (D − x₀), from D, x₀ and λ."""

    def function(denoiser: Any, x0: Float, noise: Float, sigma: Float, *, sigma_data: float) -> Float:
        x, weight = x0 + sigma[:, None] * noise, edm_weight(sigma, sigma_data)[:, None]
        return np.asarray(denoiser.vjp_parameters(x, sigma, cotangent(denoiser(x, sigma), x0, weight)) / len(x0))

    return function


EDM_GRADIENT = replace(
    gradient_of(
        EDM_LOSS,
        formula="∂ℓ/∂θ = 2 λ(σ) (D(x, σ) − x₀)ᵀ ∂D(x, σ)/∂θ,  x = x₀ + σ ε",
        label="EDML.3",
        reference=_reference,
        cases=_cases,
        faults=(
            detached("EDMLG", _reference),
            Fault(
                "EDMLG-no-target",
                "the residual is D alone: the data are dropped as if they were a constant",
                "the denoiser learns zero",
                _pulled(lambda d, x0, w: 2 * w * d),
            ),
            Fault(
                "EDMLG-denoiser-detached",
                "the residual is the data alone: D is detached in it",
                "the denoiser grows without end",
                _pulled(lambda d, x0, w: -2 * w * x0),
            ),
            Fault(
                "EDMLG-weight-squared",
                "the weight stands inside the square",
                "the weight counts twice",
                _pulled(lambda d, x0, w: 2 * w**2 * (d - x0)),
            ),
            Fault(
                "EDMLG-unweighted",
                "the weight is detached along with the loss, and lost",
                "large noise levels have all the weight",
                _pulled(lambda d, x0, w: 2 * (d - x0)),
            ),
            Fault(
                "EDMLG-half",
                "σ_data = ½ whatever the data are",
                "right for images scaled to [-1, 1] only",
                lambda *arguments, sigma_data: _reference(*arguments, sigma_data=0.5),
            ),
        ),
    ),
    conventions=tuple(
        replace(c, default="mean", values=("mean", "sum")) if c.name == "reduction" else c for c in EDM_CONVENTIONS
    ),
)
