"""The log density that an implementation under test is given: the same quartic in any array library.

    log p(x) = -½ (x - b)ᵀ A (x - b) - ¼ Σ c_i x_i⁴,   s = -½ (A + Aᵀ)(x - b) - c ∘ x³                (ENERGY.1)

up to a constant. Four derivatives in x are not zero, so that a difference is not a derivative and a step has a size
that can be told; only + × ÷ occur. Its parameters are θ = (A row by row, b, c), with

    ∂log p/∂(A, b, c) = (-½ (x - b)(x - b)ᵀ, ½ (A + Aᵀ)(x - b), -¼ x⁴)                                (ENERGY.2)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.terms import Terms, exact, product

__all__ = ["Quartic"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Quartic:
    """The log density of (ENERGY.1).

    Parameters
    ----------
    matrix : (d, d) ndarray
        A.
    centre : (d,) ndarray
        b.
    quartic : (d,) ndarray
        c.
    """

    matrix: Float
    centre: Float
    quartic: Float

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: A, b, c."""
        return self.matrix, self.centre, self.quartic

    def __call__(self, x: Float) -> Float:
        """log p(x) up to a constant, (\\*batch,)."""
        return np.asarray(_formula(x, *self.parameters))

    def log_prob(self, x: Float) -> Float:
        """The same under the name it has in a model."""
        return self(x)

    def score(self, x: Float) -> Float:
        """∇ log p(x), shape of `x`."""
        return np.asarray(-(x - self.centre) @ self._symmetric - self.quartic * x**3)  # (ENERGY.1)

    def hvp(self, x: Float, v: Float) -> Float:
        """The Hessian of log p at `x` times `v`, shape of `v`."""
        return np.asarray(-v @ self._symmetric - 3 * self.quartic * x**2 * v)

    def log_prob_parameters(self, x: Float, weight: Float) -> Float:
        """Gradient of Σ w log p(x) in θ, (p,)."""
        offset = x - self.centre
        weighted = weight[:, None] * offset
        matrix, centre = -0.5 * offset.T @ weighted, (weighted @ self._symmetric).sum(0)
        return _flat(matrix, centre, -0.25 * (weight[:, None] * x**4).sum(0))  # (ENERGY.2)

    @property
    def _symmetric(self) -> Float:
        return np.asarray(0.5 * (self.matrix + self.matrix.T))

    def log_prob_terms(self, x: Float, x_error: Float) -> Terms:
        """The log density at x that comes with an error."""
        offset, fourth = self._powers(x, x_error)
        form = product("nj,nj->n", product("ni,ij->nj", offset, exact(self.matrix)), offset).times(0.5)
        terms = form + product("ni,i->n", fourth, exact(self.quartic)).times(0.25)
        return Terms(np.abs(self(x)), terms.error)

    def parameter_terms(self, x: Float, x_error: Float, weight: Terms) -> Terms:
        """Gradient of Σ w log p(x) in θ, at x that comes with an error."""
        offset, fourth = self._powers(x, x_error)
        weighted = product("n,ni->ni", weight, offset)
        symmetric = exact(0.5 * (np.abs(self.matrix) + np.abs(self.matrix.T)))
        parts = (
            product("ni,nj->ij", offset, weighted).times(0.5),
            product("ni,ij->j", weighted, symmetric),
            product("n,ni->i", weight, fourth).times(0.25),
        )
        return Terms(_flat(*(part.size for part in parts)), _flat(*(part.error for part in parts)))

    def _powers(self, x: Float, x_error: Float) -> tuple[Terms, Terms]:
        """x − b and x⁴."""
        given = Terms(np.abs(x), x_error)
        square = product("ni,ni->ni", given, given)
        return given + exact(self.centre), product("ni,ni->ni", square, square)

    def cast(self, dtype: str) -> Quartic:
        """The same density, its parameters in `dtype` (they are dyadic: no value changes)."""
        return Quartic(*(np.asarray(p, dtype=dtype) for p in self.parameters))

    def formula(self, parameters: Sequence[Any], _: Any = None) -> Any:
        """The log density as a function of x in the library of these parameters."""
        return lambda x: _formula(x, *parameters)


def _formula(x: Any, matrix: Any, centre: Any, quartic: Any) -> Any:
    offset = x - centre
    return -0.5 * ((offset @ matrix) * offset).sum(-1) - 0.25 * (quartic * x * x * x * x).sum(-1)  # (ENERGY.1)


def _flat(*parts: Float) -> Float:
    return np.concatenate([part.ravel() for part in parts])
