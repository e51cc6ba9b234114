"""Fully connected networks as scores for a block (d, n) at one level."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels import units
from refscore_kernels.portable.scores import Scored

__all__ = ["PHI", "network"]

Array = NDArray[np.floating[Any]]
PIECE = 256  # lanes at a time: a layer and what is added to it stay in cache; no bit depends on it

PHI = (
    (units.silu_64, units.silu_32),
    (units.tanh_64, units.tanh_32),
    (units.softplus_64, units.softplus_32),
    (units.gelu_64, units.gelu_32),
)
"""The activations by their numbers, in float64 and float32."""


def network(x: Array, level: int, params: tuple[Any, ...]) -> Scored:
    """skip x + out F(into x)."""
    w, b, c, s, form = params
    (skip, out, into), (kind, *widths) = s[level], form.tolist()
    phi = PHI[kind][x.dtype == np.float32]
    g = np.empty_like(x)
    for lo in range(0, x.shape[1], PIECE):
        part = x[:, lo : lo + PIECE]
        h, at, row = into * part, 0, 0
        for k, (before, after) in enumerate(pairwise(widths)):
            h = _affine(w[at : at + after * before].reshape(after, before), b[level, row : row + after], h)
            if k < len(widths) - 2:
                h = phi(c[level, row : row + after, None] * h)
            at, row = at + after * before, row + after
        g[:, lo : lo + PIECE] = skip * part + out * h
    return g, _no_density


def _affine(a: Array, b: Array, x: Array) -> Array:
    """b + a x, term after term."""
    y, term = np.repeat(b[:, None], x.shape[1], 1), np.empty((len(b), x.shape[1]), x.dtype)
    for j in range(len(x)):
        y += np.multiply(a[:, j, None], x[j], out=term)  # (FWD.5)
    return y


def _no_density() -> Array:
    raise ValueError("a network is a score without a density; expected a sampler that asks for none")
