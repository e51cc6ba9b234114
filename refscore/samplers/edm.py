"""EDM's sampler: noise is added, then the flow in σ is followed down by Heun's method.

On the path α = 1, time is σ, and the flow is dx/dσ = (x - D(x, σ))/σ with the denoiser D = x̂_0. A step goes up first,

    σ̂ = (1 + γ) σ,   x̂ = x + √(σ̂² - σ²) S z                                                            (EDMS.1)

and then down from σ̂ to σ'. The noise added is that of the forward process, so for S = 1 exact states stay exact at σ̂,
and all of the error is that of Heun's method.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, not_negative, number, of_shape, positive, read_only, samples
from refscore.samplers.replay import Sampler, Score

__all__ = ["edm", "edm_euler", "edm_euler_step", "edm_step"]

Denoiser = Callable[[Float, Float], ArrayLike]


def edm_euler_step(
    denoiser: Denoiser,
    x: ArrayLike,
    noise: ArrayLike | None = None,
    *,
    sigma: ArrayLike,
    sigma_next: ArrayLike,
    churn: ArrayLike = 0.0,
    s_noise: float = 1.0,
) -> Float:
    """One step of EDM's sampler without the second-order correction.

        d = (x̂ - D(x̂, σ̂))/σ̂,   x' = x̂ + (σ' - σ̂) d                                                     (EDMS.2)

    Parameters
    ----------
    denoiser : callable
        D(x, σ), the data predicted, from (\\*batch, d) to (\\*batch, d); σ comes in the shape of `sigma`.
    x : (\\*batch, d)
        State at σ.
    noise : (\\*batch, d), optional
        Standard normal z; may be None for γ = 0, which does not use it.
    sigma, sigma_next : () or (\\*batch,)
        σ > 0, where the step starts, and σ' with 0 ≤ σ' < σ, where it ends.
    churn : () or (\\*batch,)
        γ ≥ 0: by what part the noise level is raised first.
    s_noise : float
        S > 0, what multiplies the noise added.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If a level is out of range, the step goes up, `noise` is missing for γ > 0, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with "Euler" with churn of diffusers, which asks the model before the noise is added.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Algorithm 2, lines 4 to 8.

    Examples
    --------
    From a point mass at 3 a step down keeps the noise in proportion: 3 + ½ 2.

    >>> edm_euler_step(lambda x, sigma: 0 * x + 3, [[5.0]], sigma=2, sigma_next=1)
    array([[4.]])
    """
    raised, level, down, slope = _up(denoiser, x, noise, sigma, sigma_next, churn, s_noise)[:4]
    value: Float = raised + (down - level) * slope  # (EDMS.2)
    return value


def edm_step(
    denoiser: Denoiser,
    x: ArrayLike,
    noise: ArrayLike | None = None,
    *,
    sigma: ArrayLike,
    sigma_next: ArrayLike,
    churn: ArrayLike = 0.0,
    s_noise: float = 1.0,
) -> Float:
    """One step of EDM's sampler, noise up, Heun down.

        x̃ = x̂ + (σ' - σ̂) d,   d' = (x̃ - D(x̃, σ'))/σ',   x' = x̂ + (σ' - σ̂) (d + d')/2                     (EDMS.3)

    and x' = x̃ where σ' = 0, since D gives d' = 0/0 there.

    Parameters
    ----------
    denoiser : callable
        D(x, σ), the data predicted, from (\\*batch, d) to (\\*batch, d); σ comes in the shape of `sigma`.
    x : (\\*batch, d)
        State at σ.
    noise : (\\*batch, d), optional
        Standard normal z; may be None for γ = 0, which does not use it.
    sigma, sigma_next : () or (\\*batch,)
        σ > 0, where the step starts, and σ' with 0 ≤ σ' < σ, where it ends.
    churn : () or (\\*batch,)
        γ ≥ 0: by what part the noise level is raised first.
    s_noise : float
        S > 0, what multiplies the noise added.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If a level is out of range, the step goes up, `noise` is missing for γ > 0, or a shape is not that of `x`.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Algorithm 2, lines 4 to 11.

    Examples
    --------
    N(0, 1) data from 2 to 1: slopes 2x/5 at x = 5 and x̃/2 at x̃ = 3, so 5 - (2 + 1.5)/2.

    >>> edm_step(lambda x, sigma: x / (1 + sigma**2), [[5.0]], sigma=2, sigma_next=1)
    array([[3.25]])
    """
    raised, level, down, slope, given = _up(denoiser, x, noise, sigma, sigma_next, churn, s_noise)
    first: Float = raised + (down - level) * slope
    if not (down > 0).any():
        return first
    safe = np.where(down > 0, down, level)  # where σ' = 0 the second slope is not used
    end = np.where(given > 0, given, safe[..., 0]) if safe.ndim else given
    second = (first - of_shape(denoiser(first, end), "denoiser(x, sigma)", first.shape, "x")) / safe
    value: Float = np.where(down > 0, raised + 0.5 * (down - level) * (slope + second), first)  # (EDMS.3)
    return value


def edm(
    sigmas: ArrayLike, *, s_churn: float = 0.0, s_min: float = 0.0, s_max: float = np.inf, s_noise: float = 1.0
) -> Sampler:
    """EDM's sampler as a :class:`Sampler`; the steps are (EDMS.3) with

        γ_i = min(S_churn/N, √2 - 1) where S_min ≤ σ_i ≤ S_max, and 0 elsewhere                         (EDMS.4)

    Parameters
    ----------
    sigmas : (N + 1,)
        Descending levels; the last may be 0.
    s_churn : float
        S_churn ≥ 0; 0 is the deterministic Algorithm 1.
    s_min, s_max : float
        Between which levels noise is added.
    s_noise : float
        S_noise > 0.

    Returns
    -------
    Sampler
        Of N steps with two evaluations each, but one at σ' = 0; it draws one noise vector a step if S_churn > 0. Order
        2, with noise as without.

    Raises
    ------
    ValueError
        If the levels do not descend, or a parameter is out of range.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Algorithm 2.

    Examples
    --------
    >>> import refscore as rs
    >>> edm(rs.schedules.karras(n=18, sigma_min=0.002, sigma_max=80.0), s_churn=40)
    Sampler(edm: 17 steps from (α, σ) = (1, 80) to (1, 0.002), one noise vector a step)
    """
    return _bound("edm", edm_step, sigmas, s_churn, s_min, s_max, s_noise)


def edm_euler(
    sigmas: ArrayLike, *, s_churn: float = 0.0, s_min: float = 0.0, s_max: float = np.inf, s_noise: float = 1.0
) -> Sampler:
    """EDM's sampler without the correction as a :class:`Sampler`; the steps are (EDMS.2) with γ of (EDMS.4).

    Parameters
    ----------
    sigmas : (N + 1,)
        Descending levels; the last may be 0.
    s_churn : float
        S_churn ≥ 0.
    s_min, s_max : float
        Between which levels noise is added.
    s_noise : float
        S_noise > 0.

    Returns
    -------
    Sampler
        Of N steps with one evaluation each; order 1.

    Raises
    ------
    ValueError
        If the levels do not descend, or a parameter is out of range.
    """
    return _bound("edm (euler)", edm_euler_step, sigmas, s_churn, s_min, s_max, s_noise)


def _up(
    denoiser: Denoiser,
    x: ArrayLike,
    noise: ArrayLike | None,
    sigma: ArrayLike,
    sigma_next: ArrayLike,
    churn: ArrayLike,
    s_noise: float,
) -> tuple[Float, Float, Float, Float, Float]:
    """x̂, σ̂ and σ' ready to multiply it, the slope at x̂, and σ' as the denoiser gets it."""
    x = samples(x, "x")
    level, down = positive(sigma, "sigma"), not_negative(sigma_next, "sigma_next")
    gamma = not_negative(churn, "churn")
    for value, name in ((level, "sigma"), (down, "sigma_next"), (gamma, "churn")):
        lift(value, x, name)
    if not (down < level).all():
        raise ValueError(f"sigma_next reaches sigma: {down} from {level}; expected sigma_next < sigma")
    raised, lifted = x, (1 + gamma) * level
    if (gamma > 0).any():
        if noise is None:
            raise ValueError(f"noise is None; expected standard normals of shape {x.shape}, since churn is {gamma}")
        added = lift(level * np.sqrt(gamma * (2 + gamma)), x)
        raised = x + added * number(s_noise, "s_noise", positive) * of_shape(noise, "noise", x.shape, "x")  # (EDMS.1)
    slope = (raised - of_shape(denoiser(raised, lifted), "denoiser(x, sigma)", x.shape, "x")) / lift(lifted, x)
    shape = np.broadcast_shapes(lifted.shape, down.shape)
    given = np.broadcast_to(down, shape)
    return raised, lift(np.broadcast_to(lifted, shape), x), lift(given, x), slope, given


def _bound(
    name: str,
    one: Callable[..., Float],
    sigmas: ArrayLike,
    s_churn: float,
    s_min: float,
    s_max: float,
    s_noise: float,
) -> Sampler:
    level = read_only(sigmas, "sigmas")
    if level.ndim != 1 or len(level) < 2 or not (np.diff(level) < 0).all() or level[-1] < 0:
        raise ValueError(f"sigmas of shape {level.shape} do not descend; expected σ_0 > … > σ_N ≥ 0, N ≥ 1")
    n, rate = len(level) - 1, number(s_churn, "s_churn", not_negative)
    scale, least = number(s_noise, "s_noise", positive), number(s_min, "s_min", not_negative)
    most = np.inf if s_max == np.inf else number(s_max, "s_max", positive)
    inside = (level[:-1] >= least) & (level[:-1] <= most)
    gamma = np.where(inside, min(rate / n, np.sqrt(2) - 1), 0.0)  # (EDMS.4)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        def denoiser(y: Float, sigma: Float) -> Float:
            return y + sigma**2 * score(y, 1.0, float(sigma))

        at = {"sigma": level[k], "sigma_next": level[k + 1], "churn": gamma[k]}
        return one(denoiser, x, noise, **at, s_noise=scale)

    draws = int(rate > 0)
    return Sampler(name, n, draws, float(level[0]), (1.0, float(level[0])), (1.0, float(level[-1])), step)
