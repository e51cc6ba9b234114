"""The law of consistent annealed sampling on a Gaussian, and what it lacks.

The step removes the share η σ²/V of the distance to the mean, V = ℓ + σ², and adds what data without width would need:

    c = 1 - η σ²/V,   b = η σ²/V,   q = σ'² - (1 - η)² σ²                                             (CAS.4)

With one η and ever more levels between the same two ends, the levels stand still compared with the steps, and the
variance is the fixed point at each level,

    v = q/(1 - c²) = V (2 - η)/(2 - η σ²/V) ≤ V                                                       (CAS.5)

too small unless ℓ = 0 or η = 0: to have more levels pay, η has to fall with their distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative
from refscore.exact.recursions import Recursion
from refscore.samplers.consistent_annealed import added_variance

__all__ = ["consistent_annealed", "many_levels_variance"]


def consistent_annealed(variance: ArrayLike, sigmas: ArrayLike, *, eta: ArrayLike) -> Recursion:
    """Consistent annealed sampling, as a recursion for each eigenvalue.

        c = 1 - η σ²/V,   b = η σ²/V,   q = σ'² - (1 - η)² σ²,   V = ℓ + σ²                             (CAS.4)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ; 0 for data that are a point.
    sigmas : (n + 1,)
        The levels.
    eta : () or (n,)
        η of each step.

    Returns
    -------
    Recursion
        Of n steps.

    Raises
    ------
    ValueError
        If an η is too small for its step.

    Examples
    --------
    For a point every variance is the level's, whatever η:

    >>> _, v = consistent_annealed([0.0], [4.0, 3.0, 1.0], eta=[0.3, 0.9]).law(0.0, start_variance=16.0)
    >>> v.round(14)
    array([1.])
    """
    ell, level = not_negative(variance, "variance"), as_float64(sigmas, "sigmas")
    share = np.broadcast_to(as_float64(eta, "eta"), (len(level) - 1,))
    q = added_variance(level[:-1], level[1:], share)
    shape = (len(share), *[1] * ell.ndim)
    before = level[:-1].reshape(shape) ** 2
    pull = share.reshape(shape) * before / (ell + before)
    return Recursion(1 - pull, pull, np.broadcast_to(q.reshape(shape), pull.shape))  # (CAS.4)


def many_levels_variance(variance: ArrayLike, sigma: ArrayLike, *, eta: ArrayLike) -> Float:
    """The variance at a level when a fixed η meets ever more levels.

        v = V (2 - η)/(2 - η σ²/V),   V = ℓ + σ²                                                      (CAS.5)

    Parameters
    ----------
    variance, sigma, eta : (\\*shape)
        ℓ ≥ 0, the level σ, and η in (0, 2).

    Returns
    -------
    (\\*shape)
        v, at most V.

    Examples
    --------
    >>> sigmas = np.geomspace(4, 1, 4001)
    >>> _, v = consistent_annealed(0.5, sigmas, eta=0.5).law(0.0, start_variance=16.5)
    >>> limit = many_levels_variance(0.5, 1.0, eta=0.5)
    >>> bool(abs(v / limit - 1) < 1e-3), round(float(limit), 12)  # of 1.5
    (True, 1.35)
    """
    ell, square = not_negative(variance, "variance"), as_float64(sigma, "sigma") ** 2
    share, total = as_float64(eta, "eta"), ell + square
    value: Float = total * (2 - share) / (2 - share * square / total)  # (CAS.5)
    return value
