"""The arguments that all conversions share, held to their shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift

__all__ = ["nonzero", "operands", "rate"]


def operands(value: ArrayLike, x: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> tuple[Float, Float, Float, Float]:
    """Hold a prediction, its sample, α and σ to their shapes.

    Parameters
    ----------
    value, x : (\\*batch, d)
        The prediction, and the noised sample it belongs to.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0.

    Returns
    -------
    value, x : (\\*batch, d)
        In float64.
    alpha, sigma : () or (\\*batch, 1)
        In float64, with an event axis.

    Raises
    ------
    ValueError
        If a shape is another, or α or σ is negative.

    Examples
    --------
    >>> operands([1.0, 2.0], [1.0], 1, 1)
    Traceback (most recent call last):
        ...
    ValueError: value has shape (2,); expected (1,), the shape of x
    """
    sample, prediction = as_float64(x, "x"), as_float64(value, "value")
    if sample.ndim == 0:
        raise ValueError("x has shape (); expected (*batch, d)")
    if prediction.shape != sample.shape:
        raise ValueError(f"value has shape {prediction.shape}; expected {sample.shape}, the shape of x")
    scales = rate(alpha, sample, "alpha"), rate(sigma, sample, "sigma")
    for name, scale in zip(("alpha", "sigma"), scales, strict=True):
        if (scale < 0).any():
            raise ValueError(f"{name} is {float(scale[scale < 0].flat[0])}; expected no negative value")
    return prediction, sample, *scales


def rate(value: ArrayLike, x: ArrayLike, name: str) -> Float:
    """A function of time, such as α', ready to multiply `x`.

    Parameters
    ----------
    value : () or (\\*batch,)
        Its value, one for all samples or one for each.
    x : (\\*batch, d)
        The samples.
    name : str
        What it is called, for the error.

    Returns
    -------
    () or (\\*batch, 1)
        `value` in float64, with an event axis.

    Raises
    ------
    ValueError
        If its shape is another, or it is infinite, as σ' at the data is on some paths.

    Examples
    --------
    >>> rate([1, 2, 3], [[1.0], [2.0]], "alpha_dot")
    Traceback (most recent call last):
        ...
    ValueError: alpha_dot has shape (3,); expected () or the batch shape (2,) of x with shape (2, 1)
    """
    return lift(as_float64(value, name), as_float64(x, "x"), name)


def nonzero(divisor: Float, name: str) -> Float:
    """Refuse to divide by zero, by name.

    Parameters
    ----------
    divisor : ndarray
        What is to be divided by.
    name : str
        What it is called, for the error.

    Returns
    -------
    ndarray
        `divisor`.

    Raises
    ------
    ValueError
        If it is 0 anywhere.

    Examples
    --------
    >>> nonzero(np.array(0.0), "alpha")
    Traceback (most recent call last):
        ...
    ValueError: alpha is 0 somewhere, and this conversion divides by it
    """
    if (np.asarray(divisor) == 0).any():
        raise ValueError(f"{name} is 0 somewhere, and this conversion divides by it")
    return divisor
