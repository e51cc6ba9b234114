"""Adaptive steps on the reverse SDE: Euler-Maruyama within the improved Euler method.

    x' = x - h b(x, t) + √h g(t) z,   x̃ = x - h b(x', s) + √h g(s) z,   x'' = ½ (x' + x̃)                 (ASD.1)

with b = f x - g² s(x, t), h = t - s and one noise vector. x'' has weak order 2: its noise ½ (g(t) + g(s)) √h z has the
variance ∫ g² but for O(h³). Their difference has √h (g(s) - g(t)) z/2 and is of order 3/2 in h where g changes.

"Gotta go fast" draws new noise after a rejection. Which noise is rejected depends on the noise itself, so that the
noise of the accepted steps is not normal. **No tolerance removes that**: without a drift and in one dimension little
more than a third of the variance arrives, in 256 dimensions 99 %. :func:`predictable_sde_step` beside it takes every
step and uses E for the next one only, so that the noise is normal given the past.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, number, of_shape, positive, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, times_of_step
from refscore.samplers.replay import Sampler, Score
from refscore.samplers.step_control import Adaptive, Pair, Rows, attempt
from refscore.sde import forward_sde, reverse_drift

__all__ = ["adaptive_sde_step", "improved_euler", "improved_euler_step", "predictable_sde_step"]

TimeScore = Callable[[Float, Float], ArrayLike]


def improved_euler_step(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, noise: ArrayLike, *, path: Path
) -> tuple[Float, Float]:
    """One step of the improved Euler method on the reverse SDE, with the Euler-Maruyama step inside of it.

        x' = x - h b(x, t) + √h g(t) z,   x'' = ½ (x' + x - h b(x', s) + √h g(s) z)                    (ASD.1)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t; it is asked at t and at s.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t, and h = t - s.
    noise : (\\*batch, d)
        Standard normal z.
    path : Path
        f and g; b = f x - g² s.

    Returns
    -------
    low, high : (\\*batch, d)
        x' and x''.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with :func:`stochastic_heun_step`, whose noise has √((g(t)² + g(s)²)/2) for ½ (g(t) + g(s)): the
    same weak order.

    References
    ----------
    Jolicoeur-Martineau et al. (2021), Gotta go fast when generating data with score-based models, Algorithm 1.

    Examples
    --------
    On EDM's path from 2 to 1 at N(0, 1) data: x' = 5 - 4 + √4 · 1 = 3, and ½ (3 + 5 - 3 + √2).

    >>> import refscore as rs
    >>> low, high = improved_euler_step(
    ...     lambda x, t: -x / (1 + t**2), [[5.0]], 2.0, 1.0, [[1.0]], path=rs.paths.EDM())
    >>> float(low[0, 0]), float(high[0, 0].round(12)), round(2.5 + 0.5 * 2**0.5, 12)
    (3.0, 3.207106781187, 3.207106781187)
    """
    x = samples(x, "x")
    noise = of_shape(noise, "noise", x.shape, "x")
    t, s, h = times_of_step(t, s, x)
    g_t = lift(forward_sde(x, t, path=path)[1], x, "diffusion")
    g_s = lift(forward_sde(x, s, path=path)[1], x, "diffusion")
    first = reverse_drift(of_shape(score(x, t), "score(x, t)", x.shape, "x"), x, t, path=path)
    low: Float = x - h * first + np.sqrt(h) * g_t * noise
    second = reverse_drift(of_shape(score(low, s), "score(x, s)", x.shape, "x"), low, s, path=path)
    high: Float = 0.5 * (low + x - h * second + np.sqrt(h) * g_s * noise)  # (ASD.1)
    return low, high


def improved_euler(path: Path, times: ArrayLike) -> Sampler:
    """The improved Euler method on the reverse SDE, on a grid, as a :class:`Sampler`; the steps are x'' of (ASD.1).

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
    >>> improved_euler(rs.paths.EDM(), [2.0, 1.0])
    Sampler(improved euler (sde): 1 step from (α, σ) = (1, 2) to (1, 1), one noise vector a step)
    """
    t, alpha, sigma = grid(path, times)
    level = {float(at): (float(a), float(s)) for at, a, s in zip(t, alpha, sigma, strict=True)}

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:
        assert noise is not None

        def timed(y: Float, at: Float) -> Float:
            return score(y, *level[float(at)])

        return improved_euler_step(timed, x, t[k], t[k + 1], noise, path=path)[1]

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler("improved euler (sde)", len(t) - 1, 1, path.prior_scale, start, stop, step)


def adaptive_sde_step(
    score: TimeScore,
    state: Adaptive,
    noise: ArrayLike,
    *,
    path: Path,
    t_stop: float,
    rtol: float = 0.01,
    atol: float = 2 / 256,
    safety: float = 0.9,
    exponent: float = 0.9,
) -> Adaptive:
    """One attempt of the adaptive solver of "Gotta go fast".

        s = max(t - h, t_stop);   x, x'_prev, t ← x'', x', s  if  E ≤ 1;   h ← θ (t - s) E^(-r)          (ASD.2)

    Parameters
    ----------
    score : callable
        s(x, t), from (m, d) and (m,) to (m, d): it is asked for the samples that still run.
    state : Adaptive
        Before; h is in the path's time. The first is that of :func:`adaptive_start`, in the paper with h = 0.01.
    noise : (\\*batch, d)
        Standard normal z of this attempt.
    path : Path
        f and g.
    t_stop : float
        Where the run ends, met exactly.
    rtol, atol : float
        ε_rel and ε_abs of (STC.1). The default of `atol` is a grey value of data in [-1, 1].
    safety, exponent : float
        θ and r of (STC.2).

    Returns
    -------
    Adaptive
        After. Where t is as before, the step was rejected, or the sample had arrived.

    Raises
    ------
    ValueError
        If a time is outside the path, or a shape is another.

    Notes
    -----
    A pure function: with the same noise it accepts and rejects the same. Each attempt needs noise of its own, as the
    paper has it, and the accepted noise is then not normal at any tolerance, see the top of this module.

    References
    ----------
    Jolicoeur-Martineau et al. (2021), Gotta go fast when generating data with score-based models, Algorithm 1.

    Examples
    --------
    A whole run, two samples with steps of their own:

    >>> import refscore as rs
    >>> path, tape = rs.paths.EDM(), rs.noise.tape(1, 400, 2, 1)
    >>> def step(state, z):
    ...     return adaptive_sde_step(lambda x, t: -x / (1 + t[:, None] ** 2), state, z, path=path, t_stop=0.1)
    >>> start = rs.samplers.adaptive_start([[3.0], [-9.0]], t=10.0, h=0.01)
    >>> states = rs.samplers.adaptive_run(step, start, t_stop=0.1, noise=tape)
    >>> states[-1].t
    array([0.1, 0.1])
    """
    pair = _pair(score, state, noise, path, t_stop)
    return attempt(state, pair, t_stop=t_stop, rtol=rtol, atol=atol, safety=safety, exponent=exponent)  # (ASD.2)


def predictable_sde_step(
    score: TimeScore,
    state: Adaptive,
    noise: ArrayLike,
    *,
    path: Path,
    t_stop: float,
    rtol: float = 0.01,
    atol: float = 2 / 256,
    safety: float = 0.9,
    exponent: float = 0.9,
    growth: float = 2.0,
) -> Adaptive:
    """One step of the same pair without rejection: its length was settled before its noise was drawn.

        s = max(t - h, t_stop);   x, x'_prev, t ← x'', x', s;   h ← (t - s) min(θ E^(-r), growth)           (ASD.3)

    Parameters
    ----------
    score : callable
        s(x, t), from (m, d) and (m,) to (m, d): it is asked for the samples that still run.
    state : Adaptive
        Before; h is in the path's time.
    noise : (\\*batch, d)
        Standard normal z of this step.
    path : Path
        f and g.
    t_stop : float
        Where the run ends, met exactly.
    rtol, atol : float
        ε_rel and ε_abs of (STC.1).
    safety, exponent : float
        θ and r of (STC.2).
    growth : float
        By what a step may be longer than the one before: with no rejection, the only guard against a small E by chance.

    Returns
    -------
    Adaptive
        After.

    Raises
    ------
    ValueError
        If a time is outside the path, a shape is another, or `growth` is not positive.

    Notes
    -----
    Given the past h is a number and z is normal, so that a step has the law of the fixed method on it, and the run
    converges as the tolerance does. Nobody's published method: the correction of :func:`adaptive_sde_step`.

    Examples
    --------
    Without a drift the noise adds up to ∫ g² = 2² - 1², by which the square of the tape's sum is known:

    >>> import numpy as np
    >>> import refscore as rs
    >>> path, state = rs.paths.EDM(), rs.samplers.adaptive_start(np.zeros((4000, 1)), t=2.0, h=0.01)
    >>> def step(state, z):
    ...     return predictable_sde_step(lambda x, t: 0 * x, state, z, path=path, t_stop=1.0, rtol=0.0, atol=0.01)
    >>> end = rs.samplers.adaptive_run(step, state, t_stop=1.0, noise=rs.noise.tape(5, 80, 4000, 1))[-1]
    >>> bool(abs((end.x**2).mean() / 3 - 1) < 4 * (2 / 4000) ** 0.5)  # four standard errors
    True
    """
    most, pair = number(growth, "growth", positive), _pair(score, state, noise, path, t_stop)
    options = {"t_stop": t_stop, "rtol": rtol, "atol": atol, "safety": safety, "exponent": exponent}
    after = attempt(state, pair, **options, limit=np.inf)
    length = state.t - after.t
    return after._replace(h=np.where(length > 0, np.minimum(after.h, most * length), after.h))  # (ASD.3)


def _pair(score: TimeScore, state: Adaptive, noise: ArrayLike, path: Path, t_stop: float) -> Pair:
    x = samples(state.x, "state.x")
    z = of_shape(noise, "noise", x.shape, "state.x").reshape(-1, x.shape[-1])
    last = number(t_stop, "t_stop")

    def pair(x: Float, t: Float, h: Float, rows: Rows) -> tuple[Float, Float, Float, Float]:
        s = np.where(h >= t - last, last, t - h)
        low, high = improved_euler_step(score, x, t, s, z[rows], path=path)
        return low, high, s, t - s

    return pair
