"""Shapes, dtypes and signs: the only helpers the formulas share.

A sample is ``(*batch, d)``, event axis last. A time or noise level is ``()`` or exactly ``(*batch,)``. NumPy would
broadcast a wrong one without a word, so every argument, and what a foreign score returns, is held to its shape here.

A check takes a value and its name, and returns the value in float64. It may be handed to :func:`number`, for one
number, and to :func:`lift`, for one number or one for each sample: ``lift(sigma, x, "sigma", positive)``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Check = Callable[[ArrayLike, str], Float]

__all__ = [
    "Check",
    "Float",
    "as_float64",
    "integer",
    "lift",
    "not_negative",
    "number",
    "of_shape",
    "positive",
    "read_only",
    "samples",
]


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
    value, name : array_like, str
        As for :func:`as_float64`.
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


def lift(t: ArrayLike, x: Float, name: str = "t", check: Check | None = None) -> Float:
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
    check : callable, optional
        What else `t` is held to: :func:`positive`, :func:`not_negative`, :func:`as_float64`.

    Returns
    -------
    () or (\\*batch, 1)
        `t`, ready to multiply `x`.

    Raises
    ------
    ValueError
        If the shape of `t` is neither () nor the batch shape of `x`, or `t` does not pass `check`.

    Examples
    --------
    >>> lift(np.array([1.0, 2.0]), np.ones((2, 3))) * np.ones((2, 3))
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    array: Float = np.asarray(t) if check is None else check(t, name)
    if array.ndim and array.shape != x.shape[:-1]:
        raise ValueError(
            f"{name} has shape {array.shape}; expected () or the batch shape {x.shape[:-1]} of x with shape {x.shape}"
        )
    return array[..., None] if array.ndim else array


def samples(x: ArrayLike, name: str, d: int | None = None) -> Float:
    """Hold `x` to the shape of samples, event axis last.

    Parameters
    ----------
    x, name : (\\*batch, d), str
        The samples, and what they are called in the error.
    d : int, optional
        The dimension that is expected.

    Returns
    -------
    (\\*batch, d)
        `x` in float64.

    Raises
    ------
    ValueError
        If there is no event axis, or it has another length than `d`.

    Examples
    --------
    >>> samples([[1, 2]], "x", 3)
    Traceback (most recent call last):
        ...
    ValueError: x has shape (1, 2); expected (*batch, 3)
    """
    array = as_float64(x, name)
    if array.ndim == 0 or array.shape[-1] == 0 or (d is not None and array.shape[-1] != d):
        raise ValueError(f"{name} has shape {array.shape}; expected (*batch, {'d' if d is None else d})")
    return array


def of_shape(value: ArrayLike, name: str, shape: tuple[int, ...], whose: str) -> Float:
    """Hold `value` to the shape of something else.

    Parameters
    ----------
    value, name : array_like, str
        An argument or what a score returned, and what it is called in the error.
    shape, whose : tuple of int, str
        The shape that is expected, and whose it is.

    Returns
    -------
    ndarray
        `value` in float64.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> of_shape([1, 2], "score(x)", (2, 1), "x")
    Traceback (most recent call last):
        ...
    ValueError: score(x) has shape (2,); expected (2, 1), the shape of x
    """
    array = as_float64(value, name)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}, the shape of {whose}")
    return array


def positive(value: ArrayLike, name: str) -> Float:
    """Hold every number of `value` above 0.

    Parameters
    ----------
    value, name : array_like, str
        As for :func:`as_float64`.

    Returns
    -------
    ndarray
        `value` in float64.

    Raises
    ------
    ValueError
        If one is 0 or less.

    Examples
    --------
    >>> positive(0, "sigma")
    Traceback (most recent call last):
        ...
    ValueError: sigma is 0.0; expected sigma > 0
    """
    array = as_float64(value, name)
    if not (array > 0).all():
        raise ValueError(f"{_least(array, name)}; expected {name} > 0")
    return array


def not_negative(value: ArrayLike, name: str) -> Float:
    """Hold every number of `value` to at least 0.

    Parameters
    ----------
    value, name : array_like, str
        As for :func:`as_float64`.

    Returns
    -------
    ndarray
        `value` in float64.

    Raises
    ------
    ValueError
        If one is less.

    Examples
    --------
    >>> not_negative([0, -2], "weights")
    Traceback (most recent call last):
        ...
    ValueError: weights has a value of -2.0; expected weights >= 0
    """
    array = as_float64(value, name)
    if not (array >= 0).all():
        raise ValueError(f"{_least(array, name)}; expected {name} >= 0")
    return array


def number(value: ArrayLike, name: str, check: Check = as_float64) -> float:
    """Hold a parameter to one real number.

    Parameters
    ----------
    value, name : (), str
        The parameter, and what it is called in the error.
    check : callable
        What else it is held to: :func:`positive` or :func:`not_negative`.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ValueError
        If it is an array, or does not pass `check`.

    Examples
    --------
    >>> number([1], "step_size", positive)
    Traceback (most recent call last):
        ...
    ValueError: step_size has shape (1,); expected a single number
    """
    array = as_float64(value, name)
    if array.shape != ():
        raise ValueError(f"{name} has shape {array.shape}; expected a single number")
    return float(check(array, name))


def integer(value: SupportsIndex, name: str, least: int | None = None) -> int:
    """Hold a parameter to one integer; a float such as 2.0 is none, nor is True.

    Parameters
    ----------
    value, name : int, str
        The parameter, and what it is called in the error.
    least : int, optional
        The least that is accepted.

    Returns
    -------
    int
        `value`.

    Raises
    ------
    TypeError
        If it is no integer.
    ValueError
        If it is less than `least`.

    Examples
    --------
    >>> integer(2.0, "n", 1)
    Traceback (most recent call last):
        ...
    TypeError: n is 2.0, of type float; expected an integer
    """
    try:
        found = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        found = None
    if found is None:
        raise TypeError(f"{name} is {value!r}, of type {type(value).__name__}; expected an integer")
    if least is not None and found < least:
        raise ValueError(f"{name} is {found}; expected at least {least}")
    return found


def _least(array: Float, name: str) -> str:
    return f"{name} {'has a value of' if array.ndim else 'is'} {array.min()}"
