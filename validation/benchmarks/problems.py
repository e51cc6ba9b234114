"""What is benchmarked: the inputs that every contestant gets, the same for all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from refscore import fit, models
from refscore.models import workspace
from refscore.noise import normals, uniforms

__all__ = ["Forward", "Trace", "Training", "initial", "layers"]

Array = NDArray[Any]
RATE = 1e-3  # Adam's, as are the rest of its published values
DECAY1, DECAY2, EPSILON = 0.9, 0.999, 1e-8
UPDATES = 3  # that the contestants' parameters are compared after


def initial(widths: tuple[int, ...], seed: int = 0) -> Array:
    """θ as torch's Linear draws it: U(-1, 1)/√fan_in, layer by layer, weights row by row and then biases.

    Parameters
    ----------
    widths : tuple of int
        n_0, …, n_L.
    seed : int
        Of the draws.

    Returns
    -------
    (p,)
        float64.
    """
    parts = []
    for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
        count = fan_out * fan_in + fan_out
        draws = uniforms(seed, np.arange(count), 1, step=layer)[:, 0]
        parts.append((2 * draws - 1) / math.sqrt(fan_in))
    return np.concatenate(parts)


def layers(theta: Array, widths: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """The weights (n_l, n_{l-1}) and biases (n_l,) in θ, layer by layer.

    Parameters
    ----------
    theta : (p,)
        Parameters.
    widths : tuple of int
        n_0, …, n_L.

    Returns
    -------
    list of (NDArray, NDArray)
        Views.
    """
    return list(zip(*workspace.layers(theta, widths)))


@final
@dataclass(frozen=True, slots=True)
class Training:
    """One step of multilevel denoising score matching: draw, evaluate, differentiate, update.

    The data are the four modes of the tutorials, N((±2, ±2), 0.3² I); there are ten noise levels from 4 to 0.05. The
    network sees x alone and its output is divided by σ, as in NCSNv2: s(x, σ) = net(x)/σ. The loss is the batch mean
    of ½ σ² |s(x_0 + σ ε, σ) + ε/σ|².

    Parameters
    ----------
    activation : str
        silu, tanh or softplus.
    batch : int
        Samples a step.
    dtype : str
        float32 or float64.
    widths : tuple of int
        Of the network.
    """

    activation: str
    batch: int
    dtype: str
    widths: tuple[int, ...] = (2, 128, 128, 128, 2)

    @property
    def theta(self) -> Array:
        """Initial parameters, (p,)."""
        return initial(self.widths).astype(self.dtype)

    @property
    def data(self) -> Array:
        """The data set, (8192, 2)."""
        chains = np.arange(8192)
        modes = np.where(uniforms(1, chains, 2) < 0.5, -2.0, 2.0)
        return (modes + 0.3 * normals(2, chains, 2)).astype(self.dtype)

    @property
    def sigmas(self) -> Array:
        """Noise levels, (10,), descending."""
        return np.geomspace(4.0, 0.05, 10).astype(self.dtype)

    @property
    def network(self) -> models.Network:
        """As refscore's, in float64, of values that `dtype` has."""
        return _network(self.theta, self.widths, self.activation)

    @property
    def loss(self) -> fit.Loss:
        """Ours, whose draws are those that all contestants are compared on."""
        return self.loss_of(self.network)

    def loss_of(self, network: models.Network) -> fit.Loss:
        """The same with a network that may have its activation from elsewhere."""
        batch = fit.with_replacement(self.batch)
        model = models.ConditionalMLP(network, models.OVER_SIGMA, models.NO_EMBEDDING)
        return fit.multilevel(model, self.data, sigmas=self.sigmas, batch=batch, dtype=np.dtype(self.dtype).type)

    def draws(self, k: int) -> tuple[Array, Array, Array]:
        """x_0 (n, 2), ε (n, 2) and σ (n,) of step k."""
        draw = self.loss.draw
        assert draw is not None
        x0, noise, sigma = (array.astype(self.dtype) for array in draw(k))
        return x0, noise, sigma


@final
@dataclass(frozen=True, slots=True)
class Forward:
    """The values of a network.

    Parameters
    ----------
    activation : str
        silu, tanh or softplus.
    batch : int
        Samples.
    dtype : str
        float32 or float64.
    widths : tuple of int
        Of the network.
    """

    activation: str
    batch: int
    dtype: str
    widths: tuple[int, ...] = (2, 128, 128, 128, 2)

    @property
    def theta(self) -> Array:
        """Parameters, (p,)."""
        return initial(self.widths).astype(self.dtype)

    @property
    def network(self) -> models.Network:
        """As refscore's, in float64, of values that `dtype` has."""
        return _network(self.theta, self.widths, self.activation)

    @property
    def x(self) -> Array:
        """Where, (n, n_0)."""
        return normals(5, np.arange(self.batch), self.widths[0]).astype(self.dtype)


@final
@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of the Jacobian of a network from R^d to R^d, in float64.

    Parameters
    ----------
    d, hidden, layers : int
        Dimension, width and number of the hidden layers.
    batch : int
        Points.
    activation : str
        silu, tanh or softplus.
    """

    d: int
    hidden: int
    layers: int
    batch: int
    activation: str = "silu"
    dtype: str = "float64"

    @property
    def widths(self) -> tuple[int, ...]:
        """n_0, …, n_L."""
        return (self.d, *[self.hidden] * self.layers, self.d)

    @property
    def theta(self) -> Array:
        """Parameters, (p,)."""
        return initial(self.widths)

    @property
    def network(self) -> models.Network:
        """As refscore's."""
        return _network(self.theta, self.widths, self.activation)

    @property
    def x(self) -> Array:
        """Where, (n, d)."""
        return normals(5, np.arange(self.batch), self.d)


def _network(theta: Array, widths: tuple[int, ...], activation: str) -> models.Network:
    phi = {"silu": models.SILU, "tanh": models.TANH, "softplus": models.SOFTPLUS}[activation]
    weights, biases = zip(*layers(theta, widths))
    return models.Network(weights, biases, phi)
