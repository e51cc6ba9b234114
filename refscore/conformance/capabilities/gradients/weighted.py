"""A model each sample of which counts a number of times: what a weight does to any gradient that goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float

__all__ = ["Weighted"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """A model whose samples count λ times in its gradient, and whose values are what they were.

    Parameters
    ----------
    model : Levelled or Conditioned
        The model.
    weight : (n,) ndarray
        λ.
    """

    model: Any
    weight: Float

    def __call__(self, x: Float, *rest: Float) -> Float:
        """The model's value."""
        return np.asarray(self.model(x, *rest))

    def vjp_parameters(self, x: Float, *rest: Float) -> Float:
        """Gradient of Σ λ v·s in θ; v comes last."""
        *given, v = rest
        return np.asarray(self.model.vjp_parameters(x, *given, self.weight[:, None] * v))

    def cast(self, dtype: str) -> Weighted:
        """The same in a dtype."""
        return Weighted(self.model.cast(dtype), self.weight.astype(dtype))
