"""A network that is told the noise level, as a score at every level.

Only the inputs c x of the network depend on x, so every derivative of the score is one of the network's in its first d
inputs, times factors of σ. The scaling and the embedding have no parameters: θ is the network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, lift, of_shape, positive, samples
from refscore.models.activations import SILU, Activation
from refscore.models.embeddings import Embedding
from refscore.models.level_workspaces import ConditionalWorkspace
from refscore.models.network import Network, network
from refscore.models.preconditioned import Preconditioned, precondition
from refscore.models.scaling import Scaling

__all__ = ["ConditionalMLP", "conditional_mlp"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConditionalMLP:
    """A fully connected network, told the noise level, as a score at every level.

        s(x, σ) = a(σ) x + b(σ) F(u),   u = (c(σ) x, e(σ))                                            (CON.1)
        J = a I + b c F_x,   tr J = a d + b c tr F_x,   vᵀ J = a vᵀ + b c vᵀ F_x,   J v = a v + b c F_x v   (CON.2)

    with F_x the first d columns of F's Jacobian at u.

    Parameters
    ----------
    network : Network
        F, with d + k inputs and d outputs.
    scaling : Scaling
        a, b, c: ``PLAIN``, ``OVER_SIGMA`` or :func:`~refscore.models.edm`.
    embedding : Embedding
        e, with k values: ``NO_EMBEDDING``, ``LOG_SIGMA``, ``C_NOISE`` or :func:`~refscore.models.fourier`.

    Raises
    ------
    ValueError
        If the network has not d + k inputs for its d outputs.

    Notes
    -----
    NCSNv2 is ``(OVER_SIGMA, NO_EMBEDDING)``; EDM is ``(edm(sigma_data), C_NOISE)``. The parameters are the network's.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, technique 3.
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 7.

    Examples
    --------
    EDM's scaling around a network of zeros is the exact score of noised N(0, 4 I):

    >>> import refscore as rs
    >>> from refscore.models import C_NOISE, Network, edm
    >>> zero = Network([[[0, 0, 0], [0, 0, 0]]], [[0, 0]])
    >>> s = ConditionalMLP(zero, edm(2), C_NOISE)
    >>> s([[2.0, -4.0]], 2.0), rs.targets.gaussian([0, 0], 4).perturb(alpha=1, sigma=2).score([[2.0, -4.0]])
    (array([[-0.25,  0.5 ]]), array([[-0.25,  0.5 ]]))
    """

    network: Network
    scaling: Scaling
    embedding: Embedding

    def __post_init__(self) -> None:
        inputs, d = self.network.widths[0], self.network.widths[-1]
        if inputs != d + self.embedding.size:
            raise ValueError(
                f"network has {inputs} inputs and {d} outputs; expected {d} + {self.embedding.size} inputs, x and the "
                f"embedding {self.embedding.name}"
            )

    def __repr__(self) -> str:
        return f"ConditionalMLP({self.network!r}, {self.scaling!r}, {self.embedding!r})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.network.widths[-1]

    def __call__(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """s(x, σ), (\\*batch, d), for `sigma` () or (\\*batch,)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).value().reshape(x.shape)

    def jacobian(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """J(x, σ), (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).jacobian().reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """tr J(x, σ), (\\*batch,)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).trace().reshape(x.shape[:-1])

    def vjp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x, σ), (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).vjp(_rows(v, x)).reshape(x.shape)

    def jvp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """J(x, σ) v, (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).jvp(_rows(v, x)).reshape(x.shape)

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x, σ) in θ, summed over the batch; this and the next two are the network's.

            ∂(v·s) = b ∂(v·F),   ∂(tr J) = b c ∂(tr F_x),   ∂(vᵀ J v) = b c ∂(vᵀ F_x v)                (CON.3)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.
        sigma : () or (\\*batch,)
            Noise level.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        return self._at(x, sigma).vjp_parameters(_rows(v, x)).theta

    def trace_parameters(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """Gradient of Σ tr J(x, σ) in θ, summed over the batch, (p,)."""
        return self._at(samples(x, "x", self.d), sigma).trace_parameters().theta

    def quadratic_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x, σ) v in θ, summed over the batch, (p,)."""
        x = samples(x, "x", self.d)
        return self._at(x, sigma).quadratic_parameters(_rows(v, x)).theta

    def pack(self) -> Float:
        """θ of the network, (p,)."""
        return self.network.pack()

    def unpack(self, theta: ArrayLike) -> ConditionalMLP:
        """The model of the same form with parameters `theta` (p,)."""
        return ConditionalMLP(self.network.unpack(theta), self.scaling, self.embedding)

    def workspace(self, n: int, dtype: type[np.floating[Any]] = np.float64) -> ConditionalWorkspace:
        """Buffers for training on batches of up to `n` samples, in float32 or float64."""
        return ConditionalWorkspace(self.network, self.scaling, self.embedding, n, dtype)

    def _at(self, x: Float, sigma: ArrayLike) -> Preconditioned:
        level = lift(sigma, x, "sigma", positive)
        level = level.reshape(-1) if level.ndim else level
        return precondition(self.network, self.scaling, x.reshape(-1, self.d), level, self.embedding(level))


def _rows(v: ArrayLike, x: Float) -> Float:
    return of_shape(v, "v", x.shape, "x").reshape(-1, x.shape[-1])


def conditional_mlp(
    d: int,
    hidden: Sequence[int],
    uniform: ArrayLike,
    *,
    scaling: Scaling,
    embedding: Embedding,
    activation: Activation = SILU,
) -> ConditionalMLP:
    """A noise-conditional model with the initial values of torch's ``Linear``, from given uniform draws.

    Parameters
    ----------
    d : int
        Dimension of x.
    hidden : sequence of int
        Widths of the hidden layers.
    uniform : (p,)
        Draws from (0, 1) in the order of θ, as for :func:`~refscore.models.network`.
    scaling, embedding : Scaling, Embedding
        As for :class:`ConditionalMLP`.
    activation : Activation
        φ, the same in every hidden layer.

    Returns
    -------
    ConditionalMLP
        Of widths (d + k, \\*hidden, d).

    Raises
    ------
    ValueError
        If a width is less than 1, or `uniform` is not (p,).

    Examples
    --------
    >>> import refscore as rs
    >>> from refscore.models import LOG_SIGMA, OVER_SIGMA
    >>> uniform = rs.noise.uniforms(0, 0, 8 * (3 + 1) + 2 * (8 + 1))
    >>> conditional_mlp(2, [8], uniform, scaling=OVER_SIGMA, embedding=LOG_SIGMA)
    ConditionalMLP(Network(3-8-2, silu), Scaling(over sigma), Embedding(log sigma, size 1))
    """
    d = integer(d, "d", 1)
    return ConditionalMLP(network((d + embedding.size, *hidden, d), uniform, activation), scaling, embedding)
