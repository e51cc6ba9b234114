"""Score matching on the simplex: shares u that sum to 1, seen as points z = √u of the sphere.

The map takes the simplex to the part of the unit sphere where all z_j > 0, and volume with it:

    log p_z(z) = log p_u(z²) + Σ_j log z_j + constant                                                 (SIM.1)
    s_z = 2 z ∘ s_u + 1/z,   J_z = 4 diag(z) J_u diag(z) + diag(2 s_u - 1/z²)                         (SIM.2)

There ``objectives.sphere`` applies, with a weight that vanishes where a share does. A factor Π u_j^β_j of the density,
infinite at the edge for β < 0, is no harm: the weight is small there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, of_shape, positive, samples
from refscore.models.protocol import ParametricScore, ScoreModel, differentiable
from refscore.objectives.boundaries import Boundary, capped
from refscore.objectives.diagonals import diagonal
from refscore.objectives.sphere import CLOSE, sphere, sphere_gradient

__all__ = ["RootScore", "orthant_least", "orthant_product", "simplex", "simplex_gradient"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RootScore:
    """The score of z = √u, from that of u (SIM.2).

    Parameters
    ----------
    base : ScoreModel
        The score in u, of any extension of the log density off the simplex.

    Raises
    ------
    TypeError
        If `base` has not its derivatives.

    Notes
    -----
    Its parameters are those of `base`: Σ log z_j has none.

    Examples
    --------
    A flat density in u is Π z_j in z, with slope 1/z:

    >>> from refscore.models import AffineScore
    >>> RootScore(AffineScore([[0, 0], [0, 0]], [0, 0]))([0.5, 0.25])
    array([2., 4.])
    """

    base: ScoreModel

    def __post_init__(self) -> None:
        differentiable(self.base, "jacobian", "vjp")

    def __repr__(self) -> str:
        return f"RootScore({self.base!r})"

    def __call__(self, z: ArrayLike) -> Float:
        """s_z(z), (\\*batch, d)."""
        z = positive(samples(z, "z"), "z")
        value: Float = 2 * z * self.base(z**2) + 1 / z  # (SIM.2)
        return value

    def trace(self, z: ArrayLike) -> Float:
        """tr J_z(z), (\\*batch,)."""
        z = positive(samples(z, "z"), "z")
        u = z**2
        value: Float = (4 * u * diagonal(self.base, u) + 2 * self.base(u) - 1 / u).sum(-1)  # (SIM.2)
        return value

    def vjp(self, z: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J_z(z), (\\*batch, d)."""
        z = positive(samples(z, "z"), "z")
        v, u = of_shape(v, "v", z.shape, "z"), z**2
        value: Float = 2 * z * self.base.vjp(u, 2 * z * v) + v * (2 * self.base(u) - 1 / u)  # (SIM.2)
        return value

    def vjp_parameters(self, z: ArrayLike, v: ArrayLike) -> Float:
        """Gradient in θ of Σ v·s_z(z); (p,)."""
        z = positive(samples(z, "z"), "z")
        return self._learning.vjp_parameters(z**2, 2 * z * of_shape(v, "v", z.shape, "z"))  # (SIM.2)

    def quadratic_parameters(self, z: ArrayLike, v: ArrayLike) -> Float:
        """Gradient in θ of Σ vᵀ J_z(z) v; (p,)."""
        z = positive(samples(z, "z"), "z")
        v, u = of_shape(v, "v", z.shape, "z"), z**2
        bent = self._learning.quadratic_parameters(u, 2 * z * v)
        return bent + self._learning.vjp_parameters(u, 2 * v**2)  # (SIM.2)

    @property
    def _learning(self) -> ParametricScore:
        differentiable(self.base, "vjp_parameters", "quadratic_parameters")
        return self.base  # type: ignore[return-value]  # held to it above


