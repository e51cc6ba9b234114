"""Buffers for training noise-conditional models: those of the network, and those around it, allocated once.

The factors of σ are computed in float64, one set a sample, and rounded to the dtype of the buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.models.activations import Array
from refscore.models.embeddings import Embedding
from refscore.models.network import Network
from refscore.models.noise_levels import NoiseLevels
from refscore.models.scaling import Scaling
from refscore.models.workspace import Workspace

__all__ = ["ConditionalWorkspace", "EmbeddedWorkspace"]

Number = TypeVar("Number", bound=np.floating[Any])


@final
class ConditionalWorkspace:
    """A :class:`~refscore.models.TrainingWorkspace` of a :class:`~refscore.models.ConditionalMLP`.

    Parameters
    ----------
    network, scaling, embedding : Network, Scaling, Embedding
        The parts of the model.
    n : int
        The largest batch.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    theta, gradient : (p,)
        θ, to be written to, and its gradient, in the order of ``model.pack()``.
    """

    def __init__(
        self, network: Network, scaling: Scaling, embedding: Embedding, n: int, dtype: type[np.floating[Any]]
    ) -> None:
        self._space = Workspace(network, n, dtype)
        self._around = _Around(scaling, n, network.widths[-1], embedding.size, self._space.dtype)
        self._embedding = embedding
        self.theta: Array = self._space.theta
        self.gradient: Array = self._space.gradient

    def __repr__(self) -> str:
        return f"ConditionalWorkspace({self._space!r})"

    def forward(self, x: Array, sigma: Array | None = None) -> Array:
        """s(x, σ), a view (m, d), for `x` (m, d) and `sigma` () or (m,)."""
        level = self._around.level(x, sigma)
        u = self._around.inputs(x, level, self._embedding(level) if self._embedding.size else None)
        return self._around.score(x, self._space.forward(u))

    def backward(self, v: Array) -> None:
        """Write the gradient of Σ v·s to ``gradient``."""
        self._space.backward(self._around.back(v))


@final
class EmbeddedWorkspace:
    """A :class:`~refscore.models.TrainingWorkspace` of an :class:`~refscore.models.EmbeddedMLP`.

    Parameters
    ----------
    network : Network
        F.
    tables : sequence of (n_levels, n_l)
        The gains to start from.
    sigmas : NoiseLevels
        The levels.
    scaling : Scaling
        a, b, c.
    n : int
        The largest batch.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    theta, gradient : (p,)
        θ, to be written to, and its gradient, in the order of ``model.pack()``.
    """

    def __init__(
        self,
        network: Network,
        tables: Sequence[Float],
        sigmas: NoiseLevels,
        scaling: Scaling,
        n: int,
        dtype: type[np.floating[Any]],
    ) -> None:
        self._space = Workspace(network, n, dtype)
        self._around = _Around(scaling, n, network.widths[-1], 0, self._space.dtype)
        self._sigmas = sigmas
        self.theta: Array = np.concatenate([self._space.theta, *(table.ravel() for table in tables)], dtype=dtype)
        self.gradient: Array = np.zeros_like(self.theta)
        shapes = [table.shape for table in tables]
        self._tables = split(self.theta[network.p :], shapes)
        self._in_tables = split(self.gradient[network.p :], shapes)
        self._gains: list[Array] = [np.empty((n, width), dtype) for _, width in shapes]
        self._which: Array = np.zeros((n, len(sigmas.values)), dtype)

    def __repr__(self) -> str:
        return f"EmbeddedWorkspace({self._space!r}, {len(self._sigmas.values)} levels)"

    def forward(self, x: Array, sigma: Array | None = None) -> Array:
        """s(x, σ), a view (m, d), for `x` (m, d) and `sigma` () or (m,), each one of the levels."""
        level = self._around.level(x, sigma)
        m = len(x)
        index = np.broadcast_to(self._sigmas.index(level), (m,))
        self._which[:m] = 0
        self._which[np.arange(m), index] = 1
        for table, gain in zip(self._tables, self._gains):
            np.take(table, index, axis=0, out=gain[:m], mode="clip")  # (CON.4)
        u = self._around.inputs(x, level, None)
        self._space.theta[:] = self.theta[: self._space.theta.size]
        return self._around.score(x, self._space.forward(u, [gain[:m] for gain in self._gains]))

    def backward(self, v: Array) -> None:
        """Write the gradient of Σ v·s to ``gradient``."""
        _, slopes = self._space.backward(self._around.back(v))
        self.gradient[: self._space.gradient.size] = self._space.gradient
        for slope, in_table in zip(slopes, self._in_tables):
            np.matmul(self._which[: len(slope)].T, slope, out=in_table)  # (CON.5)


def split(theta: NDArray[Number], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[Number]]:
    """Views of the flat `theta` as arrays of these shapes, one after the other."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes], dtype=int)
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ends[:-1]), shapes)]


class _Around:
    """What stands around the network: its input (c x, e), the score a x + b F, and b v on the way back."""

    def __init__(self, scaling: Scaling, n: int, d: int, k: int, dtype: np.dtype[Any]) -> None:
        self._scaling, self._d, self._rows = scaling, d, 0
        self._a, self._b, self._c = (np.empty((n, 1), dtype) for _ in range(3))
        self._u: Array = np.empty((n, d + k), dtype)
        self._score: Array = np.empty((n, d), dtype)
        self._scratch: Array = np.empty((n, d), dtype)

    def level(self, x: Array, sigma: Array | None) -> Float:
        """The levels in float64, held to the batch of `x`."""
        self._check(x, "x", f"m <= {len(self._u)}", len(x) <= len(self._u) if x.ndim else False)
        if sigma is None:
            raise TypeError("sigma is missing; a noise-conditional model needs () or (m,)")
        level = np.asarray(sigma, np.float64)
        if level.shape not in ((), (len(x),)):
            raise ValueError(f"sigma has shape {level.shape}; expected () or ({len(x)},)")
        return level

    def inputs(self, x: Array, level: Float, features: Float | None) -> Array:
        """u = (c x, e), (m, d + k)."""
        self._rows = m = len(x)
        for buffer, factor in zip((self._a, self._b, self._c), self._scaling(level)):
            buffer[:m, 0] = factor
        u = self._u[:m]
        np.multiply(x, self._c[:m], out=u[:, : self._d])  # (CON.1)
        if features is not None:
            u[:, self._d :] = features
        return u

    def score(self, x: Array, output: Array) -> Array:
        """s = a x + b F, (m, d)."""
        score, scratch = self._score[: self._rows], self._scratch[: self._rows]
        np.multiply(self._b[: self._rows], output, out=score)
        np.multiply(self._a[: self._rows], x, out=scratch)
        score += scratch  # (CON.1)
        return score

    def back(self, v: Array) -> Array:
        """The vector b v that multiplies F from the left, (m, d)."""
        self._check(v, "v", str(self._rows), len(v) == self._rows if v.ndim else False)
        return np.multiply(self._b[: self._rows], v, out=self._scratch[: self._rows])  # (CON.3)

    def _check(self, array: Array, name: str, rows: str, fits: bool) -> None:
        if array.dtype != self._u.dtype:
            raise TypeError(f"{name} has dtype {array.dtype}; expected {self._u.dtype}, that of the workspace")
        if array.ndim != 2 or array.shape[1] != self._d or not fits:
            raise ValueError(f"{name} has shape {array.shape}; expected ({rows}, {self._d})")
