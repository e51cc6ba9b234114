"""A network's θ, its gradient, and every buffer that a pass over a batch needs, allocated once.

With v·net(u) summed over the samples, and the layers of (NET.1), the chain rule from the last layer back is

    δ_L = v,   ∂a_l = (W_{l+1}ᵀ δ_{l+1}) ∘ φ'(a_l),   δ_l = g_l ∘ ∂a_l,   ∂g_l = ∂a_l ∘ (W_l h_{l-1} + b_l)  (NET.3)
    ∂W_l = Σ δ_l h_{l-1}ᵀ,   ∂b_l = Σ δ_l,   ∂u = W_1ᵀ δ_1                                              (NET.4)

Time goes to the matrix products, and then to passes over memory: φ comes with the bias, and δ_l overwrites φ'(a_l),
which nothing else needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import integer
from refscore.models.activations import Array

if TYPE_CHECKING:
    from refscore.models.network import Network

__all__ = ["Workspace", "layers"]

Number = TypeVar("Number", bound=np.floating[Any])


def layers(theta: NDArray[Number], widths: Sequence[int]) -> tuple[list[NDArray[Number]], list[NDArray[Number]]]:
    """Split θ into the matrices and the biases of a network.

    Parameters
    ----------
    theta : (p,)
        θ.
    widths : sequence of int
        n_0, …, n_L.

    Returns
    -------
    list of (n_l, n_{l-1}), list of (n_l,)
        Views of `theta`.

    Examples
    --------
    >>> layers(np.arange(5.0), [2, 1, 1])
    ([array([[0., 1.]]), array([[3.]])], [array([2.]), array([4.])])
    """
    weights: list[NDArray[Number]] = []
    biases: list[NDArray[Number]] = []
    start = 0
    for before, after in pairwise(widths):
        weights.append(theta[start : start + after * before].reshape(after, before))
        start += after * before
        biases.append(theta[start : start + after])
        start += after
    return weights, biases


@final
class Workspace:
    """Buffers for the forward and the backward pass of a network over batches of up to n samples.

    Nothing is allocated in a pass, and no argument is copied: arrays have the dtype of the workspace, and stay as they
    are from a forward pass to its backward pass. What is returned are views, which last until the next call.

    Parameters
    ----------
    network : Network
        Gives the widths, φ, and the values of θ to start from.
    n : int
        The largest batch.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    theta : (p,)
        θ, contiguous, to be written to; each pass reads it.
    gradient : (p,)
        What the last :meth:`backward` found, in the order of `theta`.

    activation : Activation
        φ, of which `forward` is called.

    Raises
    ------
    TypeError
        If `dtype` is another.

    Notes
    -----
    Values are not checked: a θ that is not finite gives a result that is not. Not to be shared between threads.

    Examples
    --------
    One step of gradient descent on ½ (net(u) - 1)²:

    >>> from refscore.models import Network
    >>> space = Workspace(Network([[[2.0]]], [[0.0]]), 8)
    >>> u = np.array([[0.5], [1.0]])
    >>> residual = space.forward(u) - 1
    >>> space.backward(residual)
    (None, ())
    >>> space.gradient  # Σ (2u - 1) u, Σ (2u - 1)
    array([1., 1.])
    >>> space.theta -= 0.5 * space.gradient
    >>> space.evaluate(u)
    array([[0.25],
           [1.  ]])
    """

    def __init__(self, network: Network, n: int, dtype: type[np.floating[Any]] = np.float64) -> None:
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 or float64")
        self.n = integer(n, "n", 1)
        self.dtype = np.dtype(dtype)
        self.widths = network.widths
        hidden = self.widths[1:-1]
        self.theta: Array = network.pack().astype(dtype, copy=False)
        self.gradient: Array = np.zeros_like(self.theta)
        self.activation = network.activation
        self._weights, self._biases = layers(self.theta, self.widths)
        self._in_weights, self._in_biases = layers(self.gradient, self.widths)
        self._values: list[Array] = [np.empty((n, width), dtype) for width in hidden]
        self._slopes: list[Array] = [np.empty((n, width), dtype) for width in hidden]
        self._sums: list[Array] = []
        self._inputs: Array | None = None
        self._output: Array = np.empty((n, self.widths[-1]), dtype)
        self._scratch: Array = np.empty(n * max(hidden, default=0), dtype)
        self._ones: Array = np.ones(n, dtype)
        self._pending: tuple[Array, Sequence[Array] | None] | None = None

    def __repr__(self) -> str:
        return f"Workspace({'-'.join(map(str, self.widths))}, up to {self.n} samples, {self.dtype})"

    def evaluate(self, u: Array, gains: Sequence[Array] | None = None) -> Array:
        """net(u), (m, n_L) for `u` (m, n_0) with m ≤ n and `gains` (m, n_l), without what a backward pass needs."""
        self._pending = None
        return self._run(u, gains, False)

    def forward(self, u: Array, gains: Sequence[Array] | None = None) -> Array:
        """net(u), (m, n_L) for `u` (m, n_0) with m ≤ n and `gains` (m, n_l), ready for :meth:`backward`."""
        self._pending = None
        output = self._run(u, gains, True)
        self._pending = u, gains
        return output

    def backward(self, v: Array, *, inputs: bool = False) -> tuple[Array | None, tuple[Array, ...]]:
        """Gradients of Σ v·net(u), summed over the samples of the last forward pass, which it uses up.

        Parameters
        ----------
        v : (m, n_L)
            The vector that multiplies net(u) from the left.
        inputs : bool
            Also find the gradient in u.

        Returns
        -------
        (m, n_0) or None
            In u, where asked.
        tuple of (m, n_l)
            In the gains, () without gains. That in θ is in ``gradient``.

        Raises
        ------
        RuntimeError
            If there was no forward pass, or its backward pass has been made.
        """
        if self._pending is None:
            raise RuntimeError("backward has no forward pass to go back through; call forward first")
        (u, gains), delta = self._pending, v
        m = len(u)
        self._check(v, "v", self.widths[-1], m)
        self._pending = None
        for i in range(len(self._weights) - 1, -1, -1):
            before = self._values[i - 1][:m] if i else u
            np.matmul(delta.T, before, out=self._in_weights[i])  # (NET.4)
            np.matmul(self._ones[:m], delta, out=self._in_biases[i])  # (NET.4)
            if i:
                delta = self._through(i, delta, None if gains is None else gains[i - 1])
        if inputs:
            if self._inputs is None:
                self._inputs = np.empty((self.n, self.widths[0]), self.dtype)
            np.matmul(delta, self._weights[0], out=self._inputs[:m])  # (NET.4)
        return (self._inputs[:m] if inputs and self._inputs is not None else None), tuple(
            s[:m] for s in self._sums if gains is not None
        )

    def _run(self, u: Array, gains: Sequence[Array] | None, slopes: bool) -> Array:
        self._check(u, "u", self.widths[0])
        m, h = len(u), u
        if gains is not None:
            self._gains(gains, m)
        for i, a in enumerate(self._values):
            h = np.matmul(h, self._weights[i].T, out=a[:m])
            scratch = self._scratch[: h.size].reshape(h.shape)
            slope = self._slopes[i][:m] if slopes else None
            if gains is None:
                self.activation.forward(h, self._biases[i], slope, scratch)
            else:
                sums = np.add(h, self._biases[i], out=self._sums[i][:m])
                np.multiply(sums, gains[i], out=h)  # (NET.1)
                self.activation.forward(h, None, slope, scratch)
        output = np.matmul(h, self._weights[-1].T, out=self._output[:m])
        output += self._biases[-1]
        return output

    def _through(self, i: int, delta: Array, gain: Array | None) -> Array:
        """From δ_{i+1} to δ_i."""
        m, width = len(delta), self.widths[i]
        slope, sums = self._slopes[i - 1][:m], None if gain is None else self._sums[i - 1][:m]
        slope *= np.matmul(delta, self._weights[i], out=self._scratch[: m * width].reshape(m, width))  # (NET.3)
        if gain is not None and sums is not None:
            sums *= slope  # (NET.3)
            slope *= gain  # (NET.3)
        return slope

    def _gains(self, gains: Sequence[Array], m: int) -> None:
        """Check them, and make the buffers that only networks with gains need."""
        if len(gains) != len(self._values):
            raise ValueError(f"gains has {len(gains)} arrays; expected {len(self._values)}, one for each hidden layer")
        for i, gain in enumerate(gains):
            self._check(gain, f"gains[{i}]", self.widths[i + 1], m)
        if not self._sums:
            self._sums = [np.empty_like(value) for value in self._values]

    def _check(self, array: Array, name: str, width: int, m: int | None = None) -> None:
        if array.dtype != self.dtype:
            raise TypeError(f"{name} has dtype {array.dtype}; expected {self.dtype}, that of the workspace")
        if array.ndim != 2 or array.shape[1] != width or (len(array) > self.n if m is None else len(array) != m):
            many = f"m <= {self.n}" if m is None else m
            raise ValueError(f"{name} has shape {array.shape}; expected ({many}, {width})")
