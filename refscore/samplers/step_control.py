"""Adaptive steps: two solutions of one step, their difference against a tolerance, and what step to try next.

A step of length h is tried with a cheap method, x', and a better one, x''. Their difference is

    E = (1/√d) |(x'' - x')/δ|,   δ = max(ε_abs, ε_rel max(|x'|, |x'_prev|))                            (STC.1)

coordinate by coordinate, where x'_prev is the cheap solution of the step before.

The step is accepted if E ≤ 1: the state is x'' then, and the error held is that of the cheap method. Either way

    h ← θ h E^(-r)                                                                                    (STC.2)

so that E settles at θ^(1/r); with r = 1/q, where q is the order of x'' - x' in h, at once. Everything a run needs is
in its state: x, x'_prev, t and h of each sample. An attempt is a pure function of it, every sample has its own t and h,
and one that has arrived stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, integer, lift, not_negative, number, of_shape, positive, samples

__all__ = ["Adaptive", "Rows", "adaptive_run", "adaptive_start", "attempt", "scaled_error"]


class Adaptive(NamedTuple):
    """The state of an adaptive run.

    Parameters
    ----------
    x : (\\*batch, d)
        State.
    previous : (\\*batch, d)
        x'_prev, the cheap solution of the last accepted step; x at first.
    t : (\\*batch,)
        Time that was reached.
    h : (\\*batch,)
        What step is tried next, in the clock of the method.
    """

    x: Float
    previous: Float
    t: Float
    h: Float


Rows = NDArray[np.intp]
"""Places of samples in the flattened batch."""

Pair = Callable[[Float, Float, Float, Rows], tuple[Float, Float, Float, Float]]
"""pair(x, t, h, rows): low, high, where the step ends, and its length, of the rows that still run."""


def adaptive_start(x: ArrayLike, *, t: ArrayLike, h: ArrayLike) -> Adaptive:
    """The state of an adaptive run before its first attempt.

    Parameters
    ----------
    x : (\\*batch, d)
        First state.
    t : () or (\\*batch,)
        Its time.
    h : () or (\\*batch,)
        h > 0, the first step that is tried.

    Returns
    -------
    Adaptive
        With x'_prev = x.

    Raises
    ------
    ValueError
        If h is not positive, or a shape is not that of the batch.

    Examples
    --------
    >>> adaptive_start([[1.0], [2.0]], t=1.0, h=0.01).t
    array([1., 1.])
    """
    x = samples(x, "x")
    batch = x.shape[:-1]
    lift(t, x, "t", as_float64)
    lift(h, x, "h", positive)
    time, step = (np.array(np.broadcast_to(as_float64(v, name), batch)) for v, name in ((t, "t"), (h, "h")))
    return Adaptive(x, x, time, step)


def scaled_error(low: ArrayLike, high: ArrayLike, previous: ArrayLike, *, rtol: float, atol: float) -> Float:
    """The difference of two solutions in units of the tolerance, a root mean square over the coordinates.

        E = (1/√d) |(x'' - x')/δ|,   δ = max(ε_abs, ε_rel max(|x'|, |x'_prev|))                        (STC.1)

    Parameters
    ----------
    low, high, previous : (\\*batch, d)
        x', x'' and x'_prev.
    rtol, atol : float
        ε_rel ≥ 0 and ε_abs > 0.

    Returns
    -------
    (\\*batch,)
        E.

    Notes
    -----
    Not to be confused with the largest coordinate, which the paper also tries: one pixel would hold up all. The
    released DPM-Solver takes the largest E of the batch for all samples; here every sample has its own.

    References
    ----------
    Jolicoeur-Martineau et al. (2021), Gotta go fast when generating data with score-based models, Algorithm 1.

    Examples
    --------
    Tolerances 0.5 and 1 where the differences are 0.5 and 2: √((1 + 4)/2).

    >>> float(scaled_error([[1.0, 10.0]], [[1.5, 12.0]], [[2.0, 3.0]], rtol=0.1, atol=0.5)[0])
    1.5811388300841898
    """
    low = samples(low, "low")
    high, previous = of_shape(high, "high", low.shape, "low"), of_shape(previous, "previous", low.shape, "low")
    relative, least = number(rtol, "rtol", not_negative), number(atol, "atol", positive)
    delta = np.maximum(least, relative * np.maximum(np.abs(low), np.abs(previous)))
    value: Float = np.sqrt((((high - low) / delta) ** 2).mean(-1))  # (STC.1)
    return value


def attempt(
    state: Adaptive,
    pair: Pair,
    *,
    t_stop: float,
    rtol: float,
    atol: float,
    safety: float,
    exponent: float,
    limit: float = 1.0,
) -> Adaptive:
    """One attempt of an adaptive method: accepted or not for each sample, and the next step.

        x, x'_prev, t ← x'', x', s  if  E ≤ 1;   h ← θ h E^(-r)                                        (STC.2)

    Parameters
    ----------
    state : Adaptive
        Before.
    pair : callable
        ``pair(x, t, h, rows)`` of the samples (m, d) that still run, with their times and steps (m,) and their places
        in the flattened batch: both solutions, where the step ends (m,), and how long it is (m,).
    t_stop : float
        Where a sample has arrived.
    rtol, atol : float
        ε_rel ≥ 0 and ε_abs > 0.
    safety, exponent : float
        θ > 0 and r > 0.
    limit : float
        The largest E that is accepted, in place of 1; with ``inf`` every step is.

    Returns
    -------
    Adaptive
        After.

    Raises
    ------
    ValueError
        If a shape of the state is off, or a number is out of its range.

    Notes
    -----
    The paper cuts h to what is left of the way; here `pair` does, so that the state keeps what the control asked for.
    """
    x = samples(state.x, "state.x")
    before = of_shape(state.previous, "state.previous", x.shape, "state.x")
    batch, d = x.shape[:-1], x.shape[-1]
    t, h = (of_shape(v, f"state.{n}", batch, "the batch").ravel().copy() for v, n in ((state.t, "t"), (state.h, "h")))
    theta, r = number(safety, "safety", positive), number(exponent, "exponent", positive)
    x, before = x.reshape(-1, d).copy(), before.reshape(-1, d).copy()
    rows = np.flatnonzero(t > number(t_stop, "t_stop"))
    if rows.size:
        low, high, stop, length = pair(x[rows], t[rows], positive(h[rows], "state.h"), rows)
        error = scaled_error(low, high, before[rows], rtol=rtol, atol=atol)
        good = error <= limit
        x[rows[good]], before[rows[good]], t[rows[good]] = high[good], low[good], stop[good]
        h[rows] = theta * length * np.maximum(error, 1e-100) ** -r  # (STC.2)
    return Adaptive(x.reshape(*batch, d), before.reshape(*batch, d), t.reshape(batch), h.reshape(batch))


def adaptive_run(
    step: Callable[[Adaptive, Float | None], Adaptive],
    state: Adaptive,
    *,
    t_stop: float,
    noise: ArrayLike | None = None,
    attempts: int = 10_000,
) -> list[Adaptive]:
    """All attempts of an adaptive run, until every sample has arrived: ``replay`` for a number of steps nobody knows.

    Parameters
    ----------
    step : callable
        ``step(state, noise) -> state``, one attempt.
    state : Adaptive
        Before the first.
    t_stop : float
        Where a sample has arrived.
    noise : (n, \\*batch, d), optional
        One standard normal vector an attempt and sample, used by nobody else; None for a method that draws none.
    attempts : int
        How many at most, where there is no tape.

    Returns
    -------
    list of Adaptive
        The first state, and that after each attempt.

    Raises
    ------
    ArithmeticError
        If tape or attempts end before the samples have arrived.

    Examples
    --------
    >>> import refscore as rs
    >>> def step(state, noise):
    ...     return rs.samplers.dpm_adaptive_12_step(
    ...         lambda x, t: -x / (1 + t[:, None] ** 2), state, path=rs.paths.EDM(), t_stop=1.0, rtol=1e-6, atol=1e-6)
    >>> states = adaptive_run(step, adaptive_start([[5.0]], t=2.0, h=0.05), t_stop=1.0)
    >>> bool(abs(states[-1].x[0, 0] - 5 * (2 / 5) ** 0.5) < 1e-5)  # the standard deviation goes from √5 to √2
    True
    """
    tape = None if noise is None else as_float64(noise, "noise")
    most = integer(attempts, "attempts", 1) if tape is None else len(tape)
    states = [state]
    for k in range(most):
        if not (states[-1].t > t_stop).any():
            return states
        states.append(step(states[-1], None if tape is None else tape[k]))
    if (late := int((states[-1].t > t_stop).sum())) > 0:
        raise ArithmeticError(
            f"{late} samples have not arrived after {most} attempts; the last is at t = {states[-1].t.max():.6g}"
        )
    return states
