"""A fully connected network as an energy, every derivative by hand.

    log p(x) = -net(x) - log Z,   s = -∇net,   J = -∇² net                                            (MEN.1)

The score is a gradient, and J symmetric, whatever θ is. Each derivative of log p is one of the network's of one order
more than for a score: those of the second order are Hessians, and their gradient in θ is of the third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.network import Network
from refscore.models.tangent_gradients import gradient, reverse
from refscore.models.tangents import ROWS, blocks, curvature, forward, laplacian
from refscore.models.workspace import layers

__all__ = ["MLPEnergy"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MLPEnergy:
    """A fully connected network as minus a log density, a :class:`~refscore.models.ParametricLogDensity`.

        log p(x) = -net(x) - log Z,   s = -∇net,   J = -∇² net                                        (MEN.1)

    Parameters
    ----------
    network : Network
        With d inputs and one output.

    Raises
    ------
    ValueError
        If it has more outputs.

    Notes
    -----
    Z need not be finite: a network is no proper energy unless it grows at infinity, and no derivative here asks.
    Not to be confused with the energy of an MLP score, which has none. The bias of the last layer is in no score: its
    gradient is 0 in all but :meth:`log_prob_parameters`.

    Examples
    --------
    The Laplacian by central differences of the score, with an error of the square of the step:

    >>> import numpy as np
    >>> import refscore as rs
    >>> net = rs.models.network([2, 8, 8, 1], rs.noise.uniforms(0, 0, 105))
    >>> p, x, h = MLPEnergy(net), np.array([0.3, -1.2]), 1e-5
    >>> divergence = sum((p(x + h * e) - p(x - h * e)) @ e for e in np.eye(2)) / (2 * h)
    >>> bool(abs(divergence - p.trace(x)) < h)
    True
    """

    network: Network

    def __post_init__(self) -> None:
        if self.network.widths[-1] != 1:
            raise ValueError(f"network has {self.network.widths[-1]} outputs; expected one, the energy")

    def __repr__(self) -> str:
        return f"MLPEnergy({self.network!r})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.network.widths[0]

    def log_prob(self, x: ArrayLike) -> Float:
        """-net(x), (\\*batch,): the log density up to log Z."""
        value: Float = -self.network(samples(x, "x", self.d))[..., 0]  # (MEN.1)
        return value

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d): one pass back."""
        x = samples(x, "x", self.d)
        return self.network.pullback(x, np.full((*x.shape[:-1], 1), -1.0))[1]  # (MEN.1)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), the Hessian of log p, (\\*batch, d, d): d directions forward and back."""
        x = samples(x, "x", self.d)
        columns = self._curvature(x.reshape(-1, self.d), np.eye(self.d)[:, None])
        return np.moveaxis(columns, 0, -1).reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), the Laplacian of log p, (\\*batch,): d directions forward, or (MEN.2) with one hidden layer."""
        x = samples(x, "x", self.d)
        u = x.reshape(-1, self.d)
        if len(self.network.weights) == 2:
            w, (last,) = self.network.weights
            total: Float = np.empty(len(u))
            for rows in blocks(len(u), ROWS):
                ((_, f),) = forward(self.network, u[rows], order=2).factors
                total[rows] = f @ (last * (w * w).sum(1))  # (MEN.2)
        else:
            total = laplacian(self.network, u, np.eye(self.d)[:, None])[:, 0]  # (TAN.5)
        return -total.reshape(x.shape[:-1])

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, v = self._pair(x, v)
        return self._curvature(x.reshape(-1, self.d), v.reshape(1, -1, self.d)).reshape(x.shape)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d): J is symmetric."""
        return self.hvp(x, v)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d)."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ w log p(x) in θ, log Z left out, by (NET.3) and (NET.4).

        Parameters
        ----------
        x : (\\*batch, d)
            Where.
        weight : (\\*batch,)
            w, one for each sample.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        weight = of_shape(weight, "weight", x.shape[:-1], "the batch of x")
        return self.network.pullback(x, -weight[..., None])[0]

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ: v·s = -J_net v, so (TAN.7) to (TAN.10) with w = -1.

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        u, along = x.reshape(-1, self.d), v.reshape(1, -1, self.d)
        return gradient(self.network, u, directions=along, first=np.full((1, len(u), 1), -1.0)).theta

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ.

        With one hidden layer, ℓ_i = |row i of W_1|² and w = W_2 the Laplacian and the slopes in its parts are

            tr ∇² net = Σ_i w_i ℓ_i f_1i                                                              (MEN.2)
            f̄_1i = w_i ℓ_i,   W̄_1 = 2 diag(w Σ_n f_1) W_1,   w̄ = ℓ Σ_n f_1                             (MEN.3)

        to which (TAN.9) adds what comes through f. With more, (TAN.7) to (TAN.10) with a = -1 and the axes for v.

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
        if len(self.network.weights) != 2:
            return gradient(
                self.network, u, directions=np.eye(self.d)[:, None], second=np.full((len(u), 1), -1.0)
            ).theta
        (w, (last,)), theta = self.network.weights, np.zeros(self.network.p)
        (in_w, in_last), _ = layers(theta, self.network.widths)
        lengths = (w * w).sum(1)
        for rows in blocks(len(u), ROWS):
            values = forward(self.network, u[rows])
            ((_, f, _),) = values.factors
            of_rows = f.sum(0)
            in_w -= 2 * (last * of_rows)[:, None] * w  # (MEN.3)
            in_last -= lengths * of_rows  # (MEN.3)
            f_bar = np.broadcast_to(-last * lengths, f.shape)  # (MEN.3)
            theta += reverse(self.network, values, [np.zeros_like(f)], [f_bar]).theta
        return theta

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ: (TAN.7) to (TAN.10) with a = -1 and one direction.

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the direction.

        Returns
        -------
        (p,)
            In the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        u, along = x.reshape(-1, self.d), v.reshape(1, -1, self.d)
        return gradient(self.network, u, directions=along, second=np.full((len(u), 1), -1.0)).theta

    def pack(self) -> Float:
        """θ = (W_1 row by row, b_1, W_2, …, b_L), (p,)."""
        return self.network.pack()

    def unpack(self, theta: ArrayLike) -> MLPEnergy:
        """The energy of the same widths and activation with parameters `theta` (p,)."""
        return MLPEnergy(self.network.unpack(theta))

    def _curvature(self, u: Float, directions: Float) -> Float:
        return curvature(self.network, u, np.full((len(u), 1), -1.0), directions)  # (TAN.4)

    def _pair(self, x: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        x = samples(x, "x", self.d)
        return x, of_shape(v, "v", x.shape, "x")
