"""Stochastic interpolants: flow matching along any curve between two laws, with noise on the way or without.

    x_t = α(t) x0 + β(t) x1 + γ(t) z,   z ~ N(0, I)                                                   (SI.1)

with α(0) = β(1) = 1 and α(1) = β(0) = γ(0) = γ(1) = 0. Regression on the velocity of the curve gives the velocity b of
the laws of x_t, and regression on the noise gives their score,

    b(x, t) = E[α' x0 + β' x1 + γ' z given x_t = x]                                                   (SI.2)
    η(x, t) = E[z given x_t = x] = -γ(t) ∇ log p_t(x)                                                 (SI.3)

so that with both of them every SDE of drift b + ½ g² ∇ log p_t has the same laws. Flow matching is γ = 0; the
conditional path of a Schrödinger bridge is γ = σ √(t (1 - t)).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, samples
from refscore.models.velocity import ParametricVelocity
from refscore.objectives.flow_matching import unit_time
from refscore.paths.interpolants import Interpolant

__all__ = [
    "interpolant_denoiser",
    "interpolant_denoiser_gradient",
    "interpolant_velocity",
    "interpolant_velocity_gradient",
]


def interpolant_velocity(
    velocity: Callable[[Float, Float], Float],
    x0: ArrayLike,
    x1: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    interpolant: Interpolant,
) -> Float:
    """The velocity of a stochastic interpolant, per sample.

        ℓ = ½ |b(x_t, t) - (α' x0 + β' x1 + γ' z)|²                                                   (SI.7)

    Parameters
    ----------
    velocity : callable
        b, from (\\*batch, d) and the times, of the shape of `t`, to (\\*batch, d).
    x0, x1 : (\\*batch, d)
        Samples of the two laws, paired; x0 is the data.
    noise : (\\*batch, d)
        Standard normal z.
    t : () or (\\*batch,)
        Time of each sample in [0, 1]; 0 is data.
    interpolant : Interpolant
        α, β, γ and their derivatives.

    Returns
    -------
    (\\*batch,)
        ℓ, in unit². Never averaged.

    Raises
    ------
    ValueError
        If a time is outside [0, 1] or where a derivative is infinite, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with Albergo's form ½ |b|² - b·(α' x0 + β' x1 + γ' z), which is this without the square of the
    target: less variance of the value, the same gradient.

    References
    ----------
    Albergo, Boffi & Vanden-Eijnden (2023), Stochastic interpolants: a unifying framework for flows and diffusions,
    theorem 7.

    Examples
    --------
    >>> from refscore.paths.interpolants import linear_interpolant
    >>> interpolant_velocity(lambda x, t: x, [[1.0]], [[3.0]], [[0.0]], 0.5, linear_interpolant())  # ½ (2 - 2)²
    array([0.])
    """
    _, _, residual = _residual(velocity, x0, x1, noise, t, interpolant, of_noise=False)
    value: Float = 0.5 * (residual**2).sum(-1)  # (SI.7)
    return value


def interpolant_velocity_gradient(
    velocity: ParametricVelocity,
    x0: ArrayLike,
    x1: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    interpolant: Interpolant,
) -> Float:
    """Gradient of the batch sum of :func:`interpolant_velocity` in the parameters of `velocity`.

        ∂ℓ/∂θ = (b(x_t, t) - (α' x0 + β' x1 + γ' z))ᵀ ∂b(x_t, t)/∂θ                                   (SI.8)

    Parameters
    ----------
    velocity : ParametricVelocity
        The model.
    x0, x1, noise : (\\*batch, d)
        As for :func:`interpolant_velocity`.
    t : () or (\\*batch,)
        As for :func:`interpolant_velocity`.
    interpolant : Interpolant
        As for :func:`interpolant_velocity`.

    Returns
    -------
    (p,)
        In the order of ``velocity.pack()``.
    """
    x, t, residual = _residual(velocity, x0, x1, noise, t, interpolant, of_noise=False)
    return velocity.vjp_parameters(x, t, residual)  # (SI.8)


def interpolant_denoiser(
    denoiser: Callable[[Float, Float], Float],
    x0: ArrayLike,
    x1: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    interpolant: Interpolant,
) -> Float:
    """The noise of a stochastic interpolant, per sample: the score times -γ.

        ℓ = ½ |η(x_t, t) - z|²                                                                        (SI.9)

    Parameters
    ----------
    denoiser : callable
        η, from (\\*batch, d) and the times, of the shape of `t`, to (\\*batch, d).
    x0, x1, noise : (\\*batch, d)
        As for :func:`interpolant_velocity`.
    t : () or (\\*batch,)
        Time of each sample in [0, 1]; 0 is data.
    interpolant : Interpolant
        α, β, γ; their derivatives are not used.

    Returns
    -------
    (\\*batch,)
        ℓ, without unit. Never averaged.

    Raises
    ------
    ValueError
        If a time is outside [0, 1], or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with the denoiser of EDM, which predicts the data. The score matching part of [SF]²M is this
    with the score -η/γ and a weight.

    References
    ----------
    Albergo, Boffi & Vanden-Eijnden (2023), theorem 8 and section 5.

    Examples
    --------
    >>> from refscore.paths.interpolants import brownian_bridge
    >>> interpolant_denoiser(lambda x, t: x, [[1.0]], [[3.0]], [[2.0]], 0.5, brownian_bridge(2.0))  # ½ (2 + 2 - 2)²
    array([2.])
    """
    _, _, residual = _residual(denoiser, x0, x1, noise, t, interpolant, of_noise=True)
    value: Float = 0.5 * (residual**2).sum(-1)  # (SI.9)
    return value


def interpolant_denoiser_gradient(
    denoiser: ParametricVelocity,
    x0: ArrayLike,
    x1: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    interpolant: Interpolant,
) -> Float:
    """Gradient of the batch sum of :func:`interpolant_denoiser` in the parameters of `denoiser`.

        ∂ℓ/∂θ = (η(x_t, t) - z)ᵀ ∂η(x_t, t)/∂θ                                                        (SI.10)

    Parameters
    ----------
    denoiser : ParametricVelocity
        The model.
    x0, x1, noise : (\\*batch, d)
        As for :func:`interpolant_velocity`.
    t : () or (\\*batch,)
        As for :func:`interpolant_velocity`.
    interpolant : Interpolant
        As for :func:`interpolant_denoiser`.

    Returns
    -------
    (p,)
        In the order of ``denoiser.pack()``.
    """
    x, t, residual = _residual(denoiser, x0, x1, noise, t, interpolant, of_noise=True)
    return denoiser.vjp_parameters(x, t, residual)  # (SI.10)


def _residual(
    field: Callable[[Float, Float], Float],
    x0: ArrayLike,
    x1: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    interpolant: Interpolant,
    *,
    of_noise: bool,
) -> tuple[Float, Float, Float]:
    """The points on the curves, their times, and the field there minus the noise or the velocity of the curve."""
    x0 = samples(x0, "x0")
    parts = x0, of_shape(x1, "x1", x0.shape, "x0"), of_shape(noise, "noise", x0.shape, "x0")
    t = unit_time(t, "t")

    def blend(scales: tuple[Float, Float, Float]) -> Float:
        value: Float = sum((lift(s, x0, "t") * part for s, part in zip(scales, parts)), np.zeros(x0.shape))
        return value

    x = blend(interpolant.scales(t))  # (SI.1)
    target = parts[2] if of_noise else blend(interpolant.rates(t))  # (SI.4)
    return x, t, of_shape(field(x, t), "field(x, t)", x.shape, "x") - target
