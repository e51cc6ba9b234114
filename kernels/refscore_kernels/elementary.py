"""exp, log, sin and cos by + - × ÷ √ and integer operations, each rounded once: the same bits on every machine.

Every function here takes a NumPy array, or, compiled by Numba, a number, and gives the same bits either way: nothing is
contracted, and no library is asked. float64 and float32 have functions of their own.

    e^x = 2^k (1 + r + r² q(r)),   k = round(x / log 2),   r = x - k log 2                              (ELM.1)
    -log u = ((½f² - (s (½f² + s² P(s²)) + k l)) - f) - k h,   u = 2ᵏ (1 + f),   s = f / (2 + f)        (ELM.2)
    sin x = (x² x) S(x²) + x,   cos x = 1 - (½x² - (x² x²) C(x²)),   |x| ≤ π/4                          (ELM.3)

q is a Chebyshev fit; P, S and C are fdlibm's in float64, where (ELM.2) and (ELM.3) are those of ``refscore.noise``.
In float32 they are Cephes's, with -log u = ½f² - f - f³ L(f) - k log 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

f4, f8, i4, i8, u4, u8 = np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64

LOWEST_64, LOWEST_32 = -700.0, f4(-87.0)  # below, e^x is taken as e^LOWEST: no subnormal number is made

# Shifts and masks have the type of what they meet: a mixed one would be a float.
S9, S23, S32 = u4(9), u4(23), u8(32)
S1, S2, S12, S52, I52, I23 = u8(1), u8(2), u8(12), u8(52), i8(52), i4(23)
LOW, ONE_BITS, FRACTION, SIGN = u8(2**32 - 1), u8(0x3FF0000000000000), u8(2**52 - 1), u8(2**63)
MAGIC, ROOT_HALF = u8(0x4330000000000000), u8(0x3FE6A09E00000000)  # 2^52; 0.70710659 ≈ √½
TO_ONE = u8(0x3FF0000000000000 - 0x3FE6A09E00000000)
ONE_BITS_32, FRACTION_32, ROOT_HALF_32, SIGN_32 = u4(0x3F800000), u4(0x7FFFFF), u4(0x3F3504F3), u4(0x80000000)
TO_ONE_32 = u4(0x3F800000 - 0x3F3504F3)
T1, T2 = u4(1), u4(2)
POWER_64, POWER_32 = i8(0x3FF0000000000000), i4(0x3F800000)


def power_and_rest_64(x: Any) -> tuple[Any, Any]:
    """2^k and e^r - 1 with e^x = 2^k e^r, for -700 ≤ x ≤ 700."""
    t = x * 1.4426950408889634 + 6755399441055744.0  # 1.5 · 2^52: k stands in the low bits
    k = t - 6755399441055744.0
    r = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    q = 2.7557268378684192e-06 + r * (2.7620138719733994e-07 + r * 2.5100424157005067e-08)
    q = 0.0013888888917281794 + r * (0.00019841269863105968 + r * (2.480152119021773e-05 + r * q))
    q = 0.16666666666666669 + r * (0.04166666666662399 + r * (0.008333333333330051 + r * q))
    power = i8((f8(t).view(i8) << I52) + POWER_64).view(f8)
    return power, r + (r * r) * (0.5 + r * q)


def exponential_64(x: Any) -> Any:
    """e^x for -700 ≤ x ≤ 700."""
    power, rest = power_and_rest_64(x)
    return power + power * rest  # (ELM.1)


def power_and_rest_32(x: Any) -> tuple[Any, Any]:
    """2^k and e^r - 1 with e^x = 2^k e^r, for -87 ≤ x ≤ 87."""
    t = x * f4(1.4426950408889634) + f4(12582912.0)  # 1.5 · 2^23
    k = t - f4(12582912.0)
    r = (x - k * f4(0.693359375)) - k * f4(-2.12194440e-4)
    q = f4(0.00836320297) + r * f4(0.00139262135)
    q = f4(0.16666576846) + r * (f4(0.04166655444) + r * q)
    power = i4((f4(t).view(i4) << I23) + POWER_32).view(f4)
    return power, r + (r * r) * (f4(0.5) + r * q)


def exponential_32(x: Any) -> Any:
    """e^x for -87 ≤ x ≤ 87."""
    power, rest = power_and_rest_32(x)
    return power + power * rest  # (ELM.1)


def minus_log_64(u: Any) -> Any:
    """-log u for normal positive u."""
    bits = f8(u).view(u8) + TO_ONE
    k = u8(MAGIC | (bits >> S52)).view(f8) - 4503599627371519.0  # 2^52 + 1023: an integer, exactly
    f = u8((bits & FRACTION) + ROOT_HALF).view(f8) - 1.0
    s = f / (2.0 + f)
    half, z = 0.5 * f * f, s * s
    p = 0.14798198605116586 * z + 0.15313837699209373
    p = ((p * z + 0.1818357216161805) * z + 0.22222198432149784) * z + 0.2857142874366239
    p = (p * z + 0.3999999999940942) * z + 0.6666666666666735
    return ((half - (s * (half + z * p) + k * 1.9082149292705877e-10)) - f) - k * 0.6931471803691238  # (ELM.2)


def minus_log_32(u: Any) -> Any:
    """-log u for normal positive u."""
    bits = u4(f4(u).view(u4) + TO_ONE_32)
    k = f4(i4(bits >> S23)) - f4(127)
    f = u4((bits & FRACTION_32) + ROOT_HALF_32).view(f4) - f4(1)
    z = f * f
    p = f4(7.0376836292e-2) * f + f4(-1.1514610310e-1)
    p = ((p * f + f4(1.1676998740e-1)) * f + f4(-1.2420140846e-1)) * f + f4(1.4249322787e-1)
    p = ((p * f + f4(-1.6668057665e-1)) * f + f4(2.0000714765e-1)) * f + f4(-2.4999993993e-1)
    p = p * f + f4(3.3333331174e-1)
    y = (p * f) * z + k * f4(-2.12194440e-4)
    y = z * f4(-0.5) + y
    return -((f + y) + k * f4(0.693359375))  # (ELM.2)


def sine_cosine_64(x: Any) -> tuple[Any, Any]:
    """sin x and cos x for |x| ≤ π/4."""
    z = x * x
    s = (1.58969099521155e-10 * z + -2.5050760253406863e-08) * z + 2.7557313707070068e-06
    s = ((s * z + -0.0001984126982985795) * z + 0.00833333333332249) * z + -0.16666666666666632
    c = (-1.1359647557788195e-11 * z + 2.087572321298175e-09) * z + -2.7557314351390663e-07
    c = ((c * z + 2.480158728947673e-05) * z + -0.001388888888887411) * z + 0.0416666666666666
    return (z * x) * s + x, 1.0 - (0.5 * z - (z * z) * c)  # (ELM.3)


def sine_cosine_32(x: Any) -> tuple[Any, Any]:
    """sin x and cos x for |x| ≤ π/4."""
    z = x * x
    s = (f4(-1.9515295891e-4) * z + f4(8.3321608736e-3)) * z + f4(-1.6666654611e-1)
    c = (f4(2.443315711809948e-5) * z + f4(-1.388731625493765e-3)) * z + f4(4.166664568298827e-2)
    return (z * x) * s + x, f4(1) - (f4(0.5) * z - (z * z) * c)  # (ELM.3)


def turn(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """One round of Philox4x32 on words of 32 bits, each held in 64 (RNG.2)."""
    p0, p1 = u8(0xD2511F53) * c0, u8(0xCD9E8D57) * c2
    return (p1 >> S32) ^ c1 ^ k0, p1 & LOW, (p0 >> S32) ^ c3 ^ k1, p0 & LOW


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k: Any) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10; k are the ten pairs of round keys, in a row."""
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[0], k[1])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[2], k[3])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[4], k[5])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[6], k[7])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[8], k[9])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[10], k[11])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[12], k[13])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[14], k[15])
    c0, c1, c2, c3 = turn(c0, c1, c2, c3, k[16], k[17])
    return turn(c0, c1, c2, c3, k[18], k[19])


