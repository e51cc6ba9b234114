"""The Gaussian vector that each objective squares, when the score is affine and the data are Gaussian.

With s(x) = -A (x - b) and x ~ N(μ, Σ) every residual r is an affine image of a Gaussian, hence Gaussian itself, and an
objective is ½ |r|² plus a constant. Its mean and covariance are all that expectations and variances need:

    score itself            s(x)              ~ N(-A (μ - b), A Σ Aᵀ)                                 (EXPECT.1)
    against the data's      s(x) - ∇ log p(x) ~ N(-A (μ - b), M Mᵀ),  M = A L - L⁻ᵀ,  Σ = L Lᵀ        (EXPECT.2)
    against the noise       s(x) + ε/σ        ~ N(-A (μ - b), A Σ Aᵀ + B Bᵀ),  B = I/σ - σ A          (EXPECT.3)

in the last line with x = x0 + σ ε. The covariances are sums of squares, so that nothing cancels near the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from scipy.linalg import solve_triangular

from refscore.arrays import Float, as_float64, lift, of_shape, positive
from refscore.models.affine import AffineScore
from refscore.targets import Empirical, Mixture

__all__ = ["Moments", "Residual", "against_data", "against_noise", "cholesky", "moments", "normal", "of_score"]


class Moments(Protocol):
    """Data, as far as this part needs them: a mean and a dense covariance."""

    @property
    def mean(self) -> Float:
        """μ, (d,)."""

    @property
    def cov(self) -> Float:
        """Σ, (d, d)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """A Gaussian vector r ~ N(m, K).

    Parameters
    ----------
    mean : (d,)
        The mean m of r.
    cov : (d, d)
        The covariance K of r; it may be singular.
    """

    mean: Float
    cov: Float


def moments(data: Moments, d: int) -> tuple[Float, Float]:
    """Mean and covariance of `data`, held to dimension `d`.

    Parameters
    ----------
    data : Moments
        Anything with `mean` (d,) and `cov` (d, d).
    d : int
        Dimension of the score.

    Returns
    -------
    mean : (d,)
        μ.
    cov : (d, d)
        Σ.

    Raises
    ------
    ValueError
        If a shape is another, or Σ is not symmetric or has a negative eigenvalue.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> moments(SimpleNamespace(mean=[0], cov=[[-1]]), 1)
    Traceback (most recent call last):
        ...
    ValueError: data.cov is not positive semidefinite: its least eigenvalue is -1
    """
    mean = of_shape(data.mean, "data.mean", (d,), "the score's centre")
    cov = of_shape(data.cov, "data.cov", (d, d), "the score's matrix")
    rounding = (
        8 * d * 2.0**-53 * np.abs(cov).max()
    )  # what forming a covariance from factors, or eigvalsh, may be off by
    if (gap := np.abs(cov - cov.T).max()) > rounding:
        raise ValueError(f"data.cov is not symmetric: cov - covᵀ reaches {gap:.3g}")
    cov = 0.5 * (cov + cov.T)
    values = np.linalg.eigvalsh(cov)
    if values[0] < -d * rounding:
        raise ValueError(f"data.cov is not positive semidefinite: its least eigenvalue is {values[0]:.3g}")
    return mean, cov


def normal(data: Moments) -> Moments:
    """Hold `data` to be Gaussian, where more than two moments enter.

    Parameters
    ----------
    data : Moments
        A ``Gaussian``, or anything else with `mean` and `cov` that stands for one.

    Returns
    -------
    Moments
        `data` as they came.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.

    Examples
    --------
    >>> import refscore as rs
    >>> normal(rs.targets.mixture(weights=[0.5, 0.5], means=[[-1], [1]]))
    Traceback (most recent call last):
        ...
    TypeError: data is a Mixture; expected a Gaussian: more than its mean and covariance enter here
    """
    if isinstance(data, Mixture | Empirical):
        name = type(data).__name__
        raise TypeError(f"data is a {name}; expected a Gaussian: more than its mean and covariance enter here")
    return data


def of_score(score: AffineScore, data: Moments) -> Residual:
    """The law of s(x) for x ~ N(μ, Σ), (EXPECT.1).

    Parameters
    ----------
    score : AffineScore
        The model s.
    data : Moments
        The law of x.

    Returns
    -------
    Residual
        N(-A (μ - b), A Σ Aᵀ).
    """
    mean, cov = moments(data, score.d)
    return Residual(score(mean), score.matrix @ cov @ score.matrix.T)  # (EXPECT.1)


def against_data(score: AffineScore, data: Moments) -> Residual:
    """The law of s(x) - ∇ log p(x) for x ~ p = N(μ, Σ), (EXPECT.2).

    Parameters
    ----------
    score : AffineScore
        The model s.
    data : Moments
        The law p of x; Gaussian.

    Returns
    -------
    Residual
        N(-A (μ - b), M Mᵀ).

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If Σ is not positive definite: there is no ∇ log p.
    """
    mean, cov = moments(normal(data), score.d)
    lower = cholesky(cov)
    difference = score.matrix @ lower - solve_triangular(lower, np.eye(score.d), lower=True).T
    return Residual(score(mean), difference @ difference.T)  # (EXPECT.2)


def against_noise(score: AffineScore, data: Moments, sigma: float) -> Residual:
    """The law of s(x0 + σ ε) + ε/σ for x0 ~ N(μ, Σ), (EXPECT.3).

    Parameters
    ----------
    score : AffineScore
        The model s.
    data : Moments
        The law of x0.
    sigma : float
        Noise level, in the data's unit; σ > 0.

    Returns
    -------
    Residual
        N(-A (μ - b), A Σ Aᵀ + B Bᵀ).
    """
    mean, cov = moments(data, score.d)
    level = lift(sigma, mean, "sigma", positive)
    of_noise = np.eye(score.d) / level - level * score.matrix
    return Residual(score(mean), score.matrix @ cov @ score.matrix.T + of_noise @ of_noise.T)  # (EXPECT.3)


def cholesky(cov: Float) -> Float:
    """The Cholesky factor L of Σ = L Lᵀ.

    Parameters
    ----------
    cov : (d, d)
        Σ, symmetric.

    Returns
    -------
    (d, d)
        L, lower triangular.

    Raises
    ------
    ValueError
        If Σ is not positive definite.
    """
    try:
        return as_float64(np.linalg.cholesky(cov), "cov")
    except np.linalg.LinAlgError:
        least = np.linalg.eigvalsh(cov)[0]
        raise ValueError(f"data.cov is not positive definite: its least eigenvalue is {least:.3g}") from None
