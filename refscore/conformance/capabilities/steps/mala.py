"""Capability ``step.mala``: the proposal, its ratio of densities, and one decision for every sample.

A wrong ratio changes no number but the decisions, so the uniforms of every point stand on both sides of a, and along a
grid of their own: a ratio that is off by an eighth decides otherwise somewhere, and two wrong ratios not alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.finite_difference import ENERGY
from refscore.conformance.capabilities.steps.common import BATCHES
from refscore.conformance.capabilities.steps.langevin import SCALE
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.conformance.energies import Quartic
from refscore.conformance.fields import Field
from refscore.samplers import mala_step

__all__ = ["MALA"]

LINE = Quartic(np.array([[1.5]]), np.array([-0.5]), np.array([0.125]))
GRID = np.exp2(-np.array([0.0625, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0]))
NEAR = np.array([0.5, 0.875, 1.125, 2.0])  # of a
START = np.array([[1.0, -0.5, 0.5], [0.25, 1.0, -0.125], [-1.0, 0.5, 1.25], [0.5, -1.0, 1.0]])
DRAWN = np.array([[0.5, -1.0, 0.25], [1.5, 0.125, -1.5], [-0.75, 1.0, 1.25], [-1.25, -0.25, 2.0]])


def _score_of(density: Quartic) -> Field:
    return Field(0.5 * (density.matrix + density.matrix.T), density.centre, density.quartic)


def _log_ratio(score: Any, log_prob: Any, x: Float, proposal: Float, step_size: float) -> Float:
    there, back = (_log_q(score, y, z, step_size) for y, z in ((x, proposal), (proposal, x)))
    return np.asarray(log_prob(proposal) - log_prob(x) + back - there)


def _log_q(score: Any, x: Float, y: Float, step_size: float) -> Float:
    """The log density of the proposal y from x, up to what is the same both ways."""
    return np.asarray(-((y - x - 0.5 * step_size * score(x)) ** 2).sum(-1) / (2 * step_size))


def _uniforms(log_a: Float) -> Float:
    """For every point and sample (n,) uniforms (m, n) around a and along the grid, as numbers of float32."""
    a = np.exp(np.minimum(log_a, 0))
    near = np.minimum(NEAR[:, None] * a, 0.96875 + 0 * a)
    near = np.where(near == a, 0.75 * near, near)
    both = np.concatenate([near, np.broadcast_to(GRID[:, None], (len(GRID), len(a)))])
    return np.asarray(both.astype(np.float32), dtype=np.float64)


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for step_size in (0.5, 0.25):
        proposal = START + 0.5 * step_size * _score_of(ENERGY)(START) + np.sqrt(step_size) * DRAWN
        log_a = _log_ratio(_score_of(ENERGY), ENERGY, START, proposal, step_size)
        u = _uniforms(log_a)
        x, z = (np.tile(rows, (len(u), 1)) for rows in (START, DRAWN))
        yield _case(f"grid,step={step_size:g}", ENERGY, x, z, u.ravel(), step_size, conventions)
    for name, shape in {"n=d": (3, 3), "n<d": (2, 3), "n=1": (1, 3), "d=1": (3, 1)}.items():
        n, d = shape
        density = ENERGY if d == 3 else LINE
        u = np.array([0.0625, 0.96875, 0.25])[:n]
        yield _case(name, density, START[:n, :d], DRAWN[:n, :d], u, 0.25, conventions)
    _, far, z = BATCHES["far"]
    yield _case("far", ENERGY, far, z, np.array([2.0**-20, 0.5]), 0.25, conventions)


def _case(
    name: str, density: Quartic, x: Float, z: Float, u: Float, step_size: float, conventions: Mapping[str, Any]
) -> Case:
    score = _score_of(density)
    size = np.abs(x) + 0.5 * step_size * score.magnitude(x) + np.sqrt(step_size) * np.abs(z)
    told = step_size / 2 if conventions["scale"] == "full" else step_size
    arguments = (score, density, x, z, u)

    def expect(function: Function) -> Values:
        new, accepted = function(*arguments, step_size=step_size)
        return np.asarray(new), np.asarray(accepted).astype(np.asarray(new).dtype)

    claim = "x' = x* where u < min(1, a): u on both sides of a   (MALA.2)" if name.startswith("grid") else ""
    return Case(name, arguments, expect, (size, np.ones_like(u)), {"step_size": told}, claim, (3,))


def _with(
    propose: Callable[..., Float] = lambda s, x, z, e: x + 0.5 * e * s(x) + np.sqrt(e) * z,
    ratio: Callable[..., Float] = _log_ratio,
    decide: Callable[[Float, Float], Any] = lambda u, log_a: u < np.exp(np.minimum(log_a, 0)),
    told: Callable[[Any], Any] = lambda accepted: accepted,
    kept: Callable[[Any], Any] = lambda accepted: accepted,
) -> Function:
    """The step with one rule exchanged."""

    def function(score: Any, log_prob: Any, x: Float, noise: Float, uniform: Float, *, step_size: float) -> Any:
        proposal = propose(score, x, noise, step_size)
        accepted = decide(uniform, ratio(score, log_prob, x, proposal, step_size))
        return np.where(kept(accepted)[:, None], proposal, x), told(accepted)

    return function


def _energy_alone(_: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:  # noqa: ARG001
    return np.asarray(log_prob(y) - log_prob(x))


def _upside_down(score: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:
    return 2 * _energy_alone(score, log_prob, x, y, step_size) - _log_ratio(score, log_prob, x, y, step_size)


def _other_variance(score: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:
    alone = _energy_alone(score, log_prob, x, y, step_size)
    return alone + 0.5 * (_log_ratio(score, log_prob, x, y, step_size) - alone)


def _one_score(score: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:
    s = score(x)
    return _log_ratio(lambda _: s, log_prob, x, y, step_size)


def _backwards(score: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:
    return -_log_ratio(score, log_prob, x, y, step_size)


def _wide(score: Any, log_prob: Any, x: Float, y: Float, step_size: float) -> Float:
    """The ratio of the proposal x + ε s + √ε z."""
    return _log_ratio(lambda point: 2 * score(point), log_prob, x, y, step_size)


MALA = Capability(
    name="step.mala",
    title="One step of the Metropolis-adjusted Langevin algorithm",
    signature="mala(score, log_prob, x (n, d), noise (n, d), uniform (n,), *, step_size) -> ((n, d), (n,))",
    formula="x* = x + (ε/2) s(x) + √ε z;  x' = x* where u < min(1, a), a = p(x*) q(x | x*) / (p(x) q(x* | x))",
    label="MALA.4",
    source="Roberts & Tweedie (1996)",
    page="docs/samplers/mala.md",
    reference=mala_step,
    cases=_cases,
    conventions=(SCALE,),
    truth="on N(μ, ℓ) the share 1 − (2/π) atan((ε/(4ℓ))^(3/2)) of the proposals is accepted",
    faults=(
        Fault(
            "MALA-symmetric",
            "the ratio of the proposals is left out: a = p(x*)/p(x)",
            "not the law asked for: too much mass where the score is steep",
            _with(ratio=_energy_alone),
        ),
        Fault(
            "MALA-upside-down",
            "the ratio of the proposals stands upside down",
            "a bias about twice that of leaving it out",
            _with(ratio=_upside_down),
        ),
        Fault(
            "MALA-other-variance",
            "4ε under the exponent of the proposal, which has 2ε: the density of the other convention",
            "half of the correction is lost",
            _with(ratio=_other_variance),
        ),
        Fault(
            "MALA-one-score",
            "the way back is weighed with the score at x instead of at x*",
            "no reversible chain: a bias of the order of the step",
            _with(ratio=_one_score),
        ),
        Fault(
            "MALA-backwards",
            "the whole ratio stands upside down",
            "the chain climbs out of the modes",
            _with(ratio=_backwards),
        ),
        Fault(
            "MALA-log-uniform",
            "u is compared with log a instead of a",
            "nothing is accepted that does not gain",
            _with(decide=lambda u, log_a: u < log_a),
        ),
        Fault(
            "MALA-one-decision",
            "one uniform decides for the whole batch",
            "samples are not independent of each other",
            _with(decide=lambda u, log_a: u[:1] < np.exp(np.minimum(log_a, 0))),
        ),
        Fault(
            "MALA-unadjusted",
            "every proposal is taken",
            "the bias of unadjusted Langevin",
            _with(decide=lambda u, log_a: np.ones(len(u), dtype=bool)),
        ),
        Fault(
            "MALA-rejected-moves",
            "the proposal is returned even where it is rejected",
            "the flags look right, the law is that of unadjusted Langevin",
            _with(kept=np.ones_like),
        ),
        Fault(
            "MALA-flags-inverted",
            "the flags say which proposals were rejected",
            "a step size tuned by them runs the wrong way",
            _with(told=np.logical_not),
        ),
        Fault(
            "MALA-drift-not-halved",
            "the proposal is x + ε s + √ε z, weighed as such",
            "the law is right, and more is rejected than has to be",
            _with(propose=lambda s, x, z, e: x + e * s(x) + np.sqrt(e) * z, ratio=_wide),
        ),
        Fault(
            "MALA-drift-weighed-otherwise",
            "the proposal is x + ε s + √ε z, weighed as if the drift were halved",
            "not the law asked for",
            _with(propose=lambda s, x, z, e: x + e * s(x) + np.sqrt(e) * z),
        ),
        Fault(
            "MALA-noise-step",
            "the noise of the proposal is scaled by ε, not by its root",
            "proposals that hardly move, weighed as if they did",
            _with(propose=lambda s, x, z, e: x + 0.5 * e * s(x) + e * z),
        ),
    ),
)
