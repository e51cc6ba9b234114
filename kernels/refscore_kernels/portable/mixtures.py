"""Scores of mixtures for a block (d, n) at one level, in differences μ_k - x: (g, log p)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.elementary import (
    LOWEST_32,
    LOWEST_64,
    exponential_32,
    exponential_64,
    minus_log_32,
    minus_log_64,
)
from refscore_kernels.portable.products import add_times, times
from refscore_kernels.portable.scores import Params, Scored, inner

__all__ = ["basis_mixture", "diagonal_mixture", "exponential", "isotropic_mixture", "minus_log"]

Array = NDArray[np.floating[Any]]


def exponential(x: Array) -> Array:
    """e^x for x ≤ 0; 0 from LOWEST down."""
    if x.dtype == np.float32:
        return np.where(x > LOWEST_32, exponential_32(np.where(x > LOWEST_32, x, LOWEST_32)), np.float32(0))
    return np.where(x > LOWEST_64, exponential_64(np.where(x > LOWEST_64, x, LOWEST_64)), 0.0)


def minus_log(u: Array) -> Array:
    """-log u."""
    value: Array = minus_log_32(u) if u.dtype == np.float32 else minus_log_64(u)
    return value


def isotropic_mixture(x: Array, level: int, params: Params) -> Scored:
    """Σ_k r_k v_k (μ_k - x), r_k ∝ exp(c_k - ½ v_k |x - μ_k|²), v_k = 1/σ_k²."""
    mu, v, c = (p[level] for p in params)
    half = x.dtype.type(-0.5)
    exponents = []
    for m, h, ck in zip(mu, half * v, c):
        away = x - m[:, None]
        exponents.append(h * inner(away, away) + ck)
    top, total, shares = _shares(exponents)
    g = np.zeros_like(x)
    for m, vk, share in zip(mu, v, shares):
        weight = share * vk
        g += weight * (m[:, None] - x)
    return g * (x.dtype.type(1) / total), lambda: top - minus_log(total)


def diagonal_mixture(x: Array, level: int, params: Params) -> Scored:
    """Σ_k r_k v_k ∘ (μ_k - x), r_k ∝ exp(c_k - ½ Σ_i v_ki (x_i - μ_ki)²)."""
    mu, v, c = (p[level] for p in params)
    half = x.dtype.type(-0.5)
    exponents = []
    for m, vk, ck in zip(mu, v, c):
        s = np.zeros_like(x[0])
        for i in range(len(x)):
            t = m[i] - x[i]
            s += vk[i] * (t * t)
        exponents.append(half * s + ck)
    top, total, shares = _shares(exponents)
    g = np.zeros_like(x)
    for m, vk, share in zip(mu, v, shares):
        g += share * (vk[:, None] * (m[:, None] - x))
    return g * (x.dtype.type(1) / total), lambda: top - minus_log(total)


def basis_mixture(x: Array, level: int, params: Params) -> Scored:
    """Σ_k r_k U_k f_k U_kᵀ (μ_k - x), r_k ∝ exp(c_k - ½ Σ_i f_ki y_ki²), y_k = U_kᵀ (μ_k - x)."""
    mu, across, back, f, c = params
    half = x.dtype.type(-0.5)
    exponents, scaled = [], []
    for m, turn, fk, ck in zip(mu[level], across, f[level], c[level]):
        y = times(turn, m[:, None] - x)
        t = fk[:, None] * y
        s = np.zeros_like(x[0])
        for i in range(len(x)):
            s += t[i] * y[i]
        exponents.append(half * s + ck)
        scaled.append(t)
    top, total, shares = _shares(exponents)
    g = np.zeros_like(x)
    for turn, t, share in zip(back, scaled, shares):
        add_times(g, turn, share * t)
    return g * (x.dtype.type(1) / total), lambda: top - minus_log(total)


def _shares(exponents: list[Array]) -> tuple[Array, Array, list[Array]]:
    """The largest exponent, the sum of e^(exponent - largest), and these."""
    top = exponents[0]
    for e in exponents[1:]:
        top = np.where(e > top, e, top)
    shares = [exponential(e - top) for e in exponents]
    total = np.zeros_like(top)
    for share in shares:
        total = total + share
    return top, total, shares
