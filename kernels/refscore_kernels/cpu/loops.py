"""One pass over memory for an activation, its slope and the bias before it, compiled by Numba.

The loops are vectorised by LLVM, which needs elementary functions without branches and calls: hence own exponential,
logarithm and normal distribution function, in operations that IEEE 754 fixes, one after the other, with nothing
contracted or reordered. So the same numbers come out on every machine.

The functions are those of :mod:`refscore_kernels.elementary` and :mod:`refscore_kernels.units`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from refscore_kernels.elementary import f4, power_and_rest_32, power_and_rest_64
from refscore_kernels.units import log1p_32, log1p_64, tail_32, tail_64

INLINE = {"error_model": "numpy", "forceinline": True}


def like(x: Any, number: float) -> Any:
    """`number` in the type of x; compiled code only."""
    raise NotImplementedError


def limit(x: Any) -> Any:
    """The largest |x| that `exponential` takes; compiled code only."""
    raise NotImplementedError


def exponential(x: Any) -> Any:
    """(2^k, e^r - 1) with e^x = 2^k e^r, for |x| ≤ limit(x); compiled code only."""
    raise NotImplementedError


def log1p(e: Any) -> Any:
    """log(1 + e) for 0 ≤ e ≤ 1; compiled code only."""
    raise NotImplementedError


def tail(x: Any, bell: Any) -> Any:
    """N(-x) for 0 ≤ x ≤ 6 in float32, 8.5 in float64, and `bell` = e^(-x²/2); compiled code only."""
    raise NotImplementedError


@overload(exponential, jit_options=INLINE)
def _exponential(x: Any) -> Any:
    return power_and_rest_32 if x == types.float32 else power_and_rest_64


@overload(log1p, jit_options=INLINE)
def _log1p(e: Any) -> Any:
    return log1p_32 if e == types.float32 else log1p_64


@overload(tail, jit_options=INLINE)
def _tail(x: Any, bell: Any) -> Any:  # noqa: ARG001
    return tail_32 if x == types.float32 else tail_64


@overload(limit, jit_options=INLINE)
def _limit(x):
    return (lambda x: f4(87)) if x == types.float32 else (lambda x: 700.0)  # noqa: ARG005


@overload(like, jit_options=INLINE)
def _like(x, number):  # noqa: ARG001
    return (lambda x, number: f4(number)) if x == types.float32 else (lambda x, number: np.float64(number))  # noqa: ARG005


@njit(**INLINE)
def bounded(x):
    """x between the ends of what `exponential` takes; not a number stays so."""
    end = limit(x)
    x = end if x > end else x
    return -end if x < -end else x


@njit(**INLINE)
def tanh_of(x):
    one, two = like(x, 1), like(x, 2)
    power, rest = exponential(bounded(two * x))
    less = power * rest + (power - one)  # e^2x - 1, relatively accurate
    q = one / (two + less)
    return less * q, (two * q) * (two * (power + power * rest) * q)


@njit(**INLINE)
def softplus_of(x):
    zero, one = like(x, 0), like(x, 1)
    power, rest = exponential(bounded(-abs(x)))
    e = power + power * rest
    return (zero if x < zero else x) + log1p(e), (e if x < zero else one) / (one + e)


@njit(**INLINE)
def silu_of(x):
    one = like(x, 1)
    power, rest = exponential(bounded(-x))
    e = power + power * rest
    s = one / (one + e)
    h = x * s
    return h, s * (one + h * e)


@njit(**INLINE)
def gelu_of(x):
    zero, one = like(x, 0), like(x, 1)
    power, rest = exponential(bounded(like(x, -0.5) * x * x))
    bell = power + power * rest
    below = tail(abs(x), bell)
    cdf = below if x < zero else one - below
    return x * cdf, cdf + like(x, 0.3989422804014327) * x * bell  # 1/√(2π)


@njit(cache=True, error_model="numpy")
def tanh(a, bias):
    """φ(a + bias) in the place of a."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = tanh_of(a[i, j] + bias[j])[0]


@njit(cache=True, error_model="numpy")
def tanh_slope(a, bias, slope):
    """φ(a + bias) in the place of a, and φ'(a + bias)."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j], slope[i, j] = tanh_of(a[i, j] + bias[j])


@njit(cache=True, error_model="numpy")
def softplus(a, bias):
    """φ(a + bias) in the place of a."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = softplus_of(a[i, j] + bias[j])[0]


@njit(cache=True, error_model="numpy")
def softplus_slope(a, bias, slope):
    """φ(a + bias) in the place of a, and φ'(a + bias)."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j], slope[i, j] = softplus_of(a[i, j] + bias[j])


@njit(cache=True, error_model="numpy")
def silu(a, bias):
    """φ(a + bias) in the place of a."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = silu_of(a[i, j] + bias[j])[0]


@njit(cache=True, error_model="numpy")
def silu_slope(a, bias, slope):
    """φ(a + bias) in the place of a, and φ'(a + bias)."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j], slope[i, j] = silu_of(a[i, j] + bias[j])


@njit(cache=True, error_model="numpy")
def gelu(a, bias):
    """φ(a + bias) in the place of a."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = gelu_of(a[i, j] + bias[j])[0]


@njit(cache=True, error_model="numpy")
def gelu_slope(a, bias, slope):
    """φ(a + bias) in the place of a, and φ'(a + bias)."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j], slope[i, j] = gelu_of(a[i, j] + bias[j])
