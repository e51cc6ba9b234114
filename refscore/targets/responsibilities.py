"""Which component a point came from: the posterior weights of a mixture, to full accuracy at any distance.

Far out, log N is a huge number, and the ratio of two weights is the small difference of two huge numbers. So
differences are taken of the means and not of the exponents. With δ_k = x - μ_k, against the likeliest component j,

    δ_kᵀ Σ_k⁻¹ δ_k - δ_jᵀ Σ_j⁻¹ δ_j = (μ_j - μ_k)ᵀ Σ_k⁻¹ (δ_k + δ_j) + δ_jᵀ (Σ_k⁻¹ - Σ_j⁻¹) δ_j       (MIX.4)

The last term is 0 to the last bit where covariances are equal. Then nothing is left that cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float
from refscore.targets.covariance import Covariance

__all__ = ["Terms", "terms"]

LOG_2PI = float(np.log(2 * np.pi))


class Terms(NamedTuple):
    """What the components of a mixture say at n points.

    Parameters
    ----------
    log_prob : (n,)
        log p.
    share : (K, n)
        Responsibilities r_k.
    delta : (K, n, d)
        x - μ_k.
    precision : (K, n or 1, m)
        1/λ, the eigenvalues of Σ_k⁻¹.
    """

    log_prob: Float
    share: Float
    delta: Float
    precision: Float


def terms(x: Float, weights: Float, means: Float, covariances: Covariance, alpha: Float, sigma: Float) -> Terms:
    """Responsibilities and density of Σ_k w_k N(α μ_k, α² Σ_k + σ² I), by log-sum-exp over (MIX.4).

    Parameters
    ----------
    x : (n, d)
        Points.
    weights : (K,)
        w_k.
    means : (K, d)
        μ_k.
    covariances : Covariance
        Σ_k, a stack of K.
    alpha, sigma : () or (n, 1)
        Not both 0.

    Returns
    -------
    Terms
        For the perturbed mixture.
    """
    spectrum = alpha**2 * covariances.spectrum + sigma**2
    precision, delta = 1 / spectrum, x - alpha * means[:, None]
    with np.errstate(divide="ignore"):  # a weight may be 0
        chance = np.log(weights)[:, None]
    # log det beside that of the first: at σ = 1e20 they share a term of size 92 d, which would cost the others' digits.
    size = covariances.trace(np.log(spectrum / spectrum[0]))
    joint = chance - 0.5 * (size + covariances.quadratic(precision, delta))
    best = joint.argmax(0)
    nearest = np.take_along_axis(delta, best[None, :, None], 0)
    shift = alpha * (means[best] - means[:, None])
    rest = covariances.quadratic(precision, np.broadcast_to(nearest, delta.shape))
    gap = (shift * covariances.times(precision, delta + nearest)).sum(-1) + (rest - _pick(rest, best))  # (MIX.4)
    ratio = (chance - chance[best, 0]) - 0.5 * (size - _pick(np.broadcast_to(size, gap.shape), best) + gap)
    top = ratio.max(0)
    share = np.exp(ratio - top)
    total = share.sum(0)
    shared = covariances.trace(np.log(spectrum[0])) + x.shape[1] * LOG_2PI
    log_prob = _pick(joint, best) - 0.5 * shared + top + np.log(total)
    return Terms(log_prob, share / total, delta, precision)  # (MIX.1)


def _pick(values: Float, index: NDArray[np.intp]) -> Float:
    """The values (K, n) of component `index` (n,) at each point, shape (n,)."""
    return np.asarray(values[index, np.arange(len(index))])
