"""Capabilities ``objective.denoising.gradient`` and ``objective.multilevel.gradient``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.gradients.common import POINTS, detached, gradient_case, gradient_of
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL, NOISE
from refscore.conformance.capabilities.objectives.denoising import DENOISING, LEVELS, MULTILEVEL, POWERS
from refscore.conformance.capability import Case, Fault, Function, Values
from refscore.conformance.fields import Field
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms
from refscore.objectives import denoising_gradient, multilevel_gradient

__all__ = ["DENOISING_GRADIENT", "MULTILEVEL_GRADIENT"]


def _noised(x0: Float, noise: Float, sigma: Float | float) -> tuple[Float, Float, Float]:
    """The noised points, what rounding does to them, and what it does to the target."""
    moved = np.abs(x0) + sigma * np.abs(noise)
    # The last term lets pass codes that recover the noise as (x − x0)/σ²: a worse algebra, not a wrong one.
    return x0 + sigma * noise, moved, np.abs(noise) / sigma + moved / sigma**2


def _denoising(score: Any, x0: Float, noise: Float, sigma: float) -> Float:
    return np.asarray(denoising_gradient(score, x0, noise, sigma) / len(x0))


def _denoising_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    few = {name: POINTS[name] for name in ("n=d", "tanh,n=d", "silu,n<d")}
    for sigma, points in ((2.0**-7, few), (0.5, POINTS), (8.0, few)):
        for name, (model, x0) in points.items():
            noise = NOISE[: len(x0)]
            x, moved, target = _noised(x0, noise, sigma)
            residual = Terms(np.abs(model(x) + noise / sigma), model.score_terms(x, moved).error + target)
            found = model.parameter_terms(x, moved, residual, None)
            weight = sigma ** POWERS[conventions["weight"]]
            arguments = (model, x0, noise, sigma)
            yield gradient_case(f"sigma={sigma:g},{name}", conventions, arguments, found, weight, random=(2,))


def _pulled(cotangent: Callable[[Any, Float, Float, float], Float]) -> Function:
    """What multiplies ∂s/∂θ in the place of the residual, from x, ε and σ."""

    def function(score: Any, x0: Float, noise: Float, sigma: float) -> Float:
        x = x0 + sigma * noise
        return np.asarray(score.vjp_parameters(x, cotangent(score, x, noise, sigma)) / len(x0))

    return function


DENOISING_GRADIENT = gradient_of(
    DENOISING,
    formula="∂ℓ/∂θ = (s(x) + ε/σ)ᵀ ∂s(x)/∂θ,  x = x₀ + σ ε",
    label="DSM.4",
    reference=_denoising,
    cases=_denoising_cases,
    faults=(
        detached("DSMG", _denoising),
        Fault(
            "DSMG-variance",
            "target divided by σ² instead of σ",
            "the learned score is 1/σ too large: samples collapse onto the data",
            _pulled(lambda s, x, z, sigma: s(x) + z / sigma**2),
            "https://github.com/yang-song/score_sde_pytorch/issues/26",
        ),
        Fault(
            "DSMG-unscaled",
            "target is the noise itself, not ε/σ",
            "the learned score is σ times too small",
            _pulled(lambda s, x, z, sigma: s(x) + z),
        ),
        Fault(
            "DSMG-sign",
            "sign of the target",
            "the learned field points away from the data",
            _pulled(lambda s, x, z, sigma: s(x) - z / sigma),
            "https://github.com/soran-ghaderi/torchebm/issues/318",
        ),
        Fault(
            "DSMG-no-target",
            "the residual is the score alone: the target is dropped as if it were a constant",
            "the model learns zero",
            _pulled(lambda s, x, z, sigma: s(x)),
        ),
        Fault(
            "DSMG-score-detached",
            "the residual is the target alone: the score is detached in it",
            "the model grows against the noise without end",
            _pulled(lambda s, x, z, sigma: z / sigma),
        ),
        Fault(
            "DSMG-clean-point",
            "score and derivative taken at the clean point",
            "learns the score of no distribution at all",
            lambda s, x0, z, sigma: s.vjp_parameters(x0, s(x0) + z / sigma) / len(x0),
        ),
        Fault(
            "DSMG-clean-derivative",
            "the residual is of the noised point, the derivative of the clean one",
            "right where the model is linear in θ alone",
            lambda s, x0, z, sigma: s.vjp_parameters(x0, s(x0 + sigma * z) + z / sigma) / len(x0),
        ),
    ),
)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    """A model at noise levels, each sample of which counts 1/σ² times: λ = 1 where the formula has λ = σ²."""

    model: Levelled
    sigma: Float

    def __call__(self, x: Float, sigma: Float) -> Float:
        return self.model(x, sigma)

    def vjp_parameters(self, x: Float, sigma: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x, σ)/σ²."""
        return self.model.vjp_parameters(x, sigma, v / self.sigma[:, None] ** 2)

    def cast(self, dtype: str) -> _Weighted:
        """The same in a dtype."""
        return _Weighted(self.model.cast(dtype), self.sigma.astype(dtype))


