"""The weights h that an implementation of generalised score matching is given, in any array library.

Only + - × ÷ and the absolute value occur, which every library rounds the same way; each comes with its slope, for those
who do not differentiate it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.terms import Terms

__all__ = ["CAPPED", "LINEAR", "RATIONAL", "SQUARE", "GivenWeight"]

CAP = 0.75


@final
@dataclass(frozen=True, slots=True, eq=False)
class GivenWeight:
    """A weight h of the half-line, called as h(x) and h.slope(x) in every library.

    Parameters
    ----------
    name : str
        How it is written.
    value, derivative : callable
        h and h', of arrays of any library.
    roundings : callable
        From x to the errors of h and h' in units of u.
    """

    name: str
    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    roundings: Callable[[Float], tuple[Float, Float]]

    @property
    def parameters(self) -> tuple[Float, ...]:
        """None."""
        return ()

    def __call__(self, x: Any) -> Any:
        """h(x)."""
        return self.value(x)

    def slope(self, x: Any) -> Any:
        """h'(x)."""
        return self.derivative(x)

    def terms(self, x: Float) -> tuple[Terms, Terms]:
        """h and h' as rounding sees them."""
        errors = self.roundings(x)
        return Terms(self(x), errors[0]), Terms(np.abs(self.slope(x)), errors[1])

    def cast(self, _: str) -> GivenWeight:
        """The same weight: its constants are exact in every dtype."""
        return self

    def formula(self, _: Any, __: Any = None) -> GivenWeight:
        """The same weight: its operations are those of every library."""
        return self


LINEAR = GivenWeight("x", lambda x: 1.0 * x, lambda x: 1.0 + 0.0 * x, lambda x: (0 * x, 0 * x))
SQUARE = GivenWeight("x^2", lambda x: x * x, lambda x: 2.0 * x, lambda x: (x * x, 0 * x))
RATIONAL = GivenWeight(
    "x/(1+x)",
    lambda x: x / (1.0 + x),
    lambda x: 1.0 / ((1.0 + x) * (1.0 + x)),
    lambda x: (2 * x / (1 + x), 4 / (1 + x) ** 2),
)
CAPPED = GivenWeight(
    f"min(x,{CAP})",
    lambda x: 0.5 * (x + CAP - abs(x - CAP)),
    lambda x: 0.5 - 0.5 * (x - CAP) / abs(x - CAP),
    lambda x: (x + CAP, 1 + 0 * x),
)
