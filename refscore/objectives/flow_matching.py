"""Flow matching: regress a velocity on the straight lines between data and noise, one line a pair.

A pair (x0, x1) of any coupling is joined by a line, with data at t = 0 and noise at t = 1,

    x_t = (1 - t) x0 + (σ_min + (1 - σ_min) t) x1                                                     (FM.3)
    dx_t/dt = (1 - σ_min) x1 - x0                                                                     (FM.4)

and the regression on these velocities has the marginal velocity for its minimiser,

    u*(x, t) = E[dx_t/dt given x_t = x]                                                               (FM.5)

whose flow carries the law of x_t from every time to every other. Where x1 is normal and independent of x0 this is the
path of ``paths.Flow``, and u* the velocity that ``predictions`` makes of the score. Couplings stand in
``objectives.couplings``, curved paths in ``objectives.interpolants``; the exact expectation, variance and minimiser in
``refscore.exact.transport``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, not_negative, number, of_shape, samples
from refscore.models.velocity import ParametricVelocity

__all__ = ["flow_matching", "flow_matching_gradient", "unit_time"]


def flow_matching(
    velocity: Callable[[Float, Float], Float],
    x0: ArrayLike,
    x1: ArrayLike,
    t: ArrayLike,
    *,
    sigma_min: float = 0.0,
) -> Float:
    """Flow matching on straight lines, per sample.

        ℓ = ½ |u(x_t, t) - ((1 - σ_min) x1 - x0)|²                                                    (FM.6)

    Parameters
    ----------
    velocity : callable
        u, from (\\*batch, d) and the times, of the shape of `t`, to (\\*batch, d).
    x0 : (\\*batch, d)
        Data, in the data's unit.
    x1 : (\\*batch, d)
        Noise, or whatever stands at the other end, paired with `x0` sample by sample.
    t : () or (\\*batch,)
        Time of each sample in [0, 1]; 0 is data.
    sigma_min : float
        What is left of the noise at t = 0, in units of x1; 0 ≤ σ_min < 1.

    Returns
    -------
    (\\*batch,)
        ℓ, in unit². Never averaged: neither over the samples nor over the times.

    Raises
    ------
    ValueError
        If a time is outside [0, 1], σ_min outside [0, 1), or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with the same formula in the other direction of time. Lipman et al. (2023) have noise at t = 0
    and data at t = 1; their u is -u here, at 1 - t. As formula and signature are symmetric for σ_min = 0, such code
    conforms as it stands, with x0 and x1 read as "at t = 0" and "at t = 1". Nor with rectified flow's later rounds,
    which are this on pairs of :func:`~refscore.objectives.reflow_pairs`.

    References
    ----------
    Lipman et al. (2023), Flow matching for generative modeling, eq. 20 to 23.
    Liu et al. (2023), Flow straight and fast: learning to generate and transfer data with rectified flow, eq. 1.

    Examples
    --------
    For x0, x1 = ±1, all four pairs, half of the lines cross at x = 0, t = ½, where the best u is 0 and each misses 2:

    >>> import numpy as np
    >>> x0, x1 = np.array([[1.0], [1.0], [-1.0], [-1.0]]), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> flow_matching(lambda x, t: 0 * x, x0, x1, 0.5)
    array([0., 2., 2., 0.])
    """
    _, _, residual = _residual(velocity, x0, x1, t, sigma_min)
    value: Float = 0.5 * (residual**2).sum(-1)  # (FM.6)
    return value


def flow_matching_gradient(
    velocity: ParametricVelocity, x0: ArrayLike, x1: ArrayLike, t: ArrayLike, *, sigma_min: float = 0.0
) -> Float:
    """Gradient of the batch sum of :func:`flow_matching` in the parameters of `velocity`.

        ∂ℓ/∂θ = (u(x_t, t) - ((1 - σ_min) x1 - x0))ᵀ ∂u(x_t, t)/∂θ                                    (FM.7)

    Parameters
    ----------
    velocity : ParametricVelocity
        The model, :class:`~refscore.models.velocity.AffineVelocity` or another with `vjp_parameters`.
    x0, x1 : (\\*batch, d)
        As for :func:`flow_matching`.
    t : () or (\\*batch,)
        As for :func:`flow_matching`.
    sigma_min : float
        As for :func:`flow_matching`.

    Returns
    -------
    (p,)
        In the order of ``velocity.pack()``.
    """
    x, t, residual = _residual(velocity, x0, x1, t, sigma_min)
    return velocity.vjp_parameters(x, t, residual)  # (FM.7)


def unit_time(t: ArrayLike, name: str) -> Float:
    """Hold every number of `t` to [0, 1].

    Parameters
    ----------
    t, name : array_like, str
        As for :func:`~refscore.arrays.as_float64`.

    Returns
    -------
    ndarray
        `t` in float64.

    Raises
    ------
    ValueError
        If one is outside.

    Examples
    --------
    >>> unit_time([0.5, 1.5], "t")
    Traceback (most recent call last):
        ...
    ValueError: t reaches from 0.5 to 1.5; expected 0 <= t <= 1, where 0 is data
    """
    array = as_float64(t, name)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(
            f"{name} reaches from {array.min()} to {array.max()}; expected 0 <= {name} <= 1, where 0 is data"
        )
    return array


def _residual(
    velocity: Callable[[Float, Float], Float], x0: ArrayLike, x1: ArrayLike, t: ArrayLike, sigma_min: float
) -> tuple[Float, Float, Float]:
    """The points on the lines, their times, and u there minus the velocity of the line."""
    x0 = samples(x0, "x0")
    x1 = of_shape(x1, "x1", x0.shape, "x0")
    t = unit_time(t, "t")
    lifted = lift(t, x0, "t")
    least = number(sigma_min, "sigma_min", not_negative)
    if least >= 1:
        raise ValueError(f"sigma_min is {least}; expected 0 <= sigma_min < 1, the scale of the noise at t = 0")
    x = (1 - lifted) * x0 + (least + (1 - least) * lifted) * x1  # (FM.3)
    target = (1 - least) * x1 - x0  # (FM.4)
    return x, t, of_shape(velocity(x, t), "velocity(x, t)", x.shape, "x") - target
