"""A network between the factors of a scaling, at given samples: what the noise-conditional models have in common.

With the level fixed, s = a x + b F(u), where only the first d numbers of u = (c x, e) depend on x. So every derivative
of s is one of the network's, between a and b c: the formulas are those of :class:`~refscore.models.ConditionalMLP`.
Arrays are flat in the batch here: x (n, d), u (n, n_0), a, b, c (n, 1) or (1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float
from refscore.models.network import Network
from refscore.models.scaling import Scaling
from refscore.models.short_cut_gradients import trace_gradient
from refscore.models.short_cuts import trace
from refscore.models.tangent_gradients import Gradient, gradient
from refscore.models.tangents import jvp

__all__ = ["Preconditioned", "precondition"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Preconditioned:
    """The score a x + b F(u) and its derivatives, at given samples.

    Parameters
    ----------
    network : Network
        F, with n_0 ≥ d inputs and d outputs.
    x, u : (n, d), (n, n_0)
        The samples, and the network's input (c x, e).
    a, b, c : (n, 1) or (1, 1)
        The scaling's factors.
    gains : tuple of (n, n_l), optional
        Of the hidden layers.
    """

    network: Network
    x: Float
    u: Float
    a: Float
    b: Float
    c: Float
    gains: tuple[Float, ...] | None

    def value(self) -> Float:
        """s, (n, d)."""
        value: Float = self.a * self.x + self.b * self.network(self.u, self.gains)  # (CON.1)
        return value

    def jacobian(self) -> Float:
        """J, (n, d, d)."""
        basis = np.eye(self.x.shape[-1], self.u.shape[-1])[:, None, :]  # the axes of u that x goes along
        columns = jvp(self.network, self.u, basis, self.gains)
        jacobian: Float = (self.b * self.c)[..., None] * np.moveaxis(columns, 0, -1)  # (CON.2)
        np.einsum("nii->ni", jacobian)[...] += self.a  # (CON.2)
        return jacobian

    def trace(self) -> Float:
        """tr J, (n,)."""
        d = self.x.shape[-1]
        value: Float = (self.a * d)[:, 0] + (self.b * self.c)[:, 0] * trace(self.network, self.u, self.gains)  # (CON.2)
        return value

    def vjp(self, v: Float) -> Float:
        """vᵀ J, (n, d)."""
        _, inner, _ = self.network.pullback(self.u, self.b * v, self.gains)
        value: Float = self.a * v + self.c * inner[:, : v.shape[-1]]  # (CON.2)
        return value

    def jvp(self, v: Float) -> Float:
        """J v, (n, d)."""
        value: Float = self.a * v + self.b * jvp(self.network, self.u, self._direction(v), self.gains)[0]  # (CON.2)
        return value

    def vjp_parameters(self, v: Float) -> Gradient:
        """Gradient of Σ v·s."""
        return Gradient(*self.network.pullback(self.u, self.b * v, self.gains))  # (CON.3)

    def trace_parameters(self) -> Gradient:
        """Gradient of Σ tr J."""
        weight = np.broadcast_to(self.b * self.c, (len(self.x), 1))[:, 0]
        return trace_gradient(self.network, self.u, weight, self.gains)  # (CON.3)

    def quadratic_parameters(self, v: Float) -> Gradient:
        """Gradient of Σ vᵀ J v."""
        first = (self.b * v)[None]
        return gradient(self.network, self.u, directions=self._direction(v), first=first, gains=self.gains)  # (CON.3)

    def _direction(self, v: Float) -> Float:
        """(c v, 0), how u moves with x along v; (1, n, n_0)."""
        direction = np.zeros((1, *self.u.shape))
        np.multiply(self.c, v, out=direction[0, :, : v.shape[-1]])
        return direction


def precondition(
    network: Network,
    scaling: Scaling,
    x: Float,
    sigma: Float,
    features: Float,
    gains: tuple[Float, ...] | None = None,
) -> Preconditioned:
    """Put a network between the factors of a scaling.

    Parameters
    ----------
    network, scaling : Network, Scaling
        F, and the factors a, b, c as functions of σ.
    x : (n, d)
        The samples.
    sigma : () or (n,)
        Their levels.
    features : (k,) or (n, k)
        e, what the network is told beside c x.
    gains : tuple of (n, n_l), optional
        Of the hidden layers.

    Returns
    -------
    Preconditioned
        At these samples.
    """
    a, b, c = (factor.reshape(-1, 1) for factor in scaling(sigma))
    u = np.empty((len(x), x.shape[-1] + features.shape[-1]))
    u[:, : x.shape[-1]] = c * x
    u[:, x.shape[-1] :] = features
    return Preconditioned(network, x, u, a, b, c, gains)
