"""Truths in 60 digits, straight from the definition: sums of densities, inverse matrices, quotients of cosines.

For the capabilities whose reference goes through float64 linear algebra or Python floats; numbers are mpmath's, arrays
hold them as objects. Nothing here is stable, fast or clever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

__all__ = ["TRUTHS"]

DIGITS = 60


def _numbers(values: Any) -> Any:
    """An array as mpmath numbers."""
    return np.vectorize(lambda v: mpf(float(v)), otypes=[object])(np.asarray(values, dtype=np.float64))


def _inverse(matrix: Any) -> tuple[Any, Any]:
    """Inverse and determinant."""
    exact = mpmath.matrix(matrix.tolist())
    return np.array((exact**-1).tolist(), dtype=object), mpmath.det(exact)


def _log_normal(x: Any, mean: Any, cov: Any) -> Any:
    precision, determinant = _inverse(cov)
    shift = x - mean
    return -(len(x) * mpmath.log(2 * mpmath.pi) + mpmath.log(determinant) + shift @ precision @ shift) / 2


def _gaussian_log_prob(x: Any, mean: Any, cov: Any) -> Any:
    mean, cov = _numbers(mean), _numbers(cov)
    return np.array([_log_normal(row, mean, cov) for row in _numbers(x)])


def _gaussian_score(x: Any, mean: Any, cov: Any) -> Any:
    precision, _ = _inverse(_numbers(cov))
    return -(_numbers(x) - _numbers(mean)) @ precision


def _mixture(weights: Any, means: Any, covs: Any) -> tuple[Any, Any, Any]:
    weights = _numbers(weights)
    return weights / weights.sum(), _numbers(means), _numbers(covs)


def _responsibilities(x: Any, weights: Any, means: Any, covs: Any) -> tuple[Any, Any]:
    logs = [mpmath.log(w) + _log_normal(x, m, c) for w, m, c in zip(weights, means, covs)]
    largest = max(logs)
    parts = np.array([mpmath.exp(v - largest) for v in logs])
    return parts / parts.sum(), largest + mpmath.log(parts.sum())


def _mixture_log_prob(x: Any, weights: Any, means: Any, covs: Any) -> Any:
    parts = _mixture(weights, means, covs)
    return np.array([_responsibilities(row, *parts)[1] for row in _numbers(x)])


def _score_and_jacobian(x: Any, weights: Any, means: Any, covs: Any) -> tuple[Any, Any]:
    r, _ = _responsibilities(x, weights, means, covs)
    precisions = [_inverse(c)[0] for c in covs]
    pulls = np.array([-p @ (x - m) for p, m in zip(precisions, means)])
    score = r @ pulls
    jacobian = sum(w * (np.outer(s, s) - p) for w, s, p in zip(r, pulls, precisions)) - np.outer(score, score)
    return score, jacobian


def _mixture_score(x: Any, weights: Any, means: Any, covs: Any) -> Any:
    parts = _mixture(weights, means, covs)
    return np.array([_score_and_jacobian(row, *parts)[0] for row in _numbers(x)])


def _mixture_jacobian(x: Any, weights: Any, means: Any, covs: Any) -> Any:
    parts = _mixture(weights, means, covs)
    return np.array([_score_and_jacobian(row, *parts)[1] for row in _numbers(x)])


def _mixture_trace(x: Any, weights: Any, means: Any, covs: Any) -> Any:
    return np.array([np.trace(jacobian) for jacobian in _mixture_jacobian(x, weights, means, covs)])


def _posterior(x: Any, weights: Any, means: Any, covs: Any, alpha: Any, sigma: Any) -> tuple[Any, Any]:
    """Mean and covariance of x₀ given x = α x₀ + σ ε, component by component from added precisions."""
    d = len(x)
    eye = _numbers(np.eye(d))
    r, _ = _responsibilities(x, weights, alpha * means, alpha**2 * covs + sigma**2 * eye)
    centres, spreads = [], []
    for mean, cov in zip(means, covs):
        precision, _ = _inverse(cov)
        spread, _ = _inverse(precision + alpha**2 / sigma**2 * eye)
        spreads.append(spread)
        centres.append(spread @ (precision @ mean + alpha / sigma**2 * x))
    mean = r @ np.array(centres)
    cov = sum(w * (s + np.outer(c - mean, c - mean)) for w, s, c in zip(r, spreads, centres))
    return mean, cov


def _posteriors(x: Any, weights: Any, means: Any, covs: Any, alpha: Any, sigma: Any) -> list[tuple[Any, Any]]:
    parts = _mixture(weights, means, covs)
    levels = zip(_numbers(np.broadcast_to(alpha, len(x))), _numbers(np.broadcast_to(sigma, len(x))))
    return [_posterior(row, *parts, a, s) for row, (a, s) in zip(_numbers(x), levels)]


def _mixture_denoise(x: Any, weights: Any, means: Any, covs: Any, *, alpha: Any, sigma: Any) -> Any:
    return np.array([mean for mean, _ in _posteriors(x, weights, means, covs, alpha, sigma)])


def _mixture_posterior(x: Any, weights: Any, means: Any, covs: Any, *, alpha: Any, sigma: Any) -> Any:
    return np.array([cov for _, cov in _posteriors(x, weights, means, covs, alpha, sigma)])


def _empirical_denoise(x: Any, points: Any, *, alpha: Any, sigma: Any) -> Any:
    points = _numbers(points)
    found = []
    for row, a, s in zip(
        _numbers(x), _numbers(np.broadcast_to(alpha, len(x))), _numbers(np.broadcast_to(sigma, len(x)))
    ):
        logs = [-((row - a * p) @ (row - a * p)) / (2 * s**2) for p in points]
        parts = np.array([mpmath.exp(v - max(logs)) for v in logs])
        found.append(parts / parts.sum() @ points)
    return np.array(found)


def _empirical_score(x: Any, points: Any, *, alpha: Any, sigma: Any) -> Any:
    data = _empirical_denoise(x, points, alpha=alpha, sigma=sigma)
    a, s = _numbers(np.broadcast_to(alpha, len(x)))[:, None], _numbers(np.broadcast_to(sigma, len(x)))[:, None]
    return -(_numbers(x) - a * data) / s**2


def _line(first: Any, last: Any, n: int) -> list[Any]:
    return [first + (last - first) * i / (n - 1) if n > 1 else first for i in range(n)]


def _geometric(*, n: int, sigma_min: float, sigma_max: float) -> Any:
    return np.array([mpmath.exp(v) for v in _line(mpmath.log(mpf(sigma_max)), mpmath.log(mpf(sigma_min)), n)])


def _karras(*, n: int, sigma_min: float, sigma_max: float, rho: float) -> Any:
    root = 1 / mpf(rho)
    return np.array([v ** mpf(rho) for v in _line(mpf(sigma_max) ** root, mpf(sigma_min) ** root, n)])


def _linear(*, n: int, beta_start: float, beta_end: float) -> Any:
    return np.array(_line(mpf(beta_start), mpf(beta_end), n))


def _scaled_linear(*, n: int, beta_start: float, beta_end: float) -> Any:
    return np.array([v**2 for v in _line(mpmath.sqrt(beta_start), mpmath.sqrt(beta_end), n)])


def _cosine(*, n: int, s: float, max_beta: float) -> Any:
    f = [mpmath.cos((mpf(i) / n + mpf(s)) / (1 + mpf(s)) * mpmath.pi / 2) ** 2 for i in range(n + 1)]
    return np.array([min(1 - f[i + 1] / f[i], mpf(max_beta)) for i in range(n)])


def _ncsnv2(*, d: int, sigma_min: float, sigma_max: float, overlap: float) -> Any:
    root = mpmath.sqrt(2 * d)

    def excess(gamma: Any) -> Any:
        centre = root * (gamma - 1)
        return mpmath.ncdf(centre + 3 * gamma) - mpmath.ncdf(centre - 3 * gamma) - mpf(overlap)

    low, gamma = mpf(1), mpf(2)
    while excess(gamma) > 0:
        gamma *= 2
    for _ in range(4 * DIGITS):  # bisection: a bit of γ a step
        middle = (low + gamma) / 2
        low, gamma = (middle, gamma) if excess(middle) > 0 else (low, middle)
    return np.array(gamma), np.array(mpmath.ceil(1 + mpmath.log(mpf(sigma_max) / mpf(sigma_min)) / mpmath.log(gamma)))


TRUTHS: dict[str, Callable[..., Any]] = {
    "target.gaussian.log_prob": _gaussian_log_prob,
    "target.gaussian.score": _gaussian_score,
    "target.mixture.log_prob": _mixture_log_prob,
    "target.mixture.score": _mixture_score,
    "target.mixture.score_jacobian": _mixture_jacobian,
    "target.mixture.score_trace": _mixture_trace,
    "target.mixture.denoise": _mixture_denoise,
    "target.mixture.posterior_covariance": _mixture_posterior,
    "target.empirical.denoise": _empirical_denoise,
    "target.empirical.score": _empirical_score,
    "schedule.geometric": _geometric,
    "schedule.karras": _karras,
    "schedule.linear_betas": _linear,
    "schedule.scaled_linear_betas": _scaled_linear,
    "schedule.cosine_betas": _cosine,
    "schedule.ncsnv2": _ncsnv2,
}
