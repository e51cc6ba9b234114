"""Scores of a block at one level: score(x, g, n, level, params, work) writes g[:d, :n].

`params` are arrays whose first axis is the level; `work` has the rows that the score says it needs.
"""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.products import times
from refscore_kernels.elementary import LOWEST_64 as LOWEST
from refscore_kernels.elementary import exponential_64 as exponential
from refscore_kernels.elementary import f8 as real


def gaussian(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """-P (x - m), from a[level] = -P."""
    m, a = params
    d = m.shape[1]
    for i in range(d):
        c = m[level, i]
        for l in range(n):
            work[i, l] = x[i, l] - c
    times(a[level], work, g, d, d, n)


def isotropic_mixture(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Σ_k r_k v_k (μ_k - x) with v_k = 1/σ_k², r_k ∝ exp(c_k - ½ v_k |x - μ_k|²)."""
    mu, v, c = params
    n_components, d = mu.shape[1], mu.shape[2]
    top, total = n_components, n_components + 1
    half = real(-0.5)
    for k in range(n_components):
        b = mu[level, k, 0]
        for l in range(n):
            t = x[0, l] - b
            work[k, l] = t * t
        for i in range(1, d):
            b = mu[level, k, i]
            for l in range(n):
                t = x[i, l] - b
                work[k, l] = work[k, l] + t * t
        h, c0 = half * v[level, k], c[level, k]
        if k == 0:
            for l in range(n):
                e = h * work[k, l] + c0
                work[k, l] = e
                work[top, l] = e
        else:
            for l in range(n):
                e = h * work[k, l] + c0
                work[k, l] = e
                work[top, l] = e if e > work[top, l] else work[top, l]
    for k in range(n_components):
        vk = v[level, k]
        for l in range(n):
            e = work[k, l] - work[top, l]
            p = exponential(e if e > LOWEST else LOWEST)
            work[total, l] = p if k == 0 else work[total, l] + p
            work[k, l] = p * vk
    for l in range(n):
        work[total, l] = real(1) / work[total, l]
    for i in range(d):
        b = mu[level, 0, i]
        for l in range(n):
            g[i, l] = work[0, l] * (b - x[i, l])
        for k in range(1, n_components):
            b = mu[level, k, i]
            for l in range(n):
                g[i, l] = g[i, l] + work[k, l] * (b - x[i, l])
        for l in range(n):
            g[i, l] = g[i, l] * work[total, l]
