"""Steps that are linear in states, scores and noise (PLAN.1, PLAN.2), for all lanes at once.

A correction by lengths, with s = p (m - x), κ = |p (|x| + |m|)| / |s| and units of 2^-53, is the reference's but for

    |x'_kernel - x'_reference| ≤ (4d + 22 + 12κ) (|x| + e p (|x| + |m|) + √(2e) |z|)                     (KPC.2)

On N(0, v I) from |x|² = q its mean square is

    E|x'|² = q - 4 r² v d + 4 r² (1 + r²) v² d (d + 2) / q                                             (KPC.3)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.portable.noise import Keys
from refscore_kernels.portable.scores import inner

__all__ = ["BlockScore", "Fill", "linear", "simple"]

Array = NDArray[np.floating[Any]]
BlockScore = Callable[[Array, int], Array]
"""score(x, level) for a block x (d, n)."""

Fill = Callable[[Array, int, int, int, Keys], None]
"""fill(z, chain, step, stream, keys) for a block z (d, n)."""


def simple(
    score: BlockScore,
    fill: Fill,
    y: Array,
    plan: tuple[Any, ...],
    place: tuple[int, int, int],
    steps: tuple[int, int],
    keys: Keys,
) -> None:
    """x' = (a x + b s(x)) + c z in the place of y (1, d, n), for steps k from `steps[0]` to `steps[1]` - 1."""
    level, a, b, c, draws = plan
    chain, offset, stream = place
    x = y[0]
    z = np.empty_like(x)
    for k in range(*steps):
        q = k % len(level)
        x = a[q] * x + b[q] * score(x, int(level[q]))
        if draws:
            fill(z, chain, offset + k, stream, keys)
            x = x + c[q] * z
    y[0] = x


def linear(
    score: BlockScore,
    fill: Fill,
    y: Array,
    plan: tuple[Any, ...],
    place: tuple[int, int, int],
    steps: tuple[int, int],
    keys: Keys,
) -> None:
    """Any number of states, scores and draws in the place of y (V, d, n)."""
    level, point_state, point_score, point_noise, by_state, by_score, by_noise, by_lengths, _ = plan
    chain, offset, stream = place
    draws = by_noise.shape[2]
    states = list(y)
    z = np.empty((draws, *y.shape[1:]), y.dtype)
    for k in range(*steps):
        q = k % len(level)
        for r in range(draws):
            fill(z[r], chain, (offset + k) * draws + r, stream, keys)
        scores: list[Array] = []
        for j in range(level.shape[1]):
            if level[q, j] < 0:
                break
            given = zip((*point_state[q, j], *point_score[q, j, :j], *point_noise[q, j]), (*states, *scores, *z))
            scores.append(score(_sum(given, y[0]), int(level[q, j])))  # (PLAN.1)
        if by_lengths[q]:
            square = inner(z[0], z[0]) / inner(scores[0], scores[0])
            scores[0], z[0] = square * scores[0], np.sqrt(square) * z[0]  # (KPC.1)
        missing = [y[0]] * (level.shape[1] - len(scores))  # their numbers are zeros
        sources = (*states, *scores, *missing, *z)
        rows = [(*by_state[q, v], *by_score[q, v], *by_noise[q, v]) for v in range(len(states))]
        states = [_sum(zip(row, sources), y[0]) for row in rows]  # (PLAN.2)
    for v, state in enumerate(states):
        y[v] = state


def _sum(terms: Iterable[tuple[Any, Array]], like: Array) -> Array:
    """Σ c x in the order of the terms, those with c = 0 left out."""
    total: Array | None = None
    for c, x in terms:
        if c != 0:
            total = c * x if total is None else total + c * x
    return np.zeros_like(like) if total is None else total
