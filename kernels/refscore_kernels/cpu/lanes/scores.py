"""Scores of Gaussians for a block at one level: score(x, g, n, level, params, work) writes g[:d, :n].

Lanes come in whole tiles; those beyond n hold numbers that nobody uses. `params` are arrays whose first axis is the
level; `work` has the rows that the score says it needs, and holds what ``*_log`` needs, which is called after the score
and writes the log density to e[:n].
"""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.products import TILE_64 as TILE
from refscore_kernels.cpu.lanes.products import times
from refscore_kernels.elementary import f8 as real


def gaussian(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """-P (x - m), from a[level] = -P."""
    m, a, _ = params
    d = m.shape[1]
    for i in range(d):
        c = m[level, i]
        for l in range(n):
            work[i, l] = x[i, l] - c
    matrix = a[level]
    for lo in range(0, n, TILE):
        times(matrix, work, g, d, d, lo)


def gaussian_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """c + ½ Σ_i (x - m)_i g_i."""
    m, _, c = params
    half = real(0.5)
    for l in range(n):
        e[l] = work[0, l] * g[0, l]
    for i in range(1, m.shape[1]):
        for l in range(n):
            e[l] = e[l] + work[i, l] * g[i, l]
    for l in range(n):
        e[l] = half * e[l] + c[level]


def diagonal_gaussian(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """p_i (m_i - x_i)."""
    m, p, _ = params
    for i in range(m.shape[1]):
        c, v = m[level, i], p[level, i]
        for l in range(n):
            t = c - x[i, l]
            work[i, l] = t
            g[i, l] = v * t


def diagonal_gaussian_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """c - ½ Σ_i (m - x)_i g_i."""
    m, _, c = params
    half = real(-0.5)
    for l in range(n):
        e[l] = work[0, l] * g[0, l]
    for i in range(1, m.shape[1]):
        for l in range(n):
            e[l] = e[l] + work[i, l] * g[i, l]
    for l in range(n):
        e[l] = half * e[l] + c[level]


def basis_gaussian(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """U f Uᵀ (m - x): one basis for all levels; rows of work: y = Uᵀ (m - x), then f y."""
    m, across, back, f, _ = params
    d = m.shape[1]
    for i in range(d):
        c = m[level, i]
        for l in range(n):
            work[d + i, l] = c - x[i, l]
    y = work[d:]
    for lo in range(0, n, TILE):
        times(across, y, work, d, d, lo)
    for i in range(d):
        v = f[level, i]
        for l in range(n):
            work[d + i, l] = v * work[i, l]
    for lo in range(0, n, TILE):
        times(back, y, g, d, d, lo)


def basis_gaussian_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """c - ½ Σ_i f_i y_i²."""
    m, _, _, _, c = params
    d, half = m.shape[1], real(-0.5)
    for l in range(n):
        e[l] = work[0, l] * work[d, l]
    for i in range(1, d):
        for l in range(n):
            e[l] = e[l] + work[i, l] * work[d + i, l]
    for l in range(n):
        e[l] = half * e[l] + c[level]
