"""Small networks that an implementation under test is given, to differentiate through layers that bend.

    h_0 = x,   a_l = W_l h_{l-1} + b_l,   h_l = φ(a_l)   (l < L),   s(x) = a_L                        (PERC.1)

The values and derivatives are those of ``refscore.models``, by hand. In another library the same formula is written
with that library's tanh, and SiLU as ½ a (1 + tanh(a/2)), which is its logistic function in every one of them. All
parameters are dyadic: the same real numbers in every dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.sweeps import Bend, parameter_terms, value_terms
from refscore.conformance.terms import Terms, exact
from refscore.models import SILU, TANH, MLPEnergy, MLPScore, Network

__all__ = ["Perceptron", "PerceptronEnergy", "silu", "tanh"]


def _tanh_errors(a: Float) -> tuple[Float, Float, Float]:
    h = np.abs(np.tanh(a))
    return h, 1 + h**2, 2 * h * (1 + h**2)  # φ' is 1 − h² and φ'' is −2 h (1 − h²), where 1 − h² may cancel


def _silu_errors(a: Float) -> tuple[Float, Float, Float]:
    size = np.abs(a)
    return size, 1 + size, 2 + size  # the logistic function is known up to u, and has a factor a in all three


tanh = Bend(TANH, lambda a, tanh: tanh(a), _tanh_errors)
silu = Bend(SILU, lambda a, tanh: 0.5 * a * (1.0 + tanh(0.5 * a)), _silu_errors)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """The network of (PERC.1) as a score.

    Parameters
    ----------
    parameters : tuple of ndarray
        θ, array by array: W_1, b_1, W_2, …, b_L.
    bend : Bend
        φ.
    """

    parameters: tuple[Float, ...]
    bend: Bend

    @property
    def model(self) -> MLPScore:
        """The same with every derivative by hand, in float64."""
        return MLPScore(Network(self.parameters[::2], self.parameters[1::2], self.bend.activation))

    def __call__(self, x: Float) -> Float:
        """s(x), (\\*batch, d)."""
        return np.asarray(self.model(x), dtype=x.dtype)

    def jacobian(self, x: Float) -> Float:
        """∂s_i/∂x_j, (\\*batch, d, d)."""
        return np.asarray(self.model.jacobian(x), dtype=x.dtype)

    def trace(self, x: Float) -> Float:
        """tr ∂s/∂x, (\\*batch,)."""
        return np.asarray(self.model.trace(x), dtype=x.dtype)

    def vjp(self, x: Float, v: Float) -> Float:
        """vᵀ ∂s/∂x, shape of `v`."""
        return np.asarray(self.model.vjp(x, v), dtype=x.dtype)

    def jvp(self, x: Float, v: Float) -> Float:
        """∂s/∂x v, shape of `v`."""
        return np.asarray(self.model.jvp(x, v), dtype=x.dtype)

    def vjp_parameters(self, x: Float, v: Float) -> Float:
        """Gradient of Σ v·s(x) in θ, (p,)."""
        return np.asarray(self.model.vjp_parameters(x, v), dtype=x.dtype)

    def trace_parameters(self, x: Float) -> Float:
        """Gradient of Σ tr J(x) in θ, (p,)."""
        return np.asarray(self.model.trace_parameters(x), dtype=x.dtype)

    def quadratic_parameters(self, x: Float, v: Float) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, (p,)."""
        return np.asarray(self.model.quadratic_parameters(x, v), dtype=x.dtype)

    def jacobian_magnitude(self, x: Float) -> Float:
        """Size of the terms of ∂s/∂x, (n, d, d)."""
        axes = exact(np.broadcast_to(np.eye(x.shape[-1]), (*x.shape, x.shape[-1])))
        return np.swapaxes(value_terms(self.parameters, self.bend, x, exact(x), axes)[1].error, -1, -2)

    def score_terms(self, x: Float, x_error: Float) -> Terms:
        """s at x that comes with an error."""
        terms = value_terms(self.parameters, self.bend, x, Terms(np.abs(x), x_error), None)[0]
        return Terms(np.abs(self(x)), terms.error)

    def parameter_terms(self, x: Float, x_error: Float, cotangent: Terms, directions: Terms | None) -> Terms:
        """Gradient of Σ (cotangent·s + Σ_k v_kᵀ J v_k) in θ, for directions v_k of shape (n, k, d)."""
        return parameter_terms(self.parameters, self.bend, x, Terms(np.abs(x), x_error), cotangent, directions)

    def cast(self, dtype: str) -> Perceptron:
        """The same network, its parameters in `dtype`."""
        return Perceptron(tuple(np.asarray(p, dtype=dtype) for p in self.parameters), self.bend)

    def formula(self, parameters: Sequence[Any], tanh: Any) -> Any:
        """The network as a function of x in the library of these parameters, given its tanh."""
        return lambda x: _formula(x, parameters, self.bend, tanh)


@final
@dataclass(frozen=True, slots=True, eq=False)
class PerceptronEnergy:
    """The network of (PERC.1) with one output as an energy: log p(x) = -a_L up to a constant.

    Parameters
    ----------
    parameters : tuple of ndarray
        θ, array by array: W_1, b_1, W_2, …, b_L.
    bend : Bend
        φ.
    """

    parameters: tuple[Float, ...]
    bend: Bend

    @property
    def model(self) -> MLPEnergy:
        """The same with every derivative by hand, in float64."""
        return MLPEnergy(Network(self.parameters[::2], self.parameters[1::2], self.bend.activation))

    def __call__(self, x: Float) -> Float:
        """log p(x), (\\*batch,)."""
        return np.asarray(self.model.log_prob(x), dtype=x.dtype)

    def log_prob(self, x: Float) -> Float:
        """The same under the name it has in a model."""
        return self(x)

    def score(self, x: Float) -> Float:
        """∇ log p(x), (\\*batch, d)."""
        return np.asarray(self.model(x), dtype=x.dtype)

    def hvp(self, x: Float, v: Float) -> Float:
        """The Hessian of log p at `x` times `v`, shape of `v`."""
        return np.asarray(self.model.hvp(x, v), dtype=x.dtype)

    def log_prob_parameters(self, x: Float, weight: Float) -> Float:
        """Gradient of Σ w log p(x) in θ, (p,)."""
        return np.asarray(self.model.log_prob_parameters(x, weight), dtype=x.dtype)

    def log_prob_terms(self, x: Float, x_error: Float) -> Terms:
        """The log density at x that comes with an error."""
        terms = value_terms(self.parameters, self.bend, x, Terms(np.abs(x), x_error), None)[0]
        return Terms(np.abs(self(x)), terms.error[:, 0])

    def parameter_terms(self, x: Float, x_error: Float, weight: Terms) -> Terms:
        """Gradient of Σ w log p(x) in θ, at x that comes with an error."""
        return parameter_terms(self.parameters, self.bend, x, Terms(np.abs(x), x_error), weight[:, None], None)

    def cast(self, dtype: str) -> PerceptronEnergy:
        """The same network, its parameters in `dtype`."""
        return PerceptronEnergy(tuple(np.asarray(p, dtype=dtype) for p in self.parameters), self.bend)

    def formula(self, parameters: Sequence[Any], tanh: Any) -> Any:
        """The log density as a function of x in the library of these parameters, given its tanh."""
        return lambda x: -_formula(x, parameters, self.bend, tanh)[..., 0]


def _formula(x: Any, parameters: Sequence[Any], bend: Bend, tanh: Any) -> Any:
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
        x = bend.formula(x @ weight.T + bias, tanh)  # (PERC.1)
    return x @ parameters[-2].T + parameters[-1]
