"""Capabilities ``objective.sliced`` and ``objective.sliced_variance_reduced``: the trace by random projections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import BATCHES, COMMON, MODEL, half_square, objective_case
from refscore.conformance.capability import Capability, Case, Convention, Fault, Function
from refscore.objectives import sliced, sliced_variance_reduced

__all__ = ["PROJECTIONS", "SLICED", "SLICED_VARIANCE_REDUCED", "VECTORS"]

PROJECTION = np.array(
    [
        [[1.0, 0.5, -0.75], [-0.5, 2.0, 0.25], [1.5, -1.0, 0.125]],
        [[-1.25, 0.25, 1.0], [0.5, 0.75, -2.0], [1.0, 0.5, -0.5]],
    ]
)
UNIT = np.array([[0.5, -0.5, 0.5], [0.25, 0.75, -0.5], [0.75, 0.25, 0.5]])
UNIT = np.stack([UNIT, -UNIT[:, ::-1]]) / np.sqrt([[[0.75], [0.875], [0.875]]])  # rows of length one
SIGNS = np.array([[[1.0, -1, 1], [-1, -1, 1], [1, 1, 1]], [[1.0, 1, -1], [-1, 1, 1], [-1, 1, -1]]])

# By convention. Code that takes the length or the signs of the vectors it is given leaves its own kind as it is.
VECTORS = {"isotropic": PROJECTION, "unit_sphere": UNIT, "sphere": np.sqrt(3.0) * UNIT, "rademacher": SIGNS}


def _sliced_cases(reference: Function, reduced: bool) -> Callable[[Mapping[str, Any]], Iterator[Case]]:
    def cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
        every = VECTORS[conventions["projection"]]
        for name, x in BATCHES.items():
            for m in (1, 2):
                v = every[:m, : len(x)]
                along = np.abs(v)[..., None, :] @ MODEL.jacobian_magnitude(x) @ np.abs(v)[..., None]
                quadratic = along[..., 0, 0]
                if reduced:
                    square = half_square(MODEL(x), MODEL.magnitude(x))[None]
                else:
                    terms = (np.abs(v) * MODEL.magnitude(x)).sum(-1, keepdims=True)
                    square = half_square((v * MODEL(x)).sum(-1, keepdims=True), terms)
                size = (quadratic + square).mean(0)
                yield objective_case(f"m={m},{name}", conventions, (MODEL, x, v), reference, size, random=(2,))

    return cases


def _quadratic(s: Any, x: Float, v: Float) -> Float:
    return np.stack([(s.vjp(x, w) * w).sum(-1) for w in v])


def _along(s: Any, x: Float, v: Float) -> Float:
    return np.asarray(((v * s(x)).sum(-1)) ** 2)


PROJECTIONS = Convention(
    "projection", "isotropic", tuple(VECTORS), "E[v vᵀ] = I for any v, length 1, length √d, or entries ±1"
)

SLICED = Capability(
    name="objective.sliced",
    title="Sliced score matching",
    signature="sliced(score, x (n, d), projection (m, n, d)) -> (n,)",
    formula="ℓ = (1/m) Σ_j [v_jᵀ J v_j + ½ (v_jᵀ s)²]",
    label="SSM.2",
    source="Song et al. (2019), eq. 7",
    page="docs/objectives/sliced.md",
    reference=sliced,
    cases=_sliced_cases(sliced, reduced=False),
    conventions=(*COMMON, PROJECTIONS),
    truth="implicit score matching in expectation over v",
    derivation=(
        "E_v[vᵀJv] = tr(J E[vvᵀ]) = tr J and E_v[(vᵀs)²] = sᵀE[vvᵀ]s = |s|² as E[vvᵀ] = I:",
        "in expectation over v this is objective.implicit. vᵀJv = vᵀ∇(vᵀs) differentiates one",
        "number, whatever d is. Vectors of length one have E[vvᵀ] = I/d: 1/d of all this.",
    ),
    faults=(
        Fault(
            "SSM-variance-reduced",
            "½|s|² stands where ½(vᵀs)² belongs",
            "another estimator: right mean, other variance",
            lambda s, x, v: sliced_variance_reduced(s, x, v),
        ),
        Fault(
            "SSM-sum-of-vjp",
            "the vector–Jacobian product is summed, not contracted with v",
            "not the trace in expectation",
            lambda s, x, v: (np.stack([s.vjp(x, w).sum(-1) for w in v]) + 0.5 * _along(s, x, v)).mean(0),
        ),
        Fault(
            "SSM-half-trace",
            "the Jacobian term is halved too",
            "the learned precision is half the true one",
            lambda s, x, v: (0.5 * _quadratic(s, x, v) + 0.5 * _along(s, x, v)).mean(0),
        ),
        Fault(
            "SSM-no-half",
            "the square is not halved",
            "the learned precision is half the true one",
            lambda s, x, v: (_quadratic(s, x, v) + _along(s, x, v)).mean(0),
        ),
        Fault(
            "SSM-no-mean",
            "summed over projections, not averaged",
            "the value grows with the number of projections",
            lambda s, x, v: (_quadratic(s, x, v) + 0.5 * _along(s, x, v)).sum(0),
            "https://github.com/bayesflow-org/bayesflow/pull/772",
        ),
        Fault(
            "SSM-first-projection",
            "only the first projection is used",
            "the variance does not fall with their number",
            lambda s, x, v: sliced(s, x, v[:1]),
        ),
        Fault(
            "SSM-mean-before-square",
            "projections are averaged before the square",
            "the square is too small",
            lambda s, x, v: _quadratic(s, x, v).mean(0) + 0.5 * ((v * s(x)).sum(-1)).mean(0) ** 2,
        ),
    ),
)

SLICED_VARIANCE_REDUCED = Capability(
    name="objective.sliced_variance_reduced",
    title="Sliced score matching with the norm in closed form",
    signature="sliced_variance_reduced(score, x (n, d), projection (m, n, d)) -> (n,)",
    formula="ℓ = (1/m) Σ_j v_jᵀ J v_j + ½ |s|²",
    label="SSM.3",
    source="Song et al. (2019), eq. 8",
    page="docs/objectives/sliced.md",
    reference=sliced_variance_reduced,
    cases=_sliced_cases(sliced_variance_reduced, reduced=True),
    conventions=(*COMMON, PROJECTIONS),
    truth="implicit score matching in expectation over v",
    derivation=(
        "E_v[vᵀJv] = tr(J E[vvᵀ]) = tr J as E[vvᵀ] = I: in expectation objective.implicit.",
        "|s|² is known without v and stands as it is, where objective.sliced has (vᵀs)². The",
        "variance is that of vᵀJv alone: smaller, unless (vᵀs)² varies against vᵀJv.",
    ),
    faults=(
        Fault(
            "SSMVR-plain",
            "½(vᵀs)² stands where ½|s|² belongs",
            "another estimator: right mean, more variance",
            lambda s, x, v: sliced(s, x, v),
        ),
        Fault(
            "SSMVR-sum-of-vjp",
            "the vector–Jacobian product is summed, not contracted with v",
            "not the trace in expectation",
            lambda s, x, v: np.stack([s.vjp(x, w).sum(-1) for w in v]).mean(0) + 0.5 * (s(x) ** 2).sum(-1),
        ),
        Fault(
            "SSMVR-no-mean",
            "the Jacobian term is summed over projections",
            "the trace is m times too large",
            lambda s, x, v: _quadratic(s, x, v).sum(0) + 0.5 * (s(x) ** 2).sum(-1),
        ),
        Fault(
            "SSMVR-no-half",
            "the norm is not halved",
            "the learned precision is half the true one",
            lambda s, x, v: _quadratic(s, x, v).mean(0) + (s(x) ** 2).sum(-1),
        ),
        Fault(
            "SSMVR-sign",
            "the Jacobian term enters with a minus",
            "unbounded below",
            lambda s, x, v: -_quadratic(s, x, v).mean(0) + 0.5 * (s(x) ** 2).sum(-1),
        ),
    ),
)
