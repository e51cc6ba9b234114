"""Langevin dynamics on a box or a half-line: step out, and come back by projection or by reflection.

    projected:  x' = Π(x + (ε/2) s(x) + √ε z),   Π the nearest point                                   (CST.1)
    reflected:  x' = R(x + (ε/2) s(x) + √ε z),   R mirrors at the walls                                (CST.2)

coordinate by coordinate. Both have the reflected diffusion as their limit, and the density p on the box as its
stationary law, but not at the same rate: projection leaves atoms on the walls, whose mass falls as √ε alone, reflection
leaves none. How much that is stands in ``refscore.exact.walls``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, samples
from refscore.samplers.langevin import langevin_step

__all__ = ["projected", "projected_langevin_step", "reflected", "reflected_langevin_step", "walls"]


def walls(lower: ArrayLike, upper: ArrayLike, d: int) -> tuple[Float, Float]:
    """The walls of a box, one pair for each coordinate; -inf and inf where there is none.

    Parameters
    ----------
    lower, upper : () or (d,)
        lower < upper, both in the unit of x.
    d : int
        Dimension.

    Returns
    -------
    lower, upper : (d,)
        In float64.

    Raises
    ------
    ValueError
        If a shape is another, a wall is nan, or lower < upper does not hold.

    Examples
    --------
    >>> walls(0, [1, float("inf")], 2)
    (array([0., 0.]), array([ 1., inf]))
    """
    found = []
    for value, name in ((lower, "lower"), (upper, "upper")):
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or array.dtype == np.float16:
            raise TypeError(f"{name} has dtype {array.dtype}; expected integers, float32 or float64")
        if array.shape not in ((), (d,)):
            raise ValueError(f"{name} has shape {array.shape}; expected () or ({d},) for x of dimension {d}")
        found.append(np.broadcast_to(array.astype(np.float64), (d,)))
    low, high = found
    if not (low < high).all():
        raise ValueError(f"lower is {low} and upper {high}; expected lower < upper in every coordinate")
    return low, high


def projected(x: ArrayLike, *, lower: ArrayLike, upper: ArrayLike) -> Float:
    """The nearest point of the box.

        Π(x) = min(max(x, a), b)                                                                      (CST.3)

    Parameters
    ----------
    x : (\\*batch, d)
        Any points.
    lower, upper : () or (d,)
        a < b; -inf and inf where there is no wall.

    Returns
    -------
    (\\*batch, d)
        Points of the box.

    Raises
    ------
    ValueError
        If lower < upper does not hold, or a shape is another.

    Examples
    --------
    >>> projected([[-3.0, 0.5, 9.0]], lower=0, upper=[1, 1, float("inf")])
    array([[0. , 0.5, 9. ]])
    """
    x = samples(x, "x")
    low, high = walls(lower, upper, x.shape[-1])
    inside: Float = np.minimum(np.maximum(x, low), high)  # (CST.3)
    return inside


def reflected(x: ArrayLike, *, lower: ArrayLike, upper: ArrayLike) -> Float:
    """The point of the box that mirrors at its walls show: folded as often as it takes.

        R(x) = a + |(x - a + L) mod 2L - L|,   L = b - a;   a + |x - a| where b = ∞                      (CST.4)

    Parameters
    ----------
    x : (\\*batch, d)
        Any points.
    lower, upper : () or (d,)
        a < b; -inf and inf where there is no wall.

    Returns
    -------
    (\\*batch, d)
        Points of the box; those that were in it as they were, bit for bit.

    Raises
    ------
    ValueError
        If lower < upper does not hold, or a shape is another.

    Notes
    -----
    One mirror is not enough where a step is longer than the box: 2a - x may be beyond b.

    Examples
    --------
    >>> reflected([[-0.25, 2.75, -7.0]], lower=0, upper=[1, 1, float("inf")])
    array([[0.25, 0.75, 7.  ]])
    """
    x = samples(x, "x")
    low, high = walls(lower, upper, x.shape[-1])
    a, b = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    both = np.isfinite(low) & np.isfinite(high)
    length = np.where(both, b - a, 1.0)
    folded = a + np.abs(np.mod(x - a + length, 2 * length) - length)  # (CST.4)
    folded = np.where(both, np.minimum(np.maximum(folded, low), high), folded)
    one_wall = np.where(np.isfinite(low), a + np.abs(x - a), b - np.abs(b - x))
    inside = (x >= low) & (x <= high)
    return np.where(inside, x, np.where(both, folded, one_wall))


def projected_langevin_step(
    score: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
) -> Float:
    """One step of Langevin dynamics on a box, projected.

        x' = Π(x + (ε/2) s(x) + √ε z)                                                                 (CST.1)

    Parameters
    ----------
    score : callable
        s = ∇log p inside the box, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State in the box, and standard normal z.
    step_size : float
        ε > 0, in squared units of x.
    lower, upper : () or (d,)
        The walls; -inf and inf where there is none.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If x is outside the box, `step_size` is not positive, or a shape is not that of `x`.

    Notes
    -----
    A part of the law sits on the walls: :func:`refscore.exact.walls.projected_cdf`. Where the score is infinite at a
    wall, as that of a gamma law, the step fails there; the reflected one never stands on it.

    References
    ----------
    Bubeck, Eldan & Lehec (2018), Sampling from a log-concave distribution with projected Langevin Monte Carlo.

    Examples
    --------
    >>> import numpy as np
    >>> projected_langevin_step(np.zeros_like, [[0.5], [0.5]], [[1.0], [-2.0]], step_size=0.25, lower=0, upper=2)
    array([[1.],
           [0.]])
    """
    x = _inside(x, lower, upper)
    return projected(langevin_step(score, x, noise, step_size=step_size), lower=lower, upper=upper)  # (CST.1)


def reflected_langevin_step(
    score: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
) -> Float:
    """One step of Langevin dynamics on a box, reflected.

        x' = R(x + (ε/2) s(x) + √ε z)                                                                 (CST.2)

    Parameters
    ----------
    score : callable
        s = ∇log p inside the box, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State in the box, and standard normal z.
    step_size : float
        ε > 0, in squared units of x.
    lower, upper : () or (d,)
        The walls; -inf and inf where there is none.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If x is outside the box, `step_size` is not positive, or a shape is not that of `x`.

    Notes
    -----
    For the uniform law, s = 0, it is exact at every step size: the kernel of a reflected step is symmetric.

    References
    ----------
    Bossy, Gobet & Talay (2004), A symmetrized Euler scheme for an efficient approximation of reflected diffusions.

    Examples
    --------
    >>> import numpy as np
    >>> reflected_langevin_step(np.zeros_like, [[0.5], [0.5]], [[1.0], [-2.0]], step_size=0.25, lower=0, upper=2)
    array([[1. ],
           [0.5]])
    """
    x = _inside(x, lower, upper)
    return reflected(langevin_step(score, x, noise, step_size=step_size), lower=lower, upper=upper)  # (CST.2)


def _inside(x: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Float:
    x = samples(x, "x")
    low, high = walls(lower, upper, x.shape[-1])
    out = (x < low) | (x > high)
    if out.any():
        at = tuple(int(i) for i in np.argwhere(out)[0])
        raise ValueError(f"x has {int(out.sum())} coordinates outside the box (the first, at {at}, is {x[at]})")
    return x
