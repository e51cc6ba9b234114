"""Scores of a block (d, n) at one level, under the names and with the parameters of the compiled ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.elementary import LOWEST_32, LOWEST_64, exponential_32, exponential_64
from refscore_kernels.portable.products import times

__all__ = ["exponential", "gaussian", "isotropic_mixture"]

Array = NDArray[np.floating[Any]]
Params = tuple[Array, ...]


def exponential(x: Array) -> Array:
    """e^x for x ≤ 0, from e^LOWEST on."""
    if x.dtype == np.float32:
        value: Array = exponential_32(np.where(x > LOWEST_32, x, LOWEST_32))
        return value
    return np.asarray(exponential_64(np.where(x > LOWEST_64, x, LOWEST_64)))


def gaussian(x: Array, level: int, params: Params) -> Array:
    """-P (x - m), from a[level] = -P."""
    m, a = params
    return times(a[level], x - m[level][:, None])


def isotropic_mixture(x: Array, level: int, params: Params) -> Array:
    """Σ_k r_k v_k (μ_k - x) with v_k = 1/σ_k², r_k ∝ exp(c_k - ½ v_k |x - μ_k|²)."""
    mu, v, c = (p[level] for p in params)
    half = x.dtype.type(-0.5)
    terms = []
    for k in range(len(mu)):
        t = x[0] - mu[k, 0]
        distance = t * t
        for i in range(1, len(x)):
            t = x[i] - mu[k, i]
            distance = distance + t * t
        terms.append((half * v[k]) * distance + c[k])
    top = terms[0]
    for term in terms[1:]:
        top = np.where(term > top, term, top)
    shares = [exponential(term - top) for term in terms]
    total = shares[0]
    for share in shares[1:]:
        total = total + share
    inverse = x.dtype.type(1) / total
    g = np.empty_like(x)
    for i in range(len(x)):
        s = (shares[0] * v[0]) * (mu[0, i] - x[i])
        for k in range(1, len(mu)):
            s = s + (shares[k] * v[k]) * (mu[k, i] - x[i])
        g[i] = s * inverse
    return g
