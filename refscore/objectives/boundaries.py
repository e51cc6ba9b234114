"""Weights g of a whole sample that vanish at the boundary of a domain, most of them its distance to the boundary.

The distance grows as fast as a Lipschitz function can, and among those that vanish at the boundary none weighs a sample
more. A cap keeps far points from carrying all the weight. Each comes with its gradient, which is undefined on a set of
volume zero (where two faces are equally near, at the cap, at a centre); there one side is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, of_shape, positive, read_only, samples

__all__ = [
    "Boundary",
    "ball_distance",
    "box_distance",
    "capped",
    "polyhedron_distance",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Boundary:
    """A weight g ≥ 0 that vanishes at the boundary of a domain, with its gradient.

    Parameters
    ----------
    name : str
        What it is, for ``repr``.
    function : callable
        g, from (\\*batch, d) to (\\*batch,); negative outside the domain, or 0.
    derivative : callable
        ∇g, from (\\*batch, d) to (\\*batch, d).

    Raises
    ------
    TypeError
        If one of the two is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> g = Boundary("x_1 > 0", lambda x: x[..., 0], lambda x: np.eye(2)[0] + 0 * x)
    >>> g([[3, 1]]), g.gradient([[3, 1]])
    (array([3.]), array([[1., 0.]]))
    """

    name: str
    function: Callable[[Float], Float]
    derivative: Callable[[Float], Float]

    def __post_init__(self) -> None:
        for name in ("function", "derivative"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} is {getattr(self, name)!r}; expected a function")

    def __repr__(self) -> str:
        return f"Boundary({self.name})"

    def __call__(self, x: ArrayLike) -> Float:
        """g(x), (\\*batch,); refused outside the domain."""
        x = samples(x, "x")
        return not_negative(of_shape(self.function(x), "g(x)", x.shape[:-1], "the batch of x"), "g(x)")

    def gradient(self, x: ArrayLike) -> Float:
        """∇g(x), (\\*batch, d)."""
        x = samples(x, "x")
        return of_shape(self.derivative(x), "∇g(x)", x.shape, "x")


def polyhedron_distance(normals: ArrayLike, offsets: ArrayLike) -> Boundary:
    """The distance to the nearest of m hyperplanes, inside the polyhedron n_i·x ≥ c_i.

        g = min_i (n_i·x - c_i)/|n_i|,   ∇g = n_i/|n_i| of the nearest                                (TRU.5)

    Parameters
    ----------
    normals : (m, d)
        n_i, pointing inwards; of any length but 0.
    offsets : (m,)
        c_i.

    Returns
    -------
    Boundary
        g.

    Raises
    ------
    ValueError
        If a shape does not fit, or a normal is zero.

    Examples
    --------
    The half-line x ≥ 1, and the quadrant:

    >>> polyhedron_distance([[2.0]], [2.0])([[4.0]])
    array([3.])
    >>> polyhedron_distance([[1, 0], [0, 1]], [0, 0]).gradient([[3.0, 2.0]])
    array([[0., 1.]])
    """
    normals = as_float64(normals, "normals")
    if normals.ndim != 2 or normals.size == 0:
        raise ValueError(f"normals has shape {normals.shape}; expected (m, d)")
    length = positive(np.sqrt((normals**2).sum(-1)), "the length of a normal")
    c = of_shape(offsets, "offsets", length.shape, "the normals") / length
    n = read_only(normals / length[:, None] + 0.0, "normals")  # no -0.

    def nearest(x: Float) -> Float:
        found: Float = np.argmin(samples(x, "x", n.shape[1]) @ n.T - c, axis=-1)  # (TRU.5)
        return found

    return Boundary(
        f"{len(n)} hyperplanes in dimension {n.shape[1]}",
        lambda x: (samples(x, "x", n.shape[1]) @ n.T - c).min(-1),  # (TRU.5)
        lambda x: n[nearest(x)],
    )


def box_distance(lower: ArrayLike, upper: ArrayLike) -> Boundary:
    """The distance to the nearest face of the box Π [a_j, b_j].

        g = min_j min(x_j - a_j, b_j - x_j)                                                           (TRU.6)

    Parameters
    ----------
    lower, upper : (d,)
        a < b, in the data's unit.

    Returns
    -------
    Boundary
        g.

    Raises
    ------
    ValueError
        If the shapes differ, or a < b does not hold.

    Examples
    --------
    >>> g = box_distance([0, 0], [10, 4])
    >>> g([3, 3]), g.gradient([3, 3])
    (array(1.), array([ 0., -1.]))
    """
    a, b = edges(lower, upper)
    eye = np.eye(len(a))
    inner = polyhedron_distance(np.concatenate([eye, -eye]), np.concatenate([a, -b]))  # (TRU.6)
    return Boundary(f"box in dimension {len(a)}", inner.function, inner.derivative)


def edges(lower: ArrayLike, upper: ArrayLike) -> tuple[Float, Float]:
    """The edges of a box, held to a < b.

    Parameters
    ----------
    lower, upper : (d,)
        a, b.

    Returns
    -------
    lower, upper : (d,)
        The same, read-only.

    Raises
    ------
    ValueError
        If they are not (d,) of the same d, or a < b does not hold.
    """
    a = read_only(lower, "lower")
    if a.ndim != 1 or a.size == 0:
        raise ValueError(f"lower has shape {a.shape}; expected (d,)")
    b = read_only(upper, "upper", a.shape)
    positive(b - a, "upper - lower")
    return a, b


def ball_distance(centre: ArrayLike, radius: float) -> Boundary:
    """The distance to the sphere around a ball.

        g = r - |x - c|,   ∇g = -(x - c)/|x - c|                                                      (TRU.7)

    Parameters
    ----------
    centre : (d,)
        c.
    radius : float
        r > 0.

    Returns
    -------
    Boundary
        g.

    Raises
    ------
    ValueError
        If `radius` is not positive.

    Examples
    --------
    >>> g = ball_distance([0, 0], 10)
    >>> g([3, 4]), g.gradient([3, 4])
    (array(5.), array([-0.6, -0.8]))
    """
    r, c = number(radius, "radius", positive), read_only(centre, "centre")

    def offset(x: Float) -> tuple[Float, Float]:
        away = samples(x, "x", c.size) - c
        return away, np.sqrt((away**2).sum(-1))

    def gradient(x: Float) -> Float:
        away, length = offset(x)
        value: Float = -away / np.where(length == 0, 1, length)[..., None]  # (TRU.7)
        return value

    return Boundary(f"ball of radius {r:g}", lambda x: r - offset(x)[1], gradient)  # (TRU.7)


def capped(boundary: Boundary, cap: float) -> Boundary:
    """A boundary weight that stops growing.

        min(g, c),   ∇ = ∇g where g < c, else 0                                                       (TRU.8)

    Parameters
    ----------
    boundary : Boundary
        g.
    cap : float
        c > 0.

    Returns
    -------
    Boundary
        The capped weight.

    Raises
    ------
    ValueError
        If `cap` is not positive.

    Examples
    --------
    >>> capped(ball_distance([0, 0], 10), 2)([[3, 4], [0, 9]])
    array([2., 1.])
    """
    c = number(cap, "cap", positive)
    g, slope = boundary.function, boundary.derivative

    def gradient(x: Float) -> Float:
        value: Float = np.where((g(x) < c)[..., None], slope(x), 0)  # (TRU.8)
        return value

    return Boundary(f"min({boundary.name}, {c:g})", lambda x: np.minimum(g(x), c), gradient)  # (TRU.8)
