"""The same steps: on the same noise every contestant's states are ours up to rounding, else it is not timed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from validation.benchmarks.kernels.problems import CHECKED, Chains, Normals, Points

__all__ = ["same_density", "same_law", "same_normals", "same_states"]

LARGEST = 9.0  # no normal is larger
SIGMAS = 5.0


def same_states(problem: Chains, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    """What is wrong with a peer's states after some steps on given noise.

    An exponent that is made from squares and products is wrong by about d roundings of R²/σ², R the distances there
    are; the score by as much of R/σ²; and a step makes an error that was there larger by 1 + b (1/σ² + R²/σ⁴).

    Parameters
    ----------
    problem : Chains
        What was sampled.
    own, peer : sequence of NDArray
        States (n, d).

    Returns
    -------
    str or None
        None where they agree.
    """
    u, table = float(np.finfo(problem.dtype).eps) / 2, problem.tables
    b, c = float(table.b.max()), float(table.c.max())
    reach = float(np.linalg.norm(problem.fewer.start, axis=1).max())
    if problem.components:
        reach += float(np.linalg.norm(problem.means, axis=1).max())
        sharp = float(table.precision[: CHECKED if len(table.b) > 1 else None].max())
        exponent = u * (problem.d + 6) * sharp * reach**2
        grows = sharp + sharp**2 * reach**2
    else:
        sharp = float(np.linalg.norm(problem.matrix, 2))
        exponent, grows = 0.0, sharp
    score = sharp * reach * (2 * exponent + (problem.d + problem.components + 8) * u)
    step = b * score + 4 * u * (reach + b * sharp * reach + c * LARGEST * math.sqrt(problem.d))
    bound = step * sum((1 + b * grows) ** k for k in range(CHECKED))
    return _near("states", peer[0], own[0], bound, problem.dtype)


def same_density(problem: Points, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    """What is wrong with a peer's log densities, and scores, if there are any.

    Parameters
    ----------
    problem : Points
        What was evaluated.
    own, peer : sequence of NDArray
        log p (n,) and, if it is there, the score (n, d).

    Returns
    -------
    str or None
        None where they agree.
    """
    chains = problem.chains
    u, sharp = float(np.finfo(problem.dtype).eps) / 2, 1 / float(chains.variances.min())
    reach = 2 * float(np.linalg.norm(chains.means, axis=1).max()) + 9
    exponent = u * (problem.d + problem.components + 8) * sharp * reach**2
    bounds = (exponent, sharp * reach * (2 * exponent + (problem.d + problem.components) * u))
    names = ("log density", "score")
    wrong = (_near(*four, problem.dtype) for four in zip(names, peer, own, bounds))
    return next(filter(None, wrong), None)


def same_law(problem: Chains, own: Sequence[Any], peer: Sequence[Any]) -> str | None:  # noqa: ARG001  as the others
    """What is wrong with numbers that each chain gives, drawn from other noise: their means have to agree.

    Parameters
    ----------
    problem : Chains
        What was sampled.
    own, peer : sequence of NDArray
        Numbers (n,) of independent chains.

    Returns
    -------
    str or None
        None where they agree within five standard errors.
    """
    for k, (a, b) in enumerate(zip(own, peer, strict=True)):
        error = math.sqrt(np.var(a) / len(a) + np.var(b) / len(b))
        apart = abs(float(np.mean(a) - np.mean(b)))
        if not apart <= SIGMAS * error:
            return f"mean {k} differs by {apart:.2g}, standard error {error:.2g}"
    return None


def same_normals(problem: Normals, own: Sequence[Any], peer: Sequence[Any]) -> str | None:
    """What is wrong with a peer's normals: the first four moments and the share below 1.

    Parameters
    ----------
    problem : Normals
        What was drawn.
    own, peer : sequence of NDArray
        Normals.

    Returns
    -------
    str or None
        None where they are standard normal within five standard errors, both.
    """
    truths = ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0))  # power, mean, variance of the power
    for z in (own[0], peer[0]):
        if str(z.dtype) != problem.dtype:
            return f"normals are {z.dtype}; expected {problem.dtype}"
        x = np.asarray(z, np.float64).ravel()
        for power, mean, variance in truths:
            if not abs(np.mean(x**power) - mean) <= SIGMAS * math.sqrt(variance / x.size):
                return f"the mean of z^{power} is {np.mean(x**power):.4g}; expected {mean}"
        below = np.mean(x < 1)
        if not abs(below - 0.8413447) <= SIGMAS * math.sqrt(0.1335 / x.size):
            return f"P(z < 1) is {below:.4g}; expected 0.8413"
    return None


def _near(name: str, found: Any, expected: Any, bound: float, dtype: str) -> str | None:
    if found.shape != expected.shape or str(found.dtype) != dtype:
        return f"{name} is {found.dtype} of shape {found.shape}; expected {dtype} of shape {expected.shape}"
    error = float(np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max())
    return None if error <= bound else f"{name} differs by {error:.1e}, bound {bound:.1e}"