def simplex(score: ScoreModel, u: ArrayLike, *, g: Boundary) -> Float:
    """Score matching on the simplex, per sample: (SPH.3) at z = √u.

        ℓ(u) = ℓ_sphere(z),   z = √u                                                                  (SIM.3)

    Parameters
    ----------
    score : ScoreModel
        s = ∇ log p(u) in the coordinates of R^d, with its `jacobian` and `vjp`.
    u : (\\*batch, d)
        Shares, u > 0 with sum 1.
    g : Boundary
        The weight as a function of z: :func:`~refscore.objectives.orthant_least` or ``orthant_product``.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a share is not positive, or the shares of a sample do not sum to 1.

    Notes
    -----
    Not to be confused with generalised score matching of u itself with its last coordinate left out, or of log-ratios.
    The density of u is with respect to the first d - 1 shares.

    References
    ----------
    Scealy & Wood (2023), Score matching for compositional distributions, Journal of the American Statistical
    Association 118.

    Examples
    --------
    The score of u counts along the simplex only: a multiple of (1, …, 1) changes nothing.

    >>> from refscore.models import ExponentialFamily, monomials
    >>> from refscore.objectives import orthant_least
    >>> u, g = [[0.25, 0.75]], orthant_least(1)
    >>> one, other = (ExponentialFamily(monomials(2, 1), theta) for theta in ([1, 2], [6, 7]))
    >>> (simplex(one, u, g=g) - simplex(other, u, g=g)).round(12)
    array([0.])
    """
    return sphere(RootScore(score), _roots(u), g=g)  # (SIM.3)


def simplex_gradient(score: ParametricScore, u: ArrayLike, *, g: Boundary) -> Float:
    """Gradient of the batch sum of :func:`simplex` in the parameters of `score`.

        ∂(v·s_z)/∂θ = ∂((2 z ∘ v)·s_u)/∂θ,   ∂(vᵀ J_z v)/∂θ = ∂((2 z ∘ v)ᵀ J_u (2 z ∘ v) + 2 v²·s_u)/∂θ     (SIM.4)

    put into (SPH.4).

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters` and `quadratic_parameters`.
    u : (\\*batch, d)
        As for :func:`simplex`.
    g : Boundary
        As for :func:`simplex`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    return sphere_gradient(RootScore(score), _roots(u), g=g)  # (SIM.4)


def orthant_least(cap: float) -> Boundary:
    """The least squared coordinate, capped: Scealy and Wood's weight on the positive part of the sphere.

        g = min(min_j z_j², c²)                                                                       (SIM.5)

    Parameters
    ----------
    cap : float
        c > 0; from 1/√d on it has no effect on the sphere.

    Returns
    -------
    Boundary
        g, of any dimension.

    Raises
    ------
    ValueError
        If `cap` is not positive.

    Examples
    --------
    >>> orthant_least(0.75)([[0.6, 0.8]]).round(12)
    array([0.36])
    """
    c = number(cap, "cap", positive)

    def gradient(z: Float) -> Float:
        least = np.argmin(z**2, axis=-1)[..., None]
        value: Float = np.zeros_like(z)
        np.put_along_axis(value, least, 2 * np.take_along_axis(z, least, -1), -1)  # (SIM.5)
        return value

    return capped(Boundary("min z²", lambda z: (z**2).min(-1), gradient), c**2)  # (SIM.5)


def orthant_product(cap: float) -> Boundary:
    """The product of the squared coordinates, capped.

        g = min(Π_j z_j², c²),   ∂g/∂z_j = 2 z_j Π_{k≠j} z_k²                                         (SIM.6)

    Parameters
    ----------
    cap : float
        c > 0.

    Returns
    -------
    Boundary
        g, of any dimension.

    Raises
    ------
    ValueError
        If `cap` is not positive.

    Examples
    --------
    >>> orthant_product(1)([[2.0, 3.0]]), orthant_product(10).gradient([[2.0, 3.0]])
    (array([1.]), array([[36., 24.]]))
    """
    c = number(cap, "cap", positive)

    def gradient(z: Float) -> Float:
        others = np.stack([np.prod(np.delete(z, j, -1) ** 2, -1) for j in range(z.shape[-1])], -1)
        value: Float = 2 * z * others  # (SIM.6)
        return value

    return capped(Boundary("Π z²", lambda z: np.prod(z**2, -1), gradient), c**2)  # (SIM.6)


def _roots(u: ArrayLike) -> Float:
    u = positive(samples(u, "u"), "u")
    total = u.sum(-1)
    if total.size and np.abs(total - 1).max() > CLOSE:
        worst = total.flat[np.abs(total - 1).argmax()]
        raise ValueError(f"u has a row of sum {worst:.6g}; expected shares that sum to 1")
    value: Float = np.sqrt(u)
    return value
