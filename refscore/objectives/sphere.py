"""Score matching on the unit sphere (Mardia, Kent & Laha 2016): tangential gradients, and the Laplacian of the sphere.

Let z be a unit vector in R^d and P = I - z zᵀ the projection onto the tangent space. Only P s counts of a score s
given in all of R^d, and the divergence theorem on the sphere gives, with a weight g ≥ 0,

    ½ E g |P s - P ∇ log p|² = E ℓ + ½ E g |P ∇ log p|²                                               (SPH.1)
    div_S(P s) = tr J - zᵀ J z - (d - 1) z·s                                                          (SPH.2)

The sphere has no boundary: g = 1 will do. On a part of it, g has to vanish at that part's edge.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import differentiable
from refscore.objectives.boundaries import Boundary
from refscore.objectives.diagonals import diagonal_parameters

__all__ = ["sphere", "sphere_gradient", "unit_vectors"]

CLOSE = 2.0**-20  # how far from 1 a squared norm, or a sum of shares, may be: data in float32 pass


class SphereScore(Protocol):
    """What the objective asks of a score: its trace, and a product from the left."""

    def __call__(self, z: ArrayLike, /) -> Float:
        """s(z), (\\*batch, d)."""

    def trace(self, z: ArrayLike, /) -> Float:
        """tr J(z), (\\*batch,)."""

    def vjp(self, z: ArrayLike, v: ArrayLike, /) -> Float:
        """vᵀ J(z), (\\*batch, d)."""


class ParametricSphereScore(SphereScore, Protocol):
    """What the gradient asks of a score."""

    def vjp_parameters(self, z: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(z); (p,)."""

    def quadratic_parameters(self, z: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ vᵀ J(z) v; (p,)."""


def sphere(score: SphereScore, z: ArrayLike, *, g: Boundary | None = None) -> Float:
    """Score matching on the unit sphere, per sample.

        ℓ = ½ g |P s|² + g [tr J - zᵀ J z - (d - 1) z·s] + ∇g·P s                                     (SPH.3)

    Parameters
    ----------
    score : ScoreModel
        s and J in the coordinates of R^d, of any extension of the log density off the sphere.
    z : (\\*batch, d)
        Unit vectors.
    g : Boundary, optional
        The weight with its gradient in R^d; 1 without it. Mardia, Kent and Laha write h² for g.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a row of `z` is no unit vector, or a shape does not go with `z`.

    Notes
    -----
    Not to be confused with ``objectives.implicit`` of the same s: the term (d - 1) z·s is the curvature of the sphere.
    d is the dimension of the space; the sphere has d - 1.

    References
    ----------
    Mardia, Kent & Laha (2016), Score matching estimators for directional distributions, arXiv 1604.08470.

    Examples
    --------
    Von Mises-Fisher, s = κ μ: with t = μ·z it is ½ κ² (1 - t²) - (d - 1) κ t.

    >>> from refscore.models import ExponentialFamily, monomials
    >>> kappa, z = 2.0, [0.6, 0.8]
    >>> s = ExponentialFamily(monomials(2, 1), [kappa, 0])
    >>> round(float(sphere(s, z)), 12), round(0.5 * kappa**2 * (1 - 0.6**2) - kappa * 0.6, 12)
    (0.08, 0.08)
    """
    differentiable(score, "trace", "vjp")
    z, s, weight, slope = _tangential(score, z, g)
    trace = of_shape(score.trace(z), "score.trace(z)", z.shape[:-1], "the batch of z")
    along = (of_shape(score.vjp(z, z), "score.vjp(z, z)", z.shape, "z") * z).sum(-1)
    radial, d = (z * s).sum(-1), z.shape[-1]
    divergence = trace - along - (d - 1) * radial  # (SPH.2)
    tangent = s - radial[..., None] * z
    value: Float = weight * (0.5 * (tangent**2).sum(-1) + divergence) + (slope * s).sum(-1)  # (SPH.3)
    return value


def sphere_gradient(score: ParametricSphereScore, z: ArrayLike, *, g: Boundary | None = None) -> Float:
    """Gradient of the batch sum of :func:`sphere` in the parameters of `score`.

        ∂ℓ/∂θ = [g P s - (d - 1) g z + P ∇g]ᵀ ∂s/∂θ + g ∂(tr J - zᵀ J z)/∂θ                            (SPH.4)

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters` and `quadratic_parameters`.
    z : (\\*batch, d)
        As for :func:`sphere`.
    g : Boundary, optional
        As for :func:`sphere`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    z, s, weight, slope = _tangential(score, z, g)
    lifted = np.broadcast_to(weight[..., None], z.shape)
    tangent = s - (z * s).sum(-1, keepdims=True) * z
    pull = score.vjp_parameters(z, lifted * (tangent - (z.shape[-1] - 1) * z) + slope)
    curvature = diagonal_parameters(score, z, lifted) - score.quadratic_parameters(z, np.sqrt(lifted) * z)
    value: Float = pull + curvature  # (SPH.4)
    return value


def unit_vectors(z: ArrayLike, name: str) -> Float:
    """Hold `z` to unit vectors.

    Parameters
    ----------
    z, name : (\\*batch, d), str
        The vectors, and what they are called in the error.

    Returns
    -------
    (\\*batch, d)
        `z` in float64.

    Raises
    ------
    ValueError
        If the length of one is not 1.

    Examples
    --------
    >>> unit_vectors([[0.6, 0.9]], "z")
    Traceback (most recent call last):
        ...
    ValueError: z has a row of length 1.08167; expected unit vectors
    """
    z = samples(z, name)
    square = (z**2).sum(-1)
    if square.size and np.abs(square - 1).max() > CLOSE:
        worst = square.flat[np.abs(square - 1).argmax()]
        raise ValueError(f"{name} has a row of length {np.sqrt(worst):.6g}; expected unit vectors")
    return z


def _tangential(score: SphereScore, z: ArrayLike, g: Boundary | None) -> tuple[Float, Float, Float, Float]:
    """The points, s, g and P ∇g."""
    z = unit_vectors(z, "z")
    s = of_shape(score(z), "score(z)", z.shape, "z")
    if g is None:
        return z, s, np.ones(z.shape[:-1]), np.zeros_like(z)
    slope = of_shape(g.gradient(z), "g.gradient(z)", z.shape, "z")
    weight = of_shape(g(z), "g(z)", z.shape[:-1], "the batch of z")
    return z, s, weight, slope - (z * slope).sum(-1, keepdims=True) * z
