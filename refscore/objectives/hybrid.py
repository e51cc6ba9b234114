"""Improved DDPM's hybrid loss: the simple loss for the mean, a little of the variational bound for the variance.

    ℓ = |ε̂ - ε|²/d + (N/1000) L_{k-1}/(d log 2)                                                       (VLB.15)

The factors are the codes': means over the dimensions, the bound in bits, and N/1000 so that the mean over k of the
second part is 0.001 times the bound. In it ε̂ is held: its gradient reaches the variance alone, which is learned as
log σ_θ² between log β̃ and log β (VLB.6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, samples
from refscore.models.protocol import ParametricLevelScore
from refscore.objectives.decoder import discretised_gaussian_slope
from refscore.objectives.discrete import Index, step_index
from refscore.objectives.posterior import (
    learned_log_variance,
    log_variance_range,
    posterior_mean,
    predicted_mean,
    small_log_variance,
)
from refscore.objectives.vlb import vlb_term
from refscore.paths import DiscreteVP

__all__ = ["hybrid", "hybrid_gradient"]

Predict = Callable[[Float, Index], Float]


def hybrid(
    predict_noise: Predict,
    predict_fraction: Predict,
    x0: ArrayLike,
    noise: ArrayLike,
    k: ArrayLike,
    *,
    betas: ArrayLike,
) -> Float:
    """The hybrid loss with learned variances, per sample, (VLB.15).

    Parameters
    ----------
    predict_noise, predict_fraction : callable
        ε̂ and v, each from (\\*batch, d) and the indices, of the shape of `k`, to (\\*batch, d). They may be the two
        halves of one network.
    x0, noise : (\\*batch, d)
        Clean data, on the grid of 256 values in [-1, 1], and standard normal noise.
    k : () or (\\*batch,)
        Integers from 1 to N.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    (\\*batch,)
        ℓ: unlike the other objectives a mean over the dimensions, and without ½, as in the codes.

    Raises
    ------
    TypeError
        If `k` are no integers.
    ValueError
        If an index is outside, or a shape does not go with `x0`.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 16, with λ = 0.001; the code's
    ``RESCALED_MSE`` with a learned range.

    Examples
    --------
    A perfect noise and the smaller variance at k = 2 cost nothing:

    >>> perfect, small = (lambda x, k: 0 * x + 1.0), (lambda x, k: 0 * x - 1.0)
    >>> round(float(hybrid(perfect, small, [1 / 255], [1.0], 2, betas=[0.36, 0.75])), 15)
    0.0
    """
    x0, x, index = _noised(x0, noise, k, betas)
    prediction = of_shape(predict_noise(x, index), "predict_noise(x, k)", x.shape, "x")
    fraction = of_shape(predict_fraction(x, index), "predict_fraction(x, k)", x.shape, "x")
    log_variance = learned_log_variance(fraction, index, betas=betas)
    simple = ((prediction - of_shape(noise, "noise", x.shape, "x0")) ** 2).sum(-1)
    bound = vlb_term(prediction, log_variance, x0, x, index, betas=betas)
    value: Float = (simple + np.size(betas) / 1000 * bound / np.log(2)) / x.shape[-1]  # (VLB.15)
    return value


def hybrid_gradient(
    predict_noise: ParametricLevelScore,
    predict_fraction: ParametricLevelScore,
    x0: ArrayLike,
    noise: ArrayLike,
    k: ArrayLike,
    *,
    betas: ArrayLike,
) -> Float:
    """Gradient of the batch sum of :func:`hybrid` with the mean held in the bound, in the parameters of both models.

        ∂ℓ/∂θ_ε = (2/d) (ε̂ - ε)ᵀ ∂ε̂/∂θ                                                              (VLB.16)
        ∂ℓ/∂θ_v = (N/(1000 d log 2)) Σ ∂L/∂log σ_θ² ½ log(β/β̃) ∂v/∂θ                                  (VLB.17)
        ∂L/∂log σ_θ² = ½ [1 - (β̃ + (μ̃ - μ_θ)²)/σ_θ²],   for k > 1                                    (VLB.18)

    Parameters
    ----------
    predict_noise, predict_fraction : ParametricLevelScore
        Models whose outputs are ε̂ and v and which are told k, with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`hybrid`.
    k : () or (\\*batch,)
        Integers from 1 to N; at 1 the slope is that of the decoder, (VLB.8).
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    (p + q,)
        Of the noise's parameters, then of the variance's. It is not the gradient of the value: the bound pulls at the
        mean too, and that is left out.
    """
    x0, x, index = _noised(x0, noise, k, betas)
    d = x.shape[-1]
    prediction = of_shape(predict_noise(x, index), "predict_noise(x, k)", x.shape, "x")
    fraction = of_shape(predict_fraction(x, index), "predict_fraction(x, k)", x.shape, "x")
    of_noise = 2 / d * (prediction - of_shape(noise, "noise", x.shape, "x0"))
    low, high = log_variance_range(index, x, betas)
    slope = _slope(prediction, learned_log_variance(fraction, index, betas=betas), x0, x, index, betas)
    of_fraction = np.size(betas) / (1000 * d * np.log(2)) * slope * 0.5 * (high - low)  # (VLB.17)
    return np.concatenate(
        [
            predict_noise.vjp_parameters(x, index, of_noise),  # (VLB.16)
            predict_fraction.vjp_parameters(x, index, of_fraction),
        ]
    )


def _noised(x0: ArrayLike, noise: ArrayLike, k: ArrayLike, betas: ArrayLike) -> tuple[Float, Float, Index]:
    x0 = samples(x0, "x0")
    path = DiscreteVP(betas)
    index = step_index(k, path.betas.size, x0)
    t = index / path.betas.size
    x = lift(path.alpha(t), x0) * x0 + lift(path.sigma(t), x0) * of_shape(noise, "noise", x0.shape, "x0")
    return x0, x, index


def _slope(noise_prediction: Float, log_variance: Float, x0: Float, x: Float, index: Index, betas: ArrayLike) -> Float:
    """∂L_{k-1}/∂log σ_θ², (\\*batch, d)."""
    mean = predicted_mean(noise_prediction, x, index, betas=betas)
    gap = (posterior_mean(x0, x, index, betas=betas) - mean) ** 2
    small = np.exp(lift(small_log_variance(index, betas=betas), x))
    slope: Float = 0.5 * (1 - (small + gap) * np.exp(-log_variance))  # (VLB.18)
    last = np.broadcast_to(index == 1, x.shape[:-1])
    if last.any():
        slope[last] = -discretised_gaussian_slope(x0[last], mean[last], log_variance[last])  # (VLB.8)
    return slope
