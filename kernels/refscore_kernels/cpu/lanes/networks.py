"""Fully connected networks as scores, a tile of lanes at a time: skip x + out F(into x), all of it fixed by the level.

A tile has TILE lanes, and number j of its lanes at [j * TILE : (j + 1) * TILE] of a row of numbers. `params` are

    w       the matrices of all layers, row by row, one behind the other
    b, c    (L, Σ n_l): biases and gains of all rows, at each level
    s       (L, 3): skip, out and into, at each level
    form    the activation's number, then the widths d, n_1, …, n_L of the layers

so that one compiled function serves networks of any depth and width.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.cpu.lanes.products import TILE_64 as TILE
from refscore_kernels.units import gelu_64 as gelu
from refscore_kernels.units import silu_64 as silu
from refscore_kernels.units import softplus_64 as softplus
from refscore_kernels.units import tanh_64 as tanh


def four_rows(y: Any, x: Any, a: Any, b: Any, i: Any, d: Any) -> None:
    """Rows i … i + 3 of y = b + a x for a tile; compiled code has refscore_kernels.cpu.tiles.rows_of_tile(4)."""
    for r in range(i, i + 4):
        one_row(y, x, a, b, r, d)


def one_row(y: Any, x: Any, a: Any, b: Any, i: Any, d: Any) -> None:
    """Row i of y = b + a x for a tile; compiled code has refscore_kernels.cpu.tiles.rows_of_tile(1)."""
    for l in range(TILE):
        s = b[i]
        for j in range(d):
            s = s + a[i * d + j] * x[j * TILE + l]
        y[i * TILE + l] = s


def affine(y: Any, x: Any, a: Any, b: Any, m: Any, d: Any) -> None:
    """y = b + a x for a tile, a (m, d)."""
    whole = m // 4 * 4
    for i in range(0, whole, 4):
        four_rows(y, x, a, b, i, d)
    for i in range(whole, m):
        one_row(y, x, a, b, i, d)


def activate(y: Any, c: Any, kind: Any, m: Any) -> None:
    """φ(c y) in the place of y, for m rows of a tile."""
    if kind == 0:
        for i in range(m):
            ci = c[i]
            for l in range(TILE):
                y[i * TILE + l] = silu(ci * y[i * TILE + l])
    elif kind == 1:
        for i in range(m):
            ci = c[i]
            for l in range(TILE):
                y[i * TILE + l] = tanh(ci * y[i * TILE + l])
    elif kind == 2:
        for i in range(m):
            ci = c[i]
            for l in range(TILE):
                y[i * TILE + l] = softplus(ci * y[i * TILE + l])
    else:
        for i in range(m):
            ci = c[i]
            for l in range(TILE):
                y[i * TILE + l] = gelu(ci * y[i * TILE + l])


def network(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """skip x + out F(into x)."""
    w, b, c, s, form = params
    skip, out, into = s[level, 0], s[level, 1], s[level, 2]
    kind, d, last, most = form[0], form[1], form.shape[0] - 2, form[1:].max()
    h, a = np.empty(most * TILE, w.dtype), np.empty(most * TILE, w.dtype)
    for lo in range(0, n, TILE):
        m = min(TILE, n - lo)
        for i in range(d):
            for l in range(m):
                h[i * TILE + l] = into * x[i, lo + l]
            for l in range(m, TILE):
                h[i * TILE + l] = 0
        at, row = 0, 0
        for k in range(1, last + 1):
            before, after = form[k], form[k + 1]
            affine(a, h, w[at:], b[level, row:], after, before)
            if k < last:
                activate(a, c[level, row:], kind, after)
            at, row = at + after * before, row + after
            h, a = a, h
        for i in range(d):
            for l in range(m):
                g[i, lo + l] = skip * x[i, lo + l] + out * h[i * TILE + l]


def run_score_network(params: Any, x: Any, s: Any, span: Any) -> None:
    """s[l] = the score at x[l], at level 0, for the lanes of `span`, (begin, end, width)."""
    begin, end, width = span
    d = x.shape[1]
    u, g = np.empty((d, width), x.dtype), np.empty((d, width), x.dtype)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        for i in range(d):
            for l in range(n):
                u[i, l] = x[lo + l, i]
        network(u, g, n, 0, params, u)
        for i in range(d):
            for l in range(n):
                s[lo + l, i] = g[i, l]
