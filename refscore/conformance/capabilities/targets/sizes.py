"""How far rounding may move what is known about a mixture: condition numbers, not tolerances.

A backward stable algorithm of any kind, be it Cholesky, LU, an explicit inverse or eigenvectors, knows the score
s = −Σ⁻¹ δ of a component to u times c κ(Σ) |s| + |δ|/λ_min in norm, δᵀ Σ⁻¹ δ to c λ_max |s|² + |δ|²/λ_min, Σ⁻¹ to
c κ/λ_min, and log det Σ to c d κ. If Σ is diagonal, κ is 1 and all holds entry by entry. That c stays below 4 is no
theorem but experience, with six algorithms on generic Σ up to κ = 1e5 and d = 16, which a test repeats; it stands as ½
here, under a bound of 16.

The responsibilities r_k are known to r_k times the size of log N, and the rest is how these enter. Where two algebras
are in use, such as centred and uncentred second moments, or Tweedie's formula and a direct one, the size is of both:
the worse one is not wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.targets.parts import (
    LOG_2PI,
    Parts,
    average,
    log_sum_exp,
    outer,
    parts,
    perturbed,
)

__all__ = ["Sizes", "posterior_sizes", "sizes"]


class Sizes(NamedTuple):
    """Sizes of the log density (n,), score (n, d), its Jacobian (n, d, d), and the trace of that (n,)."""

    log_prob: Float
    score: Float
    jacobian: Float
    trace: Float


class _Known(NamedTuple):
    """Sizes of each component's log N (K, n), score (K, n, d) and Σ⁻¹ (K, n or 1, d, d)."""

    joint: Float
    each: Float
    precision: Float


def sizes(x: Float, weights: Float, means: Float, covs: Float, reach: Float | None = None) -> Sizes:
    """Sizes for the mixture Σ_k w_k N(μ_k, Σ_k).

    Parameters
    ----------
    x : (n, d)
        Points.
    weights, means, covs : ndarray
        As for :func:`parts`.
    reach : (K, n, d), optional
        Size of the terms of x − μ_k, where these are not exact.

    Returns
    -------
    Sizes
        In units of u.
    """
    p = parts(x, weights, means, covs)
    known = _known(p, weights, covs, np.abs(p.delta) if reach is None else reach)
    share = p.share
    spread = p.each - average(share, p.each)
    parted = outer(spread, spread) - p.precision
    turned = share * known.joint  # what the responsibilities are known to
    log_prob = average(share, known.joint) + np.abs(log_sum_exp(p.joint))
    score = average(share, np.abs(p.each) + known.each) + average(turned, np.abs(spread))
    uncentred = outer(np.abs(p.each), np.abs(p.each) + known.each)
    jacobian = average(share, known.precision + uncentred + np.swapaxes(uncentred, -1, -2))
    jacobian = jacobian + average(turned, np.abs(parted - average(share, parted)))
    return Sizes(log_prob, score, jacobian, np.trace(jacobian, axis1=-2, axis2=-1))


def posterior_sizes(
    x: Float, weights: Float, means: Float, covs: Float, alpha: Float, sigma: Float
) -> tuple[Float, Float]:
    """Sizes of E[x0 given x] (n, d) and Cov[x0 given x] (n, d, d).

    Parameters
    ----------
    x : (n, d)
        Noisy points.
    weights, means, covs : ndarray
        (K,), (K, d) and (K, d, d).
    alpha, sigma : (n,)
        Levels.

    Returns
    -------
    tuple of two ndarray
        In units of u.
    """
    noisy = perturbed(means, covs, alpha, sigma)
    a, s = alpha[:, None], sigma[:, None]
    p = parts(x, weights, *noisy)
    reach = np.abs(x) + np.abs(noisy[0])
    base = sizes(x, weights, *noisy, reach=reach)
    condition = _condition(noisy[1])[..., None]
    direct = np.abs(means)[:, None] + condition * np.linalg.norm(reach, axis=-1, keepdims=True) / a
    mean = (np.abs(x) + s**2 * base.score) / a + average(p.share, direct)
    uncentred = outer(np.abs((x + s**2 * p.each) / a), direct)
    subtracted = condition[..., None] * np.linalg.norm(covs, axis=(-2, -1))[:, None, None, None]
    noise = (s / a)[..., None] ** 2
    cov = noise * (np.eye(x.shape[-1]) + s[..., None] ** 2 * base.jacobian)
    return mean, cov + average(p.share, uncentred + np.swapaxes(uncentred, -1, -2) + subtracted)


def _condition(covs: Float) -> Float:
    """c κ, and two roundings that are there for κ = 1 too."""
    values = np.linalg.eigvalsh(covs)
    return np.asarray(2 + values[..., -1] / values[..., 0] / 2)


def _known(p: Parts, weights: Float, covs: Float, reach: Float) -> _Known:
    covs = covs[:, None] if covs.ndim == 3 else covs
    d = covs.shape[-1]
    values = np.linalg.eigvalsh(covs)
    log_terms = np.abs(np.log(weights))[:, None] + 0.5 * (np.abs(np.log(values)).sum(-1) + d * LOG_2PI)
    if not (covs * (1 - np.eye(d))).any():
        precision = np.abs(p.precision)
        each = np.abs(p.each) + np.diagonal(precision, axis1=-2, axis2=-1) * reach
        joint = log_terms + d + ((np.abs(p.delta) + reach) * np.abs(p.each)).sum(-1)
        return _Known(joint, each, precision)
    least, condition = values[..., 0], _condition(covs)
    score, offset, terms = (np.linalg.norm(v, axis=-1) for v in (p.each, p.delta, reach))
    each = (condition * score + terms / least)[..., None] * np.ones(d)
    joint = log_terms + d * condition + condition * least * score**2 + offset * terms / least
    precision = (condition / least)[..., None, None] * np.ones((d, d))
    return _Known(joint, each, precision)
