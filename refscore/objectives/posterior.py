"""One step back of DDPM: the law of x_{k-1} given x_k and x0, and what models take its variance for.

With ᾱ_k = Π_{i ≤ k} (1 - β_i) and ᾱ_0 = 1, the forward chain is Gaussian, and so is this posterior:

    q(x_{k-1} | x_k, x0) = N(μ̃, β̃ I)                                                                 (VLB.1)

Its mean is linear in x0; a network that predicts the noise puts its own x̂0 there. Indices count from 1 to N.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, samples
from refscore.objectives.discrete import Index, step_index
from refscore.paths import DiscreteVP

__all__ = [
    "large_log_variance",
    "learned_log_variance",
    "log_variance_range",
    "posterior_mean",
    "predicted_mean",
    "small_log_variance",
]


def posterior_mean(x0: ArrayLike, x: ArrayLike, k: ArrayLike, *, betas: ArrayLike) -> Float:
    """The mean of x_{k-1} given x_k and x0.

        μ̃ = (√ᾱ_{k-1} β_k x0 + √(1 - β_k) (1 - ᾱ_{k-1}) x)/(1 - ᾱ_k)                                  (VLB.2)

    Parameters
    ----------
    x0, x : (\\*batch, d)
        Clean data and the noised sample x_k.
    k : () or (\\*batch,)
        Integers from 1 to N.
    betas : (N,)
        β_1, …, β_N, each in (0, 1).

    Returns
    -------
    (\\*batch, d)
        μ̃; x0 at k = 1.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, eq. 7.

    Examples
    --------
    Both β = ½: given x0 = 1 the regression of x_1 on x_2 has the gain Cov/Var = √⅛/¾, here from x_2 = 2, E x_2 = ½:

    >>> betas = [0.5, 0.5]
    >>> round(float(posterior_mean([1], [2], 2, betas=betas)[0]), 12), round(0.5**0.5 + 0.125**0.5 / 0.75 * 1.5, 12)
    (1.414213562373, 1.414213562373)
    """
    x = samples(x, "x")
    x0 = of_shape(x0, "x0", x.shape, "x")
    beta, alpha_before, before, now = _coefficients(betas, k, x)
    value: Float = (alpha_before * beta * x0 + np.sqrt(1 - beta) * before * x) / now  # (VLB.2)
    return value


def predicted_mean(noise: ArrayLike, x: ArrayLike, k: ArrayLike, *, betas: ArrayLike) -> Float:
    """The mean of a model's step from x_k, for a prediction ε̂ of the noise: (VLB.2) with x̂0.

        μ_θ = (x - β_k ε̂/√(1 - ᾱ_k))/√(1 - β_k)                                                       (VLB.3)

    Parameters
    ----------
    noise, x : (\\*batch, d)
        The prediction ε̂ and the noised sample x_k.
    k : () or (\\*batch,)
        Integers from 1 to N.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    (\\*batch, d)
        μ_θ. Nothing is clipped; OpenAI's code clips x̂0 to [-1, 1] when it samples.

    References
    ----------
    Ho et al. (2020), eq. 11.

    Examples
    --------
    With the true noise it is the posterior mean:

    >>> betas, x0, noise = [0.36, 0.75], [2.0], [-1.0]
    >>> x = [0.4 * 2.0 - 0.84**0.5]
    >>> bool(abs(predicted_mean(noise, x, 2, betas=betas) - posterior_mean(x0, x, 2, betas=betas))[0] < 1e-15)
    True
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    beta, _, _, now = _coefficients(betas, k, x)
    value: Float = (x - beta / np.sqrt(now) * noise) / np.sqrt(1 - beta)  # (VLB.3)
    return value


def small_log_variance(k: ArrayLike, *, betas: ArrayLike) -> Float:
    """The logarithm of the posterior's own variance, as codes clip it.

        log β̃_k,   β̃_k = β_k (1 - ᾱ_{k-1})/(1 - ᾱ_k),   β̃_1 := β̃_2                                  (VLB.4)

    Parameters
    ----------
    k : array_like
        Integers from 1 to N, any shape.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    ndarray
        log β̃, of the shape of `k`. The true β̃_1 is 0: given x0 nothing is left to know.

    Raises
    ------
    ValueError
        If there are fewer than two levels, or an index is outside.

    Notes
    -----
    Optimal where x0 is one point; :func:`large_log_variance` where x0 ~ N(0, I).

    Examples
    --------
    Both β = ½: what regression of x_1 on x_2 leaves given x0, Var - Cov²/Var = ½ - ⅛/¾.

    >>> round(float(np.exp(small_log_variance(2, betas=[0.5, 0.5]))), 12), round(0.5 - 0.125 / 0.75, 12)
    (0.333333333333, 0.333333333333)
    """
    index, path = _indices(k, betas)
    variances = _small(path)
    value: Float = np.log(variances[index - 1])  # (VLB.4)
    return value


