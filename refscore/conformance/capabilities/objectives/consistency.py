"""Capability ``objective.consistency``: a function held to itself at the neighbouring noise level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import (
    BATCHES,
    COMMON,
    DATA_SCORE,
    MODEL,
    NOISE,
    declared,
    half_square,
)
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function, Values
from refscore.conformance.levelled import Levelled
from refscore.objectives import consistency

__all__ = ["CONSISTENCY", "CONVENTIONS", "PAIRS", "points", "weight_of"]

UPPER, LOWER = np.array([1.0, 4.0, 2.0]), np.array([0.25, 2.0**-6, 1.5])
PAIRS = {"rising": (UPPER, LOWER), "falling": (UPPER[::-1], LOWER[::-1])}
WEIGHT = Convention("weight", "one", ("one", "snr", "inverse_step"), "λ: 1, 1/σ'² or 1/(σ' − σ)")
CONVENTIONS = (Convention("factor", 1, (0.5, 1, 2), "what stands before the squared norm"), *COMMON[1:], WEIGHT)


def weight_of(conventions: Mapping[str, Any], upper: Float, lower: Float) -> Float:
    """λ at each pair of levels."""
    return {"one": np.ones_like(upper), "snr": upper**-2, "inverse_step": 1 / (upper - lower)}[conventions["weight"]]


def points(x0: Float, noise: Float, upper: Float, lower: Float) -> tuple[Float, Float, Float, Float]:
    """The points at both levels, each with what rounding does to it."""
    up, low = upper[:, None], lower[:, None]
    moved = np.abs(x0) + up * np.abs(noise)
    # The lower point may be an Euler step from the upper one, with the clean point for the denoiser.
    return x0 + up * noise, moved, x0 + low * noise, 3 * moved


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    models = {"": (Levelled(MODEL), Levelled(DATA_SCORE)), "tanh,": (Levelled(NETWORKS["tanh"]), Levelled(MODEL))}
    for kind, (student, teacher) in models.items():
        for name, x0 in BATCHES.items():
            for order, (upper, lower) in PAIRS.items():
                if kind and name == "far":
                    continue
                n = len(x0)
                arguments = (student, teacher, x0, NOISE[:n], upper[:n], lower[:n])
                yield _case(f"{order},{kind}{name}", conventions, arguments)


def _case(name: str, conventions: Mapping[str, Any], arguments: tuple[Any, ...]) -> Case:
    student, teacher, x0, noise, upper, lower = arguments
    x, moved, below, shaken = points(x0, noise, upper, lower)
    value, widen = declared(conventions, x0.shape[-1])  # which takes ½ for the natural factor
    weight = 0.5 * weight_of(conventions, upper, lower)
    error = student.score_terms(x, moved, upper).error + teacher.score_terms(below, shaken, lower).error
    size = 2 * half_square(student(x, upper) - teacher(below, lower), error)

    def expect(function: Function) -> Values:
        return (value(weight * np.asarray(function(*arguments))),)

    return Case(name, arguments, expect, (widen(weight * size, weight * consistency(*arguments)),), random=(3,))


def _with(residual: Callable[[Any, Any, Float, Float, Float, Float, Float, Float], Float]) -> Function:
    """The loss of a residual of f, f⁻, x0, ε, the upper point, the lower one, and both levels."""

    def function(student: Any, teacher: Any, x0: Float, noise: Float, upper: Float, lower: Float) -> Float:
        x, _, below, _ = points(x0, noise, upper, lower)
        return np.asarray((residual(student, teacher, x0, noise, x, below, upper, lower) ** 2).sum(-1))

    return function


CONSISTENCY = Capability(
    name="objective.consistency",
    title="Consistency training",
    signature="consistency(student, teacher, x0 (n, d), noise (n, d), sigma_next (n,), sigma (n,)) -> (n,)",
    formula="ℓ = |f(x₀ + σ' ε, σ') − f⁻(x₀ + σ ε, σ)|²,  σ' > σ",
    label="CM.6",
    source="Song et al. (2023), Consistency models, eq. 10",
    page="docs/objectives/consistency.md",
    reference=consistency,
    cases=_cases,
    conventions=CONVENTIONS,
    truth="of second order in σ' − σ on the exact consistency function of a Gaussian",
    derivation=(
        "A path of the probability flow ends at one point: f(x', σ') = f(x, σ) along it, and",
        "f(x, σ_min) = x. Euler's step down it, x' + (σ − σ')(x' − E[x₀ | x'])/σ', is the mean",
        "of x₀ + σε given x' = x₀ + σ'ε: the same noise stands for the step, to first order.",
        "f⁻ is a constant copy of f: trained through both, a constant function would do.",
    ),
    faults=(
        Fault(
            "CM-levels-swapped",
            "the points are right, each model is told the other one's level",
            "the boundary condition is asked of a noisy point",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, low) - g(y, up)),
        ),
        Fault(
            "CM-roles-swapped",
            "the student stands at the lower level, the teacher at the upper one",
            "information flows from noise to data: nothing holds f at the boundary",
            _with(lambda f, g, x0, z, x, y, up, low: f(y, low) - g(x, up)),
        ),
        Fault(
            "CM-fresh-noise",
            "the two points have two draws of noise",
            "the pair lies on no path: f learns the mean of the data",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, up) - g(x0 + low[:, None] * z[::-1], low)),
        ),
        Fault(
            "CM-same-point",
            "the teacher gets the student's point, with the lower level",
            "no step is taken: f stops depending on the level",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, up) - g(x, low)),
        ),
        Fault(
            "CM-same-level",
            "the teacher is told the student's level",
            "the boundary condition never reaches the upper levels",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, up) - g(y, up)),
        ),
        Fault(
            "CM-clean-point",
            "the teacher gets the clean point",
            "f learns E[x₀ | x], a blurred denoiser, not the end of a path",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, up) - g(x0, low)),
        ),
        Fault(
            "CM-data-target",
            "the target is the clean point itself: no teacher",
            "f learns E[x₀ | x], a blurred denoiser, not the end of a path",
            _with(lambda f, g, x0, z, x, y, up, low: f(x, up) - x0),
        ),
        Fault(
            "CM-not-lifted",
            "σ of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension gets its own noise level",
            _with(lambda f, g, x0, z, x, y, up, low: f(x0 + up * z, up) - g(x0 + low * z, low)),
        ),
        Fault(
            "CM-norm",
            "the norm is not squared",
            "gradients of unit size everywhere: training stalls near the optimum",
            lambda *arguments: np.sqrt(consistency(*arguments)),
        ),
        Fault(
            "CM-weight-level",
            "weighted by 1/σ², the signal-to-noise ratio at the teacher's level",
            "the last step to the boundary rules the sum",
            lambda *arguments: consistency(*arguments) / arguments[-1] ** 2,
        ),
    ),
)
