"""Points, weights and noise levels as every target reads them, and rows a block at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, lift, read_only

__all__ = ["as_direction", "as_points", "as_weights", "by_blocks", "choose", "levels", "observation", "scalars"]

BLOCK = 2**16  # numbers in one temporary: what the cache holds


def as_points(x: ArrayLike, d: int, name: str = "x") -> Float:
    """`x` as finite float64 points (\\*batch, d), or say what is wrong with it."""
    x = as_float64(x, name)
    if x.ndim == 0 or x.shape[-1] != d:
        raise ValueError(f"{name} has shape {x.shape}; expected (*batch, {d})")
    return x


def as_direction(x: ArrayLike, v: ArrayLike, d: int) -> Float:
    """`v` as finite float64 directions, one for each of the points `x`, or say what is wrong with it."""
    x, v = as_points(x, d), as_points(v, d, "v")
    if v.shape != x.shape:
        raise ValueError(f"v has shape {v.shape}; expected that of x, {x.shape}")
    return v


def as_weights(weights: ArrayLike, count: int, what: str) -> Float:
    """`weights` as `count` read-only probabilities, or say what is wrong with them."""
    weights = read_only(weights, "weights")
    if weights.shape != (count,):
        raise ValueError(f"weights has shape {weights.shape}; expected ({count},), one for each of the {count} {what}")
    if (weights < 0).any():
        raise ValueError(f"weights has a value of {weights.min()}; expected weights >= 0")
    excess = math.fsum([*weights.tolist(), -1.0])
    if abs(excess) > 4 * count * 2.0**-53:  # what rounding in w / w.sum() explains
        raise ValueError(f"weights sum to 1 {excess:+.3g}; expected 1, so divide them by their sum (in float64)")
    return weights


def choose(weights: Float, uniform: ArrayLike, noise: Float) -> NDArray[np.intp]:
    """For each row of noise the least k with w_1 + … + w_k > u, shape (n,)."""
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


def levels(alpha: ArrayLike, sigma: ArrayLike) -> tuple[Float, Float]:
    """α and σ as float64, neither negative, never both 0, or say what is wrong with them."""
    alpha, sigma = as_float64(alpha, "alpha"), as_float64(sigma, "sigma")
    for name, level in (("alpha", alpha), ("sigma", sigma)):
        if (level < 0).any():
            raise ValueError(f"{name} is {level.min()}; expected {name} >= 0")
    if alpha.ndim and sigma.ndim and alpha.shape != sigma.shape:
        raise ValueError(f"sigma has shape {sigma.shape}; expected () or that of alpha, {alpha.shape}")
    if ((alpha == 0) & (sigma == 0)).any():
        raise ValueError("alpha and sigma are both 0; expected at least one to be positive")
    return alpha, sigma


def scalars(alpha: ArrayLike, sigma: ArrayLike) -> tuple[float, float]:
    """One α and one σ, as :func:`levels` takes them."""
    alpha, sigma = levels(alpha, sigma)
    for name, level in (("alpha", alpha), ("sigma", sigma)):
        if level.ndim:
            raise ValueError(f"{name} has shape {level.shape}; expected a scalar")
    return float(alpha), float(sigma)


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
    x (n, d), alpha (n, 1), sigma (n, 1)
        With ½ ≤ max(α, σ) < 1.
    """
    x, (alpha, sigma) = as_points(x, d), levels(alpha, sigma)
    rows = x.reshape(-1, d)
    shape = (len(rows), 1)
    alpha = np.broadcast_to(lift(alpha, x, "alpha").reshape(-1, 1), shape)
    sigma = np.broadcast_to(lift(sigma, x, "sigma").reshape(-1, 1), shape)
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
