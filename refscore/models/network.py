"""Fully connected networks: values, and the gradient in the parameters by the chain rule.

    h_0 = u,   a_l = W_l h_{l-1} + b_l,   h_l = φ(a_l)   (l < L),   net(u) = a_L                        (NET.1)

The parameters are θ = (W_1 row by row, b_1, W_2, …, b_L): the order of torch's ``parameters()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, read_only, samples
from refscore.models.activations import SILU, Activation

__all__ = ["Network", "network"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Network:
    """A fully connected network.

        h_0 = u,   a_l = W_l h_{l-1} + b_l,   h_l = φ(a_l)   (l < L),   net(u) = a_L                    (NET.1)

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1})
        W_1, …, W_L.
    biases : sequence of (n_l,)
        b_1, …, b_L.
    activation : Activation
        φ, the same in every hidden layer.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Examples
    --------
    Without a hidden layer it is affine:

    >>> Network([[[1, 2]]], [[3]])([[10, 1]])
    array([[15.]])
    """

    weights: tuple[Float, ...]
    biases: tuple[Float, ...]
    activation: Activation = SILU

    def __post_init__(self) -> None:
        weights = tuple(read_only(w, f"weights[{i}]") for i, w in enumerate(self.weights))
        if not weights or len(weights) != len(self.biases):
            raise ValueError(f"{len(weights)} weights and {len(self.biases)} biases; expected as many, at least one")
        for i, w in enumerate(weights):
            before = weights[i - 1].shape[0] if i else "n_0"
            if w.ndim != 2 or w.size == 0 or (i and w.shape[1] != before):
                raise ValueError(f"weights[{i}] has shape {w.shape}; expected (n_{i + 1}, {before})")
        object.__setattr__(self, "weights", weights)
        biases = tuple(read_only(b, f"biases[{i}]", weights[i].shape[:1]) for i, b in enumerate(self.biases))
        object.__setattr__(self, "biases", biases)

    def __repr__(self) -> str:
        return f"Network({'-'.join(map(str, self.widths))}, {self.activation.name})"

    @property
    def widths(self) -> tuple[int, ...]:
        """n_0, …, n_L."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def p(self) -> int:
        """Number of parameters."""
        return sum(w.size + b.size for w, b in zip(self.weights, self.biases))

    def __call__(self, u: ArrayLike) -> Float:
        """net(u), (\\*batch, n_0) to (\\*batch, n_L)."""
        u = samples(u, "u", self.widths[0])
        h: Float = u.reshape(-1, u.shape[-1])
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            h = h @ w.T + b  # (NET.1)
            if i + 1 < len(self.weights):
                (h,) = self.activation.derivatives(h, 0)  # (NET.1)
        return h.reshape(*u.shape[:-1], -1)

    def pack(self) -> Float:
        """θ = (W_1 row by row, b_1, W_2, …, b_L), (p,)."""
        return np.concatenate([part.ravel() for layer in zip(self.weights, self.biases) for part in layer])

    def unpack(self, theta: ArrayLike) -> Network:
        """The network of the same widths and activation with parameters `theta` (p,)."""
        theta = read_only(theta, "theta", (self.p,))
        weights, biases = layers(theta, self.widths)
        return Network(tuple(weights), tuple(biases), self.activation)


def layers(theta: Float, widths: Sequence[int]) -> tuple[list[Float], list[Float]]:
    """Views of the flat `theta` as the matrices and the biases of a network of these widths."""
    weights, biases, start = [], [], 0
    for before, after in pairwise(widths):
        weights.append(theta[start : start + after * before].reshape(after, before))
        start += after * before
        biases.append(theta[start : start + after])
        start += after
    return weights, biases


def network(widths: Sequence[int], uniform: ArrayLike, activation: Activation = SILU) -> Network:
    """A network with the initial values of torch's ``Linear``, from given uniform draws.

        W_l, b_l ~ U(-1/√n_{l-1}, 1/√n_{l-1})                                                         (NET.2)

    Parameters
    ----------
    widths : sequence of int
        n_0, …, n_L.
    uniform : (p,)
        Draws from (0, 1), in the order of θ: ``refscore.noise.uniforms(seed, 1, p)[0]``.
    activation : Activation
        φ.

    Returns
    -------
    Network
        With p = Σ n_l (n_{l-1} + 1) parameters.

    Raises
    ------
    ValueError
        If a width is less than 1, `uniform` is not (p,), or has a value outside [0, 1].

    Examples
    --------
    >>> network([4, 1], [0, 1, 0.5, 0.25, 0.75]).weights
    (array([[-0.5 ,  0.5 ,  0.  , -0.25]]),)
    """
    sizes = [integer(n, f"widths[{i}]", 1) for i, n in enumerate(widths)]
    if len(sizes) < 2:
        raise ValueError(f"widths is {tuple(sizes)}; expected at least (n_0, n_1)")
    p = sum(after * (before + 1) for before, after in pairwise(sizes))
    theta = 2 * read_only(uniform, "uniform", (p,)) - 1
    if np.abs(theta).max() > 1:
        raise ValueError("uniform has values outside [0, 1]; expected draws from (0, 1)")
    weights, biases = layers(theta, sizes)
    for w, b in zip(weights, biases):
        scale = 1 / np.sqrt(w.shape[1])  # (NET.2)
        w *= scale
        b *= scale
    return Network(tuple(weights), tuple(biases), activation)
