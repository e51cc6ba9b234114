"""The factor F of a Gaussian proposal m + F z or of a preconditioner P = F Fᵀ: a number, a diagonal or a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64

__all__ = ["applied", "as_factor", "solved", "transposed"]


def as_factor(factor: ArrayLike, d: int) -> Float:
    """Hold a factor to (), (d,) or (d, d), and to full rank.

    Parameters
    ----------
    factor : (), (d,) or (d, d)
        F.
    d : int
        Dimension.

    Returns
    -------
    (), (d,) or (d, d)
        F in float64.

    Raises
    ------
    ValueError
        If the shape is another, or F is singular to working precision.

    Examples
    --------
    >>> as_factor([[1, 1], [1, 1]], 2)
    Traceback (most recent call last):
        ...
    ValueError: factor is singular; expected an invertible matrix F, the covariance being F Fᵀ
    """
    array = as_float64(factor, "factor")
    if array.shape not in ((), (d,), (d, d)):
        raise ValueError(f"factor has shape {array.shape}; expected (), ({d},) or ({d}, {d}) for x of dimension {d}")
    if array.ndim < 2:
        if (array == 0).any():
            raise ValueError("factor has a value of 0; expected every scale to be other than 0")
        return array
    values = np.linalg.svd(np.asarray(array, dtype=np.float64), compute_uv=False)
    if values[-1] <= d * 2.0**-53 * values[0]:
        raise ValueError("factor is singular; expected an invertible matrix F, the covariance being F Fᵀ")
    return array


def applied(factor: Float, z: Float) -> Float:
    """F z for each row of `z`.

    Parameters
    ----------
    factor : (), (d,) or (d, d)
        F.
    z : (\\*batch, d)
        Vectors.

    Returns
    -------
    (\\*batch, d)
        F z.
    """
    value: Float = z @ factor.T if factor.ndim == 2 else factor * z
    return value


def transposed(factor: Float, z: Float) -> Float:
    """Fᵀ z for each row of `z`.

    Parameters
    ----------
    factor : (), (d,) or (d, d)
        F.
    z : (\\*batch, d)
        Vectors.

    Returns
    -------
    (\\*batch, d)
        Fᵀ z.
    """
    value: Float = z @ factor if factor.ndim == 2 else factor * z
    return value


def solved(factor: Float, y: Float) -> Float:
    """F⁻¹ y for each row of `y`.

    Parameters
    ----------
    factor : (), (d,) or (d, d)
        F, invertible.
    y : (\\*batch, d)
        Vectors.

    Returns
    -------
    (\\*batch, d)
        F⁻¹ y.
    """
    if factor.ndim < 2:
        return np.asarray(y / factor)
    return np.asarray(np.linalg.solve(factor, y.reshape(-1, y.shape[-1]).T).T.reshape(y.shape))
