"""The log density with its score and diagonal that score matching with missing data is given, in any array library.

It is the quartic of (ENERGY.1), with

    s = -½ (A + Aᵀ)(x - b) - c ∘ x³,   J_jj = -A_jj - 3 c_j x_j²                                      (MIS.9)
    ∂(v·s)/∂(A, b, c) = (-½ (v oᵀ + o vᵀ), ½ (A + Aᵀ) v, -v ∘ x³),   o = x - b                        (MIS.10)
    ∂(Σ_j w_j J_jj)/∂(A, b, c) = (-diag w, 0, -3 w ∘ x²)                                              (MIS.11)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.energies import Quartic
from refscore.conformance.kinds import ArrayKind
from refscore.conformance.terms import Terms, exact, product

__all__ = ["GivenMask", "QuarticDensity"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class GivenMask:
    """Booleans as an argument: in every library an array of booleans, whatever the dtype under test.

    Parameters
    ----------
    values : ndarray of bool
        The mask.
    """

    values: Any

    def given_in(self, kind: ArrayKind) -> Any:
        """The mask in an array library."""
        return kind.make(np.asarray(self.values, dtype=np.float64)) > 0.5


@final
@dataclass(frozen=True, slots=True, eq=False)
class QuarticDensity:
    """The quartic with `score` and `score_diagonal` beside it; points may have any batch shape.

    Parameters
    ----------
    base : Quartic
        The log density.
    """

    base: Quartic

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: A, b, c."""
        return self.base.parameters

    def __call__(self, x: Float) -> Float:
        """log q(x) up to a constant, (\\*batch,)."""
        return self.base(x)

    def score(self, x: Float) -> Float:
        """∇ log q(x), shape of `x`."""
        return self.base.score(x)

    def score_diagonal(self, x: Float) -> Float:
        """∂s_j/∂x_j, shape of `x`."""
        return np.asarray(-np.diagonal(self.base.matrix) - 3 * self.base.quartic * x**2)  # (MIS.9)

    def log_prob_parameters(self, x: Float, weight: Float) -> Float:
        """Gradient of Σ w log q(x) in θ, (p,)."""
        return self.base.log_prob_parameters(_rows(x), weight.ravel())

    def vjp_parameters(self, x: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x) in θ, (p,)."""
        x, v = _rows(x), _rows(v)
        outer = v.T @ (x - self.base.centre)
        return _flat(-0.5 * (outer + outer.T), (v @ self._symmetric).sum(0), -(v * x**3).sum(0))  # (MIS.10)

    def diagonal_parameters(self, x: Float, weight: Float) -> Float:
        """Gradient of Σ_j w_j J_jj(x) in θ, (p,)."""
        x, w = _rows(x), _rows(weight)
        return _flat(-np.diag(w.sum(0)), 0 * self.base.centre, -3 * (w * x**2).sum(0))  # (MIS.11)

    @property
    def _symmetric(self) -> Float:
        return np.asarray(0.5 * (self.base.matrix + self.base.matrix.T))

    def log_prob_terms(self, x: Float) -> Terms:
        """log q at given points, (\\*batch,)."""
        found = self.base.log_prob_terms(_rows(x), np.zeros_like(_rows(x)))
        return Terms(found.size.reshape(x.shape[:-1]), found.error.reshape(x.shape[:-1]))

    def score_terms(self, x: Float) -> Terms:
        """s at given points."""
        size = np.abs(x) + np.abs(self.base.centre)
        error = 3 * size @ np.abs(self._symmetric) + 3 * np.abs(self.base.quartic * x**3)
        return Terms(np.abs(self.score(x)), error)

    def diagonal_terms(self, x: Float) -> Terms:
        """The diagonal of J at given points."""
        terms = np.abs(np.diagonal(self.base.matrix)) + 3 * np.abs(self.base.quartic) * x**2
        return Terms(np.abs(self.score_diagonal(x)), 3 * terms)

    def parameter_terms(self, x: Float, weight: Terms, v: Terms, w: Terms) -> Terms:
        """Gradient of Σ (weight log q + v·s + Σ_j w_j J_jj) in θ, (p,)."""
        rows = _rows(x)
        given = exact(rows)
        offset, square = given + exact(self.base.centre), product("ni,ni->ni", given, given)
        cotangent, share = _of_rows(v), _of_rows(w)
        outer = product("ni,nj->ij", cotangent, offset)
        along = share.total(0)
        matrix = Terms(outer.size + outer.size.T, outer.error + outer.error.T).times(0.5)
        matrix = matrix + Terms(np.diag(along.size), np.diag(along.error))
        centre = product("ni,ij->j", cotangent, exact(self._symmetric))
        cube = product("ni,ni->ni", square, given)
        quartic = product("ni,ni->i", cotangent, cube) + product("ni,ni->i", share, square).times(3)
        flat = Terms(weight.size.ravel(), weight.error.ravel())
        own = self.base.parameter_terms(rows, np.zeros_like(rows), flat)
        parts = matrix, centre, quartic
        return own + Terms(_flat(*(part.size for part in parts)), _flat(*(part.error for part in parts)))

    def cast(self, dtype: str) -> QuarticDensity:
        """The same density, its parameters in `dtype`."""
        return QuarticDensity(self.base.cast(dtype))

    def formula(self, parameters: Sequence[Any], tanh: Any = None) -> Any:
        """The density in the library of these parameters, with `score` and `score_diagonal` beside it."""
        return _InLibrary(self.base.formula(parameters, tanh), *parameters)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _InLibrary:
    """The density in another library."""

    log_prob: Any
    matrix: Any
    centre: Any
    quartic: Any

    def __call__(self, x: Any) -> Any:
        """log q(x)."""
        return self.log_prob(x)

    def score(self, x: Any) -> Any:
        """∇ log q(x)."""
        symmetric = 0.5 * (self.matrix + self.matrix.T)
        return -((x - self.centre) @ symmetric) - self.quartic * x * x * x  # (MIS.9)

    def score_diagonal(self, x: Any) -> Any:
        """∂s_j/∂x_j."""
        return -self.matrix.diagonal() - 3.0 * self.quartic * x * x  # (MIS.9)


def _rows(x: Float) -> Float:
    return x.reshape(-1, x.shape[-1])


def _of_rows(terms: Terms) -> Terms:
    return Terms(_rows(terms.size), _rows(terms.error))


def _flat(*parts: Float) -> Float:
    return np.concatenate([part.ravel() for part in parts])
