"""A network with a table of gains for every hidden layer, one row a noise level, as a score at these levels.

This is how NCSN is told the level: by its index k, which chooses a scale for each unit. It knows nothing in between.
The parameters are θ = (the network's, then the tables G_1, …, G_{L-1} row by row).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, integer, lift, of_shape, positive, read_only, samples
from refscore.models.activations import SILU, Activation
from refscore.models.level_workspaces import EmbeddedWorkspace, split
from refscore.models.network import Network, network
from refscore.models.noise_levels import NoiseLevels
from refscore.models.preconditioned import Preconditioned, precondition
from refscore.models.scaling import Scaling
from refscore.models.tangent_gradients import Gradient

__all__ = ["EmbeddedMLP", "embedded_mlp"]

Indices = NDArray[np.signedinteger[Any]]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmbeddedMLP:
    """A fully connected network with gains for each noise level, as a score at these levels.

        s(x, σ_k) = a(σ_k) x + b(σ_k) F(c(σ_k) x),   a_l = G_l[k] ∘ (W_l h_{l-1} + b_l) in hidden layers    (CON.4)

    Its derivatives in x are (CON.2) for the network with these gains.

    Parameters
    ----------
    network : Network
        F, with d inputs and d outputs.
    tables : sequence of (n_levels, n_l)
        G, one for each hidden layer.
    sigmas : (n_levels,)
        σ_1 > … > σ_{n_levels}, in the data's unit.
    scaling : Scaling
        a, b, c: ``PLAIN`` as in NCSN, ``OVER_SIGMA`` or :func:`~refscore.models.edm`.

    Raises
    ------
    ValueError
        If the levels do not descend, or the shapes do not fit together.

    Notes
    -----
    A level may have been rounded to float32; any other σ is an error that names the nearest level. Not to be confused
    with conditional instance normalisation itself, which also subtracts a mean over the image: a fully connected layer
    has none. The tutorials call this layer ConditionalLinear.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, appendix A.

    Examples
    --------
    One unit with tanh and a gain of 1 or 2 at the two levels:

    >>> import numpy as np
    >>> from refscore.models import PLAIN, TANH
    >>> net = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]], TANH)
    >>> s = EmbeddedMLP(net, [[[1.0], [2.0]]], [3.0, 0.5], PLAIN)
    >>> s([[0.25], [0.25]], [3.0, 0.5]) - np.tanh([[0.25], [0.5]])
    array([[0.],
           [0.]])
    """

    network: Network
    tables: tuple[Float, ...]
    sigmas: Float
    scaling: Scaling

    def __post_init__(self) -> None:
        levels = NoiseLevels(self.sigmas)
        widths = self.network.widths
        if widths[0] != widths[-1]:
            raise ValueError(f"network has {widths[0]} inputs and {widths[-1]} outputs; expected as many, d")
        if len(self.tables) != len(widths) - 2:
            raise ValueError(f"{len(self.tables)} tables; expected {len(widths) - 2}, one for each hidden layer")
        shapes = [(len(levels.values), width) for width in widths[1:-1]]
        tables = tuple(read_only(g, f"tables[{i}]", shape) for i, (g, shape) in enumerate(zip(self.tables, shapes)))
        object.__setattr__(self, "tables", tables)
        object.__setattr__(self, "sigmas", levels.values)

    def __repr__(self) -> str:
        return f"EmbeddedMLP({self.network!r}, {len(self.sigmas)} levels, {self.scaling!r})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.network.widths[-1]

    def __call__(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """s(x, σ), (\\*batch, d), for `sigma` () or (\\*batch,), each one of the levels."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma)[0].value().reshape(x.shape)

    def jacobian(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """J(x, σ), (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma)[0].jacobian().reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """tr J(x, σ), (\\*batch,)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma)[0].trace().reshape(x.shape[:-1])

    def vjp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x, σ), (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma)[0].vjp(_rows(v, x)).reshape(x.shape)

    def jvp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """J(x, σ) v, (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma)[0].jvp(_rows(v, x)).reshape(x.shape)

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x, σ) in θ, summed over the batch; in the network's parameters it is (CON.3).

            ∂S/∂G_l[k] = Σ ∂S/∂g_l over the samples of level k                                        (CON.5)

        for this S and those of the next two methods.

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.
        sigma : () or (\\*batch,)
            Noise level, one of the levels.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        at, index = self._at(x, sigma)
        return self._gradient(at.vjp_parameters(_rows(v, x)), index)

    def trace_parameters(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """Gradient of Σ tr J(x, σ) in θ, summed over the batch, (p,)."""
        at, index = self._at(samples(x, "x", self.d), sigma)
        return self._gradient(at.trace_parameters(), index)

    def quadratic_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x, σ) v in θ, summed over the batch, (p,)."""
        x = samples(x, "x", self.d)
        at, index = self._at(x, sigma)
        return self._gradient(at.quadratic_parameters(_rows(v, x)), index)

    def pack(self) -> Float:
        """θ = (the network's, then the tables row by row), (p,)."""
        return np.concatenate([self.network.pack(), *(table.ravel() for table in self.tables)])

    def unpack(self, theta: ArrayLike) -> EmbeddedMLP:
        """The model of the same form with parameters `theta` (p,)."""
        shapes = [table.shape for table in self.tables]
        p = self.network.p
        theta = read_only(theta, "theta", (p + sum(table.size for table in self.tables),))
        tables = tuple(split(theta[p:], shapes))
        return EmbeddedMLP(self.network.unpack(theta[:p]), tables, self.sigmas, self.scaling)

    def workspace(self, n: int, dtype: type[np.floating[Any]] = np.float64) -> EmbeddedWorkspace:
        """Buffers for training on batches of up to `n` samples, in float32 or float64."""
        return EmbeddedWorkspace(self.network, self.tables, NoiseLevels(self.sigmas), self.scaling, n, dtype)

    def _at(self, x: Float, sigma: ArrayLike) -> tuple[Preconditioned, Indices]:
        level = lift(sigma, x, "sigma", positive)
        level = level.reshape(-1) if level.ndim else level
        rows = x.reshape(-1, self.d)
        index = np.broadcast_to(NoiseLevels(self.sigmas).index(level), (len(rows),))
        gains = tuple(table[index] for table in self.tables)  # (CON.4)
        return precondition(self.network, self.scaling, rows, level, np.empty(0), gains), index

    def _gradient(self, gradient: Gradient, index: Indices) -> Float:
        of_level = (np.arange(len(self.sigmas))[:, None] == index).astype(np.float64)
        return np.concatenate([gradient.theta, *((of_level @ slope).ravel() for slope in gradient.gains)])  # (CON.5)


