"""The largest distance between two points of a data set, and the distances to the nearest neighbour.

With r_i = |x_i - c| about any centre c, the triangle inequality says which pairs cannot be the farthest:

    |x_i - x_j| ≤ r_i + r_j                                                                           (COND.1)

So points are taken in descending order of r, and where r_i + r_1 is below what was found, the rest is not looked at.
Candidates come from matrix products, a tile at a time, and are measured by differences.
"""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer
from refscore.fit.loss import rows

__all__ = ["largest_distance", "nearest_distances"]

TILE = 1024  # points; 8 MiB of squared distances at a time, whatever N is
ROUNDING = 2.0**-30  # far above what a product of vectors loses, far below what a bound on distances is good for


def largest_distance(data: ArrayLike) -> float:
    """The largest Euclidean distance between two points.

        max_ij |x_i - x_j|                                                                            (COND.2)

    Parameters
    ----------
    data : (N, d)
        N ≥ 2 points.

    Returns
    -------
    float
        In the data's unit, right to a few roundings. Memory does not grow with N²; time does at worst, and hardly at
        all where few points lie far out.

    Raises
    ------
    ValueError
        If there is one point, or all are the same.

    Examples
    --------
    The diagonal of a box, between two of its corners:

    >>> largest_distance([[0, 0], [3, 4], [3, 0], [1, 1]])
    5.0
    """
    points = _two_or_more(data)
    centred = points - points.mean(0)
    radius = np.linalg.norm(centred, axis=1)
    order = np.argsort(-radius, kind="stable")
    points, centred, radius = points[order], centred[order], radius[order]
    best = 0.0
    for start in range(0, len(points), TILE):
        for other in range(0, start + 1, TILE):
            if (radius[start] + radius[other]) * (1 + ROUNDING) <= best:  # (COND.1)
                break
            near, far = centred[start : start + TILE], centred[other : other + TILE]
            i, j = np.unravel_index(np.argmax(_squared(near, far)), (len(near), len(far)))
            best = max(best, float(np.linalg.norm(points[start + i] - points[other + j])))  # (COND.2)
    if not best > 0:
        raise ValueError(f"data has {len(points)} points, all the same; expected at least two different ones")
    return best


def nearest_distances(data: ArrayLike, *, at_most: SupportsIndex = 500) -> Float:
    """The distance of points to their nearest neighbour among all points.

        min_{j≠i} |x_i - x_j|                                                                         (COND.3)

    Parameters
    ----------
    data : (N, d)
        N ≥ 2 points.
    at_most : int
        For how many points i: evenly spaced ones if there are more.

    Returns
    -------
    (min(N, at_most),)
        In the data's unit; 0 for a point that is there twice.

    Raises
    ------
    ValueError
        If there is one point.

    Examples
    --------
    >>> nearest_distances([[0.0], [3.0], [4.0], [9.0]])
    array([3., 1., 1., 5.])
    """
    points = _two_or_more(data)
    chosen = np.linspace(0, len(points) - 1, min(len(points), integer(at_most, "at_most", 1))).round().astype(np.intp)
    centred = points - points.mean(0)
    slack = ROUNDING * 2 * (centred**2).sum(1).max()
    found = np.full(len(chosen), np.inf)
    for start in range(0, len(points), TILE):
        near = points[start : start + TILE]
        for row, squared in enumerate(_squared(centred[chosen], centred[start : start + TILE])):
            if start <= chosen[row] < start + TILE:
                squared[chosen[row] - start] = np.inf
            if squared.min() - slack < found[row] ** 2:
                candidates = near[squared <= squared.min() + slack] - points[chosen[row]]
                found[row] = min(found[row], np.linalg.norm(candidates, axis=1).min())  # (COND.3)
    return found


def _two_or_more(data: ArrayLike) -> Float:
    points = rows(data)
    if len(points) < 2:
        raise ValueError(f"data has shape {points.shape}; expected (N, d) with N >= 2")
    return points


def _squared(near: Float, far: Float) -> Float:
    """|x_i - x_j|² for two tiles of centred points, to about u (|x_i|² + |x_j|²)."""
    product = near @ far.T
    product *= -2.0
    product += np.einsum("nd,nd->n", near, near)[:, None]
    product += np.einsum("nd,nd->n", far, far)
    return product
