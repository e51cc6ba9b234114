"""Score matching on truncated domains: a weight that vanishes at the boundary, as large as it can be inside.

On a domain V whose boundary the density does not vanish at, one function g of the whole sample with g = 0 there gives

    ½ E g |s - ∇ log p|² = E ℓ + ½ E g |∇ log p|²,   ℓ = ½ g |s|² + g tr J + ∇g·s                      (TRU.1)

The normaliser of the truncated density, an integral over V, is never needed. Liu, Kanamori and Williams take for g the
distance to the boundary. On a box a weight for each coordinate's own two faces uses more of a sample that is close to
one face only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, of_shape, samples
from refscore.models.protocol import ParametricScore, ScoreModel, differentiable
from refscore.objectives.boundaries import Boundary, edges
from refscore.objectives.boundary_weights import Weight
from refscore.objectives.diagonals import diagonal, diagonal_parameters

__all__ = ["box", "box_gradient", "truncated", "truncated_gradient"]


def truncated(score: ScoreModel, x: ArrayLike, *, g: Boundary) -> Float:
    """Score matching on a domain with a boundary, per sample.

        ℓ = ½ g(x) |s|² + g(x) tr J + ∇g(x)·s                                                         (TRU.2)

    Parameters
    ----------
    score : ScoreModel
        s, with its `trace`.
    x : (\\*batch, d)
        Data inside the domain, in the data's unit.
    g : Boundary
        The weight with its gradient: :func:`~refscore.objectives.polyhedron_distance` or another.

    Returns
    -------
    (\\*batch,)
        ℓ, in g/unit². Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a sample lies outside the domain, or a shape does not go with `x`.

    Notes
    -----
    The paper has twice this. Not to be confused with ``objectives.nonnegative``, whose weights differ between
    coordinates. Not to be confused with leaving out ∇g·s: that term is all that the boundary contributes.

    References
    ----------
    Liu, Kanamori & Williams (2022), Estimating density models with truncation boundaries using score matching,
    JMLR 23.

    Examples
    --------
    On a half-line it is generalised score matching with h = x:

    >>> from refscore.models import AffineScore
    >>> from refscore.objectives import nonnegative, polyhedron_distance, power_weight
    >>> s, x = AffineScore([[2]], [1]), [[0.5], [3.0]]
    >>> truncated(s, x, g=polyhedron_distance([[1]], [0])), nonnegative(s, x, h=power_weight(1))
    (array([ 0.25, 14.  ]), array([ 0.25, 14.  ]))
    """
    differentiable(score, "trace")
    x, weight, slope = _weights(x, g)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    trace = of_shape(score.trace(x), "score.trace(x)", x.shape[:-1], "the batch of x")
    value: Float = weight * (0.5 * (s**2).sum(-1) + trace) + (slope * s).sum(-1)  # (TRU.2)
    return value


def truncated_gradient(score: ParametricScore, x: ArrayLike, *, g: Boundary) -> Float:
    """Gradient of the batch sum of :func:`truncated` in the parameters of `score`.

        ∂ℓ/∂θ = (g s + ∇g)ᵀ ∂s/∂θ + g ∂(tr J)/∂θ                                                      (TRU.3)

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters` and `quadratic_parameters`.
    x : (\\*batch, d)
        As for :func:`truncated`.
    g : Boundary
        As for :func:`truncated`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, weight, slope = _weights(x, g)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    lifted = weight[..., None]
    traces = diagonal_parameters(score, x, np.broadcast_to(lifted, x.shape))
    return traces + score.vjp_parameters(x, lifted * s + slope)  # (TRU.3)


def box(score: ScoreModel, x: ArrayLike, *, lower: ArrayLike, upper: ArrayLike, h: Weight) -> Float:
    """Score matching on a box with a weight for each coordinate, per sample.

        ℓ = Σ_j [½ h(r_j) s_j² + h(r_j) J_jj ± h'(r_j) s_j],   r_j = min(x_j - a_j, b_j - x_j)        (TRU.4)

    with + where the lower face is the nearer one.

    Parameters
    ----------
    score : ScoreModel
        s, with its `jacobian`, of which the diagonal is taken.
    x : (\\*batch, d)
        Data in the box, in the data's unit.
    lower, upper : (d,)
        a < b.
    h : Weight
        The weight of the distance r_j to the nearer of the coordinate's own two faces.

    Returns
    -------
    (\\*batch,)
        ℓ, in h/unit².

    Raises
    ------
    ValueError
        If a sample lies outside the box, or a shape does not fit.

    Notes
    -----
    Not to be confused with :func:`truncated` and ``box_distance``, one weight for all coordinates: in dimension d the
    nearest of 2d faces is near, and little weight is left.

    Examples
    --------
    Near its lower face a box is a half-line:

    >>> from refscore.models import AffineScore
    >>> from refscore.objectives import nonnegative, power_weight
    >>> s, x, h = AffineScore([[2, 1], [0, 1]], [1, 0]), [[0.5, 3.0]], power_weight(2)
    >>> box(s, x, lower=[0, 0], upper=[9, 9], h=h), nonnegative(s, x, h=h)
    (array([11.5]), array([11.5]))
    """
    x, weight, slope = _faces(x, lower, upper, h)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    value: Float = (0.5 * weight * s**2 + weight * diagonal(score, x) + slope * s).sum(-1)  # (TRU.4)
    return value


def box_gradient(score: ParametricScore, x: ArrayLike, *, lower: ArrayLike, upper: ArrayLike, h: Weight) -> Float:
    """Gradient of the batch sum of :func:`box` in the parameters of `score`: (NNG.5) with h(r_j) and ±h'(r_j).

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters` and `quadratic_parameters`.
    x : (\\*batch, d)
        As for :func:`box`.
    lower, upper : (d,)
        As for :func:`box`.
    h : Weight
        As for :func:`box`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, weight, slope = _faces(x, lower, upper, h)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    return diagonal_parameters(score, x, weight) + score.vjp_parameters(x, weight * s + slope)  # (NNG.5)


def _weights(x: ArrayLike, g: Boundary) -> tuple[Float, Float, Float]:
    """The points, g and ∇g there."""
    x = samples(x, "x")
    weight = not_negative(of_shape(g(x), "g(x)", x.shape[:-1], "the batch of x"), "g(x)")
    return x, weight, of_shape(g.gradient(x), "g.gradient(x)", x.shape, "x")


def _faces(x: ArrayLike, lower: ArrayLike, upper: ArrayLike, h: Weight) -> tuple[Float, Float, Float]:
    """The points, the weight of the distance to the nearer face, and its slope in x."""
    a, b = edges(lower, upper)
    x = samples(x, "x", len(a))
    below, above = not_negative(x - a, "x - lower"), not_negative(b - x, "upper - x")
    distance = np.minimum(below, above)
    weight = not_negative(of_shape(h(distance), "h(r)", x.shape, "x"), "h(r)")
    slope = of_shape(h.slope(distance), "h.slope(r)", x.shape, "x")
    return x, weight, np.where(below <= above, slope, -slope)  # (TRU.4)
