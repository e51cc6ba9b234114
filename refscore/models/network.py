"""Fully connected networks: any depth, one activation, and gains where a network is told something at every layer.

    h_0 = u,   a_l = g_l ∘ (W_l h_{l-1} + b_l),   h_l = φ(a_l)   (l < L),   net(u) = W_L h_{L-1} + b_L   (NET.1)

The gains g_l are 1 unless they are given, one vector for each sample. The parameters are θ = (W_1 row by row, b_1,
W_2, …, b_L): the order of torch's ``parameters()``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, of_shape, read_only, samples
from refscore.models.activations import SILU, Activation
from refscore.models.workspace import Workspace, layers

__all__ = ["Network", "Workspace", "layers", "network"]

STRETCH = 256  # rows that the pure functions take at a time: what the accurate forms allocate then stays in the cache


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Network:
    """A fully connected network.

        h_0 = u,   a_l = g_l ∘ (W_l h_{l-1} + b_l),   h_l = φ(a_l)   (l < L),   net(u) = W_L h_{L-1} + b_L   (NET.1)

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
    TypeError
        If `activation` is no Activation.

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
        if not isinstance(self.activation, Activation):
            raise TypeError(f"activation is {self.activation!r}; expected an Activation, such as SILU")

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

    def __call__(self, u: ArrayLike, gains: Sequence[ArrayLike] | None = None) -> Float:
        """net(u), (\\*batch, n_0) to (\\*batch, n_L), for `gains` g_1, …, g_{L-1} of (\\*batch, n_l)."""
        batch, rows, scale = self._flat(u, gains)
        value = np.empty((len(rows), self.widths[-1]))
        for part, space in self._stretches(len(rows)):
            value[part] = space.evaluate(rows[part], None if scale is None else [g[part] for g in scale])
        return value.reshape(*batch, self.widths[-1])

    def pullback(
        self, u: ArrayLike, v: ArrayLike, gains: Sequence[ArrayLike] | None = None
    ) -> tuple[Float, Float, tuple[Float, ...]]:
        """Gradients of Σ v·net(u), summed over the batch: (NET.3), (NET.4).

        Parameters
        ----------
        u : (\\*batch, n_0)
            Where.
        v : (\\*batch, n_L)
            The vector that multiplies net(u) from the left.
        gains : sequence of (\\*batch, n_l), optional
            g_1, …, g_{L-1}.

        Returns
        -------
        (p,), (\\*batch, n_0), tuple of (\\*batch, n_l)
            In θ, in u, and in the gains, () without gains.
        """
        batch, rows, scale = self._flat(u, gains)
        v = of_shape(v, "v", (*batch, self.widths[-1]), "net(u)").reshape(len(rows), self.widths[-1])
        theta, inputs = np.zeros(self.p), np.empty_like(rows)
        slopes = [np.empty_like(g) for g in scale or []]
        for part, space in self._stretches(len(rows)):
            space.forward(rows[part], None if scale is None else [g[part] for g in scale])
            inputs[part], in_gains = space.backward(v[part], inputs=True)
            theta += space.gradient
            for whole, slope in zip(slopes, in_gains):
                whole[part] = slope
        return theta, inputs.reshape(*batch, self.widths[0]), tuple(g.reshape(*batch, g.shape[1]) for g in slopes)

    def pack(self) -> Float:
        """θ = (W_1 row by row, b_1, W_2, …, b_L), (p,)."""
        return np.concatenate([part.ravel() for layer in zip(self.weights, self.biases) for part in layer])

    def unpack(self, theta: ArrayLike) -> Network:
        """The network of the same widths and activation with parameters `theta` (p,)."""
        theta = read_only(theta, "theta", (self.p,))
        weights, biases = layers(theta, self.widths)
        return Network(tuple(weights), tuple(biases), self.activation)

    def _flat(
        self, u: ArrayLike, gains: Sequence[ArrayLike] | None
    ) -> tuple[tuple[int, ...], Float, list[Float] | None]:
        """Batch shape of `u`, its rows, and the gains as rows."""
        u = samples(u, "u", self.widths[0])
        batch, hidden, flat = u.shape[:-1], self.widths[1:-1], u.reshape(math.prod(u.shape[:-1]), self.widths[0])
        if gains is None:
            return batch, flat, None
        if len(gains) != len(hidden):
            raise ValueError(f"gains has {len(gains)} arrays; expected {len(hidden)}, one for each hidden layer")
        rows = [of_shape(g, f"gains[{i}]", (*batch, n), "its layer") for i, (g, n) in enumerate(zip(gains, hidden))]
        return batch, flat, [g.reshape(len(flat), g.shape[-1]) for g in rows]

    def _stretches(self, count: int) -> Iterator[tuple[slice, Workspace]]:
        """Slices of `count` rows, and one workspace for all of them."""
        space = Workspace(self, max(1, min(count, STRETCH)))
        space.activation = self.activation.accurate
        for start in range(0, count, STRETCH):
            yield slice(start, min(start + STRETCH, count)), space


def network(widths: Sequence[int], uniform: ArrayLike, activation: Activation = SILU) -> Network:
    """A network with the initial values of torch's ``Linear``, from given uniform draws.

        W_l, b_l ~ U(-1/√n_{l-1}, 1/√n_{l-1})                                                         (NET.2)

    Parameters
    ----------
    widths : sequence of int
        n_0, …, n_L.
    uniform : (p,)
        Draws from (0, 1), in the order of θ: ``refscore.noise.uniforms(seed, 0, p)``.
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
    theta: Float = 2 * read_only(uniform, "uniform", (p,)) - 1
    if np.abs(theta).max() > 1:
        raise ValueError("uniform has values outside [0, 1]; expected draws from (0, 1)")
    weights, biases = layers(theta, sizes)
    for w, b in zip(weights, biases):
        scale = 1 / np.sqrt(w.shape[1])  # (NET.2)
        w *= scale
        b *= scale
    return Network(tuple(weights), tuple(biases), activation)
