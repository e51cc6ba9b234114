"""What single-step DPM-Solvers share: stages at parts of the step in λ, and the way from a step to a sampler.

s_i = t(λ_t + r_i h),   h = λ_s - λ_t,   λ = log(α/σ)                                                (DPM.1)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, number, of_shape, positive, samples
from refscore.paths import Path
from refscore.samplers.arguments import times_of_step
from refscore.samplers.exponential import Form, hold_form, levels_along
from refscore.samplers.replay import Sampler, Score

__all__ = ["Stage", "TimeScore", "along", "begin", "part"]

TimeScore = Callable[[Float, Float], ArrayLike]
"""s(x, t), the score at the path's time t."""

Stage = Callable[[float], tuple[Float, Float, Callable[[Float], Float]]]
"""stage(r): K and G up to the part r of the step, and the model there."""


def part(r: float, name: str) -> float:
    """Hold a part of a step to 0 < r ≤ 1.

    Parameters
    ----------
    r, name : float, str
        The part, and what it is called in the error.

    Returns
    -------
    float
        r.

    Raises
    ------
    ValueError
        If it is not.
    """
    value = number(r, name, positive)
    if value > 1:
        raise ValueError(f"{name} is {value}; expected 0 < {name} ≤ 1, a part of the step")
    return value


def begin(
    score: TimeScore, x: ArrayLike, t: ArrayLike, s: ArrayLike, path: Path, form: Form
) -> tuple[Float, Stage, Float, Float]:
    """The beginning of a step: x, what a part r of it has for K, G and the model, the model at t, and h.

    Parameters
    ----------
    score : callable
        s(x, t), the score at the path's time t.
    x : (\\*batch, d)
        State at t.
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t, and λ is finite at both.
    path : Path
        α, σ, λ and its inverse.
    form : Form
        ``noise_form`` or ``data_form``.

    Returns
    -------
    x : (\\*batch, d)
        In float64.
    stage : Stage
        ``stage(r)``, at (DPM.1).
    m : (\\*batch, d)
        The prediction at t.
    h : () or (\\*batch, 1)
        The length of the step in λ.

    Raises
    ------
    ValueError
        If the step does not go down, a time is outside the path, or λ is infinite there.
    """
    hold_form(form)
    x = samples(x, "x")
    t, s, _ = times_of_step(t, s, x)
    start = path.log_snr(t)
    h = path.log_snr(s) - start
    if not np.isfinite(h).all():
        raise ValueError("log_snr is infinite at t or s; expected 0 < σ and 0 < α at both ends of the step")
    a_t, s_t = lift(path.alpha(t), x), lift(path.sigma(t), x)

    def at(time: Float) -> Callable[[Float], Float]:
        alpha, sigma = lift(path.alpha(time), x), lift(path.sigma(time), x)
        return lambda y: form.predict(of_shape(score(y, time), "score(x, t)", y.shape, "x"), y, alpha, sigma)

    def stage(r: float) -> tuple[Float, Float, Callable[[Float], Float]]:
        there = s if r == 1 else path.time(start + r * h)  # (DPM.1)
        alpha, sigma = lift(path.alpha(there), x), lift(path.sigma(there), x)
        return form.keep(a_t, s_t, alpha, sigma), form.gain(alpha, sigma), at(there)

    return x, stage, at(t)(x), lift(h, x)


def along(path: Path, times: ArrayLike, name: str, one: Callable[[TimeScore, Float, float, float], Float]) -> Sampler:
    """A single-step method along a path as a :class:`Sampler`.

    Parameters
    ----------
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid, where λ is finite.
    name : str
        What reports call it.
    one : callable
        ``one(score, x, t, s)``, the step.

    Returns
    -------
    Sampler
        Of n steps, no noise.

    Raises
    ------
    ValueError
        If the grid does not descend, leaves the path or meets an infinite λ.
    """
    at = levels_along(path, times)

    def step(score: Score, x: Float, k: int, noise: Float | None) -> Float:  # noqa: ARG001  an ODE draws nothing
        def timed(y: Float, t: Float) -> Float:
            return score(y, float(path.alpha(t)), float(path.sigma(t)))

        return one(timed, x, float(at.times[k]), float(at.times[k + 1]))

    start, stop = (float(at.alpha[0]), float(at.sigma[0])), (float(at.alpha[-1]), float(at.sigma[-1]))
    return Sampler(name, len(at.times) - 1, 0, path.prior_scale, start, stop, step)
