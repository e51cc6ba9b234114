"""Capabilities ``trace.*``: the divergence of a score model, exact and by random projections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.networks import NETWORKS
from refscore.conformance.capabilities.objectives.common import BATCHES, MODEL
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.conformance.fields import Field

__all__ = ["DERIVATIVES"]

LINE = Field(np.array([[1.5]]), np.array([-1.0]), np.array([0.25]))  # one dimension: the trace is the derivative
PROJECTION = np.array(
    [
        [[1.0, 0.5, -0.75], [-0.5, 2.0, 0.25], [1.5, -1.0, 0.125]],
        [[-1.25, 0.25, 1.0], [0.5, 0.75, -2.0], [1.0, 0.5, -0.5]],
        [[1.0, -1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]],
    ]
)
SETTINGS: dict[str, tuple[Any, Float]] = {
    **{name: (MODEL, x) for name, x in BATCHES.items()},
    "d=1": (LINE, BATCHES["n=d"][:, :1]),
    **{f"{kind},{name}": (model, BATCHES[name]) for kind, model in NETWORKS.items() for name in ("n=d", "n<d")},
}


def _case(name: str, arguments: tuple[Any, ...], size: Float, random: tuple[int, ...] = ()) -> Case:
    def expect(function: Function) -> Values:
        return (np.asarray(function(*arguments)),)

    return Case(name, arguments, expect, (size,), random=random)


def _exact_cases() -> Iterator[Case]:
    for name, (model, x) in SETTINGS.items():
        yield _case(name, (model, x), np.trace(model.jacobian_magnitude(x), axis1=-2, axis2=-1))


def _hutchinson_cases() -> Iterator[Case]:
    for name, (model, x) in SETTINGS.items():
        for m in (1, 2, 3):
            v = PROJECTION[:m, : len(x), : x.shape[-1]]
            along = np.abs(v)[..., None, :] @ model.jacobian_magnitude(x) @ np.abs(v)[..., None]
            yield _case(f"m={m},{name}", (model, x, v), (x.shape[-1] + m) * along[..., 0, 0].mean(0), random=(2,))


def _trace(score: Any, x: Float) -> Float:
    return np.asarray(score.trace(x))


def _hutchinson(score: Any, x: Float, projection: Float) -> Float:
    return np.asarray(_quadratic(score, x, projection).mean(0))


def _quadratic(score: Any, x: Float, projection: Float) -> Float:
    return np.stack([(score.vjp(x, v) * v).sum(-1) for v in projection])


def _finite_differences(score: Any, x: Float) -> Float:
    step = 1e-3
    axes = np.eye(x.shape[-1], dtype=x.dtype)
    return sum(((score(x + step * e) - score(x - step * e)) @ e / (2 * step) for e in axes), np.zeros(len(x)))


EXACT = Capability(
    name="trace.exact",
    title="Trace of the Jacobian of a score model, sample by sample",
    signature="trace(score, x (n, d)) -> (n,)",
    formula="tr J(x) = Σ_i ∂s_i/∂x_i",
    label="ISM.2",
    source="Hyvärinen (2005), eq. 4; Chen et al. (2018), eq. 8, for its place in likelihoods",
    page="docs/objectives/implicit.md",
    reference=_trace,
    cases=lambda _: _exact_cases(),
    truth="the sum of the eigenvalues of J",
    faults=(
        Fault(
            "TRACE-all-entries",
            "the gradient of the summed score is summed: all entries of J, not its diagonal",
            "right for diagonal Jacobians only; correlations are learned wrongly",
            lambda s, x: s.jacobian(x).sum((-2, -1)),
            "https://github.com/ermongroup/sliced_score_matching/issues/3",
        ),
        Fault(
            "TRACE-batch",
            "summed over the batch too, and given to every sample",
            "likelihoods depend on what else is in the batch",
            lambda s, x: np.full(len(x), s.trace(x).sum()),
        ),
        Fault(
            "TRACE-mean",
            "the diagonal is averaged, not added",
            "d times too small",
            lambda s, x: s.trace(x) / x.shape[-1],
        ),
        Fault(
            "TRACE-first-entry",
            "only the first coordinate is differentiated",
            "right in one dimension only",
            lambda s, x: s.jacobian(x)[..., 0, 0],
        ),
        Fault(
            "TRACE-frobenius",
            "the norm of J instead of its trace",
            "curvature of either sign counts as positive",
            lambda s, x: np.sqrt((s.jacobian(x) ** 2).sum((-2, -1))),
        ),
        Fault("TRACE-sign", "the sign is turned", "likelihoods change the wrong way", lambda s, x: -s.trace(x)),
        Fault(
            "TRACE-finite-differences",
            "central differences with step 1e-3",
            "six digits at most, fewer where the score bends",
            _finite_differences,
        ),
    ),
)

HUTCHINSON = Capability(
    name="trace.hutchinson",
    title="Trace of the Jacobian by random projections",
    signature="hutchinson(score, x (n, d), projection (m, n, d)) -> (n,)",
    formula="(1/m) Σ_j v_jᵀ J(x) v_j",
    label="SSM.1",
    source="Hutchinson (1989); Grathwohl et al. (2019), eq. 7",
    page="docs/objectives/sliced.md",
    reference=_hutchinson,
    cases=lambda _: _hutchinson_cases(),
    truth="tr J in expectation over v with E[v vᵀ] = I",
    faults=(
        Fault(
            "HUTCHINSON-no-mean",
            "summed over projections, not averaged",
            "the trace grows with their number",
            lambda s, x, v: _quadratic(s, x, v).sum(0),
            "https://github.com/bayesflow-org/bayesflow/pull/772",
        ),
        Fault(
            "HUTCHINSON-first-projection",
            "only the first projection is used",
            "the variance does not fall with their number",
            lambda s, x, v: _quadratic(s, x, v[:1]).mean(0),
        ),
        Fault(
            "HUTCHINSON-mean-projection",
            "the projections are averaged before they are used",
            "the trace falls with their number",
            lambda s, x, v: _hutchinson(s, x, v.mean(0, keepdims=True)),
        ),
        Fault(
            "HUTCHINSON-shared",
            "one projection for the whole batch",
            "right in expectation; errors of a batch do not average out",
            lambda s, x, v: _hutchinson(s, x, np.broadcast_to(v[:, :1], v.shape)),
            "https://github.com/facebookresearch/flow_matching/issues/49",
        ),
        Fault(
            "HUTCHINSON-not-contracted",
            "the entries of vᵀ J are added, not multiplied with v",
            "zero in expectation",
            lambda s, x, v: np.stack([s.vjp(x, w).sum(-1) for w in v]).mean(0),
        ),
        Fault(
            "HUTCHINSON-normalised",
            "projections are divided by their length: vᵀ J v/|v|²",
            "the mean eigenvalue, d times too small",
            lambda s, x, v: (_quadratic(s, x, v) / (v**2).sum(-1)).mean(0),
        ),
        Fault(
            "HUTCHINSON-mean",
            "vᵀ J and v are multiplied and averaged over dimensions, not added",
            "d times too small",
            lambda s, x, v: _hutchinson(s, x, v) / x.shape[-1],
        ),
        Fault(
            "HUTCHINSON-batch",
            "summed over the batch too, and given to every sample",
            "likelihoods depend on what else is in the batch",
            lambda s, x, v: np.full(len(x), _hutchinson(s, x, v).sum()),
        ),
        Fault(
            "HUTCHINSON-sign",
            "the sign is turned",
            "likelihoods change the wrong way",
            lambda s, x, v: -_hutchinson(s, x, v),
        ),
    ),
)

DERIVATIVES = (EXACT, HUTCHINSON)
