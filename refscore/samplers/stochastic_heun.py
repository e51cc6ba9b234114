"""Heun's method on the reverse SDE dx = (f x - g² s) dt + g dw: weak order 2 with one noise vector a step.

    b(x, t) = f(t) x - g(t)² s(x, t),   h = t - s
    x̃ = x - h b(x, t) + g(t) √h z
    x_s = x - (h/2) (b(x, t) + b(x̃, s)) + √((g(t)² + g(s)²)/2) √h z                                    (SHE.1)

The noise does not depend on the state. So Milstein's method is Euler-Maruyama here, whose correction is

    ½ g ∂_x g (Δw² - h) = 0                                                                           (SHE.2)

and second weak order needs no derivative and no second random number, only the second stage and the mean of g².
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, times_of_step
from refscore.samplers.replay import Sampler, Score
from refscore.sde import forward_sde, reverse_drift

__all__ = ["stochastic_heun", "stochastic_heun_step"]

TimeScore = Callable[[Float, Float], ArrayLike]


def stochastic_heun_step(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, noise: ArrayLike, *, path: Path
) -> Float:
    """One step of Heun's method on the reverse SDE, from t down to s.

        x̃ = x - h b(x, t) + g(t) √h z
        x_s = x - (h/2) (b(x, t) + b(x̃, s)) + √((g(t)² + g(s)²)/2) √h z                                (SHE.1)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t; it is asked at t and at s.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    noise : (\\*batch, d)
        Standard normal z, the same in both stages.
    path : Path
        f and g; b = f x - g² s and h = t - s.

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
    Not to be confused with the stochastic sampler of Karras et al. (2022), Algorithm 2, which adds noise first and then
    takes a step of the ODE; nor with the same stages and g(t) in the last noise, which have weak order 1 unless g is
    constant.

    References
    ----------
    Kloeden & Platen (1992), Numerical solution of stochastic differential equations, for weak orders.

    Examples
    --------
    On EDM's path b = -2t s. From t = 2 to 1 at N(0, 1) data: slopes 4x/5 at x = 5 and 2x̃/2 at x̃ = 5 - 4 + √4 · 1 = 3,
    so 5 - (4 + 3)/2 + √((4 + 2)/2) · 1, with √3 = 1.732….

    >>> import refscore as rs
    >>> stochastic_heun_step(lambda x, t: -x / (1 + t**2), [[5.0]], 2.0, 1.0, [[1.0]], path=rs.paths.EDM())
    array([[3.23205081]])
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    t, s, h = times_of_step(t, s, x)
    g_t = lift(forward_sde(x, t, path=path)[1], x, "diffusion")
    g_s = lift(forward_sde(x, s, path=path)[1], x, "diffusion")
    first = reverse_drift(of_shape(score(x, t), "score(x, t)", x.shape, "x"), x, t, path=path)
    guess = x - h * first + g_t * np.sqrt(h) * noise
    second = reverse_drift(of_shape(score(guess, s), "score(x, s)", x.shape, "x"), guess, s, path=path)
    spread = np.sqrt(0.5 * h * (g_t**2 + g_s**2))
    value: Float = x - 0.5 * h * (first + second) + spread * noise  # (SHE.1)
    return value


def stochastic_heun(path: Path, times: ArrayLike) -> Sampler:
    """Heun's method on the reverse SDE of a path as a :class:`Sampler`; the steps are (SHE.1).

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid, where f and g are finite.

    Returns
    -------
    Sampler
        Of n steps, two evaluations and one noise vector each.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.

    Examples
    --------
    >>> import refscore as rs
    >>> stochastic_heun(rs.paths.EDM(), [2.0, 1.0])
    Sampler(stochastic heun: 1 step from (α, σ) = (1, 2) to (1, 1), one noise vector a step)
    """
    grid_t, alpha, sigma = grid(path, times)

    level = {float(t): (float(a), float(s)) for t, a, s in zip(grid_t, alpha, sigma, strict=True)}

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None

        def timed(y: Float, t: Float) -> Float:
            return score(y, *level[float(t)])

        return stochastic_heun_step(timed, x, grid_t[k], grid_t[k + 1], noise, path=path)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("stochastic heun", len(grid_t) - 1, 1, path.prior_scale, start, stop, step)
