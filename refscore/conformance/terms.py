"""Running error analysis: how far rounding can move a value, carried along with the value's size.

A quantity q is known by the sum of the magnitudes of its terms, S, and by the error of its computation, E in units of
the roundoff u. Each operation passes both on and adds one rounding of its own result:

    q₁ + q₂:  S = S₁ + S₂,   E = E₁ + E₂ + S
    q₁ q₂:    S = S₁ S₂,     E = S₁ E₂ + E₁ S₂ + S                                                  (BOUND.2)
    φ(q):     S = |φ(q)|,    E = |φ'(q)| E(q) + the error of φ itself                               (BOUND.3)

Sums of magnitudes do not depend on the order of a sum or of a product of matrices, so E holds for all of them, for
forward and for reverse differentiation alike. It is of first order in u, and counts a sum of n terms as one rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float

__all__ = ["Terms", "exact", "product"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A quantity as rounding sees it.

    Parameters
    ----------
    size : ndarray
        S, the sum of the magnitudes of its terms; where all codes agree on its value, that value's magnitude.
    error : ndarray
        E, of the same shape: what rounding can do to it, in units of u.
    """

    size: Float
    error: Float

    def __add__(self, other: Terms) -> Terms:
        size = self.size + other.size
        return Terms(size, self.error + other.error + size)  # (BOUND.2)

    def __getitem__(self, index: Any) -> Terms:
        return Terms(self.size[index], self.error[index])

    def times(self, factor: float) -> Terms:
        """The product with a number that is exact in few bits."""
        return Terms(factor * self.size, factor * self.error)

    def total(self, axis: int | tuple[int, ...]) -> Terms:
        """The sum along axes."""
        size = self.size.sum(axis)
        return Terms(size, self.error.sum(axis) + size)  # (BOUND.2)


def exact(value: Float) -> Terms:
    """A quantity that is given, and has no error.

    Parameters
    ----------
    value : ndarray
        Its value.

    Returns
    -------
    Terms
        Its magnitude, and 0.
    """
    size: Float = np.abs(value)
    return Terms(size, np.zeros_like(size))


def product(subscripts: str, a: Terms, b: Terms) -> Terms:
    """A product of two quantities, summed as in ``einsum``.

    Parameters
    ----------
    subscripts : str
        Of ``numpy.einsum`` for two operands.
    a, b : Terms
        The factors.

    Returns
    -------
    Terms
        The product.

    Examples
    --------
    >>> product("i,i->", exact(np.array([1.0, -2.0])), exact(np.array([3.0, 1.0])))
    Terms(size=array(5.), error=array(5.))
    """
    size = np.asarray(np.einsum(subscripts, a.size, b.size))
    moved = np.einsum(subscripts, a.size, b.error) + np.einsum(subscripts, a.error, b.size)
    return Terms(size, np.asarray(moved + size))  # (BOUND.2)
