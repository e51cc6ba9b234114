"""The only file that makes randomness: normals and uniforms with the same bits on every machine.

A draw is a function of where it is used, never of what was drawn before. Philox4x32-10 turns an address into four
32-bit words, with the seed as its key:

    w = Philox(c; k),   c = (chain, group, step, stream),   k = (seed mod 2³², ⌊seed / 2³²⌋)          (RNG.1)

where group j serves the dimensions 2j and 2j + 1. So a sample's noise does not depend on the batch it is drawn in, and
a run can be split, reordered or resumed anywhere. Philox is ten rounds of

    c ← (hi(M₁ c₂) ⊕ c₁ ⊕ k₀,  lo(M₁ c₂),  hi(M₀ c₀) ⊕ c₃ ⊕ k₁,  lo(M₀ c₀))                           (RNG.2)

The words make two 64-bit integers, A = 2³² w₀ + w₁ and B = 2³² w₂ + w₃. Both enter floating point on one lattice, so
centred that u and 1 - u are equally likely and neither 0 nor 1 occurs:

    u(A) = (⌊A / 2¹²⌋ + ½) 2⁻⁵²                                                                       (RNG.3)

u(A) and u(B) are two uniforms. By Box-Muller A and B are two normals, the radius from A, angle and signs from B:

    φ = (π/2) (u(4 B mod 2⁶⁴) - ½),   |φ| < π/4                                                       (RNG.4)
    z₀ = ± √(-log u(A)) (cos φ - sin φ),   z₁ = ± √(-log u(A)) (cos φ + sin φ)                        (RNG.5)

with the two top bits of B as signs. Logarithm, sine and cosine are polynomials evaluated in one fixed order with
+ - × ÷ √, each rounded once as IEEE 754 says and never contracted to a fused multiply-add: a compiled twin that keeps
the order gives the same bits. Against the real numbers of (RNG.5) a normal is wrong by at most

    |ẑ - z| ≤ 6 · 2⁻⁵³ √(z₀² + z₁²)                                                                   (RNG.8)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, integer

__all__ = ["normals", "philox4x32_10", "tape", "uniforms"]

Words = NDArray[np.uint64]
Pair = Callable[[Words, Words], tuple[Float, Float]]
Place = Callable[[NDArray[np.int64]], tuple[Words, Words]]

_CHUNK = 16384  # blocks at a time: the temporaries stay in cache; no bit depends on it
_FIRST_UNIFORM = 2**31  # groups below it make normals, groups from it on make uniforms: they share no word
_U1, _U2, _U12, _U32, _U52 = (np.uint64(n) for n in (1, 2, 12, 32, 52))
_LOW, _SIGN, _FRACTION = np.uint64(2**32 - 1), np.uint64(2**63), np.uint64(2**52 - 1)

# Philox (RNG.2): multipliers, and what the key grows by.
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_GROW0, _GROW1 = 0x9E3779B9, 0xBB67AE85

# The minimax polynomials of fdlibm for (RNG.6) and (RNG.7), highest degree first.
# fmt: off
_LOG = (0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784, 0.2857142874366239,
        0.3999999999940942, 0.6666666666666735)
_SIN = (1.58969099521155e-10, -2.5050760253406863e-08, 2.7557313707070068e-06, -0.0001984126982985795,
        0.00833333333332249, -0.16666666666666632)
_COS = (-1.1359647557788195e-11, 2.087572321298175e-09, -2.7557314351390663e-07, 2.480158728947673e-05,
        -0.001388888888887411, 0.0416666666666666)
# fmt: on
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # 32 bits of log 2, so that k h is exact; the rest
_ROOT_HALF = np.uint64(0x3FE6A09E00000000)  # bits of 0.70710659 ≈ √½, where the significand 1 + f starts
_TO_ONE = np.uint64(0x3FF0000000000000) - _ROOT_HALF
_HALF_PI = 1.5707963267948966


def philox4x32_10(counter: ArrayLike, key: ArrayLike) -> NDArray[np.uint32]:
    """Philox4x32-10: for each key a bijection of four words, whose values pass for random.

        c ← (hi(M₁ c₂) ⊕ c₁ ⊕ k₀,  lo(M₁ c₂),  hi(M₀ c₀) ⊕ c₃ ⊕ k₁,  lo(M₀ c₀))                       (RNG.2)

    ten times, hi and lo being the halves of a 64-bit product; between the rounds (k₀, k₁) grows by (0x9E3779B9,
    0xBB67AE85) mod 2³².

    Parameters
    ----------
    counter : (..., 4)
        Integers, 0 <= c < 2**32.
    key : (2,)
        Integers, 0 <= k < 2**32.

    Returns
    -------
    (..., 4) uint32
        Four words for each counter.

    Raises
    ------
    TypeError
        If either holds anything but integers.
    ValueError
        If a shape is another, or a value is out of range.

    Notes
    -----
    Under one key two counters never give the same block.

    Not to be confused with Philox4x64-10, which ``numpy.random.Philox`` is, nor with its 7-round variant.

    References
    ----------
    Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, section 4.3.

    Examples
    --------
    A known answer published with Random123; the input is the digits of π:

    >>> words = philox4x32_10([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0])
    >>> " ".join(f"{w:08x}" for w in words)
    'd16cfe09 94fdcceb 5001e420 24126ea1'
    """
    c, k = _integers(counter, "counter"), _integers(key, "key")
    if c.shape[-1:] != (4,):
        raise ValueError(f"counter has shape {c.shape}; expected (..., 4)")
    if k.shape != (2,):
        raise ValueError(f"key has shape {k.shape}; expected (2,)")
    words = _philox(c[..., 0], c[..., 1], c[..., 2], c[..., 3], int(k[0]), int(k[1]))
    return np.stack(words, axis=-1).astype(np.uint32)


def normals(
    seed: SupportsIndex, chains: ArrayLike, d: SupportsIndex, step: SupportsIndex = 0, *, stream: SupportsIndex = 0
) -> Float:
    """Standard normals for the given chains at one step.

        z₀ = ± √(-log u(A)) (cos φ - sin φ),   z₁ = ± √(-log u(A)) (cos φ + sin φ)                    (RNG.5)

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    chains : (\\*batch,)
        The number of each chain, 0 <= chain < 2**32, in any order.
    d : int
        Dimension, 1 <= d < 2**32.
    step : int
        0 <= step < 2**32.
    stream : int
        0 <= stream < 2**32: one for each use of noise in a program (start, steps, projections, ...).

    Returns
    -------
    (\\*batch, d)
        Each normal depends on the seed, its chain, its dimension, step and stream: not on the other chains, nor on `d`.

    Raises
    ------
    TypeError
        If an argument is not an integer; a bool or a whole float is not.
    ValueError
        If one is out of range.

    Notes
    -----
    The error is at most 6 · 2⁻⁵³ √(z₀² + z₁²) (RNG.8), and every |z| < 8.572. None is 0, but near 0 the relative error
    has no useful bound: the angle stands on a lattice.

    Not to be confused with a generator that has a state: the same arguments give the same normals. New noise takes a
    new step, chain or stream.

    References
    ----------
    Box & Muller (1958), A note on the generation of random normal deviates, eq. 1.

    Examples
    --------
    From the words, by the usual form √(-2 log u) cos θ, √(-2 log u) sin θ and the functions of ``math``:

    >>> import math
    >>> w = [int(word) for word in philox4x32_10([7, 0, 3, 0], [42, 0])]  # chain 7, group 0, step 3, stream 0
    >>> radius = math.sqrt(-2 * math.log(((w[0] << 32 | w[1]) // 2**12 + 0.5) / 2**52))
    >>> theta = math.pi / 2 * ((w[2] % 2**30 * 2**32 + w[3]) // 2**10 + 0.5) / 2**52
    >>> z0, z1 = radius * math.cos(theta) * (-1) ** (w[2] >> 31), radius * math.sin(theta) * (-1) ** (w[2] >> 30)
    >>> bool(np.abs(normals(42, 7, 2, step=3) - [z0, z1]).max() <= 12 * 2**-53 * radius)
    True
    """
    return _draw(_box_muller, seed, chains, d, step, stream, 0)


def uniforms(
    seed: SupportsIndex, chains: ArrayLike, d: SupportsIndex, step: SupportsIndex = 0, *, stream: SupportsIndex = 0
) -> Float:
    """Uniforms in the open interval (0, 1) for the given chains at one step.

        u(A) = (⌊A / 2¹²⌋ + ½) 2⁻⁵²                                                                   (RNG.3)

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    chains : (\\*batch,)
        The number of each chain, 0 <= chain < 2**32, in any order.
    d : int
        How many for each chain, 1 <= d < 2**32.
    step : int
        0 <= step < 2**32.
    stream : int
        0 <= stream < 2**32.

    Returns
    -------
    (\\*batch, d)
        Odd multiples of 2⁻⁵³ from 2⁻⁵³ to 1 - 2⁻⁵³, exactly: log u and log(1 - u) are finite.

    Raises
    ------
    TypeError
        If an argument is not an integer; a bool or a whole float is not.
    ValueError
        If one is out of range.

    Notes
    -----
    Uniforms use the groups from 2³¹ on and :func:`normals` those below, so that at the same seed, chain, step and
    stream the two share no word.

    Not to be confused with ``numpy.random.Generator.random``, which contains 0.

    Examples
    --------
    The same lattice from the words, group 2³¹ being the first for uniforms:

    >>> w = [int(word) for word in philox4x32_10([7, 2**31, 3, 0], [42, 0])]
    >>> uniforms(42, 7, 2, step=3).tolist() == [(2 * ((w[i] << 32 | w[i + 1]) // 2**12) + 1) / 2**53 for i in (0, 2)]
    True
    """
    return _draw(lambda a, b: (_unit(a), _unit(b)), seed, chains, d, step, stream, _FIRST_UNIFORM)


def tape(
    seed: SupportsIndex,
    steps: SupportsIndex,
    batch: SupportsIndex | Sequence[SupportsIndex],
    d: SupportsIndex,
    *,
    stream: SupportsIndex = 0,
    first_step: SupportsIndex = 0,
    first_chain: SupportsIndex = 0,
) -> Float:
    """All the normals of a run: those of :func:`normals`, `steps` steps in a row.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    steps : int
        How many steps; 0 gives an empty tape.
    batch : int or tuple of int
        Shape of the batch, whose chains are numbered in C order; () is one chain without batch axis.
    d : int
        Dimension, 1 <= d < 2**32.
    stream : int
        0 <= stream < 2**32.
    first_step, first_chain : int
        Where the tape starts: a run resumed at step k takes ``first_step=k``, a worker with the chains from n on takes
        ``first_chain=n``.

    Returns
    -------
    (steps, \\*batch, d)
        Normals.

    Raises
    ------
    TypeError
        If an argument is not an integer; a bool or a whole float is not.
    ValueError
        If one is out of range, or the last step or chain is not below 2**32.

    Examples
    --------
    The last step of the last chain, found without the tape:

    >>> bool((tape(42, 5, (2, 3), 4)[4, 1, 2] == normals(42, 5, 4, step=4)).all())
    True
    """
    key, width, use = _key(seed), _integer(d, "d", 32, least=1), _integer(stream, "stream", 32)
    n_steps, begin = _integer(steps, "steps", 33), _integer(first_step, "first_step", 32)
    shape = tuple(_integer(n, "batch", 33) for n in (batch if isinstance(batch, Sequence) else (batch,)))
    count, offset = math.prod(shape), _integer(first_chain, "first_chain", 32)
    if begin + n_steps > 2**32:
        raise ValueError(f"steps is {n_steps} from first_step {begin}; expected first_step + steps <= 2**32")
    if offset + count > 2**32:
        raise ValueError(f"batch {shape} is {count} chains from {offset}; expected first_chain + chains <= 2**32")

    def place(row: NDArray[np.int64]) -> tuple[Words, Words]:
        step = row // count
        return (row - step * count + offset).astype(np.uint64), (step + begin).astype(np.uint64)

    return _fill(_box_muller, key, n_steps * count, width, place, use, 0).reshape((n_steps, *shape, width))


def _draw(
    pair: Pair,
    seed: SupportsIndex,
    chains: ArrayLike,
    d: SupportsIndex,
    step: SupportsIndex,
    stream: SupportsIndex,
    first_group: int,
) -> Float:
    """One step of many chains."""
    key, width, use = _key(seed), _integer(d, "d", 32, least=1), _integer(stream, "stream", 32)
    numbers, at = _integers(chains, "chains"), np.asarray(_integer(step, "step", 32), np.uint64)
    flat = numbers.ravel()
    out = _fill(pair, key, flat.size, width, lambda row: (flat[row], at), use, first_group)
    return out.reshape((*numbers.shape, width))


def _fill(pair: Pair, key: tuple[int, int], rows: int, d: int, place: Place, stream: int, first_group: int) -> Float:
    """Rows of `d` draws, where `place` gives the chain and the step of a row; a chunk of blocks at a time."""
    groups, out, use = (d + 1) // 2, np.empty(rows * d), np.asarray(stream, np.uint64)
    for start in range(0, rows * groups, _CHUNK):
        block = np.arange(start, min(start + _CHUNK, rows * groups), dtype=np.int64)
        row = block // groups
        group = block - row * groups
        chain, step = place(row)
        w = _philox(chain, (group + first_group).astype(np.uint64), step, use, *key)  # (RNG.1)
        first, second = pair((w[0] << _U32) | w[1], (w[2] << _U32) | w[3])
        position = row * d + 2 * group
        out[position] = first
        paired = 2 * group + 1 < d  # an odd d leaves the second draw of its last block unused
        out[position[paired] + 1] = second[paired]
    return out


def _philox(c0: Words, c1: Words, c2: Words, c3: Words, k0: int, k1: int) -> tuple[Words, Words, Words, Words]:
    """Ten rounds on words of 32 bits, each held in 64."""
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        even0, even2 = (p1 >> _U32) ^ c1 ^ np.uint64(k0), (p0 >> _U32) ^ c3 ^ np.uint64(k1)
        c0, c1, c2, c3 = even0, p1 & _LOW, even2, p0 & _LOW  # (RNG.2)
        k0, k1 = (k0 + _GROW0) % 2**32, (k1 + _GROW1) % 2**32
    return c0, c1, c2, c3


def _unit(word: Words) -> Float:
    """The top 52 bits as a number in (0, 1); no operation rounds."""
    return ((word >> _U12).astype(np.float64) + 0.5) * 2.0**-52  # (RNG.3)


def _box_muller(a: Words, b: Words) -> tuple[Float, Float]:
    """Two normals from two words of 64 bits."""
    sine, cosine = _sine_cosine((_unit(b << _U2) - 0.5) * _HALF_PI)  # (RNG.4)
    r = np.sqrt(_minus_log(_unit(a)))
    return _signed(r * (cosine - sine), b), _signed(r * (cosine + sine), b << _U1)  # (RNG.5)


def _signed(z: Float, word: Words) -> Float:
    """`z`, negated where the top bit of `word` is set."""
    return (z.view(np.uint64) ^ (word & _SIGN)).view(np.float64)


def _minus_log(u: Float) -> Float:
    """-log u for 2⁻⁵³ <= u < 1; h + l is log 2 in two parts, P the polynomial.

    -log u = ((½f² - (s (½f² + s² P(s²)) + k l)) - f) - k h,   u = 2ᵏ (1 + f),   s = f / (2 + f)      (RNG.6)
    """
    bits = u.view(np.uint64) + _TO_ONE
    k = (bits >> _U52).astype(np.float64) - 1023.0
    f = ((bits & _FRACTION) + _ROOT_HALF).view(np.float64) - 1.0  # exact; -0.2929 < f < 0.4143
    s = f / (2.0 + f)
    half, z = 0.5 * f * f, s * s
    return ((half - (s * (half + z * _horner(_LOG, z)) + k * _LN2_LOW)) - f) - k * _LN2_HIGH  # (RNG.6)


def _sine_cosine(x: Float) -> tuple[Float, Float]:
    """The sine and cosine of |x| <= π/4; S and C are the polynomials.

    sin x = (x² x) S(x²) + x,   cos x = 1 - (½x² - (x² x²) C(x²))                                     (RNG.7)
    """
    z = x * x
    return (z * x) * _horner(_SIN, z) + x, 1.0 - (0.5 * z - (z * z) * _horner(_COS, z))  # (RNG.7)


def _horner(coefficients: tuple[float, ...], z: Float) -> Float:
    """A polynomial by Horner's rule; product and sum are rounded one after the other."""
    value = coefficients[0] * z + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * z + coefficient
    return value


def _integer(value: SupportsIndex, name: str, bits: int, least: int = 0) -> int:
    """An int from `least` to 2**bits - 1, or say what is wrong."""
    number = integer(value, name)
    if not least <= number < 2**bits:
        raise ValueError(f"{name} is {number}; expected {least} <= {name} < 2**{bits}")
    return number


def _key(seed: SupportsIndex) -> tuple[int, int]:
    """The seed as two words, the low one first."""
    number = _integer(seed, "seed", 64)
    return number % 2**32, number // 2**32  # (RNG.1)


def _integers(value: ArrayLike, name: str) -> Words:
    """An array of words of 32 bits, each held in 64, or say what is wrong."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected integers 0 <= {name} < 2**32")
    if array.size and not (array.min() >= 0 and array.max() < 2**32):
        raise ValueError(f"{name} reaches from {array.min()} to {array.max()}; expected 0 <= {name} < 2**32")
    return array.astype(np.uint64)