def unit_64(word: Any) -> Any:
    """(⌊word / 2¹²⌋ + ½) 2⁻⁵² (RNG.3), exactly."""
    return u8((word >> S12) | ONE_BITS).view(f8) - 0.9999999999999999  # 1 - 2^-53


def normals_64(w0: Any, w1: Any, w2: Any, w3: Any) -> tuple[Any, Any]:
    """Two normals from four words (RNG.5)."""
    a, b = (w0 << S32) | w1, (w2 << S32) | w3
    phi = (
        u8(((b << S2) >> S12) | ONE_BITS).view(f8) - 1.5
    ) + 1.1102230246251565e-16  # the middle of 2^52 cells: + 2^-53
    sine, cosine = sine_cosine_64(phi * 1.5707963267948966)
    r = np.sqrt(minus_log_64(unit_64(a)))
    z0, z1 = r * (cosine - sine), r * (cosine + sine)
    return u8(f8(z0).view(u8) ^ (b & SIGN)).view(f8), u8(f8(z1).view(u8) ^ ((b << S1) & SIGN)).view(f8)


def normals_32(a: Any, b: Any) -> tuple[Any, Any]:
    """Two normals of float32 from two words of 32 bits, as (RNG.5): 31 bits and more of u, 23 of φ."""
    u = f4(a) * f4(2.0**-32) + f4(2.0**-33)
    phi = (u4(u4(u4(b << T2) >> S9) | ONE_BITS_32).view(f4) - f4(1.5)) + f4(2.0**-24)
    sine, cosine = sine_cosine_32(phi * f4(1.5707963267948966))
    r = np.sqrt(minus_log_32(u))
    z0, z1 = r * (cosine - sine), r * (cosine + sine)
    return u4(f4(z0).view(u4) ^ (b & SIGN_32)).view(f4), u4(f4(z1).view(u4) ^ (u4(b << T1) & SIGN_32)).view(f4)