def large_log_variance(k: ArrayLike, *, betas: ArrayLike) -> Float:
    """The logarithm of the forward step's variance, as OpenAI's codes have it.

        log β_k,   with β̃_2 in the place of β_1                                                      (VLB.5)

    Parameters
    ----------
    k : array_like
        Integers from 1 to N, any shape.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    ndarray
        Log variances, of the shape of `k`.

    Notes
    -----
    Not to be confused with Ho's original code, whose pair at k = 1 is inconsistent: it samples with β_1 and evaluates
    with log β̃_2. Nor with the upper end of :func:`learned_log_variance`, which is log β_1 there.
    """
    index, path = _indices(k, betas)
    variances = np.concatenate([_small(path)[:1], path.betas[1:]])
    value: Float = np.log(variances[index - 1])  # (VLB.5)
    return value


def learned_log_variance(fraction: ArrayLike, k: ArrayLike, *, betas: ArrayLike) -> Float:
    """The log variance that a network's output v stands for: between the two, in the logarithm.

        log σ² = ½ (1 + v) log β_k + ½ (1 - v) log β̃_k                                               (VLB.6)

    Parameters
    ----------
    fraction : (\\*batch, d)
        v, -1 for β̃ and 1 for β; not held to that range.
    k : () or (\\*batch,)
        Integers from 1 to N.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    (\\*batch, d)
        Log variances; β̃_1 is (VLB.4)'s.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 15, with v from 0 to 1 there.

    Examples
    --------
    The middle is the geometric mean, not the arithmetic one:

    >>> betas = [0.5, 0.5]
    >>> round(float(np.exp(learned_log_variance([0.0], 2, betas=betas))[0]) ** 2, 12), round(0.5 / 3, 12)
    (0.166666666667, 0.166666666667)
    """
    v = samples(fraction, "fraction")
    low, high = log_variance_range(k, v, betas)
    value: Float = 0.5 * (1 + v) * high + 0.5 * (1 - v) * low  # (VLB.6)
    return value


def log_variance_range(k: ArrayLike, x: Float, betas: ArrayLike) -> tuple[Float, Float]:
    """The two ends that a learned variance moves between.

    Parameters
    ----------
    k : () or (\\*batch,)
        Integers from 1 to N.
    x : (\\*batch, d)
        The samples they belong to.
    betas : (N,)
        β_1, …, β_N; N ≥ 2.

    Returns
    -------
    low, high : () or (\\*batch, 1)
        log β̃_k, clipped as in (VLB.4), and log β_k, ready to multiply `x`.
    """
    index, path = _indices(k, betas)
    step_index(index, path.betas.size, x)
    return lift(np.log(_small(path)[index - 1]), x), lift(np.log(path.betas[index - 1]), x)


def _indices(k: ArrayLike, betas: ArrayLike) -> tuple[Index, DiscreteVP]:
    path = DiscreteVP(betas)
    if path.betas.size < 2:
        raise ValueError("betas has shape (1,); expected at least two levels: the clipped variance is the second one's")
    index = np.asarray(k)
    return step_index(index, path.betas.size, np.empty((*index.shape, 1))), path


def _small(path: DiscreteVP) -> Float:
    """β̃_1 := β̃_2, β̃_2, …, β̃_N."""
    n = path.betas.size
    left = path.sigma(np.arange(n + 1) / n) ** 2  # 1 - ᾱ
    variances = path.betas * left[:-1] / left[1:]  # (VLB.4)
    return np.concatenate([variances[1:2], variances[1:]])


def _coefficients(betas: ArrayLike, k: ArrayLike, x: Float) -> tuple[Float, Float, Float, Float]:
    """β_k, √ᾱ_{k-1}, 1 - ᾱ_{k-1} and 1 - ᾱ_k, ready to multiply `x`."""
    path = DiscreteVP(betas)
    n = path.betas.size
    index = step_index(k, n, x)
    values = path.betas[index - 1], path.alpha((index - 1) / n), path.sigma((index - 1) / n) ** 2, path.sigma(index / n)
    beta, alpha_before, before, sigma = (lift(value, x) for value in values)
    return beta, alpha_before, before, sigma**2
