"""Capability ``objective.nonnegative``: generalised score matching of non-negative data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.boundary_weights import CAPPED, LINEAR, RATIONAL, SQUARE, GivenWeight
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, COMMON, MODEL, objective_case
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.conformance.terms import Terms, product
from refscore.objectives import nonnegative

__all__ = ["NONNEGATIVE", "WEIGHTED"]

# Model, points, weight: the points are those of all objectives, their signs taken off; one of them lies at 0.
WEIGHTED: dict[str, tuple[Any, Float, GivenWeight]] = {
    f"h={h.name},{name}": (MODEL, np.abs(x), h) for h in (SQUARE, RATIONAL) for name, x in BATCHES.items()
} | {
    "h=x,n=d": (MODEL, np.abs(BATCHES["n=d"]), LINEAR),
    f"h={CAPPED.name},n=d": (MODEL, np.abs(BATCHES["n=d"]), CAPPED),
    "tanh,h=x^2,n=d": (NETWORKS["tanh"], np.abs(BATCHES["n=d"]), SQUARE),
    f"silu,h={RATIONAL.name},n<d": (NETWORKS["silu"], np.abs(BATCHES["n<d"]), RATIONAL),
}


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (model, x, h) in WEIGHTED.items():
        weight, slope = h.terms(x)
        s = model.score_terms(x, np.zeros_like(x))
        diagonal = np.diagonal(model.jacobian(x), axis1=-2, axis2=-1)
        curvature = Terms(np.abs(diagonal), np.diagonal(model.jacobian_magnitude(x), axis1=-2, axis2=-1))
        square = product("nd,nd->nd", weight, product("nd,nd->nd", s, s)).times(0.5)
        terms = square + product("nd,nd->nd", weight, curvature) + product("nd,nd->nd", slope, s)
        yield objective_case(name, conventions, (model, x), nonnegative, terms.total(-1).error, keywords={"h": h})


def _with(part: Callable[[Float, Float, Float, Float, Float], Float]) -> Function:
    """A fault in how s, J, the weight and its slope are put together."""

    def function(score: Any, x: Float, *, h: Any) -> Float:
        s, jacobian = score(x), score.jacobian(x)
        return np.asarray(part(s, jacobian, np.diagonal(jacobian, axis1=-2, axis2=-1), h(x), h.slope(x)).sum(-1))

    return function


NONNEGATIVE = Capability(
    name="objective.nonnegative",
    title="Generalised score matching of non-negative data",
    signature="nonnegative(score, x (n, d), *, h) -> (n,)",
    formula="ℓ = Σ_j [½ h(x_j) s_j² + h(x_j) ∂s_j/∂x_j + h'(x_j) s_j]",
    label="NNG.4",
    source="Hyvärinen (2007), section 3; Yu, Drton & Shojaie (2019)",
    page="docs/objectives/nonnegative.md",
    reference=nonnegative,
    cases=_cases,
    conventions=COMMON,
    truth="½ E Σ_j h (s_j − ∂_j log p)² up to a constant in the model; h and h.slope are elementwise functions",
    derivation=(
        "The cross term of E Σ_j ½ h (s_j − ∂_j log p)² is −∫ h s_j ∂_j p dx. By parts it is",
        "∫ p ∂_j(h s_j) dx = E[h ∂_j s_j + h' s_j]; h(0) = 0 takes away the boundary's term.",
        "What is left, ½ E Σ_j h (∂_j log p)², does not know the model.",
    ),
    faults=(
        Fault(
            "NNG-no-slope",
            "h' is forgotten",
            "the boundary's bias is back: mass is drawn to 0",
            _with(lambda s, _, j, h, dh: 0.5 * h * s**2 + h * j),
        ),
        Fault(
            "NNG-slope-sign",
            "h' s enters with a minus",
            "the boundary's bias is doubled",
            _with(lambda s, _, j, h, dh: 0.5 * h * s**2 + h * j - dh * s),
        ),
        Fault(
            "NNG-slope-half",
            "h' s is halved with the square",
            "half of the boundary's bias is left",
            _with(lambda s, _, j, h, dh: 0.5 * h * s**2 + h * j + 0.5 * dh * s),
        ),
        Fault(
            "NNG-slope-on-jacobian",
            "h' multiplies ∂s/∂x where it should multiply s",
            "no density has this score",
            _with(lambda s, _, j, h, dh: 0.5 * h * s**2 + h * j + dh * j),
        ),
        Fault(
            "NNG-squared",
            "the weight is taken squared: papers differ in whether h or h² is the weight",
            "another estimator, right in expectation: large samples count more",
            _with(lambda s, _, j, h, dh: 0.5 * h**2 * s**2 + h**2 * j + 2 * h * dh * s),
        ),
        Fault(
            "NNG-trace",
            "the trace of J stands where its diagonal is weighed entry by entry",
            "right in one dimension only",
            _with(lambda s, a, j, h, dh: 0.5 * h * s**2 + h * j.sum(-1, keepdims=True) + dh * s),
        ),
        Fault(
            "NNG-sum-of-jacobian",
            "the gradient of the summed score is weighed: a column of J, not its diagonal",
            "right for diagonal Jacobians only",
            _with(lambda s, a, j, h, dh: 0.5 * h * s**2 + h * a.sum(-2) + dh * s),
        ),
        Fault(
            "NNG-plain",
            "no weight at all",
            "biased: the density of the data does not vanish at 0",
            _with(lambda s, _, j, h, dh: 0.5 * s**2 + j),
        ),
        Fault(
            "NNG-half-curvature",
            "the diagonal is halved with the square",
            "the learned precision is half the true one",
            _with(lambda s, _, j, h, dh: 0.5 * h * s**2 + 0.5 * h * j + dh * s),
        ),
        Fault(
            "NNG-no-half",
            "the square is not halved, the rest is not doubled",
            "the learned precision is half the true one",
            _with(lambda s, _, j, h, dh: h * s**2 + h * j + dh * s),
        ),
    ),
)
