"""One pass over memory for an activation, its slope and the bias before it, compiled by Numba.

The loops are vectorised by LLVM, which needs elementary functions without branches and calls: hence own exponential,
logarithm and normal distribution function, in operations that IEEE 754 fixes, one after the other, with nothing
contracted or reordered. So the same numbers come out on every machine.

    e^x = 2^k (1 + r + r² q(r)),   k = round(x / log 2),   r = x - k log 2                              polynomial q
    log(1 + e) = 2 z (1 + z² g(z²)),   z = e / (2 + e) ≤ 1/3                                             polynomial g
    N(-x) = e^(-x²/2) w(1 / (1 + x/k)),   0 ≤ x ≤ 8.5                                                   polynomial w

q and g are Chebyshev fits, w is least in the largest error of N; their errors are below a fifth of a rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

f4 = np.float32
i4 = np.int32
i8 = np.int64
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


def exponential_32(x):
    t = x * f4(1.4426950408889634) + f4(12582912.0)  # 1.5 · 2^23: k stands in the low bits
    k = t - f4(12582912.0)
    r = (x - k * f4(0.693359375)) - k * f4(-2.12194440e-4)
    q = f4(0.00836320297) + r * f4(0.00139262135)
    q = f4(0.16666576846) + r * (f4(0.04166655444) + r * q)
    power = i4((f4(t).view(i4) << i4(23)) + i4(0x3F800000)).view(f4)
    return power, r + (r * r) * (f4(0.5) + r * q)


def exponential_64(x):
    t = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 · 2^52
    k = t - 6755399441055744.0
    r = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    q = 2.7557268378684192e-06 + r * (2.7620138719733994e-07 + r * 2.5100424157005067e-08)
    q = 0.0013888888917281794 + r * (0.00019841269863105968 + r * (2.480152119021773e-05 + r * q))
    q = 0.16666666666666669 + r * (0.04166666666662399 + r * (0.008333333333330051 + r * q))
    power = i8((np.float64(t).view(i8) << i8(52)) + i8(0x3FF0000000000000)).view(np.float64)
    return power, r + (r * r) * (0.5 + r * q)


def log1p_32(e):
    z = e / (f4(2) + e)
    y = z * z
    g = f4(0.199998532) + y * (f4(0.14296179) + y * (f4(0.108532879) + y * f4(0.116121646)))
    g = f4(0.333333337) + y * g
    return (z + z) * (f4(1) + y * g)


def log1p_64(e):
    z = e / (2.0 + e)
    y = z * z
    g = 0.06657072104827468 + y * (0.06000536404795356 + y * (0.04400369243072337 + y * 0.08082022805971766))
    g = 0.11111111358713932 + y * (0.09090894718066429 + y * (0.07692785032479312 + y * g))
    g = 0.3333333333333333 + y * (0.20000000000007292 + y * (0.1428571428355438 + y * g))
    return (z + z) * (1.0 + y * g)


def tail_32(x, bell):
    t = f4(1) / (f4(1) + x * f4(0.3333333333333333))
    w = f4(0.121793026) + t * (f4(0.15636004) + t * (f4(-0.147322719) + t * f4(0.0329383854)))
    w = f4(0.118510147) + t * (f4(0.185749172) + t * (f4(0.0304046491) + t * w))
    w = f4(0.00156730132) + t * w
    return bell * w


def tail_64(x, bell):
    t = 1.0 / (1.0 + x * 0.2)
    w = -0.5289806611575265 + t * (0.2304160893516748 + t * (-0.05327838056532482 + t * 0.005210111866290731))
    w = -0.5621505510167516 + t * (-0.21913406497883173 + t * (0.6371207089741253 + t * w))
    w = 0.989217798236429 + t * (-1.2710220353935449 + t * (1.2481906259961315 + t * w))
    w = 0.028929963674426053 + t * (0.24997090964856408 + t * (-0.4217476336422139 + t * w))
    w = 4.7542426864880194e-05 + t * (0.07884842972905025 + t * (0.08836114685063687 + t * w))
    return bell * w


@overload(exponential, jit_options=INLINE)
def _exponential(x):
    return exponential_32 if x == types.float32 else exponential_64


@overload(log1p, jit_options=INLINE)
def _log1p(e):
    return log1p_32 if e == types.float32 else log1p_64


@overload(tail, jit_options=INLINE)
def _tail(x, bell):  # noqa: ARG001
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
