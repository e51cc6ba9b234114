"""Capability ``objective.missing_marginal``: score matching with missing data by importance weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import COMMON, objective_case
from refscore.conformance.capability import Capability, Case, Fault, Function
from refscore.conformance.densities import GivenMask, QuarticDensity
from refscore.conformance.energies import Quartic
from refscore.conformance.terms import Terms, product
from refscore.objectives import missing_marginal

__all__ = ["DENSITY", "MISSING", "MISSING_MARGINAL", "MissingData", "moments_of"]

DENSITY = QuarticDensity(
    Quartic(
        np.array([[2.0, 0.5, 0.25], [-0.25, 1.5, 0.75], [0.5, 1.0, 1.0]]),
        np.array([0.5, -0.25, 0.125]),
        np.array([0.25, 0.5, 0.125]),
    )
)
# What stands in missing places is far off, and so are imputations where something is observed.
X = np.array([[1.0, -0.5, 0.25], [0.75, 0.25, -1.0], [-1.0, 1.5, 0.5]])
MASK = np.array([[True, False, True], [True, False, False], [True, True, True]])
DRAWN = np.array(
    [
        [[0.5, -1.0, 0.25], [1.0, 0.125, -0.5], [-0.75, 1.0, 1.25]],
        [[-0.25, 0.75, 1.0], [0.5, -0.75, 1.0], [1.0, 0.5, -0.5]],
        [[1.5, 0.25, -1.0], [-0.5, 0.5, 0.25], [0.25, -1.0, 0.75]],
    ]
)
PROPOSAL = np.array([[-0.5, -1.0, 0.0], [-1.25, -0.25, 0.0], [-0.75, -2.0, 0.0]])


@final
@dataclass(frozen=True, slots=True, eq=False)
class MissingData:
    """Arguments of a case.

    Parameters
    ----------
    x, mask : (n, d)
        Data, and where they are observed.
    imputations, proposal : (r, n, d), (r, n)
        Draws, and their log densities.
    """

    x: Float
    mask: NDArray[np.bool_]
    imputations: Float
    proposal: Float

    @property
    def points(self) -> Float:
        """The completed points, (r, n, d)."""
        return np.where(self.mask, self.x, self.imputations)


def _data(rows: slice, r: int) -> MissingData:
    x, mask = np.where(MASK, X, 16.0)[rows], MASK[rows]
    return MissingData(x, mask, np.where(mask, -8.0, DRAWN[:r, rows]), PROPOSAL[:r, rows])


MISSING = {
    f"r={r},{name}": _data(rows, r)
    for r, name, rows in (
        (1, "n=d", slice(0, 3)),
        (2, "n=d", slice(0, 3)),
        (3, "n=d", slice(0, 3)),
        (3, "n<d", slice(0, 2)),
        (2, "n=1", slice(1, 2)),
    )
}


def moments_of(data: MissingData) -> tuple[Terms, Terms, Terms, Terms]:
    """The weights (r, n), and s, ŝ and the diagonal of J, (r, n, d) or (n, d), as rounding sees them."""
    z = data.points
    log_q = DENSITY.log_prob_terms(z)
    log_w = DENSITY(z) - data.proposal
    log_w = log_w - log_w.max(0)
    w = np.exp(log_w) / np.exp(log_w).sum(0)
    moved = log_q.error + log_q.size + np.abs(data.proposal) + np.abs(log_w) + 4
    weight = Terms(w, w * (moved + (w * moved).sum(0)))
    s, curvature = DENSITY.score_terms(z), DENSITY.diagonal_terms(z)
    mean = product("rn,rnd->nd", weight, s)
    size = np.abs((w[..., None] * DENSITY.score(z)).sum(0))
    return weight, s, Terms(size, mean.error), curvature


def _cases(conventions: Mapping[str, Any]) -> Iterator[Case]:
    for name, data in MISSING.items():
        weight, s, mean, curvature = moments_of(data)
        second = product("rn,rnd->nd", weight, curvature + product("rnd,rnd->rnd", s, s))
        terms = second + product("nd,nd->nd", mean, mean).times(0.5)
        size = np.where(data.mask, terms.error, 0).sum(-1)
        arguments = (DENSITY, data.x, data.mask, data.imputations)
        keywords = {"proposal_log_prob": data.proposal}
        case = objective_case(name, conventions, arguments, missing_marginal, size, random=(3,), keywords=keywords)
        yield replace(case, arguments=(DENSITY, data.x, GivenMask(data.mask), data.imputations), random=())


Parts = Callable[[Float, Float, Float], Float]


def _normalised(log_weight: Float) -> Float:
    w = np.exp(log_weight - log_weight.max(0))
    return np.asarray(w / w.sum(0))


def _divergence(w: Float, s: Float, curvature: Float) -> Float:
    """The right value of each coordinate."""
    mean = (w[..., None] * s).sum(0)
    return np.asarray((w[..., None] * (curvature + s**2)).sum(0) - 0.5 * mean**2)


def _with(
    weights: Callable[[Float, Float], Float] = lambda log_q, log_p: _normalised(log_q - log_p),
    parts: Parts = _divergence,
    points: Callable[[Any, Any, Any], Any] = lambda x, mask, drawn: np.where(mask, x, drawn),
    counted: Callable[[Any], Any] = lambda mask: mask != 0,
) -> Function:
    """A fault in the weights, in the divergence, in how points are completed, or in what is summed."""

    def function(density: Any, x: Float, mask: Any, imputations: Float, *, proposal_log_prob: Float) -> Float:
        z = points(x, mask != 0, imputations)
        w = weights(density(z), proposal_log_prob)
        values = parts(w, density.score(z), density.score_diagonal(z))
        return np.asarray(np.where(counted(mask), values, 0).sum(-1))

    return function


def _no_square(w: Float, s: Float, curvature: Float) -> Float:
    mean = (w[..., None] * s).sum(0)
    return np.asarray((w[..., None] * (curvature + s**2)).sum(0) + 0.5 * mean**2)


def _curvature_only(w: Float, s: Float, curvature: Float) -> Float:
    mean = (w[..., None] * s).sum(0)
    return np.asarray((w[..., None] * curvature).sum(0) + 0.5 * mean**2)


def _mean_of_implicit(w: Float, s: Float, curvature: Float) -> Float:
    return np.asarray((w[..., None] * (curvature + 0.5 * s**2)).sum(0))


MISSING_MARGINAL = Capability(
    name="objective.missing_marginal",
    title="Marginal score matching of missing data by importance weights (Marg-IW)",
    signature=(
        "missing_marginal(density, x (n, d), mask (n, d), imputations (r, n, d), *, proposal_log_prob (r, n)) -> (n,)"
    ),
    formula="ℓ = Σ_{j observed} {Σ_k w_k [∂s_j/∂x_j + s_j²] − ½ (Σ_k w_k s_j)²},  w_k ∝ q(x_obs, x'_k)/p'(x'_k)",
    label="MIS.3",
    source="Givens, Liu & Reeve (2025), algorithm 1",
    page="docs/objectives/missing_marginal.md",
    reference=missing_marginal,
    cases=_cases,
    conventions=COMMON,
    truth="implicit score matching of log (1/r) Σ_k q(x_obs, x'_k)/p'(x'_k), exactly, for every r",
    derivation=(
        "By r imputations the density of x_obs is L = Σ_k q_k/p'_k up to a constant, where",
        "q_k = q(x_obs, x'_k). As ∂_j q_k = q_k s_j, it is ∂_j log L = Σ_k w_k s_j = m_j, and",
        "∂_j w_k = w_k (s_j − m_j), so that ∂_j² log L = Σ_k w_k (∂_j s_j + s_j²) − m_j².",
        "Σ_j (∂_j² log L + ½ m_j²) is objective.implicit of the observed coordinates.",
    ),
    faults=(
        Fault(
            "MIS-mask-inverted",
            "the mask is read the other way round: True where missing",
            "the imputations are learned, not the data",
            _with(points=lambda x, mask, drawn: np.where(mask, drawn, x), counted=lambda mask: mask == 0),
        ),
        Fault(
            "MIS-spurious-mean",
            "a factor 1/r on top of weights that sum to one",
            "the marginal score is r times too small",
            _with(weights=lambda log_q, log_p: _normalised(log_q - log_p) / len(log_q)),
        ),
        Fault(
            "MIS-unnormalised",
            "the weights are averaged, and not divided by their sum",
            "the value depends on the normalisers, which nobody knows",
            _with(weights=lambda log_q, log_p: np.exp(log_q - log_p) / len(log_q)),
        ),
        Fault(
            "MIS-no-square",
            "the square of the mean score is missing in the divergence",
            "the marginal comes out too flat",
            _with(parts=_no_square),
        ),
        Fault(
            "MIS-curvature-only",
            "the divergence is the mean of ∂s/∂x: the variance of s under the weights is lost",
            "dependence on what is missing is learned wrongly",
            _with(parts=_curvature_only),
        ),
        Fault(
            "MIS-mean-of-implicit",
            "the weighted mean of the implicit objective over imputations",
            "dependence on what is missing is learned wrongly",
            _with(parts=_mean_of_implicit),
        ),
        Fault(
            "MIS-uniform",
            "all imputations weigh the same",
            "right if they come from the model's own conditional law only",
            _with(weights=lambda log_q, log_p: np.full_like(log_q, 1 / len(log_q))),
        ),
        Fault(
            "MIS-no-proposal",
            "the weights are not divided by the density of the proposal",
            "the proposal is learned along with the data",
            _with(weights=lambda log_q, _: _normalised(log_q)),
        ),
        Fault(
            "MIS-proposal-sign",
            "the weights are multiplied by the density of the proposal",
            "the proposal is learned along with the data",
            _with(weights=lambda log_q, log_p: _normalised(log_q + log_p)),
        ),
        Fault(
            "MIS-zero-filled",
            "missing coordinates are set to zero",
            "each pattern of missing data pulls another way: biased even with all the data in the world",
            _with(points=lambda x, mask, drawn: np.where(mask, x, 0 * drawn)),
        ),
        Fault(
            "MIS-all-coordinates",
            "summed over the missing coordinates too",
            "the imputations are learned along with the data",
            _with(counted=lambda mask: np.ones_like(mask, dtype=bool)),
        ),
        Fault(
            "MIS-imputed-everywhere",
            "the imputation replaces observed coordinates too",
            "the data are not looked at",
            _with(points=lambda x, mask, drawn: drawn),
        ),
    ),
)
