"""Shapes and dtypes: the only helpers the formulas share.

A sample is ``(*batch, d)``, event axis last. A time or noise level is ``()`` or exactly ``(*batch,)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]

__all__ = ["Float", "as_float64", "lift", "read_only"]


def as_float64(value: ArrayLike, name: str) -> Float:
    """Return `value` as a finite float64 array, or say what is wrong with it.

    Parameters
    ----------
    value : array_like
        Integers, float32 or float64; lists and scalars too.
    name : str
        The argument's name, for the error.

    Returns
    -------
    ndarray
        `value` in float64; the same array where it is one already.

    Raises
    ------
    TypeError
        If the values are not real numbers, or are float16 (its 11 bits cannot carry a reference value).
    ValueError
        If the nesting is ragged, or any value is infinite or not a number.

    Examples
    --------
    >>> as_float64([1, 2], "x")
    array([1., 2.])
    >>> as_float64([1, float("nan")], "x")
    Traceback (most recent call last):
        ...
    ValueError: x has 1 value that is not finite (the first at index (1,) is nan)
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: {error}") from None
    if array.dtype.kind not in "iuf" or array.dtype == np.float16:
        raise TypeError(f"{name} has dtype {array.dtype}; expected integers, float32 or float64")
    array = array.astype(np.float64, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        count = int(array.size - np.count_nonzero(finite))
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        many = "value that is" if count == 1 else "values that are"
        raise ValueError(f"{name} has {count} {many} not finite (the first at index {first} is {array[first]})")
    return array


def read_only(value: ArrayLike, name: str, shape: tuple[int, ...] | None = None) -> Float:
    """A private float64 copy of `value` that nobody can write to, for the fields of frozen values.

    Parameters
    ----------
    value : array_like
        As for :func:`as_float64`.
    name : str
        The argument's name, for the error.
    shape : tuple of int, optional
        The shape that is expected.

    Returns
    -------
    ndarray
        The copy, not writeable.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> read_only([1, 2, 3], "mean", (2,))
    Traceback (most recent call last):
        ...
    ValueError: mean has shape (3,); expected (2,)
    """
    array = np.array(as_float64(value, name))
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    array.setflags(write=False)
    return array


def lift(t: Float, x: Float, name: str = "t") -> Float:
    """Give the time `t` the event axis of `x`, so that ``lift(t, x) * x`` means t times each sample.

    The one place that adds an axis: with a batch of d samples of dimension d, ``t * x`` is wrong without a word.

    Parameters
    ----------
    t : () or (\\*batch,)
        A time or a noise level.
    x : (\\*batch, d)
        The samples it belongs to.
    name : str
        What `t` is called, for the error.

    Returns
    -------
    () or (\\*batch, 1)
        `t`, ready to multiply `x`.

    Raises
    ------
    ValueError
        If the shape of `t` is neither () nor the batch shape of `x`.

    Examples
    --------
    >>> lift(np.array([1.0, 2.0]), np.ones((2, 3))) * np.ones((2, 3))
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    t = np.asarray(t)
    if t.ndim == 0:
        return t
    if t.shape != x.shape[:-1]:
        raise ValueError(
            f"{name} has shape {t.shape}; expected () or the batch shape {x.shape[:-1]} of x with shape {x.shape}"
        )
    return t[..., None]
