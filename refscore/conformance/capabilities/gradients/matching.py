"""Capabilities ``objective.explicit.gradient`` and ``objective.implicit.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import (
    POINTS,
    axes,
    detached,
    gradient_case,
    gradient_of,
    score_and_terms,
)
from refscore.conformance.capabilities.objectives.common import DATA_SCORE
from refscore.conformance.capabilities.objectives.matching import EXPLICIT, IMPLICIT
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.terms import Terms
from refscore.objectives import explicit_gradient, implicit_gradient

__all__ = ["EXPLICIT_GRADIENT", "IMPLICIT_GRADIENT"]


def _explicit(score: Any, x: Float, data_score: Float) -> Float:
    return np.asarray(explicit_gradient(score, x, data_score) / len(x))


def _explicit_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (model, x) in POINTS.items():
        target = DATA_SCORE(x)
        s, terms = score_and_terms(model, x)
        residual = Terms(np.abs(s - target), terms.error + np.abs(target))
        found = model.parameter_terms(x, np.zeros_like(x), residual, None)
        yield gradient_case(name, conventions, (model, x, target), found)


def _pulled(cotangent: Callable[[Any, Float, Float], Float]) -> Function:
    """What multiplies ∂s/∂θ, in the place of the residual."""
    return lambda s, x, t: s.vjp_parameters(x, cotangent(s, x, t)) / len(x)


EXPLICIT_GRADIENT = gradient_of(
    EXPLICIT,
    formula="∂ℓ/∂θ = (s(x) − s_data)ᵀ ∂s(x)/∂θ",
    label="ESM.3",
    reference=_explicit,
    cases=_explicit_cases,
    faults=(
        detached("ESMG", _explicit),
        Fault(
            "ESMG-no-target",
            "the residual is the score alone: the data score is dropped as if it were a constant",
            "the model learns zero",
            _pulled(lambda s, x, t: s(x)),
        ),
        Fault(
            "ESMG-target-only",
            "the residual is the data score alone: the score is detached in it",
            "the model grows along the data score without end",
            _pulled(lambda s, x, t: -t),
        ),
        Fault(
            "ESMG-sign",
            "the data score is added instead of subtracted",
            "the model learns −∇log p: samples flee the data",
            _pulled(lambda s, x, t: s(x) + t),
        ),
        Fault(
            "ESMG-norm",
            "the gradient of the norm, not of its square",
            "gradients of unit size everywhere: training stalls near the optimum",
            _pulled(lambda s, x, t: 0.5 * (s(x) - t) / np.sqrt(((s(x) - t) ** 2).sum(-1, keepdims=True))),
        ),
        Fault(
            "ESMG-absolute",
            "the gradient of absolute values, not of squares",
            "learns the median, not the mean: biased under noise",
            _pulled(lambda s, x, t: 0.5 * np.sign(s(x) - t)),
        ),
        Fault(
            "ESMG-score-sum",
            "the score itself is differentiated, not the square",
            "every sample pulls the same way, whatever its residual",
            _pulled(lambda s, x, t: np.ones_like(x)),
        ),
    ),
)


def _implicit(score: Any, x: Float) -> Float:
    return np.asarray(implicit_gradient(score, x) / len(x))


def _implicit_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, (model, x) in POINTS.items():
        _, terms = score_and_terms(model, x)
        yield gradient_case(name, conventions, (model, x), model.parameter_terms(x, np.zeros_like(x), terms, axes(x)))


def _parts(trace: float, norm: float) -> Function:
    """The two parts of the gradient, each some times."""

    def function(score: Any, x: Float) -> Float:
        # A part that is left out is zero, not a sum of zeros with signs of their own.
        parts = trace * score.trace_parameters(x), norm * score.vjp_parameters(x, score(x))
        return np.asarray(sum(parts) / len(x))

    return function


IMPLICIT_GRADIENT = gradient_of(
    IMPLICIT,
    formula="∂ℓ/∂θ = ∂(tr J)/∂θ + sᵀ ∂s/∂θ",
    label="ISM.3",
    reference=_implicit,
    cases=_implicit_cases,
    faults=(
        detached("ISMG", _implicit),
        Fault(
            "ISMG-trace-detached",
            "the trace is a constant to autograd: create_graph=True is missing where the score is differentiated in x",
            "the model learns zero, and the loss still looks right",
            _parts(0.0, 1.0),
        ),
        Fault(
            "ISMG-norm-detached",
            "the score is detached in the norm",
            "unbounded below: the model sharpens without end",
            _parts(1.0, 0.0),
        ),
        Fault(
            "ISMG-half-trace",
            "the trace is halved with the norm",
            "the learned precision is half the true one",
            _parts(0.5, 1.0),
        ),
        Fault(
            "ISMG-no-half",
            "the norm is not halved, the trace is not doubled",
            "the learned precision is half the true one",
            _parts(1.0, 2.0),
        ),
        Fault(
            "ISMG-sign",
            "the trace enters with a minus",
            "unbounded below: the model sharpens without end",
            _parts(-1.0, 1.0),
        ),
        Fault(
            "ISMG-sum-of-jacobian",
            "the gradient of the sum of the score is summed: all entries of J, not its diagonal",
            "right for diagonal covariances only; correlations are learned wrongly",
            lambda s, x: (s.quadratic_parameters(x, np.ones_like(x)) + s.vjp_parameters(x, s(x))) / len(x),
        ),
    ),
)
