"""A fully connected network as a score model, every derivative by hand.

Nothing makes the Jacobian of such a score symmetric: it is the gradient of no log density, in general. The values and
products from the left are those of ``network``, products from the right those of ``tangents``, and the trace takes the
short cuts of ``short_cuts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.activations import Array
from refscore.models.network import Network
from refscore.models.short_cut_gradients import trace_gradient
from refscore.models.short_cuts import trace
from refscore.models.tangent_gradients import gradient
from refscore.models.tangents import jvp
from refscore.models.workspace import Workspace

__all__ = ["MLPScore", "MLPWorkspace"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MLPScore:
    """A fully connected network as a score, a :class:`~refscore.models.ParametricScore`.

        s(x) = net(x)                                                                                 (MLP.1)
        J = W_L E_{L-1} W_{L-1} … E_1 W_1,   E_l = diag φ'(a_l)                                        (MLP.2)

    Parameters
    ----------
    network : Network
        With as many outputs as inputs.

    Raises
    ------
    ValueError
        If it has not.

    Notes
    -----
    The trace of one with one or two hidden layers of width H costs O(H) and O(H²) a sample beside the values, whatever
    d is. Not to be confused with :class:`~refscore.models.MLPEnergy`, whose score is the gradient of a network.

    References
    ----------
    Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, for what tr J is needed for.

    Examples
    --------
    The trace by central differences of the score, with an error of the square of the step:

    >>> import numpy as np
    >>> import refscore as rs
    >>> net = rs.models.network([2, 8, 8, 2], rs.noise.uniforms(0, 0, 114))
    >>> s, x, h = MLPScore(net), np.array([0.3, -1.2]), 1e-5
    >>> divergence = sum((s(x + h * e) - s(x - h * e)) @ e for e in np.eye(2)) / (2 * h)
    >>> bool(abs(divergence - s.trace(x)) < h)
    True
    """

    network: Network

    def __post_init__(self) -> None:
        inputs, *_, outputs = self.network.widths
        if inputs != outputs:
            raise ValueError(f"network has {inputs} inputs and {outputs} outputs; expected as many")

    def __repr__(self) -> str:
        return f"MLPScore({self.network!r})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.network.widths[0]

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        return self.network(samples(x, "x", self.d))  # (MLP.1)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d): d directions pushed through the network."""
        x = samples(x, "x", self.d)
        columns = jvp(self.network, x.reshape(-1, self.d), np.eye(self.d)[:, None])  # (MLP.2)
        return np.moveaxis(columns, 0, -1).reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,), by the cheapest way around (MLP.2)."""
        x = samples(x, "x", self.d)
        return trace(self.network, x.reshape(-1, self.d)).reshape(x.shape[:-1])

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x", self.d)
        return self.network.pullback(x, of_shape(v, "v", x.shape, "x"))[1]

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, v = self._rows(x, v)
        return jvp(self.network, x.reshape(-1, self.d), v.reshape(1, -1, self.d)).reshape(x.shape)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ, by (NET.3) and (NET.4).

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        return self.network.pullback(*self._rows(x, v))[0]

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ, by (CUT.7), (CUT.8) or (CUT.9).

        Parameters
        ----------
        x : (\\*batch, d)
            Where.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        u = samples(x, "x", self.d).reshape(-1, self.d)
        return trace_gradient(self.network, u, np.ones(len(u))).theta

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ: (TAN.7) to (TAN.10) with one direction, v, which is w too.

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the direction.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x, v = self._rows(x, v)
        along = v.reshape(1, -1, self.d)
        return gradient(self.network, x.reshape(-1, self.d), directions=along, first=along).theta

    def pack(self) -> Float:
        """θ = (W_1 row by row, b_1, W_2, …, b_L), (p,)."""
        return self.network.pack()

    def unpack(self, theta: ArrayLike) -> MLPScore:
        """The score of the same widths and activation with parameters `theta` (p,)."""
        return MLPScore(self.network.unpack(theta))

    def workspace(self, n: int, dtype: type[np.floating[Any]] = np.float64) -> MLPWorkspace:
        """Buffers to train with, for batches of up to `n` samples in `dtype`, starting from this θ."""
        return MLPWorkspace(self.network, n, dtype)

    def _rows(self, x: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        x = samples(x, "x", self.d)
        return x, of_shape(v, "v", x.shape, "x")


@final
class MLPWorkspace:
    """A :class:`~refscore.models.TrainingWorkspace` of an :class:`MLPScore`.

    Parameters
    ----------
    network : Network
        The score.
    n : int
        The largest batch.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    theta, gradient : (p,)
        θ, to be written to, and its gradient, in the order of ``model.pack()``.
    """

    def __init__(self, network: Network, n: int, dtype: type[np.floating[Any]]) -> None:
        self._space = Workspace(network, n, dtype)
        self.theta: Array = self._space.theta
        self.gradient: Array = self._space.gradient

    def __repr__(self) -> str:
        return f"MLPWorkspace({self._space!r})"

    def forward(self, x: Array, sigma: Array | None = None) -> Array:
        """s(x), a view (m, d); there is no level to be told, so a `sigma` is refused."""
        if sigma is not None:
            raise TypeError("this score has no noise level; expected no sigma")
        return self._space.forward(x)

    def backward(self, v: Array) -> None:
        """Write the gradient of Σ v·s to ``gradient``."""
        self._space.backward(v)
