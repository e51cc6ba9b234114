"""Velocity models: a field u(x, t) on samples and times, and the affine one, exact wherever the data are Gaussian.

Times differ from noise levels in that t = 0 is allowed: nothing is divided by t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, read_only, samples

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AffineVelocity", "ParametricVelocity"]


class ParametricVelocity(Protocol):
    """A field u(x, t) with parameters θ (p,); every :class:`~refscore.models.protocol.ParametricLevelScore` is one."""

    def __call__(self, x: ArrayLike, t: ArrayLike, /) -> Float:
        """u(x, t), (\\*batch, d), for `t` () or (\\*batch,)."""

    def vjp_parameters(self, x: ArrayLike, t: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·u(x, t), the sum over the batch; (p,)."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AffineVelocity:
    """The velocity that is affine in x and a polynomial in t.

        u(x, t) = Σ_j t^j (M_j x + c_j),   j = 0 … k-1                                                (FM.1)

    Parameters
    ----------
    matrices : (k, d, d)
        M_0, M_1, …, in 1/time; any matrices.
    constants : (k, d)
        c_0, c_1, …, in the data's unit per time.

    Raises
    ------
    ValueError
        If the shapes do not fit, or k is 0.

    Notes
    -----
    With k = 1 it is the same field at all times. The parameters are θ = (M_0, M_1, …, c_0, c_1, …), each row by row.
    Not to be confused with :class:`~refscore.models.AffineScore`, which is -A (x - b) and cannot be a constant.

    Examples
    --------
    The straight lines from N(0, 1) to itself move at u = (2 t - 1) x / (t² + (1 - t)²), which a polynomial only meets
    at times of its own:

    >>> u = AffineVelocity([[[-1.0]], [[2.0]]], [[0.0], [0.0]])
    >>> u([[3.0], [3.0]], [0.0, 0.5])
    array([[-3.],
           [ 0.]])
    """

    matrices: Float
    constants: Float

    def __post_init__(self) -> None:
        constants = read_only(self.constants, "constants")
        if constants.ndim != 2 or constants.size == 0:
            raise ValueError(f"constants has shape {constants.shape}; expected (k, d)")
        object.__setattr__(self, "constants", constants)
        shape = (*constants.shape, self.d)
        object.__setattr__(self, "matrices", read_only(self.matrices, "matrices", shape))

    def __repr__(self) -> str:
        return f"AffineVelocity(matrices {self.matrices.shape}, constants {self.constants.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return int(self.constants.shape[1])

    def at(self, t: float) -> tuple[Float, Float]:
        """The matrix (d, d) and the constant (d,) of u(·, t) at one time."""
        powers = self._powers(lift(t, self.constants[0], "t", as_float64))
        return np.einsum("j,jab->ab", powers, self.matrices), powers @ self.constants

    def __call__(self, x: ArrayLike, t: ArrayLike) -> Float:
        """u(x, t), (\\*batch, d), for `t` () or (\\*batch,)."""
        x = samples(x, "x", self.d)
        powers = self._powers(lift(t, x, "t", as_float64))
        value = np.zeros(x.shape)
        for j, (matrix, constant) in enumerate(zip(self.matrices, self.constants)):
            value = value + powers[..., j : j + 1] * (x @ matrix.T + constant)  # (FM.1)
        return value

    def vjp_parameters(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·u(x, t) in θ, summed over the batch.

            ∂(v·u)/∂M_j = t^j v xᵀ,   ∂(v·u)/∂c_j = t^j v                                             (FM.2)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies u from the left.
        t : () or (\\*batch,)
            Time.

        Returns
        -------
        (k d² + k d,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        v = of_shape(v, "v", x.shape, "x")
        powers = np.broadcast_to(self._powers(lift(t, x, "t", as_float64)), (*x.shape[:-1], len(self.constants)))
        scaled = (powers[..., None] * v[..., None, :]).reshape(-1, *self.constants.shape)
        matrices = np.einsum("nja,nb->jab", scaled, x.reshape(-1, self.d))  # (FM.2)
        return np.concatenate([matrices.ravel(), scaled.sum(0).ravel()])  # (FM.2)

    def pack(self) -> Float:
        """θ = (M_0, M_1, …, c_0, c_1, …), (k d² + k d,)."""
        return np.concatenate([self.matrices.ravel(), self.constants.ravel()])

    def unpack(self, theta: ArrayLike) -> AffineVelocity:
        """The velocity of the same sizes with parameters `theta` (k d² + k d,)."""
        theta = read_only(theta, "theta", (self.matrices.size + self.constants.size,))
        matrices, constants = np.split(theta, [self.matrices.size])
        return AffineVelocity(matrices.reshape(self.matrices.shape), constants.reshape(self.constants.shape))

    def _powers(self, t: Float) -> Float:
        """1, t, t², …, with the axis of the powers in the place of the event axis."""
        return np.asarray(t[..., None] if t.ndim == 0 else t) ** np.arange(len(self.constants))
