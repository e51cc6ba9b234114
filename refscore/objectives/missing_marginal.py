"""Score matching with missing data (Givens, Liu & Reeve 2025): the score of the observed part, by importance weights.

Where only the coordinates in λ are observed, the model's marginal score is what their data can be matched with. It is
a mean over the missing coordinates under the model, and so is its divergence:

    s_λ(x) = ∇ log ∫ q dx_{-λ},   s_λ,j = E[s_j],   ∂_j s_λ,j = E[J_jj + s_j²] - s_λ,j²                (MIS.1)

with E under q(x_{-λ} given x_λ), which is sampled no more easily than q itself. Marg-IW draws r imputations from any
proposal p' instead, and weighs them:

    w_k ∝ q(x_λ, x'_k) / p'(x'_k),   Σ_k w_k = 1                                                       (MIS.2)

The result is exactly implicit score matching of the estimate log (1/r) Σ_k q(x_λ, x'_k)/p'(x'_k) of the marginal log
density, whatever r is; the marginal itself is reached as r → ∞.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import ParametricLogDensity, differentiable
from refscore.objectives.diagonals import diagonal, diagonal_parameters

__all__ = ["LogDensity", "missing_marginal", "missing_marginal_gradient"]


class Density(Protocol):
    """What the objective asks of a model."""

    def __call__(self, x: ArrayLike, /) -> Float:
        """log q(x) up to a constant, (\\*batch, d) to (\\*batch,)."""

    def score(self, x: ArrayLike, /) -> Float:
        """∇ log q(x), (\\*batch, d)."""

    def score_diagonal(self, x: ArrayLike, /) -> Float:
        """∂s_j/∂x_j, (\\*batch, d)."""


class ParametricDensity(Density, Protocol):
    """What its gradient asks of a model."""

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x); (p,)."""

    def diagonal_parameters(self, x: ArrayLike, weight: ArrayLike, /) -> Float:
        """Gradient in θ of Σ_j w_j J_jj(x), w ≥ 0 (\\*batch, d); (p,)."""

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike, /) -> Float:
        """Gradient in θ of Σ w log q(x); (p,)."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogDensity:
    """An energy-based model as a function of x to log q(x), with `score` and `score_diagonal` beside it.

    Parameters
    ----------
    model : ParametricLogDensity
        Any model with `log_prob`.

    Raises
    ------
    TypeError
        If `model` has no `log_prob` or no `jacobian`.

    Notes
    -----
    Not to be confused with the model itself, which when called returns its score.

    Examples
    --------
    >>> from refscore.models import QuadraticEnergy
    >>> q = LogDensity(QuadraticEnergy([[2, 1], [1, 3]], [0, 0]))
    >>> q([[1, 0]]), q.score([[1, 0]]), q.score_diagonal([[1, 0]])
    (array([-1.]), array([[-2., -1.]]), array([[-2., -3.]]))
    """

    model: ParametricLogDensity

    def __post_init__(self) -> None:
        differentiable(self.model, "log_prob", "jacobian")

    def __repr__(self) -> str:
        return f"LogDensity({self.model!r})"

    def __call__(self, x: ArrayLike) -> Float:
        """log q(x) up to a constant, (\\*batch,)."""
        return self.model.log_prob(x)

    def score(self, x: ArrayLike) -> Float:
        """∇ log q(x), (\\*batch, d)."""
        return self.model(x)

    def score_diagonal(self, x: ArrayLike) -> Float:
        """∂s_j/∂x_j, (\\*batch, d)."""
        return diagonal(self.model, x)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient in θ of Σ v·s(x); (p,)."""
        return self.model.vjp_parameters(x, v)

    def diagonal_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient in θ of Σ_j w_j J_jj(x); (p,)."""
        return diagonal_parameters(self.model, x, weight)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient in θ of Σ w log q(x); (p,)."""
        return self.model.log_prob_parameters(x, weight)


