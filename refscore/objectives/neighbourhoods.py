"""Finite state spaces with neighbours: states are 0 … K-1, and each has m neighbours in a fixed order.

A table (K, m) says who they are. It need not be symmetric: what an objective asks for is every (x, n) whose n-th
neighbour is a given state, and that is found by counting.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, integer, of_shape

__all__ = ["Table", "hamming_neighbours", "pulled_back", "ring_neighbours", "states", "table", "table_of"]

Table = NDArray[np.int64]
StateScore = Callable[[Table], ArrayLike]


def ring_neighbours(k: int) -> Table:
    """The neighbours on a ring: the next state, and the one before.

    Parameters
    ----------
    k : int
        K ≥ 3 states.

    Returns
    -------
    (K, 2) ndarray of int
        x + 1 and x - 1, modulo K.

    Examples
    --------
    >>> ring_neighbours(3).tolist()
    [[1, 2], [2, 0], [0, 1]]
    """
    states = np.arange(integer(k, "k", 3))
    return np.stack([(states + 1) % k, (states - 1) % k], axis=-1)


def hamming_neighbours(d: int) -> Table:
    """The neighbours of d bits: state x is the number with these bits, and its i-th neighbour has bit i turned.

    Parameters
    ----------
    d : int
        Number of bits, d ≥ 1.

    Returns
    -------
    (2^d, d) ndarray of int
        x with bit i turned; bit 0 counts 1.

    Examples
    --------
    >>> hamming_neighbours(2).tolist()
    [[1, 2], [0, 3], [3, 0], [2, 1]]
    """
    d = integer(d, "d", 1)
    value: Table = np.arange(2**d)[:, None] ^ (1 << np.arange(d))
    return value


def table(neighbours: ArrayLike) -> Table:
    """Hold `neighbours` to a table of states.

    Parameters
    ----------
    neighbours : (K, m) array_like of int
        For each state its neighbours.

    Returns
    -------
    (K, m) ndarray of int
        The same.

    Raises
    ------
    TypeError
        If they are no integers.
    ValueError
        If the shape is another, or one of them is no state.

    Examples
    --------
    >>> table([[1], [2]])
    Traceback (most recent call last):
        ...
    ValueError: neighbours has a value of 2; expected states 0 … 1
    """
    found = np.asarray(neighbours)
    if found.ndim != 2 or found.size == 0:
        raise ValueError(f"neighbours has shape {found.shape}; expected (K, m)")
    return states(found, "neighbours", len(found))


def states(x: ArrayLike, name: str, k: int) -> Table:
    """Hold `x` to the states 0 … K-1.

    Parameters
    ----------
    x, name : array_like of int, str
        The states, and what they are called in the error.
    k : int
        K.

    Returns
    -------
    ndarray of int
        The same.

    Raises
    ------
    TypeError
        If they are no integers.
    ValueError
        If one of them is no state.

    Examples
    --------
    >>> states([0.5], "x", 3)
    Traceback (most recent call last):
        ...
    TypeError: x has dtype float64; expected integers
    """
    found = np.asarray(x)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {found.dtype}; expected integers")
    wrong = (found < 0) | (found >= k)
    if wrong.any():
        raise ValueError(f"{name} has a value of {found[wrong].flat[0]}; expected states 0 … {k - 1}")
    return found.astype(np.int64)


def table_of(score: StateScore, neighbours: Table) -> Float:
    """The score of every state, (K, m).

    Parameters
    ----------
    score : callable
        From states (K,) to (K, m).
    neighbours : (K, m) ndarray of int
        As from :func:`table`.

    Returns
    -------
    (K, m)
        Its values.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> table_of(lambda x: [[1.0, 2.0, 3.0]], ring_neighbours(3))
    Traceback (most recent call last):
        ...
    ValueError: score(x) has shape (1, 3); expected (3, 2), the shape of neighbours
    """
    return of_shape(score(np.arange(len(neighbours))), "score(x)", neighbours.shape, "neighbours")


def pulled_back(values: Float, neighbours: Table) -> Float:
    """For each state y, the sum of a table's entries (x, n) whose n-th neighbour is y.

    Parameters
    ----------
    values : (K, m)
        The table.
    neighbours : (K, m) ndarray of int
        The neighbours.

    Returns
    -------
    (K,)
        Σ over x, n with x_n = y of the entries.

    Examples
    --------
    >>> import numpy as np
    >>> pulled_back(np.array([[1.0], [2.0], [4.0]]), np.array([[1], [0], [0]]))
    array([6., 1., 0.])
    """
    value: Float = np.zeros(len(neighbours))
    np.add.at(value, neighbours, values)
    return value
