"""The truth about ``objectives.score_flow``: its integrand for an affine score on Gaussian data, and the whole bound.

At one time the integrand is a quadratic polynomial of standard normal z = (z0, ε), x0 = μ + L z0, Σ = L Lᵀ. Divided by
g², with s(x_t) = m + G z and E z = ε/σ,

    ½ |m + G z|² + (m + G z)·E z,   m = -A (α μ - b),   G = -A (α L, σ I),   E = (0, I/σ)             (SFB.9)

so its mean and variance are those of a quadratic form, ½ tr Q and ½ tr Q² + |l|², with

    Q = Gᵀ G + Gᵀ E + Eᵀ G,   l = Gᵀ m + Eᵀ m                                                         (SFB.10)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import quad

from refscore.arrays import Float, as_float64, number, positive
from refscore.exact.discrepancies import kl
from refscore.exact.path_losses import path_minimiser
from refscore.exact.residuals import Moments, against_data, cholesky, moments, normal
from refscore.models.affine import AffineScore
from refscore.paths import Path
from refscore.targets import gaussian

__all__ = [
    "score_flow_bound",
    "score_flow_expectation",
    "score_flow_gap",
    "score_flow_minimiser",
    "score_flow_variance",
]


def score_flow_expectation(score: AffineScore, data: Moments, t: float, *, path: Path) -> float:
    """E of the integrand at one time, of both forms, for the density 1.

        E = g² [½ (|m|² + tr A C Aᵀ) - tr A] - f d,   C = α² Σ + σ² I                                 (SFB.11)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this time.
    data : Moments
        Mean μ and covariance Σ of the clean x0, of any law.
    t : float
        Time inside the path, σ > 0.
    path : Path
        Gives α, σ, f and g.

    Returns
    -------
    float
        E, in nats per unit of time.

    Raises
    ------
    ValueError
        If σ is 0 at `t`, or `data` are of another dimension than `score`.

    Examples
    --------
    The exact score of N(0, 1) on a variance-preserving path: nothing changes, and E is 0.

    >>> import refscore as rs
    >>> path, t = rs.paths.VP(2, 2), 0.25
    >>> s, p = rs.models.AffineScore([[1]], [0]), rs.targets.gaussian([0], 1)
    >>> abs(score_flow_expectation(s, p, t, path=path)) < 1e-15
    True
    """
    mean, cov = moments(data, score.d)
    alpha, sigma, rate, g2 = _level(t, path)
    m = score(alpha * mean)
    noised = alpha**2 * cov + sigma**2 * np.eye(score.d)
    square = m @ m + np.trace(score.matrix @ noised @ score.matrix.T)
    return float(g2 * (0.5 * square - np.trace(score.matrix)) - rate * score.d)  # (SFB.11)


def score_flow_variance(score: AffineScore, data: Moments, t: float, *, path: Path) -> float:
    """Var of one sample of the integrand in its denoising form at one time, for the density 1.

        Var = g⁴ (½ tr Q² + |l|²)                                                                     (SFB.12)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this time.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    t : float
        Time inside the path, σ > 0.
    path : Path
        Gives α, σ and g.

    Returns
    -------
    float
        Var; it grows like g⁴/σ² towards the data. That of the implicit form is g⁴ times ``variances.implicit`` on x_t.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If σ is 0 at `t`, Σ is not positive definite, or `data` are of another dimension than `score`.

    Examples
    --------
    A constant score c leaves g² c ε/σ of it, on VE with c = 1:

    >>> import refscore as rs
    >>> path, s = rs.paths.VE(1, np.e), rs.models.AffineScore([[1e-200]], [1e200])
    >>> round(score_flow_variance(s, rs.targets.gaussian([0], 1), 0.0, path=path), 12), (2 / 1) ** 2
    (4.0, 4.0)
    """
    mean, cov = moments(normal(data), score.d)
    alpha, sigma, _, g2 = _level(t, path)
    d = score.d
    m = score(alpha * mean)
    of_z = -score.matrix @ np.concatenate([alpha * cholesky(cov), sigma * np.eye(d)], axis=1)  # (SFB.9)
    of_noise = np.concatenate([np.zeros((d, d)), np.eye(d) / sigma], axis=1)
    cross = of_z.T @ of_noise
    quadratic = of_z.T @ of_z + cross + cross.T  # (SFB.10)
    linear = (of_z + of_noise).T @ m  # (SFB.10)
    return float(g2**2 * (0.5 * (quadratic**2).sum() + linear @ linear))  # (SFB.12)


def score_flow_minimiser(data: Moments, t: float, *, path: Path) -> AffineScore:
    """The affine score that minimises :func:`score_flow_expectation`: that of x_t, (PATHL.10).

    Parameters
    ----------
    data : Moments
        Mean μ and covariance Σ of the clean x0.
    t : float
        Time inside the path, σ > 0.
    path : Path
        Gives α and σ.

    Returns
    -------
    AffineScore
        The minimiser.

    Raises
    ------
    ValueError
        If σ is 0 at `t`.
    """
    alpha, sigma, _, _ = _level(t, path)
    return path_minimiser(data, alpha=alpha, sigma=sigma)


def score_flow_gap(score: AffineScore, data: Moments, t: float, *, path: Path) -> float:
    """By how much the integrand lies above its least value, the rate at which the bound loses.

        ½ g² E|s - ∇ log p_t|²                                                                        (SFB.13)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b) at this time.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    t : float
        Time inside the path, σ > 0.
    path : Path
        Gives α, σ and g.

    Returns
    -------
    float
        The gap ≥ 0, in nats per unit of time, without the cancellation of a difference of expectations.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If σ is 0 at `t`, or `data` are of another dimension than `score`.

    Examples
    --------
    The scores -x of N(0, 1) and -(x - 1)/1 of N(1, 1) differ by 1 everywhere:

    >>> import refscore as rs
    >>> path = rs.paths.VP(2, 2)
    >>> round(score_flow_gap(rs.models.AffineScore([[1]], [1]), rs.targets.gaussian([0], 1), 0.25, path=path), 12)
    1.0
    """
    mean, cov = moments(normal(data), score.d)
    alpha, sigma, _, g2 = _level(t, path)
    noised = gaussian(alpha * mean, alpha**2 * cov + sigma**2 * np.eye(score.d))
    residual = against_data(score, noised)
    return float(0.5 * g2 * (residual.mean @ residual.mean + np.trace(residual.cov)))  # (SFB.13)


def score_flow_bound(
    score: Callable[[float], AffineScore], data: Moments, t_min: float, *, path: Path
) -> tuple[float, float]:
    """The whole bound over the data, from its exact parts and one integral.

        E L = H(p_{t_min}) + KL(p_T ‖ π) + ∫ ½ g² E|s - ∇ log p_t|² dt                                (SFB.14)

    Parameters
    ----------
    score : callable
        From a time to the affine model at that time.
    data : Moments
        The law N(μ, Σ) of the clean x0, a ``Gaussian``.
    t_min : float
        Where the integral starts; H is the entropy of x_{t_min}.
    path : Path
        Gives α, σ and g.

    Returns
    -------
    value, error : float
        E L in nats, and the estimated error of the integral.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    ValueError
        If `t_min` is not in [0, t_max).

    Examples
    --------
    With the exact score of N(0, 1) on VP, whose p_T is the prior, the bound is the entropy ½ log(2 π e):

    >>> import refscore as rs
    >>> exact = lambda t: rs.models.AffineScore([[1]], [0])
    >>> value, error = score_flow_bound(exact, rs.targets.gaussian([0], 1), 0.0, path=rs.paths.VP())
    >>> round(value, 12), round(0.5 * float(np.log(2 * np.pi * np.e)), 12)
    (1.418938533205, 1.418938533205)
    """
    start = number(t_min, "t_min")
    if not 0 <= start < path.t_max:
        raise ValueError(f"t_min is {start}; expected 0 <= t_min < {path.t_max}")
    mean, cov = moments(normal(data), np.asarray(data.mean).size)
    d = len(mean)

    def law_at(t: float) -> tuple[Float, Float]:
        alpha, sigma = float(path.alpha(t)), float(path.sigma(t))
        return alpha * mean, alpha**2 * cov + sigma**2 * np.eye(d)

    def gap(t: float) -> float:
        return score_flow_gap(score(t), data, t, path=path)

    _, first = law_at(start)
    entropy = 0.5 * d * np.log(2 * np.pi * np.e) + np.log(np.diag(cholesky(first))).sum()
    last = gaussian(*law_at(path.t_max))
    prior = gaussian(np.zeros(d), path.prior_scale**2 * np.eye(d))
    integral, error = quad(gap, start, path.t_max, epsabs=1e-13, epsrel=1e-12, limit=400)
    return float(entropy + kl(last, prior) + integral), float(error)  # (SFB.14)


def _level(t: float, path: Path) -> tuple[float, float, float, float]:
    """α, σ, f and g² at one time."""
    time: Float = as_float64(number(t, "t"), "t")
    sigma = number(path.sigma(time), "sigma", positive)
    return float(path.alpha(time)), sigma, float(path.drift_rate(time)), float(path.diffusion(time)) ** 2
