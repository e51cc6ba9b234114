"""Weights h that vanish at a boundary, so that score matching needs no density there.

A weight acts on one coordinate's distance to its boundary, and comes with its slope: both stand in the objective. Near
the boundary it has to vanish; far away a bounded one keeps the estimator's variance finite where x² does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float, number, positive

__all__ = ["Weight", "capped_weight", "log_weight", "power_weight", "saturating_weight"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Weight:
    """A weight h with its slope h', each from an array of distances ≥ 0 to an array of the same shape.

    Parameters
    ----------
    name : str
        How it is written, for ``repr``.
    function : callable
        h ≥ 0, with h(0) = 0.
    derivative : callable
        h'.

    Raises
    ------
    TypeError
        If one of the two is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> h = Weight("x³", lambda x: x**3, lambda x: 3 * x**2)
    >>> h, h(np.array([2.0])), h.slope(np.array([2.0]))
    (Weight(x³), array([8.]), array([12.]))
    """

    name: str
    function: Callable[[Float], Float]
    derivative: Callable[[Float], Float]

    def __post_init__(self) -> None:
        for name in ("function", "derivative"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} is {getattr(self, name)!r}; expected a function")

    def __repr__(self) -> str:
        return f"Weight({self.name})"

    def __call__(self, x: Float) -> Float:
        """h(x), of the shape of `x`."""
        return self.function(x)

    def slope(self, x: Float) -> Float:
        """h'(x), of the shape of `x`."""
        return self.derivative(x)


def power_weight(exponent: float) -> Weight:
    """A power of the distance.

        h = x^a,   h' = a x^(a-1)                                                                     (NNG.6)

    Parameters
    ----------
    exponent : float
        a ≥ 1, so that h' is finite at the boundary; 2 is Hyvärinen's choice.

    Returns
    -------
    Weight
        h.

    Raises
    ------
    ValueError
        If `exponent` is below 1.

    Examples
    --------
    >>> power_weight(2).slope(np.array([3.0]))
    array([6.])
    """
    a = number(exponent, "exponent", positive)
    if a < 1:
        raise ValueError(f"exponent is {a}; expected at least 1: the slope would not be finite at the boundary")
    return Weight(f"x^{a:g}", lambda x: x**a, lambda x: a * x ** (a - 1))  # (NNG.6)


def log_weight() -> Weight:
    """A weight that grows like a logarithm.

        h = log(1 + x),   h' = 1/(1 + x)                                                              (NNG.7)

    Returns
    -------
    Weight
        h.

    Examples
    --------
    >>> log_weight().slope(np.array([3.0]))
    array([0.25])
    """
    return Weight("log(1 + x)", np.log1p, lambda x: 1 / (1 + x))  # (NNG.7)


def saturating_weight() -> Weight:
    """A weight that levels off.

        h = 1 - e^(-x),   h' = e^(-x)                                                                 (NNG.8)

    Returns
    -------
    Weight
        h, below 1.

    Examples
    --------
    >>> h = saturating_weight()
    >>> bool((h(np.array([2.0])) + h.slope(np.array([2.0])) == 1).all())
    True
    """
    return Weight("1 - e^(-x)", lambda x: -np.expm1(-x), lambda x: np.exp(-x))  # (NNG.8)


def capped_weight(cap: float, exponent: float = 1.0) -> Weight:
    """A power that stops growing.

        h = min(x^a, c),   h' = a x^(a-1) where x^a < c, else 0                                       (NNG.9)

    Parameters
    ----------
    cap : float
        c > 0.
    exponent : float
        a ≥ 1.

    Returns
    -------
    Weight
        h.

    Raises
    ------
    ValueError
        If `cap` is not positive, or `exponent` below 1.

    Notes
    -----
    Not to be confused with min(x, c)^a, capped at c^a. At the kink itself h' is taken as 0.

    Examples
    --------
    >>> h = capped_weight(4, 2)
    >>> h(np.array([1.0, 3.0])), h.slope(np.array([1.0, 3.0]))
    (array([1., 4.]), array([2., 0.]))
    """
    c, free = number(cap, "cap", positive), power_weight(exponent)
    name = f"min({free.name}, {c:g})"
    return Weight(name, lambda x: np.minimum(free(x), c), lambda x: np.where(free(x) < c, free.slope(x), 0))  # (NNG.9)
