"""Euler and Heun on the probability-flow ODE, which has the marginals of the SDE and no noise.

    u(x, t) = f(t) x - ½ g(t)² s(x, t)                                                                 (ODE.1)

Euler has order 1; Heun, two evaluations a step, order 2. Its second stage stands at the *end* of the step, in time
and in state: evaluated at the first level it loses the order and shows no other sign.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.paths import Path
from refscore.samplers.arguments import grid, times_of_step
from refscore.samplers.replay import Sampler, Score
from refscore.sde import flow_drift

__all__ = ["euler_ode", "euler_ode_step", "heun_ode", "heun_ode_step"]

TimeScore = Callable[[Float, Float], ArrayLike]


def euler_ode_step(score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, *, path: Path) -> Float:
    """One Euler step of the probability-flow ODE, from t down to s.

        x_s = x - h u(x, t),   u = f x - ½ g² s,   h = t - s                                            (ODE.2)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
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
    Not to be confused with DDIM, which is Euler's method in σ/α and not in t. They agree where α = 1 and σ = t (EDM).

    References
    ----------
    Song et al. (2021), Score-based generative modeling through stochastic differential equations, eq. 13.

    Examples
    --------
    On EDM's path u = -t s. From t = 2 to 1 at N(0, 1) data, s = -x/5: x - 2x/5.

    >>> import refscore as rs
    >>> euler_ode_step(lambda x, t: -x / 5, [[5.0]], 2.0, 1.0, path=rs.paths.EDM())
    array([[3.]])
    """
    x = samples(x, "x")
    t, s, h = times_of_step(t, s, x)
    value: Float = x - h * _velocity(score, x, t, path)  # (ODE.2)
    return value


def heun_ode_step(score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, *, path: Path) -> Float:
    """One step of Heun's second-order method on the probability-flow ODE, from t down to s.

        x̃ = x - h u(x, t),   x_s = x - (h/2) (u(x, t) + u(x̃, s)),   h = t - s                          (ODE.3)

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t; it is asked at t and at s.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    path : Path
        f and g.

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
    Also called the explicit trapezoidal rule. Not to be confused with Karras et al. (2022), Algorithm 1, which takes
    an Euler step where σ(s) = 0, since a denoiser gives 0/0 there. The score of a density is finite, so nothing is
    special.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Algorithm 1 lines 4 to 8.

    Examples
    --------
    On EDM's path from t = 2 to 1, N(0, 1) data: slopes 2x/5 at x = 5 and x̃/2 at x̃ = 3, so 5 - (2 + 1.5)/2.

    >>> import refscore as rs
    >>> heun_ode_step(lambda x, t: -x / (1 + t**2), [[5.0]], 2.0, 1.0, path=rs.paths.EDM())
    array([[3.25]])
    """
    x = samples(x, "x")
    t, s, h = times_of_step(t, s, x)
    first = _velocity(score, x, t, path)
    second = _velocity(score, x - h * first, s, path)
    value: Float = x - 0.5 * h * (first + second)  # (ODE.3)
    return value


def euler_ode(path: Path, times: ArrayLike) -> Sampler:
    """Euler's method on the probability-flow ODE of a path as a :class:`Sampler`; the steps are (ODE.2).

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Sampler
        Of n steps, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.
    """
    return _along(path, times, "euler (ode)", euler_ode_step)


def heun_ode(path: Path, times: ArrayLike) -> Sampler:
    """Heun's method on the probability-flow ODE of a path as a :class:`Sampler`; the steps are (ODE.3).

    Parameters
    ----------
    path : Path
        The forward process.
    times : (n + 1,)
        Descending time grid.

    Returns
    -------
    Sampler
        Of n steps with two evaluations each, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend or leaves the path.
    """
    return _along(path, times, "heun (ode)", heun_ode_step)


def _velocity(score: TimeScore, x: Float, t: Float, path: Path) -> Float:
    return flow_drift(of_shape(score(x, t), "score(x, t)", x.shape, "x"), x, t, path=path)  # (ODE.1)


def _along(path: Path, times: ArrayLike, name: str, one: Callable[..., Float]) -> Sampler:
    grid_t, alpha, sigma = grid(path, times)
    level = {float(t): (float(a), float(s)) for t, a, s in zip(grid_t, alpha, sigma, strict=True)}

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  an ODE draws nothing
        return one(lambda y, t: score(y, *level[float(t)]), x, grid_t[k], grid_t[k + 1], path=path)

    start, stop = (float(alpha[0]), float(sigma[0])), (float(alpha[-1]), float(sigma[-1]))
    return Sampler(name, len(grid_t) - 1, 0, path.prior_scale, start, stop, step)
