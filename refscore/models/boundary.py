"""Consistency models: a network between two scales that make it the identity at the least noise level.

    f(x, σ) = c_skip(σ) x + c_out(σ) F(c_in(σ) x, σ),   f(x, σ_min) = x                               (CM.1)

EDM's scales with σ - σ_min in the place of σ, so that the boundary holds at σ_min and not at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, not_negative, number, of_shape, positive, samples
from refscore.models.velocity import ParametricVelocity

__all__ = ["ConsistencyModel", "consistency_scalings"]


def consistency_scalings(sigma: ArrayLike, *, sigma_data: float, sigma_min: float) -> tuple[Float, Float, Float]:
    """The scales of a consistency model.

        c_skip = σ_d² / ((σ - σ_min)² + σ_d²)
        c_out = (σ - σ_min) σ_d / √(σ² + σ_d²)
        c_in = 1 / √(σ² + σ_d²)                                                                       (CM.2)

    Parameters
    ----------
    sigma : (\\*levels,)
        Noise levels σ ≥ σ_min, in the data's unit.
    sigma_data : float
        σ_d, the data's scale; σ_d > 0.
    sigma_min : float
        Least level, where f is the identity; σ_min ≥ 0.

    Returns
    -------
    c_skip, c_out, c_in : (\\*levels,)
        The scales.

    Raises
    ------
    ValueError
        If a level is below `sigma_min`, or a scale has the wrong sign.

    Notes
    -----
    Not to be confused with EDM's scales, which have σ_min = 0 here: with them f(x, σ_min) = x only nearly. Nor with
    those of latent consistency models, where time is multiplied by 10 and has no σ_min.

    References
    ----------
    Song et al. (2023), Consistency models, appendix C.

    Examples
    --------
    At the boundary the scales are 1 and 0 exactly, however small σ_min:

    >>> consistency_scalings(0.002, sigma_data=0.5, sigma_min=0.002)[:2]
    (array(1.), array(0.))
    >>> consistency_scalings(0.002, sigma_data=0.5, sigma_min=0)[0] < 1
    np.True_
    """
    level = positive(sigma, "sigma")
    width, least = number(sigma_data, "sigma_data", positive), number(sigma_min, "sigma_min", not_negative)
    if not (level >= least).all():
        raise ValueError(f"sigma has a value of {level.min()}; expected sigma >= sigma_min = {least}")
    above = level - least
    skip: Float = (width / np.hypot(above, width)) ** 2
    out: Float = above * (width / np.hypot(level, width))
    return np.asarray(skip), np.asarray(out), np.asarray(1 / np.hypot(level, width))  # (CM.2)


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConsistencyModel:
    """A network as a consistency function, f(x, σ) of (CM.1).

    Parameters
    ----------
    network : ParametricVelocity
        F, from (\\*batch, d) and levels to (\\*batch, d), with `vjp_parameters`.
    sigma_data : float
        σ_d, in the data's unit; σ_d > 0.
    sigma_min : float
        The level of the boundary, in the data's unit; σ_min > 0.

    Raises
    ------
    ValueError
        If a scale is not positive.

    Examples
    --------
    Any network is the identity at the boundary:

    >>> from refscore.models.velocity import AffineVelocity
    >>> f = ConsistencyModel(AffineVelocity([[[5.0]]], [[7.0]]), 0.5, 0.002)
    >>> f([[3.0], [3.0]], [0.002, 80.0])[0]
    array([3.])
    """

    network: ParametricVelocity
    sigma_data: float
    sigma_min: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma_data", number(self.sigma_data, "sigma_data", positive))
        object.__setattr__(self, "sigma_min", number(self.sigma_min, "sigma_min", positive))

    def __repr__(self) -> str:
        return f"ConsistencyModel({self.network!r}, sigma_data {self.sigma_data:.6g}, sigma_min {self.sigma_min:.6g})"

    def __call__(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """f(x, σ), (\\*batch, d), for `sigma` () or (\\*batch,)."""
        x = samples(x, "x")
        level, skip, out, scaled = self._scaled(x, sigma)
        inner = of_shape(self.network(scaled, level), "network(x, sigma)", x.shape, "x")
        value: Float = skip * x + out * inner  # (CM.1)
        return value

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·f(x, σ) in θ, summed over the batch: the network's, with c_out v for v.

            ∂(v·f)/∂θ = c_out vᵀ ∂F(c_in x, σ)/∂θ                                                     (CM.3)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies f from the left.
        sigma : () or (\\*batch,)
            Noise level.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x")
        level, _, out, scaled = self._scaled(x, sigma)
        return self.network.vjp_parameters(scaled, level, out * of_shape(v, "v", x.shape, "x"))  # (CM.3)

    def pack(self) -> Float:
        """θ of the network, (p,)."""
        return self.network.pack()

    def unpack(self, theta: ArrayLike) -> ConsistencyModel:
        """The model around the same kind of network with parameters `theta` (p,)."""
        return ConsistencyModel(self.network.unpack(theta), self.sigma_data, self.sigma_min)

    def _scaled(self, x: Float, sigma: ArrayLike) -> tuple[Float, Float, Float, Float]:
        """σ, the outer scales with an event axis, and c_in x."""
        level = positive(sigma, "sigma")
        scales = consistency_scalings(level, sigma_data=self.sigma_data, sigma_min=self.sigma_min)
        skip, out, inner = (lift(scale, x, "sigma") for scale in scales)
        return level, skip, out, inner * x
