"""Matrix times block, term after term."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_times", "times"]

Array = NDArray[np.floating[Any]]


def times(a: Array, x: Array) -> Array:
    """Σ_j a[:, j] x[j] for x (d, n), j from 0 on in turn; (m, n)."""
    y: Array = a[:, :1] * x[0]
    for j in range(1, a.shape[1]):
        y += a[:, j, None] * x[j]
    return y


def add_times(y: Array, a: Array, x: Array) -> None:
    """y + Σ_j a[:, j] x[j] in the place of y, term after term."""
    for j in range(a.shape[1]):
        y += a[:, j, None] * x[j]
