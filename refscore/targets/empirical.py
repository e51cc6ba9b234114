"""The empirical distribution Σ_k w_k δ(y_k) of a finite data set: what a model learns that fits its data perfectly.

With noise, x = α x0 + σ ε, it is the mixture Σ_k w_k N(α y_k, σ² I), and its posterior mean is the ideal denoiser:

    r_k = w_k exp(-|x - α y_k|² / 2σ²) / Σ_j w_j exp(-|x - α y_j|² / 2σ²)                             (EMP.1)
    E[x0 given x] = Σ_k r_k y_k                                                                       (EMP.2)
    Cov[x0 given x] = Σ_k r_k (y_k - m)(y_k - m)ᵀ,   m = E[x0 given x]                                (EMP.3)
    s = Σ_k r_k (α y_k - x) / σ²                                                                      (EMP.4)

For small σ the exponents are huge and only their differences count. With δ_k = x - α y_k and y_j the nearest point,

    |δ_k|² - |δ_j|² = α (y_j - y_k)·(δ_k + δ_j)                                                       (EMP.5)

costs no digits. As σ → 0 the denoiser becomes the nearest point, and that is its value at σ = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, read_only, samples
from refscore.targets.arguments import as_weights, by_blocks, choose, observation, scalars
from refscore.targets.mixture import Mixture

__all__ = ["Empirical", "empirical"]

BLOCK = 2**16  # numbers in one temporary of differences, whatever the number of samples and points
LOG_2PI = float(np.log(2 * np.pi))


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Empirical:
    """Σ_k w_k δ(y_k) with K points in dimension d.

    It has no density and no score of its own: those take the α and σ of the noise.

    Parameters
    ----------
    points : (K, d)
        y_k.
    weights : (K,)
        w_k ≥ 0, of sum 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the weights do not sum to one.
    """

    points: Float
    weights: Float

    def __post_init__(self) -> None:
        points = read_only(self.points, "points")
        if points.ndim != 2 or points.size == 0:
            raise ValueError(f"points has shape {points.shape}; expected (K, d) with K >= 1 and d >= 1")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "weights", as_weights(self.weights, len(points), "points"))

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.points.shape[1])

    @property
    def mean(self) -> Float:
        """Σ_k w_k y_k, shape (d,)."""
        value: Float = self.weights @ self.points
        return value

    @property
    def cov(self) -> Float:
        """Covariance Σ_k w_k (y_k - μ)(y_k - μ)ᵀ, shape (d, d)."""
        offset = np.sqrt(self.weights)[:, None] * (self.points - self.mean)
        value: Float = offset.T @ offset
        return value

    def __repr__(self) -> str:
        """What it is, in one line."""
        least, largest = self.weights.min(), self.weights.max()
        weights = "equal weights" if least == largest else f"weights {least:.3g} to {largest:.3g}"
        return f"Empirical of {len(self.points)} points in dimension {self.d}: {weights}"

    def perturb(self, alpha: float, sigma: float) -> Mixture:
        """The law of α x0 + σ ε, the mixture Σ_k w_k N(α y_k, σ² I).

        Parameters
        ----------
        alpha, sigma : float
            α ≥ 0, σ > 0.

        Returns
        -------
        Mixture
            With density, score and all its derivatives.

        Raises
        ------
        ValueError
            If σ = 0: points have no density.
        """
        alpha, sigma = scalars(alpha, sigma)
        return Mixture(self.weights, alpha * self.points, _positive(sigma) ** 2)

    def log_prob(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """Log density of α x0 + σ ε at x, by log-sum-exp over (EMP.5).

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            α ≥ 0, σ > 0.

        Returns
        -------
        (\\*batch,)
            In nats.
        """
        rows, level = observation(x, alpha, sigma, self.d), _positive(sigma)
        value = self._by_blocks(lambda *row: self._terms(*row)[1], *rows).reshape(np.shape(x)[:-1])
        return np.asarray(value - self.d * (np.log(level) + 0.5 * LOG_2PI))

    def score(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """∇ log density of α x0 + σ ε at x (EMP.4).

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            α ≥ 0, σ > 0.

        Returns
        -------
        (\\*batch, d)
            From differences α y_k - x, so that it keeps its digits near a point.
        """

        def weighed(x: Float, alpha: Float, sigma: Float) -> Float:
            share, total = self._terms(x, alpha, sigma)[0], np.zeros(x.shape)
            for part, delta in self._differences(x, alpha):
                total -= np.einsum("nk,nkd->nd", share[:, part], delta)
            return total / sigma

        rows, level = observation(x, alpha, sigma, self.d), _positive(sigma)
        x = samples(x, "x", self.d)
        return np.asarray(self._by_blocks(weighed, *rows).reshape(x.shape) / lift(level, x, "sigma"))  # (EMP.4)

    def denoise(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """E[x0 given x] for x = α x0 + σ ε (EMP.2), the ideal denoiser.

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0. α = 0 gives the mean of the data. σ = 0 gives the limit σ → 0: the nearest point,
            or the weighted mean of the nearest where several are as near.

        Returns
        -------
        (\\*batch, d)
            Always in the convex hull of the points.

        References
        ----------
        Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 57.
        """
        rows = observation(x, alpha, sigma, self.d)
        value = self._by_blocks(lambda *row: self._terms(*row)[0] @ self.points, *rows)  # (EMP.2)
        return value.reshape(np.shape(x))

    def posterior_covariance(self, x: ArrayLike, *, alpha: ArrayLike, sigma: ArrayLike) -> Float:
        """Cov[x0 given x] for x = α x0 + σ ε (EMP.3).

        Parameters
        ----------
        x : (\\*batch, d)
            Noisy points.
        alpha, sigma : () or (\\*batch,)
            Not negative, not both 0.

        Returns
        -------
        (\\*batch, d, d)
            Symmetric; 0 where one point is certain.
        """

        def covariance(x: Float, alpha: Float, sigma: Float) -> Float:
            share = self._terms(x, alpha, sigma)[0]
            centre, rest = share @ self.points, np.zeros(x.shape)
            total = np.zeros((*x.shape, self.d))
            for part in self._parts(len(x)):
                offset, root = self.points[part] - centre[:, None], np.sqrt(share[:, part])
                rest += np.einsum("nk,nkd->nd", share[:, part], offset)
                spread = root[..., None] * offset
                total += np.swapaxes(spread, -1, -2) @ spread
            total -= rest[:, :, None] * rest[:, None, :]  # the centre was rounded: 1e8 from the origin that can be seen
            return 0.5 * (total + np.swapaxes(total, -1, -2))  # (EMP.3)

        rows = observation(x, alpha, sigma, self.d)
        return self._by_blocks(covariance, *rows).reshape(*np.shape(x), self.d)

    def sample(self, noise: ArrayLike, uniform: ArrayLike) -> Float:
        """Points of the data set, chosen by one uniform number each.

            x = y_k,   k the least with w_1 + … + w_k > u                                             (EMP.6)

        Parameters
        ----------
        noise : (\\*batch, d)
            Only its shape matters: the components have no width. It stands here so that a mixture can stand here too.
        uniform : (\\*batch,)
            u in [0, 1).

        Returns
        -------
        (\\*batch, d)
            One point for each row of noise.
        """
        noise = samples(noise, "noise", self.d)
        return self.points[choose(self.weights, uniform, noise)].reshape(noise.shape)  # (EMP.6)

    def _by_blocks(self, function: Callable[..., Float], *rows: Float) -> Float:
        """The function of rows (n, …), a block of rows at a time: no temporary grows with n K."""
        return by_blocks(function, max(len(self.points), self.d**2), *rows)

    def _parts(self, n: int) -> Iterator[slice]:
        """The points in blocks, for n samples at once."""
        step = max(1, BLOCK // max(1, n * self.d))
        return (slice(i, i + step) for i in range(0, len(self.points), step))

    def _differences(self, x: Float, alpha: Float) -> Iterator[tuple[slice, Float]]:
        """Blocks of points and their δ_k = x - α y_k, (n, k, d)."""
        for part in self._parts(len(x)):
            yield part, x[:, None] - alpha[:, None] * self.points[part]

    def _terms(self, x: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
        """The r_k (n, K), and log Σ_k w_k exp(-|δ_k|² / 2σ²) (n,), for rows as ``observation`` makes them."""
        square, gap = np.empty((len(x), len(self.points))), np.empty((len(x), len(self.points)))
        for part, delta in self._differences(x, alpha):
            square[:, part] = (delta**2).sum(-1)
        square[:, self.weights == 0] = np.inf
        best = square.argmin(1)
        nearest = self.points[best]
        for part, delta in self._differences(x, alpha):
            shift = alpha[:, None] * (nearest[:, None] - self.points[part])
            gap[:, part] = (shift * (delta + (x - alpha * nearest)[:, None])).sum(-1)  # (EMP.5)
        gap[:, self.weights == 0] = np.inf
        least = gap.min(1, keepdims=True)  # below 0 by a rounding where two points are as near
        gap -= least
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # σ = 0, and a weight may be 0
            size = np.log(self.weights) - np.where(gap > 0, 0.5 * gap / sigma / sigma, 0.0)
            nearness = 0.5 * (square[np.arange(len(x)), best] + least[:, 0]) / sigma[:, 0] / sigma[:, 0]
        top = size.max(1, keepdims=True)
        share = np.exp(size - top)
        total = share.sum(1, keepdims=True)
        return share / total, (top + np.log(total))[:, 0] - nearness  # (EMP.1)


def empirical(points: ArrayLike, weights: ArrayLike | None = None) -> Empirical:
    """The empirical distribution of a data set, from lists, integers or arrays.

    Parameters
    ----------
    points : (K, d)
        y_k, in the data's unit.
    weights : (K,), optional
        w_k ≥ 0, of sum 1. None for 1/K each.

    Returns
    -------
    Empirical
        With read-only arrays.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the weights do not sum to one.

    Examples
    --------
    By a second route: of two points the ideal denoiser is a hyperbolic tangent.

    >>> p = empirical([[1], [-1]])
    >>> p
    Empirical of 2 points in dimension 1: equal weights
    >>> bool(np.isclose(p.denoise([0.3], alpha=1, sigma=0.5)[0], np.tanh(0.3 / 0.5**2), rtol=1e-15))
    True
    """
    points = as_float64(points, "points")
    if weights is None:
        weights = np.full(points.shape[:1], 1 / max(1, len(points)) if points.ndim else 1.0)
    return Empirical(points, as_float64(weights, "weights"))


def _positive(sigma: ArrayLike) -> Float:
    """σ ≥ 0, or a refusal where it is 0."""
    sigma = as_float64(sigma, "sigma")
    if (sigma == 0).any():
        raise ValueError("sigma is 0; expected sigma > 0, since a finite data set has no density without noise")
    return sigma
