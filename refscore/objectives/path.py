"""Denoising along a path, in continuous time: one squared error for every prediction a network may make.

At the time t the sample is noised to

    x_t = α x0 + σ ε                                                                                  (PATHL.1)

with any α ≥ 0 and σ ≥ 0; α² + σ² = 1 is nowhere assumed. A network predicts the score, the noise, the data, v or the
velocity; the loss compares it with the value that x0 and ε themselves have, its target. What the same loss is in
another prediction is told in ``objectives.factors``, common weights in ``objectives.level_weights``, densities of t in
``objectives.times``.

Its expectation on Gaussian data, its variance and its minimiser stand in ``refscore.exact.path_losses``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, not_negative, of_shape, positive, samples
from refscore.models.protocol import ParametricLevelScore

__all__ = [
    "data_target",
    "noise_target",
    "path",
    "path_gradient",
    "score_target",
    "v_target",
    "velocity_target",
]


def path(
    predict: Callable[[Float, Float], Float],
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    *,
    alpha: ArrayLike,
    sigma: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike = 1.0,
) -> Float:
    """Denoising along a path, per sample.

        ℓ = ½ w |P(α x0 + σ ε, t) - T|²                                                               (PATHL.2)

    Parameters
    ----------
    predict : callable
        P, from (\\*batch, d) and `t` as it came to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    t : () or (\\*batch,)
        What the network is told: the time, or anything else that stands for the level.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0 at that time.
    target : (\\*batch, d)
        T, what the prediction should have been: :func:`score_target`, :func:`noise_target`, :func:`data_target`,
        :func:`v_target` or :func:`velocity_target` of `x0` and `noise`.
    weight : () or (\\*batch,)
        w ≥ 0: values, as from ``objectives.level_weights``.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: neither over the samples nor over the times.

    Raises
    ------
    ValueError
        If α, σ or a weight is negative, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with the form without ½ and with the mean over the dimensions, which most network code has: that
    is 2/d times this. With the score, w = σ² is Song & Ermon's weight and w = g² the likelihood weighting.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 7, for the score; Ho et al. (2020), Denoising
    diffusion probabilistic models, eq. 14, for the noise.

    Examples
    --------
    The perfect network for N(0, 1) data predicts ε̂ = σ x/(α² + σ²) and leaves ½ α²/(α² + σ²), half the posterior
    variance of ε; here by the nodes x0, ε = ±1:

    >>> import numpy as np
    >>> x0, noise = np.array([[1.0], [1.0], [-1.0], [-1.0]]), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> perfect = lambda x, t: 2 * x / (1**2 + 2**2)
    >>> loss = path(perfect, x0, noise, 0.5, alpha=1, sigma=2, target=noise)
    >>> round(float(loss.mean()), 12), 0.5 * 1**2 / (1**2 + 2**2)
    (0.1, 0.1)
    """
    _, _, share, residual = _residual(predict, x0, noise, t, alpha, sigma, target, weight)
    value: Float = 0.5 * share * (residual**2).sum(-1)  # (PATHL.2)
    return value


def path_gradient(
    predict: ParametricLevelScore,
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    *,
    alpha: ArrayLike,
    sigma: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike = 1.0,
) -> Float:
    """Gradient of the batch sum of :func:`path` in the parameters of `predict`.

        ∂ℓ/∂θ = w (P(x_t, t) - T)ᵀ ∂P(x_t, t)/∂θ                                                      (PATHL.3)

    Parameters
    ----------
    predict : ParametricLevelScore
        A model whose output is the prediction P, with `vjp_parameters`; it is told `t`. For a model of the score and
        the loss of another prediction take the target of the score and c² times the weight, see
        ``objectives.factors``.
    x0, noise : (\\*batch, d)
        As for :func:`path`.
    t : () or (\\*batch,)
        What the model is told.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0.
    target : (\\*batch, d)
        T, as for :func:`path`.
    weight : () or (\\*batch,)
        w ≥ 0.

    Returns
    -------
    (p,)
        In the order of ``predict.pack()``.
    """
    x, time, share, residual = _residual(predict, x0, noise, t, alpha, sigma, target, weight)
    return predict.vjp_parameters(x, time, share[..., None] * residual)  # (PATHL.3)


def score_target(x0: ArrayLike, noise: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """What a prediction of the score is compared with, the score of the kernel.

        T = -ε/σ                                                                                      (PATHL.4)

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        Clean data and noise ε.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0, which does not enter, and σ > 0.

    Returns
    -------
    (\\*batch, d)
        T. Not the score of x_t, of which it is the value at one x0.
    """
    x0, noise = _pair(x0, noise)
    lift(alpha, x0, "alpha", not_negative)
    value: Float = -noise / lift(sigma, x0, "sigma", positive)  # (PATHL.4)
    return value


def noise_target(x0: ArrayLike, noise: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """What a prediction of the noise is compared with: ε.

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        Clean data and noise ε.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0, which do not enter.

    Returns
    -------
    (\\*batch, d)
        ε.
    """
    x0, noise = _pair(x0, noise)
    lift(alpha, x0, "alpha", not_negative), lift(sigma, x0, "sigma", not_negative)
    return noise


def data_target(x0: ArrayLike, noise: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """What a prediction of the data is compared with: x0.

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        Clean data and noise ε.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0, which do not enter.

    Returns
    -------
    (\\*batch, d)
        x0.
    """
    x0, noise = _pair(x0, noise)
    lift(alpha, x0, "alpha", not_negative), lift(sigma, x0, "sigma", not_negative)
    return x0


def v_target(x0: ArrayLike, noise: ArrayLike, alpha: ArrayLike, sigma: ArrayLike) -> Float:
    """What a prediction of v is compared with.

        T = α ε - σ x0                                                                                (PATHL.5)

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        Clean data and noise ε.
    alpha, sigma : () or (\\*batch,)
        α ≥ 0 and σ ≥ 0.

    Returns
    -------
    (\\*batch, d)
        T.
    """
    x0, noise = _pair(x0, noise)
    value: Float = (
        lift(alpha, x0, "alpha", not_negative) * noise - lift(sigma, x0, "sigma", not_negative) * x0
    )  # (PATHL.5)
    return value


def velocity_target(x0: ArrayLike, noise: ArrayLike, alpha_dot: ArrayLike, sigma_dot: ArrayLike) -> Float:
    """What a prediction of the velocity is compared with: dx_t/dt at fixed x0 and ε.

        T = α' x0 + σ' ε                                                                              (PATHL.6)

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        Clean data and noise ε.
    alpha_dot, sigma_dot : () or (\\*batch,)
        The derivatives α' and σ' in time; finite.

    Returns
    -------
    (\\*batch, d)
        T; ε - x0 on the flow path.
    """
    x0, noise = _pair(x0, noise)
    value: Float = (
        lift(alpha_dot, x0, "alpha_dot", as_float64) * x0 + lift(sigma_dot, x0, "sigma_dot", as_float64) * noise
    )  # (PATHL.6)
    return value


def _pair(x0: ArrayLike, noise: ArrayLike) -> tuple[Float, Float]:
    x0 = samples(x0, "x0")
    return x0, of_shape(noise, "noise", x0.shape, "x0")


def _residual(
    predict: Callable[[Float, Float], Float],
    x0: ArrayLike,
    noise: ArrayLike,
    t: ArrayLike,
    alpha: ArrayLike,
    sigma: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike,
) -> tuple[Float, Float, Float, Float]:
    """The noised points, what the model is told, the weights (\\*batch,), and P - T."""
    x0, noise = _pair(x0, noise)
    time = as_float64(t, "t")
    lift(time, x0)
    target = of_shape(target, "target", x0.shape, "x0")
    x = lift(alpha, x0, "alpha", not_negative) * x0 + lift(sigma, x0, "sigma", not_negative) * noise  # (PATHL.1)
    share = lift(weight, x0, "weight", not_negative)
    residual = of_shape(predict(x, time), "predict(x, t)", x.shape, "x") - target
    return x, time, share[..., 0] if share.ndim else share, residual
