"""The models that an implementation under test is given: the same field in any array library.

    s(x, τ) = -(A (x - b) + c ∘ x³) / (1 + τ),   ∂s/∂x = -(A + 3 diag(c ∘ x²)) / (1 + τ)             (FIELD.1)

It is not the score of anything: A is not symmetric and b not zero, so that a transposed matrix, a lost centre or a
Jacobian taken at the wrong point changes the value. Only + × ÷ occur, which every library rounds the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float, lift

__all__ = ["Field"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The field of (FIELD.1); called with a level τ where the capability says that the model takes one.

    Parameters
    ----------
    matrix : (d, d) ndarray
        A.
    centre : (d,) ndarray
        b.
    cubic : (d,) ndarray
        c.
    """

    matrix: Float
    centre: Float
    cubic: Float

    def __call__(self, x: Float, level: Float | float | None = None) -> Float:
        """s(x, τ), shape of `x`; without a level τ = 0."""
        return np.asarray(_formula(x, self.matrix, self.centre, self.cubic, _scale(x, level)))

    def jacobian(self, x: Float, level: Float | float | None = None) -> Float:
        """∂s_i/∂x_j, shape (\\*batch, d, d)."""
        d = len(self.centre)
        curvature = 3 * self.cubic * x**2
        jacobian: Float = -(self.matrix + curvature[..., None] * np.eye(d, dtype=x.dtype)) / _widen(_scale(x, level))
        return jacobian

    def trace(self, x: Float, level: Float | float | None = None) -> Float:
        """tr ∂s/∂x, shape (\\*batch,)."""
        return np.asarray(np.trace(self.jacobian(x, level), axis1=-2, axis2=-1))

    def vjp(self, x: Float, v: Float, level: Float | float | None = None) -> Float:
        """vᵀ ∂s/∂x, shape of `v`."""
        product: Float = np.einsum("...i,...ij->...j", v, self.jacobian(x, level))
        return product

    def magnitude(self, x: Float, level: Float | float | None = None) -> Float:
        """Size of the terms of s at points of size |x|, for error bounds."""
        size = (np.abs(x) + np.abs(self.centre)) @ np.abs(self.matrix).T + np.abs(self.cubic) * np.abs(x) ** 3
        return np.asarray(size / _scale(x, level))

    def jacobian_magnitude(self, x: Float, level: Float | float | None = None) -> Float:
        """Size of the terms of ∂s/∂x, shape (\\*batch, d, d)."""
        curvature = 3 * np.abs(self.cubic) * x**2
        terms = np.abs(self.matrix) + curvature[..., None] * np.eye(len(self.centre))
        return np.asarray(terms / _widen(_scale(x, level)))

    def cast(self, dtype: str) -> Field:
        """The same field, its parameters in `dtype` (they are dyadic: no value changes)."""
        return Field(*(np.asarray(p, dtype=dtype) for p in (self.matrix, self.centre, self.cubic)))

    def in_library(self, array: Any) -> Any:
        """The field as a function of another library's arrays, given its constructor of arrays."""
        matrix, centre, cubic = array(self.matrix), array(self.centre), array(self.cubic)

        def score(x: Any, level: Any = None) -> Any:
            if level is None:
                scale: Any = 1.0
            else:
                scale = 1.0 + (level[..., None] if getattr(level, "ndim", 0) else level)
            return _formula(x, matrix, centre, cubic, scale)

        return score


def _formula(x: Any, matrix: Any, centre: Any, cubic: Any, scale: Any) -> Any:
    return -((x - centre) @ matrix.T + cubic * x * x * x) / scale  # (FIELD.1)


def _scale(x: Float, level: Float | float | None) -> Float | float:
    if level is None or isinstance(level, float):  # a Python float leaves float32 as it is, a 0-d array does not
        return 1.0 + (level or 0.0)
    return 1.0 + lift(level, x, "level")


def _widen(scale: Float | float) -> Float | float:
    return scale if isinstance(scale, float) else scale[..., None]