def missing_marginal(
    density: Density, x: ArrayLike, mask: ArrayLike, imputations: ArrayLike, *, proposal_log_prob: ArrayLike
) -> Float:
    """Marginal score matching by importance weights (Marg-IW), per sample.

        ℓ = Σ_{j ∈ λ} {Σ_k w_k [J_jj + s_j²] - ½ ŝ_j²},   ŝ_j = Σ_k w_k s_j                            (MIS.3)

    with w (MIS.2), s and J at (x_λ, x'_k).

    Parameters
    ----------
    density : LogDensity
        log q up to a constant, called as density(x), density.score(x) and density.score_diagonal(x).
    x : (\\*batch, d)
        Data, in the data's unit. What stands in missing places is never used, and may be nan.
    mask : (\\*batch, d) array_like of bool
        True where x is observed: λ.
    imputations : (r, \\*batch, d)
        x'_1 … x'_r for each sample; of each only the missing coordinates are used.
    proposal_log_prob : (r, \\*batch)
        log p'(x'_k) of the missing coordinates that were drawn, up to a constant for each sample.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit²; 0 where nothing is observed. Never averaged: a reduction is the caller's.

    Raises
    ------
    TypeError
        If `mask` is not of dtype bool.
    ValueError
        If there is no imputation, or a shape does not go with `x`.

    Notes
    -----
    The paper has twice this, with grad log q where (9) has s; a factor 1/r in front of normalised weights is a slip
    there. Not to be confused with zero imputation, the score at (x_λ, 0), nor with the mean of ``objectives.implicit``
    over imputations: that lacks the variance of s under the weights. Not to be confused with the density of all of
    x'_k: observed coordinates that were drawn and thrown away have no part in p'.

    References
    ----------
    Givens, Liu & Reeve (2025), Score matching with missing data, arXiv 2506.00557, algorithm 1.

    Examples
    --------
    Two imputations at ±1 standard deviations of the exact conditional integrate a Gaussian exactly. For unit variances
    and correlation ½ the marginal of x_1 is standard normal, ℓ = -1 + ½ x_1²:

    >>> from refscore.models import QuadraticEnergy
    >>> q = LogDensity(QuadraticEnergy([[4 / 3, -2 / 3], [-2 / 3, 4 / 3]], [0, 0]))
    >>> draws = [[[0, 1 + 0.75**0.5]], [[0, 1 - 0.75**0.5]]]
    >>> value = missing_marginal(q, [[2, 0]], [[True, False]], draws, proposal_log_prob=[[0], [0]])
    >>> round(float(value[0]), 12), -1 + 0.5 * 2**2
    (1.0, 1.0)
    """
    observed, z, w = _weighted(density, x, mask, imputations, proposal_log_prob)
    s, mean, curvature = _moments(density, z, w)
    spread = np.einsum("r...,r...j->...j", w, curvature + (s - mean) ** 2)
    value: Float = np.where(observed, spread + 0.5 * mean**2, 0).sum(-1)  # (MIS.3), E s² = Var s + ŝ²
    return value


def missing_marginal_gradient(
    density: ParametricDensity, x: ArrayLike, mask: ArrayLike, imputations: ArrayLike, *, proposal_log_prob: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`missing_marginal` in the parameters of `density`.

        ∂ℓ/∂θ = Σ_k w_k {Σ_{j ∈ λ} [∂J_jj/∂θ + (2 s_j - ŝ_j) ∂s_j/∂θ] + (A_k - Σ_l w_l A_l) ∂log q/∂θ},
        A_k = Σ_{j ∈ λ} [J_jj + s_j² - ŝ_j s_j]                                                        (MIS.4)

    at (x_λ, x'_k): the last term is the weights' own.

    Parameters
    ----------
    density : LogDensity
        The model, with `vjp_parameters`, `diagonal_parameters` and `log_prob_parameters`.
    x : (\\*batch, d)
        As for :func:`missing_marginal`.
    mask : (\\*batch, d) array_like of bool
        As for :func:`missing_marginal`.
    imputations : (r, \\*batch, d)
        As for :func:`missing_marginal`.
    proposal_log_prob : (r, \\*batch)
        As for :func:`missing_marginal`.

    Returns
    -------
    (p,)
        In the order of the model's ``pack()``.
    """
    observed, z, w = _weighted(density, x, mask, imputations, proposal_log_prob)
    s, mean, curvature = _moments(density, z, w)
    share = np.where(observed, w[..., None], 0)
    terms = np.where(observed, curvature + s * (s - mean), 0).sum(-1)
    own = w * (terms - (w * terms).sum(0))
    pulled = density.diagonal_parameters(z, share) + density.vjp_parameters(z, share * (2 * s - mean))
    value: Float = pulled + density.log_prob_parameters(z, own)  # (MIS.4)
    return value


def _weighted(
    density: Density, x: ArrayLike, mask: ArrayLike, imputations: ArrayLike, proposal_log_prob: ArrayLike
) -> tuple[Float, Float, Float]:
    """Where x is observed, the completed points (r, *batch, d), and their weights (r, *batch)."""
    observed = np.asarray(mask)
    if observed.dtype != np.bool_:
        raise TypeError(f"mask has dtype {observed.dtype}; expected bool, True where x is observed")
    of_shape(np.zeros(np.shape(x)), "x", observed.shape, "mask")
    x = samples(np.where(observed, x, 0), "x")
    drawn = samples(imputations, "imputations", x.shape[-1])
    if drawn.shape[1:] != x.shape or len(drawn) == 0:
        raise ValueError(f"imputations has shape {drawn.shape}; expected (r, {', '.join(map(str, x.shape))}), r ≥ 1")
    z: Float = np.where(observed, x, drawn)
    batch = z.shape[:-1]
    proposal = of_shape(proposal_log_prob, "proposal_log_prob", batch, "a number for each imputation")
    log_weight = of_shape(density(z), "density(x)", batch, "the batch of imputations") - proposal
    w = np.exp(log_weight - log_weight.max(0))
    return observed, z, w / w.sum(0)  # (MIS.2)


def _moments(density: Density, z: Float, w: Float) -> tuple[Float, Float, Float]:
    """s and ŝ, and the diagonal of J, at the completed points."""
    s = of_shape(density.score(z), "density.score(x)", z.shape, "imputations")
    curvature = of_shape(density.score_diagonal(z), "density.score_diagonal(x)", z.shape, "imputations")
    return s, np.einsum("r...,r...j->...j", w, s), curvature
