"""Capability ``objective.consistency.gradient``: the student is its own teacher: a gradient through it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import MEAN, detached, gradient_of
from refscore.conformance.capabilities.gradients.weighted import Weighted
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE
from refscore.conformance.capabilities.objectives.consistency import (
    CONSISTENCY,
    CONVENTIONS,
    PAIRS,
    points,
    weight_of,
)
from refscore.conformance.capability import Case, Fault, Function, Values
from refscore.conformance.fields import Field
from refscore.conformance.gradients import Learnable
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import consistency_gradient

__all__ = ["CONSISTENCY_GRADIENT"]


def _reference(student: Any, teacher: Any, x0: Float, noise: Float, upper: Float, lower: Float) -> Float:
    return np.asarray(consistency_gradient(student, teacher, x0, noise, upper, lower) / len(x0))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    bases: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}
    for kind, base in bases.items():
        for name in ("n=d", "n<d", "n=1"):
            for order, (upper, lower) in PAIRS.items():
                n = len(BATCHES[name])
                rest = (BATCHES[name], NOISE[:n], upper[:n], lower[:n])
                yield _case(f"{order},{kind}{name}", conventions, Levelled(base), rest)


def _case(name: str, conventions: Mapping[str, Any], model: Levelled, rest: tuple[Float, ...]) -> Case:
    x0, noise, upper, lower = rest
    n, d = x0.shape
    x, moved, below, shaken = points(x0, noise, upper, lower)
    weight = weight_of(conventions, upper, lower)
    error = model.score_terms(x, moved, upper).error + model.score_terms(below, shaken, lower).error
    pull = 2 * weight[:, None] * np.abs(model(x, upper) - model(below, lower))
    terms = model.parameter_terms(x, moved, upper, Terms(pull, 2 * weight[:, None] * error))
    scale = float(conventions["factor"]) / (d if conventions["dimension"] == "mean" else 1)
    scale *= n if conventions["reduction"] == "sum" else 1
    given = Weighted(model, weight)

    def expect(function: Function) -> Values:
        return (scale * np.asarray(function(given, given, *rest)),)

    learned = Learnable(model)
    return Case(name, (learned, learned, *rest), expect, (where_zero(scale * terms.error / n),), random=(3,))


def _with(cotangent: Callable[[Any, Float, Float, Float, Float], Float]) -> Function:
    """What multiplies 2 ∂f(x', σ')/∂θ in the place of the residual, from f, both points and both levels."""

    def function(student: Any, _: Any, x0: Float, noise: Float, upper: Float, lower: Float) -> Float:
        x, _, below, _ = points(x0, noise, upper, lower)
        pull = 2 * cotangent(student, x, below, upper, lower)
        return np.asarray(student.vjp_parameters(x, upper, pull) / len(x0))

    return function


def _through_both(student: Any, teacher: Any, x0: Float, noise: Float, upper: Float, lower: Float) -> Float:
    x, _, below, _ = points(x0, noise, upper, lower)
    pull = 2 * (student(x, upper) - teacher(below, lower))
    both = student.vjp_parameters(x, upper, pull) - teacher.vjp_parameters(below, lower, pull)
    return np.asarray(both / len(x0))


def _through_the_teacher(student: Any, teacher: Any, x0: Float, noise: Float, upper: Float, lower: Float) -> Float:
    x, _, below, _ = points(x0, noise, upper, lower)
    pull = 2 * (teacher(below, lower) - student(x, upper))
    return np.asarray(teacher.vjp_parameters(below, lower, pull) / len(x0))


CONSISTENCY_GRADIENT = replace(
    gradient_of(
        CONSISTENCY,
        formula="∂ℓ/∂θ = 2 (f(x', σ') − f⁻(x, σ))ᵀ ∂f(x', σ')/∂θ",
        label="CM.7",
        reference=_reference,
        cases=_cases,
        faults=(
            detached("CMG", _reference),
            Fault(
                "CMG-teacher-not-detached",
                "the gradient goes through the teacher too",
                "student and teacher meet in the middle: f becomes a constant",
                _through_both,
            ),
            Fault(
                "CMG-student-detached",
                "the student is detached, the teacher is not",
                "the boundary is moved to fit the noise",
                _through_the_teacher,
            ),
            Fault(
                "CMG-no-target",
                "the residual is the student alone: the teacher is dropped as if it were a constant",
                "the model learns zero",
                _with(lambda f, x, y, up, low: f(x, up)),
            ),
            Fault(
                "CMG-one-factor",
                "the 2 of the square is lost",
                "half the learning rate",
                _with(lambda f, x, y, up, low: 0.5 * (f(x, up) - f(y, low))),
            ),
            Fault(
                "CMG-same-point",
                "the teacher gets the student's point, with the lower level",
                "no step is taken: f stops depending on the level",
                _with(lambda f, x, y, up, low: f(x, up) - f(x, low)),
            ),
            Fault(
                "CMG-same-level",
                "the teacher is told the student's level",
                "the boundary condition never reaches the upper levels",
                _with(lambda f, x, y, up, low: f(x, up) - f(y, up)),
            ),
        ),
    ),
    conventions=tuple(MEAN if c.name == "reduction" else c for c in CONVENTIONS),
)
