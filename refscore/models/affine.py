"""The affine score models: every derivative by hand, and every objective exact on Gaussian data.

For A symmetric positive definite, -A (x - b) is the score of N(b, A⁻¹). A general A is no gradient field, and the
formulas hold for it too: a non-symmetric A is what tells J from Jᵀ in a test.

The parameters are θ = (A row by row, b), p = d² + d numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, positive, read_only, samples

__all__ = ["AffineScore", "LevelAffineScore"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AffineScore:
    """The affine score model.

        s(x) = -A (x - b)                                                                             (AFF.1)
        J = -A,   tr J = -tr A,   vᵀ J = -vᵀ A,   J v = -A v                                           (AFF.2)

    Parameters
    ----------
    matrix : (d, d)
        A, in 1/unit² of the data; any matrix, symmetric or not.
    centre : (d,)
        b, in the data's unit.

    Raises
    ------
    ValueError
        If `matrix` is not square of the size of `centre`.

    Examples
    --------
    The score of N(b, A⁻¹) is the slope of its log density, here by a central difference, exact for a quadratic:

    >>> import numpy as np
    >>> s = AffineScore([[2, 0.5], [0.5, 1]], [1, -1])
    >>> log_density = lambda x: -0.5 * (x - s.centre) @ s.matrix @ (x - s.centre)
    >>> x = np.array([3.0, 0.0])
    >>> [float(log_density(x + e / 2) - log_density(x - e / 2)) for e in np.eye(2)]
    [-4.5, -2.0]
    >>> s(x)
    array([-4.5, -2. ])
    """

    matrix: Float
    centre: Float

    def __post_init__(self) -> None:
        centre = read_only(self.centre, "centre")
        if centre.ndim != 1 or centre.size == 0:
            raise ValueError(f"centre has shape {centre.shape}; expected (d,)")
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "matrix", read_only(self.matrix, "matrix", (centre.size, centre.size)))

    def __repr__(self) -> str:
        return f"AffineScore(matrix {self.matrix.shape}, centre {self.centre.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.centre.size

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        value: Float = -(samples(x, "x", self.d) - self.centre) @ self.matrix.T  # (AFF.1)
        return value

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d): the same for every x, hence a read-only view."""
        return np.broadcast_to(-self.matrix, (*samples(x, "x", self.d).shape, self.d))  # (AFF.2)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,)."""
        return np.full(samples(x, "x", self.d).shape[:-1], -np.trace(self.matrix))  # (AFF.2)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d), for `v` of the shape of `x`."""
        value: Float = -of_shape(v, "v", samples(x, "x", self.d).shape, "x") @ self.matrix  # (AFF.2)
        return value

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        value: Float = -of_shape(v, "v", samples(x, "x", self.d).shape, "x") @ self.matrix.T  # (AFF.2)
        return value

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ, summed over the batch.

            ∂(v·s)/∂A = -v (x - b)ᵀ,   ∂(v·s)/∂b = Aᵀ v                                               (AFF.3)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.

        Returns
        -------
        (d² + d,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        v = of_shape(v, "v", x.shape, "x").reshape(-1, self.d)
        return np.concatenate(
            [(-v.T @ (x.reshape(-1, self.d) - self.centre)).ravel(), v.sum(0) @ self.matrix]
        )  # (AFF.3)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ, summed over the batch.

            ∂(tr J)/∂A = -I,   ∂(tr J)/∂b = 0                                                         (AFF.4)

        Parameters
        ----------
        x : (\\*batch, d)
            Where; only the size of the batch matters.

        Returns
        -------
        (d² + d,)
            In the order of :meth:`pack`.
        """
        n = samples(x, "x", self.d).size // self.d
        return np.concatenate([(-n * np.eye(self.d)).ravel(), np.zeros(self.d)])  # (AFF.4)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, summed over the batch.

            ∂(vᵀ J v)/∂A = -v vᵀ,   ∂(vᵀ J v)/∂b = 0                                                  (AFF.5)

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the direction.

        Returns
        -------
        (d² + d,)
            In the order of :meth:`pack`.
        """
        v = of_shape(v, "v", samples(x, "x", self.d).shape, "x").reshape(-1, self.d)
        return np.concatenate([(-v.T @ v).ravel(), np.zeros(self.d)])  # (AFF.5)

    def pack(self) -> Float:
        """θ = (A row by row, b), (d² + d,)."""
        return np.concatenate([self.matrix.ravel(), self.centre])

    def unpack(self, theta: ArrayLike) -> AffineScore:
        """The model of the same dimension with parameters `theta` (d² + d,)."""
        d = self.d
        theta = read_only(theta, "theta", (d * d + d,))
        return AffineScore(theta[: d * d].reshape(d, d), theta[d * d :])

    def magnitude(self, x: ArrayLike) -> Float:
        """|A| (|x| + |b|): the size of the terms that rounding acts on, for error bounds; (\\*batch, d)."""
        value: Float = (np.abs(samples(x, "x", self.d)) + np.abs(self.centre)) @ np.abs(self.matrix).T
        return value


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LevelAffineScore:
    """An affine score at every noise level, with the output divided by σ.

        s(x, σ) = -A (x - b) / σ                                                                      (AFF.6)

    Parameters
    ----------
    matrix : (d, d)
        A, in 1/unit of the data; any matrix.
    centre : (d,)
        b, in the data's unit.

    Raises
    ------
    ValueError
        If `matrix` is not square of the size of `centre`.

    Notes
    -----
    Not to be confused with the exact score of noised data, -(Σ + σ² I)⁻¹ (x - μ): no one A gives that at every level.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, technique 3: one unconditional
    network, divided by σ.

    Examples
    --------
    At one level it is an :class:`AffineScore`:

    >>> s = LevelAffineScore([[3.0]], [1.0])
    >>> s([[5.0], [5.0]], [2.0, 0.5])
    array([[ -6.],
           [-24.]])
    >>> s.at(0.5)([[5.0]])
    array([[-24.]])
    """

    matrix: Float
    centre: Float

    def __post_init__(self) -> None:
        base = AffineScore(self.matrix, self.centre)
        object.__setattr__(self, "matrix", base.matrix)
        object.__setattr__(self, "centre", base.centre)

    def __repr__(self) -> str:
        return f"LevelAffineScore(matrix {self.matrix.shape}, centre {self.centre.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.centre.size

    def __call__(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """s(x, σ), (\\*batch, d), for `sigma` () or (\\*batch,)."""
        x = samples(x, "x", self.d)
        value: Float = -(x - self.centre) @ self.matrix.T / lift(sigma, x, "sigma", positive)  # (AFF.6)
        return value

    def at(self, sigma: float) -> AffineScore:
        """The affine score s(·, σ) at the one level `sigma`; its own parameters are A/σ and b."""
        level = lift(sigma, self.centre, "sigma", positive)
        return AffineScore(self.matrix / level, self.centre)

    def jacobian(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """J(x, σ) = -A/σ, (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        return self._base.jacobian(x) / lift(sigma, x, "sigma", positive)[..., None]

    def trace(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """tr J(x, σ), (\\*batch,)."""
        x = samples(x, "x", self.d)
        value: Float = (self._base.trace(x)[..., None] / lift(sigma, x, "sigma", positive))[..., 0]
        return value

    def vjp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x, σ), (\\*batch, d)."""
        return self._base.vjp(x, self._scaled(x, sigma, v))

    def jvp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """J(x, σ) v, (\\*batch, d)."""
        return self._base.jvp(x, self._scaled(x, sigma, v))

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x, σ) in θ, summed over the batch: (AFF.3) with v/σ in the place of v.

        Parameters
        ----------
        x, v : (\\*batch, d)
            Where, and the vector that multiplies s from the left.
        sigma : () or (\\*batch,)
            Noise level.

        Returns
        -------
        (d² + d,)
            In the order of :meth:`pack`.
        """
        return self._base.vjp_parameters(x, self._scaled(x, sigma, v))

    def trace_parameters(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """Gradient of Σ tr J(x, σ) in θ: (AFF.4) with each sample counted 1/σ times; (d² + d,)."""
        x = samples(x, "x", self.d)
        count = np.sum(np.broadcast_to(1 / lift(sigma, x, "sigma", positive), (*x.shape[:-1], 1)))
        return np.concatenate([(-count * np.eye(self.d)).ravel(), np.zeros(self.d)])

    def quadratic_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x, σ) v in θ: (AFF.5) with v/σ in the place of one v; (d² + d,)."""
        x = samples(x, "x", self.d)
        left = self._scaled(x, sigma, v).reshape(-1, self.d)
        right = of_shape(v, "v", x.shape, "x").reshape(-1, self.d)
        return np.concatenate([(-left.T @ right).ravel(), np.zeros(self.d)])

    @property
    def _base(self) -> AffineScore:
        return AffineScore(self.matrix, self.centre)

    def _scaled(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike) -> Float:
        x = samples(x, "x", self.d)
        value: Float = of_shape(v, "v", x.shape, "x") / lift(sigma, x, "sigma", positive)
        return value

    def pack(self) -> Float:
        """θ = (A row by row, b), (d² + d,)."""
        return np.concatenate([self.matrix.ravel(), self.centre])

    def unpack(self, theta: ArrayLike) -> LevelAffineScore:
        """The model of the same dimension with parameters `theta` (d² + d,)."""
        base = AffineScore(self.matrix, self.centre).unpack(theta)
        return LevelAffineScore(base.matrix, base.centre)

    def magnitude(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """|A| (|x| + |b|) / σ: the size of the terms that rounding acts on, for error bounds; (\\*batch, d)."""
        x = samples(x, "x", self.d)
        value: Float = AffineScore(self.matrix, self.centre).magnitude(x) / lift(sigma, x, "sigma", positive)
        return value
