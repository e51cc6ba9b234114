"""The arguments that all conversions share, held to their shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, not_negative, of_shape, samples

__all__ = ["nonzero", "operands", "rates"]


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
    x = samples(x, "x")
    value = of_shape(value, "value", x.shape, "x")
    return value, x, lift(alpha, x, "alpha", not_negative), lift(sigma, x, "sigma", not_negative)


def rates(alpha_dot: ArrayLike, sigma_dot: ArrayLike, x: Float) -> tuple[Float, Float]:
    """α' and σ', ready to multiply `x`.

    Parameters
    ----------
    alpha_dot, sigma_dot : () or (\\*batch,)
        One for all samples or one for each.
    x : (\\*batch, d)
        The samples.

    Returns
    -------
    alpha_dot, sigma_dot : () or (\\*batch, 1)
        In float64, with an event axis.

    Raises
    ------
    ValueError
        If a shape is another, or a value is infinite, as σ' at the data is on some paths.

    Examples
    --------
    >>> rates(1, [1, 2, 3], np.array([[1.0], [2.0]]))
    Traceback (most recent call last):
        ...
    ValueError: sigma_dot has shape (3,); expected () or the batch shape (2,) of x with shape (2, 1)
    """
    return lift(alpha_dot, x, "alpha_dot", as_float64), lift(sigma_dot, x, "sigma_dot", as_float64)


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
