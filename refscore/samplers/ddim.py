"""DDIM: predict the data and the noise, then put them together again at the next level.

    x̂_0 = (x - σ_t ε̂) / α_t                                                                           (DDIM.1)

A share η of the posterior's randomness is drawn anew, the rest of the noise is kept. η = 0 is an ODE solver, in fact
Euler's method for dy/dρ = ε̂ in y = x/α and ρ = σ/α; η = 1 is ancestral sampling with the small variance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number, of_shape, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, levels_of_step
from refscore.samplers.replay import Sampler, Score

__all__ = ["ddim", "ddim_step"]


def ddim_step(
    predict_noise: Callable[[Float], ArrayLike],
    x: ArrayLike,
    noise: ArrayLike | None = None,
    *,
    alpha_t: ArrayLike,
    sigma_t: ArrayLike,
    alpha_s: ArrayLike,
    sigma_s: ArrayLike,
    eta: float = 0.0,
) -> Float:
    """One DDIM step, from (α_t, σ_t) down to (α_s, σ_s).

        x_s = α_s x̂_0 + σ_s √(1 - η² τ) ε̂ + η σ_s √τ z                                                (DDIM.2)
        τ = 1 - (α_t σ_s / (α_s σ_t))²                                                                 (DDIM.3)

    Parameters
    ----------
    predict_noise : callable
        ε̂ at the level t, from (\\*batch, d) to (\\*batch, d); ε̂ = -σ_t s.
    x : (\\*batch, d)
        State at t.
    noise : (\\*batch, d), optional
        Standard normal z; may be None for η = 0, which does not use it.
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step starts (t) and ends (s); σ_s may be 0.
    eta : float
        η ≥ 0 with η² τ ≤ 1: how much of the posterior's standard deviation is drawn anew.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If a level is not positive, the step goes up, η is out of its range, `noise` is missing for η > 0, or a shape is
        not that of `x`.

    Notes
    -----
    Not to be confused with an η that multiplies the variance (azula's): that one is η² here. They agree at 0 and 1
    only.

    References
    ----------
    Song, Meng & Ermon (2021), Denoising diffusion implicit models, eq. 12 with σ of eq. 16.

    Examples
    --------
    From a point mass at 3 plus noise, every step keeps the noise it came with:

    >>> point = lambda x: (x - 0.6 * 3) / 0.8
    >>> ddim_step(point, [[0.6 * 3 + 0.8 * 5]], alpha_t=0.6, sigma_t=0.8, alpha_s=0.8, sigma_s=0.6)  # 0.8·3 + 0.6·5
    array([[5.4]])
    """
    x = samples(x, "x")
    a_t, s_t, a_s, s_s = levels_of_step(x, alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
    eta = number(eta, "eta", not_negative)
    ratio = np.minimum(a_t * s_s / (a_s * s_t), 1.0)
    tau = (1 - ratio) * (1 + ratio)  # (DDIM.3)
    if (eta**2 * tau).max() > 1:
        raise ValueError(f"eta is {eta}; expected η² τ ≤ 1, and τ reaches {tau.max():.6g} in this step")
    eps = of_shape(predict_noise(x), "predict_noise(x)", x.shape, "x")
    data = (x - s_t * eps) / a_t  # (DDIM.1)
    value: Float = a_s * data + s_s * np.sqrt(1 - eta**2 * tau) * eps
    if eta > 0:
        if noise is None:
            raise ValueError(f"noise is None; expected standard normals of shape {x.shape}, since eta is {eta}")
        value = value + eta * s_s * np.sqrt(tau) * of_shape(noise, "noise", x.shape, "x")  # (DDIM.2)
    return value


def ddim(path: Path, times: ArrayLike, *, eta: float = 0.0) -> Sampler:
    """DDIM along a path as a :class:`Sampler`; the steps are (DDIM.2) with

        ε̂ = -σ_t s(x, α_t, σ_t)                                                                       (DDIM.4)

    Parameters
    ----------
    path : Path
        α(t) and σ(t).
    times : (n + 1,)
        Descending time grid.
    eta : float
        η, the share of the posterior's standard deviation that is drawn anew.

    Returns
    -------
    Sampler
        Of n steps; it draws one noise vector a step for η > 0 and none for η = 0.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path, or η is negative.
    """
    _, alpha, sigma = grid(path, times)
    eta = number(eta, "eta", not_negative)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        a_t, s_t, a_s, s_s = float(alpha[k]), float(sigma[k]), float(alpha[k + 1]), float(sigma[k + 1])
        at = {"alpha_t": a_t, "sigma_t": s_t, "alpha_s": a_s, "sigma_s": s_s}
        return ddim_step(lambda y: -s_t * score(y, a_t, s_t), x, noise, **at, eta=eta)  # (DDIM.4)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    name = "ddim" if eta == 0 else f"ddim, η = {eta:g}"
    return Sampler(name, len(alpha) - 1, int(eta > 0), path.prior_scale, start, stop, step)