def _multilevel(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
    return np.asarray(multilevel_gradient(score, x0, noise, sigma) / len(x0))


def _multilevel_cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    bases: dict[str, Field | Perceptron] = {"": MODEL, "tanh,": NETWORKS["tanh"], "silu,": NETWORKS["silu"]}
    every = [(order, kind, name) for order in ("rising", "falling") for kind in bases for name in ("n=d", "n<d", "n=1")]
    for order, kind, name in every:
        x0 = BATCHES[name]
        model, noise = Levelled(bases[kind]), NOISE[: len(x0)]
        sigma = LEVELS[: len(x0)] if order == "rising" else LEVELS[::-1][: len(x0)]
        lifted = sigma[:, None]
        x, moved, target = _noised(x0, noise, lifted)
        weight = lifted**2 if conventions["weight"] == "sigma**2" else np.ones_like(lifted)
        error = model.score_terms(x, moved, sigma).error + target
        residual = Terms(weight * np.abs(model(x, sigma) + noise / lifted), weight * error)
        found = model.parameter_terms(x, moved, sigma, residual)
        arguments = (model, x0, noise, sigma)
        case = gradient_case(f"{order},{kind}{name}", conventions, arguments, found, random=(2,))
        yield case if conventions["weight"] == "sigma**2" else _unweighted(case, model, sigma)


def _unweighted(case: Case, model: Levelled, sigma: Float) -> Case:
    """The same case for λ = 1: what is expected of a function comes from a model that undoes its weight."""

    def expect(function: Function) -> Values:
        return case.expect(lambda _, *rest, **named: function(_Weighted(model, sigma), *rest, **named))

    return Case(case.name, case.arguments, expect, case.size, case.keywords, random=case.random)


def _at_levels(cotangent: Callable[[Any, Float, Float, Float], Float], power: float = 2.0) -> Function:
    def function(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
        x = x0 + sigma[:, None] * noise
        pull = sigma[:, None] ** power * cotangent(score, x, noise, sigma)
        return np.asarray(score.vjp_parameters(x, sigma, pull) / len(x0))

    return function


def _level_squared(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
    x, level = x0 + sigma[:, None] * noise, sigma**2
    residual = score(x, level) + noise / sigma[:, None]
    return np.asarray(score.vjp_parameters(x, level, sigma[:, None] ** 2 * residual) / len(x0))


def _first_level(score: Any, x0: Float, noise: Float, sigma: Float) -> Float:
    return _multilevel(score, x0, noise, sigma[:1].repeat(len(x0)))


MULTILEVEL_GRADIENT = gradient_of(
    MULTILEVEL,
    formula="∂ℓ/∂θ = λ(σ) (s(x, σ) + ε/σ)ᵀ ∂s(x, σ)/∂θ,  x = x₀ + σ ε",
    label="MSM.3",
    reference=_multilevel,
    cases=_multilevel_cases,
    faults=(
        detached("MSMG", _multilevel),
        Fault(
            "MSMG-weight-linear",
            "weighted by σ instead of σ²",
            "large noise levels are neglected",
            _at_levels(lambda s, x, z, v: s(x, v) + z / v[:, None], 1.0),
        ),
        Fault(
            "MSMG-target-variance",
            "target divided by σ²",
            "the learned score is 1/σ too large",
            _at_levels(lambda s, x, z, v: s(x, v) + z / v[:, None] ** 2),
        ),
        Fault(
            "MSMG-target-unweighted",
            "the score is weighted by σ², the target by σ² once more",
            "the learned score is σ² times too small",
            _at_levels(lambda s, x, z, v: s(x, v) + z * v[:, None]),
        ),
        Fault(
            "MSMG-sign",
            "sign of the target",
            "the learned field points away from the data",
            _at_levels(lambda s, x, z, v: s(x, v) - z / v[:, None]),
        ),
        Fault(
            "MSMG-no-target",
            "the residual is the score alone: the target is dropped as if it were a constant",
            "the model learns zero",
            _at_levels(lambda s, x, z, v: s(x, v)),
        ),
        Fault(
            "MSMG-level-squared",
            "the model is told σ² instead of σ",
            "sampling asks for levels that were not learned",
            _level_squared,
        ),
        Fault(
            "MSMG-first-level",
            "all samples use the level of the first",
            "one level is learned",
            _first_level,
        ),
    ),
)
