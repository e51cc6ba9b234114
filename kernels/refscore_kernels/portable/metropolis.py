"""Leapfrog proposals with Metropolis's decision, for all lanes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.portable.mixtures import minus_log
from refscore_kernels.portable.noise import Keys, fill, uniforms
from refscore_kernels.portable.scores import Scored

__all__ = ["metropolis"]

Array = NDArray[np.floating[Any]]


def metropolis(
    score: Callable[[Array], Scored],
    y: Array,
    taken: NDArray[np.int64],
    sizes: Array,
    moves: int,
    place: tuple[int, int, int],
    steps: tuple[int, int],
    keys: Keys,
) -> None:
    """Steps of (KMA.1) … (KMA.3) in the place of y (1, d, n), counted in `taken` (n,)."""
    h, kick, half = sizes
    chain, offset, stream = place
    x = y[0]
    z = np.empty_like(x)
    g, log = score(x)
    now = log()
    for k in range(*steps):
        fill(z, chain, offset + k, stream, keys)
        u = uniforms(x.shape[1], chain, offset + k, stream, keys).astype(x.dtype)
        p, f, v = x, g, z
        for j in range(moves):
            v = v + kick * f
            if j > 0:
                v = v + kick * f
            p = p + h * v  # (KMA.1)
            f, log = score(p)
        v = v + kick * f
        there = log()
        gained = there - now
        for i in range(len(z)):
            gained = gained + half * ((z[i] - v[i]) * (z[i] + v[i]))  # (KMA.2)
        accepted = -minus_log(u) < gained  # (KMA.3)
        taken += accepted
        now = np.where(accepted, there, now)
        x, g = np.where(accepted, p, x), np.where(accepted, f, g)
    y[0] = x
