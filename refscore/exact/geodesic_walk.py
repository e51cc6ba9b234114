"""How fast a geodesic random walk on the sphere forgets where it began.

With s = 0 a step goes from x the angle √ε χ, χ the length of a standard normal vector in d - 1 dimensions, in a
direction that nothing prefers. So E[x' | x] is a multiple of x, and after k steps E x_k = λᵏ x_0 with

    λ = E cos(√ε χ) = ₁F₁((d - 1)/2; 1/2; -ε/2)                                                       (SPL.3)

Brownian motion has e^(-ε (d-1)/2). On the circle both are the same; in more dimensions the walk is a little faster, by
first order: it goes straight where the sphere is curved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import hyp1f1

from refscore.arrays import Float, integer, positive

__all__ = ["brownian_factor", "walk_factor"]


def walk_factor(d: int, *, step_size: ArrayLike) -> Float:
    """The factor of E x in one step of the geodesic random walk on the unit sphere in R^d.

        λ = E cos(√ε χ) = ₁F₁((d - 1)/2; 1/2; -ε/2)                                                   (SPL.3)

    Parameters
    ----------
    d : int
        Dimension of the space, at least 2; the sphere has d - 1.
    step_size : (\\*shape)
        ε > 0, in squared radians.

    Returns
    -------
    (\\*shape)
        λ; below 0 where most steps go beyond a quarter of the way round.

    Raises
    ------
    ValueError
        If d < 2, or a step size is not positive.

    Examples
    --------
    On the usual sphere χ has density r e^(-r²/2), and λ is an integral over it:

    >>> from scipy.integrate import quad
    >>> value, _ = quad(lambda r: np.cos(0.5 * r) * r * np.exp(-r * r / 2), 0, 40)
    >>> bool(abs(walk_factor(3, step_size=0.25) - value) < 1e-12)
    True
    """
    n = integer(d, "d", 2) - 1
    value: Float = np.asarray(
        hyp1f1(0.5 * n, 0.5, -0.5 * positive(step_size, "step_size")), dtype=np.float64
    )  # (SPL.3)
    return value


def brownian_factor(d: int, *, step_size: ArrayLike) -> Float:
    """The factor of E x of Brownian motion on the unit sphere in R^d over the same time.

        e^(-ε (d - 1)/2)                                                                              (SPL.4)

    Parameters
    ----------
    d : int
        Dimension of the space, at least 2.
    step_size : (\\*shape)
        ε > 0.

    Returns
    -------
    (\\*shape)
        The factor.

    Raises
    ------
    ValueError
        If d < 2, or a step size is not positive.

    Examples
    --------
    >>> bool(abs(brownian_factor(2, step_size=0.3) - walk_factor(2, step_size=0.3)) < 1e-15)
    True
    """
    n = integer(d, "d", 2) - 1
    value: Float = np.exp(-0.5 * n * positive(step_size, "step_size"))  # (SPL.4)
    return value
