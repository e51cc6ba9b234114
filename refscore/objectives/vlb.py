"""The variational bound of DDPM, term by term, and the hybrid loss that learns its variances.

    -log p(x0) ≤ L = E [L_N + Σ_{k=2}^N L_{k-1} + L_0]                                                 (VLB.9)

    L_N = KL(q(x_N | x0) ‖ N(0, I))                                                                   (VLB.10)
    L_{k-1} = KL(q(x_{k-1} | x_k, x0) ‖ N(μ_θ, σ_θ²)),   L_0 = -log P(x0 | x_1)                       (VLB.11)

with the posterior of ``objectives.posterior`` and the bins of ``objectives.decoder``. All values are in nats and summed
over the dimensions; what papers print is divided by d log 2. A model has two outputs at (x_k, k): a prediction ε̂ of the
noise and the log variances log σ_θ². Indices count from 1 to N.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, number, of_shape, samples
from refscore.objectives.decoder import discretised_gaussian
from refscore.objectives.discrete import Index, step_index
from refscore.objectives.posterior import posterior_mean, predicted_mean, small_log_variance
from refscore.paths import DiscreteVP

__all__ = ["gaussian_kl", "vlb", "vlb_prior", "vlb_term", "vlb_weight"]


def gaussian_kl(mean1: ArrayLike, log_variance1: ArrayLike, mean2: ArrayLike, log_variance2: ArrayLike) -> Float:
    """The divergence of two Gaussians with independent dimensions, per sample.

        KL = ½ Σ [r - 1 - log r + (μ₁ - μ₂)² e^(-v₂)],   r = e^(v₁ - v₂)                              (VLB.12)

    Parameters
    ----------
    mean1, log_variance1 : (\\*batch, d)
        Means μ₁ and log variances v₁ of the first law.
    mean2, log_variance2 : (\\*batch, d)
        Means μ₂ and log variances v₂ of the second.

    Returns
    -------
    (\\*batch,)
        KL(first ‖ second) ≥ 0, in nats.

    Notes
    -----
    r - 1 - log r is e^w - 1 - w with w = v₁ - v₂, summed as a series near 0: it keeps its digits where variances agree.

    Examples
    --------
    >>> float(gaussian_kl([1.0], [0.0], [0.0], [0.0])), float(gaussian_kl([0.0], [0.0], [0.0], [np.log(4)]))
    (0.5, 0.3181471805599453)
    >>> 0.5 * (0.25 - 1 + float(np.log(4)))
    0.3181471805599453
    """
    mean1 = samples(mean1, "mean1")
    mean2, v1, v2 = (
        of_shape(value, name, mean1.shape, "mean1")
        for value, name in ((mean2, "mean2"), (log_variance1, "log_variance1"), (log_variance2, "log_variance2"))
    )
    w = v1 - v2
    value: Float = 0.5 * (_excess(w) + (mean1 - mean2) ** 2 * np.exp(-v2)).sum(-1)  # (VLB.12)
    return value


def vlb_prior(x0: ArrayLike, *, betas: ArrayLike) -> Float:
    """The first term L_N of the bound, which no model can change, per sample.

        L_N = ½ Σ [ᾱ x0² - ᾱ - log(1 - ᾱ)],   ᾱ = ᾱ_N                                                 (VLB.13)

    Parameters
    ----------
    x0 : (\\*batch, d)
        Clean data.
    betas : (N,)
        β_1, …, β_N, each in (0, 1).

    Returns
    -------
    (\\*batch,)
        L_N ≥ 0, in nats.

    Examples
    --------
    N(0.4 x0, 0.84) against N(0, 1), by the general formula:

    >>> mine = vlb_prior([2.0], betas=[0.36, 0.75])
    >>> round(float(mine - gaussian_kl([0.8], [np.log(0.84)], [0.0], [0.0])), 15)
    0.0
    """
    x0 = samples(x0, "x0")
    signal = DiscreteVP(betas).alpha(1.0) ** 2
    value: Float = 0.5 * (signal * x0**2 + _excess(np.log1p(-signal))).sum(-1)  # (VLB.13)
    return value


def vlb_term(
    noise_prediction: ArrayLike, log_variance: ArrayLike, x0: ArrayLike, x: ArrayLike, k: ArrayLike, *, betas: ArrayLike
) -> Float:
    """One term L_{k-1} of the bound, (VLB.11), per sample, from the model's two outputs at x_k.

    Parameters
    ----------
    noise_prediction, log_variance : (\\*batch, d)
        ε̂ and log σ_θ² at (x_k, k).
    x0, x : (\\*batch, d)
        Clean data, at k = 1 on the grid of 256 values in [-1, 1], and the noised sample x_k.
    k : () or (\\*batch,)
        Integers from 1, where the term is L_0, to N.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    (\\*batch,)
        L_{k-1} ≥ 0, in nats.

    Notes
    -----
    Not to be confused with the codes' ``vb_terms_bpd``: that is this divided by d log 2, with an approximate Φ, and
    floors in L_0.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, eq. 5 and 13.

    Examples
    --------
    A perfect prediction with the posterior's own variance costs nothing:

    >>> from refscore.objectives import small_log_variance
    >>> betas, x0, noise = [0.36, 0.75], [0.5], [-1.0]
    >>> x = [0.4 * 0.5 - 0.84**0.5]
    >>> round(float(vlb_term(noise, [small_log_variance(2, betas=betas)], x0, x, 2, betas=betas)), 15)
    0.0
    """
    x = samples(x, "x")
    x0 = of_shape(x0, "x0", x.shape, "x")
    log_variance = of_shape(log_variance, "log_variance", x.shape, "x")
    index = step_index(k, np.size(betas), x)
    mean = predicted_mean(noise_prediction, x, index, betas=betas)
    posterior = posterior_mean(x0, x, index, betas=betas)
    small = np.broadcast_to(lift(small_log_variance(index, betas=betas), x), x.shape)
    value: Float = np.asarray(gaussian_kl(posterior, small, mean, log_variance))  # (VLB.11)
    last = np.broadcast_to(index == 1, value.shape)
    if last.any():
        value = value.copy()
        value[last] = -discretised_gaussian(x0[last], mean[last], log_variance[last])  # (VLB.11)
    return value


def vlb_weight(k: ArrayLike, log_variance: ArrayLike, *, betas: ArrayLike) -> Float:
    """What the bound weighs the noise with: L_{k-1} is half of this times |ε̂ - ε|², plus what the variances cost.

        w = β_k²/((1 - β_k) (1 - ᾱ_k) σ_θ²)                                                           (VLB.14)

    Parameters
    ----------
    k : array_like
        Integers from 2 to N, any shape.
    log_variance : array_like
        log σ_θ², the same for all dimensions; () or of the shape of `k`.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    ndarray
        w, of the shape of `k`, for ``objectives.path`` with the target of the noise.

    Notes
    -----
    With σ_θ² = β̃_k it is SNR_{k-1}/SNR_k - 1: the bound depends on the signal-to-noise ratios alone.

    References
    ----------
    Ho et al. (2020), eq. 12.

    Examples
    --------
    >>> from refscore.objectives import small_log_variance
    >>> betas = [0.36, 0.75]
    >>> found = vlb_weight(2, small_log_variance(2, betas=betas), betas=betas)
    >>> round(float(found), 12), round((0.64 / 0.36) / (0.16 / 0.84) - 1, 12)
    (8.333333333333, 8.333333333333)
    """
    path = DiscreteVP(betas)
    given = np.asarray(k)
    index = step_index(given, path.betas.size, np.empty((*given.shape, 1)), 2)
    beta, sigma = path.betas[index - 1], path.sigma(index / path.betas.size)
    variance = np.exp(lift(log_variance, np.empty((*index.shape, 1)), "log_variance", _finite))
    spread = variance[..., 0] if variance.ndim else variance
    value: Float = beta**2 / ((1 - beta) * sigma**2 * spread)  # (VLB.14)
    return value


def vlb(
    predict: Callable[[Float, Index], tuple[Float, Float]], x0: ArrayLike, noise: ArrayLike, *, betas: ArrayLike
) -> Float:
    """The whole bound, per sample: all terms of (VLB.9), each at its own draw of the noise.

    Parameters
    ----------
    predict : callable
        From x_k (\\*batch, d) and k () to (ε̂, log σ_θ²), each (\\*batch, d).
    x0 : (\\*batch, d)
        Clean data on the grid of 256 values in [-1, 1].
    noise : (N, \\*batch, d)
        Standard normal noise of each level.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    (\\*batch,)
        An unbiased value of L in nats; bits per dimension are L/(d log 2).

    Raises
    ------
    ValueError
        If a shape does not go with `x0` and `betas`.

    Examples
    --------
    It is the sum of its terms, here with variances β̃:

    >>> from refscore.objectives import small_log_variance
    >>> betas, x0, noise = [0.36, 0.75], np.array([1 / 255]), np.array([[0.5], [-1.0]])
    >>> model = lambda x, k: (0 * x, small_log_variance(k, betas=betas) + 0 * x)
    >>> x = [0.8 * x0 + 0.6 * noise[0], 0.4 * x0 + 0.84**0.5 * noise[1]]
    >>> terms = [vlb_term(*model(x[k - 1], k), x0, x[k - 1], k, betas=betas) for k in (1, 2)]
    >>> round(float(vlb(model, x0, noise, betas=betas) - vlb_prior(x0, betas=betas) - sum(terms)), 12)
    0.0
    """
    x0 = samples(x0, "x0")
    path = DiscreteVP(betas)
    n = path.betas.size
    noise = of_shape(noise, "noise", (n, *x0.shape), "x0 for each of the levels")
    total = vlb_prior(x0, betas=betas)
    for k in range(1, n + 1):
        x = path.alpha(k / n) * x0 + path.sigma(k / n) * noise[k - 1]
        prediction, log_variance = predict(x, np.asarray(k))
        total = total + vlb_term(prediction, log_variance, x0, x, k, betas=betas)  # (VLB.9)
    return total


def _finite(value: ArrayLike, name: str) -> Float:
    return np.asarray(number(value, name)) if np.ndim(value) == 0 else samples(value, name)


def _excess(w: Float) -> Float:
    """e^w - 1 - w ≥ 0, by its series near 0, where even expm1(w) - w cancels."""
    small = np.abs(w) < 0.5
    near = np.where(small, w, 0.0)
    term, total = 0.5 * near**2, 0.5 * near**2
    for n in range(3, 18):
        term = term * near / n
        total = total + term
    value: Float = np.where(small, total, np.expm1(w) - w)
    return value
