"""Kernels of denoising score matching: what is added to the data need not be Gaussian, nor the same in all axes.

With x = x0 + δ and δ of density k, independent of x0, the conditional score is that of the kernel at δ, and regressing
on it gives the score of the noised law q = p ∗ k:

    ½ E |s(x) - ∇ log k(δ)|² = ½ E |s(x) - ∇ log q(x)|² + ½ (F(k) - F(q)),   F(k) = E |∇ log k|²      (KER.1)

for every k that has no jumps. A kernel is a frozen value that knows ∇ log k, log k, F(k), and how to make δ of uniforms
and normals. Not all are smooth: Laplace's score is a sign, and the noised law of a single point has a kink there.

The objective is ``objectives.denoising_kernel``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, gammaln

from refscore.arrays import Float, as_float64, number, of_shape, positive, read_only, samples

__all__ = [
    "GaussianKernel",
    "IsotropicKernel",
    "Kernel",
    "LaplaceKernel",
    "StudentKernel",
]

LOG_2PI = float(np.log(2 * np.pi))


class Kernel(Protocol):
    """A density k of what is added to the data."""

    def log_prob(self, offset: ArrayLike, /) -> Float:
        """log k(δ), (\\*batch, d) to (\\*batch,)."""

    def score(self, offset: ArrayLike, /) -> Float:
        """∇ log k(δ), (\\*batch, d) to (\\*batch, d)."""

    def information(self, d: int, /) -> float:
        """F(k) = E |∇ log k|² in d dimensions, in 1/unit²."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class IsotropicKernel:
    """N(0, σ² I), the kernel of ``objectives.denoising``.

        ∇ log k(δ) = -δ/σ²,   δ = σ ε,   F = d/σ²                                                     (KER.2)

    Parameters
    ----------
    sigma : float
        σ > 0, in the data's unit.

    Examples
    --------
    >>> k = IsotropicKernel(0.5)
    >>> k.score(k.offset([[1.0, -3.0]]))  # -ε/σ
    array([[-2.,  6.]])
    """

    sigma: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", number(self.sigma, "sigma", positive))

    def offset(self, noise: ArrayLike) -> Float:
        """δ = σ ε from normals (\\*batch, d)."""
        return self.sigma * samples(noise, "noise")  # (KER.2)

    def log_prob(self, offset: ArrayLike) -> Float:
        """log k(δ), (\\*batch,)."""
        z = samples(offset, "offset") / self.sigma
        value: Float = -0.5 * (z**2).sum(-1) - z.shape[-1] * (0.5 * LOG_2PI + np.log(self.sigma))
        return value

    def score(self, offset: ArrayLike) -> Float:
        """∇ log k(δ), (\\*batch, d)."""
        value: Float = -samples(offset, "offset") / self.sigma**2  # (KER.2)
        return value

    def information(self, d: int) -> float:
        """F(k) in d dimensions."""
        return d / self.sigma**2  # (KER.2)


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GaussianKernel:
    """N(0, S) with a full covariance: noise that is stronger along some directions.

        ∇ log k(δ) = -S⁻¹ δ,   δ = L ε,   S = L Lᵀ,   F = tr S⁻¹                                       (KER.3)

    Parameters
    ----------
    cov : (d, d)
        S, symmetric positive definite, in the unit squared.

    Raises
    ------
    ValueError
        If it is not.

    Notes
    -----
    Not to be confused with a Gaussian kernel on the whitened data: that is S = the data's covariance times σ².

    Examples
    --------
    >>> k = GaussianKernel([[4, 0], [0, 1]])
    >>> k.score(k.offset([[2.0, 3.0]]))  # -L⁻ᵀ ε
    array([[-1., -3.]])
    """

    cov: Float

    def __post_init__(self) -> None:
        cov = read_only(self.cov, "cov")
        if cov.ndim != 2 or cov.shape[0] != cov.shape[1] or not cov.size:
            raise ValueError(f"cov has shape {cov.shape}; expected (d, d)")
        if (cov != cov.T).any() or np.linalg.eigvalsh(cov)[0] <= 0:
            raise ValueError("cov is not symmetric positive definite")
        object.__setattr__(self, "cov", cov)

    def __repr__(self) -> str:
        return f"GaussianKernel(cov {self.cov.shape})"

    def offset(self, noise: ArrayLike) -> Float:
        """δ = L ε from normals (\\*batch, d)."""
        value: Float = samples(noise, "noise", len(self.cov)) @ np.linalg.cholesky(self.cov).T  # (KER.3)
        return value

    def log_prob(self, offset: ArrayLike) -> Float:
        """log k(δ), (\\*batch,)."""
        delta = samples(offset, "offset", len(self.cov))
        square = -(delta * self.score(delta)).sum(-1)
        log_det = float(np.linalg.slogdet(self.cov)[1])
        value: Float = -0.5 * (square + len(self.cov) * LOG_2PI + log_det)
        return value

    def score(self, offset: ArrayLike) -> Float:
        """∇ log k(δ), (\\*batch, d)."""
        delta = samples(offset, "offset", len(self.cov))
        flat = np.asarray(np.linalg.solve(self.cov, delta.reshape(-1, len(self.cov)).T), dtype=np.float64)
        value: Float = -flat.T.reshape(delta.shape)  # (KER.3)
        return value

    def information(self, d: int) -> float:
        """F(k); `d` has to be the dimension of the covariance."""
        if d != len(self.cov):
            raise ValueError(f"d is {d}; expected {len(self.cov)}, the dimension of the kernel")
        return float(np.trace(np.linalg.inv(self.cov)))  # (KER.3)


