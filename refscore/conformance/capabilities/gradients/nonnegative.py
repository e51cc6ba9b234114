"""Capability ``objective.nonnegative.gradient``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.objectives.nonnegative import NONNEGATIVE, WEIGHTED
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.terms import Terms, product
from refscore.objectives import nonnegative_gradient
from refscore.objectives.diagonals import diagonal_parameters

__all__ = ["NONNEGATIVE_GRADIENT"]


def _reference(score: Any, x: Float, *, h: Any) -> Float:
    return np.asarray(nonnegative_gradient(score, x, h=h) / len(x))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (model, x, h) in WEIGHTED.items():
        none = np.zeros_like(x)
        weight, slope = h.terms(x)
        pull = product("nd,nd->nd", weight, model.score_terms(x, none)) + slope
        root, axes = np.sqrt(weight.size), np.eye(x.shape[-1])
        # An error of h is one of both factors √h of a quadratic form; at h = 0 there is none.
        error = np.divide(weight.error, 2 * root, out=np.zeros_like(root), where=root > 0)
        directions = Terms(root[..., None] * axes, error[..., None] * axes)
        found = model.parameter_terms(x, none, pull, directions)
        yield gradient_case(name, conventions, (model, x), found, keywords={"h": h})


def _parts(square: float = 1.0, curvature: float = 1.0, slope: float = 1.0, power: int = 1) -> Function:
    """The three parts of the gradient, each some times, with a power of the weight."""

    def function(score: Any, x: Float, *, h: Any) -> Float:
        weight = h(x) ** power
        rise = power * h(x) ** (power - 1) * h.slope(x)
        pull = score.vjp_parameters(x, square * weight * score(x) + slope * rise)
        bend = curvature * diagonal_parameters(score, x, weight)
        return np.asarray((pull + bend) / len(x))

    return function


def _by_trace(score: Any, x: Float, *, h: Any) -> Float:
    pull = score.vjp_parameters(x, h(x) * score(x) + h.slope(x))
    every = np.broadcast_to(h(x).sum(-1, keepdims=True), x.shape)
    return np.asarray((pull + diagonal_parameters(score, x, every)) / len(x))


NONNEGATIVE_GRADIENT = gradient_of(
    NONNEGATIVE,
    formula="∂ℓ/∂θ = Σ_j [(h(x_j) s_j + h'(x_j)) ∂s_j/∂θ + h(x_j) ∂²s_j/∂x_j∂θ]",
    label="NNG.5",
    reference=_reference,
    cases=_cases,
    faults=(
        detached("NNGG", _reference),
        Fault(
            "NNGG-curvature-detached",
            "∂s/∂x is a constant to autograd: create_graph=True is missing where the score is differentiated in x",
            "the model learns to vanish, and the loss still looks right",
            _parts(curvature=0),
        ),
        Fault(
            "NNGG-square-detached",
            "the score is detached in the square",
            "unbounded below: the model sharpens without end",
            _parts(square=0),
        ),
        Fault(
            "NNGG-no-slope",
            "the term with h' is forgotten, or a constant to autograd",
            "the boundary's bias is back: mass is drawn to 0",
            _parts(slope=0),
        ),
        Fault(
            "NNGG-half-curvature",
            "the diagonal is halved with the square",
            "the learned precision is half the true one",
            _parts(curvature=0.5),
        ),
        Fault(
            "NNGG-no-half",
            "the square is not halved, the rest is not doubled",
            "the learned precision is half the true one",
            _parts(square=2),
        ),
        Fault(
            "NNGG-squared",
            "the weight is taken squared: papers differ in whether h or h² is the weight",
            "another estimator, right in expectation: large samples count more",
            _parts(power=2),
        ),
        Fault(
            "NNGG-trace",
            "the trace of J stands where its diagonal is weighed entry by entry",
            "right in one dimension only",
            _by_trace,
        ),
    ),
)
