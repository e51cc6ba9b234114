"""Capability ``objective.conditional``: the score of noised data, given a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import (
    BATCHES,
    COMMON,
    MODEL,
    NOISE,
    half_square,
    objective_case,
)
from refscore.conformance.capabilities.objectives.denoising import LEVELS
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.conformance.conditioned import Conditioned
from refscore.conformance.levelled import Levelled
from refscore.objectives import conditional

__all__ = ["CONDITIONAL", "CONDITIONS", "noised"]

CONDITIONS = np.array([[1.0, 0.25], [-2.0, 0.25], [0.5, 3.0]])


def noised(x0: Float, noise: Float, sigma: Float) -> tuple[Float, Float, Float]:
    """The noised points, what rounding does to them, and what it does to the target."""
    lifted = sigma[:, None]
    moved = np.abs(x0) + lifted * np.abs(noise)
    # The last term lets pass codes that recover the noise as (x − x0)/σ²: a worse algebra, not a wrong one.
    return x0 + lifted * noise, moved, np.abs(noise) / lifted + moved / lifted**2


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    model = Conditioned(Levelled(MODEL))
    for name, x0 in BATCHES.items():
        n = len(x0)
        for order, sigma in (("rising", LEVELS[:n]), ("falling", LEVELS[::-1][:n])):
            noise, y = NOISE[:n], CONDITIONS[:n]
            x, moved, target = noised(x0, noise, sigma)
            terms = model.score_terms(x, moved, sigma, y).error + target
            size = sigma**2 * half_square(model(x, sigma, y) + noise / sigma[:, None], terms)
            weight = 1.0 if conventions["weight"] == "sigma**2" else sigma**-2
            arguments = (model, x0, y, noise, sigma)
            yield objective_case(f"{order},{name}", conventions, arguments, conditional, size, weight, random=(3,))


def _with(residual: Callable[[Any, Float, Float, Float, Float, Float], Float], power: float = 2.0) -> Function:
    """The loss of a residual of s, x, y, ε, the lifted level and the level."""

    def function(score: Any, x0: Float, condition: Float, noise: Float, sigma: Float) -> Float:
        lifted = sigma[:, None]
        found = residual(score, x0 + lifted * noise, condition, noise, lifted, sigma)
        return np.asarray(0.5 * sigma**power * (found**2).sum(-1))

    return function


CONDITIONAL = Capability(
    name="objective.conditional",
    title="Conditional denoising score matching over noise levels",
    signature="conditional(score, x0 (n, d), condition (n, 2), noise (n, d), sigma (n,)) -> (n,)",
    formula="ℓ = ½ λ(σ) |s(x₀ + σ ε, σ, y) + ε/σ|²,  λ(σ) = σ²",
    label="CSM.4",
    source="Batzolis et al. (2021), theorem 1",
    page="docs/objectives/conditional.md",
    reference=conditional,
    cases=_cases,
    conventions=(*COMMON, Convention("weight", "sigma**2", ("sigma**2", "one"), "λ(σ)")),
    truth="objective.multilevel on x₀ − W y for s = −A (x − b − W y)/σ; the minimiser is ∇ₓ log p_σ(x | y)",
    derivation=(
        "Given y this is objective.multilevel on the data that have this y: the noise is",
        "independent of y, so the target stays −ε/σ, and its mean given x and y is",
        "E[−ε/σ | x, y] = ∇ₓ log p_σ(x | y). The condition is neither noised nor predicted.",
    ),
    faults=(
        Fault(
            "CSM-unconditional",
            "the condition does not reach the model",
            "an unconditional model: conditions change nothing",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, 0 * y) + z / v),
            "https://github.com/lucidrains/DALLE2-pytorch/issues/235",
        ),
        Fault(
            "CSM-other-condition",
            "conditions and samples run in opposite orders",
            "each condition is learned on another one's data",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y[::-1]) + z / v),
        ),
        Fault(
            "CSM-first-condition",
            "all samples use the condition of the first",
            "one condition is learned",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, np.broadcast_to(y[:1], y.shape)) + z / v),
        ),
        Fault(
            "CSM-entries-swapped",
            "the entries of the condition are in another order",
            "the model is asked for other conditions than it learned",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y[:, ::-1]) + z / v),
        ),
        Fault(
            "CSM-noised-condition",
            "the condition is noised with the data",
            "learns the joint score at one level for both: blurred conditions",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y + v * z[:, :2]) + z / v),
        ),
        Fault(
            "CSM-scaled-condition",
            "the condition is scaled as for guidance, 2 y",
            "guidance is built into the training",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, 2 * y) + z / v),
        ),
        Fault(
            "CSM-target-variance",
            "target divided by σ²",
            "the learned score is 1/σ too large",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y) + z / v**2),
        ),
        Fault(
            "CSM-sign",
            "sign of the target",
            "the learned field points away from the data",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y) - z / v),
        ),
        Fault(
            "CSM-weight-linear",
            "weighted by σ instead of σ²",
            "large noise levels are neglected",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma, y) + z / v, 1.0),
        ),
        Fault(
            "CSM-level-squared",
            "the model is told σ² instead of σ",
            "sampling asks for levels that were not learned",
            _with(lambda s, x, y, z, v, sigma: s(x, sigma**2, y) + z / v),
        ),
    ),
)
