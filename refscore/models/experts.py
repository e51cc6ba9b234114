"""Products of experts: many log densities along a line each, added up.

Each expert looks at x along one direction and may veto it: their densities are multiplied, so the logarithms add,

    log p(x) = Σ_k γ_k φ(w_k·x + b_k) - log Z

The more experts than dimensions, the less is known about Z, and score matching does not need it. With as many experts
as dimensions the coordinates u = W x + b are independent: independent component analysis, and Z is known.

Everything is a sum over k of a function of u_k alone. So a derivative in x brings a row w_k down and one more prime on
φ, and nothing larger than (n, K) is ever held. The parameters are θ = (W row by row, b, log γ), p = K d + 2K numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, read_only, samples
from refscore.models.expert_shapes import STUDENT_T, Expert

__all__ = ["ProductOfExperts"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProductOfExperts:
    """A product of K linear experts in dimension d, an energy-based model.

        log p = Σ_k γ_k φ(u_k),   u = W x + b                                                         (POE.7)
        s = Σ_k γ_k φ′(u_k) w_k                                                                       (POE.8)
        J = Σ_k γ_k φ″(u_k) w_k w_kᵀ,   tr J = Σ_k γ_k φ″(u_k) |w_k|²,   J v = Σ_k γ_k φ″(u_k) t_k w_k,
        t = W v                                                                                       (POE.9)

    Parameters
    ----------
    matrix : (K, d)
        W, the rows w_k are the experts' directions, in 1/unit of the data. Any K.
    bias : (K,)
        b.
    log_gamma : (K,)
        log γ: the power of each expert is positive whatever the parameter is.
    expert : Expert
        φ with its derivatives; ``STUDENT_T``, ``LOG_COSH``, ``GAUSSIAN`` or one's own.

    Raises
    ------
    ValueError
        If the shapes do not fit, or exp(log_gamma) is 0 or infinite.

    Notes
    -----
    `log_prob` is not normalised; see :meth:`log_normaliser`. The literature writes α_k for γ_k, which is the path's
    letter here. Not to be confused with a mixture of experts, the sum of the densities.

    References
    ----------
    Hinton (2002), Training products of experts by minimizing contrastive divergence. Welling, Hinton & Osindero (2003),
    Learning sparse topographic representations with products of Student-t distributions.

    Examples
    --------
    A product of Gaussians is a Gaussian: precisions add. Two directions twice as sharp, seen as an affine score:

    >>> import numpy as np
    >>> from refscore.models import GAUSSIAN, AffineScore
    >>> W, b, gamma = np.array([[1.0, 1.0], [1.0, -1.0], [2.0, 0.0]]), np.array([0.0, 1.0, -1.0]), [1.0, 2.0, 4.0]
    >>> model = ProductOfExperts(W, b, np.log(gamma), GAUSSIAN)
    >>> precision = (W.T * gamma) @ W
    >>> affine = AffineScore(precision, -np.linalg.solve(precision, (W.T * gamma) @ b))
    >>> np.abs(model([3.0, -1.0]) - affine([3.0, -1.0])).max() < 1e-13
    np.True_
    """

    matrix: Float
    bias: Float
    log_gamma: Float
    expert: Expert = STUDENT_T

    def __post_init__(self) -> None:
        matrix = read_only(self.matrix, "matrix")
        if matrix.ndim != 2 or matrix.size == 0:
            raise ValueError(f"matrix has shape {matrix.shape}; expected (K, d) with K >= 1 and d >= 1")
        if not isinstance(self.expert, Expert):
            raise TypeError(f"expert is of type {type(self.expert).__name__}; expected an Expert such as STUDENT_T")
        log_gamma = read_only(self.log_gamma, "log_gamma", matrix.shape[:1])
        if np.abs(log_gamma).max() > 700:
            raise ValueError(f"log_gamma has a value of {log_gamma[np.abs(log_gamma).argmax()]}; expected -700 to 700")
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "bias", read_only(self.bias, "bias", matrix.shape[:1]))
        object.__setattr__(self, "log_gamma", log_gamma)

    def __repr__(self) -> str:
        return f"ProductOfExperts(matrix {self.matrix.shape}, {self.expert.name})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return int(self.matrix.shape[1])

    @property
    def gamma(self) -> Float:
        """The powers γ, (K,)."""
        value: Float = np.exp(self.log_gamma)
        return value

    def log_prob(self, x: ArrayLike) -> Float:
        """log p(x) without its normaliser, (\\*batch,)."""
        x = samples(x, "x", self.d)
        value: Float = self._shapes(x)[0] @ self.gamma  # (POE.7)
        return value.reshape(x.shape[:-1])

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        x = samples(x, "x", self.d)
        value: Float = (self.gamma * self._shapes(x)[1]) @ self.matrix  # (POE.8)
        return value.reshape(x.shape)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), the Hessian of log p, (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        bend = self.gamma * self._shapes(x)[2]
        value = np.empty((len(bend), self.d, self.d))
        for i, column in enumerate(self.matrix.T):  # a row of J at a time: nothing of size n K d
            value[:, i] = (bend * column) @ self.matrix  # (POE.9)
        return value.reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,), in O(K d) per sample."""
        x = samples(x, "x", self.d)
        value: Float = self._shapes(x)[2] @ (self.gamma * self._lengths)  # (POE.9)
        return value.reshape(x.shape[:-1])

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, v = self._pair(x, v)
        value: Float = (self.gamma * self._shapes(x)[2] * self._along(v)) @ self.matrix  # (POE.9)
        return value.reshape(x.shape)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), the same as `hvp`."""
        return self.hvp(x, v)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d), the same as `hvp`: J is symmetric."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ ω log p(x) in θ, summed over the batch.

            ∂/∂w_k = γ_k φ′ x,   ∂/∂b_k = γ_k φ′,   ∂/∂log γ_k = γ_k φ,   φ at u_k                    (POE.10)

        (K d + 2 K,), in the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        omega = of_shape(weight, "weight", x.shape[:-1], "the batch of x").reshape(-1, 1)
        value, slope, _, _ = self._shapes(x)
        return self._gradient(x, omega * slope, 0.0, omega * value)  # (POE.10)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ, summed over the batch.

            v·s = Σ_k γ_k φ′ t_k:
            ∂/∂w_k = γ_k (φ″ t_k x + φ′ v),   ∂/∂b_k = γ_k φ″ t_k,   ∂/∂log γ_k = γ_k φ′ t_k          (POE.11)

        (K d + 2 K,), in the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        t, (_, slope, bend, _) = self._along(v), self._shapes(x)
        return self._gradient(x, bend * t, slope.T @ v.reshape(-1, self.d), slope * t)  # (POE.11)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ, summed over the batch.

            ∂/∂w_k = γ_k (φ‴ |w_k|² x + 2 φ″ w_k),
            ∂/∂b_k = γ_k φ‴ |w_k|²,   ∂/∂log γ_k = γ_k φ″ |w_k|²                                      (POE.12)

        (K d + 2 K,), in the order of :meth:`pack`.
        """
        x, lengths = samples(x, "x", self.d), self._lengths
        _, _, bend, third = self._shapes(x)
        return self._gradient(x, third * lengths, 2 * bend.sum(0)[:, None] * self.matrix, bend * lengths)  # (POE.12)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, summed over the batch.

            ∂/∂w_k = γ_k (φ‴ t_k² x + 2 φ″ t_k v),   ∂/∂b_k = γ_k φ‴ t_k²,   ∂/∂log γ_k = γ_k φ″ t_k²  (POE.13)

        (K d + 2 K,), in the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        t, (_, _, bend, third) = self._along(v), self._shapes(x)
        return self._gradient(x, third * t**2, 2 * (bend * t).T @ v.reshape(-1, self.d), bend * t**2)  # (POE.13)

    def log_normaliser(self) -> float:
        """log Z = log ∫ exp(log_prob(x)) dx, for as many experts as dimensions: log p - log Z is ICA's likelihood.

            log Z = Σ_k log ∫ exp(γ_k φ(u)) du - log |det W|                                          (POE.14)

        Returns
        -------
        float
            With d log(unit) in it, as every log density of a quantity with a unit.

        Raises
        ------
        ValueError
            If W is not square and invertible, or an expert's power is so small that it is no density.
        """
        if self.matrix.shape[0] != self.d:
            raise ValueError(f"matrix has shape {self.matrix.shape}; only as many experts as dimensions have a known Z")
        sign, log_det = np.linalg.slogdet(self.matrix)
        if sign == 0:
            raise ValueError("matrix has determinant 0; the product is no density")
        parts = of_shape(self.expert.log_normaliser(self.gamma), "expert.log_normaliser(gamma)", (self.d,), "gamma")
        return float(parts.sum() - log_det)  # (POE.14)

    def pack(self) -> Float:
        """θ = (W row by row, b, log γ), (K d + 2 K,)."""
        return np.concatenate([self.matrix.ravel(), self.bias, self.log_gamma])

    def unpack(self, theta: ArrayLike) -> ProductOfExperts:
        """The model of the same sizes and expert with parameters `theta` (K d + 2 K,)."""
        count = self.bias.size
        theta = read_only(theta, "theta", (count * (self.d + 2),))
        matrix, bias, log_gamma = np.split(theta, [count * self.d, count * (self.d + 1)])
        return ProductOfExperts(matrix.reshape(count, self.d), bias, log_gamma, self.expert)

    @property
    def _lengths(self) -> Float:  # |w_k|²
        value: Float = (self.matrix**2).sum(1)
        return value

    def _pair(self, x: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        x = samples(x, "x", self.d)
        return x, of_shape(v, "v", x.shape, "x")

    def _along(self, v: Float) -> Float:  # t (n, K)
        value: Float = v.reshape(-1, self.d) @ self.matrix.T
        return value

    def _shapes(self, x: Float) -> tuple[Float, Float, Float, Float]:  # each (n, K)
        return self.expert(self._along(x) + self.bias)

    def _gradient(self, x: Float, in_u: Float, in_matrix: Float | float, in_log_gamma: Float) -> Float:
        """The gradient from its parts before γ: ∂/∂u (n, K), ∂/∂W beside ∂u/∂W (K, d), ∂/∂log γ (n, K)."""
        matrix = self.gamma[:, None] * (in_u.T @ x.reshape(-1, self.d) + in_matrix)
        return np.concatenate([matrix.ravel(), self.gamma * in_u.sum(0), self.gamma * in_log_gamma.sum(0)])
