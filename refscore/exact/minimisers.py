"""The affine score at which each objective's expectation is least.

A function here has the name of its objective. All but ``explicit`` need no more of the data than mean and covariance:
on the empirical moments of a data set ``implicit`` is the Gaussian maximum-likelihood fit. Every minimum is unique,
since each expectation is strictly convex in (A, A b).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular

from refscore.arrays import Float, lift, positive, samples
from refscore.exact.residuals import Moments, cholesky, moments
from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.objectives.multilevel import level_weight

__all__ = ["denoising", "explicit", "implicit", "multilevel", "sliced", "sliced_variance_reduced"]


def implicit(data: Moments) -> AffineScore:
    """The affine score that minimises ``expectations.implicit``: that of the Gaussian with the data's moments.

        A = Σ⁻¹,   b = μ                                                                              (MIN.1)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If Σ is not positive definite: the objective then falls without end.

    References
    ----------
    Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, section 3.1.

    Examples
    --------
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1], 4)
    >>> best = implicit(p)
    >>> best([3]), p.score([3])
    (array([-0.5]), array([-0.5]))
    """
    mean, cov = _of(data)
    return AffineScore(_inverse(cov), mean)  # (MIN.1)


def explicit(data: Moments) -> AffineScore:
    """The affine score that minimises ``expectations.explicit``, at 0: the data's own, (MIN.1).

    Parameters
    ----------
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If Σ is not positive definite.
    """
    return implicit(data)


def sliced(data: Moments) -> AffineScore:
    """The affine score that minimises ``expectations.sliced``: that of ``implicit``, (MIN.1).

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If Σ is not positive definite.
    """
    return implicit(data)


def sliced_variance_reduced(data: Moments) -> AffineScore:
    """The affine score that minimises ``expectations.sliced_variance_reduced``: that of ``implicit``, (MIN.1).

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If Σ is not positive definite.
    """
    return implicit(data)


def denoising(data: Moments, sigma: float) -> AffineScore:
    """The affine score that minimises ``expectations.denoising``: that of the noised data.

        A = (Σ + σ² I)⁻¹,   b = μ                                                                     (MIN.2)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If `sigma` is not positive.

    Notes
    -----
    Not to be confused with the score of the clean data, which no noise level but σ → 0 gives.

    Examples
    --------
    Tweedie's formula with it is the posterior mean; for N(0, 1) and σ = 2 that is x/(1 + 2²):

    >>> import refscore as rs
    >>> best = denoising(rs.targets.gaussian([0], 1), 2)
    >>> 5 + 2**2 * best([5]), 5 / (1 + 2**2)
    (array([1.]), 1.0)
    """
    mean, cov = _of(data)
    level = lift(sigma, mean, "sigma", positive)
    return AffineScore(_inverse(cov + level**2 * np.eye(len(mean))), mean)  # (MIN.2)


def multilevel(
    data: Moments, sigma: ArrayLike, *, weight: Callable[[Float], ArrayLike] | ArrayLike = np.square
) -> LevelAffineScore:
    """The score -A (x - b)/σ that minimises the mean over the levels of ``expectations.multilevel``.

        A = (Σ_l w_l σ_l) (Σ + Σ_l w_l σ_l² I)⁻¹,   b = μ,   w_l ∝ λ(σ_l)/σ_l²,   Σ_l w_l = 1         (MIN.3)

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0; Σ may be singular.
    sigma : (n,)
        Noise levels, in the data's unit; σ > 0. Each counts alike: a level that stands twice counts double.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    LevelAffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If a level is not positive, or no weight is.

    Notes
    -----
    Not to be confused with the exact score of the noised data, which divides by Σ + σ² I at each level anew: one
    matrix for several levels is a compromise.

    Examples
    --------
    At a single level it is the score of the noised data:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1], 5)
    >>> multilevel(p, [2])([[4]], 2), denoising(p, 2)([[4]])
    (array([[-0.33333333]]), array([[-0.33333333]]))
    """
    mean, cov = _of(data)
    given = positive(samples(sigma, "sigma"), "sigma")
    levels = given.ravel()
    share = level_weight(weight, given).ravel() * (levels.min() / levels) ** 2
    if not share.any():
        raise ValueError("weight is zero at every level; expected a positive one")
    share = share / share.sum()
    matrix = (share @ levels) * _inverse(cov + (share @ levels**2) * np.eye(len(mean)))
    return LevelAffineScore(matrix, mean)  # (MIN.3)


def _of(data: Moments) -> tuple[Float, Float]:
    return moments(data, samples(data.mean, "data.mean").size)


def _inverse(cov: Float) -> Float:
    """Σ⁻¹ = L⁻ᵀ L⁻¹, symmetric to the bit."""
    inverse = solve_triangular(cholesky(cov), np.eye(len(cov)), lower=True)
    value: Float = inverse.T @ inverse
    return value
