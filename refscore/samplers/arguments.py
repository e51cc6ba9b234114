"""What steps and grids ask of their arguments beyond shape and sign, said once so that a step is only its formula.

A step goes down: from a time t to s < t, from a level (α_t, σ_t) to one with more signal, α_s/σ_s ≥ α_t/σ_t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, integer, lift, not_negative, number, positive, read_only
from refscore.paths import Path

__all__ = ["grid", "levels_of_step", "times_of_step", "whole"]


def whole(value: ArrayLike, name: str, least: int) -> int:
    """Hold a count of steps to a whole number, which may come as a float, such as 1e6.

    Parameters
    ----------
    value : ()
        The parameter.
    name : str
        What it is called, for the error.
    least : int
        The least that is accepted.

    Returns
    -------
    int
        The number.

    Raises
    ------
    ValueError
        If it is no single whole number, or less than `least`.

    Examples
    --------
    >>> whole(1.5, "steps", 1)
    Traceback (most recent call last):
        ...
    ValueError: steps is 1.5; expected a whole number
    """
    found = number(value, name)
    if not found.is_integer():
        raise ValueError(f"{name} is {found}; expected a whole number")
    return integer(int(found), name, least)


def times_of_step(t: ArrayLike, s: ArrayLike, x: Float) -> tuple[Float, Float, Float]:
    """The two ends of a step, and its length h = t - s with the event axis of `x`.

    Parameters
    ----------
    t, s : () or (\\*batch,)
        Where the step starts and ends; s < t.
    x : (\\*batch, d)
        The state.

    Returns
    -------
    t, s : () or (\\*batch,)
        In float64.
    h : () or (\\*batch, 1)
        Ready to multiply `x`.

    Raises
    ------
    ValueError
        If a step does not go down, or a shape is not that of a time.

    Examples
    --------
    >>> import numpy as np
    >>> times_of_step(0.5, 0.75, np.zeros((1, 2)))
    Traceback (most recent call last):
        ...
    ValueError: s reaches t: t = 0.5, s = 0.75; expected s < t, since t = 0 is data
    """
    t, s = as_float64(t, "t"), as_float64(s, "s")
    lift(t, x, "t")
    lift(s, x, "s")
    h = t - s
    if not (h > 0).all():
        worst = np.unravel_index(int(np.argmin(h)), h.shape)
        at_t, at_s = (float(np.broadcast_to(v, h.shape)[worst]) for v in (t, s))
        raise ValueError(f"s reaches t: t = {at_t}, s = {at_s}; expected s < t, since t = 0 is data")
    return t, s, lift(h, x, "t - s")


def levels_of_step(
    x: Float, *, alpha_t: ArrayLike, sigma_t: ArrayLike, alpha_s: ArrayLike, sigma_s: ArrayLike
) -> tuple[Float, Float, Float, Float]:
    """The two levels of a step, with the event axis of `x`.

    Parameters
    ----------
    x : (\\*batch, d)
        The state.
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch,)
        Scales of signal and noise where the step starts (t) and ends (s); all positive, but σ_s may be 0.

    Returns
    -------
    alpha_t, sigma_t, alpha_s, sigma_s : () or (\\*batch, 1)
        Ready to multiply `x`.

    Raises
    ------
    ValueError
        If a level is not positive, or the step would lose signal: α_s/σ_s < α_t/σ_t.

    Examples
    --------
    >>> import numpy as np
    >>> levels_of_step(np.zeros((1, 2)), alpha_t=1, sigma_t=1, alpha_s=1, sigma_s=2)
    Traceback (most recent call last):
        ...
    ValueError: the step goes up: from σ/α = 1 to 2; expected less noise at s than at t
    """
    a_t, s_t = lift(alpha_t, x, "alpha_t", positive), lift(sigma_t, x, "sigma_t", positive)
    a_s, s_s = lift(alpha_s, x, "alpha_s", positive), lift(sigma_s, x, "sigma_s", not_negative)
    before, after = s_t / a_t, s_s / a_s
    if (excess := after - before * (1 + 4 * 2.0**-53)).max() > 0:
        first = np.unravel_index(int(np.argmax(excess)), excess.shape)
        low, high = (float(np.broadcast_to(v, excess.shape)[first]) for v in (before, after))
        raise ValueError(f"the step goes up: from σ/α = {low:.6g} to {high:.6g}; expected less noise at s than at t")
    return a_t, s_t, a_s, s_s


def grid(path: Path, times: ArrayLike) -> tuple[Float, Float, Float]:
    """A descending time grid, with its levels.

    Parameters
    ----------
    path : Path
        α(t) and σ(t).
    times : (n + 1,)
        From the first time down to the last; n ≥ 1 steps.

    Returns
    -------
    times, alphas, sigmas : (n + 1,)
        Read-only.

    Raises
    ------
    TypeError
        If `path` is none.
    ValueError
        If the grid has no step, does not descend, or leaves the path.
    """
    if isinstance(path, type) or not callable(getattr(path, "alpha", None)):
        raise TypeError(f"path is {path!r}; expected a path, such as refscore.paths.VP()")
    t = read_only(times, "times")
    if t.ndim != 1 or len(t) < 2:
        raise ValueError(f"times has shape {t.shape}; expected (n + 1,) with at least one step, n ≥ 1")
    if not (np.diff(t) < 0).all():
        k = int(np.argmax(np.diff(t) >= 0))
        raise ValueError(f"times does not descend: times[{k}] = {t[k]}, times[{k + 1}] = {t[k + 1]}; t = 0 is data")
    return t, read_only(path.alpha(t), "path.alpha(times)"), read_only(path.sigma(t), "path.sigma(times)")
