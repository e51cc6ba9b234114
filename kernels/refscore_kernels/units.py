"""What the units of a network do, by + - × ÷ and integer operations: the same bits from NumPy and from Numba.

As in :mod:`refscore_kernels.elementary`, every function takes an array, or, compiled, a number.

    e^x = 2^k (1 + rest),   e = e^(-min(|a|, end))   for softplus, e = e^-a, |a| held to `end`, for SiLU     (FWD.1)
    SiLU a = a / (1 + e),   tanh a = (e^2a - 1) / (2 + (e^2a - 1))                                     (FWD.2)
    softplus a = (a + |a|) / 2 + log(1 + e),   log(1 + e) = 2 z (1 + z² g(z²)),   z = e / (2 + e)        (FWD.3)
    GELU a = (a + |a|) / 2 - |a| N(-|a|),   N(-a) = e^(-a²/2) w(1 / (1 + a/k))                         (FWD.4)

(a + |a|)/2 is max(a, 0), exactly, without a choice. g is a Chebyshev fit, w is least in the largest error of N; their
errors are below a fifth of a rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.elementary import exponential_32, exponential_64, f4, power_and_rest_32, power_and_rest_64

__all__ = [
    "gelu_32",
    "gelu_64",
    "log1p_32",
    "log1p_64",
    "silu_32",
    "silu_64",
    "softplus_32",
    "softplus_64",
    "tail_32",
    "tail_64",
    "tanh_32",
    "tanh_64",
]


def log1p_64(e: Any) -> Any:
    """log(1 + e) for 0 ≤ e ≤ 1."""
    z = e / (2.0 + e)
    y = z * z
    g = 0.06657072104827468 + y * (0.06000536404795356 + y * (0.04400369243072337 + y * 0.08082022805971766))
    g = 0.11111111358713932 + y * (0.09090894718066429 + y * (0.07692785032479312 + y * g))
    g = 0.3333333333333333 + y * (0.20000000000007292 + y * (0.1428571428355438 + y * g))
    return (z + z) * (1.0 + y * g)  # (FWD.3)


def log1p_32(e: Any) -> Any:
    """log(1 + e) for 0 ≤ e ≤ 1."""
    z = e / (f4(2) + e)
    y = z * z
    g = f4(0.199998532) + y * (f4(0.14296179) + y * (f4(0.108532879) + y * f4(0.116121646)))
    g = f4(0.333333337) + y * g
    return (z + z) * (f4(1) + y * g)  # (FWD.3)


def tail_64(x: Any, bell: Any) -> Any:
    """N(-x) for 0 ≤ x ≤ 8.5, and less than a rounding of 1 beyond; `bell` = e^(-x²/2)."""
    t = 1.0 / (1.0 + x * 0.2)
    w = -0.5289806611575265 + t * (0.2304160893516748 + t * (-0.05327838056532482 + t * 0.005210111866290731))
    w = -0.5621505510167516 + t * (-0.21913406497883173 + t * (0.6371207089741253 + t * w))
    w = 0.989217798236429 + t * (-1.2710220353935449 + t * (1.2481906259961315 + t * w))
    w = 0.028929963674426053 + t * (0.24997090964856408 + t * (-0.4217476336422139 + t * w))
    w = 4.7542426864880194e-05 + t * (0.07884842972905025 + t * (0.08836114685063687 + t * w))
    return bell * w  # (FWD.4)


def tail_32(x: Any, bell: Any) -> Any:
    """N(-x) for 0 ≤ x ≤ 6, and less than a rounding of 1 beyond; `bell` = e^(-x²/2)."""
    t = f4(1) / (f4(1) + x * f4(0.3333333333333333))
    w = f4(0.121793026) + t * (f4(0.15636004) + t * (f4(-0.147322719) + t * f4(0.0329383854)))
    w = f4(0.118510147) + t * (f4(0.185749172) + t * (f4(0.0304046491) + t * w))
    w = f4(0.00156730132) + t * w
    return bell * w  # (FWD.4)


def silu_64(a: Any) -> Any:
    """SiLU."""
    e = exponential_64(np.minimum(np.maximum(-a, -700.0), 700.0))
    return a * (1.0 / (1.0 + e))  # (FWD.2)


def silu_32(a: Any) -> Any:
    """SiLU."""
    e = exponential_32(np.minimum(np.maximum(-a, f4(-87)), f4(87)))
    return a * (f4(1) / (f4(1) + e))  # (FWD.2)


def tanh_64(a: Any) -> Any:
    """The hyperbolic tangent, 1 from 20 on."""
    power, rest = power_and_rest_64(2.0 * np.minimum(np.maximum(a, -20.0), 20.0))
    less = power * rest + (power - 1.0)  # e^2a - 1, relatively accurate
    return less * (1.0 / (2.0 + less))  # (FWD.2)


def tanh_32(a: Any) -> Any:
    """The hyperbolic tangent, 1 from 10 on."""
    power, rest = power_and_rest_32(f4(2) * np.minimum(np.maximum(a, f4(-10)), f4(10)))
    less = power * rest + (power - f4(1))
    return less * (f4(1) / (f4(2) + less))  # (FWD.2)


def softplus_64(a: Any) -> Any:
    """Softplus."""
    return 0.5 * (a + abs(a)) + log1p_64(exponential_64(-np.minimum(abs(a), 700.0)))  # (FWD.3)


def softplus_32(a: Any) -> Any:
    """Softplus."""
    return f4(0.5) * (a + abs(a)) + log1p_32(exponential_32(-np.minimum(abs(a), f4(87))))  # (FWD.3)


def gelu_64(a: Any) -> Any:
    """GELU."""
    x = np.minimum(abs(a), 37.0)
    return 0.5 * (a + abs(a)) - x * tail_64(x, exponential_64(-0.5 * x * x))  # (FWD.4)


def gelu_32(a: Any) -> Any:
    """GELU."""
    x = np.minimum(abs(a), f4(13))
    return f4(0.5) * (a + abs(a)) - x * tail_32(x, exponential_32(f4(-0.5) * x * x))  # (FWD.4)
