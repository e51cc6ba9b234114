"""Leapfrog proposals with Metropolis's decision: (KMA.1) … (KMA.3), all steps for one block, then the next.

Log density and score of the state are kept, so that a step evaluates the target as often as leapfrog moves. `sizes` are
(h, h/2, ½), `moves` how many leapfrog steps; `taken` counts for each chain. The rest is as for linear steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.mixtures import (
    basis_mixture,
    basis_mixture_log,
    diagonal_mixture,
    diagonal_mixture_log,
    isotropic_mixture,
    isotropic_mixture_log,
)
from refscore_kernels.cpu.lanes.noise import fill_64 as fill
from refscore_kernels.cpu.lanes.noise import uniforms_of
from refscore_kernels.cpu.lanes.products import block, lanes_of
from refscore_kernels.cpu.lanes.scores import (
    basis_gaussian,
    basis_gaussian_log,
    diagonal_gaussian,
    diagonal_gaussian_log,
    gaussian,
    gaussian_log,
)
from refscore_kernels.cpu.lanes.steps import load, save
from refscore_kernels.elementary import minus_log_64 as minus_log


def decide(u: Any, now: Any, there: Any, gained: Any, taken: Any, lo: Any, n: Any) -> None:
    """log u < log a: then log p is that of the proposal; `gained` becomes 1, or 0 where the chain stays."""
    for l in range(n):
        gained[l] = 1 if -minus_log(u[l]) < gained[l] else 0
    for l in range(n):
        new, old, said = there[l], now[l], gained[l]  # both are read: a choice without a branch
        now[l] = new if said > 0 else old
    for l in range(n):
        taken[lo + l] += np.int64(gained[l])


def move(x: Any, p: Any, said: Any, n: Any) -> None:
    """x = p where `said` is 1."""
    for i in range(x.shape[0]):
        for l in range(n):
            new, old = p[i, l], x[i, l]
            x[i, l] = new if said[l] > 0 else old


def metropolis(
    score: Any, log: Any, params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any,
    keys: Any,
) -> None:  # fmt: skip
    """Steps of (KMA.1) … (KMA.3)."""
    chain, offset, stream = place
    begin, end, width, first, last = span
    d = y.shape[1]
    h, kick, half = sizes[0], sizes[1], sizes[2]
    wide = lanes_of(width, rows)
    x, g, p, f = block(d, wide, y), block(d, wide, y), block(d, wide, y), block(d, wide, y)
    z, v, work = block(d + 3, wide, y), block(d, wide, y), block(rows, wide, y)
    u, now, there, gained = (np.empty(width, y.dtype), np.empty(width, y.dtype), np.empty(width, y.dtype),
                             np.empty(width, y.dtype))  # fmt: skip
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        load(y, 0, x, lo, n)
        score(x, g, n, 0, params, work)
        log(now, g, n, 0, params, work)
        for k in range(first, last):
            fill(z, d, n, chain + lo, offset + k, stream, keys)
            uniforms_of(u, n, chain + lo, offset + k, stream, keys)
            for i in range(d):
                for l in range(n):
                    t = z[i, l] + kick * g[i, l]
                    v[i, l] = t
                    p[i, l] = x[i, l] + h * t
            for j in range(moves):
                if j > 0:
                    for i in range(d):
                        for l in range(n):
                            t = (v[i, l] + kick * f[i, l]) + kick * f[i, l]
                            v[i, l] = t
                            p[i, l] = p[i, l] + h * t
                score(p, f, n, 0, params, work)
            log(there, f, n, 0, params, work)
            for l in range(n):
                gained[l] = there[l] - now[l]
            for i in range(d):
                for l in range(n):
                    t = v[i, l] + kick * f[i, l]
                    gained[l] = gained[l] + half * ((z[i, l] - t) * (z[i, l] + t))
            decide(u, now, there, gained, taken, lo, n)
            move(x, p, gained, n)
            move(g, f, gained, n)
        save(x, y, 0, lo, n)


def run_metropolis_gaussian(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a Gaussian."""
    metropolis(gaussian, gaussian_log, params, rows, y, taken, sizes, moves, place, span, keys)


def run_metropolis_diagonal_gaussian(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a Gaussian with independent coordinates."""
    metropolis(diagonal_gaussian, diagonal_gaussian_log, params, rows, y, taken, sizes, moves, place, span, keys)


def run_metropolis_basis_gaussian(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a Gaussian in its eigenbasis."""
    metropolis(basis_gaussian, basis_gaussian_log, params, rows, y, taken, sizes, moves, place, span, keys)


def run_metropolis_isotropic_mixture(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a mixture of isotropic Gaussians."""
    metropolis(isotropic_mixture, isotropic_mixture_log, params, rows, y, taken, sizes, moves, place, span, keys)


def run_metropolis_diagonal_mixture(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a mixture of Gaussians with independent coordinates."""
    metropolis(diagonal_mixture, diagonal_mixture_log, params, rows, y, taken, sizes, moves, place, span, keys)


def run_metropolis_basis_mixture(
    params: Any, rows: Any, y: Any, taken: Any, sizes: Any, moves: Any, place: Any, span: Any, keys: Any
) -> None:
    """On a mixture of Gaussians in their eigenbases."""
    metropolis(basis_mixture, basis_mixture_log, params, rows, y, taken, sizes, moves, place, span, keys)
