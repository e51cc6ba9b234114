"""Learned and optimal variances of ancestral steps: between the small one and the large one, and the best of all.

With β̃ = σ_s² τ and b² = σ_t² τ of ``refscore.samplers.ancestral`` a network may say where between them its variance
lies, on a logarithmic scale,

    log Σ = v log b² + (1 - v) log β̃   ⇔   Σ = τ σ_t^(2v) σ_s^(2(1-v))                                   (LRN.1)

What v aims at is known. Given x_t, the state x_s has (ANC.2) with x_0 in its mean, which x_t does not tell exactly:

    Cov[x_s | x_t] = β̃ I + (τ α_s)² Cov[x_0 | x_t]                                                     (LRN.2)

and E tr Cov[x_0 | x_t] follows from the mean square of the score. So the best variance is a number that needs no
training beside the score, as Analytic-DPM found; on Gaussians it is a closed form, in
``refscore.exact.best_variances``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, of_shape, positive
from refscore.paths import Path
from refscore.samplers.ancestral import ancestral_vp_step, large_variance, small_variance
from refscore.samplers.arguments import grid
from refscore.samplers.replay import Sampler, Score

__all__ = ["analytic_variance", "ancestral_learned", "learned_fraction", "learned_variance"]


def learned_variance(
    fraction: ArrayLike, alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike
) -> Float:
    """The variance that lies between the small and the large one, as improved DDPM learns it.

        Σ = exp(v log b² + (1 - v) log β̃) = τ σ_t^(2v) σ_s^(2(1-v))                                     (LRN.1)

    Parameters
    ----------
    fraction : array_like
        v; 0 is :func:`small_variance` and 1 :func:`large_variance`. It may leave [0, 1].
    alpha_t, sigma_t, alpha_s, sigma_s : array_like
        Scales of signal and noise where the step starts (t) and ends (s); they broadcast with `fraction`.

    Returns
    -------
    ndarray
        Σ, in squared units of x. Where σ_s = 0 it is 0 for v < 1.

    Raises
    ------
    ValueError
        If a level is not positive (σ_s may be 0), or σ_s = 0 meets v > 1.

    Notes
    -----
    Not to be confused with the output of the network, which is 2v - 1. The official code takes log β̃ of step 2 in the
    place of that of step 1, which is -∞; its step 1 draws no noise, so that nothing depends on it. Nor with
    ``fixed_small_log``, which is v = 0.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 15.

    Examples
    --------
    Halfway it is the geometric mean; as a function of the levels it is one of the variances of :func:`ancestral_vp`:

    >>> from functools import partial
    >>> import refscore as rs
    >>> at = (0.6, 0.8, 0.8, 0.6)
    >>> mean = (rs.samplers.small_variance(*at) * rs.samplers.large_variance(*at)) ** 0.5
    >>> bool(abs(learned_variance(0.5, *at) - mean) < 1e-15)
    True
    >>> rs.samplers.ancestral_vp(rs.paths.EDM(), [2.0, 1.0], variance=partial(learned_variance, 0.5)).n_steps
    1
    """
    v, alpha_t, sigma_t = as_float64(fraction, "fraction"), positive(alpha_t, "alpha_t"), positive(sigma_t, "sigma_t")
    alpha_s, sigma_s = positive(alpha_s, "alpha_s"), not_negative(sigma_s, "sigma_s")
    if (bad := (v > 1) & (sigma_s == 0)).any():
        worst = np.broadcast_to(v, bad.shape)[bad].max()
        raise ValueError(f"fraction reaches {worst} where sigma_s is 0; expected fraction <= 1 there")
    large = large_variance(alpha_t, sigma_t, alpha_s, sigma_s)
    value: Float = large * (sigma_s / sigma_t) ** (2 * (1 - v))  # (LRN.1)
    return value


def learned_fraction(
    variance: ArrayLike, alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike
) -> Float:
    """Where a variance lies between the small one and the large one: the inverse of :func:`learned_variance`.

        v = log(Σ/β̃) / log(b²/β̃) = log(Σ/(σ_s² τ)) / (2 log(σ_t/σ_s))                                  (LRN.3)

    Parameters
    ----------
    variance : array_like
        Σ > 0, in squared units of x.
    alpha_t, sigma_t, alpha_s, sigma_s : array_like
        Scales of signal and noise where the step starts (t) and ends (s), with 0 < σ_s < σ_t.

    Returns
    -------
    ndarray
        v.

    Raises
    ------
    ValueError
        If a number is not positive, or σ_s is not below σ_t.

    Examples
    --------
    >>> at = (0.6, 0.8, 0.8, 0.6)
    >>> round(float(learned_fraction(learned_variance(0.3, *at), *at)), 14)
    0.3
    """
    upper, lower = positive(sigma_t, "sigma_t"), positive(sigma_s, "sigma_s")
    if not (lower < upper).all():
        raise ValueError(f"sigma_s reaches {lower.max()} and sigma_t {upper.min()}; expected sigma_s < sigma_t")
    small = small_variance(alpha_t, upper, alpha_s, lower)
    value: Float = np.log(positive(variance, "variance") / small) / (2 * np.log(upper / lower))  # (LRN.3)
    return value


def analytic_variance(
    mean_square_score: ArrayLike, alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike
) -> Float:
    """The best variance of an ancestral step with the exact score, from the mean square of that score.

        Σ* = β̃ + (b²/a)² (1 - σ_t² Γ)/σ_t²,   Γ = E |s(x_t)|²/d,   a = α_t/α_s,   b² = σ_t² τ             (LRN.4)

    Parameters
    ----------
    mean_square_score : array_like
        Γ ≥ 0, the mean over the data's law at t of the square of the score, per dimension; in 1/unit².
    alpha_t, sigma_t, alpha_s, sigma_s : array_like
        Scales of signal and noise where the step starts (t) and ends (s).

    Returns
    -------
    ndarray
        Σ*, in squared units of x, for :func:`ancestral_vp_step`.

    Raises
    ------
    ValueError
        If Γ is negative or above 1/σ_t², which the score of no law reaches.

    Notes
    -----
    It is the mean of (LRN.2) over x_t and the dimensions: best among the variances that see neither. The Γ of a
    network, estimated from samples, may leave the range; Analytic-DPM clips Σ*. Not to be confused with the variance of
    its DDIM, where β̃ is another λ².

    References
    ----------
    Bao et al. (2022), Analytic-DPM, Theorem 1 with λ² = β̃.

    Examples
    --------
    Data that are a point have Γ = 1/σ_t² and the small variance; N(0, 1) data, Γ = 1 for α² + σ² = 1, have the large:

    >>> from refscore.samplers import large_variance, small_variance
    >>> at = (0.6, 0.8, 0.8, 0.6)
    >>> bool(abs(analytic_variance(1 / 0.8**2, *at) - small_variance(*at)) < 1e-15)
    True
    >>> bool(abs(analytic_variance(1.0, *at) - large_variance(*at)) < 1e-15)
    True
    """
    gamma, upper = not_negative(mean_square_score, "mean_square_score"), positive(sigma_t, "sigma_t")
    left = 1 - upper**2 * gamma
    if left.min() < -64 * 2.0**-53:
        raise ValueError(
            f"mean_square_score reaches {(upper**2 * gamma).max():.6g}/sigma_t²; expected at most 1/sigma_t²"
        )
    signal = as_float64(alpha_s, "alpha_s") / positive(alpha_t, "alpha_t")
    step = large_variance(alpha_t, upper, alpha_s, sigma_s) * signal
    small = small_variance(alpha_t, upper, alpha_s, sigma_s)
    value: Float = small + step**2 * np.maximum(left, 0.0) / upper**2  # (LRN.4)
    return value


def ancestral_learned(path: Path, times: ArrayLike, *, fraction: Callable[[Float, float, float], ArrayLike]) -> Sampler:
    """Ancestral sampling with a variance that sees the state, as improved DDPM's network, as a :class:`Sampler`.

        x_s = (x + b² s(x)) / a + √Σ z,   log Σ = v(x, α_t, σ_t) log b² + (1 - v) log β̃                   (LRN.5)

    Parameters
    ----------
    path : Path
        α(t) and σ(t); any path.
    times : (n + 1,)
        Descending time grid.
    fraction : callable
        v(x, α_t, σ_t), from (\\*batch, d) to (\\*batch, d), or to one number.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or v has another shape.

    Notes
    -----
    With v a function of the level alone it is :func:`ancestral_vp` with :func:`learned_variance`, and affine on
    Gaussians. With one of x the law is no Gaussian; on the line ``exact.chapman_kolmogorov.law`` has it.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 15.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> ancestral_learned(rs.paths.EDM(), [2.0, 1.0], fraction=lambda x, alpha, sigma: np.exp(-x**2))
    Sampler(ancestral, learned variance: 1 step from (α, σ) = (1, 2) to (1, 1), one noise vector a step)
    """
    _, alpha, sigma = grid(path, times)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        a_t, s_t, a_s, s_s = float(alpha[k]), float(sigma[k]), float(alpha[k + 1]), float(sigma[k + 1])
        at = {"alpha_t": a_t, "sigma_t": s_t, "alpha_s": a_s, "sigma_s": s_s}
        v = as_float64(fraction(x, a_t, s_t), "fraction(x)")
        v = of_shape(v, "fraction(x)", x.shape, "x") if v.ndim else v
        spread = learned_variance(v, a_t, s_t, a_s, s_s)
        return ancestral_vp_step(lambda y: score(y, a_t, s_t), x, noise, **at, variance=spread)  # (LRN.5)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("ancestral, learned variance", len(alpha) - 1, 1, path.prior_scale, start, stop, step)
