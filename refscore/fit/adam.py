"""Adam (Kingma & Ba 2015), and AdamW (Loshchilov & Hutter 2019): each parameter has a step size of its own.

Running means of the gradient and of its square start at 0 and are divided by the weight they have gathered so far:

    m_t = β₁ m_{t-1} + (1 - β₁) g_t,   v_t = β₂ v_{t-1} + (1 - β₂) g_t²,   t = k + 1                  (ADA.1)
    θ_t = θ_{t-1} - η m̂ / (√v̂ + ε),   m̂ = m_t / (1 - β₁ᵗ),   v̂ = v_t / (1 - β₂ᵗ)                     (ADA.2)

The code keeps the two corrections out of the arrays. With b_i = 1 - β_iᵗ the same step is

    θ_t = θ_{t-1} - (η √b₂ / b₁) m_t / (√v_t + ε √b₂)                                                 (ADA.3)

and with g constant every m̂ is g and every v̂ is g², so that each step is η g / (|g| + ε), exactly η long for ε = 0.
"""

from __future__ import annotations

import math

import numpy as np

from refscore.arrays import not_negative, number
from refscore.fit.optimiser import Optimiser, Slots
from refscore.fit.rates import Rate, of_step
from refscore.models.activations import Array

__all__ = ["adam", "adamw", "corrected"]


def adam(rate: Rate = 1e-3, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimiser:
    """Adam.

        θ_t = θ_{t-1} - η m̂ / (√v̂ + ε),   m̂ = m_t / (1 - β₁ᵗ),   v̂ = v_t / (1 - β₂ᵗ)                 (ADA.2)

    Parameters
    ----------
    rate : float or callable
        η > 0, or a function of the step k = t - 1.
    beta1, beta2 : float
        β₁ and β₂ in [0, 1): how much of the running means stays.
    epsilon : float
        ε ≥ 0, in units of the gradient. With 0 a parameter whose gradient was always 0 would be 0/0.

    Returns
    -------
    Optimiser
        With the slots m and v.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    This is Algorithm 1 and torch's ``Adam``. Not to be confused with the form at the end of the paper's section 2,
    which Keras and TensorFlow have: there ε̂ stands beside √v_t, before the correction, and is this ε times √(1 - β₂ᵗ).
    Nor with ε under the root (``eps_root`` of optax). Nor with a decay of the weights added to the gradient, torch's
    ``weight_decay`` of Adam, which is divided by √v̂ with it: see :func:`adamw`.

    References
    ----------
    Kingma & Ba (2015), Adam: a method for stochastic optimization, Algorithm 1.

    Examples
    --------
    The first step goes against the sign of each component, whatever its size; so does every step while g stays:

    >>> import numpy as np
    >>> optimiser, theta, g = adam(0.5, epsilon=0.0), np.zeros(3), np.array([1e-6, -4.0, 1e9])
    >>> slots = optimiser.init(theta)
    >>> for k in range(4):
    ...     theta, slots = optimiser.step(theta, g, slots, k)
    >>> bool(np.abs(theta + 4 * 0.5 * np.sign(g)).max() < 1e-15)
    True
    """
    return _adam("adam", rate, beta1, beta2, epsilon, "")


def adamw(
    rate: Rate = 1e-3,
    *,
    weight_decay: float = 1e-2,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Optimiser:
    """Adam with decoupled weight decay: θ shrinks by itself, and the decay never enters m and v.

        θ_t = (1 - η λ) θ_{t-1} - η m̂ / (√v̂ + ε)                                                     (ADA.4)

    Parameters
    ----------
    rate : float or callable
        η > 0, or a function of the step k = t - 1.
    weight_decay : float
        λ ≥ 0.
    beta1, beta2, epsilon : float
        As for :func:`adam`.

    Returns
    -------
    Optimiser
        With the slots m and v.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    Torch's ``AdamW`` multiplies λ by η, as here. Not to be confused with Algorithm 2 of the paper, where the rate does
    not multiply λ: λ_paper = η λ. Nor with a Gaussian prior on θ, which adds λ θ to the gradient. All of θ decays,
    biases too.

    References
    ----------
    Loshchilov & Hutter (2019), Decoupled weight decay regularization, Algorithm 2.

    Examples
    --------
    Without gradient only the decay is left, θ_t = (1 - η λ)ᵗ θ_0:

    >>> import numpy as np
    >>> optimiser, theta = adamw(0.5, weight_decay=0.5), np.array([16.0])
    >>> slots = optimiser.init(theta)
    >>> for k in range(2):
    ...     theta, slots = optimiser.step(theta, np.zeros(1), slots, k)
    >>> float(theta[0]), 16 * (1 - 0.25) ** 2
    (9.0, 9.0)
    """
    decay, eta = number(weight_decay, "weight_decay", not_negative), of_step(rate, "rate")
    inner = _adam("adamw", eta, beta1, beta2, epsilon, f", weight_decay={decay}")

    def advance(theta: Array, gradient: Array, slots: Slots, scratch: Array, k: int) -> None:
        np.multiply(theta, 1.0 - eta(k) * decay, out=theta)  # (ADA.4)
        inner.advance(theta, gradient, slots, scratch, k)

    return Optimiser(inner.name, inner.n_slots, advance)


def _adam(name: str, rate: Rate, beta1: float, beta2: float, epsilon: float, more: str) -> Optimiser:
    eta, eps = of_step(rate, "rate"), number(epsilon, "epsilon", not_negative)
    one, two = _beta(beta1, "beta1"), _beta(beta2, "beta2")

    def advance(theta: Array, gradient: Array, slots: Slots, scratch: Array, k: int) -> None:
        m, v = slots
        np.multiply(m, one, out=m)
        np.multiply(gradient, 1.0 - one, out=scratch)
        np.add(m, scratch, out=m)  # (ADA.1)
        np.multiply(v, two, out=v)
        np.multiply(gradient, gradient, out=scratch)
        np.multiply(scratch, 1.0 - two, out=scratch)
        np.add(v, scratch, out=v)  # (ADA.1)
        length, floor = corrected(eta(k), one, two, eps, k)
        np.sqrt(v, out=scratch)
        np.add(scratch, floor, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, length, out=scratch)
        np.subtract(theta, scratch, out=theta)  # (ADA.3)

    return Optimiser(f"{name}({eta}, beta1={one}, beta2={two}, epsilon={eps}{more})", 2, advance)


def corrected(rate: float, beta1: float, beta2: float, epsilon: float, k: int) -> tuple[float, float]:
    """The two numbers of (ADA.3) that change from step to step.

    Parameters
    ----------
    rate, beta1, beta2, epsilon : float
        η, β₁, β₂, ε.
    k : int
        The step, t - 1.

    Returns
    -------
    tuple of float
        η √b₂ / b₁ and ε √b₂, with b_i = 1 - β_iᵗ.

    Examples
    --------
    At the first step b₁ = 1 - β₁ and b₂ = 1 - β₂:

    >>> [round(number, 12) for number in corrected(1.0, 0.5, 0.75, 8.0, 0)]
    [1.0, 4.0]
    """
    root = math.sqrt(_gathered(beta2, k + 1))
    return rate * root / _gathered(beta1, k + 1), epsilon * root  # (ADA.3)


def _beta(value: float, name: str) -> float:
    beta = number(value, name, not_negative)
    if not beta < 1.0:
        raise ValueError(f"{name} is {beta}; expected 0 <= {name} < 1")
    return beta


def _gathered(beta: float, t: int) -> float:
    """1 - βᵗ, without cancellation for β near 1."""
    return -math.expm1(t * math.log(beta)) if beta > 0.0 else 1.0
