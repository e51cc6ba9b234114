"""What each objective is worth on average: its expectation for an affine score on Gaussian data.

A function here has the name of the objective it tells the truth about. All but ``explicit`` need no more of the data
than mean and covariance, and hold for any data that have these: the objectives are quadratic in x.

Each is the mean of half a squared residual r ~ N(m, K), see ``refscore.exact.residuals``:

    E ½ |r|² = ½ (|m|² + tr K)                                                                        (EXPECT.4)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64
from refscore.exact.residuals import Moments, Residual, against_data, against_noise, of_score
from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.objectives.multilevel import level_weight

__all__ = ["denoising", "explicit", "implicit", "multilevel", "sliced", "sliced_variance_reduced"]


def explicit(score: AffineScore, data: Moments) -> float:
    """E of ``objectives.explicit``: half the Fisher divergence between data and model.

        E ℓ = ½ [|A (μ - b)|² + |A L - L⁻ᵀ|²],   Σ = L Lᵀ                                             (EXPECT.5)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``; other data have another ∇ log p.

    Returns
    -------
    float
        E ℓ ≥ 0, in 1/unit².

    Raises
    ------
    ValueError
        If Σ is not positive definite, or of another dimension than `score`.

    Notes
    -----
    For A = P₂ and Σ = P₁⁻¹ the second term is ½ tr((P₂ - P₁) Σ (P₂ - P₁)), the textbook form, which cancels for P₂ ≈
    P₁.

    Examples
    --------
    Two nodes x = μ ± √Σ integrate a quadratic exactly:

    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 4), rs.models.AffineScore([[2]], [0.5])
    >>> x = [[3.0], [-1.0]]
    >>> float(rs.objectives.explicit(s, x, p.score(x)).mean()), explicit(s, p)
    (6.625, 6.625)
    """
    return _half_square(against_data(score, data))  # (EXPECT.5)


def implicit(score: AffineScore, data: Moments) -> float:
    """E of ``objectives.implicit``.

        E ℓ = -tr A + ½ [|A (μ - b)|² + tr A Σ Aᵀ]                                                    (EXPECT.6)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    float
        E ℓ, in 1/unit²; by (ISM.1) it is the explicit one minus ½ tr Σ⁻¹ on N(μ, Σ).

    Raises
    ------
    ValueError
        If `data` are of another dimension than `score`.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 4), rs.models.AffineScore([[2]], [0.5])
    >>> float(rs.objectives.implicit(s, [[3.0], [-1.0]]).mean()), implicit(s, p)
    (6.5, 6.5)
    """
    return float(-np.trace(score.matrix) + _half_square(of_score(score, data)))  # (EXPECT.6)


def denoising(score: AffineScore, data: Moments, sigma: float) -> float:
    """E of ``objectives.denoising`` for ε ~ N(0, I).

        E ℓ = ½ [|A (μ - b)|² + tr A Σ Aᵀ + |I/σ - σ A|²]                                             (EXPECT.7)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    float
        E ℓ ≥ 0, in 1/unit².

    Raises
    ------
    ValueError
        If `sigma` is not positive, or `data` are of another dimension than `score`.

    Notes
    -----
    Multiplied out it is ½ [tr A C Aᵀ + |A (μ - b)|² - 2 tr A + d/σ²] with C = Σ + σ² I, the form to read; in it terms
    of size d/σ² cancel where the data are narrow, Σ ≪ σ² I. Not to be confused with the explicit one on noised data:
    that is less by ½ (d/σ² - tr C⁻¹), see (DSM.2).

    Examples
    --------
    Four nodes x0 = μ ± √Σ, ε = ±1 integrate a quadratic exactly:

    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 9), rs.models.AffineScore([[2]], [0.5])
    >>> x0, noise = [[4.0], [4.0], [-2.0], [-2.0]], [[1.0], [-1.0], [1.0], [-1.0]]
    >>> float(rs.objectives.denoising(s, x0, noise, 0.5).mean()), denoising(s, p, 0.5)
    (19.0, 19.0)
    """
    return _half_square(against_noise(score, data, sigma))  # (EXPECT.7)


def multilevel(
    score: LevelAffineScore,
    data: Moments,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = np.square,
) -> Float:
    """E of ``objectives.multilevel`` at each level: the denoising one of s(·, σ), weighted.

        E ℓ(σ) = ½ λ(σ) [|A (μ - b)/σ|² + tr A Σ Aᵀ/σ² + |I/σ - A|²]                                  (EXPECT.8)

    Parameters
    ----------
    score : LevelAffineScore
        The model s(x, σ) = -A (x - b)/σ.
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        E ℓ at each level, without unit for λ = σ². NCSN's loss is the mean over the levels, which is the caller's.

    Raises
    ------
    ValueError
        If a level is not positive, a weight is negative, or `data` are of another dimension than `score`.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 9), rs.models.LevelAffineScore([[2]], [0.5])
    >>> x0, noise = [[4.0], [4.0], [-2.0], [-2.0]], [[1.0], [-1.0], [1.0], [-1.0]]
    >>> [float(rs.objectives.multilevel(s, x0, noise, level).mean()) for level in (0.5, 2)]
    [18.5, 23.0]
    >>> multilevel(s, p, [0.5, 2])
    array([18.5, 23. ])
    """
    levels = as_float64(sigma, "sigma")
    at_each = [denoising(score.at(float(level)), data, float(level)) for level in levels.flat]
    value: Float = level_weight(weight, levels) * np.reshape(at_each, levels.shape)  # (EXPECT.8)
    return value


def sliced(score: AffineScore, data: Moments) -> float:
    """E of ``objectives.sliced``, over x and any projections with E[v vᵀ] = I: that of ``implicit``.

        E ℓ = -tr A + ½ [|A (μ - b)|² + tr A Σ Aᵀ]                                                    (EXPECT.9)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    float
        E ℓ, in 1/unit², the same for any number of projections. On the unit sphere it would be E ℓ / d.

    Raises
    ------
    ValueError
        If `data` are of another dimension than `score`.

    Examples
    --------
    Two nodes x, and the four sign vectors as projections, are exact:

    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1, 0], 4), rs.models.AffineScore([[2, 1], [0, 1]], [1, 0])
    >>> r = 8**0.5
    >>> x = [[1 + r, 0], [1 - r, 0], [1, r], [1, -r]]
    >>> v = [[[1, 1]] * 4, [[1, -1]] * 4, [[-1, 1]] * 4, [[-1, -1]] * 4]
    >>> round(float(rs.objectives.sliced(s, x, v).mean()), 12), sliced(s, p)
    (9.0, 9.0)
    """
    return implicit(score, data)  # (EXPECT.9)


def sliced_variance_reduced(score: AffineScore, data: Moments) -> float:
    """E of ``objectives.sliced_variance_reduced``: that of ``sliced``, (EXPECT.9).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        Mean μ and covariance Σ of x.

    Returns
    -------
    float
        E ℓ, in 1/unit², the same for any number of projections.

    Raises
    ------
    ValueError
        If `data` are of another dimension than `score`.
    """
    return implicit(score, data)  # (EXPECT.9)


def _half_square(residual: Residual) -> float:
    return float(0.5 * (residual.mean @ residual.mean + np.trace(residual.cov)))  # (EXPECT.4)