def embedded_mlp(
    d: int,
    hidden: Sequence[int],
    sigmas: ArrayLike,
    uniform: ArrayLike,
    *,
    scaling: Scaling,
    activation: Activation = SILU,
) -> EmbeddedMLP:
    """A model with gains for each noise level, with the tutorials' initial values, from given uniform draws.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    sigmas : (n_levels,)
        σ_1 > … > σ_{n_levels}, in the data's unit.
    uniform : (p,)
        Draws from (0, 1) in the order of θ: the network's as for :func:`~refscore.models.network`, then the gains,
        which are the draws themselves. p = Σ n_l (n_{l-1} + 1) + n_levels Σ_hidden n_l.
    scaling : Scaling
        As for :class:`EmbeddedMLP`.
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    EmbeddedMLP
        Of widths (d, \\*hidden, d).

    Raises
    ------
    ValueError
        If a width is less than 1, the levels do not descend, or `uniform` is not (p,).

    Examples
    --------
    >>> import refscore as rs
    >>> from refscore.models import PLAIN
    >>> uniform = rs.noise.uniforms(0, 0, 8 * (2 + 1) + 2 * (8 + 1) + 3 * 8)
    >>> embedded_mlp(2, [8], [4, 2, 1], uniform, scaling=PLAIN)
    EmbeddedMLP(Network(2-8-2, silu), 3 levels, Scaling(plain))
    """
    widths = (integer(d, "d", 1), *(integer(n, f"hidden[{i}]", 1) for i, n in enumerate(hidden)), d)
    levels = NoiseLevels(positive(sigmas, "sigmas")).values
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    shapes = [(len(levels), width) for width in widths[1:-1]]
    draws = read_only(uniform, "uniform", (p + sum(a * b for a, b in shapes),))
    return EmbeddedMLP(network(widths, draws[:p], activation), tuple(split(draws[p:], shapes)), levels, scaling)


def _rows(v: ArrayLike, x: Float) -> Float:
    return of_shape(v, "v", x.shape, "x").reshape(-1, x.shape[-1])
