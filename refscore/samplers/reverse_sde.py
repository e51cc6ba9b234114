"""Two discretisations of the reverse SDE dx = (f x - g² s) dt + g dw, run from t down to s.

Euler-Maruyama freezes the coefficients over the step,

    x_s = x - h (f(t) x - g(t)² s(x, t)) + g(t) √h z,   h = t - s                                      (EM.1)

Reverse diffusion takes the forward step itself, x_t = a x_s + b ε, in the place of the frozen coefficients:

    x_s = (2 - a) x + b² s(x, t) + b z,   a = α_t / α_s,   b² = σ_t² - a² σ_s²                          (RD.1)

Both have weak order 1. On a path with α = 1 the second telescopes to a closed form (``refscore.exact.recursions``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, samples
from refscore.paths import Path
from refscore.samplers.ancestral import large_variance
from refscore.samplers.arguments import grid, times_of_step
from refscore.samplers.replay import Sampler, Score
from refscore.sde import forward_sde, reverse_drift

__all__ = ["euler_maruyama", "euler_maruyama_step", "reverse_diffusion", "reverse_diffusion_step"]

TimeScore = Callable[[Float, Float], ArrayLike]


def euler_maruyama_step(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, noise: ArrayLike, *, path: Path
) -> Float:
    """One Euler-Maruyama step of the reverse SDE, from t down to s.

        x_s = x - h (f(t) x - g(t)² s(x, t)) + g(t) √h z,   h = t - s                                  (EM.1)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    noise : (\\*batch, d)
        Standard normal z.
    path : Path
        f and g.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, t is outside the path, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with score_sde's ``EulerMaruyamaPredictor``, which is this step with h = 1/N on a grid of
    spacing (1 - ε)/(N - 1): its last step goes past the end of the grid. Only h = t - s enters here, so that, too,
    can be written.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, eq. 6 and appendix E.

    Examples
    --------
    On EDM's path f = 0 and g² = 2t. From t = 2 to 1 at N(0, 1) data, s = -x/5: x - 1 · 4 · x/5 + √4 z.

    >>> import refscore as rs
    >>> euler_maruyama_step(lambda x, t: -x / 5, [[5.0]], 2.0, 1.0, [[1.0]], path=rs.paths.EDM())
    array([[3.]])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    t, s, h = times_of_step(t, s, x)
    drift = reverse_drift(of_shape(score(x, t), "score(x, t)", x.shape, "x"), x, t, path=path)
    g = lift(forward_sde(x, t, path=path)[1], x, "diffusion")
    value: Float = x - h * drift + g * np.sqrt(h) * noise  # (EM.1)
    return value


def reverse_diffusion_step(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, noise: ArrayLike, *, path: Path
) -> Float:
    """One reverse diffusion step, from t down to s.

        x_s = (2 - a) x + b² s(x, t) + b z,   a = α_t / α_s,   b² = σ_t² - a² σ_s²                      (RD.1)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    noise : (\\*batch, d)
        Standard normal z.
    path : Path
        α and σ.

    Returns
    -------
    (\\*batch, d)
        x_s.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, or a shape is not that of `x`.

    Notes
    -----
    For VE it is x + (σ_t² - σ_s²) s + √(σ_t² - σ_s²) z, for VP (2 - √(1-β)) x + β s + √β z. Not to be confused with
    ancestral sampling: for VE the same mean with less noise, for VP the factor 1/√(1-β) on x + β s.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, eqs. 43 to 46.

    Examples
    --------
    On EDM's path, from 2 to 1, at N(0, 1) data: x - 3 x/5 + √3 z.

    >>> import refscore as rs
    >>> reverse_diffusion_step(lambda x, t: -x / 5, [[5.0]], 2.0, 1.0, [[0.0]], path=rs.paths.EDM())
    array([[2.]])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    t, s, _ = times_of_step(t, s, x)
    a = lift(path.alpha(t) / path.alpha(s), x)
    b2 = lift(large_variance(path.alpha(t), path.sigma(t), path.alpha(s), path.sigma(s)), x)
    value: Float = (2 - a) * x + b2 * of_shape(score(x, t), "score(x, t)", x.shape, "x") + np.sqrt(b2) * noise  # (RD.1)
    return value


def euler_maruyama(path: Path, times: ArrayLike) -> Sampler:
    """Euler-Maruyama on the reverse SDE of a path as a :class:`Sampler`; the steps are (EM.1).

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.
    """
    return _along(path, times, "euler-maruyama", euler_maruyama_step)


def reverse_diffusion(path: Path, times: ArrayLike) -> Sampler:
    """Reverse diffusion along a path as a :class:`Sampler`; the steps are (RD.1).

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Sampler
        Of n steps, one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.
    """
    return _along(path, times, "reverse diffusion", reverse_diffusion_step)


def _along(path: Path, times: ArrayLike, name: str, one: Callable[..., Float]) -> Sampler:
    grid_t, alpha, sigma = grid(path, times)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        a_t, s_t = float(alpha[k]), float(sigma[k])
        return one(lambda y, t: score(y, a_t, s_t), x, grid_t[k], grid_t[k + 1], noise, path=path)  # noqa: ARG005

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler(name, len(grid_t) - 1, 1, path.prior_scale, start, stop, step)
