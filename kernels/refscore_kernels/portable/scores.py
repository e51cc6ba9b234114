"""Scores of Gaussians for a block (d, n) at one level: g, and log p as a function, called where it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.portable.products import times

__all__ = ["basis_gaussian", "diagonal_gaussian", "gaussian", "inner"]

Array = NDArray[np.floating[Any]]
Params = tuple[Array, ...]
Scored = tuple[Array, Callable[[], Array]]
"""g (d, n), and what gives log p (n,)."""


def inner(x: Array, y: Array) -> Array:
    """Σ_i x_i y_i, i from 0 on in turn."""
    s: Array = x[0] * y[0]
    for i in range(1, len(x)):
        s = s + x[i] * y[i]
    return s


def gaussian(x: Array, level: int, params: Params) -> Scored:
    """-P (x - m), from a[level] = -P; c + ½ Σ_i (x - m)_i g_i."""
    m, a, c = params
    away = x - m[level][:, None]
    g = times(a[level], away)
    return g, lambda: x.dtype.type(0.5) * inner(away, g) + c[level]


def diagonal_gaussian(x: Array, level: int, params: Params) -> Scored:
    """p_i (m_i - x_i); c - ½ Σ_i (m - x)_i g_i."""
    m, p, c = params
    away = m[level][:, None] - x
    g = p[level][:, None] * away
    return g, lambda: x.dtype.type(-0.5) * inner(away, g) + c[level]


def basis_gaussian(x: Array, level: int, params: Params) -> Scored:
    """U f Uᵀ (m - x); c - ½ Σ_i f_i y_i² with y = Uᵀ (m - x)."""
    m, across, back, f, c = params
    y = times(across, m[level][:, None] - x)
    scaled = f[level][:, None] * y
    return times(back, scaled), lambda: x.dtype.type(-0.5) * inner(y, scaled) + c[level]
