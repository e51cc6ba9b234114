"""Scores of mixtures for a block at one level, in differences μ_k - x throughout: no digit is lost far from the origin.

Rows of work: first the exponents of the K components, then their shares r_k times whatever the score weighs them by;
row K the largest exponent, K + 1 the sum S of e^(exponent - largest), K + 2 its inverse. A component whose exponent is
below LOWEST everywhere in a tile, or in a block, is left out; its share is 0 by definition, so no bit depends on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.products import TILE_64 as TILE
from refscore_kernels.cpu.lanes.products import add_times, times
from refscore_kernels.elementary import LOWEST_64 as LOWEST
from refscore_kernels.elementary import f8 as real
from refscore_kernels.elementary import minus_log_64 as minus_log


def exponents(count: Any, e: Any, x: Any, mu: Any, v: Any, c: Any, k: Any, top: Any, lo: Any) -> None:
    """c_k - ½ v_k |x - μ_k|² or c_k - ½ Σ_i v_ki (x_i - μ_ki)², `count` of them; compiled: mixture_tiles.squares."""
    raise NotImplementedError


def pulls(count: Any, g: Any, x: Any, w: Any, mu: Any, v: Any, live: Any, many: Any, i: Any, top: Any, lo: Any) -> None:
    """(Σ_k w_k (μ_ki - x_i)) w_top, or with v_ki (μ_ki - x_i), `count` rows; compiled: mixture_tiles.pulls."""
    raise NotImplementedError


def alive(w: Any, k: Any, top: Any, lowest: Any, lo: Any) -> Any:
    """Whether w[k] - w[top] > lowest in any lane of a tile; compiled: mixture_tiles.alive."""
    raise NotImplementedError


def largest(work: Any, k: Any, top: Any, n: Any) -> None:
    """Row `top` after component k, which is row k."""
    if k == 0:
        for l in range(n):
            work[top, l] = work[0, l]
    else:
        for l in range(n):
            e = work[k, l]
            work[top, l] = e if e > work[top, l] else work[top, l]


def weigh(w: Any, v: Any, live: Any, many: Any, top: Any, lo: Any) -> None:
    """Rows k in live: e^(w_k - w_top), times v_k where v is (K,); rows top + 1 and top + 2: their sum without v, its
    inverse; compiled: mixture_tiles.shares."""
    raise NotImplementedError


def shares(work: Any, v: Any, top: Any, live: Any, lo: Any) -> Any:
    """The shares of a tile, and how many are not 0: which they are stands in `live`."""
    count = 0
    for k in range(top):
        live[count] = k
        count += 1 if alive(work, k, top, LOWEST, lo) else 0
    weigh(work, v, live, count, top, lo)
    return count


def mixture_log(e: Any, n: Any, top: Any, work: Any) -> None:
    """largest + log S."""
    for l in range(n):
        e[l] = work[top, l] - minus_log(work[top + 1, l])


def distances(work: Any, x: Any, mu: Any, v: Any, c: Any, lo: Any) -> None:
    """Rows k and top: all exponents of a tile, and the largest."""
    top = mu.shape[0]
    whole = top // 4 * 4
    for k in range(0, whole, 4):
        exponents(4, work, x, mu, v, c, k, top, lo)
    if top - whole > 1:
        exponents(2, work, x, mu, v, c, whole, top, lo)
    if top % 2 == 1:
        exponents(1, work, x, mu, v, c, top - 1, top, lo)


def pulled(g: Any, x: Any, work: Any, mu: Any, v: Any, live: Any, count: Any, lo: Any) -> None:
    """The score of a tile, from its shares."""
    top, d = mu.shape
    whole, by = d // 4 * 4, top + 2
    for i in range(0, whole, 4):
        pulls(4, g, x, work, mu, v, live, count, i, by, lo)
    if d - whole > 1:
        pulls(2, g, x, work, mu, v, live, count, whole, by, lo)
    if d % 2 == 1:
        pulls(1, g, x, work, mu, v, live, count, d - 1, by, lo)


def isotropic_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k v_k (μ_k - x), r_k ∝ exp(c_k - ½ v_k |x - μ_k|²), v_k = 1/σ_k²."""
    mu, v, c = params[0][level], params[1][level], params[2][level]
    top = mu.shape[0]
    live = np.empty(top, np.int64)
    for lo in range(0, n, TILE):
        distances(work, x, mu, v, c, lo)
        count = shares(work, v, top, live, lo)
        pulled(g, x, work, mu, v, live, count, lo)


def isotropic_mixture_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """log p."""
    mixture_log(e, n, params[0].shape[1], work)


def diagonal_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k v_k ∘ (μ_k - x), r_k ∝ exp(c_k - ½ Σ_i v_ki (x_i - μ_ki)²)."""
    mu, v, c = params[0][level], params[1][level], params[2][level]
    top = mu.shape[0]
    live = np.empty(top, np.int64)
    for lo in range(0, n, TILE):
        distances(work, x, mu, v, c, lo)
        count = shares(work, v, top, live, lo)
        pulled(g, x, work, mu, v, live, count, lo)


def diagonal_mixture_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """log p."""
    mixture_log(e, n, params[0].shape[1], work)


def basis_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k U_k f_k U_kᵀ (μ_k - x), r_k ∝ exp(c_k - ½ Σ_i f_ki y_ki²), y_k = U_kᵀ (μ_k - x).

    After the K + 3 rows of every mixture: d rows of μ_k - x, d of y, and d of f y for each component.
    """
    mu, across, back, f, c = params
    top, d = mu.shape[1], mu.shape[2]
    half, zero = real(-0.5), real(0)
    live = np.empty(top, np.int64)
    away, turned, kept = work[top + 3 :], work[top + 3 + d :], work[top + 3 + 2 * d :]
    for k in range(top):
        for i in range(d):
            m = mu[level, k, i]
            for l in range(n):
                away[i, l] = m - x[i, l]
        for lo in range(0, n, TILE):
            times(across[k], away, turned, d, d, lo)
        for l in range(n):
            work[k, l] = zero
        for i in range(d):
            fi, row = f[level, k, i], k * d + i
            for l in range(n):
                y = turned[i, l]
                t = fi * y
                kept[row, l] = t
                work[k, l] = work[k, l] + t * y
        ck = c[level, k]
        for l in range(n):
            work[k, l] = half * work[k, l] + ck
        largest(work, k, top, n)
    count = 0
    for k in range(top):
        found = 0
        for lo in range(0, n, TILE):
            found += 1 if alive(work, k, top, LOWEST, lo) else 0
        live[count] = k
        count += 1 if found > 0 else 0
    for lo in range(0, n, TILE):
        weigh(work, back, live, count, top, lo)
    for i in range(d):
        for l in range(n):
            g[i, l] = zero
    for j in range(count):
        k = live[j]
        for i in range(d):
            row = k * d + i
            for l in range(n):
                away[i, l] = work[k, l] * kept[row, l]
        for lo in range(0, n, TILE):
            add_times(back[k], away, g, d, d, lo)
    for i in range(d):
        for l in range(n):
            g[i, l] = g[i, l] * work[top + 2, l]


def basis_mixture_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """log p."""
    mixture_log(e, n, params[0].shape[1], work)
