"""Matrix times block, every sum from the first term to the last: the order is part of the definition.

Blocks have lanes_of(width) lanes, whole tiles; lanes beyond the last are computed, too, and used by nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np

TILE_64, TILE_32 = 32, 64  # lanes in 256 bytes
TILE = TILE_64
PART = 256  # terms at a time: so many rows of a tile stay near the core


def lanes_of(width: Any, rows: Any) -> Any:
    """Lanes that a block has room for: an odd number of tiles, so that rows do not fall on each other in the cache.

    A score without rows of work asks for no tiles.
    """
    return width if rows == 0 else ((width + TILE - 1) // TILE | 1) * TILE


def block(rows: Any, wide: Any, like: Any) -> Any:
    """Zeros (rows, wide) of the type of `like`, where a line of the cache begins: no vector lies across two of them."""
    some = np.zeros(rows * wide + 64 // like.itemsize, like.dtype)
    first = (64 - some.ctypes.data % 64) % 64 // like.itemsize
    return some[first : first + rows * wide].reshape(rows, wide)


def products(count: Any, y: Any, x: Any, a: Any, i: Any, first: Any, last: Any, lo: Any) -> None:
    """y[i + r] = Σ_j a[i + r, j] x[j], r < count, first ≤ j < last, for a tile; compiled: tiles.rows_of_block."""
    for r in range(i, i + count):
        for l in range(lo, lo + TILE):
            y[r, l] = a[r, first] * x[first, l]
    more_products(count, y, x, a, i, first + 1, last, lo)


def more_products(count: Any, y: Any, x: Any, a: Any, i: Any, first: Any, last: Any, lo: Any) -> None:
    """The same terms after what is in y."""
    for r in range(i, i + count):
        for l in range(lo, lo + TILE):
            for j in range(first, last):
                y[r, l] = y[r, l] + a[r, j] * x[j, l]


def times(a: Any, x: Any, y: Any, m: Any, d: Any, lo: Any) -> None:
    """y[i, l] = Σ_j a[i, j] x[j, l], j from 0 to d - 1 in turn, for a tile."""
    whole, last = m // 4 * 4, min(d, PART)
    for i in range(0, whole, 4):
        products(4, y, x, a, i, 0, last, lo)
    if m - whole > 1:
        products(2, y, x, a, whole, 0, last, lo)
    if m % 2 == 1:
        products(1, y, x, a, m - 1, 0, last, lo)
    rest(a, x, y, m, last, d, lo)


def add_times(a: Any, x: Any, y: Any, m: Any, d: Any, lo: Any) -> None:
    """y[i, l] + Σ_j a[i, j] x[j, l], term after term, for a tile."""
    rest(a, x, y, m, 0, d, lo)


def rest(a: Any, x: Any, y: Any, m: Any, begin: Any, d: Any, lo: Any) -> None:
    """The terms from `begin` on."""
    whole = m // 4 * 4
    for first in range(begin, d, PART):
        last = min(d, first + PART)
        for i in range(0, whole, 4):
            more_products(4, y, x, a, i, first, last, lo)
        if m - whole > 1:
            more_products(2, y, x, a, whole, first, last, lo)
        if m % 2 == 1:
            more_products(1, y, x, a, m - 1, first, last, lo)
