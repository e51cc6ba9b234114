"""Capability ``objective.missing_marginal.gradient``: the weights depend on the parameters too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.objectives.missing_marginal import (
    DENSITY,
    MISSING,
    MISSING_MARGINAL,
    MissingData,
    moments_of,
)
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.densities import GivenMask
from refscore.conformance.terms import Terms, product
from refscore.objectives import missing_marginal_gradient

__all__ = ["MISSING_MARGINAL_GRADIENT"]


def _reference(density: Any, x: Float, mask: Any, imputations: Float, *, proposal_log_prob: Float) -> Float:
    total = missing_marginal_gradient(density, x, mask, imputations, proposal_log_prob=proposal_log_prob)
    return np.asarray(total / len(x))


def _terms(data: MissingData) -> Terms:
    weight, s, mean, curvature = moments_of(data)
    seen = data.mask[None].astype(float)
    every = Terms(seen * weight.size[..., None], seen * weight.error[..., None])
    lifted = Terms(mean.size[None] + 0 * s.size, mean.error[None] + 0 * s.error)
    pull = product("rnd,rnd->rnd", every, s.times(2) + lifted)
    terms = curvature + product("rnd,rnd->rnd", s, s + lifted)
    summed = Terms((seen * terms.size).sum(-1), (seen * terms.error).sum(-1) + (seen * terms.size).sum(-1))
    centre = product("rn,rn->n", weight, summed)
    own = product("rn,rn->rn", weight, summed + Terms(centre.size[None], centre.error[None]))
    return DENSITY.parameter_terms(data.points, own, pull, every)


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, data in MISSING.items():
        arguments = (DENSITY, data.x, data.mask, data.imputations)
        keywords = {"proposal_log_prob": data.proposal}
        case = gradient_case(name, conventions, arguments, _terms(data), keywords=keywords)
        model, x, _, imputations = case.arguments
        yield replace(case, arguments=(model, x, GivenMask(data.mask), imputations))


def _parts(
    weights: float = 1.0, curvature: float = 1.0, second: float = 1.0, square: float = 1.0, *, inverted: bool = False
) -> Function:
    """The parts of the gradient, each some times: of the weights, of ∂s/∂x, of s², of ŝ²."""

    def function(density: Any, x: Float, mask: Any, imputations: Float, *, proposal_log_prob: Float) -> Float:
        seen = (mask != 0) != inverted
        z = np.where(seen, x, imputations)
        log_w = density(z) - proposal_log_prob
        w = np.exp(log_w - log_w.max(0))
        w = w / w.sum(0)
        s, share = density.score(z), np.where(seen, w[..., None], 0)
        mean = (w[..., None] * s).sum(0)
        terms = np.where(seen, density.score_diagonal(z) + s * (s - mean), 0).sum(-1)
        own = weights * w * (terms - (w * terms).sum(0))
        total = curvature * density.diagonal_parameters(z, share)
        total = total + density.vjp_parameters(z, share * (2 * second * s - square * mean))
        return np.asarray((total + density.log_prob_parameters(z, own)) / len(x))

    return function


def _zero_filled(density: Any, x: Float, mask: Any, imputations: Float, *, proposal_log_prob: Float) -> Float:
    return _reference(density, x, mask != 0, 0 * imputations, proposal_log_prob=proposal_log_prob)


MISSING_MARGINAL_GRADIENT = gradient_of(
    MISSING_MARGINAL,
    formula=(
        "∂ℓ/∂θ = Σ_k w_k {Σ_{j observed} [∂²s_j/∂x_j∂θ + (2s_j − ŝ_j) ∂s_j/∂θ] + (A_k − Σ_l w_l A_l) ∂log q/∂θ},  "
        "A_k = Σ_{j observed} [∂s_j/∂x_j + s_j² − ŝ_j s_j]"
    ),
    label="MIS.4",
    reference=_reference,
    cases=_cases,
    faults=(
        detached("MISG", _reference),
        Fault(
            "MISG-weights-detached",
            "the weights are constants to autograd",
            "not the gradient of any loss: dependence on what is missing is learned wrongly",
            _parts(weights=0),
        ),
        Fault(
            "MISG-curvature-detached",
            "∂s/∂x is a constant to autograd: create_graph=True is missing where the score is differentiated in x",
            "the model becomes flat",
            _parts(curvature=0),
        ),
        Fault(
            "MISG-second-detached",
            "the score is detached in the second moment",
            "the model sharpens without end",
            _parts(second=0),
        ),
        Fault(
            "MISG-square-detached",
            "the square of the mean score is left out, or a constant to autograd",
            "the marginal comes out too flat",
            _parts(square=0),
        ),
        Fault(
            "MISG-square-doubled",
            "the square of the mean score is subtracted, and half of it not added again",
            "the marginal comes out too sharp",
            _parts(square=2),
        ),
        Fault(
            "MISG-mask-inverted",
            "the mask is read the other way round: True where missing",
            "the imputations are learned, not the data",
            _parts(inverted=True),
        ),
        Fault(
            "MISG-zero-filled",
            "missing coordinates are set to zero",
            "each pattern of missing data pulls another way: biased even with all the data in the world",
            _zero_filled,
        ),
    ),
)
