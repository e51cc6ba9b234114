"""Curves between two laws, with noise on the way or without: the paths of stochastic interpolants.

    x_t = α(t) x0 + β(t) x1 + γ(t) z,   z ~ N(0, I)                                                   (SI.1)

with α(0) = β(1) = 1 and α(1) = β(0) = γ(0) = γ(1) = 0. Other paths here have β = σ, γ = 0 and normal x1; an interpolant
may join any two laws, in any coupling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number, of_shape, positive

__all__ = ["TRIGONOMETRIC", "Interpolant", "brownian_bridge", "linear_interpolant"]

Curve = Callable[[Float], ArrayLike]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Interpolant:
    """The scales of a stochastic interpolant and their derivatives, as functions of t.

        x_t = α x0 + β x1 + γ z,   dx_t/dt = α' x0 + β' x1 + γ' z                                     (SI.4)

    Parameters
    ----------
    alpha, beta, gamma : callable
        α, β and γ, from times to values of the same shape.
    alpha_dot, beta_dot, gamma_dot : callable
        Their derivatives.

    Notes
    -----
    The ends are not checked: α(0) = 1 and so on are the caller's, and paths with a σ_min break them on purpose. Not to
    be confused with the order of Albergo & Vanden-Eijnden, who have the base law at t = 0 and the data at t = 1.

    Examples
    --------
    A curve of one's own, with the rates of t² by a difference that is exact for it:

    >>> none = np.zeros_like
    >>> late = Interpolant(lambda t: 1 - t**2, lambda t: t**2, none, lambda t: -2 * t, lambda t: 2 * t, none)
    >>> late.rates(np.array(0.5))[1], late.beta(1.0) - late.beta(0.0)
    (array(1.), 1.0)
    """

    alpha: Curve
    beta: Curve
    gamma: Curve
    alpha_dot: Curve
    beta_dot: Curve
    gamma_dot: Curve

    def scales(self, t: Float) -> tuple[Float, Float, Float]:
        """α, β, γ at the times `t`, each of its shape."""
        return _at(self.alpha, t, "alpha"), _at(self.beta, t, "beta"), _at(self.gamma, t, "gamma")

    def rates(self, t: Float) -> tuple[Float, Float, Float]:
        """α', β', γ' at the times `t`, each of its shape; a ValueError where one is infinite."""
        return (
            _at(self.alpha_dot, t, "alpha_dot"),
            _at(self.beta_dot, t, "beta_dot"),
            _at(self.gamma_dot, t, "gamma_dot"),
        )


def linear_interpolant(*, sigma_min: float = 0.0, gamma: float = 0.0) -> Interpolant:
    """The straight line, with what Lipman et al. and Tong et al. add to it.

        α = 1 - t,   β = σ_min + (1 - σ_min) t,   γ = const                                           (SI.5)

    Parameters
    ----------
    sigma_min : float
        What is left of x1 at t = 0; 0 ≤ σ_min < 1.
    gamma : float
        A constant noise around the line (the σ of I-CFM), in the data's unit; γ ≥ 0.

    Returns
    -------
    Interpolant
        The line; ``flow_matching`` is its velocity objective for γ = 0.

    Raises
    ------
    ValueError
        If `sigma_min` is outside [0, 1), or `gamma` negative.

    References
    ----------
    Lipman et al. (2023), eq. 20; Tong et al. (2024), Improving and generalizing flow-based generative models with
    minibatch optimal transport, eq. 14 and 15.

    Examples
    --------
    >>> linear_interpolant(gamma=0.1).scales(np.array(0.25))
    (array(0.75), array(0.25), array(0.1))
    """
    least, noise = number(sigma_min, "sigma_min", not_negative), number(gamma, "gamma", not_negative)
    if least >= 1:
        raise ValueError(f"sigma_min is {least}; expected 0 <= sigma_min < 1, the scale of x1 at t = 0")
    return Interpolant(
        lambda t: 1 - t,
        lambda t: least + (1 - least) * t,
        lambda t: np.full_like(t, noise),
        lambda t: np.full_like(t, -1.0),
        lambda t: np.full_like(t, 1 - least),
        np.zeros_like,
    )  # (SI.5)


def brownian_bridge(sigma: float) -> Interpolant:
    """The line with a Brownian bridge on it: the conditional path of a Schrödinger bridge.

        α = 1 - t,   β = t,   γ = σ √(t (1 - t)),   γ' = σ (1 - 2 t) / (2 √(t (1 - t)))               (SI.6)

    Parameters
    ----------
    sigma : float
        σ of the reference process dx = σ dw, in the data's unit; σ > 0.

    Returns
    -------
    Interpolant
        The bridge; γ' is infinite at both ends, where the velocity objective refuses t.

    Notes
    -----
    The velocity at a point is σ-free: (1 - 2 t)/(2 t (1 - t)) (x_t - (1 - t) x0 - t x1) + x1 - x0, the form of Tong et
    al.; γ' z is its first term. Not to be confused with the drift of the bridge itself, (x1 - x_t)/(1 - t), nor with
    the Schrödinger bridge between two laws, for which the pairs must come from the entropic plan with ε = σ².

    References
    ----------
    Tong et al. (2024), eq. 18 to 20.

    Examples
    --------
    The variance t (1 - t) of a bridge falls at the rate 1 - 2 t, which is (γ²)':

    >>> bridge, t = brownian_bridge(1.0), np.array(0.25)
    >>> float(2 * bridge.gamma(t) * bridge.gamma_dot(t)), 1 - 2 * 0.25
    (0.5, 0.5)
    """
    scale = number(sigma, "sigma", positive)

    def gamma_dot(t: Float) -> Float:
        with np.errstate(divide="ignore"):
            rate: Float = scale * (1 - 2 * t) / (2 * np.sqrt(t * (1 - t)))
        return rate

    return Interpolant(
        lambda t: 1 - t,
        lambda t: t,
        lambda t: scale * np.sqrt(t * (1 - t)),
        lambda t: np.full_like(t, -1.0),
        np.ones_like,
        gamma_dot,
    )  # (SI.6)


TRIGONOMETRIC = Interpolant(
    lambda t: np.cos(0.5 * np.pi * t),
    lambda t: np.sin(0.5 * np.pi * t),
    np.zeros_like,
    lambda t: -0.5 * np.pi * np.sin(0.5 * np.pi * t),
    lambda t: 0.5 * np.pi * np.cos(0.5 * np.pi * t),
    np.zeros_like,
)
"""α = cos ½πt, β = sin ½πt, γ = 0: independent ends of one variance keep it on the whole way."""


def _at(curve: Curve, t: Float, name: str) -> Float:
    return of_shape(curve(t), f"{name}(t)", t.shape, "t")
