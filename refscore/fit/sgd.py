"""Gradient descent: plain, with momentum, and with Nesterov's momentum, all in torch's convention.

    b_k = μ b_{k-1} + g_k,   b_{-1} = 0                                                               (SGD.1)
    momentum   θ_{k+1} = θ_k - η b_k                                                                  (SGD.2)
    Nesterov   θ_{k+1} = θ_k - η (g_k + μ b_k)                                                        (SGD.3)

On ½ a θ² the plain step multiplies θ by 1 - η a, and with momentum a 2 × 2 matrix takes (θ, b) to the next.
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import not_negative, number
from refscore.fit.optimiser import Optimiser, Slots
from refscore.fit.rates import Rate, of_step
from refscore.models.activations import Array

__all__ = ["nesterov", "sgd"]


def sgd(rate: Rate, *, momentum: float = 0.0) -> Optimiser:
    """Stochastic gradient descent, with momentum or without.

        θ_{k+1} = θ_k - η b_k,   b_k = μ b_{k-1} + g_k                                                (SGD.2)

    Parameters
    ----------
    rate : float or callable
        η > 0, or a function of the step k.
    momentum : float
        μ in [0, 1).

    Returns
    -------
    Optimiser
        With the slot b, and without it for μ = 0.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    Not to be confused with the velocity of Keras, w_k = μ w_{k-1} - η g_k and θ_{k+1} = θ_k + w_k: equal for a constant
    η, but with a schedule its old gradients keep the old rate. Nor with a running mean of g, which has 1 - μ before g_k
    and in the long run a step 1 - μ times as long.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton (2013), On the importance of initialization and momentum in deep learning, eq. 1
    and 2, with the rate inside.

    Examples
    --------
    On ½ a θ² the slow end is θ_k = (1 - η a)ᵏ θ_0:

    >>> import numpy as np
    >>> optimiser, theta = sgd(0.5), np.array([16.0])
    >>> for k in range(3):
    ...     theta, _ = optimiser.step(theta, 0.5 * theta, (), k)
    >>> float(theta[0]), 16 * (1 - 0.25) ** 3
    (6.75, 6.75)
    """
    eta, mu = of_step(rate, "rate"), _momentum(momentum)

    def plain(theta: Array, gradient: Array, slots: Slots, scratch: Array, k: int) -> None:  # noqa: ARG001
        np.multiply(gradient, eta(k), out=scratch)
        np.subtract(theta, scratch, out=theta)  # (SGD.2)

    def heavy(theta: Array, gradient: Array, slots: Slots, scratch: Array, k: int) -> None:
        (b,) = slots
        np.multiply(b, mu, out=b)
        np.add(b, gradient, out=b)  # (SGD.1)
        plain(theta, b, slots, scratch, k)

    name = f"sgd({eta}, momentum={mu})"
    return Optimiser(name, 1, heavy) if mu else Optimiser(name, 0, plain)


def nesterov(rate: Rate, *, momentum: float) -> Optimiser:
    """Gradient descent with Nesterov's momentum: the step of momentum, looked ahead by one more.

        θ_{k+1} = θ_k - η (g_k + μ b_k),   b_k = μ b_{k-1} + g_k                                      (SGD.3)

    Parameters
    ----------
    rate : float or callable
        η > 0, or a function of the step k.
    momentum : float
        μ in [0, 1).

    Returns
    -------
    Optimiser
        With the slot b.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    Not to be confused with Nesterov's own form, where the gradient is taken at a point looked ahead to. Here θ is that
    point, and his iterate is θ + η μ b: the same run for a constant η, seen from the other place.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton (2013), On the importance of initialization and momentum in deep learning, eq. 3
    and 4.

    Examples
    --------
    Two steps on ½ θ² by hand: b = 8 and θ = 8 - ½ (8 + 4), then b = 4 + 2 and θ = 2 - ½ (2 + 3).

    >>> import numpy as np
    >>> optimiser, theta = nesterov(0.5, momentum=0.5), np.array([8.0])
    >>> slots = optimiser.init(theta)
    >>> for k in range(2):
    ...     theta, slots = optimiser.step(theta, theta, slots, k)
    >>> float(theta[0]), float(slots[0][0])
    (-0.5, 6.0)
    """
    eta, mu = of_step(rate, "rate"), _momentum(momentum)

    def advance(theta: Array, gradient: Array, slots: Slots, scratch: Array, k: int) -> None:
        (b,) = slots
        np.multiply(b, mu, out=b)
        np.add(b, gradient, out=b)  # (SGD.1)
        np.multiply(b, mu, out=scratch)
        np.add(scratch, gradient, out=scratch)
        np.multiply(scratch, eta(k), out=scratch)
        np.subtract(theta, scratch, out=theta)  # (SGD.3)

    return Optimiser(f"nesterov({eta}, momentum={mu})", 1, advance)


def _momentum(value: float) -> float:
    mu = number(value, "momentum", not_negative)
    if not mu < 1.0:
        raise ValueError(f"momentum is {mu}; expected 0 <= momentum < 1")
    return mu