@final
@dataclass(frozen=True, slots=True, eq=False)
class LaplaceKernel:
    """Independent Laplace noise in every coordinate: its score is bounded, and jumps at 0.

        ∇ log k(δ) = -sign(δ)/b,   δ = -b sign(u - ½) log(1 - 2 |u - ½|),   F = d/b²                   (KER.4)

    Parameters
    ----------
    scale : float
        b > 0, in the data's unit; the standard deviation of a coordinate is √2 b.

    Notes
    -----
    Not to be confused with exp(-|δ|₂/b), whose score has length 1/b whatever d is.

    Examples
    --------
    >>> k = LaplaceKernel(0.5)
    >>> k.offset([[0.25, 0.5]]), k.score([[-3.0, 0.25]])
    (array([[-0.34657359,  0.        ]]), array([[ 2., -2.]]))
    """

    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number(self.scale, "scale", positive))

    def offset(self, uniform: ArrayLike) -> Float:
        """δ from u in (0, 1), (\\*batch, d)."""
        u = _inside(samples(uniform, "uniform"))
        value: Float = np.copysign(self.scale * np.log(2 * np.minimum(u, 1 - u)), u - 0.5)
        return value  # (KER.4)

    def log_prob(self, offset: ArrayLike) -> Float:
        """log k(δ), (\\*batch,)."""
        delta = samples(offset, "offset")
        value: Float = -np.abs(delta).sum(-1) / self.scale - delta.shape[-1] * np.log(2 * self.scale)
        return value

    def score(self, offset: ArrayLike) -> Float:
        """∇ log k(δ), (\\*batch, d); 0 where δ is."""
        value: Float = -np.sign(samples(offset, "offset")) / self.scale  # (KER.4)
        return value

    def information(self, d: int) -> float:
        """F(k) in d dimensions."""
        return d / self.scale**2  # (KER.4)


@final
@dataclass(frozen=True, slots=True, eq=False)
class StudentKernel:
    """Multivariate Student noise: heavy tails, and a score that falls again far out.

        ∇ log k(δ) = -(ν + d) δ/(ν τ² + |δ|²),   δ = τ ε √(ν/χ²),   F = d (ν + d)/(τ² (ν + d + 2))       (KER.5)

    Parameters
    ----------
    scale : float
        τ > 0, in the data's unit.
    degrees : float
        ν > 0; the covariance is τ² ν/(ν - 2) I for ν > 2, else infinite.

    Notes
    -----
    Its coordinates are uncorrelated but not independent. For ν → ∞ it is N(0, τ² I).

    Examples
    --------
    Cauchy's on the line, whose score is -2δ/(1 + δ²), with Fisher information ½:

    >>> k = StudentKernel(1.0, degrees=1)
    >>> k.score([[1.0], [3.0]]).tolist(), k.information(1)
    ([[-1.0], [-0.6]], 0.5)
    """

    scale: float
    degrees: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number(self.scale, "scale", positive))
        object.__setattr__(self, "degrees", number(self.degrees, "degrees", positive))

    def offset(self, noise: ArrayLike, uniform: ArrayLike) -> Float:
        """δ from normals (\\*batch, d) and one u in (0, 1) for each, (\\*batch,), which makes the χ² of ν degrees."""
        epsilon = samples(noise, "noise")
        u = _inside(of_shape(uniform, "uniform", epsilon.shape[:-1], "the batch of noise"))
        chi2 = 2 * gammaincinv(0.5 * self.degrees, u)
        value: Float = self.scale * np.sqrt(self.degrees / chi2)[..., None] * epsilon  # (KER.5)
        return value

    def log_prob(self, offset: ArrayLike) -> Float:
        """log k(δ), (\\*batch,)."""
        delta = samples(offset, "offset")
        nu, d = self.degrees, delta.shape[-1]
        normaliser = gammaln(0.5 * (nu + d)) - gammaln(0.5 * nu) - 0.5 * d * np.log(nu * np.pi * self.scale**2)
        square = (delta**2).sum(-1) / (nu * self.scale**2)
        value: Float = normaliser - 0.5 * (nu + d) * np.log1p(square)
        return value

    def score(self, offset: ArrayLike) -> Float:
        """∇ log k(δ), (\\*batch, d)."""
        delta = samples(offset, "offset")
        below = self.degrees * self.scale**2 + (delta**2).sum(-1, keepdims=True)
        value: Float = -(self.degrees + delta.shape[-1]) * delta / below  # (KER.5)
        return value

    def information(self, d: int) -> float:
        """F(k) in d dimensions."""
        return d * (self.degrees + d) / (self.scale**2 * (self.degrees + d + 2))  # (KER.5)


def _inside(uniform: Float) -> Float:
    u = as_float64(uniform, "uniform")
    if ((u <= 0) | (u >= 1)).any():
        raise ValueError("uniform has values outside (0, 1); expected draws from (0, 1)")
    return u
