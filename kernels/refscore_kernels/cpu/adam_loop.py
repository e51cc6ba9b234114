"""One step of Adam as one loop, compiled by Numba: the operations of refscore's in their order, none contracted."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def advance(theta, gradient, m, v, beta1, rest1, beta2, rest2, floor, length):
    """(ADA.1) and (ADA.3) in place."""
    for i in range(theta.size):
        g = gradient[i]
        mean = m[i] * beta1 + g * rest1
        square = v[i] * beta2 + (g * g) * rest2
        m[i], v[i] = mean, square
        theta[i] -= mean / (np.sqrt(square) + floor) * length
