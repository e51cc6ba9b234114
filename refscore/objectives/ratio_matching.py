"""Ratio matching of binary data (Hyvärinen 2007): the probability of each bit given the others, without a normaliser.

For bits there is no slope; ratios of probabilities take its place. With x^(i) for x with bit i turned,

    q_i(x) = q(x^(i)) / (q(x) + q(x^(i)))                                                             (RTM.1)

is the model's probability that bit i is the other one, given the rest, and the normaliser has gone. Matching it,

    E Σ_i (q_i - p_i)² = E Σ_i q_i² - E Σ_i p_i²                                                      (RTM.2)

since E p_i q_i does not contain the model: in a pair x, x^(i) both have the same p p_i, and their q_i add up to 1.
Expectation, variance and minimiser by enumeration stand under the same name in ``refscore.exact.ratio_matching``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import ParametricLogDensity

__all__ = ["ratio_matching", "ratio_matching_gradient"]


def ratio_matching(
    log_prob: Callable[[Float], Float], x: ArrayLike, *, states: tuple[float, float] = (0.0, 1.0)
) -> Float:
    """Ratio matching, per sample.

        ℓ = Σ_i q_i(x)²,   q_i = 1/(1 + e^(log q(x) - log q(x^(i))))                                  (RTM.3)

    Parameters
    ----------
    log_prob : callable
        log q up to a constant, from (\\*batch, d) to (\\*batch,); it is called d + 1 times.
    x : (\\*batch, d)
        Bits, each one of the two `states`.
    states : tuple of float
        What the two values of a bit are: (0, 1) or (-1, 1).

    Returns
    -------
    (\\*batch,)
        ℓ in [0, d]. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If an entry of `x` is neither of the states, or what `log_prob` returns has not the shape of the batch.

    Notes
    -----
    No ½: the paper's ½ stands before two squares for each bit, which are equal. Not to be confused with
    pseudo-likelihood, -Σ_i log(1 - q_i), with the same conditionals and another loss.

    References
    ----------
    Hyvärinen (2007), Some extensions of score matching, Computational Statistics & Data Analysis 51, section 4.

    Examples
    --------
    One bit with P(1) = ¾, from its log odds: (¼)² where x = 1, (¾)² where x = 0.

    >>> import math
    >>> ratio_matching(lambda x: math.log(3) * x[..., 0], [[1], [0]])
    array([0.0625, 0.5625])
    """
    x, low_high = _bits(x, states)
    here = of_shape(log_prob(x), "log_prob(x)", x.shape[:-1], "the batch of x")
    value: Float = np.zeros(x.shape[:-1])
    for turned in _turned(x, low_high):
        there = of_shape(log_prob(turned), "log_prob(x)", x.shape[:-1], "the batch of x")
        value = value + expit(there - here) ** 2  # (RTM.3)
    return value


def ratio_matching_gradient(
    model: ParametricLogDensity, x: ArrayLike, *, states: tuple[float, float] = (0.0, 1.0)
) -> Float:
    """Gradient of the batch sum of :func:`ratio_matching` in the parameters of `model`.

        ∂ℓ/∂θ = Σ_i 2 q_i² (1 - q_i) [∂log q(x^(i))/∂θ - ∂log q(x)/∂θ]                                (RTM.4)

    Parameters
    ----------
    model : ParametricLogDensity
        The model, with `log_prob` and `log_prob_parameters`.
    x : (\\*batch, d)
        As for :func:`ratio_matching`.
    states : tuple of float
        As for :func:`ratio_matching`.

    Returns
    -------
    (p,)
        In the order of ``model.pack()``.
    """
    x, low_high = _bits(x, states)
    here = model.log_prob(x)
    total: Float = np.zeros(())
    pull: Float = np.zeros(x.shape[:-1])
    for turned in _turned(x, low_high):
        gap = model.log_prob(turned) - here
        weight: Float = 2 * expit(gap) ** 2 * expit(-gap)  # (RTM.4)
        total, pull = total + model.log_prob_parameters(turned, weight), pull + weight
    return total - model.log_prob_parameters(x, pull)


def _bits(x: ArrayLike, states: tuple[float, float]) -> tuple[Float, Float]:
    x = samples(x, "x")
    found = samples(states, "states", 2)
    if found.shape != (2,) or found[0] == found[1]:
        raise ValueError(f"states is {states!r}; expected two different numbers")
    wrong = (x != found[0]) & (x != found[1])
    if wrong.any():
        raise ValueError(f"x has a value of {x[wrong][0]}; expected {found[0]} or {found[1]}")
    return x, found


def _turned(x: Float, states: Float) -> Iterator[Float]:
    """x^(i) for each bit i."""
    for i in range(x.shape[-1]):
        turned = x.copy()
        turned[..., i] = np.where(x[..., i] == states[0], states[1], states[0])
        yield turned
