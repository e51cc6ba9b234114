"""The Gaussian-Bernoulli restricted Boltzmann machine: H bits that shift a Gaussian, summed out by hand.

The bits h choose a point b + Wᵀh, and x is that point with Gaussian noise of standard deviation σ added. So the density
of x is exactly a mixture of 2^H Gaussians, whose means are the corners of a box, seen along W, and whose weights depend
on H biases only. Given x the bits are independent: a sum over 2^H terms becomes a product of H factors, and log p a sum
of H softpluses. Its normaliser keeps the 2^H terms, and score matching does not need it.

The parameters are θ = (W row by row, b, c, log σ), p = H d + 2d + H numbers. To hold σ fixed in a fit, set the last d
numbers of each gradient to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, read_only, samples
from refscore.models.activations import SOFTPLUS

__all__ = ["GaussianBernoulliRBM"]

MOST_BITS = 20  # of which all 2^H states are listed


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GaussianBernoulliRBM:
    """The Gaussian-Bernoulli restricted Boltzmann machine with H hidden bits in dimension d, the bits summed out.

        E(x, h) = ½ Σ_i (x_i - b_i)²/σ_i² - Σ_ji h_j W_ji x_i/σ_i² - Σ_j c_j h_j                      (RBM.1)
        log p = log Σ_h exp(-E(x, h)) = -½ Σ_i Λ_i (x_i - b_i)² + Σ_j softplus(a_j),
        a = Q x + c,   Q = W Λ,   Λ = diag(1/σ²)                                                      (RBM.2)
        s = Λ (b - x) + Qᵀ π,   π_j = P(h_j = 1 given x) = 1/(1 + exp(-a_j))                          (RBM.3)
        J = -Λ + Qᵀ diag(π′) Q,   tr J = -Σ_i Λ_i + Σ_j π′_j |q_j|²,   J v = -Λ v + Qᵀ (π′ t),
        t = Q v,   q_j row j of Q,   π′ = π (1 - π)                                                   (RBM.4)

    Parameters
    ----------
    matrix : (H, d)
        W: row j is how far bit j moves the mean of x, in the data's unit.
    visible_bias : (d,)
        b, the mean of x where all bits are 0, in the data's unit.
    hidden_bias : (H,)
        c.
    log_sigma : (d,)
        log σ: the standard deviation of x given h is positive whatever the parameter is.

    Raises
    ------
    ValueError
        If the shapes do not fit, or exp(-2 log_sigma) is 0 or infinite.

    Notes
    -----
    This is the placement of σ by Cho, Ilin & Raiko (2011): the mean of x given h, b + Wᵀh, does not depend on σ, so x
    is the point b + Wᵀh noised at level σ. Not to be confused with that of Hinton (2010) and Krizhevsky (2009), where
    the energy has h_j W_ji x_i/σ_i and the mean of x given h is b + σ Wᵀh: our W_ji is σ_i times theirs. At σ = 1 the
    two are one. Not to be confused with π = 3.14….

    References
    ----------
    Cho, Ilin & Raiko (2011), Improved learning of Gaussian-Bernoulli restricted Boltzmann machines. Hinton (2010),
    A practical guide to training restricted Boltzmann machines, section 13.2. Swersky, Ranzato, Buchman, Marlin & de
    Freitas (2011), On autoencoders and score matching for energy based models.

    Examples
    --------
    Exactly a mixture of 2^H Gaussians:

    >>> import numpy as np
    >>> import refscore as rs
    >>> model = GaussianBernoulliRBM([[3, 0], [-1, 2]], [0, 1], [0.5, -0.5], np.log([0.5, 2]))
    >>> mixture = rs.targets.mixture(*model.components(), covs=np.tile(model.sigma**2, (4, 1)))
    >>> x = np.array([[0.3, -1.0], [2.5, 4.0]])
    >>> np.abs(model(x) - mixture.score(x)).max() < 1e-13
    np.True_
    >>> np.abs(model.log_prob(x) - model.log_normaliser() - mixture.log_prob(x)).max() < 1e-13
    np.True_
    """

    matrix: Float
    visible_bias: Float
    hidden_bias: Float
    log_sigma: Float

    def __post_init__(self) -> None:
        matrix = read_only(self.matrix, "matrix")
        if matrix.ndim != 2 or matrix.size == 0:
            raise ValueError(f"matrix has shape {matrix.shape}; expected (H, d) with H >= 1 and d >= 1")
        hidden, d = matrix.shape
        log_sigma = read_only(self.log_sigma, "log_sigma", (d,))
        if np.abs(log_sigma).max() > 350:
            raise ValueError(f"log_sigma has a value of {log_sigma[np.abs(log_sigma).argmax()]}; expected -350 to 350")
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "visible_bias", read_only(self.visible_bias, "visible_bias", (d,)))
        object.__setattr__(self, "hidden_bias", read_only(self.hidden_bias, "hidden_bias", (hidden,)))
        object.__setattr__(self, "log_sigma", log_sigma)

    def __repr__(self) -> str:
        return f"GaussianBernoulliRBM(matrix {self.matrix.shape})"

    @property
    def d(self) -> int:
        """Dimension of x."""
        return int(self.matrix.shape[1])

    @property
    def sigma(self) -> Float:
        """σ (d,), the standard deviation of x given h."""
        value: Float = np.exp(self.log_sigma)
        return value

    def hidden_given_visible(self, x: ArrayLike) -> Float:
        """π, the probabilities P(h_j = 1 given x) of independent bits, (\\*batch, H)."""
        x = samples(x, "x", self.d)
        return self._bits(x)[1].reshape(*x.shape[:-1], self.hidden_bias.size)  # (RBM.3)

    def visible_given_hidden(self, h: ArrayLike) -> Float:
        """b + Wᵀ h, the mean of x given bits (or their probabilities) h (\\*batch, H); (\\*batch, d)."""
        value: Float = self.visible_bias + samples(h, "h", self.hidden_bias.size) @ self.matrix  # (RBM.10)
        return value

    def log_prob(self, x: ArrayLike) -> Float:
        """log p(x) without its normaliser, minus the free energy, (\\*batch,)."""
        x = samples(x, "x", self.d)
        bits = self._bits(x)[0].sum(1).reshape(x.shape[:-1])
        value: Float = bits - 0.5 * (x - self.visible_bias) ** 2 @ self._precision  # (RBM.2)
        return value

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        x = samples(x, "x", self.d)
        pull = (self._bits(x)[1] @ self._product).reshape(x.shape)
        value: Float = self._precision * (self.visible_bias - x) + pull  # (RBM.3)
        return value

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), the Hessian of log p, (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        bend, product = self._bits(x)[2], self._product
        value = np.empty((len(bend), self.d, self.d))
        for i, column in enumerate(product.T):  # a row of J at a time: nothing of size n H d
            value[:, i] = (bend * column) @ product  # (RBM.4)
            value[:, i, i] -= self._precision[i]
        return value.reshape(*x.shape, self.d)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,), in O(H d) per sample."""
        x = samples(x, "x", self.d)
        value: Float = self._bits(x)[2] @ self._lengths - self._precision.sum()  # (RBM.4)
        return value.reshape(x.shape[:-1])

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), for `v` of the shape of `x`."""
        x, v = self._pair(x, v)
        pull = ((self._bits(x)[2] * self._along(v)) @ self._product).reshape(x.shape)
        value: Float = pull - self._precision * v  # (RBM.4)
        return value

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), the same as `hvp`."""
        return self.hvp(x, v)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d), the same as `hvp`: J is symmetric."""
        return self.hvp(x, v)

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike) -> Float:
        """Gradient of Σ ω log p(x) in θ, summed over the batch.

            Q̄ = π xᵀ,   Λ̄_i = -½ (x_i - b_i)²,   ∂/∂b = Λ (x - b),   ∂/∂c = π                         (RBM.5)

        Here and in the next three, Q̄ is the gradient in Q and Λ̄_i that in Λ_i where they stand. Since Q = W Λ,

            ∂/∂W = Q̄ Λ,   ∂/∂log σ_i = -2 Λ_i (Λ̄_i + Σ_j W_ji Q̄_ji)                                   (RBM.6)

        (H d + 2 d + H,), in the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        omega = of_shape(weight, "weight", x.shape[:-1], "the batch of x").reshape(-1, 1)
        offset = x.reshape(-1, self.d) - self.visible_bias
        square = -0.5 * (omega * offset**2).sum(0)
        return self._gradient(x, omega * self._bits(x)[1], 0.0, square, (omega * offset).sum(0))  # (RBM.5)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ v·s(x) in θ, summed over the batch.

            v·s = Σ_i Λ_i v_i (b_i - x_i) + Σ_j π_j t_j:
            Q̄ = (π′ t) xᵀ + π vᵀ,   Λ̄_i = v_i (b_i - x_i),   ∂/∂b = Λ v,   ∂/∂c = π′ t                (RBM.7)

        (H d + 2 d + H,), in the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        (_, chance, bend, _), rows = self._bits(x), v.reshape(-1, self.d)
        pull = (rows * (self.visible_bias - x.reshape(-1, self.d))).sum(0)
        return self._gradient(x, bend * self._along(v), chance.T @ rows, pull, rows.sum(0))  # (RBM.7)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient of Σ tr J(x) in θ, summed over the batch.

            Q̄_ji = π″_j |q_j|² x_i + 2 π′_j Q_ji,   Λ̄_i = -1,   ∂/∂b = 0,   ∂/∂c_j = π″_j |q_j|²,
            π″ = π′ (1 - 2π)                                                                          (RBM.8)

        (H d + 2 d + H,), in the order of :meth:`pack`.
        """
        x = samples(x, "x", self.d)
        _, _, bend, third = self._bits(x)
        outer = 2 * bend.sum(0)[:, None] * self._product
        return self._gradient(x, third * self._lengths, outer, np.full(self.d, -float(len(bend))), 0.0)  # (RBM.8)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient of Σ vᵀ J(x) v in θ, summed over the batch.

            vᵀ J v = -Σ_i Λ_i v_i² + Σ_j π′_j t_j²:
            Q̄ = (π″ t²) xᵀ + 2 (π′ t) vᵀ,   Λ̄_i = -v_i²,   ∂/∂b = 0,   ∂/∂c = π″ t²                   (RBM.9)

        (H d + 2 d + H,), in the order of :meth:`pack`.
        """
        x, v = self._pair(x, v)
        t, (_, _, bend, third), rows = self._along(v), self._bits(x), v.reshape(-1, self.d)
        return self._gradient(x, third * t**2, 2 * (bend * t).T @ rows, -(rows**2).sum(0), 0.0)  # (RBM.9)

    def components(self) -> tuple[Float, Float]:
        """The mixture that p is: weights and means of its 2^H Gaussians N(m_h, diag σ²), h counted in binary.

            p ∝ Σ_h w_h N(m_h, diag σ²),   m_h = b + Wᵀ h                                             (RBM.10)
            log w_h = c·h + ½ Σ_i Λ_i ((Wᵀ h)_i + 2 b_i)(Wᵀ h)_i - a constant                         (RBM.11)

        Returns
        -------
        weights : (2^H,)
            w_h, of sum 1; h_1 is the last binary digit of the index.
        means : (2^H, d)
            m_h, in the data's unit.

        Raises
        ------
        ValueError
            If H is more than 20.
        """
        log_weights, shifts = self._states()
        weights = np.exp(log_weights - log_weights.max())
        return weights / weights.sum(), self.visible_bias + shifts  # (RBM.10)

    def log_normaliser(self) -> float:
        """log Z = log ∫ exp(log_prob(x)) dx, a sum over the 2^H states of the bits, H at most 20.

            log Z = ½ d log 2π + Σ_i log σ_i + log Σ_h w_h   with (RBM.11) before its constant        (RBM.12)

        Returns
        -------
        float
            log Z.
        """
        log_weights = self._states()[0]
        top = log_weights.max()
        box = 0.5 * self.d * np.log(2 * np.pi) + self.log_sigma.sum()
        return float(box + (top + np.log(np.exp(log_weights - top).sum())))  # (RBM.12)

    def pack(self) -> Float:
        """θ = (W row by row, b, c, log σ), (H d + 2 d + H,)."""
        return np.concatenate([self.matrix.ravel(), self.visible_bias, self.hidden_bias, self.log_sigma])

    def unpack(self, theta: ArrayLike) -> GaussianBernoulliRBM:
        """The model of the same sizes with parameters `theta` (H d + 2 d + H,)."""
        (hidden, d), size = self.matrix.shape, self.matrix.size
        theta = read_only(theta, "theta", (size + 2 * d + hidden,))
        matrix, visible, bits, log_sigma = np.split(theta, [size, size + d, size + d + hidden])
        return GaussianBernoulliRBM(matrix.reshape(hidden, d), visible, bits, log_sigma)

    @property
    def _precision(self) -> Float:  # Λ
        value: Float = np.exp(-2 * self.log_sigma)
        return value

    @property
    def _product(self) -> Float:  # Q
        value: Float = self.matrix * self._precision
        return value

    @property
    def _lengths(self) -> Float:  # |q_j|²
        value: Float = (self._product**2).sum(1)
        return value

    def _pair(self, x: ArrayLike, v: ArrayLike) -> tuple[Float, Float]:
        x = samples(x, "x", self.d)
        return x, of_shape(v, "v", x.shape, "x")

    def _along(self, v: Float) -> Float:  # t (n, H)
        value: Float = v.reshape(-1, self.d) @ self._product.T
        return value

    def _bits(self, x: Float) -> tuple[Float, ...]:  # softplus(a), π, π′, π″, each (n, H)
        return SOFTPLUS.derivatives(self._along(x) + self.hidden_bias)  # (RBM.2)

    def _gradient(self, x: Float, in_a: Float, outer: Float | float, in_precision: Float, in_b: Float | float) -> Float:
        """The gradient from ∂/∂a (n, H), the part of Q̄ that does not come by a (H, d), Λ̄ (d,), and ∂/∂b before Λ."""
        precision = self._precision
        whole = in_a.T @ x.reshape(-1, self.d) + outer
        in_log_sigma = -2 * precision * (in_precision + (self.matrix * whole).sum(0))  # (RBM.6)
        return np.concatenate(
            [(whole * precision).ravel(), np.broadcast_to(in_b * precision, self.d), in_a.sum(0), in_log_sigma]
        )

    def _states(self) -> tuple[Float, Float]:
        """log w_h before its constant (2^H,) and Wᵀ h (2^H, d), h counted in binary."""
        hidden = self.hidden_bias.size
        if hidden > MOST_BITS:
            raise ValueError(f"matrix has shape {self.matrix.shape}; 2^{hidden} states, of which at most 2^{MOST_BITS}")
        bits = (np.arange(2**hidden)[:, None] >> np.arange(hidden)) & 1
        shifts = bits @ self.matrix
        log_weights: Float = (
            bits @ self.hidden_bias + 0.5 * (shifts * (shifts + 2 * self.visible_bias)) @ self._precision
        )
        return log_weights, shifts  # (RBM.11)
