"""The reverse SDE and the flow that general solvers are given: the path α = 1 − t, σ = t, from σ/α = 5 to 0.05.

Forwards f = −1/(1 − t) and g² = 2 t/(1 − t). A solver that counts time upwards is given u = −t:

    dx = (x + 2 t s)/(1 − t) du + √(2 t/(1 − t)) dW,      dx = (x + t s)/(1 − t) du

The noise is additive, so that Itô's and Stratonovich's equations are one, and every solver of either is asked for the
same law. Where the score is 0 the mean moves on a straight line, x = (1 − t) m, on which every consistent method is
exact: a step of the wrong length or to the wrong time moves the mean, and no order of a method does.
"""

from __future__ import annotations

from typing import Any

__all__ = ["LENGTH", "START", "STOP", "T_START", "T_STOP", "diffusion_squared", "flow", "reverse"]

T_START, T_STOP = 5 / 6, 1 / 21
LENGTH = T_START - T_STOP
START, STOP = (1 - T_START, T_START), (1 - T_STOP, T_STOP)


def reverse(score: Any, x: Any, t: Any) -> Any:
    """Drift of the reverse SDE, for time that runs to the data.

    Parameters
    ----------
    score, x : (n, d) array
        The score at `x`, and `x`.
    t : float
        Time; the data is at 0.

    Returns
    -------
    (n, d) array
        f and g² put in, with the sign of falling t.
    """
    return (x + 2 * t * score) / (1 - t)


def flow(score: Any, x: Any, t: Any) -> Any:
    """Velocity of the probability flow, for time that runs to the data.

    Parameters
    ----------
    score, x : (n, d) array
        The score at `x`, and `x`.
    t : float
        Time; the data is at 0.

    Returns
    -------
    (n, d) array
        f and g² put in, with the sign of falling t.
    """
    return (x + t * score) / (1 - t)


def diffusion_squared(t: Any) -> Any:
    """g² of the path.

    Parameters
    ----------
    t : float
        Time; the data is at 0.

    Returns
    -------
    float
        2 t/(1 − t).
    """
    return 2 * t / (1 - t)
