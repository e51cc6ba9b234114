"""The Gaussian N(μ, Σ): closed under every path x_t = α x0 + σ ε, so everything about it is known at every time.

    log p(x) = -½ [d log 2π + log det Σ + (x - μ)ᵀ Σ⁻¹ (x - μ)]                                       (N.1)
    s(x) = -Σ⁻¹ (x - μ),   J = -Σ⁻¹                                                                   (N.2)

The score is affine, so every sampler driven by it is affine too, and has a Gaussian law that can be computed:
``refscore.exact.laws``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, read_only, samples
from refscore.targets.arguments import observation, scalars
from refscore.targets.covariance import Covariance, by_shape, low_rank

__all__ = ["Gaussian", "gaussian"]

LOG_2PI = float(np.log(2 * np.pi))


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Gaussian:
    """N(μ, Σ) in dimension d.

    Parameters
    ----------
    mean : (d,)
        μ.
    cov : (), (d,), (d, d) or Covariance
        Σ: one variance, d variances, a symmetric positive definite matrix, or its factors.

    Attributes
    ----------
    mean : (d,)
        μ, read-only.
    covariance : Covariance
        Σ by its eigenvalues; ``cov`` is the matrix.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `cov` is not symmetric positive definite.
    """

    mean: Float
    covariance: Covariance

    def __init__(self, mean: ArrayLike, cov: ArrayLike | Covariance = 1.0) -> None:
        mean = read_only(mean, "mean")
        if mean.ndim != 1 or mean.size == 0:
            raise ValueError(f"mean has shape {mean.shape}; expected (d,) with d >= 1")
        stack = cov if isinstance(cov, Covariance) else by_shape(cov, (), mean.size, "cov")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", stack)

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.mean.size)

    @property
    def cov(self) -> Float:
        """Σ as a matrix (d, d)."""
        return self.covariance.dense

    def __repr__(self) -> str:
        """What it is, in one line."""
        cov = self.covariance
        return f"Gaussian in dimension {self.d}: {cov.kind} covariance, standard deviations {cov.spread}"

    def log_prob(self, x: ArrayLike) -> Float:
        """Log density (N.1) at x (\\*batch, d); shape (\\*batch,)."""
        x, spectrum = samples(x, "x", self.d), self.covariance.spectrum
        distance = self.covariance.quadratic(1 / spectrum, x.reshape(-1, self.d) - self.mean)
        value: Float = -0.5 * (self.d * LOG_2PI + self.covariance.trace(np.log(spectrum)) + distance)  # (N.1)
        return value.reshape(x.shape[:-1])

    def score(self, x: ArrayLike) -> Float:
        """∇ log p = -Σ⁻¹ (x - μ) (N.2) at x (\\*batch, d); shape of `x`."""
        x = samples(x, "x", self.d)
        value = -self.covariance.times(1 / self.covariance.spectrum, x.reshape(-1, self.d) - self.mean)  # (N.2)
        return value.reshape(x.shape)

    def score_jacobian(self, x: ArrayLike) -> Float:
        """∂s_i/∂x_j = -Σ⁻¹ (N.2), the same at every x (\\*batch, d); shape (\\*batch, d, d)."""
        x = samples(x, "x", self.d)
        value = -self.covariance.at(1 / self.covariance.values)  # (N.2)
        return np.tile(value, (*x.shape[:-1], 1, 1))

    def score_trace(self, x: ArrayLike) -> Float:
        """tr ∂s/∂x = -tr Σ⁻¹ at x (\\*batch, d); shape (\\*batch,)."""
        x = samples(x, "x", self.d)
        return np.full(x.shape[:-1], -self.covariance.trace(1 / self.covariance.values))

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """(∂s/∂x) v = -Σ⁻¹ v, the Hessian of log p times v (\\*batch, d); shape of `v`."""
        v = of_shape(v, "v", samples(x, "x", self.d).shape, "x")
        return -self.covariance.times(1 / self.covariance.spectrum, v.reshape(-1, self.d)).reshape(v.shape)

    def perturb(self, alpha: float, sigma: float) -> Gaussian:
        """The law of α x0 + σ ε.

            N(α μ, α² Σ + σ² I)                                                                       (N.3)

        Parameters
        ----------
        alpha, sigma : float
            Not negative, not both 0.

        Returns
        -------
        Gaussian
            In the eigenbasis of this one.

        Examples
        --------
        Two steps are one step:

        >>> p = gaussian([1, 2], [[2, 1], [1, 3]])
        >>> twice, once = p.perturb(0.5, 2).perturb(0.5, 1), p.perturb(0.25, np.sqrt(2))
        >>> bool(np.allclose(twice.cov, once.cov, rtol=1e-15, atol=0))
        True
        """
        alpha, sigma = scalars(alpha, sigma)
        return Gaussian(alpha * self.mean, self.covariance.perturb(alpha, sigma))  # (N.3)

    def denoise(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """E[x0 given x] for x = α x0 + σ ε, as a weighing of x against μ.

            E[x0 given x] = A x + B μ,   α A + B = I,  both in (TWEEDIE.3)                            (N.4)

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0. α = 0 gives μ, σ = 0 gives x/α.

        Returns
        -------
        (\\*batch, d)
            Accurate to rounding in both terms of (N.4), however small or large α and σ are.

        Notes
        -----
        Not to be confused with (x + σ² s(x)) / α (TWEEDIE.1), the same number, which cancels where σ is large.
        """
        rows, a, b = observation(x, alpha, sigma, self.d)
        known, prior, _ = self.covariance.posterior(a, b)
        value = self.covariance.times(known, rows) + self.covariance.times(prior, self.mean[None])  # (N.4)
        return value.reshape(np.shape(x))

    def posterior_covariance(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """Cov[x0 given x] = σ² Σ (α² Σ + σ² I)⁻¹ (TWEEDIE.4), which no x can change.

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0.

        Returns
        -------
        (\\*batch, d, d)
            A covariance for each point.
        """
        _, a, b = observation(x, alpha, sigma, self.d)
        *_, left = self.covariance.posterior(a, b)
        return self.covariance.at(left).reshape(*np.shape(x), self.d)

    def sample(self, noise: ArrayLike) -> Float:
        """Points from standard normal noise (\\*batch, d), by the symmetric root.

            x = μ + Σ^½ ε                                                                             (N.5)

        Parameters
        ----------
        noise : (\\*batch, d)
            ε.

        Returns
        -------
        (\\*batch, d)
            One point for each row of noise.

        Notes
        -----
        Not to be confused with μ + L ε for a Cholesky factor L: the same law from other points.
        """
        noise = samples(noise, "noise", self.d)
        root = self.covariance.times(np.sqrt(self.covariance.spectrum), noise.reshape(-1, self.d))
        return (self.mean + root).reshape(noise.shape)  # (N.5)

    def entropy(self) -> float:
        """-E log p in nats.

            H = ½ [d (1 + log 2π) + log det Σ]                                                        (N.6)

        Returns
        -------
        float
            H, in nats.

        Examples
        --------
        E log p from log p at the nodes μ ± √d Σ^½ e_i, which integrate a quadratic exactly:

        >>> p = gaussian([1, 2], [[2, 1], [1, 3]])
        >>> nodes = p.sample(np.sqrt(2) * np.concatenate([np.eye(2), -np.eye(2)]))
        >>> bool(np.isclose(p.entropy(), -p.log_prob(nodes).mean(), rtol=1e-15))
        True
        """
        log_det = self.covariance.trace(np.log(self.covariance.values))
        return float(0.5 * (self.d * (1 + LOG_2PI) + log_det))  # (N.6)


def gaussian(mean: ArrayLike, cov: ArrayLike = 1.0, *, factor: ArrayLike | None = None) -> Gaussian:
    """N(μ, Σ) from lists, integers or arrays.

    Parameters
    ----------
    mean : (d,)
        μ, in the data's unit.
    cov : (), (d,) or (d, d)
        Σ, in the unit squared: one variance, d variances, or a symmetric positive definite matrix.
    factor : (d, r), optional
        F, in the data's unit. Σ is then c I + F Fᵀ with c = `cov` (), and no matrix (d, d) is made.

    Returns
    -------
    Gaussian
        With read-only arrays.

    Raises
    ------
    ValueError
        If the shapes do not fit, or Σ is not symmetric positive definite.

    Notes
    -----
    `cov` holds variances. Not to be confused with the standard deviations that ``scale`` holds in other libraries.

    Examples
    --------
    >>> gaussian([1, 0], 4)
    Gaussian in dimension 2: scalar covariance, standard deviations 2 to 2
    >>> gaussian([0, 0, 0], 1, factor=[[2], [2], [1]])
    Gaussian in dimension 3: low-rank covariance, standard deviations 1 to 3.16
    >>> gaussian([0, 0], [[1, 2], [2, 1]])
    Traceback (most recent call last):
        ...
    ValueError: cov is not positive definite: its eigenvalues reach from -1 to 3
    """
    if factor is None:
        return Gaussian(mean, cov)
    centre, variance, columns = as_float64(mean, "mean"), as_float64(cov, "cov"), as_float64(factor, "factor")
    if variance.ndim:
        raise ValueError(f"cov has shape {variance.shape}; expected () beside a factor: the covariance is cov I + F Fᵀ")
    if columns.ndim != 2 or columns.shape[:1] != centre.shape:
        raise ValueError(f"factor has shape {columns.shape}; expected (d, r) for a mean with shape {centre.shape}")
    return Gaussian(centre, low_rank(variance, columns, "cov"))
