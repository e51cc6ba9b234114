"""How much one sample of each objective scatters: its variance for an affine score on Gaussian data.

A function here has the name of the objective it tells the truth about. The mean over n independent samples has 1/n of
it. For half a squared residual r ~ N(m, K), see ``refscore.exact.residuals``,

    Var ½ |r|² = ½ tr K² + mᵀ K m                                                                     (VAR.4)

Fourth moments enter, so that the data must be Gaussian: a mixture or a finite data set raises a TypeError.

The sliced objectives draw projections too. Given x, the mean over them is the implicit objective, so that with m
projections the law of total variance leaves

    Var ℓ = Var (tr J + ½ |s|²) + (1/m) E_x Var_v [vᵀ H v]                                            (VAR.5)

with H = -S + ½ s sᵀ for sliced and H = -S for its variance-reduced form, S = (A + Aᵀ)/2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, integer
from refscore.exact.projections import Projection, of_random, squares
from refscore.exact.residuals import Moments, Residual, against_data, against_noise, normal, of_score
from refscore.models.affine import AffineScore, LevelAffineScore
from refscore.objectives.multilevel import level_weight

__all__ = ["denoising", "explicit", "implicit", "multilevel", "sliced", "sliced_variance_reduced"]


def explicit(score: AffineScore, data: Moments) -> float:
    """Var of one sample of ``objectives.explicit``.

        Var ℓ = ½ tr K² + mᵀ K m,   m = A (μ - b),   K = M Mᵀ,   M = A L - L⁻ᵀ,   Σ = L Lᵀ            (VAR.6)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴; 0 for the data's own score.

    Raises
    ------
    ValueError
        If Σ is not positive definite, or of another dimension than `score`.

    Examples
    --------
    A score that is off by one number everywhere has an objective that does not scatter:

    >>> import refscore as rs
    >>> explicit(rs.models.AffineScore([[0.25]], [7]), rs.targets.gaussian([1], 4))
    0.0
    """
    return _half_square(against_data(score, data))  # (VAR.6)


def implicit(score: AffineScore, data: Moments) -> float:
    """Var of one sample of ``objectives.implicit``; the trace is a constant.

        Var ℓ = ½ tr K² + mᵀ K m,   m = A (μ - b),   K = A Σ Aᵀ                                       (VAR.7)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴; d/2 · 1/unit⁴ for s = -x on N(0, I).

    Raises
    ------
    ValueError
        If `data` are of another dimension than `score`.

    Examples
    --------
    Three Gauss-Hermite nodes are exact up to degree 5, and ℓ² has degree 4:

    >>> import numpy as np
    >>> import refscore as rs
    >>> s, p = rs.models.AffineScore([[2]], [0.5]), rs.targets.gaussian([1], 4)
    >>> x, w = 1 + 2 * np.array([[-(3**0.5)], [0], [3**0.5]]), np.array([1, 4, 1]) / 6
    >>> loss = rs.objectives.implicit(s, x)
    >>> round(float(w @ (loss - w @ loss) ** 2), 12), implicit(s, p)
    (144.0, 144.0)
    """
    return _half_square(of_score(score, normal(data)))  # (VAR.7)


def denoising(score: AffineScore, data: Moments, sigma: float) -> float:
    """Var of one sample of ``objectives.denoising``, over x0 and ε ~ N(0, I).

        Var ℓ = ½ tr K² + mᵀ K m,   m = A (μ - b),   K = A Σ Aᵀ + B Bᵀ,   B = I/σ - σ A               (VAR.8)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴. As σ → 0 it grows like d/(2 σ⁴): the price of denoising at a small level.

    Raises
    ------
    ValueError
        If `sigma` is not positive, or `data` are of another dimension than `score`.

    Examples
    --------
    The zero score leaves ½ |ε|²/σ², a chi-squared variable of variance 2d times ¼ σ⁻⁴:

    >>> import refscore as rs
    >>> denoising(rs.models.AffineScore([[0]], [0]), rs.targets.gaussian([1], 4), 0.5), 2 * 0.25 * 0.5**-4
    (8.0, 8.0)
    """
    return _half_square(against_noise(score, normal(data), sigma))  # (VAR.8)


def multilevel(
    score: LevelAffineScore,
    data: Moments,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = np.square,
) -> Float:
    """Var of one sample of ``objectives.multilevel`` at each level: λ(σ)² times (VAR.8) for s(·, σ).

    Parameters
    ----------
    score : LevelAffineScore
        The model s(x, σ) = -A (x - b)/σ.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        Var ℓ at each level, the level being given. Where it is drawn too, the variance of the expectations comes on
        top.

    Raises
    ------
    ValueError
        If a level is not positive, a weight is negative, or `data` are of another dimension than `score`.

    Examples
    --------
    The zero score with λ = σ² has ½ |ε|² at every level; with the level drawn uniformly the law of total variance says

    >>> import refscore as rs
    >>> s, p = rs.models.LevelAffineScore([[0]], [0]), rs.targets.gaussian([1], 4)
    >>> given, mean = multilevel(s, p, [0.5, 2]), rs.exact.expectations.multilevel(s, p, [0.5, 2])
    >>> given, float(given.mean() + mean.var())
    (array([0.5, 0.5]), 0.5)
    """
    levels = as_float64(sigma, "sigma")
    at_each = [denoising(score.at(float(level)), data, float(level)) for level in levels.flat]
    value: Float = level_weight(weight, levels) ** 2 * np.reshape(at_each, levels.shape)
    return value


def sliced(score: AffineScore, data: Moments, *, projection: Projection, n_projections: int = 1) -> float:
    """Var of one sample of ``objectives.sliced``, over x and its m projections: (VAR.5) with H = -S + ½ s sᵀ.

        E H_ij = -S_ij + ½ (K_ij + m_i m_j)
        Var H_ij = ¼ [K_ii K_jj + K_ij² + K_ii m_j² + K_jj m_i² + 2 K_ij m_i m_j]
        Cov(H_ii, H_jj) = ¼ [2 K_ij² + 4 K_ij m_i m_j]                                                (VAR.10)

    with s ~ N(m, K) as in (VAR.7), m = -A (μ - b).

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.
    projection : callable
        The law of v: ``gaussian_projection``, ``rademacher_projection``, ``sphere_projection`` or
        ``orthogonal_projections(m)`` of ``refscore.exact.projections``.
    n_projections : int
        How many projections m each sample has, drawn as the law says.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴.

    Raises
    ------
    ValueError
        If `n_projections` is less than 1, or `data` are of another dimension than `score`.

    Examples
    --------
    s = -x on N(0, I) in 8 dimensions with normal projections, by the chi-squared moments of |x|²: Var ½|x|² = 4, and
    2 E |H|² = 2 [8 - E |x|² + ¼ E |x|⁴] = 2 [8 - 8 + ¼ · 80] = 40.

    >>> import numpy as np
    >>> import refscore as rs
    >>> from refscore.exact.projections import gaussian_projection
    >>> s, p = rs.models.AffineScore(np.eye(8), np.zeros(8)), rs.targets.gaussian(np.zeros(8))
    >>> sliced(s, p, projection=gaussian_projection)
    44.0
    """
    s = of_score(score, normal(data))
    m, k = s.mean, s.cov
    mm, spread = np.outer(m, m), np.diag(k)
    mean = -0.5 * (score.matrix + score.matrix.T) + 0.5 * (k + mm)
    cross = np.outer(spread, m**2)
    variance = 0.25 * (np.outer(spread, spread) + k**2 + cross + cross.T + 2 * k * mm)  # (VAR.10)
    diagonal = 0.25 * (2 * k**2 + 4 * k * mm)  # (VAR.10)
    given_x = projection(of_random(mean, variance, diagonal))
    return _half_square(s) + given_x / integer(n_projections, "n_projections", 1)  # (VAR.5)


def sliced_variance_reduced(
    score: AffineScore, data: Moments, *, projection: Projection, n_projections: int = 1
) -> float:
    """Var of one sample of ``objectives.sliced_variance_reduced``, over x and its m projections: (VAR.5) with H = -S.

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b).
    data : Moments
        The law N(μ, Σ) of x, a ``Gaussian``.
    projection : callable
        As for :func:`sliced`.
    n_projections : int
        How many projections m each sample has, drawn as the law says.

    Returns
    -------
    float
        Var ℓ, in 1/unit⁴.

    Raises
    ------
    ValueError
        If `n_projections` is less than 1, or `data` are of another dimension than `score`.

    Notes
    -----
    With normal projections and J = -A the two forms differ by

        Var ℓ_sliced - Var ℓ_reduced = (2/m) E [¼ |s|⁴ + sᵀ J s]                                      (VAR.9)

    which is negative where |s| is small against the curvature: on narrow data, for a model that is too wide.

    Examples
    --------
    The gain may be a loss. s = -x; in one dimension ¼ E x⁴ - E x² changes its sign at variance 4/3:

    >>> import refscore as rs
    >>> from refscore.exact.projections import gaussian_projection as law
    >>> s = rs.models.AffineScore([[1]], [0])
    >>> for var in (4, 0.25):
    ...     p = rs.targets.gaussian([0], var)
    ...     gain = sliced(s, p, projection=law) - sliced_variance_reduced(s, p, projection=law)
    ...     print(gain, 2 * (0.25 * 3 * var**2 - var))
    16.0 16.0
    -0.40625 -0.40625
    """
    given_x = projection(squares(score.matrix))
    return _half_square(of_score(score, normal(data))) + given_x / integer(n_projections, "n_projections", 1)  # (VAR.5)


def _half_square(residual: Residual) -> float:
    m, k = residual.mean, residual.cov
    return float(0.5 * (k**2).sum() + m @ k @ m)  # (VAR.4)
