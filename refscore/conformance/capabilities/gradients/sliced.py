"""Capabilities ``objective.sliced.gradient`` and ``objective.sliced_variance_reduced.gradient``."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import (
    POINTS,
    detached,
    gradient_case,
    gradient_of,
    score_and_terms,
)
from refscore.conformance.capabilities.objectives.sliced import SLICED, SLICED_VARIANCE_REDUCED, VECTORS
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.terms import Terms, exact, product
from refscore.objectives import sliced_gradient, sliced_variance_reduced_gradient

__all__ = ["SLICED_GRADIENT", "SLICED_VARIANCE_REDUCED_GRADIENT"]


def _sliced(score: Any, x: Float, projection: Float) -> Float:
    return np.asarray(sliced_gradient(score, x, projection) / len(x))


def _reduced(score: Any, x: Float, projection: Float) -> Float:
    return np.asarray(sliced_variance_reduced_gradient(score, x, projection) / len(x))


def _cases(reduced: bool) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
        every = VECTORS[conventions["projection"]]
        for name, (model, x) in POINTS.items():
            for m in (1, 2) if name in ("n=d", "tanh,n=d") else (2,):
                v = every[:m, : len(x)]
                found = functools.reduce(operator.add, (_terms(model, x, w, reduced) for w in v)).times(1 / m)
                yield gradient_case(f"m={m},{name}", conventions, (model, x, v), found, random=(2,))

    return cases


def _terms(model: Any, x: Float, v: Float, reduced: bool) -> Terms:
    """The terms of the gradient for one projection."""
    s, terms = score_and_terms(model, x)
    if not reduced:
        along = product("nd,nd->n", exact(v), terms)
        terms = product("n,nd->nd", Terms(np.abs((v * s).sum(-1)), along.error), exact(v))
    # A projection on the unit sphere is rounded itself.
    found: Terms = model.parameter_terms(x, np.zeros_like(x), terms, Terms(np.abs(v), np.abs(v))[:, None])
    return found


def _quadratic(s: Any, x: Float, v: Float) -> Float:
    return np.asarray(np.mean([s.quadratic_parameters(x, w) for w in v], axis=0) / len(x))


def _pulled(cotangent: Callable[[Float, Float], Float]) -> Function:
    """The part that is no derivative of J, from the score and a projection to what multiplies ∂s/∂θ."""
    return lambda s, x, v: np.mean([s.vjp_parameters(x, cotangent(s(x), w)) for w in v], axis=0) / len(x)


def _along(s: Float, v: Float) -> Float:
    return np.asarray((v * s).sum(-1, keepdims=True) * v)


def _mean_before_square(s: Any, x: Float, v: Float) -> Float:
    slope, mean = (v * s(x)).sum(-1).mean(0), v.mean(0)
    return np.asarray(_quadratic(s, x, v) + s.vjp_parameters(x, slope[:, None] * mean) / len(x))


_square, _norm = _pulled(_along), _pulled(lambda s, v: s)

SLICED_GRADIENT = gradient_of(
    SLICED,
    formula="∂ℓ/∂θ = (1/m) Σ_j [∂(v_jᵀ J v_j)/∂θ + (v_jᵀ s) v_jᵀ ∂s/∂θ]",
    label="SSM.4",
    reference=_sliced,
    cases=_cases(reduced=False),
    faults=(
        detached("SSMG", _sliced),
        Fault(
            "SSMG-quadratic-detached",
            "the term with the Jacobian is a constant to autograd: create_graph=True is missing in vᵀ J",
            "the model learns zero along v, and the loss still looks right",
            lambda s, x, v: _square(s, x, v),
        ),
        Fault(
            "SSMG-square-detached",
            "the score is detached in the square",
            "unbounded below: the model sharpens without end",
            lambda s, x, v: _quadratic(s, x, v),
        ),
        Fault(
            "SSMG-one-factor",
            "the projected score is differentiated, not its square: vᵀ ∂s/∂θ without the factor vᵀ s",
            "every sample pulls the same way, whatever its score",
            lambda s, x, v: _quadratic(s, x, v) + _pulled(lambda _, w: w)(s, x, v),
        ),
        Fault(
            "SSMG-variance-reduced",
            "½|s|² stands where ½(vᵀs)² belongs",
            "another estimator: right mean, other variance",
            lambda s, x, v: _reduced(s, x, v),
        ),
        Fault(
            "SSMG-half-trace",
            "the Jacobian term is halved too",
            "the learned precision is half the true one",
            lambda s, x, v: 0.5 * _quadratic(s, x, v) + _square(s, x, v),
        ),
        Fault(
            "SSMG-no-half",
            "the square is not halved",
            "the learned precision is half the true one",
            lambda s, x, v: _quadratic(s, x, v) + 2 * _square(s, x, v),
        ),
        Fault(
            "SSMG-first-projection",
            "only the first projection is used",
            "the variance does not fall with their number",
            lambda s, x, v: _sliced(s, x, v[:1]),
        ),
        Fault(
            "SSMG-no-mean",
            "summed over projections, not averaged",
            "the step grows with the number of projections",
            lambda s, x, v: len(v) * _sliced(s, x, v),
            "https://github.com/bayesflow-org/bayesflow/pull/772",
        ),
        Fault(
            "SSMG-mean-before-square",
            "projections are averaged before the square",
            "the square is too small",
            _mean_before_square,
        ),
    ),
)

SLICED_VARIANCE_REDUCED_GRADIENT = gradient_of(
    SLICED_VARIANCE_REDUCED,
    formula="∂ℓ/∂θ = (1/m) Σ_j ∂(v_jᵀ J v_j)/∂θ + sᵀ ∂s/∂θ",
    label="SSM.5",
    reference=_reduced,
    cases=_cases(reduced=True),
    faults=(
        detached("SSMVRG", _reduced),
        Fault(
            "SSMVRG-quadratic-detached",
            "the term with the Jacobian is a constant to autograd: create_graph=True is missing in vᵀ J",
            "the model learns zero, and the loss still looks right",
            lambda s, x, v: _norm(s, x, v),
        ),
        Fault(
            "SSMVRG-norm-detached",
            "the score is detached in the norm",
            "unbounded below: the model sharpens without end",
            lambda s, x, v: _quadratic(s, x, v),
        ),
        Fault(
            "SSMVRG-plain",
            "½(vᵀs)² stands where ½|s|² belongs",
            "another estimator: right mean, more variance",
            lambda s, x, v: _sliced(s, x, v),
        ),
        Fault(
            "SSMVRG-no-half",
            "the norm is not halved",
            "the learned precision is half the true one",
            lambda s, x, v: _quadratic(s, x, v) + 2 * _norm(s, x, v),
        ),
        Fault(
            "SSMVRG-no-mean",
            "the Jacobian term is summed over projections",
            "the trace is m times too large",
            lambda s, x, v: len(v) * _quadratic(s, x, v) + _norm(s, x, v),
        ),
        Fault(
            "SSMVRG-sign",
            "the Jacobian term enters with a minus",
            "unbounded below",
            lambda s, x, v: -_quadratic(s, x, v) + _norm(s, x, v),
        ),
    ),
)
