"""The arguments that schedules share, held to what they can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64

__all__ = ["count", "line", "number", "with_ends"]


def number(value: ArrayLike, name: str) -> float:
    """Hold an argument to a single finite number.

    Parameters
    ----------
    value : float
        The argument.
    name : str
        What it is called, for the error.

    Returns
    -------
    float
        `value`.

    Raises
    ------
    ValueError
        If it is an array.
    """
    array = as_float64(value, name)
    if array.shape != ():
        raise ValueError(f"{name} has shape {array.shape}; expected a single number")
    return float(array)


def count(value: object, name: str) -> int:
    """Hold an argument to a whole number of at least 1.

    Parameters
    ----------
    value : int
        The argument.
    name : str
        What it is called, for the error.

    Returns
    -------
    int
        `value`.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < 1:
        raise ValueError(f"{name} is {value}; expected at least 1")
    return int(value)


def line(first: float, last: float, n: int) -> Float:
    """Give n values at equal distances; `first` alone where n = 1.

    Parameters
    ----------
    first, last : float
        The ends.
    n : int
        How many.

    Returns
    -------
    (n,)
        ((n - 1 - i) first + i last) / (n - 1): the smaller end keeps its digits, which ``linspace`` lets it lose to the
        larger one.

    Examples
    --------
    >>> line(3, 1, 5).tolist()
    [3.0, 2.5, 2.0, 1.5, 1.0]
    """
    i, intervals = np.arange(n), max(n - 1, 1)
    return with_ends(((intervals - i) * first + i * last) / intervals, first, last)


def with_ends(values: Float, first: float, last: float) -> Float:
    """Put the exact ends where rounding has put almost those.

    Parameters
    ----------
    values : (n,)
        A schedule; changed in place.
    first, last : float
        Its ends; the first one counts where n = 1.

    Returns
    -------
    (n,)
        `values`.

    Examples
    --------
    >>> with_ends(np.array([3.0000000000000004, 2.0, 1.0]), 3, 1).tolist()
    [3.0, 2.0, 1.0]
    """
    values[-1] = last
    values[0] = first
    return values
