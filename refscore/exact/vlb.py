"""The truth about the terms of DDPM's bound, ``objectives.vlb_term``, for an affine score on Gaussian data.

For a variance that is one number at each level, a term with k > 1 is what the variances cost plus a weighted loss of
the noise, so that its mean, variance and minimiser are those of ``refscore.exact.path_losses``:

    L_{k-1} = ½ d (r - 1 - log r) + ½ w |ε̂ - ε|²,   r = β̃_k/σ_θ²                                     (VLB.19)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number
from refscore.exact.path_losses import path_expectation, path_minimiser, path_variance
from refscore.exact.residuals import Moments, moments
from refscore.models.affine import AffineScore
from refscore.objectives.posterior import small_log_variance
from refscore.objectives.vlb import gaussian_kl, vlb_prior, vlb_weight
from refscore.paths import DiscreteVP

__all__ = ["vlb_prior_expectation", "vlb_term_expectation", "vlb_term_minimiser", "vlb_term_variance"]


def vlb_prior_expectation(data: Moments, *, betas: ArrayLike) -> float:
    """E of ``objectives.vlb_prior``: (VLB.13) with E x0² in the place of x0².

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0, of any law.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    float
        E L_N, in nats.

    Examples
    --------
    >>> import refscore as rs
    >>> two_points = rs.targets.empirical([[1.0], [3.0]])
    >>> mean = rs.objectives.vlb_prior([[1.0], [3.0]], betas=[0.36, 0.75]).mean()
    >>> round(vlb_prior_expectation(two_points, betas=[0.36, 0.75]) - float(mean), 12)
    0.0
    """
    mean, cov = moments(data, np.asarray(data.mean).size)
    return float(vlb_prior(np.sqrt(mean**2 + np.diag(cov)), betas=betas))


def vlb_term_expectation(score: AffineScore, data: Moments, k: int, log_variance: float, *, betas: ArrayLike) -> float:
    """E of ``objectives.vlb_term`` at one level k > 1, for the prediction ε̂ = -σ_k s, (VLB.19).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        Mean μ and covariance Σ of the clean x0, of any law.
    k : int
        From 2 to N.
    log_variance : float
        log σ_θ², one for all dimensions.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    float
        E L_{k-1}, in nats.

    Raises
    ------
    ValueError
        If k is not among 2 to N, or `data` are of another dimension than `score`.

    Examples
    --------
    By the nodes x0 = μ ± √Σ, ε = ±1:

    >>> import refscore as rs
    >>> betas, p, s = [0.36, 0.75], rs.targets.gaussian([1], 4), rs.models.AffineScore([[0.5]], [0.25])
    >>> x0, noise = np.array([[3.0], [3.0], [-1.0], [-1.0]]), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> x = 0.4 * x0 + 0.84**0.5 * noise
    >>> mean = rs.objectives.vlb_term(-(0.84**0.5) * s(x), np.full((4, 1), -1.0), x0, x, 2, betas=betas).mean()
    >>> round(vlb_term_expectation(s, p, 2, -1.0, betas=betas) - float(mean), 12)
    0.0
    """
    alpha, sigma, weight = _level(k, log_variance, betas)
    loss = path_expectation(score, data, alpha=alpha, sigma=sigma, weight=weight)
    zero = np.zeros(score.d)
    variances = gaussian_kl(zero, np.full(score.d, small_log_variance(k, betas=betas)), zero, zero + log_variance)
    return float(variances + loss)  # (VLB.19)


def vlb_term_variance(score: AffineScore, data: Moments, k: int, log_variance: float, *, betas: ArrayLike) -> float:
    """Var of one sample of ``objectives.vlb_term`` at one level k > 1: that of the weighted loss in (VLB.19).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    k : int
        From 2 to N.
    log_variance : float
        log σ_θ², one for all dimensions.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    float
        Var L_{k-1}.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If k is not among 2 to N, or `data` are of another dimension than `score`.
    """
    alpha, sigma, weight = _level(k, log_variance, betas)
    return path_variance(score, data, alpha=alpha, sigma=sigma, weight=weight)


def vlb_term_minimiser(data: Moments, k: int, *, betas: ArrayLike) -> tuple[AffineScore, float]:
    """The affine score and the log variance that minimise :func:`vlb_term_expectation`.

        σ_θ² = β̃_k + E|μ̃ - μ_θ|²/d,   with the score of x_k                                           (VLB.20)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    k : int
        From 2 to N.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    score : AffineScore
        That of x_k, for any variance.
    log_variance : float
        log σ_θ², between log β̃_k, where x0 is a point, and log β_k, where x0 ~ N(0, I).

    Raises
    ------
    ValueError
        If k is not among 2 to N.

    References
    ----------
    Bao et al. (2022), Analytic-DPM: an analytic estimate of the optimal reverse variance in diffusion probabilistic
    models, theorem 1.

    Examples
    --------
    >>> import refscore as rs
    >>> _, found = vlb_term_minimiser(rs.targets.gaussian([0], 1), 2, betas=[0.36, 0.75])
    >>> round(float(np.exp(found)), 12)
    0.75
    """
    alpha, sigma, weight = _level(k, 0.0, betas)
    best = path_minimiser(data, alpha=alpha, sigma=sigma)
    square = 2 * path_expectation(best, data, alpha=alpha, sigma=sigma, weight=weight)  # E|μ̃ - μ_θ|²
    return best, float(np.log(np.exp(small_log_variance(k, betas=betas)) + square / best.d))  # (VLB.20)


def _level(k: int, log_variance: float, betas: ArrayLike) -> tuple[float, float, float]:
    """α_k, σ_k, and the weight of the score."""
    path = DiscreteVP(betas)
    weight: Float = vlb_weight(k, number(log_variance, "log_variance"), betas=betas)
    t = k / path.betas.size
    sigma = float(path.sigma(t))
    return float(path.alpha(t)), sigma, float(weight) * sigma**2
