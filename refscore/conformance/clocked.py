"""A test model whose clock is the log signal-to-noise ratio λ, which may be negative.

m(x, λ) = 4 s(x) / (8 + λ),   λ > -8                                                              (FIELD.5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.fields import Field

__all__ = ["Clocked"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Clocked:
    """The model of (FIELD.5).

    Parameters
    ----------
    base : Field
        s(x).
    """

    base: Field

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: those of the base."""
        return self.base.parameters

    def __call__(self, x: Float, log_snr: Float | float) -> Float:
        """m(x, λ), shape of `x`."""
        return self.base(x, 1.0 + log_snr / 4)  # (FIELD.5)

    def magnitude(self, x: Float, log_snr: float) -> Float:
        """Size of the terms of m at points of size |x|, for error bounds."""
        return self.base.magnitude(x, 1.0 + log_snr / 4)

    def jacobian_magnitude(self, x: Float, log_snr: float) -> Float:
        """Size of the terms of ∂m/∂x, shape (\\*batch, d, d)."""
        return np.asarray(self.base.jacobian_magnitude(x, 1.0 + log_snr / 4))

    def cast(self, dtype: str) -> Clocked:
        """The same model, its parameters in `dtype`."""
        return Clocked(self.base.cast(dtype))

    def formula(self, parameters: Sequence[Any], tanh: Any = None) -> Any:
        """The model as a function of x and λ in the library of these parameters."""
        score = self.base.formula(parameters, tanh)
        return lambda x, log_snr: score(x, 1.0 + log_snr / 4)
