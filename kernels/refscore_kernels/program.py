"""A plan as compiled steps take it: of every sum only the terms that are there, and what need not be computed again.

Three things are read off the numbers of a plan, and none changes a bit of what (PLAN.1) and (PLAN.2) say:

- terms with the factor 0 are left out, as everywhere;
- where a score is asked at a state itself, nothing is summed;
- where the next step begins with the score that this step has had already, at the same point and level, it is kept: a
  row of (PLAN.1) and a row of (PLAN.2) with the same terms are the same number, term by term.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.plan import Plan

__all__ = ["Program", "program"]

Index = NDArray[np.int64]


class Program(NamedTuple):
    """Sums over the sources states, scores and draws, in this order, with rows for the J points, then the V states.

    Parameters
    ----------
    level : (n, J)
        Level of each score; -1 where a step needs fewer.
    by_lengths : (n,)
        1 where score and noise of the step are scaled by their lengths, else 0.
    used : (n, R)
        1 where a draw is used, else 0.
    terms : (n, J + V)
        Terms of each row.
    source, factor : (n, J + V, V + J + R)
        Of each term; what follows the last is 0.
    at : (n, J)
        The state that a point is, or -1.
    kept : (n,)
        The score of this step that is the next one's first, or -1.
    """

    level: Index
    by_lengths: Index
    used: Index
    terms: Index
    source: Index
    factor: NDArray[np.floating[Any]]
    at: Index
    kept: Index


def program(plan: Plan, dtype: type[np.floating[Any]]) -> Program:
    """The sums of a plan.

    Parameters
    ----------
    plan : Plan
        What the steps do.
    dtype : np.float64 or np.float32
        Of the factors: what is 0 there is no term.

    Returns
    -------
    Program
        Its sums.

    Examples
    --------
    BAOAB pushes twice a step, and its second force is the first of the next step:

    >>> import refscore as rs
    >>> from refscore_kernels import plan_of
    >>> found = program(plan_of(rs.samplers.baoab(0.1, friction=1.0)), float)
    >>> found.at.tolist(), found.kept.tolist()
    ([[0, -1]], [1])
    """
    points = np.concatenate([plan.point_state, plan.point_score, plan.point_noise], 2)
    numbers = np.concatenate([points, np.concatenate([plan.state, plan.score, plan.noise], 2)], 1).astype(dtype)
    n, rows, _ = numbers.shape
    n_scores, n_states = plan.level.shape[1], plan.state.shape[1]
    terms, source, factor = (numbers != 0).sum(2), np.zeros(numbers.shape, np.int64), np.zeros_like(numbers)
    for q, r in np.ndindex(n, rows):
        (found,) = np.nonzero(numbers[q, r])
        source[q, r, : len(found)], factor[q, r, : len(found)] = found, numbers[q, r, found]
    first = source[:, :n_scores, 0]
    alone = (terms[:, :n_scores] == 1) & (factor[:, :n_scores, 0] == 1) & (first < n_states)
    at = np.where(alone, first, -1)
    used = (numbers[:, :, n_states + n_scores :] != 0).any(1) | plan.by_lengths[:, None]
    kept = np.full(n, -1)
    for q in range(n):
        begun, level = at[(q + 1) % n, 0], plan.level[(q + 1) % n, 0]
        same = (numbers[q, :n_scores] == numbers[q, n_scores + begun]).all(1) & (plan.level[q] == level)
        if begun >= 0 and level >= 0 and not plan.by_lengths[q] and same.any():
            kept[q] = same.argmax()
    return Program(plan.level, plan.by_lengths.astype(np.int64), used.astype(np.int64), terms, source, factor, at, kept)
