"""The mixture of Gaussians Σ_k w_k N(μ_k, Σ_k): closed under every path, with modes, tails and a score that bends.

With the responsibilities r_k(x) and each component's own score s_k(x),

    r_k = w_k N(x; μ_k, Σ_k) / p(x),   p(x) = Σ_j w_j N(x; μ_j, Σ_j)                                  (MIX.1)
    s = Σ_k r_k s_k,   s_k = -Σ_k⁻¹ (x - μ_k)                                                         (MIX.2)
    J = -Σ_k r_k Σ_k⁻¹ + Σ_k r_k (s_k - s)(s_k - s)ᵀ                                                  (MIX.3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, read_only, samples
from refscore.targets.arguments import as_weights, by_blocks, choose, observation, scalars
from refscore.targets.covariance import Covariance, by_shape
from refscore.targets.entropy import entropy_on_the_line
from refscore.targets.responsibilities import Terms, terms

__all__ = ["Mixture", "mixture"]

ONE, ZERO = np.ones(()), np.zeros(())


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Mixture:
    """Σ_k w_k N(μ_k, Σ_k) with K components in dimension d.

    Parameters
    ----------
    weights : (K,)
        w_k ≥ 0, of sum 1.
    means : (K, d)
        μ_k.
    covs : (), (K,), (K, d), (K, d, d) or Covariance
        Σ_k: one variance, K variances, K times d variances, K symmetric positive definite matrices, or their factors.

    Attributes
    ----------
    weights : (K,)
        w_k, read-only.
    means : (K, d)
        μ_k, read-only.
    covariances : Covariance
        Σ_k by their eigenvalues; ``covs`` is the stack of matrices.

    Raises
    ------
    ValueError
        If the shapes do not fit, the weights do not sum to one, or a covariance is not symmetric positive definite.
    """

    weights: Float
    means: Float
    covariances: Covariance

    def __init__(self, weights: ArrayLike, means: ArrayLike, covs: ArrayLike | Covariance = 1.0) -> None:
        means = read_only(means, "means")
        if means.ndim != 2 or means.size == 0:
            raise ValueError(f"means has shape {means.shape}; expected (K, d) with K >= 1 and d >= 1")
        object.__setattr__(self, "weights", as_weights(weights, len(means), "means"))
        object.__setattr__(self, "means", means)
        stack = covs if isinstance(covs, Covariance) else by_shape(covs, means.shape[:1], means.shape[1], "covs")
        object.__setattr__(self, "covariances", stack)

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.means.shape[1])

    @property
    def covs(self) -> Float:
        """Σ_k as matrices (K, d, d)."""
        return self.covariances.dense

    @property
    def mean(self) -> Float:
        """Σ_k w_k μ_k, shape (d,)."""
        value: Float = self.weights @ self.means
        return value

    @property
    def cov(self) -> Float:
        """Covariance Σ_k w_k [Σ_k + (μ_k - μ)(μ_k - μ)ᵀ] of the whole, shape (d, d)."""
        offset = np.sqrt(self.weights)[:, None] * (self.means - self.mean)
        value: Float = self.covariances.blend(self.weights[:, None], self.covariances.spectrum)[0] + offset.T @ offset
        return value

    def __repr__(self) -> str:
        """What it is, in one line."""
        weights, covs = self.weights, self.covariances
        return (
            f"Mixture of {len(weights)} in dimension {self.d}: {covs.kind} covariances, "
            f"weights {weights.min():.3g} to {weights.max():.3g}, standard deviations {covs.spread}"
        )

    def log_prob(self, x: ArrayLike) -> Float:
        """Log density log p at x (\\*batch, d), by log-sum-exp; shape (\\*batch,)."""
        x = samples(x, "x", self.d)
        return self._by_blocks(lambda rows: self._terms(rows).log_prob, x.reshape(-1, self.d)).reshape(x.shape[:-1])

    def score(self, x: ArrayLike) -> Float:
        """∇ log p (MIX.2) at x (\\*batch, d); shape of `x`."""
        x = samples(x, "x", self.d)
        return self._by_blocks(lambda rows: self._scores(rows)[1], x.reshape(-1, self.d)).reshape(x.shape)

    def score_jacobian(self, x: ArrayLike) -> Float:
        """∂s_i/∂x_j (MIX.3), the Hessian of log p, at x (\\*batch, d); shape (\\*batch, d, d)."""

        def jacobian(rows: Float) -> Float:
            share, _, spread, precision = self._scores(rows)
            return _outer(spread) - self.covariances.blend(share, precision)  # (MIX.3)

        x = samples(x, "x", self.d)
        return self._by_blocks(jacobian, x.reshape(-1, self.d)).reshape(*x.shape, self.d)

    def score_trace(self, x: ArrayLike) -> Float:
        """tr ∂s/∂x, the Laplacian of log p, at x (\\*batch, d); shape (\\*batch,)."""

        def trace(rows: Float) -> Float:
            share, _, spread, precision = self._scores(rows)
            value: Float = (spread**2).sum((0, 2)) - (share * self.covariances.trace(precision)).sum(0)  # (MIX.3)
            return value

        x = samples(x, "x", self.d)
        return self._by_blocks(trace, x.reshape(-1, self.d)).reshape(x.shape[:-1])

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """(∂s/∂x) v, the Hessian of log p times v, for x and v (\\*batch, d); shape of `v`."""

        def product(rows: Float, v: Float) -> Float:
            share, _, spread, precision = self._scores(rows)
            along = _average((spread * v).sum(-1), spread)
            return along - _average(share, self.covariances.times(precision, v))  # (MIX.3)

        x = samples(x, "x", self.d)
        v = of_shape(v, "v", x.shape, "x")
        return self._by_blocks(product, x.reshape(-1, self.d), v.reshape(-1, self.d)).reshape(v.shape)

    def perturb(self, alpha: float, sigma: float) -> Mixture:
        """The law of α x0 + σ ε.

            Σ_k w_k N(α μ_k, α² Σ_k + σ² I)                                                           (MIX.5)

        Parameters
        ----------
        alpha, sigma : float
            Not negative, not both 0.

        Returns
        -------
        Mixture
            With the same weights.
        """
        alpha, sigma = scalars(alpha, sigma)
        return Mixture(self.weights, alpha * self.means, self.covariances.perturb(alpha, sigma))  # (MIX.5)

    def denoise(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """E[x0 given x] for x = α x0 + σ ε.

            m = Σ_k r_k m_k,   m_k = A_k x + B_k μ_k                                                  (MIX.6)

        with A_k and B_k from (TWEEDIE.3), and the responsibilities r_k of the perturbed mixture (MIX.5).

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0. α = 0 gives the mean of the mixture, σ = 0 gives x/α.

        Returns
        -------
        (\\*batch, d)
            Accurate to rounding in the terms of (MIX.6), however small or large α and σ are.
        """
        rows = observation(x, alpha, sigma, self.d)
        return self._by_blocks(lambda *row: self._posterior(*row)[-1], *rows).reshape(np.shape(x))

    def posterior_covariance(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """Cov[x0 given x] for x = α x0 + σ ε, by the law of total covariance.

            Σ_k r_k [V_k + (m_k - m)(m_k - m)ᵀ]                                                       (MIX.7)
            m_k - c = A_k (x - α c) + B_k (μ_k - c)   for any c                                       (MIX.8)

        with V_k from (TWEEDIE.4), and c = x/α where x says more than the prior does, so that the first term is 0, or
        else c = m as it was rounded.

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0.

        Returns
        -------
        (\\*batch, d, d)
            Symmetric, and positive definite for σ > 0.

        Notes
        -----
        Not to be confused with (σ/α)² (I + σ² J) (TWEEDIE.2), the same matrix, which has no correct digit left where
        α² times the variance of the data is 1e-16 of σ².
        """

        def covariance(x: Float, alpha: Float, sigma: Float) -> Float:
            share, known, prior, left, centre = self._posterior(x, alpha, sigma)
            clear = prior.max((0, 2))[:, None] < 0.5
            centre = np.divide(x, alpha, out=centre, where=clear)
            offset = self.covariances.times(known, np.where(clear, 0.0, x - alpha * centre))
            offset = offset + self.covariances.times(prior, self.means[:, None] - centre)  # (MIX.8)
            spread = np.sqrt(share)[..., None] * (offset - _average(share, offset))
            return _outer(spread) + self.covariances.blend(share, left)  # (MIX.7)

        return self._by_blocks(covariance, *observation(x, alpha, sigma, self.d)).reshape(*np.shape(x), self.d)

    def sample(self, noise: ArrayLike, uniform: ArrayLike) -> Float:
        """Points from standard normal noise and one uniform number each, which chooses the component.

            x = μ_k + Σ_k^½ ε,   k the least with w_1 + … + w_k > u                                   (MIX.9)

        Parameters
        ----------
        noise : (\\*batch, d)
            ε.
        uniform : (\\*batch,)
            u in [0, 1).

        Returns
        -------
        (\\*batch, d)
            One point for each row of noise.
        """
        noise = samples(noise, "noise", self.d)
        rows, chosen = noise.reshape(-1, self.d), choose(self.weights, uniform, noise)  # (MIX.9)
        value = np.empty(rows.shape)
        for k in np.unique(chosen):
            root = self.covariances[k].times(np.sqrt(self.covariances.values[k]), rows[chosen == k])
            value[chosen == k] = self.means[k] + root
        return value.reshape(noise.shape)

    def entropy(self) -> float:
        """-E log p in nats, by quadrature; only on the line, where quadrature can say how wrong it is.

        Returns
        -------
        float
            With an estimated error below 1e-10 of max(1, its size).

        Raises
        ------
        ValueError
            If d > 1, or the quadrature does not reach that.
        """
        if self.d > 1:
            raise ValueError(
                f"the entropy of a mixture has no closed form, and quadrature is for d = 1, not for d = {self.d}; "
                "possible are a Gaussian's entropy, and -log_prob averaged over your own samples"
            )
        return entropy_on_the_line(self.weights, self.means[:, 0], np.sqrt(self.covs[:, 0, 0]))

    def _by_blocks(self, function: Callable[..., Float], *rows: Float) -> Float:
        """The function of rows (n, …), a block of rows at a time: no temporary grows with n K d."""
        return by_blocks(function, self.d * max(self.means.shape), *rows)

    def _terms(self, x: Float, alpha: Float = ONE, sigma: Float = ZERO) -> Terms:
        """What the components of the mixture perturbed by α and σ say at x (n, d)."""
        return terms(x, self.weights, self.means, self.covariances, alpha, sigma)

    def _scores(self, x: Float) -> tuple[Float, Float, Float, Float]:
        """The r_k (K, n), s (n, d), √r_k (s_k - s) (K, n, d) and 1/λ (K, 1, m) at x (n, d)."""
        _, share, delta, precision = self._terms(x)
        each = -self.covariances.times(precision, delta)
        score = _average(share, each)  # (MIX.2)
        return share, score, np.sqrt(share)[..., None] * (each - score), precision

    def _posterior(self, x: Float, alpha: Float, sigma: Float) -> tuple[Float, Float, Float, Float, Float]:
        """The r_k (K, n), the eigenvalues of A_k, B_k, V_k, and m (n, d), for rows as ``observation`` makes them."""
        share = self._terms(x, alpha, sigma).share
        known, prior, left = self.covariances.posterior(alpha, sigma)
        each = self.covariances.times(known, x) + self.covariances.times(prior, self.means[:, None])
        return share, known, prior, left, _average(share, each)  # (MIX.6)


def mixture(weights: ArrayLike, means: ArrayLike, covs: ArrayLike | None = None) -> Mixture:
    """Σ_k w_k N(μ_k, Σ_k) from lists, integers or arrays.

    Parameters
    ----------
    weights : (K,)
        w_k ≥ 0, of sum 1.
    means : (K, d)
        μ_k, in the data's unit.
    covs : (), (K,), (K, d) or (K, d, d), optional
        Σ_k, in the unit squared: one variance, K variances, K times d variances, or K symmetric positive definite
        matrices. None for the identity.

    Returns
    -------
    Mixture
        With read-only arrays.

    Raises
    ------
    ValueError
        If the shapes do not fit, the weights do not sum to one, or a covariance is not symmetric positive definite.

    Examples
    --------
    >>> p = mixture(weights=[.8, .2], means=[[5, 5], [-5, -5]])
    >>> p
    Mixture of 2 in dimension 2: scalar covariances, weights 0.2 to 0.8, standard deviations 1 to 1

    By a second route: at (0, 0) both components are as far, so r = w and s = Σ_k w_k μ_k, and with equal covariances
    J + I = w_1 w_2 (μ_1 - μ_2)(μ_1 - μ_2)ᵀ, where μ_1 - μ_2 = (10, 10):

    >>> p.score([0, 0]).round(15)
    array([3., 3.])
    >>> bool(np.allclose(p.score_jacobian([0, 0]), 0.8 * 0.2 * 100 - np.eye(2), rtol=1e-15))
    True
    """
    return Mixture(weights, means, 1.0 if covs is None else covs)


def _average(share: Float, values: Float) -> Float:
    """Σ_k r_k v_k over the components, for r (K, n) and v (K, n, d)."""
    return np.asarray(np.einsum("kn,knd->nd", share, values))


def _outer(values: Float) -> Float:
    """Σ_k v_k v_kᵀ over the components, (n, d, d) for v (K, n, d)."""
    value = values.transpose(1, 2, 0) @ values.transpose(1, 0, 2)
    return 0.5 * (value + np.swapaxes(value, -1, -2))
