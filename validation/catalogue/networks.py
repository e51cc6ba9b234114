"""The networks of the catalogue in extended precision, by an algebra of their own: forward tangents, then one way back.

``refscore.models`` thinks in float64 and in workspaces, so it cannot grade itself in wider floats. This is the second
derivation: the sums of (PERC.2) to (PERC.4) in plain arrays of any precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from refscore.conformance.capabilities.gradients.weighted import Weighted
from refscore.conformance.conditioned import Conditioned
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron, PerceptronEnergy

__all__ = ["WideEnergy", "WideNetwork", "widened_model"]


def widened_model(model: Any) -> Any:
    """A test model whose values and derivatives are computed in longdouble.

    Parameters
    ----------
    model : object
        With `cast`, as the catalogue's test models have it.

    Returns
    -------
    object
        The same model.
    """
    if isinstance(model, Perceptron):
        return WideNetwork(model)
    if isinstance(model, PerceptronEnergy):
        return WideEnergy(model)
    if isinstance(model, Levelled):
        return Levelled(widened_model(model.base))
    if isinstance(model, Conditioned):
        return Conditioned(widened_model(model.base))
    if isinstance(model, Weighted):
        return Weighted(widened_model(model.model), model.weight.astype(np.longdouble))
    return model.cast("longdouble")


@final
class WideNetwork:
    """A network as a score, in longdouble."""

    def __init__(self, model: Perceptron | PerceptronEnergy) -> None:
        self.parameters = [p.astype(np.longdouble) for p in model.parameters]
        self.slopes = {"tanh": _tanh, "silu": _silu}[model.bend.activation.name]

    def __call__(self, x: Any) -> Any:
        """The output of the last layer."""
        return self._forward(x, np.zeros((len(x), 0, x.shape[-1])))[0]

    def jacobian(self, x: Any) -> Any:
        """Its derivative, (n, n_L, d)."""
        axes = np.broadcast_to(np.eye(x.shape[-1]), (*x.shape, x.shape[-1]))
        return np.swapaxes(self._forward(x, axes)[1], -1, -2)

    def trace(self, x: Any) -> Any:
        """The trace of that."""
        return np.trace(self.jacobian(x), axis1=-2, axis2=-1)

    def vjp(self, x: Any, v: Any) -> Any:
        """Its product with v from the left."""
        return (v[:, None] @ self.jacobian(x))[:, 0]

    def vjp_parameters(self, x: Any, v: Any) -> Any:
        """Gradient of the sum of v times the output."""
        return self._backward(x, np.zeros((len(x), 0, x.shape[-1])), v)

    def trace_parameters(self, x: Any) -> Any:
        """Gradient of the sum of traces."""
        axes = np.broadcast_to(np.eye(x.shape[-1], dtype=np.longdouble), (*x.shape, x.shape[-1]))
        return self._backward(x, axes, 0 * x)

    def quadratic_parameters(self, x: Any, v: Any) -> Any:
        """Gradient of the sum of the quadratic forms of the derivative."""
        return self._backward(x, v[:, None], 0 * x)

    def _forward(self, x: Any, directions: Any) -> tuple[Any, Any, list[Any]]:
        kept, h, t = [], x, directions
        weights, biases = self.parameters[::2], self.parameters[1::2]
        for layer, (w, b) in enumerate(zip(weights, biases)):
            a, u = h @ w.T + b, t @ w.T
            value, slope, bend = self.slopes(a) if layer + 1 < len(weights) else (a, np.ones_like(a), 0 * a)
            kept.append((h, t, u, slope, bend))
            h, t = value, slope[:, None] * u
        return h, t, kept

    def _backward(self, x: Any, directions: Any, cotangent: Any) -> Any:
        parts: list[Any] = []
        h, t = cotangent, np.zeros((len(x), 0, cotangent.shape[-1])) if directions.shape[1] == 0 else directions
        kept = self._forward(x, directions)[2]
        for (before, along, u, slope, bend), w in zip(reversed(kept), reversed(self.parameters[::2])):
            a, t = slope * h + bend * (t * u).sum(1), slope[:, None] * t
            matrix = a.T @ before + np.einsum("nki,nkj->ij", t, along)
            parts = [matrix.ravel(), a.sum(0), *parts]
            h, t = a @ w, t @ w
        return np.concatenate(parts)


@final
class WideEnergy:
    """A network as a log density, in longdouble."""

    def __init__(self, model: PerceptronEnergy) -> None:
        self.network = WideNetwork(model)

    def __call__(self, x: Any) -> Any:
        """The log density, up to a constant."""
        return -self.network(x)[:, 0]

    log_prob = __call__

    def log_prob_parameters(self, x: Any, weight: Any) -> Any:
        """Gradient of the weighted sum of log densities."""
        return self.network.vjp_parameters(x, -weight[:, None])


def _tanh(a: Any) -> Sequence[Any]:
    h = np.tanh(a)
    return h, 1 - h * h, -2 * h * (1 - h * h)


def _silu(a: Any) -> Sequence[Any]:
    s = 1 / (1 + np.exp(-a))
    return a * s, s * (1 + a * (1 - s)), s * (1 - s) * (2 + a * (1 - 2 * s))
