"""A test model that is told a condition: it sees its points moved by it, in all dimensions alike.

s(x, σ, y) = s(x - y_1 - 2 y_2, σ)                                                                (CSM.8)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.levelled import Levelled
from refscore.conformance.terms import Terms

__all__ = ["Conditioned"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Conditioned:
    """The model of (CSM.8); the condition has no parameters.

    Parameters
    ----------
    base : Levelled
        s(x, σ).
    """

    base: Levelled

    @property
    def parameters(self) -> tuple[Float, ...]:
        """θ, array by array: those of the base."""
        return self.base.parameters

    def __call__(self, x: Float, sigma: Float, condition: Float) -> Float:
        """s(x, σ, y), shape of `x`."""
        return self.base(_moved(x, condition), sigma)

    def jacobian(self, x: Float, sigma: Float, condition: Float) -> Float:
        """∂s/∂x, (n, d, d)."""
        return self.base.jacobian(_moved(x, condition), sigma)

    def trace(self, x: Float, sigma: Float, condition: Float) -> Float:
        """tr ∂s/∂x, (n,)."""
        return self.base.trace(_moved(x, condition), sigma)

    def vjp(self, x: Float, sigma: Float, condition: Float, v: Float) -> Float:
        """vᵀ ∂s/∂x, shape of `v`."""
        return self.base.vjp(_moved(x, condition), sigma, v)

    def vjp_parameters(self, x: Float, sigma: Float, condition: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x, σ, y) in θ, (p,)."""
        return self.base.vjp_parameters(_moved(x, condition), sigma, v)

    def score_terms(self, x: Float, x_error: Float, sigma: Float, condition: Float) -> Terms:
        """s(x, σ, y) at x that comes with an error."""
        return self.base.score_terms(_moved(x, condition), _widened(x, x_error, condition), sigma)

    def parameter_terms(self, x: Float, x_error: Float, sigma: Float, condition: Float, cotangent: Terms) -> Terms:
        """Gradient of Σ cotangent·s(x, σ, y) in θ."""
        return self.base.parameter_terms(_moved(x, condition), _widened(x, x_error, condition), sigma, cotangent)

    def cast(self, dtype: str) -> Conditioned:
        """The same model, its parameters in `dtype`."""
        return Conditioned(self.base.cast(dtype))

    def formula(self, parameters: Sequence[Any], tanh: Any) -> Any:
        """The model as a function of x, σ and y in the library of these parameters."""
        score = self.base.formula(parameters, tanh)
        return lambda x, sigma, condition: score(_moved(x, condition), sigma)


def _moved(x: Any, condition: Any) -> Any:
    return x - condition[..., :1] - 2.0 * condition[..., 1:]  # (CSM.8)


def _widened(x: Float, x_error: Float, condition: Float) -> Float:
    size = np.abs(x) + np.abs(condition[..., :1]) + 2 * np.abs(condition[..., 1:])
    return np.asarray(x_error + 2 * size)
