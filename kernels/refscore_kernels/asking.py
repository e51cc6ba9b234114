"""A score as the steps of the portable twin ask it, whatever it is: a kernel's twin, a user's block, or Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore.samplers.replay import Score
from refscore_kernels import portable
from refscore_kernels.plan import Plan
from refscore_kernels.prepare import Prepared, filled

__all__ = ["asked", "block_score"]

Array = NDArray[np.floating[Any]]


def block_score(plan: Plan, ready: Prepared) -> portable.steps.BlockScore:
    """A score as the portable steps call it.

    Parameters
    ----------
    plan : Plan
        With the levels.
    ready : Prepared
        The score.

    Returns
    -------
    callable
        score(x, level) for a block x (d, n).
    """
    if not ready.name:
        return lambda x, level: asked(ready.function, plan, level, x)
    if ready.written is not None:
        alpha, sigma = ready.params
        return lambda x, level: filled(ready.written, x, alpha[level], sigma[level])
    function = portable.SCORES[ready.name]
    return lambda x, level: function(x, level, ready.params)[0]


def asked(function: Score, plan: Plan, level: int, x: Array) -> Array:
    """What a function of Python says at a block.

    Parameters
    ----------
    function : callable
        s(x, α, σ).
    plan : Plan
        With the levels.
    level : int
        Which.
    x : (d, n)
        The block.

    Returns
    -------
    (d, n)
        Scores, in the dtype of x.

    Raises
    ------
    ValueError
        If they have another shape.
    """
    alpha, sigma = (float(a) for a in plan.levels[level])
    rows = np.asarray(function(np.ascontiguousarray(x.T), alpha, sigma), x.dtype)
    if rows.shape != x.T.shape:
        raise ValueError(f"score(x) has shape {rows.shape}; expected {x.T.shape}, the shape of x")
    return np.ascontiguousarray(rows.T)
