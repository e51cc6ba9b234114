"""A mixture in plain NumPy, one step after the other, so that a mistake can be made at each step.

It computes in the dtype of its arguments: where a mistake is a cancellation or an underflow, the dtype is what it is
made of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refscore.arrays import Float

__all__ = ["LOG_2PI", "Parts", "average", "inverse", "log_sum_exp", "outer", "parts", "perturbed", "softmax"]

LOG_2PI = float(np.log(2 * np.pi))


class Parts(NamedTuple):
    """What K components say at n points.

    Parameters
    ----------
    joint : (K, n)
        log w_k + log N(x; μ_k, Σ_k).
    log_det : (K, n or 1)
        log det Σ_k.
    delta, each : (K, n, d)
        x − μ_k, and the component's own score.
    precision : (K, n or 1, d, d)
        Σ_k⁻¹.
    """

    joint: Float
    log_det: Float
    delta: Float
    each: Float
    precision: Float

    @property
    def share(self) -> Float:
        """The responsibilities (K, n)."""
        return softmax(self.joint)


def parts(x: Float, weights: Float, means: Float, covs: Float) -> Parts:
    """Everything that a mixture's log density, score and Jacobian are put together from.

    Parameters
    ----------
    x : (n, d)
        Points.
    weights : (K,)
        w_k.
    means : (K, d) or (K, n, d)
        μ_k, one for all points or one for each.
    covs : (K, d, d) or (K, n, d, d)
        Σ_k, likewise.

    Returns
    -------
    Parts
        In the dtype of the arguments.
    """
    means = means[:, None] if means.ndim == 2 else means
    covs = covs[:, None] if covs.ndim == 3 else covs
    delta = x - means
    precision = inverse(covs)
    each = -(precision @ delta[..., None])[..., 0]
    log_det = np.linalg.slogdet(covs)[1]
    joint = np.log(weights)[:, None] + 0.5 * (each * delta).sum(-1) - 0.5 * (log_det + x.shape[-1] * LOG_2PI)
    return Parts(joint, log_det, delta, each, precision)


def perturbed(means: Float, covs: Float, alpha: Float, sigma: Float) -> tuple[Float, Float]:
    """Means (K, n, d) and covariances (K, n, d, d) of α x0 + σ ε, for levels (n,)."""
    alpha, sigma = alpha[:, None], sigma[:, None]
    eye = np.eye(means.shape[-1], dtype=means.dtype)
    return alpha * means[:, None], alpha[..., None] ** 2 * covs[:, None] + sigma[..., None] ** 2 * eye


def inverse(matrices: Float) -> Float:
    """The inverse of each matrix (…, d, d)."""
    value: Any = np.linalg.inv(matrices)
    return np.asarray(value)


def log_sum_exp(joint: Float) -> Float:
    """log Σ_k exp over the components (K, n)."""
    best = joint.max(0)
    return np.asarray(best + np.log(np.exp(joint - best).sum(0)))


def softmax(joint: Float) -> Float:
    """Shares over the components (K, n), by log-sum-exp."""
    share = np.exp(joint - joint.max(0))
    return np.asarray(share / share.sum(0))


def average(share: Float, values: Float) -> Float:
    """Σ_k r_k v_k for shares (K, n) and values (K, n or 1, …)."""
    return np.asarray((share.reshape(*share.shape, *[1] * (values.ndim - 2)) * values).sum(0))


def outer(a: Float, b: Float) -> Float:
    """The matrices a bᵀ for vectors (…, d)."""
    return a[..., :, None] * b[..., None, :]
