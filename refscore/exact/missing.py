"""The truth about score matching with missing data: Gaussian marginals, for which no imputation is needed.

A Gaussian model N(b, A⁻¹) has Gaussian marginals, with the precision

    S_λ = ((A⁻¹)_λλ)⁻¹ = A_λλ - A_λμ A_μμ⁻¹ A_μλ,   μ the missing coordinates                          (MIS.5)

so ``objectives.missing_marginal`` with exact weights is the implicit objective of s_λ = -S_λ (x_λ - b_λ), and its mean
over data N(m, Σ) with observed coordinates λ in a share π_λ of the samples is in closed form.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, of_shape
from refscore.exact import minimisers
from refscore.exact.residuals import Moments, moments, normal
from refscore.models.quadratic import QuadraticEnergy

__all__ = [
    "missing_marginal_expectation",
    "missing_marginal_minimiser",
    "missing_marginal_variance",
]


def missing_marginal_expectation(
    model: QuadraticEnergy, data: Moments, patterns: ArrayLike, shares: ArrayLike
) -> float:
    """E of ``objectives.missing_marginal`` with exact weights, for data that are missing completely at random.

        E ℓ = Σ_λ π_λ {½ tr S_λ (Σ_λλ + δ_λ δ_λᵀ) S_λ - tr S_λ},   δ = m - b                          (MIS.6)

    Parameters
    ----------
    model : QuadraticEnergy
        The model N(b, A⁻¹).
    data : Moments
        Mean m and covariance Σ of x.
    patterns : (k, d) array_like of bool
        The sets λ, True where observed.
    shares : (k,)
        π_λ ≥ 0, with sum 1.

    Returns
    -------
    float
        E ℓ, the limit r → ∞ of the objective's.

    Raises
    ------
    TypeError
        If `patterns` is not of dtype bool.
    ValueError
        If a shape does not fit, or the shares do not sum to 1.

    Examples
    --------
    With everything observed it is the implicit objective:

    >>> import refscore as rs
    >>> from refscore.models import AffineScore
    >>> p, q = rs.targets.gaussian([1, 0], [[2, 1], [1, 3]]), QuadraticEnergy([[2, 0.5], [0.5, 1]], [0, 1])
    >>> s = AffineScore(q.symmetric, q.centre)
    >>> missing_marginal_expectation(q, p, [[True, True]], [1]), rs.exact.expectations.implicit(s, p)
    (5.875, 5.875)
    """
    total = 0.0
    for share, mean, cov, trace in _residuals(model, data, patterns, shares):
        total += share * (0.5 * (mean @ mean + np.trace(cov)) - trace)  # (MIS.6)
    return float(total)


def missing_marginal_variance(model: QuadraticEnergy, data: Moments, patterns: ArrayLike, shares: ArrayLike) -> float:
    """Variance of one sample of ``objectives.missing_marginal`` with exact weights, over x and over what is observed.

        Var ℓ = Σ_λ π_λ {½ tr K_λ² + r_λᵀ K_λ r_λ + (E_λ ℓ)²} - (E ℓ)²,
        r_λ = -S_λ δ_λ,   K_λ = S_λ Σ_λλ S_λ                                                          (MIS.7)

    Parameters
    ----------
    model : QuadraticEnergy
        As for :func:`missing_marginal_expectation`.
    data : Moments
        The law N(m, Σ) of x, a ``Gaussian``.
    patterns : (k, d) array_like of bool
        As for :func:`missing_marginal_expectation`.
    shares : (k,)
        As for :func:`missing_marginal_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    TypeError
        If `data` are not Gaussian.

    Examples
    --------
    One dimension: ℓ = ½ x² - 1 for standard normal x, or 0 where nothing is observed.

    >>> import refscore as rs
    >>> p, q = rs.targets.gaussian([0], 1), QuadraticEnergy([[1]], [0])
    >>> missing_marginal_variance(q, p, [[True], [False]], [0.5, 0.5]), 0.5 * (0.5 + 0.25) - 0.25**2
    (0.3125, 0.3125)
    """
    first = second = 0.0
    for share, mean, cov, trace in _residuals(model, normal(data), patterns, shares):
        value = 0.5 * (mean @ mean + np.trace(cov)) - trace
        first += share * value
        second += share * (0.5 * (cov**2).sum() + mean @ cov @ mean + value**2)
    return float(second - first**2)  # (MIS.7)


def missing_marginal_minimiser(data: Moments) -> QuadraticEnergy:
    """The Gaussian that minimises :func:`missing_marginal_expectation`: the one with the data's moments.

        A = Σ⁻¹,   b = m                                                                              (MIS.8)

    Parameters
    ----------
    data : Moments
        Mean m and covariance Σ of x.

    Returns
    -------
    QuadraticEnergy
        A minimiser; the only one where every pair of coordinates is observed together with positive probability.

    Raises
    ------
    ValueError
        If Σ is not positive definite.

    Examples
    --------
    >>> import refscore as rs
    >>> missing_marginal_minimiser(rs.targets.gaussian([1], 4)).matrix
    array([[0.25]])
    """
    best = minimisers.implicit(data)
    return QuadraticEnergy(best.matrix, best.centre)  # (MIS.8)


def _residuals(
    model: QuadraticEnergy, data: Moments, patterns: ArrayLike, shares: ArrayLike
) -> Iterator[tuple[float, Float, Float, float]]:
    """For each pattern π_λ, the mean and covariance of s_λ, and tr S_λ."""
    observed = np.asarray(patterns)
    if observed.dtype != np.bool_:
        raise TypeError(f"patterns has dtype {observed.dtype}; expected bool, True where x is observed")
    if observed.ndim != 2 or observed.shape[1] != model.d:
        raise ValueError(f"patterns has shape {observed.shape}; expected (k, {model.d})")
    weight = not_negative(of_shape(shares, "shares", observed.shape[:1], "the patterns"), "shares")
    if abs(weight.sum() - 1) > 2.0**-40:
        raise ValueError(f"shares sum to {weight.sum()}; expected 1")
    mean, cov = moments(data, model.d)
    shift, precision = mean - model.centre, model.symmetric
    for share, seen in zip(weight, observed, strict=True):
        across = precision[np.ix_(seen, ~seen)]
        inner = np.linalg.solve(precision[np.ix_(~seen, ~seen)], across.T) if not seen.all() else across.T
        marginal = precision[np.ix_(seen, seen)] - across @ inner  # (MIS.5)
        yield share, -marginal @ shift[seen], marginal @ cov[np.ix_(seen, seen)] @ marginal, float(np.trace(marginal))
