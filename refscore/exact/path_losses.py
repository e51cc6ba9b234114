"""The truth about ``objectives.path`` and ``objectives.edm``: mean, variance and minimiser on Gaussian data.

A model is an affine score at one level. In whatever prediction it is trained, the loss is the score's with another
weight (WGT.1), so one function stands for all of them: to a loss of the data with weight w belongs the weight
``reweighted(w, data_factor(alpha, sigma), 1)`` here. What is squared is a Gaussian vector, with x_t = α x0 + σ ε:

    s(x_t) + ε/σ ~ N(m, K),   m = -A (α μ - b),   K = α² A Σ Aᵀ + B Bᵀ,   B = I/σ - σ A              (PATHL.7)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from refscore.arrays import Float, as_float64, not_negative, number, positive
from refscore.exact.on_mixtures import Truth, denoising
from refscore.exact.quadrature import Expectation
from refscore.exact.residuals import Moments, Residual, against_noise, cholesky, moments, normal
from refscore.models.affine import AffineScore
from refscore.objectives.level_weights import edm_data
from refscore.targets import Gaussian, Mixture

__all__ = [
    "edm_expectation",
    "edm_minimiser",
    "edm_variance",
    "path_expectation",
    "path_minimiser",
    "path_on_mixture",
    "path_variance",
]


def path_expectation(score: AffineScore, data: Moments, *, alpha: float, sigma: float, weight: float = 1.0) -> float:
    """E of ``objectives.path`` at one level, for the target of the score.

        E ℓ = ½ w (|m|² + tr K)                                                                       (PATHL.8)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        Mean μ and covariance Σ of the clean x0, of any law.
    alpha, sigma : float
        α ≥ 0 and σ > 0.
    weight : float
        w ≥ 0 of the score; see ``objectives.reweighted`` for other predictions.

    Returns
    -------
    float
        E ℓ ≥ 0.

    Raises
    ------
    ValueError
        If a level or weight is out of range, or `data` are of another dimension than `score`.

    Examples
    --------
    The nodes x0 = μ ± √Σ, ε = ±1 integrate a quadratic exactly; here the loss of the noise, c = -σ:

    >>> import refscore as rs
    >>> from refscore.predictions import score_to_noise
    >>> p, s, a, b = rs.targets.gaussian([1], 9), rs.models.AffineScore([[2]], [0.5]), 0.75, 0.5
    >>> x0, noise = [[4.0], [4.0], [-2.0], [-2.0]], [[1.0], [-1.0], [1.0], [-1.0]]
    >>> of_noise = lambda x, t: score_to_noise(s(x), x, a, b)
    >>> loss = rs.objectives.path(of_noise, x0, noise, 0, alpha=a, sigma=b, target=noise)
    >>> weight = rs.objectives.noise_factor(a, b) ** 2
    >>> float(loss.mean()), path_expectation(s, p, alpha=a, sigma=b, weight=weight)
    (2.6875, 2.6875)
    """
    residual = _residual(score, data, alpha, sigma)
    return float(_weight(weight) * 0.5 * (residual.mean @ residual.mean + np.trace(residual.cov)))  # (PATHL.8)


def path_variance(score: AffineScore, data: Moments, *, alpha: float, sigma: float, weight: float = 1.0) -> float:
    """Var of one sample of ``objectives.path`` at one level, over x0 and ε ~ N(0, I), for the target of the score.

        Var ℓ = w² (½ tr K² + mᵀ K m)                                                                 (PATHL.9)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    alpha, sigma : float
        α ≥ 0 and σ > 0.
    weight : float
        w ≥ 0 of the score.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If a level or weight is out of range, or `data` are of another dimension than `score`.

    Examples
    --------
    No score leaves ½ |ε|²/σ², a chi-squared variable of variance 2 d times ¼ σ⁻⁴:

    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1, 1], 4), rs.models.AffineScore([[0, 0], [0, 0]], [0, 0])
    >>> path_variance(s, p, alpha=0.75, sigma=0.5), 2 * 2 * 0.25 * 0.5**-4
    (16.0, 16.0)
    """
    residual = _residual(score, normal(data), alpha, sigma)
    scatter = 0.5 * (residual.cov**2).sum() + residual.mean @ residual.cov @ residual.mean
    return float(_weight(weight) ** 2 * scatter)  # (PATHL.9)


def path_minimiser(data: Moments, *, alpha: float, sigma: float) -> AffineScore:
    """The affine score that minimises :func:`path_expectation`, in every prediction and for every weight: that of x_t.

        A = (α² Σ + σ² I)⁻¹,   b = α μ                                                                (PATHL.10)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    alpha, sigma : float
        α ≥ 0 and σ > 0.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If a level is out of range.

    Examples
    --------
    Tweedie's formula with it is the mean of x0 given x, 1 + α 4 (x - α 1)/(α² 4 + σ²) for N(1, 4):

    >>> import refscore as rs
    >>> best = path_minimiser(rs.targets.gaussian([1], 4), alpha=0.5, sigma=1)
    >>> ([3.5] + 1**2 * best([3.5])) / 0.5, 1 + 0.5 * 4 * (3.5 - 0.5) / (0.25 * 4 + 1)
    (array([4.]), 4.0)
    """
    scaled = _scaled(data, np.asarray(data.mean).size, alpha)
    covariance = scaled.cov + number(sigma, "sigma", positive) ** 2 * np.eye(len(scaled.mean))
    inverse = np.linalg.inv(cholesky(covariance))
    return AffineScore(inverse.T @ inverse, scaled.mean)  # (PATHL.10)


def path_on_mixture(
    score: Callable[[Float], Float],
    data: Mixture | Gaussian,
    *,
    alpha: float,
    sigma: float,
    weight: float = 1.0,
    rtol: float = 1e-10,
) -> Truth:
    """E and Var of ``objectives.path`` at one level for any score on a mixture in one or two dimensions, by quadrature.

    Parameters
    ----------
    score : callable
        s at this level, from (n, d) to (n, d).
    data : Mixture or Gaussian
        The law of the clean x0, d ≤ 2.
    alpha, sigma : float
        α > 0 and σ > 0.
    weight : float
        w ≥ 0 of the score; ``objectives.reweighted(w, c, 1)`` for another prediction.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ, each with a value and an error: those of ``on_mixtures.denoising`` for α x0, weighted.

    Raises
    ------
    ValueError
        If a level or weight is out of range, or d > 2.

    Examples
    --------
    For an affine score mean and covariance of the mixture are enough, (PATHL.8):

    >>> import refscore as rs
    >>> p, s = rs.targets.mixture([0.5, 0.5], [[-1], [2]]), rs.models.AffineScore([[0.5]], [0.25])
    >>> found = path_on_mixture(s, p, alpha=0.75, sigma=0.5, weight=0.25).expectation
    >>> bool(abs(found.value - path_expectation(s, p, alpha=0.75, sigma=0.5, weight=0.25)) <= found.error)
    True
    """
    w, clean = _weight(weight), data.perturb(number(alpha, "alpha", positive), 0.0)
    mean, variance = denoising(score, clean, number(sigma, "sigma", positive), rtol=rtol)
    return Truth(Expectation(w * mean.value, w * mean.error), Expectation(w**2 * variance.value, w**2 * variance.error))


def edm_expectation(score: AffineScore, data: Moments, sigma: float, *, sigma_data: float) -> float:
    """E of ``objectives.edm`` for the denoiser D = x + σ² s.

        E ℓ = λ(σ) σ⁴ (|m|² + tr K)   at α = 1                                                        (EDML.4)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        Mean μ and covariance Σ of the clean x0, of any law.
    sigma, sigma_data : float
        σ > 0 and σ_data > 0.

    Returns
    -------
    float
        E ℓ ≥ 0.

    Raises
    ------
    ValueError
        If a level is not positive, or `data` are of another dimension than `score`.

    Examples
    --------
    The least it can be on N(0, v) is λ times the posterior variance v σ²/(v + σ²), which is 1 for v = σ_data²:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0], 0.25)
    >>> edm_expectation(edm_minimiser(p, 2), p, 2, sigma_data=0.5)
    1.0
    """
    return path_expectation(score, data, alpha=1.0, sigma=sigma, weight=_edm_weight(sigma, sigma_data))  # (EDML.4)


def edm_variance(score: AffineScore, data: Moments, sigma: float, *, sigma_data: float) -> float:
    """Var of one sample of ``objectives.edm`` for the denoiser D = x + σ² s: (PATHL.9) with the weight 2 λ σ⁴.

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this level.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    sigma, sigma_data : float
        σ > 0 and σ_data > 0.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If a level is not positive, or `data` are of another dimension than `score`.
    """
    return path_variance(score, data, alpha=1.0, sigma=sigma, weight=_edm_weight(sigma, sigma_data))


def edm_minimiser(data: Moments, sigma: float) -> AffineScore:
    """The affine score whose denoiser minimises ``objectives.edm``: (PATHL.10) with α = 1, for every σ_data.

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    sigma : float
        σ > 0.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If `sigma` is not positive.
    """
    return path_minimiser(data, alpha=1.0, sigma=sigma)


def _scaled(data: Moments, d: int, alpha: float) -> Residual:
    """The law of α x0."""
    mean, cov = moments(data, d)
    a = number(alpha, "alpha", not_negative)
    return Residual(a * mean, a**2 * cov)


def _residual(score: AffineScore, data: Moments, alpha: float, sigma: float) -> Residual:
    return against_noise(score, _scaled(data, score.d, alpha), number(sigma, "sigma", positive))  # (PATHL.7)


def _weight(weight: float) -> float:
    return number(weight, "weight", not_negative)


def _edm_weight(sigma: float, sigma_data: float) -> float:
    level: Float = as_float64(sigma, "sigma")
    return 2.0 * number(edm_data(1.0, level, sigma_data), "weight") * number(level, "sigma", positive) ** 4
