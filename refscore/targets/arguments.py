"""Weights, the units of an observation, and rows a block at a time, as every target needs them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, lift, not_negative, number, read_only, samples

__all__ = ["as_weights", "by_blocks", "choose", "observation", "scalars"]

BLOCK = 2**16  # numbers in one temporary: what the cache holds


def as_weights(weights: ArrayLike, count: int, what: str) -> Float:
    """Hold weights to probabilities.

    Parameters
    ----------
    weights : (count,)
        w_k ≥ 0, of sum 1 up to what rounding in ``w / w.sum()`` explains.
    count : int
        How many there should be.
    what : str
        What each belongs to, in the plural, for the error.

    Returns
    -------
    (count,)
        A read-only copy in float64.

    Raises
    ------
    ValueError
        If there is another number of them, one is negative, or they do not sum to one.

    Examples
    --------
    >>> as_weights([0.5, 0.25], 2, "means")
    Traceback (most recent call last):
        ...
    ValueError: weights sum to 1 -0.25; expected 1, so divide them by their sum (in float64)
    """
    weights = read_only(weights, "weights")
    if weights.shape != (count,):
        raise ValueError(f"weights has shape {weights.shape}; expected ({count},), one for each of the {count} {what}")
    not_negative(weights, "weights")
    excess = math.fsum([*weights.tolist(), -1.0])
    if abs(excess) > 4 * count * 2.0**-53:  # what rounding in w / w.sum() explains
        raise ValueError(f"weights sum to 1 {excess:+.3g}; expected 1, so divide them by their sum (in float64)")
    return weights


def choose(weights: Float, uniform: ArrayLike, noise: Float) -> NDArray[np.intp]:
    """For each row of noise the least k with w_1 + … + w_k > u.

    Parameters
    ----------
    weights : (K,)
        As :func:`as_weights` returns them.
    uniform : (\\*batch,)
        u in [0, 1).
    noise : (\\*batch, d)
        Whose batch shape `uniform` should have.

    Returns
    -------
    (n,)
        Indices k from 0, n = the size of the batch.

    Raises
    ------
    ValueError
        If the shape of `uniform` is another, or a value is outside [0, 1).

    Examples
    --------
    >>> choose(np.array([0.25, 0.75]), [0.2, 0.3], np.zeros((2, 3)))
    array([0, 1])
    """
    uniform = as_float64(uniform, "uniform")
    if uniform.shape != noise.shape[:-1]:
        raise ValueError(
            f"uniform has shape {uniform.shape}; expected the batch shape {noise.shape[:-1]} "
            f"of noise with shape {noise.shape}"
        )
    if ((uniform < 0) | (uniform >= 1)).any():
        raise ValueError(f"uniform has values from {uniform.min()} to {uniform.max()}; expected them in [0, 1)")
    last = np.flatnonzero(weights)[-1]  # the sum may end a rounding short of 1
    chosen: NDArray[np.intp] = np.searchsorted(np.cumsum(weights), uniform.ravel(), side="right").clip(max=last)
    return chosen


def scalars(alpha: ArrayLike, sigma: ArrayLike) -> tuple[float, float]:
    """Hold α and σ to one level: neither negative, not both 0.

    Parameters
    ----------
    alpha, sigma : ()
        Scales of signal and noise.

    Returns
    -------
    alpha, sigma : float
        The level.

    Raises
    ------
    ValueError
        If one is an array or negative, or both are 0.

    Examples
    --------
    >>> scalars(0, 0)
    Traceback (most recent call last):
        ...
    ValueError: alpha and sigma are both 0; expected at least one to be positive
    """
    alpha, sigma = number(alpha, "alpha", not_negative), number(sigma, "sigma", not_negative)
    _refuse_nothing(np.asarray(alpha), np.asarray(sigma))
    return alpha, sigma


def observation(x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike, d: int) -> tuple[Float, Float, Float]:
    """The rows of x = α x0 + σ ε, in units that make max(α, σ) about 1.

    x0 given x does not change when x, α and σ are divided by one number. A power of 2 divides without rounding, and
    keeps α² and σ² from overflow and underflow.

    Parameters
    ----------
    x : (\\*batch, d)
        Noisy points.
    alpha, sigma : () or (\\*batch,)
        Not negative, not both 0.
    d : int
        The dimension `x` must have.

    Returns
    -------
    x : (n, d)
        The points as rows.
    alpha, sigma : (n, 1)
        With ½ ≤ max(α, σ) < 1.

    Raises
    ------
    ValueError
        If a shape is another, α or σ is negative, or both are 0.

    Examples
    --------
    >>> observation([8.0, 4.0], 2, 8, 2)
    (array([[0.5 , 0.25]]), array([[0.125]]), array([[0.5]]))
    """
    x = samples(x, "x", d)
    rows, shape = x.reshape(-1, d), (x.size // d, 1)
    alpha = np.broadcast_to(lift(alpha, x, "alpha", not_negative).reshape(-1, 1), shape)
    sigma = np.broadcast_to(lift(sigma, x, "sigma", not_negative).reshape(-1, 1), shape)
    _refuse_nothing(alpha, sigma)
    exponent = -np.frexp(np.maximum(alpha, sigma))[1]
    return np.ldexp(rows, exponent), np.ldexp(alpha, exponent), np.ldexp(sigma, exponent)


def by_blocks(function: Callable[..., Float], size: int, *rows: Float) -> Float:
    """The function of rows (n, …), where one row needs `size` numbers, in blocks that need about 2¹⁶ numbers.

    So temporaries stay in the cache and never grow with n; only the result does.

    Parameters
    ----------
    function : callable
        From blocks of `rows` to (rows in the block, …).
    size : int
        Numbers that the largest temporary holds for one row.
    *rows : (n, …)
        Arguments of the function.

    Returns
    -------
    (n, …)
        As if the function had been called once.
    """
    step, n = max(1, BLOCK // size), len(rows[0])
    first = function(*(a[:step] for a in rows))
    value = np.empty((n, *first.shape[1:]))
    value[:step] = first
    for i in range(step, n, step):
        value[i : i + step] = function(*(a[i : i + step] for a in rows))
    return value


def _refuse_nothing(alpha: Float, sigma: Float) -> None:
    if ((alpha == 0) & (sigma == 0)).any():
        raise ValueError("alpha and sigma are both 0; expected at least one to be positive")
