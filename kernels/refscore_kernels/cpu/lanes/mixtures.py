"""Scores of mixtures for a block at one level, in differences μ_k - x throughout: no digit is lost far from the origin.

Rows of work: first the exponents of the K components, then their shares r_k times whatever the score weighs them by;
row K the largest exponent, K + 1 the sum S of e^(exponent - largest), K + 2 its inverse. A component whose exponent is
below LOWEST everywhere in the block is left out; its share is 0 by definition, so no bit depends on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.products import add_times, times
from refscore_kernels.elementary import LOWEST_64 as LOWEST
from refscore_kernels.elementary import exponential_64 as exponential
from refscore_kernels.elementary import f8 as real
from refscore_kernels.elementary import minus_log_64 as minus_log


def largest(work: Any, k: Any, top: Any, n: Any) -> None:
    """Row `top` after component k, which is row k."""
    if k == 0:
        for l in range(n):
            work[top, l] = work[0, l]
    else:
        for l in range(n):
            e = work[k, l]
            work[top, l] = e if e > work[top, l] else work[top, l]


def shares(work: Any, top: Any, n: Any, live: Any) -> Any:
    """Rows k: e^(exponent - largest); top + 1: their sum; top + 2: its inverse; which are not 0, and how many."""
    zero, one, count = real(0), real(1), 0
    for l in range(n):
        work[top + 1, l] = zero
    for k in range(top):
        found = 0
        for l in range(n):
            found += 1 if work[k, l] - work[top, l] > LOWEST else 0
        if found == 0:
            continue
        live[count] = k
        count += 1
        for l in range(n):
            e = work[k, l] - work[top, l]
            p = exponential(e if e > LOWEST else LOWEST)
            p = p if e > LOWEST else zero
            work[k, l] = p
            work[top + 1, l] = work[top + 1, l] + p
    for l in range(n):
        work[top + 2, l] = one / work[top + 1, l]
    return count


def mixture_log(e: Any, n: Any, top: Any, work: Any) -> None:
    """largest + log S."""
    for l in range(n):
        e[l] = work[top, l] - minus_log(work[top + 1, l])


def squares(x: Any, mu: Any, work: Any, k: Any, d: Any, n: Any) -> None:
    """Row k: Σ_i (x_i - μ_i)², i in turn; eight terms at a time stay in registers."""
    m = mu[0]
    for l in range(n):
        t = x[0, l] - m
        work[k, l] = t * t
    whole = 1 + (d - 1) // 8 * 8
    for i in range(1, whole, 8):
        m0, m1, m2, m3 = mu[i], mu[i + 1], mu[i + 2], mu[i + 3]
        m4, m5, m6, m7 = mu[i + 4], mu[i + 5], mu[i + 6], mu[i + 7]
        for l in range(n):
            t0, t1, t2, t3 = x[i, l] - m0, x[i + 1, l] - m1, x[i + 2, l] - m2, x[i + 3, l] - m3
            t4, t5, t6, t7 = x[i + 4, l] - m4, x[i + 5, l] - m5, x[i + 6, l] - m6, x[i + 7, l] - m7
            s = (((work[k, l] + t0 * t0) + t1 * t1) + t2 * t2) + t3 * t3
            work[k, l] = (((s + t4 * t4) + t5 * t5) + t6 * t6) + t7 * t7
    for i in range(whole, d):
        m = mu[i]
        for l in range(n):
            t = x[i, l] - m
            work[k, l] = work[k, l] + t * t


def isotropic_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k v_k (μ_k - x), r_k ∝ exp(c_k - ½ v_k |x - μ_k|²), v_k = 1/σ_k²."""
    mu, v, c = params
    top, d = mu.shape[1], mu.shape[2]
    half, zero = real(-0.5), real(0)
    live = np.empty(top, np.int64)
    for k in range(top):
        squares(x, mu[level, k], work, k, d, n)
        h, ck = half * v[level, k], c[level, k]
        for l in range(n):
            work[k, l] = h * work[k, l] + ck
        largest(work, k, top, n)
    count = shares(work, top, n, live)
    for j in range(count):
        k = live[j]
        vk = v[level, k]
        for l in range(n):
            work[k, l] = work[k, l] * vk
    whole = count // 4 * 4
    for i in range(d):
        for l in range(n):
            g[i, l] = zero
        for j in range(0, whole, 4):
            k0, k1, k2, k3 = live[j], live[j + 1], live[j + 2], live[j + 3]
            m0, m1, m2, m3 = mu[level, k0, i], mu[level, k1, i], mu[level, k2, i], mu[level, k3, i]
            for l in range(n):
                t = x[i, l]
                s = (g[i, l] + work[k0, l] * (m0 - t)) + work[k1, l] * (m1 - t)
                g[i, l] = (s + work[k2, l] * (m2 - t)) + work[k3, l] * (m3 - t)
        for j in range(whole, count):
            k = live[j]
            m = mu[level, k, i]
            for l in range(n):
                g[i, l] = g[i, l] + work[k, l] * (m - x[i, l])
        for l in range(n):
            g[i, l] = g[i, l] * work[top + 2, l]


def isotropic_mixture_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """log p."""
    mixture_log(e, n, params[0].shape[1], work)


def diagonal_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k v_k ∘ (μ_k - x), r_k ∝ exp(c_k - ½ Σ_i v_ki (x_i - μ_ki)²)."""
    mu, v, c = params
    top, d = mu.shape[1], mu.shape[2]
    half, zero = real(-0.5), real(0)
    live = np.empty(top, np.int64)
    for k in range(top):
        for l in range(n):
            work[k, l] = zero
        for i in range(d):
            m, vi = mu[level, k, i], v[level, k, i]
            for l in range(n):
                t = m - x[i, l]
                work[k, l] = work[k, l] + vi * (t * t)
        ck = c[level, k]
        for l in range(n):
            work[k, l] = half * work[k, l] + ck
        largest(work, k, top, n)
    count = shares(work, top, n, live)
    for i in range(d):
        for l in range(n):
            g[i, l] = zero
        for j in range(count):
            k = live[j]
            m, vi = mu[level, k, i], v[level, k, i]
            for l in range(n):
                g[i, l] = g[i, l] + work[k, l] * (vi * (m - x[i, l]))
        for l in range(n):
            g[i, l] = g[i, l] * work[top + 2, l]


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
        times(across[k], away, turned, d, d, n)
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
    count = shares(work, top, n, live)
    for i in range(d):
        for l in range(n):
            g[i, l] = zero
    for j in range(count):
        k = live[j]
        for i in range(d):
            row = k * d + i
            for l in range(n):
                away[i, l] = work[k, l] * kept[row, l]
        add_times(back[k], away, g, d, d, n)
    for i in range(d):
        for l in range(n):
            g[i, l] = g[i, l] * work[top + 2, l]


def basis_mixture_log(e: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """log p."""
    mixture_log(e, n, params[0].shape[1], work)
