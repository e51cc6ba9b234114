"""Langevin dynamics on the unit sphere: a step in the tangent space, walked along a great circle.

    v = P(x) [(ε/2) s(x) + √ε z],   P = I - x xᵀ,   x' = cos|v| x + sin|v| v/|v|                        (SPL.1)

P s is the gradient on the sphere of any extension of log p, and P z a standard normal vector of the tangent space. With
s = 0 the uniform law is exact at every step size, since nothing prefers a direction; how fast a walk forgets where it
began is known too: ``refscore.exact.geodesic_walk``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, samples

__all__ = ["geodesic", "sphere_langevin_step"]

CLOSE = 2.0**-20  # how far from 1 a squared norm may be: states in float32 pass


def geodesic(x: ArrayLike, velocity: ArrayLike) -> Float:
    """The point where a great circle from x along v is after unit time: the exponential map of the sphere.

        exp_x(v) = cos|v| x + sin|v| v/|v|                                                            (SPL.2)

    Parameters
    ----------
    x : (\\*batch, d)
        Unit vectors.
    velocity : (\\*batch, d)
        v, tangential: x·v = 0.

    Returns
    -------
    (\\*batch, d)
        Unit vectors.

    Raises
    ------
    ValueError
        If a row of `x` is no unit vector, or a row of `velocity` is not tangential.

    Examples
    --------
    A quarter of the way round:

    >>> import numpy as np
    >>> geodesic([[1.0, 0.0]], [[0.0, np.pi / 2]]).round(15)
    array([[0., 1.]])
    """
    x = _unit(x)
    v = of_shape(velocity, "velocity", x.shape, "x")
    along = np.abs((x * v).sum(-1))
    if (along > CLOSE * np.abs(v).sum(-1)).any():
        raise ValueError(f"velocity has a part {along.max():.3g} along x; expected it tangential, x·v = 0")
    return _walked(x, v)  # (SPL.2)


def sphere_langevin_step(
    score: Callable[[Float], ArrayLike], x: ArrayLike, noise: ArrayLike, *, step_size: ArrayLike
) -> Float:
    """One step of Langevin dynamics on the unit sphere in R^d, along a geodesic.

        v = P(x) [(ε/2) s(x) + √ε z],   P = I - x xᵀ,   x' = cos|v| x + sin|v| v/|v|                    (SPL.1)

    Parameters
    ----------
    score : callable
        s in the coordinates of R^d, of any extension of log p off the sphere, from (\\*batch, d) to (\\*batch, d).
    x : (\\*batch, d)
        Unit vectors.
    noise : (\\*batch, d)
        Standard normal z in R^d; its part along x is dropped.
    step_size : float
        ε > 0, in squared radians.

    Returns
    -------
    (\\*batch, d)
        x', unit vectors.

    Raises
    ------
    ValueError
        If a row of `x` is no unit vector, `step_size` is not positive, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with the retraction (x + v)/|x + v|, which goes the angle atan|v| and not |v|. The drift of the
    Itô equation in R^d, -(d - 1) x ε/2, is not missing: the great circle has it.

    References
    ----------
    De Bortoli et al. (2022), Riemannian score-based generative modelling, Algorithm 1 (geodesic random walk).

    Examples
    --------
    On the circle it is Langevin in the angle: from θ = 0.3 with s = (2, 0), whose slope in θ is -2 sin θ, and √ε z.

    >>> import numpy as np
    >>> x, turn = np.array([np.cos(0.3), np.sin(0.3)]), np.array([-np.sin(0.3), np.cos(0.3)])
    >>> new = sphere_langevin_step(lambda x: np.array([2.0, 0.0]), x, 0.5 * turn + 7 * x, step_size=0.04)
    >>> round(float(np.arctan2(new[1], new[0])), 12), round(float(0.3 + 0.02 * -2 * np.sin(0.3) + 0.2 * 0.5), 12)
    (0.388179191734, 0.388179191734)
    """
    x = _unit(x)
    noise = of_shape(noise, "noise", x.shape, "x")
    eps = number(step_size, "step_size", positive)
    push = 0.5 * eps * of_shape(score(x), "score(x)", x.shape, "x") + np.sqrt(eps) * noise
    v = push - (x * push).sum(-1, keepdims=True) * x
    return _walked(x, v)  # (SPL.1)


def _walked(x: Float, v: Float) -> Float:
    length = np.sqrt((v**2).sum(-1, keepdims=True))
    moved = np.cos(length) * x + np.sinc(length / np.pi) * v  # (SPL.2)
    value: Float = moved / np.sqrt((moved**2).sum(-1, keepdims=True))  # rounding does not grow from step to step
    return value


def _unit(x: ArrayLike) -> Float:
    x = samples(x, "x")
    if x.shape[-1] < 2:
        raise ValueError(f"x has shape {x.shape}; expected (*batch, d) with d ≥ 2: the sphere in R is two points")
    square = (x**2).sum(-1)
    if (np.abs(square - 1) > CLOSE).any():
        worst = float(square.ravel()[np.argmax(np.abs(square - 1))])
        raise ValueError(f"x has a row with |x|² = {worst:.6g}; expected unit vectors")
    return x
