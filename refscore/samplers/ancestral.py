"""Ancestral sampling: the posterior of one step back, with the predicted data in the place of the data.

Between two levels the forward process is x_t = a x_s + b ε, and Bayes' rule for x_s given x_t and x_0 is Gaussian:

    a = α_t / α_s,   b² = σ_t² - a² σ_s² = σ_t² τ,   τ = 1 - (α_t σ_s / (α_s σ_t))²                    (ANC.1)

    E[x_s | x_t, x_0] = (a σ_s² x_t + b² α_s x_0) / σ_t²,   Var[x_s | x_t, x_0] = b² σ_s² / σ_t²       (ANC.2)

With Tweedie's x̂_0 = (x_t + σ_t² s)/α_t the mean becomes one line, (ANC.3). The variance of x_s given x_t alone is
larger by what x_t does not tell of x_0. Two choices frame it: σ_s² τ is right for data that are a point, b² for N(0,
I) data under α² + σ² = 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, not_negative, of_shape, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, levels_of_step
from refscore.samplers.replay import Sampler, Score

__all__ = ["ancestral_ve", "ancestral_ve_step", "ancestral_vp", "ancestral_vp_step", "large_variance", "small_variance"]


def small_variance(alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike) -> Float:
    """The variance of x_s given x_t and x_0: DDPM's β̃, "small".

        β̃ = σ_s² τ,   τ = 1 - (α_t σ_s / (α_s σ_t))²                                                  (ANC.4)

    Parameters
    ----------
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step starts (t) and ends (s).

    Returns
    -------
    () or (\\*batch,)
        β̃, in squared units of x; 0 where σ_s = 0.

    References
    ----------
    Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, eq. 7.

    Examples
    --------
    The second step of DDPM's linear schedule: β̃/β = 0.4547.

    >>> import numpy as np
    >>> betas = np.linspace(1e-4, 0.02, 1000)[:2]
    >>> alpha = np.sqrt(np.cumprod(1 - betas))
    >>> sigma = np.sqrt(1 - alpha**2)
    >>> round(float(small_variance(alpha[1], sigma[1], alpha[0], sigma[0]) / betas[1]), 4)
    0.4547
    """
    ratio, sigma_s = _ratio(alpha_t, sigma_t, alpha_s, sigma_s), as_float64(sigma_s, "sigma_s")
    value: Float = sigma_s**2 * (1 - ratio) * (1 + ratio)  # (ANC.4)
    return value


def large_variance(alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike) -> Float:
    """The variance of the forward step from s to t: DDPM's β, "large".

        b² = σ_t² τ,   τ = 1 - (α_t σ_s / (α_s σ_t))²                                                 (ANC.5)

    Parameters
    ----------
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step starts (t) and ends (s).

    Returns
    -------
    () or (\\*batch,)
        b², in squared units of x; for α² + σ² = 1 it is β = 1 - (α_t/α_s)².

    References
    ----------
    Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, section 3.2.

    Examples
    --------
    >>> round(float(large_variance(0.6, 0.8, 0.8, 0.6)), 12) == round(1 - (0.6 / 0.8) ** 2, 12)
    True
    """
    ratio, sigma_t = _ratio(alpha_t, sigma_t, alpha_s, sigma_s), as_float64(sigma_t, "sigma_t")
    value: Float = sigma_t**2 * (1 - ratio) * (1 + ratio)  # (ANC.5)
    return value


def ancestral_vp_step(
    score: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike,
    *,
    alpha_t: ArrayLike,
    sigma_t: ArrayLike,
    alpha_s: ArrayLike,
    sigma_s: ArrayLike,
    variance: ArrayLike,
) -> Float:
    """One ancestral (DDPM) step, from (α_t, σ_t) down to (α_s, σ_s).

        x_s = (x + b² s(x)) / a + √v z,   a = α_t / α_s,   b² = σ_t² τ                                  (ANC.3)

    Parameters
    ----------
    score : callable
        s at the level t, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State at t, and standard normal z.
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step starts (t) and ends (s); any path, σ_s may be 0.
    variance : (), (\\*batch,) or (\\*batch, d)
        v ≥ 0, in squared units of x: :func:`small_variance` or :func:`large_variance` of the four levels,
        :func:`learned_variance`, :func:`analytic_variance`, or one's own; one for all, for each sample or each number.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If a level is not positive, the step goes up, `variance` is negative, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with score_sde's "ancestral sampling", (x + β s)/√(1 - β) + √β z: the same mean, always with the
    large variance, and noise also in the last step. Nor with reverse diffusion, whose factor of x is 2 - a and not 1/a.

    References
    ----------
    Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, Algorithm 2.

    Examples
    --------
    In DDPM's own letters, with ε̂ = -σ_t s: (x - β/√(1-ᾱ) ε̂)/√(1-β).

    >>> import numpy as np
    >>> step = dict(alpha_t=0.6, sigma_t=0.8, alpha_s=0.8, sigma_s=0.6, variance=0.0)
    >>> new = ancestral_vp_step(lambda x: -x, np.array([[2.0]]), np.zeros((1, 1)), **step)
    >>> beta = 1 - 0.36 / 0.64
    >>> bool(abs(new[0, 0] - (2 - beta / 0.8 * (0.8 * 2)) / np.sqrt(1 - beta)) < 1e-15)
    True
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    a_t, s_t, a_s, s_s = levels_of_step(x, alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
    v = not_negative(variance, "variance")
    v = v if v.shape == x.shape else lift(v, x, "variance")
    b2 = large_variance(a_t, s_t, a_s, s_s)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    value: Float = (x + b2 * s) * (a_s / a_t) + np.sqrt(v) * noise  # (ANC.3)
    return value


def ancestral_ve_step(
    score: Callable[[Float], ArrayLike], x: ArrayLike, noise: ArrayLike, *, sigma_t: ArrayLike, sigma_s: ArrayLike
) -> Float:
    """One ancestral (SMLD) step, from the noise level σ_t down to σ_s, with α = 1.

        x_s = x + (σ_t² - σ_s²) s(x) + (σ_s/σ_t) √(σ_t² - σ_s²) z                                      (ANC.6)

    Parameters
    ----------
    score : callable
        s at the level σ_t, from (\\*batch, d) to (\\*batch, d).
    x, noise : (\\*batch, d)
        State at σ_t, and standard normal z.
    sigma_t, sigma_s : () or (\\*batch,)
        Noise levels where the step starts and ends; σ_t > 0, and σ_s may be 0.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If a level is not positive, the step goes up, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with reverse diffusion, which has this mean and the standard deviation √(σ_t² - σ_s²).

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, eq. 47.

    Examples
    --------
    From a point mass at 3 plus noise, the step to σ_s = 0 finds the point:

    >>> ancestral_ve_step(lambda x: -(x - 3) / 4, [[9.0]], [[5.0]], sigma_t=2, sigma_s=0)
    array([[3.]])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    _, s_t, _, s_s = levels_of_step(x, alpha_t=1.0, sigma_t=sigma_t, alpha_s=1.0, sigma_s=sigma_s)
    gap = (s_t - s_s) * (s_t + s_s)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    value: Float = x + gap * s + s_s / s_t * np.sqrt(gap) * noise  # (ANC.6)
    return value


def ancestral_vp(
    path: Path, times: ArrayLike, *, variance: Callable[[float, float, float, float], ArrayLike] = small_variance
) -> Sampler:
    """Ancestral (DDPM) sampling along a path as a :class:`Sampler`; the steps are (ANC.3).

    Parameters
    ----------
    path : Path
        α(t) and σ(t); any path.
    times : (n + 1,)
        Descending time grid.
    variance : callable
        :func:`small_variance`, :func:`large_variance`, or another function of (α_t, σ_t, α_s, σ_s), to one number or to
        (d,): ``partial(learned_variance, 0.5)``, ``exact.best_variances.best_variance(target)``.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.
    """
    _, alpha, sigma = grid(path, times)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        a_t, s_t, a_s, s_s = float(alpha[k]), float(sigma[k]), float(alpha[k + 1]), float(sigma[k + 1])
        v = as_float64(variance(a_t, s_t, a_s, s_s), "variance")
        v = np.broadcast_to(of_shape(v, "variance", x.shape[-1:], "one sample"), x.shape) if v.ndim else v
        at = {"alpha_t": a_t, "sigma_t": s_t, "alpha_s": a_s, "sigma_s": s_s}
        return ancestral_vp_step(lambda y: score(y, a_t, s_t), x, noise, **at, variance=v)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("ancestral (VP)", len(alpha) - 1, 1, path.prior_scale, start, stop, step)


def ancestral_ve(path: Path, times: ArrayLike) -> Sampler:
    """Ancestral (SMLD) sampling along a path with α = 1 as a :class:`Sampler`; the steps are (ANC.6).

    Parameters
    ----------
    path : Path
        σ(t), with α(t) = 1: VE or EDM.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or α is not 1 on it.
    """
    _, alpha, sigma = grid(path, times)
    if not (alpha == 1).all():
        raise ValueError(f"path.alpha reaches {alpha.min():.6g} on times; expected 1 everywhere: use ancestral_vp")

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None
        s_t, s_s = float(sigma[k]), float(sigma[k + 1])
        return ancestral_ve_step(lambda y: score(y, 1.0, s_t), x, noise, sigma_t=s_t, sigma_s=s_s)

    start, stop = (1.0, float(sigma[0])), (1.0, float(sigma[-1]))
    return Sampler("ancestral (VE)", len(sigma) - 1, 1, path.prior_scale, start, stop, step)


def _ratio(alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike) -> Float:
    """α_t σ_s / (α_s σ_t), at most 1; τ = (1 - ratio)(1 + ratio) keeps its digits in short steps."""
    below = as_float64(alpha_t, "alpha_t") * as_float64(sigma_s, "sigma_s")
    above = as_float64(alpha_s, "alpha_s") * as_float64(sigma_t, "sigma_t")
    return np.minimum(below / above, 1.0)
