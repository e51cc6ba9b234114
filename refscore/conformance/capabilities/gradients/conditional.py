"""Capability ``objective.conditional.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.gradients.weighted import Weighted
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE
from refscore.conformance.capabilities.objectives.conditional import CONDITIONAL, CONDITIONS, noised
from refscore.conformance.capabilities.objectives.denoising import LEVELS
from refscore.conformance.capability import Case, Fault, Function, Values
from refscore.conformance.conditioned import Conditioned
from refscore.conformance.fields import Field
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import conditional_gradient

__all__ = ["CONDITIONAL_GRADIENT"]


def _reference(score: Any, x0: Float, condition: Float, noise: Float, sigma: Float) -> Float:
    return np.asarray(conditional_gradient(score, x0, condition, noise, sigma) / len(x0))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    bases: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}
    for kind, base in bases.items():
        for name in ("n=d", "n<d", "n=1"):
            n = len(BATCHES[name])
            for order, sigma in (("rising", LEVELS[:n]), ("falling", LEVELS[::-1][:n])):
                model, x0, y, noise = Conditioned(Levelled(base)), BATCHES[name], CONDITIONS[:n], NOISE[:n]
                x, moved, target = noised(x0, noise, sigma)
                power = sigma[:, None] ** (2.0 if conventions["weight"] == "sigma**2" else 0.0)
                error = model.score_terms(x, moved, sigma, y).error + target
                residual = np.abs(model(x, sigma, y) + noise / sigma[:, None])
                found = model.parameter_terms(x, moved, sigma, y, Terms(power * residual, power * error))
                arguments = (model, x0, y, noise, sigma)
                case = gradient_case(f"{order},{kind}{name}", conventions, arguments, found, random=(3,))
                yield case if conventions["weight"] == "sigma**2" else _unweighted(case, model, sigma)


def _unweighted(case: Case, model: Conditioned, sigma: Float) -> Case:
    """The same case for λ = 1: what is expected of a function comes from a model that undoes its weight."""

    def expect(function: Function) -> Values:
        return case.expect(lambda _, *rest: function(Weighted(model, sigma**-2), *rest))

    return Case(case.name, case.arguments, expect, case.size, random=case.random)


def _with(
    residual: Callable[[Any, Float, Float, Float, Float, Float], Float],
    condition: Callable[[Float], Float] = lambda y: y,
    power: float = 2.0,
) -> Function:
    """A residual of s, x, y, ε, the lifted level and the level, and the condition that the model is given."""

    def function(score: Any, x0: Float, y: Float, noise: Float, sigma: Float) -> Float:
        lifted, told = sigma[:, None], condition(y)
        x = x0 + lifted * noise
        pull = lifted**power * residual(score, x, told, noise, lifted, sigma)
        return np.asarray(score.vjp_parameters(x, sigma, told, pull) / len(x0))

    return function


def _right(s: Any, x: Float, y: Float, z: Float, v: Float, sigma: Float) -> Float:
    return np.asarray(s(x, sigma, y) + z / v)


CONDITIONAL_GRADIENT = gradient_of(
    CONDITIONAL,
    formula="∂ℓ/∂θ = λ(σ) (s(x, σ, y) + ε/σ)ᵀ ∂s(x, σ, y)/∂θ,  x = x₀ + σ ε",
    label="CSM.5",
    reference=_reference,
    cases=_cases,
    faults=(
        detached("CSMG", _reference),
        Fault(
            "CSMG-unconditional",
            "the condition does not reach the model",
            "an unconditional model: conditions change nothing",
            _with(_right, lambda y: 0 * y),
            "https://github.com/lucidrains/DALLE2-pytorch/issues/235",
        ),
        Fault(
            "CSMG-other-condition",
            "conditions and samples run in opposite orders",
            "each condition is learned on another one's data",
            _with(_right, lambda y: y[::-1]),
        ),
        Fault(
            "CSMG-scaled-condition",
            "the condition is scaled as for guidance, 2 y",
            "guidance is built into the training",
            _with(_right, lambda y: 2 * y),
        ),
        Fault(
            "CSMG-target-variance",
            "target divided by σ²",
            "the learned score is 1/σ too large",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y) + z / v**2),
        ),
        Fault(
            "CSMG-sign",
            "sign of the target",
            "the learned field points away from the data",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y) - z / v),
        ),
        Fault(
            "CSMG-no-target",
            "the residual is the score alone: the target is dropped as if it were a constant",
            "the model learns zero",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y)),
        ),
        Fault(
            "CSMG-score-detached",
            "the residual is the target alone: the score is detached in it",
            "the model grows against the noise without end",
            _with(lambda s, x, y, z, v, sigma: z / v),
        ),
        Fault(
            "CSMG-weight-linear",
            "weighted by σ instead of σ²",
            "large noise levels are neglected",
            _with(_right, power=1.0),
        ),
    ),
)
