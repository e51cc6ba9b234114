"""What the truths about discrete variables share: laws on a finite state space, and means by enumeration."""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, of_shape, positive
from refscore.objectives.neighbourhoods import Table, table

__all__ = ["law", "noised", "positive_law", "ratios", "spread"]


def law(probabilities: ArrayLike, name: str = "probabilities") -> Float:
    """Hold `probabilities` to a law.

    Parameters
    ----------
    probabilities, name : (K,), str
        p ≥ 0, and what it is called in the error.

    Returns
    -------
    (K,)
        The same in float64.

    Raises
    ------
    ValueError
        If one is negative, or they do not sum to 1.

    Examples
    --------
    >>> law([0.5, 0.25])
    Traceback (most recent call last):
        ...
    ValueError: probabilities has shape (2,) and sum 0.75; expected (K,) with sum 1
    """
    p = not_negative(as_float64(probabilities, name), name)
    if p.ndim != 1 or abs(p.sum() - 1) > 2.0**-40:
        raise ValueError(f"{name} has shape {p.shape} and sum {p.sum()}; expected (K,) with sum 1")
    return p


def positive_law(probabilities: ArrayLike, neighbours: ArrayLike) -> tuple[Float, Table]:
    """Hold `probabilities` to positive numbers, one for each state of a table of neighbours.

    Parameters
    ----------
    probabilities : (K,)
        p > 0, up to a constant factor.
    neighbours : (K, m) array_like of int
        The table.

    Returns
    -------
    probabilities : (K,)
        In float64.
    neighbours : (K, m) ndarray of int
        The table.

    Raises
    ------
    ValueError
        If a shape does not fit, or one is not positive.
    """
    near = table(neighbours)
    return positive(of_shape(probabilities, "probabilities", near.shape[:1], "the states"), "probabilities"), near


def noised(probabilities: ArrayLike, kernel: ArrayLike) -> tuple[Float, Float]:
    """Hold `probabilities` and the rows of `kernel` to laws.

    Parameters
    ----------
    probabilities : (K,)
        p of the clean state.
    kernel : (K, K)
        q(x|x0), a row for each x0.

    Returns
    -------
    probabilities : (K,)
        In float64.
    kernel : (K, K)
        In float64.

    Raises
    ------
    ValueError
        If a shape does not fit, or one of them is no law.
    """
    p = law(probabilities)
    q = of_shape(kernel, "kernel", (len(p), len(p)), "the states squared")
    for row in q:
        law(row, "a row of kernel")
    return p, q


def ratios(kernel: Float, neighbours: ArrayLike) -> Float:
    """The ratios that denoising regresses on, of all pairs.

    Parameters
    ----------
    kernel : (K, K)
        q(x|x0) > 0.
    neighbours : (K, m) array_like of int
        The table.

    Returns
    -------
    (K, K, m)
        q(x_n|x0)/q(x|x0), by x0, x and n.

    Raises
    ------
    ValueError
        If a probability is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> ratios(np.array([[0.25, 0.75], [0.5, 0.5]]), [[1], [0]])[0].tolist()
    [[3.0], [0.3333333333333333]]
    """
    value: Float = kernel[:, table(neighbours)] / positive(kernel, "kernel")[..., None]
    return value


def spread(values: Float, probabilities: Float) -> float:
    """The variance of values under a law, about their mean.

    Parameters
    ----------
    values, probabilities : (K,)
        The values, and p.

    Returns
    -------
    float
        Σ p (v - Σ p v)².

    Examples
    --------
    >>> import numpy as np
    >>> spread(np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    1.0
    """
    return float(probabilities @ (values - probabilities @ values) ** 2)
