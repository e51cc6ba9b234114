"""Capability ``objective.finite_difference.gradient``: first derivatives of log p in θ, and none in x."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.objectives.finite_difference import FINITE_DIFFERENCE, SETTINGS
from refscore.conformance.capabilities.objectives.sliced import VECTORS
from refscore.conformance.capability import Case, Fault, Function, Values
from refscore.conformance.terms import Terms
from refscore.objectives import finite_difference_gradient

__all__ = ["FINITE_DIFFERENCE_GRADIENT"]


def _reference(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:
    return np.asarray(finite_difference_gradient(log_prob, x, projection, epsilon=epsilon) / len(x))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    every = VECTORS[conventions["projection"]]
    for name, (model, x, m, epsilon) in SETTINGS.items():
        v = every[:m, : len(x)]
        found = functools.reduce(operator.add, (_terms(model, x, w, epsilon) for w in v)).times(1 / m)
        keywords = {"epsilon": epsilon}
        yield gradient_case(name, conventions, (model, x, v), found, random=(2,), keywords=keywords)


def _terms(model: Any, x: Float, v: Float, epsilon: float) -> Terms:
    """The terms of the gradient for one projection, at three points with weights of their own."""
    points, moved = (x + epsilon * v, x - epsilon * v), np.abs(x) + epsilon * np.abs(v)
    slope = (model(points[0]) - model(points[1])) / (2 * epsilon)
    error = sum(model.log_prob_terms(p, moved).error for p in points) / (2 * epsilon)
    centre = Terms(np.full(len(x), 2 / epsilon**2), np.full(len(x), 2 / epsilon**2))
    total: Terms = model.parameter_terms(x, np.zeros_like(x), centre)
    for sign, point in zip((1, -1), points):
        weight = np.abs(1 / epsilon**2 + sign * slope / (2 * epsilon))
        weight_error = 1 / epsilon**2 + (np.abs(slope) + error) / (2 * epsilon)
        total = total + model.parameter_terms(point, moved, Terms(weight, weight_error))
    return total


def _weighted(weights: Callable[[Values, float], Values]) -> Function:
    """The gradient with other weights of x + εv, x and x − εv, from log p at the three points and ε."""

    def function(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:
        parts = []
        for v in projection:
            points = x + epsilon * v, x, x - epsilon * v
            pulls = weights(tuple(log_prob.log_prob(p) for p in points), epsilon)
            parts.append(sum(log_prob.log_prob_parameters(p, w) for p, w in zip(points, pulls)))
        return np.asarray(np.mean(parts, axis=0) / len(x))

    return function


def _scaled(curvature: float, square: float, centre: float = 1.0) -> Function:
    """The parts of the gradient, each some times: the second difference, the square, and log p(x) in the former."""

    def weights(values: Values, epsilon: float) -> Values:
        right, _, left = values
        side = np.full_like(right, curvature / epsilon**2)
        tilt = square * (right - left) / (2 * epsilon) ** 2
        return side + tilt, -2 * centre * side, side - tilt

    return _weighted(weights)


def _one_sided(values: Values, epsilon: float) -> Values:
    right, centre, _ = values
    tilt, side = (right - centre) / epsilon**2, np.full_like(right, 1 / epsilon**2)
    return side + tilt, -2 * side - tilt, side


FINITE_DIFFERENCE_GRADIENT = gradient_of(
    FINITE_DIFFERENCE,
    formula="∂ℓ/∂θ = (1/m) Σ_j [w₊ ∂L_j(ε)/∂θ + w₀ ∂L_j(0)/∂θ + w₋ ∂L_j(−ε)/∂θ]",
    label="FDS.5",
    reference=_reference,
    cases=_cases,
    truth="w± = 1/ε² ± [L_j(ε) − L_j(−ε)]/(2ε)² and w₀ = −2/ε², where L_j(h) = log p(x + h v_j)",
    faults=(
        detached("FDSG", _reference),
        Fault(
            "FDSG-curvature-detached",
            "the second difference is a constant to autograd",
            "the model becomes flat",
            _scaled(0.0, 1.0),
        ),
        Fault(
            "FDSG-square-detached",
            "the square of the slope is a constant to autograd",
            "unbounded below: the model sharpens without end",
            _scaled(1.0, 0.0),
        ),
        Fault(
            "FDSG-centre-detached",
            "log p(x) is evaluated without a graph: it is a constant in the second difference",
            "the model grows at the neighbours without end",
            _scaled(1.0, 1.0, 0.0),
        ),
        Fault(
            "FDSG-quarter",
            "the squared difference of the two values is divided by 4 ε², not by 8 ε²",
            "the learned precision is half the true one",
            _scaled(1.0, 2.0),
        ),
        Fault(
            "FDSG-sign",
            "the sign of the second difference: an energy where log p belongs",
            "unbounded below: the model sharpens without end",
            _scaled(-1.0, 1.0),
        ),
        Fault(
            "FDSG-one-sided",
            "the slope is a one-sided difference",
            "an error of first order in ε, the same sign for every projection",
            _weighted(_one_sided),
        ),
        Fault(
            "FDSG-first-projection",
            "only the first projection is used",
            "the variance does not fall with their number",
            lambda log_prob, x, projection, *, epsilon: _reference(log_prob, x, projection[:1], epsilon=epsilon),
        ),
    ),
)
