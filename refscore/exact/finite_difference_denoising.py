"""The truth about finite-difference denoising of a quadratic energy on Gaussian data, where differences are exact.

With s(x) = -A (x - b), A symmetric, the slope along v is vᵀ s whatever the step is, so that given x0 and ε

    ℓ = (1/m) Σ_j ½ (v_jᵀ r)²,   r = s(x) + ε/σ ~ N(m, K)                                             (FDD.5)

with r of (EXPECT.3): the mean over v is denoising, and what projections add is the variance of vᵀ H v, H = ½ r rᵀ.
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import integer
from refscore.exact import expectations, minimisers, variances
from refscore.exact.projections import Projection, of_random
from refscore.exact.residuals import Moments, against_noise, normal
from refscore.models.affine import AffineScore

__all__ = [
    "finite_difference_denoising_expectation",
    "finite_difference_denoising_minimiser",
    "finite_difference_denoising_variance",
]


def finite_difference_denoising_expectation(score: AffineScore, data: Moments, sigma: float) -> float:
    """E of ``objectives.finite_difference_denoising`` for a quadratic energy: that of denoising, (EXPECT.7).

    Parameters
    ----------
    score : AffineScore
        The score -A (x - b) of the energy, A symmetric.
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    float
        E ℓ ≥ 0, in 1/unit², the same for any step and any projections with E[v vᵀ] = I.

    Raises
    ------
    ValueError
        If A is not symmetric, and so no energy's, or a dimension is another.
    """
    return expectations.denoising(_symmetric(score), data, sigma)


def finite_difference_denoising_minimiser(data: Moments, sigma: float) -> AffineScore:
    """The score of the quadratic energy that minimises the expectation: that of ``minimisers.denoising``, (MIN.2).

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    AffineScore
        The minimiser.
    """
    return minimisers.denoising(data, sigma)


def finite_difference_denoising_variance(
    score: AffineScore, data: Moments, sigma: float, *, projection: Projection, n_projections: int = 1
) -> float:
    """Var of one sample of ``objectives.finite_difference_denoising``, over x0, ε and m projections.

        Var ℓ = Var ½ |r|² + (1/m) E_r Var_v [½ (vᵀ r)²]
        E H_ij = ½ (K_ij + m_i m_j)
        Var H_ij = ¼ [K_ii K_jj + K_ij² + K_ii m_j² + K_jj m_i² + 2 K_ij m_i m_j]
        Cov(H_ii, H_jj) = ¼ [2 K_ij² + 4 K_ij m_i m_j]                                                (FDD.6)

    Parameters
    ----------
    score : AffineScore
        The score -A (x - b) of the energy, A symmetric.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    sigma : float
        Noise level, in the data's unit; σ > 0.
    projection : callable
        The law of v, from ``refscore.exact.projections``.
    n_projections : int
        How many projections m each sample has, drawn as the law says.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴: more than that of denoising, by some d/m times.

    Raises
    ------
    ValueError
        If A is not symmetric, or a dimension is another.

    Examples
    --------
    On the line signs add nothing:

    >>> import refscore as rs
    >>> from refscore.exact.projections import rademacher_projection
    >>> s, p = rs.models.AffineScore([[2]], [0.5]), rs.targets.gaussian([1], 4)
    >>> found = finite_difference_denoising_variance(s, p, 0.5, projection=rademacher_projection)
    >>> found == rs.exact.variances.denoising(s, p, 0.5)
    True
    """
    residual = against_noise(_symmetric(score), normal(data), sigma)
    m, k = residual.mean, residual.cov
    mm, spread = np.outer(m, m), np.diag(k)
    cross = np.outer(spread, m**2)
    variance = 0.25 * (np.outer(spread, spread) + k**2 + cross + cross.T + 2 * k * mm)
    given = projection(of_random(0.5 * (k + mm), variance, 0.25 * (2 * k**2 + 4 * k * mm)))
    exact = variances.denoising(score, data, sigma)
    return exact + given / integer(n_projections, "n_projections", 1)  # (FDD.6)


def _symmetric(score: AffineScore) -> AffineScore:
    if (score.matrix != score.matrix.T).any():
        raise ValueError("score has a matrix that is not symmetric; expected the score of a quadratic energy")
    return score
