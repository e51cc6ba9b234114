"""The affine conditional score: exact for the noised conditionals of a joint Gaussian, every derivative by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, positive, read_only, samples
from refscore.models.affine import LevelAffineScore

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ConditionalAffineScore", "ParametricConditionalScore"]


class ParametricConditionalScore(Protocol):
    """A score s(x, σ, y) at each level and for each condition y (\\*batch, c), with parameters θ (p,)."""

    def __call__(self, x: ArrayLike, sigma: ArrayLike, condition: ArrayLike, /) -> Float:
        """s(x, σ, y), (\\*batch, d), for `sigma` () or (\\*batch,)."""

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, condition: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x, σ, y), the sum over the batch; (p,)."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConditionalAffineScore:
    """An affine score at every noise level, whose centre moves with the condition.

        s(x, σ, y) = -A (x - b - W y) / σ                                                             (CSM.1)

    Parameters
    ----------
    matrix : (d, d)
        A, in 1/unit of the data; any matrix.
    centre : (d,)
        b, in the data's unit.
    gain : (d, c)
        W, in the data's unit per unit of the condition.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    The parameters are θ = (A, b, W), each row by row.

    Examples
    --------
    A condition moves the centre as it would move x:

    >>> s = ConditionalAffineScore([[2.0]], [1.0], [[3.0]])
    >>> s([[5.0]], 0.5, [[1.0]]), s([[2.0]], 0.5, [[0.0]])
    (array([[-4.]]), array([[-4.]]))
    """

    matrix: Float
    centre: Float
    gain: Float

    def __post_init__(self) -> None:
        base = LevelAffineScore(self.matrix, self.centre)
        object.__setattr__(self, "matrix", base.matrix)
        object.__setattr__(self, "centre", base.centre)
        gain = read_only(self.gain, "gain")
        if gain.ndim != 2 or gain.shape[0] != base.d:
            raise ValueError(f"gain has shape {gain.shape}; expected ({base.d}, c)")
        object.__setattr__(self, "gain", gain)

    def __repr__(self) -> str:
        return f"ConditionalAffineScore(matrix {self.matrix.shape}, centre {self.centre.shape}, gain {self.gain.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.centre.size

    def __call__(self, x: ArrayLike, sigma: ArrayLike, condition: ArrayLike) -> Float:
        """s(x, σ, y), (\\*batch, d), for `sigma` () or (\\*batch,)."""
        x = samples(x, "x", self.d)
        shift = self._condition(condition, x) @ self.gain.T
        return LevelAffineScore(self.matrix, self.centre)(x - shift, sigma)  # (CSM.1)

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, condition: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x, σ, y) in θ, summed over the batch.

            ∂(v·s)/∂A = -v (x - b - W y)ᵀ/σ,   ∂(v·s)/∂b = Aᵀ v/σ,   ∂(v·s)/∂W = Aᵀ v yᵀ/σ             (CSM.2)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.
        sigma : () or (\\*batch,)
            Noise level.
        condition : (\\*batch, c)
            y.

        Returns
        -------
        (d² + d + d c,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        y = self._condition(condition, x)
        base = LevelAffineScore(self.matrix, self.centre).vjp_parameters(x - y @ self.gain.T, sigma, v)
        scaled = of_shape(v, "v", x.shape, "x") / lift(sigma, x, "sigma", positive)
        of_gain = (scaled @ self.matrix).reshape(-1, self.d).T @ y.reshape(-1, y.shape[-1])
        return np.concatenate([base, of_gain.ravel()])  # (CSM.2)

    def pack(self) -> Float:
        """θ = (A, b, W), (d² + d + d c,)."""
        return np.concatenate([self.matrix.ravel(), self.centre, self.gain.ravel()])

    def unpack(self, theta: ArrayLike) -> ConditionalAffineScore:
        """The model of the same sizes with parameters `theta` (d² + d + d c,)."""
        d, own = self.d, self.d**2 + self.d
        theta = read_only(theta, "theta", (own + self.gain.size,))
        return ConditionalAffineScore(
            theta[: d * d].reshape(d, d), theta[d * d : own], theta[own:].reshape(self.gain.shape)
        )

    def _condition(self, condition: ArrayLike, x: Float) -> Float:
        shape = (*x.shape[:-1], self.gain.shape[1])
        return of_shape(as_float64(condition, "condition"), "condition", shape, "the batch of x and gain")
