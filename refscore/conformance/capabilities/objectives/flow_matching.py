"""Capability ``objective.flow_matching``: the velocity of straight lines between data and noise."""

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
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.objectives import flow_matching

__all__ = ["FLOW_MATCHING", "TIMES", "on_the_line"]

TIMES = np.array([2.0**-6, 0.5, 0.75])


def on_the_line(x0: Float, x1: Float, t: Float) -> tuple[Float, Float, Float]:
    """The points on the lines, what rounding does to them, and what it does to the target."""
    far, near = t[:, None], 1 - t[:, None]
    moved = near * np.abs(x0) + far * np.abs(x1)
    # The last terms let pass codes that take the velocity from the point, (x_t − x0)/t or (x1 − x_t)/(1 − t).
    target = np.abs(x0) + np.abs(x1) + (moved + np.abs(x0)) / far + (moved + np.abs(x1)) / near
    return near * x0 + far * x1, moved, target


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, x0 in BATCHES.items():
        for order, t in (("rising", TIMES[: len(x0)]), ("falling", TIMES[::-1][: len(x0)])):
            x1 = NOISE[: len(x0)]
            x, moved, target = on_the_line(x0, x1, t)
            shift = np.abs(MODEL.jacobian_magnitude(x, t) @ moved[..., None])[..., 0]
            size = half_square(MODEL(x, t) - (x1 - x0), MODEL.magnitude(x, t) + shift + target)
            arguments = (MODEL, x0, x1, t)
            yield objective_case(f"{order},{name}", conventions, arguments, flow_matching, size, random=(2,))


def _with(residual: Callable[[Any, Float, Float, Float, Float], Float]) -> Function:
    """The loss of a residual of u, x0, x1, the lifted time and the time."""

    def function(velocity: Any, x0: Float, x1: Float, t: Float) -> Float:
        return np.asarray(0.5 * (residual(velocity, x0, x1, t[:, None], t) ** 2).sum(-1))

    return function


def _line(x0: Float, x1: Float, s: Float) -> Float:
    return (1 - s) * x0 + s * x1


FLOW_MATCHING = Capability(
    name="objective.flow_matching",
    title="Flow matching on straight lines",
    signature="flow_matching(velocity, x0 (n, d), x1 (n, d), t (n,)) -> (n,)",
    formula="ℓ = ½ |u(x_t, t) − (x₁ − x₀)|²,  x_t = (1 − t) x₀ + t x₁",
    label="FM.6",
    source="Lipman et al. (2023), eq. 20 to 23",
    page="docs/objectives/flow_matching.md",
    reference=flow_matching,
    cases=_cases,
    conventions=COMMON,
    truth="objective.path with velocity on path.flow; at the minimiser ½ tr Cov(x₁ − x₀ | x_t) is left",
    derivation=(
        "The minimiser is the mean over all lines through x, u*(x, t) = E[x₁ − x₀ | x_t = x].",
        "d/dt E φ(x_t) = E ∇φ(x_t)·(x₁ − x₀) = E ∇φ(x_t)·u*(x_t, t) for any φ: the flow of u*",
        "has the laws of x_t. With the names of the ends exchanged, and −u at 1 − t, the",
        "formula is the same: code with data at t = 1 conforms as it stands.",
    ),
    faults=(
        Fault(
            "FM-target-reversed",
            "target x₀ − x₁: the velocity of the other direction of time",
            "integrated as it was trained it runs away from the data",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), t) - (x0 - x1)),
            "https://github.com/XLabs-AI/x-flux/issues/32",
        ),
        Fault(
            "FM-path-reversed",
            "the point runs from x₁ to x₀, the target from x₀ to x₁",
            "data and noise stand at the wrong ends of a field that flows past both",
            _with(lambda u, x0, x1, s, t: u(_line(x1, x0, s), t) - (x1 - x0)),
        ),
        Fault(
            "FM-time-reversed",
            "the model is told 1 − t",
            "sampling asks for times that were learned elsewhere",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), 1 - t) - (x1 - x0)),
        ),
        Fault(
            "FM-time-in-thousandths",
            "the model is told 1000 t",
            "sampling with t asks for times that were not learned",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), 1000 * t) - (x1 - x0)),
        ),
        Fault(
            "FM-other-source",
            "the target takes its noise from another sample than the point",
            "the learned field is the mean velocity, wrong by what noise and source differ",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), t) - (x1[::-1] - x0)),
            "https://github.com/theislab/CellFlow/pull/305",
        ),
        Fault(
            "FM-time-for-point",
            "target (x₁ − t)/(1 − t): the time stands where the point should",
            "learns the velocity of no curve",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), t) - (x1 - s) / (1 - s)),
            "https://github.com/atong01/conditional-flow-matching/issues/175",
        ),
        Fault(
            "FM-not-lifted",
            "t of shape (n,) multiplied onto (n, d) without an event axis",
            "each dimension gets its own time",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, t), t) - (x1 - x0)),
            "https://github.com/facebookresearch/flow_matching",
        ),
        Fault(
            "FM-data-target",
            "the target is the data instead of the velocity",
            "the field points from the origin to the data",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), t) - x0),
            "https://github.com/thuml/Sundial/issues/4",
        ),
        Fault(
            "FM-noise-target",
            "the target is the noise instead of the velocity",
            "the data are left out: a diffusion loss on the path of flow matching",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s), t) - x1),
        ),
        Fault(
            "FM-first-time",
            "all samples use the time of the first",
            "one time is learned",
            _with(lambda u, x0, x1, s, t: u(_line(x0, x1, s[:1]), t[:1].repeat(len(t))) - (x1 - x0)),
        ),
        Fault(
            "FM-clean-point",
            "the velocity is taken at the data",
            "learns one mean direction for each data point",
            _with(lambda u, x0, x1, s, t: u(x0, t) - (x1 - x0)),
        ),
    ),
)
