"""Capability ``objective.finite_difference``: sliced score matching from values of log p alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.networks import ENERGIES
from refscore.conformance.capabilities.objectives.common import BATCHES, COMMON, half_square, objective_case
from refscore.conformance.capabilities.objectives.sliced import PROJECTIONS, VECTORS
from refscore.conformance.capability import Capability, Case, Fault
from refscore.conformance.energies import Quartic
from refscore.objectives import finite_difference

__all__ = ["ENERGY", "FINITE_DIFFERENCE", "SETTINGS"]

ENERGY = Quartic(
    np.array([[2.0, 0.5, 0.0], [-0.25, 1.5, 0.125], [0.0, 1.0, 3.0]]),
    np.array([0.5, -1.0, 2.0]),
    np.array([0.25, 0.5, 0.125]),
)

# Model, points, number of projections, step. Steps are dyadic, so that x ± εv is the same point in every dtype.
SETTINGS = {
    f"epsilon={epsilon:g},m={m},{name}": (ENERGY, BATCHES[name], m, epsilon)
    for epsilon, m, name in ((0.5, 1, "n=d"), (0.5, 2, "n<d"), (0.125, 2, "n=1"), (2.0, 2, "n=d"), (0.5, 2, "far"))
} | {
    f"{kind},epsilon={epsilon:g},m=2,{name}": (ENERGIES[kind], BATCHES[name], 2, epsilon)
    for kind, epsilon, name in (("tanh", 0.5, "n=d"), ("silu", 0.25, "n<d"))
}


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    every = VECTORS[conventions["projection"]]
    for name, (model, x, m, epsilon) in SETTINGS.items():
        v = every[:m, : len(x)]
        yield objective_case(
            name,
            conventions,
            (model, x, v),
            finite_difference,
            np.mean([_size(model, x, w, epsilon) for w in v], axis=0),
            random=(2,),
            keywords={"epsilon": epsilon},
        )


def _size(model: Any, x: Float, v: Float, epsilon: float) -> Float:
    """Size of the terms for one projection: the roundings of three values of log p over ε², and those of the slope."""
    points = (x + epsilon * v, x, x - epsilon * v)
    values = [model.log_prob_terms(p, np.abs(x) + epsilon * np.abs(v) if p is not x else 0 * x) for p in points]
    curvature = (values[0].error + 2 * values[1].error + values[2].error) / epsilon**2
    slope = (model(points[0]) - model(points[2])) / (2 * epsilon)
    slope_terms = (values[0].error + values[2].error) / (2 * epsilon)
    return np.asarray(curvature + half_square(slope[:, None], slope_terms[:, None]))


def _differences(log_prob: Any, x: Float, v: Float, epsilon: float) -> tuple[Float, Float]:
    """The second difference and the slope, for each projection."""
    right, left = (np.stack([log_prob(x + step * w) for w in v]) for step in (epsilon, -epsilon))
    return (right - 2 * log_prob(x) + left) / epsilon**2, (right - left) / (2 * epsilon)


def _with(part: Any) -> Any:
    """A fault in how the two differences are put together."""

    def function(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:
        curvature, slope = _differences(log_prob, x, projection, epsilon)
        return np.asarray(part(curvature, slope, epsilon).mean(0))

    return function


def _one_sided(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:
    curvature, _ = _differences(log_prob, x, projection, epsilon)
    slope = np.stack([log_prob(x + epsilon * v) for v in projection]) - log_prob(x)
    return np.asarray((curvature + 0.5 * (slope / epsilon) ** 2).mean(0))


def _normalised(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:
    unit = projection / np.sqrt((projection**2).sum(-1, keepdims=True))
    return finite_difference(log_prob, x, unit, epsilon=epsilon)


def _exact(log_prob: Any, x: Float, projection: Float, *, epsilon: float) -> Float:  # noqa: ARG001 - the signature
    curvature = np.stack([(log_prob.hvp(x, v) * v).sum(-1) for v in projection])
    return np.asarray((curvature + 0.5 * ((projection * log_prob.score(x)).sum(-1)) ** 2).mean(0))


FINITE_DIFFERENCE = Capability(
    name="objective.finite_difference",
    title="Finite-difference score matching of a log density",
    signature="finite_difference(log_prob, x (n, d), projection (m, n, d), *, epsilon) -> (n,)",
    formula="ℓ = (1/m) Σ_j {[L_j(ε) − 2 L_j(0) + L_j(−ε)]/ε² + ½ ([L_j(ε) − L_j(−ε)]/(2ε))²}",
    label="FDS.4",
    source="Pang et al. (2020), section 4",
    page="docs/objectives/finite_difference.md",
    reference=finite_difference,
    cases=_cases,
    conventions=(*COMMON, PROJECTIONS),
    truth="sliced score matching up to O(ε²), exactly that where log p is quadratic; here L_j(h) = log p(x + h v_j)",
    derivation=(
        "L(±ε) = L(0) ± ε L′(0) + ½ε² L″(0) ± …, with L′(0) = vᵀs and L″(0) = vᵀJv.",
        "[L(ε) − 2L(0) + L(−ε)]/ε² = vᵀJv + O(ε²) and [L(ε) − L(−ε)]/(2ε) = vᵀs + O(ε²):",
        "objective.sliced from three values of log p, without a derivative in x.",
    ),
    faults=(
        Fault(
            "FDS-quarter",
            "the squared difference of the two values is divided by 4 ε², not by 8 ε²",
            "the learned precision is half the true one",
            _with(lambda curvature, slope, _: curvature + slope**2),
        ),
        Fault(
            "FDS-slope-spacing",
            "the slope is divided by ε: the two points are 2ε apart",
            "the square is four times too large",
            _with(lambda curvature, slope, _: curvature + 0.5 * (2 * slope) ** 2),
        ),
        Fault(
            "FDS-curvature-first-power",
            "the second difference is divided by ε, not by ε²",
            "the curvature counts ε times: the model sharpens too little",
            _with(lambda curvature, slope, epsilon: epsilon * curvature + 0.5 * slope**2),
        ),
        Fault(
            "FDS-not-divided",
            "neither difference is divided by its power of ε",
            "the value is a multiple of ε² of the right one only if log p is quadratic",
            _with(lambda curvature, slope, epsilon: epsilon**2 * curvature + 0.5 * (2 * epsilon * slope) ** 2),
        ),
        Fault(
            "FDS-one-sided",
            "the slope is a one-sided difference",
            "an error of first order in ε, the same sign for every projection",
            _one_sided,
        ),
        Fault(
            "FDS-normalised",
            "projections are divided by their length while ε stays",
            "the curvature is d times too small",
            _normalised,
        ),
        Fault(
            "FDS-sign",
            "the sign of the second difference: an energy where log p belongs",
            "unbounded below: the model sharpens without end",
            _with(lambda curvature, slope, _: -curvature + 0.5 * slope**2),
        ),
        Fault(
            "FDS-mean-before-square",
            "slopes are averaged over projections before they are squared",
            "the square is too small, and vanishes with their number",
            _with(lambda curvature, slope, _: curvature + 0.5 * slope.mean(0) ** 2),
        ),
        Fault(
            "FDS-no-mean",
            "summed over projections, not averaged",
            "the value grows with the number of projections",
            lambda log_prob, x, projection, *, epsilon: (
                len(projection) * finite_difference(log_prob, x, projection, epsilon=epsilon)
            ),
        ),
        Fault(
            "FDS-derivatives",
            "derivatives in the place of differences: sliced score matching",
            "no mistake, another objective: it differs by O(ε²), and costs what this one saves",
            _exact,
        ),
    ),
)
