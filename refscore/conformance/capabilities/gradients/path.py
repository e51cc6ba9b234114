"""Capability ``objective.path.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import detached, gradient_case, gradient_of
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE
from refscore.conformance.capabilities.objectives.path import PATH_LOSS
from refscore.conformance.capabilities.objectives.path_cases import (
    LEVELS,
    PLAIN,
    TIME,
    Setting,
    in_setting,
    level_keywords,
    level_of,
    places,
    sizes,
    target_of,
    weight_of,
)
from refscore.conformance.capability import Case, Fault, Function
from refscore.conformance.fields import Field
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import path_gradient

__all__ = ["PATH_GRADIENT"]

Cotangent = Callable[[Float, Float, Float], Float]
BASES: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}


def _reference(
    predict: Any,
    x0: Float,
    noise: Float,
    t: Float,
    *,
    alpha: Float,
    sigma: Float,
    alpha_dot: Float | None = None,
    sigma_dot: Float | None = None,
    diffusion: Float | None = None,
    setting: Setting = PLAIN,
) -> Float:
    """``objectives.path_gradient`` over the batch mean, under a setting."""
    level = level_of(alpha, sigma, alpha_dot, sigma_dot, diffusion)
    target, weight = target_of(x0, noise, level, setting.prediction), weight_of(level, setting)
    total = path_gradient(predict, x0, noise, t, alpha=alpha, sigma=sigma, target=target, weight=weight)
    return np.asarray(total / len(x0))


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    setting = Setting(conventions["prediction"], conventions["weight"])
    for place, name in places(setting):
        for kind, base in BASES.items() if name == "n=d" else [("", BASES[""])]:
            x0 = BATCHES[name]
            n = len(x0)
            level, noise, t, model = LEVELS[place].first(n), NOISE[:n], TIME[:n], Levelled(base)
            x, moved, target, target_terms = sizes(x0, noise, level, setting.prediction)
            weight = weight_of(level, setting)[:, None]
            residual, error = np.abs(model(x, t) - target), model.score_terms(x, moved, t).error + target_terms
            # 8 for the rounding of the weight itself, as in the value.
            pulled = Terms(weight * residual, weight * (error + 8 * residual))
            found = model.parameter_terms(x, moved, t, pulled)
            arguments = (model, x0, noise, t)
            keywords = level_keywords(level, setting)
            case = gradient_case(f"{place},{kind}{name}", conventions, arguments, found, random=(2,), keywords=keywords)
            yield in_setting(case, setting)


def _pulled(cotangent: Cotangent, default: Setting = PLAIN) -> Function:
    """What multiplies ∂P/∂θ in the place of w (P − T), from P, T and w."""

    def function(
        predict: Any,
        x0: Float,
        noise: Float,
        t: Float,
        *,
        alpha: Float,
        sigma: Float,
        alpha_dot: Float | None = None,
        sigma_dot: Float | None = None,
        diffusion: Float | None = None,
        setting: Setting = default,
    ) -> Float:
        level = level_of(alpha, sigma, alpha_dot, sigma_dot, diffusion)
        x = alpha[:, None] * x0 + sigma[:, None] * noise
        target, weight = target_of(x0, noise, level, setting.prediction), weight_of(level, setting)[:, None]
        return np.asarray(predict.vjp_parameters(x, t, cotangent(predict(x, t), target, weight)) / len(x0))

    return function


def _first(predict: Any, x0: Float, noise: Float, t: Float, **keywords: Any) -> Float:
    first = {k: v if k == "setting" else v[:1].repeat(len(x0)) for k, v in keywords.items()}
    return _reference(predict, x0, noise, t, **first)


WEIGHTED = {"weight": "sigma**2"}

PATH_GRADIENT = gradient_of(
    PATH_LOSS,
    formula="∂ℓ/∂θ = w (P(x_t, t) − T)ᵀ ∂P(x_t, t)/∂θ,  x_t = α x₀ + σ ε",
    label="PATHL.3",
    reference=_reference,
    cases=_cases,
    faults=(
        detached("PLOSSG", _reference),
        Fault(
            "PLOSSG-target-sign",
            "sign of the target",
            "the learned field points away from the data",
            _pulled(lambda p, target, w: w * (p + target)),
        ),
        Fault(
            "PLOSSG-no-target",
            "the residual is the prediction alone: the target is dropped as if it were a constant",
            "the model learns zero",
            _pulled(lambda p, target, w: w * p),
        ),
        Fault(
            "PLOSSG-prediction-detached",
            "the residual is the target alone: the prediction is detached in it",
            "the model grows against the target without end",
            _pulled(lambda p, target, w: -w * target),
        ),
        Fault(
            "PLOSSG-weight-squared",
            "the weight stands inside the square",
            "the weight counts twice",
            _pulled(lambda p, target, w: w**2 * (p - target), Setting("score", "sigma**2")),
            declared=WEIGHTED,
        ),
        Fault(
            "PLOSSG-target-weighted",
            "the target is weighted once more",
            "what is learned is w times the target",
            _pulled(lambda p, target, w: w * (p - w * target), Setting("score", "sigma**2")),
            declared=WEIGHTED,
        ),
        Fault(
            "PLOSSG-told-sigma",
            "the network is told σ instead of t",
            "sampling asks for times that were not learned",
            lambda predict, x0, noise, t, **keywords: _reference(predict, x0, noise, keywords["sigma"], **keywords),
        ),
        Fault("PLOSSG-first-time", "all samples use the level of the first", "one level is learned", _first),
    ),
)
