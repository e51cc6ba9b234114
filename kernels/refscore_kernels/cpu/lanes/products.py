"""Matrix times block, every sum from the first term to the last: the order is part of the definition."""

from __future__ import annotations

from typing import Any


def times(a: Any, x: Any, y: Any, m: Any, d: Any, n: Any) -> None:
    """y[i, l] = Σ_j a[i, j] x[j, l], j from 0 to d - 1 in turn."""
    for i in range(m):
        c = a[i, 0]
        for l in range(n):
            y[i, l] = c * x[0, l]
    rest(a, x, y, m, 1, d, n)


def add_times(a: Any, x: Any, y: Any, m: Any, d: Any, n: Any) -> None:
    """y[i, l] + Σ_j a[i, j] x[j, l], term after term."""
    rest(a, x, y, m, 0, d, n)


def rest(a: Any, x: Any, y: Any, m: Any, first: Any, d: Any, n: Any) -> None:
    """The terms from `first` on; eight at a time stay in registers."""
    whole = first + (d - first) // 8 * 8
    for i in range(m):
        for j in range(first, whole, 8):
            c0, c1, c2, c3 = a[i, j], a[i, j + 1], a[i, j + 2], a[i, j + 3]
            c4, c5, c6, c7 = a[i, j + 4], a[i, j + 5], a[i, j + 6], a[i, j + 7]
            for l in range(n):
                s = (((y[i, l] + c0 * x[j, l]) + c1 * x[j + 1, l]) + c2 * x[j + 2, l]) + c3 * x[j + 3, l]
                s = ((s + c4 * x[j + 4, l]) + c5 * x[j + 5, l]) + c6 * x[j + 6, l]
                y[i, l] = s + c7 * x[j + 7, l]
        for j in range(whole, d):
            c = a[i, j]
            for l in range(n):
                y[i, l] = y[i, l] + c * x[j, l]
