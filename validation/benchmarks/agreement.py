"""The same work: every contestant's answer is ours up to rounding, else it is not timed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from validation.benchmarks.problems import EPSILON, RATE, UPDATES, Forward, Trace, Training

__all__ = ["same_training", "same_values"]


def same_values(problem: Forward | Trace, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    """What is wrong with a peer's values.

    Parameters
    ----------
    problem : Forward or Trace
        What was computed.
    own, peer : sequence of NDArray
        One array each.

    Returns
    -------
    str or None
        None where they agree.
    """
    return _apart("values", peer[0], own[0], _roundings(problem.widths), problem.dtype)


def same_training(problem: Training, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    """What is wrong with a peer's loss, gradient or parameters after some updates on the same draws.

    The parameters are compared in float64 alone. Adam's first steps are the signs of the gradients: an error δ of a
    gradient moves a parameter by up to rate · δ/ε_Adam, which is above the step itself in float32.

    Parameters
    ----------
    problem : Training
        What was computed.
    own, peer : sequence of NDArray
        Loss, gradient, parameters.

    Returns
    -------
    str or None
        None where they agree.
    """
    roundings = 2 * _roundings(problem.widths) + math.sqrt(problem.batch)  # forward, backward, sum over the batch
    wrong = _apart("loss", peer[0], own[0], roundings, problem.dtype) or _apart(
        "gradient", peer[1], own[1], roundings, problem.dtype
    )
    if wrong or problem.dtype != "float64":
        return wrong
    error = roundings * 2.0**-53 * float(np.linalg.norm(own[1]))
    moved = float(np.abs(peer[2] - own[2]).max())
    bound = UPDATES * RATE * error / EPSILON
    return None if moved <= bound else f"parameters after {UPDATES} updates differ by {moved:.1e}, bound {bound:.1e}"


def _roundings(widths: tuple[int, ...]) -> float:
    """Units of roundoff in what goes through the layers: √k for a sum of k terms, as errors of either sign add up."""
    return sum(math.sqrt(n) for n in widths)


def _apart(name: str, found: Any, expected: Any, roundings: float, dtype: str) -> str | None:
    if found.shape != expected.shape or str(found.dtype) != dtype:
        return f"{name} is {found.dtype} of shape {found.shape}; expected {dtype} of shape {expected.shape}"
    error = float(np.linalg.norm(np.asarray(found - expected, np.float64)))
    bound = roundings * float(np.finfo(dtype).eps) / 2 * float(np.linalg.norm(np.asarray(expected, np.float64)))
    return None if error <= bound else f"{name} differs by {error:.1e} in norm, bound {bound:.1e}"
