"""The quadratic energy: the Gaussian as an energy-based model, every derivative by hand.

    E(x) = ½ (x - b)ᵀ A (x - b),   log p(x) = -E(x) - log Z                                           (QUA.1)

A quadratic form sees only the symmetric part of its matrix, so A and Aᵀ are the same model. θ keeps all of A: d² + d
numbers without a constraint, and the gradient in A is symmetric, so an optimiser that starts symmetric stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, read_only, samples

__all__ = ["QuadraticEnergy"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class QuadraticEnergy:
    """The energy-based model with a quadratic energy, a :class:`~refscore.models.ParametricLogDensity`.

        H = ½ (A + Aᵀ)                                                                                (QUA.2)
        s(x) = -H (x - b)                                                                             (QUA.3)
        J = -H,   tr J = -tr A,   vᵀ J = J v = -H v                                                   (QUA.4)

    Parameters
    ----------
    matrix : (d, d)
        A, in 1/unit² of the data; any matrix, of which only the symmetric part H is seen.
    centre : (d,)
        b, in the data's unit.

    Raises
    ------
    ValueError
        If `matrix` is not square of the size of `centre`.

    Notes
    -----
    Not to be confused with :class:`~refscore.models.AffineScore`, whose s = -A (x - b) uses all of A and is a gradient
    only where A = Aᵀ. Not to be confused with a covariance: A is a precision, H⁻¹ the covariance.

    Examples
    --------
    The score is the slope of the log density, by a central difference, exact for a quadratic; J is not -A:

    >>> import numpy as np
    >>> model, x = QuadraticEnergy([[2, 1], [0, 1]], [1, -1]), np.array([3.0, 0.0])
    >>> [float(model.log_prob(x + e / 2) - model.log_prob(x - e / 2)) for e in np.eye(2)]
    [-4.5, -2.0]
    >>> model(x)
    array([-4.5, -2. ])
    >>> model.jacobian(x)
    array([[-2. , -0.5],
           [-0.5, -1. ]])
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
        return f"QuadraticEnergy(matrix {self.matrix.shape}, centre {self.centre.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return self.centre.size

    @property
    def symmetric(self) -> Float:
        """H (d, d), the symmetric part of A."""
        value: Float = 0.5 * self.matrix + 0.5 * self.matrix.T  # (QUA.2)
        return value

    def log_prob(self, x: ArrayLike) -> Float:
        """-E(x), (\\*batch,): the log density up to :meth:`log_normaliser`."""
        offset = samples(x, "x", self.d) - self.centre
        value: Float = -0.5 * (offset * (offset @ self.symmetric)).sum(-1)  # (QUA.1)
        return value

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        value: Float = -(samples(x, "x", self.d) - self.centre) @ self.symmetric  # (QUA.3)
        return value

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d): the same for every x, hence a read-only view."""
        return np.broadcast_to(-self.symmetric, (*samples(x, "x", self.d).shape, self.d))  # (QUA.4)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,)."""
        return np.full(samples(x, "x", self.d).shape[:-1], -np.trace(self.matrix))  # (QUA.4)

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        value: Float = -of_shape(v, "v", samples(x, "x", self.d).shape, "x") @ self.symmetric  # (QUA.4)
        return value

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d): J is symmetric."""
        return self.hvp(x, v)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d)."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ w log p(x) in θ, log Z left out.

            ∂log p/∂A = -½ (x - b)(x - b)ᵀ,   ∂log p/∂b = H (x - b)                                   (QUA.5)

        Parameters
        ----------
        x : (\\*batch, d)
            Where.
        weight : (\\*batch,)
            w, one for each sample.

        Returns
        -------
        (d² + d,)
            In the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        w = of_shape(weight, "weight", x.shape[:-1], "the batch of x").reshape(-1, 1)
        offset = (x - self.centre).reshape(-1, self.d)
        return self._packed(-0.5 * offset.T @ (w * offset), (w * offset).sum(0) @ self.symmetric)  # (QUA.5)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ.

            ∂(v·s)/∂A = -½ [v (x - b)ᵀ + (x - b) vᵀ],   ∂(v·s)/∂b = H v                               (QUA.6)

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
        outer = v.T @ (x.reshape(-1, self.d) - self.centre)
        return self._packed(-0.5 * (outer + outer.T), v.sum(0) @ self.symmetric)  # (QUA.6)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ.

            ∂(tr J)/∂A = -I,   ∂(tr J)/∂b = 0                                                         (QUA.7)

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
        return self._packed(-n * np.eye(self.d), np.zeros(self.d))  # (QUA.7)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ.

            ∂(vᵀ J v)/∂A = -v vᵀ,   ∂(vᵀ J v)/∂b = 0                                                  (QUA.8)

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
        return self._packed(-v.T @ v, np.zeros(self.d))  # (QUA.8)

    def log_normaliser(self) -> float:
        """The constant that makes exp(-E) a density, where it has one.

            log Z = ½ (d log 2π - log det H)                                                          (QUA.9)

        Returns
        -------
        float
            log Z, in nats: ``log_prob(x) - log_normaliser()`` is the log density of N(b, H⁻¹).

        Raises
        ------
        ValueError
            If H is not positive definite: the integral of exp(-E) is infinite then.

        Examples
        --------
        The integral over a line, by the rectangle rule, which is exact to rounding for a Gaussian:

        >>> import numpy as np
        >>> model, x = QuadraticEnergy([[4]], [1]), np.arange(-60, 60) / 8
        >>> round(float(np.log(np.exp(model.log_prob(x[:, None])).sum() / 8)), 14) == round(model.log_normaliser(), 14)
        True
        """
        eigenvalues, _ = self._spectrum()
        return float(0.5 * (self.d * np.log(2 * np.pi) - np.log(eigenvalues).sum()))  # (QUA.9)

    def covariance(self) -> Float:
        """The covariance of the normalised model, for ``targets.gaussian(model.centre, model.covariance())``.

            Σ = H⁻¹                                                                                   (QUA.10)

        Returns
        -------
        (d, d)
            Σ, in the data's unit squared, symmetric to the last bit.

        Raises
        ------
        ValueError
            If H is not positive definite.

        Examples
        --------
        >>> QuadraticEnergy([[4, 1], [-1, 2]], [0, 0]).covariance()
        array([[0.25, 0.  ],
               [0.  , 0.5 ]])
        """
        eigenvalues, axes = self._spectrum()
        inverse = (axes / eigenvalues) @ axes.T  # (QUA.10)
        value: Float = 0.5 * (inverse + inverse.T)
        return value

    def _spectrum(self) -> tuple[Float, Float]:
        """Eigenvalues (d,), ascending, and eigenvectors (d, d) of H, which has to be positive definite."""
        eigenvalues, axes = np.linalg.eigh(self.symmetric)
        if not eigenvalues[0] > 0:
            raise ValueError(
                f"the symmetric part of matrix has eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}; "
                f"expected all > 0, or exp(-E) has no finite integral"
            )
        return eigenvalues, axes

    def pack(self) -> Float:
        """θ = (A row by row, b), (d² + d,)."""
        return self._packed(self.matrix, self.centre)

    def unpack(self, theta: ArrayLike) -> QuadraticEnergy:
        """The model of the same dimension with parameters `theta` (d² + d,)."""
        d = self.d
        theta = read_only(theta, "theta", (d * d + d,))
        return QuadraticEnergy(theta[: d * d].reshape(d, d), theta[d * d :])

    @staticmethod
    def _packed(of_matrix: Float, of_centre: Float) -> Float:
        """What belongs to A and what belongs to b, in the order of :meth:`pack`."""
        return np.concatenate([of_matrix.ravel(), of_centre])
