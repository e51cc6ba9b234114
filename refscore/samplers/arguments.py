"""What the steps ask of their arguments, said once so that a step is only its formula.

A step goes down: from a time t to s < t, from a level (α_t, σ_t) to one with more signal, α_s/σ_s ≥ α_t/σ_t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, read_only
from refscore.paths import Path

__all__ = ["grid", "levels", "number", "times_of_step"]


def number(value: ArrayLike, name: str, *, least: float = 0.0, open_end: bool = True) -> float:
    """Hold a parameter to one real number above a bound.

    Parameters
    ----------
    value : array_like
        The parameter, of shape ().
    name : str
        What it is called, for the error.
    least : float
        The bound.
    open_end : bool
        Whether the bound itself is refused.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ValueError
        If it is no single number, or too small.

    Examples
    --------
    >>> number(0, "step_size")
    Traceback (most recent call last):
        ...
    ValueError: step_size is 0.0; expected a number > 0
    """
    array = as_float64(value, name)
    if array.shape != ():
        raise ValueError(f"{name} has shape {array.shape}; expected one number")
    if array < least or (open_end and array == least):
        raise ValueError(f"{name} is {array}; expected a number {'>' if open_end else '≥'} {least:g}")
    return float(array)


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


def levels(
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
    >>> levels(np.zeros((1, 2)), alpha_t=1, sigma_t=1, alpha_s=1, sigma_s=2)
    Traceback (most recent call last):
        ...
    ValueError: the step goes up: from σ/α = 1 to 2; expected less noise at s than at t
    """
    given = {"alpha_t": alpha_t, "sigma_t": sigma_t, "alpha_s": alpha_s, "sigma_s": sigma_s}
    arrays = {name: as_float64(value, name) for name, value in given.items()}
    for name, value in arrays.items():
        if not ((value >= 0) if name == "sigma_s" else (value > 0)).all():
            kind = "at least 0" if name == "sigma_s" else "positive"
            raise ValueError(f"{name} reaches {value.min()}; expected it {kind}")
    lifted = {name: lift(value, x, name) for name, value in arrays.items()}
    before = lifted["sigma_t"] / lifted["alpha_t"]
    after = lifted["sigma_s"] / lifted["alpha_s"]
    if (excess := after - before * (1 + 4 * 2.0**-53)).max() > 0:
        first = np.unravel_index(int(np.argmax(excess)), excess.shape)
        low, high = (float(np.broadcast_to(v, excess.shape)[first]) for v in (before, after))
        raise ValueError(f"the step goes up: from σ/α = {low:.6g} to {high:.6g}; expected less noise at s than at t")
    return lifted["alpha_t"], lifted["sigma_t"], lifted["alpha_s"], lifted["sigma_s"]


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
    ValueError
        If the grid has no step, does not descend, or leaves the path.
    """
    t = read_only(times, "times")
    if t.ndim != 1 or len(t) < 2:
        raise ValueError(f"times has shape {t.shape}; expected (n + 1,) with at least one step, n ≥ 1")
    if not (np.diff(t) < 0).all():
        k = int(np.argmax(np.diff(t) >= 0))
        raise ValueError(f"times does not descend: times[{k}] = {t[k]}, times[{k + 1}] = {t[k + 1]}; t = 0 is data")
    return t, read_only(path.alpha(t), "path.alpha(times)"), read_only(path.sigma(t), "path.sigma(times)")
