"""The models that an implementation under test is given: the same field in any array library.

    s(x, τ) = -(A (x - b) + c ∘ x³) / (1 + τ),   ∂s/∂x = -(A + 3 diag(c ∘ x²)) / (1 + τ)             (FIELD.1)

It is not the score of anything: A is not symmetric and b not zero, so that a transposed matrix, a lost centre or a
Jacobian taken at the wrong point changes the value. Only + × ÷ occur, which every library rounds the same way.

Its parameters are θ = (A row by row, b, c), and what it is contracted with has the derivatives, at τ = 0,

    ∂(v·s)/∂(A, b, c)    = (-v (x - b)ᵀ, Aᵀ v, -v ∘ x³)                                               (FIELD.2)
    ∂(vᵀ J v)/∂(A, b, c) = (-v vᵀ, 0, -3 x² ∘ v²)                                                     (FIELD.3)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float, lift
from refscore.conformance.terms import Terms, exact, product

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

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: A, b, c."""
        return self.matrix, self.centre, self.cubic

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
        return np.asarray(np.einsum("...i,...ij->...j", v, self.jacobian(x, level)))

    def jvp(self, x: Float, v: Float, level: Float | float | None = None) -> Float:
        """∂s/∂x v, shape of `v`."""
        return np.asarray(np.einsum("...ij,...j->...i", self.jacobian(x, level), v))

    def vjp_parameters(self, x: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x) in θ, (p,)."""
        return _flat(-v.T @ (x - self.centre), (v @ self.matrix).sum(0), -(v * x * x * x).sum(0))  # (FIELD.2)

    def trace_parameters(self, x: Float) -> Float:
        """Gradient of Σ tr J(x) in θ, (p,)."""
        eye = np.eye(len(self.centre), dtype=x.dtype)
        return np.asarray(sum(self.quadratic_parameters(x, np.broadcast_to(e, x.shape)) for e in eye))

    def quadratic_parameters(self, x: Float, v: Float) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, (p,)."""
        return _flat(-v.T @ v, 0 * self.centre, -3 * (x * x * v * v).sum(0))  # (FIELD.3)

    def magnitude(self, x: Float, level: Float | float | None = None) -> Float:
        """Size of the terms of s at points of size |x|, for error bounds."""
        size = (np.abs(x) + np.abs(self.centre)) @ np.abs(self.matrix).T + np.abs(self.cubic) * np.abs(x) ** 3
        return np.asarray(size / _scale(x, level))

    def jacobian_magnitude(self, x: Float, level: Float | float | None = None) -> Float:
        """Size of the terms of ∂s/∂x, shape (\\*batch, d, d)."""
        curvature = 3 * np.abs(self.cubic) * x**2
        terms = np.abs(self.matrix) + curvature[..., None] * np.eye(len(self.centre))
        return np.asarray(terms / _widen(_scale(x, level)))

    def score_terms(self, x: Float, x_error: Float) -> Terms:
        """s at x that comes with an error."""
        moved = np.einsum("...ij,...j->...i", self.jacobian_magnitude(x), x_error)
        return Terms(np.abs(self(x)), self.magnitude(x) + moved)

    def parameter_terms(self, x: Float, x_error: Float, cotangent: Terms, directions: Terms | None) -> Terms:
        """Gradient of Σ (cotangent·s + Σ_k v_kᵀ J v_k) in θ, for directions v_k of shape (n, k, d)."""
        given = Terms(np.abs(x), x_error)
        v = exact(np.zeros((len(x), 0, x.shape[-1]))) if directions is None else directions
        square, along = product("nd,nd->nd", given, given), product("nkd,nkd->nd", v, v)
        cube = product("nd,nd->nd", square, given)
        parts = (
            product("ni,nj->ij", cotangent, given + exact(self.centre)) + product("nki,nkj->ij", v, v),
            product("ni,ij->j", cotangent, exact(self.matrix)),
            product("nd,nd->d", cotangent, cube) + product("nd,nd->d", square, along).times(3),
        )
        return Terms(_flat(*(part.size for part in parts)), _flat(*(part.error for part in parts)))

    def cast(self, dtype: str) -> Field:
        """The same field, its parameters in `dtype` (they are dyadic: no value changes)."""
        return Field(*(np.asarray(p, dtype=dtype) for p in self.parameters))

    def formula(self, parameters: Sequence[Any], _: Any = None) -> Any:
        """The field as a function of x, and a level if it has one, in the library of these parameters."""
        matrix, centre, cubic = parameters

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


def _flat(*parts: Float) -> Float:
    return np.concatenate([part.ravel() for part in parts])
