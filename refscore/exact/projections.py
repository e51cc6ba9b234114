"""The variance of vᵀ H v for the laws of v that sliced score matching and Hutchinson's trace use.

With E[v vᵀ] = I the mean is tr H whatever the law; the variance depends on fourth moments. For symmetric H

    standard normal      Var vᵀ H v = 2 Σ_ij H_ij²                                                    (VAR.1)
    random signs         Var vᵀ H v = 2 Σ_{i≠j} H_ij²                                                 (VAR.2)
    sphere of radius √d  Var vᵀ H v = 2d/(d+2) Σ_ij (H - I tr H/d)_ij²                                (VAR.3)
    m orthogonal ones    Var of their mean is (VAR.3) times r (d - r) / (m² (d - 1)),  r = m mod d    (PRJ.6)

A law is a function of three sums of squares. They are kept apart because their differences cancel: signs and sphere
have no variance at all for d = 1, nor signs for a diagonal H, nor the sphere for a multiple of I. A general matrix M
counts by H = (M + Mᵀ)/2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, integer

__all__ = [
    "Projection",
    "Squares",
    "gaussian_projection",
    "of_random",
    "orthogonal_projections",
    "rademacher_projection",
    "sphere_projection",
    "squares",
]


class Squares(NamedTuple):
    """Sums of squares of the entries of a symmetric matrix H (d, d), or their expectations.

    Parameters
    ----------
    d : int
        The dimension.
    off_diagonal : float
        Σ_{i≠j} H_ij².
    diagonal : float
        Σ_i H_ii².
    spread : float
        Σ_i (H_ii - tr H/d)².
    """

    d: int
    off_diagonal: float
    diagonal: float
    spread: float


Projection = Callable[[Squares], float]


def squares(matrix: ArrayLike) -> Squares:
    """The sums of squares of one matrix, of its symmetric part.

    Parameters
    ----------
    matrix : (d, d)
        Any square matrix M; vᵀ M v sees only (M + Mᵀ)/2.

    Returns
    -------
    Squares
        The sums, for the functions of this module.

    Raises
    ------
    ValueError
        If `matrix` is not square.

    Examples
    --------
    The variance over all sign vectors, by hand:

    >>> import numpy as np
    >>> m = np.array([[2.0, 3.0], [1.0, 7.0]])
    >>> float(np.var([v @ m @ v for v in np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])]))
    16.0
    >>> rademacher_projection(squares(m))
    16.0
    """
    m = as_float64(matrix, "matrix")
    if m.ndim != 2 or m.shape[0] != m.shape[1] or m.size == 0:
        raise ValueError(f"matrix has shape {m.shape}; expected (d, d)")
    h = 0.5 * (m + m.T)
    return of_random(h, np.zeros_like(h), np.zeros_like(h))


def of_random(mean: Float, variance: Float, covariance: Float) -> Squares:
    """The expected sums of squares of a random symmetric matrix H.

    Parameters
    ----------
    mean : (d, d)
        E H_ij.
    variance : (d, d)
        Var H_ij.
    covariance : (d, d)
        Cov(H_ii, H_jj), the diagonal with itself.

    Returns
    -------
    Squares
        E Σ H_ij² over the entries off the diagonal, on it, and on it about their mean tr H/d.
    """
    d = len(mean)
    second = mean**2 + variance
    centring = np.eye(d) - 1 / d
    diagonal = np.diag(mean)
    spread = ((diagonal - diagonal.mean()) ** 2).sum() + np.trace(centring @ covariance @ centring)
    off_diagonal = second[~np.eye(d, dtype=bool)].sum()
    return Squares(d, float(off_diagonal), float(np.trace(second)), float(spread))


def gaussian_projection(h: Squares) -> float:
    """Var vᵀ H v for v ~ N(0, I): 2 |H|², (VAR.1).

    Parameters
    ----------
    h : Squares
        Sums of squares of H.

    Returns
    -------
    float
        The variance.

    Notes
    -----
    With H = I it is that of a chi-squared variable:

    >>> gaussian_projection(squares([[1, 0], [0, 1]]))
    4.0
    """
    return 2 * (h.off_diagonal + h.diagonal)  # (VAR.1)


def rademacher_projection(h: Squares) -> float:
    """Var vᵀ H v for v of independent random signs: twice the squares off the diagonal, (VAR.2).

    Parameters
    ----------
    h : Squares
        Sums of squares of H.

    Returns
    -------
    float
        The variance; the least of all laws with independent coordinates.

    References
    ----------
    Hutchinson (1990), A stochastic estimator of the trace of the influence matrix.
    """
    return 2 * h.off_diagonal  # (VAR.2)


def sphere_projection(h: Squares) -> float:
    """Var vᵀ H v for v uniform on the sphere of radius √d: 2d/(d+2) |H - I tr H/d|², (VAR.3).

    Parameters
    ----------
    h : Squares
        Sums of squares of H.

    Returns
    -------
    float
        The variance.

    Notes
    -----
    Not to be confused with the unit sphere, on which vᵀ H v is d times smaller and this d² times.
    """
    return 2 * h.d / (h.d + 2) * (h.off_diagonal + h.spread)  # (VAR.3)


def orthogonal_projections(n_projections: int) -> Projection:
    """The law of m projections in orthogonal blocks, for which m times the variance of the mean of v_jᵀ H v_j is

        2d/(d+2) |H - I tr H/d|² · r (d - r) / (m (d - 1)),   r = m mod d                             (PRJ.6)

    Parameters
    ----------
    n_projections : int
        m ≥ 1; the same number has to be given where the law is used.

    Returns
    -------
    callable
        The law, for ``variances.sliced(…, projection=orthogonal_projections(m), n_projections=m)``. That is 0 where m
        is a multiple of d: whole bases give the trace itself.

    Notes
    -----
    Without replacement: for m < d it is the variance of independent directions of the sphere times (d - m)/(d - 1), as
    for a sample of m out of d. Each direction alone is one of :func:`sphere_projection`.

    Examples
    --------
    One direction is one of the sphere, two of three have half of its variance for two:

    >>> h = squares([[1, 2, 0], [2, 0, 1], [0, 1, 5]])
    >>> orthogonal_projections(1)(h) == sphere_projection(h), orthogonal_projections(2)(h) / sphere_projection(h)
    (True, 0.5)
    """
    m = integer(n_projections, "n_projections", 1)

    def law(h: Squares) -> float:
        r = m % h.d
        return sphere_projection(h) * (r * (h.d - r)) / (m * (h.d - 1)) if r else 0.0  # (PRJ.6)

    return law
