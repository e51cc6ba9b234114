"""A test model at every noise level: its output divided by 1 + σ, as large networks divide theirs by σ.

s(x, σ) = s(x) / (1 + σ)                                                                          (FIELD.4)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float, lift
from refscore.conformance.fields import Field
from refscore.conformance.perceptrons import Perceptron
from refscore.conformance.terms import Terms

__all__ = ["Levelled"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Levelled:
    """The model of (FIELD.4).

    Parameters
    ----------
    base : Field or Perceptron
        s(x).
    """

    base: Field | Perceptron

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: those of the base."""
        return self.base.parameters

    def __call__(self, x: Float, sigma: Float) -> Float:
        """s(x, σ), shape of `x`."""
        return np.asarray(self.base(x) / (1 + lift(sigma, x, "sigma")))  # (FIELD.4)

    def jacobian(self, x: Float, sigma: Float) -> Float:
        """∂s/∂x, (n, d, d)."""
        return np.asarray(self.base.jacobian(x) / (1 + lift(sigma, x, "sigma"))[..., None])

    def trace(self, x: Float, sigma: Float) -> Float:
        """tr ∂s/∂x, (n,)."""
        return np.asarray(self.base.trace(x) / (1 + sigma))

    def vjp(self, x: Float, sigma: Float, v: Float) -> Float:
        """vᵀ ∂s/∂x, shape of `v`."""
        return self.base.vjp(x, v / (1 + lift(sigma, x, "sigma")))

    def jvp(self, x: Float, sigma: Float, v: Float) -> Float:
        """∂s/∂x v, shape of `v`."""
        return self.base.jvp(x, v / (1 + lift(sigma, x, "sigma")))

    def vjp_parameters(self, x: Float, sigma: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x, σ) in θ, (p,)."""
        return self.base.vjp_parameters(x, v / (1 + lift(sigma, x, "sigma")))

    def score_terms(self, x: Float, x_error: Float, sigma: Float) -> Terms:
        """s(x, σ) at x that comes with an error."""
        terms, scale = self.base.score_terms(x, x_error), 1 + sigma[:, None]
        return Terms(terms.size / scale, (terms.error + 2 * terms.size) / scale)

    def parameter_terms(self, x: Float, x_error: Float, sigma: Float, cotangent: Terms) -> Terms:
        """Gradient of Σ cotangent·s(x, σ) in θ."""
        scale = 1 + sigma[:, None]
        divided = Terms(cotangent.size / scale, (cotangent.error + 2 * cotangent.size) / scale)
        return self.base.parameter_terms(x, x_error, divided, None)

    def cast(self, dtype: str) -> Levelled:
        """The same model, its parameters in `dtype`."""
        return Levelled(self.base.cast(dtype))

    def formula(self, parameters: Sequence[Any], tanh: Any) -> Any:
        """The model as a function of x and σ in the library of these parameters."""
        score = self.base.formula(parameters, tanh)
        return lambda x, sigma: score(x) / (1.0 + (sigma[..., None] if getattr(sigma, "ndim", 0) else sigma))
