"""Capability ``objective.flow_matching.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE
from refscore.conformance.capabilities.objectives.flow_matching import FLOW_MATCHING, TIMES, on_the_line
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.fields import Field
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import flow_matching_gradient

__all__ = ["FLOW_MATCHING_GRADIENT"]


def _reference(velocity: Any, x0: Float, x1: Float, t: Float) -> Float:
    return np.asarray(flow_matching_gradient(velocity, x0, x1, t) / len(x0))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    bases: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}
    for kind, base in bases.items():
        for name in ("n=d", "n<d", "n=1"):
            n = len(BATCHES[name])
            for order, t in (("rising", TIMES[:n]), ("falling", TIMES[::-1][:n])):
                model, x0, x1 = Levelled(base), BATCHES[name], NOISE[:n]
                x, moved, target = on_the_line(x0, x1, t)
                error = model.score_terms(x, moved, t).error + target
                pull = Terms(np.abs(model(x, t) - (x1 - x0)), error)
                found = model.parameter_terms(x, moved, t, pull)
                yield gradient_case(f"{order},{kind}{name}", conventions, (model, x0, x1, t), found, random=(2,))


def _pulled(cotangent: Callable[[Any, Float, Float, Float, Float, Float], Float]) -> Function:
    """What multiplies ∂u/∂θ in the place of the residual, from u, x_t, x0, x1, the lifted time and the time."""

    def function(velocity: Any, x0: Float, x1: Float, t: Float) -> Float:
        s = t[:, None]
        x = (1 - s) * x0 + s * x1
        return np.asarray(velocity.vjp_parameters(x, t, cotangent(velocity, x, x0, x1, s, t)) / len(x0))

    return function


def _elsewhere(point: Callable[[Float, Float, Float], Float], time: Callable[[Float], Float]) -> Function:
    """The right target, with the field and its derivative at another point or time."""

    def function(velocity: Any, x0: Float, x1: Float, t: Float) -> Float:
        x, told = point(x0, x1, t[:, None]), time(t)
        return np.asarray(velocity.vjp_parameters(x, told, velocity(x, told) - (x1 - x0)) / len(x0))

    return function


def _on_line(x0: Float, x1: Float, s: Float) -> Float:
    return (1 - s) * x0 + s * x1


FLOW_MATCHING_GRADIENT = gradient_of(
    FLOW_MATCHING,
    formula="∂ℓ/∂θ = (u(x_t, t) − (x₁ − x₀))ᵀ ∂u(x_t, t)/∂θ",
    label="FM.7",
    reference=_reference,
    cases=_cases,
    faults=(
        detached("FMG", _reference),
        Fault(
            "FMG-target-reversed",
            "target x₀ − x₁: the velocity of the other direction of time",
            "integrated as it was trained it runs away from the data",
            _pulled(lambda u, x, x0, x1, s, t: u(x, t) - (x0 - x1)),
            "https://github.com/XLabs-AI/x-flux/issues/32",
        ),
        Fault(
            "FMG-no-target",
            "the residual is the velocity alone: the target is dropped as if it were a constant",
            "the model learns zero",
            _pulled(lambda u, x, x0, x1, s, t: u(x, t)),
        ),
        Fault(
            "FMG-velocity-detached",
            "the residual is the target alone: the velocity is detached in it",
            "the model grows along the lines without end",
            _pulled(lambda u, x, x0, x1, s, t: x0 - x1),
        ),
        Fault(
            "FMG-time-for-point",
            "target (x₁ − t)/(1 − t): the time stands where the point should",
            "learns the velocity of no curve",
            _pulled(lambda u, x, x0, x1, s, t: u(x, t) - (x1 - s) / (1 - s)),
            "https://github.com/atong01/conditional-flow-matching/issues/175",
        ),
        Fault(
            "FMG-other-source",
            "the target takes its noise from another sample than the point",
            "the learned field is the mean velocity, wrong by what noise and source differ",
            _pulled(lambda u, x, x0, x1, s, t: u(x, t) - (x1[::-1] - x0)),
            "https://github.com/theislab/CellFlow/pull/305",
        ),
        Fault(
            "FMG-path-reversed",
            "the point runs from x₁ to x₀, the target from x₀ to x₁",
            "data and noise stand at the wrong ends of a field that flows past both",
            _elsewhere(lambda x0, x1, s: _on_line(x1, x0, s), lambda t: t),
        ),
        Fault(
            "FMG-time-reversed",
            "the model is told 1 − t",
            "sampling asks for times that were learned elsewhere",
            _elsewhere(_on_line, lambda t: 1 - t),
        ),
        Fault(
            "FMG-clean-point",
            "the velocity and its derivative are taken at the data",
            "learns one mean direction for each data point",
            _elsewhere(lambda x0, x1, s: x0, lambda t: t),
        ),
    ),
)
