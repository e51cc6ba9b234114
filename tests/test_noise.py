"""noise.py: the bits from a second, scalar derivation; the error from 50 digits; the law from exact tests."""

import math
import struct
import tracemalloc

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refscore import noise

U = 2.0**-53
FALSE_ALARM = 1e-10  # of each statistical comparison below; there are fewer than 1000, so of all of them below 1e-7

words32 = st.integers(0, 2**32 - 1)
seeds = st.integers(0, 2**64 - 1)


# --- a second derivation of the bits: one number at a time, Python integers and floats, no bit patterns of floats


def scalar_philox(counter, key):
    x, y = list(counter), list(key)
    for n in range(10):
        left, right = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        k = [(y[0] + n * 0x9E3779B9) % 2**32, (y[1] + n * 0xBB67AE85) % 2**32]
        x = [right // 2**32 ^ x[1] ^ k[0], right % 2**32, left // 2**32 ^ x[3] ^ k[1], left % 2**32]
    return x


def published(hexadecimal):
    """The words in which fdlibm prints its constants."""
    return [struct.unpack(">d", bytes.fromhex(word))[0] for word in hexadecimal.split()]


LG1, LG2, LG3, LG4, LG5, LG6, LG7 = published(
    "3FE5555555555593 3FD999999997FA04 3FD2492494229359 3FCC71C51D8E78AF 3FC7466496CB03DE 3FC39A09D078C69F "
    "3FC2F112DF3E5244"
)
S1, S2, S3, S4, S5, S6 = published(
    "BFC5555555555549 3F8111111110F8A6 BF2A01A019C161D5 3EC71DE357B1FE7D BE5AE5E68A2B9CEB 3DE5D93A5ACFD57C"
)
C1, C2, C3, C4, C5, C6 = published(
    "3FA555555555554C BF56C16C16C15177 3EFA01A019CB1590 BE927E4F809C52AD 3E21EE9EBDB4B1C4 BDA8FAE9BE8838D4"
)
LN2_HI, LN2_LO, ROOT_HALF = published("3FE62E42FEE00000 3DEA39EF35793C76 3FE6A09E00000000")


def scalar_pair(a, b):
    u = math.ldexp(2 * (a // 2**12) + 1, -53)
    significand, k = math.frexp(u)
    if significand < ROOT_HALF:
        significand, k = 2 * significand, k - 1
    f = significand - 1
    s = f / (2 + f)
    z = s * s
    r = z * (LG1 + z * (LG2 + z * (LG3 + z * (LG4 + z * (LG5 + z * (LG6 + z * LG7))))))
    half = f * f / 2  # halving is exact
    minus_log = ((half - (s * (half + r) + k * LN2_LO)) - f) - k * LN2_HI

    x = math.ldexp(2 * (b // 2**10 % 2**52) + 1 - 2**52, -53) * (math.pi / 2)
    z = x * x
    sine = z * x * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))))) + x
    cosine = 1 - (z / 2 - z * z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6))))))
    radius = math.sqrt(minus_log)
    first, second = radius * (cosine - sine), radius * (cosine + sine)
    return (-first if b >= 2**63 else first), (-second if b // 2**62 % 2 else second)


def scalar_words(seed, chain, group, step, stream):
    w = scalar_philox((chain, group, step, stream), (seed % 2**32, seed // 2**32))
    return 2**32 * w[0] + w[1], 2**32 * w[2] + w[3]


def scalar_normal(seed, chain, dimension, step, stream):
    return scalar_pair(*scalar_words(seed, chain, dimension // 2, step, stream))[dimension % 2]


def bits(values):
    return np.asarray(values, np.float64).tobytes()


def transform(pairs):
    a, b = (np.array(column, np.uint64) for column in zip(*pairs, strict=True))
    return np.stack(noise._box_muller(a, b), -1)


def random_words(n, least=0, below=2**64):
    return np.random.Generator(np.random.PCG64(20)).integers(least, below, n, dtype=np.uint64).tolist()


EDGES = (0, 1, 2**10, 2**12 - 1, 2**12, 2**61, 2**62 - 1, 2**62, 2**63 - 1, 2**63, 3 * 2**62, 2**64 - 2**12, 2**64 - 1)
EXTREME = [(a, b) for a in EDGES for b in EDGES]


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers_of_random123(counter, key, words):  # its file tests/kat_vectors, philox4x32 10
    counter, key, words = ([int(word, 16) for word in text.split()] for text in (counter, key, words))
    assert noise.philox4x32_10(counter, key).tolist() == words
    assert noise.philox4x32_10(np.array(counter, np.uint32), np.array(key, np.uint32)).tolist() == words
    assert scalar_philox(counter, key) == words


@given(st.lists(st.tuples(words32, words32, words32, words32), min_size=1, max_size=6), st.tuples(words32, words32))
def test_philox_of_many_is_philox_of_each(counters, key):
    got = noise.philox4x32_10(counters, key)
    assert got.dtype == np.uint32
    assert got.tolist() == [scalar_philox(counter, key) for counter in counters]


@given(st.tuples(words32, words32, words32, words32), st.tuples(words32, words32))
def test_two_counters_never_collide(counter, key):  # because the counter can be found from the words
    x = noise.philox4x32_10(counter, key).tolist()
    for n in reversed(range(10)):
        k = [(key[0] + n * 0x9E3779B9) % 2**32, (key[1] + n * 0xBB67AE85) % 2**32]
        c0, c2 = x[3] * pow(0xD2511F53, -1, 2**32) % 2**32, x[1] * pow(0xCD9E8D57, -1, 2**32) % 2**32
        x = [c0, x[0] ^ 0xCD9E8D57 * c2 // 2**32 ^ k[0], c2, x[2] ^ 0xD2511F53 * c0 // 2**32 ^ k[1]]
    assert tuple(x) == counter


@given(seeds, st.lists(words32, min_size=1, max_size=3), st.integers(1, 5), words32, words32)
def test_the_bits_by_a_scalar_route(seed, chains, d, step, stream):
    expected = [[scalar_normal(seed, chain, i, step, stream) for i in range(d)] for chain in chains]
    assert bits(noise.normals(seed, chains, d, step, stream=stream)) == bits(expected)
    words = [[scalar_words(seed, c, 2**31 + i // 2, step, stream)[i % 2] for i in range(d)] for c in chains]
    lattice = [[(2 * (word // 2**12) + 1) / 2**53 for word in row] for row in words]
    assert bits(noise.uniforms(seed, chains, d, step, stream=stream)) == bits(lattice)


def test_the_bits_of_the_transform_by_a_scalar_route():
    words = random_words(60_000)
    pairs = list(zip(words[::2], words[1::2], strict=True))
    assert bits(transform(pairs)) == bits([scalar_pair(a, b) for a, b in pairs])


def test_the_bits_of_the_transform_at_the_edges():
    assert bits(transform(EXTREME)) == bits([scalar_pair(a, b) for a, b in EXTREME])
    for k in (0xB504F00000000, 0xB504F00000000 // 2**20, 2**51):  # where the significand starts anew, and a half
        pairs = [((k + i) % 2**52 << 12, 0) for i in range(-40, 40)]
        assert bits(transform(pairs)) == bits([scalar_pair(a, b) for a, b in pairs])


# --- the error


def exact_pair(a, b):
    """Radius √(-2 log u), and (RNG.5) in the form √(-2 log u) (cos θ, sin θ), 0 < θ < π/2, to 50 digits."""
    with mpmath.workdps(50):
        radius = mpmath.sqrt(-2 * mpmath.log((mpmath.mpf(a // 2**12) + 0.5) / 2**52))
        theta = mpmath.pi / 2 * (mpmath.mpf(b // 2**10 % 2**52) + 0.5) / 2**52
        signs = (-1) ** (b // 2**63), (-1) ** (b // 2**62 % 2)
        return radius, signs[0] * radius * mpmath.cos(theta), signs[1] * radius * mpmath.sin(theta)


def worst_error(pairs):
    """Largest |ẑ - z| / √(z₀² + z₁²), in units of 2⁻⁵³."""
    worst = mpmath.mpf(0)
    with mpmath.workdps(50):
        for (a, b), got in zip(pairs, transform(pairs), strict=True):
            radius, *exact = exact_pair(a, b)
            worst = max(worst, *(abs(mpmath.mpf(float(z)) - e) / radius for z, e in zip(got, exact, strict=True)))
    return float(worst / U)


def test_error_of_a_normal():  # (RNG.8)
    anywhere = random_words(6000)
    assert worst_error(list(zip(anywhere[::2], anywhere[1::2], strict=True))) <= 6
    assert worst_error(EXTREME) <= 6


def test_error_where_it_is_largest():  # (RNG.8): -log u just above log(2)/2, both angles where cos φ ∓ sin φ is near √2
    radii = random_words(2000, int(0.7070 * 2**64), int(0.7072 * 2**64))
    angles = [k << 10 for k in random_words(1000, 0, 2**47)]
    angles += [2**62 - 1 - b for b in angles]
    worst = worst_error(list(zip(radii, angles, strict=True)))
    assert 2 < worst <= 6


def test_the_logarithm_is_accurate_to_the_last_bits():
    k = sorted({0, 2**52 - 1, *(2**j for j in range(52)), *(2**52 - 1 - 2**j for j in range(52))})
    u = (np.array([*k, *(v >> 12 for v in random_words(1000))], np.float64) + 0.5) * 2.0**-52
    with mpmath.workdps(50):
        exact = [-mpmath.log(mpmath.mpf(float(v))) for v in u]
        relative = [abs(mpmath.mpf(float(g)) - e) / e for g, e in zip(noise._minus_log(u), exact, strict=True)]
    assert max(relative) <= 2.9 * U


def polynomial(coefficients, z):
    return mpmath.fsum(c * z**i for i, c in enumerate(reversed(coefficients)))


def supremum(f, end):
    """A bound on |f| over [0, end]: the sum of its Chebyshev coefficients, aliasing far below the digits asserted."""
    n = 48
    angles = [mpmath.pi * (2 * j + 1) / (2 * n) for j in range(n)]
    values = [f(end * (1 + mpmath.cos(angle)) / 2) for angle in angles]
    return mpmath.fsum(
        abs(mpmath.fsum(v * mpmath.cos(k * angle) for v, angle in zip(values, angles, strict=True)))
        * (2 if k else 1)
        / n
        for k in range(n)
    )


def test_the_constants_are_those_of_fdlibm():  # some of their last bits hardly ever reach a normal
    assert noise._LOG == (LG7, LG6, LG5, LG4, LG3, LG2, LG1)
    assert noise._SIN == (S6, S5, S4, S3, S2, S1)
    assert noise._COS == (C6, C5, C4, C3, C2, C1)
    assert noise._LN2_HIGH == LN2_HI
    assert noise._LN2_LOW == LN2_LO
    assert math.pi / 2 == noise._HALF_PI


def test_the_polynomials_are_as_close_as_the_page_says():
    with mpmath.workdps(50):

        def log_gap(z):  # of s² P(s²), where log(1 + f) = 2 artanh s = 2s + s · s² P
            s = mpmath.sqrt(z)
            return z * polynomial(noise._LOG, z) - (2 * mpmath.atanh(s) / s - 2)

        def sine_gap(z):  # relative to x
            x = mpmath.sqrt(z)
            return z * polynomial(noise._SIN, z) - (mpmath.sin(x) / x - 1)

        def cosine_gap(z):
            return z * z * polynomial(noise._COS, z) - (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2)

        assert supremum(log_gap, mpmath.mpf(0.1716) ** 2) <= 0.042 * U
        assert supremum(sine_gap, (mpmath.pi / 4) ** 2) <= 0.057 * U
        assert supremum(cosine_gap, (mpmath.pi / 4) ** 2) <= 0.010 * U


# --- extremes and symmetries


def test_the_largest_and_the_smallest():
    top = 2**64 - 1
    z = transform([(0, 0), (top, 0), (0, top), (top, top)])
    assert np.isfinite(z).all()
    assert (z != 0).all()
    assert np.abs(z).max() == pytest.approx(math.sqrt(2 * 53 * math.log(2)), rel=6 * U)
    assert np.abs(z).max() < 8.572
    a = np.array([0, top], np.uint64)
    assert noise._unit(a).tolist() == [2.0**-53, 1 - 2.0**-53]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**62 - 1))
def test_mirror_images(a, b):
    mirrored = b ^ (2**62 - 1)  # φ → -φ: sine changes its sign alone, so the normals change places, bit for bit
    z, w, v, n = transform([(a, b), (a, mirrored), (a, b | 2**63), (a, b | 2**62)])
    assert (z > 0).all()
    assert (w == z[::-1]).all()
    assert (v == z * [-1, 1]).all()
    assert (n == z * [1, -1]).all()


# --- where a draw is used, and nothing else


@given(seeds, st.lists(words32, min_size=1, max_size=12), st.integers(1, 7), words32, words32, st.data())
def test_noise_of_a_chain_does_not_depend_on_the_others(seed, chains, d, step, stream, data):
    for draw in (noise.normals, noise.uniforms):
        alone = np.stack([draw(seed, chain, d, step, stream=stream) for chain in chains])
        assert (draw(seed, chains, d, step, stream=stream) == alone).all()
        order = data.draw(st.permutations(range(len(chains))))
        assert (draw(seed, np.array(chains)[order], d, step, stream=stream) == alone[order]).all()
        wider = draw(seed, chains, d + 3, step, stream=stream)
        assert (wider[..., :d] == alone).all()


@given(st.integers(1, 5), st.sampled_from(["C", "F"]), st.sampled_from([np.uint8, np.int32, np.int64, np.uint64]))
def test_layout_and_dtype_of_the_chain_numbers_do_not_matter(d, order, dtype):
    chains = np.arange(24, dtype=dtype).reshape(4, 6).copy(order=order)
    expected = noise.normals(5, list(range(24)), d).reshape(4, 6, d)
    assert (noise.normals(5, chains, d) == expected).all()
    assert (noise.normals(5, chains[::-1, ::2], d) == expected[::-1, ::2]).all()
    assert noise.normals(5, chains.T, d).flags.c_contiguous


@given(seeds, st.integers(0, 4), st.lists(st.integers(0, 4), max_size=3).map(tuple), st.integers(1, 5), words32)
def test_a_tape_is_the_normals_of_its_chains(seed, steps, batch, d, stream):
    got = noise.tape(seed, steps, batch, d, stream=stream, first_step=7, first_chain=2**32 - 100)
    assert got.shape == (steps, *batch, d)
    chains = np.arange(math.prod(batch)).reshape(batch) + (2**32 - 100)
    for k in range(steps):
        assert (got[k] == noise.normals(seed, chains, d, 7 + k, stream=stream)).all()


@given(st.integers(0, 5), st.integers(0, 6), st.integers(1, 5))
def test_resume_anywhere(step, chain, d):
    whole = noise.tape(9, 5, 6, d)
    assert (noise.tape(9, 5 - step, 6, d, first_step=step) == whole[step:]).all()
    assert (noise.tape(9, 5, 6 - chain, d, first_chain=chain) == whole[:, chain:]).all()
    assert (noise.tape(9, 5, [2, 3], d) == whole.reshape(5, 2, 3, d)).all()


@pytest.mark.parametrize("chunk", [1, 2, 7, 64])
@pytest.mark.parametrize("d", [1, 2, 3, 33])
def test_chunks_leave_no_trace(monkeypatch, chunk, d):
    whole, lattice = noise.tape(3, 4, 5, d), noise.uniforms(3, [4, 1], d)
    monkeypatch.setattr(noise, "_CHUNK", chunk)
    assert (noise.tape(3, 4, 5, d) == whole).all()
    assert (noise.uniforms(3, [4, 1], d) == lattice).all()


def test_more_than_one_chunk():
    rows = 3 * noise._CHUNK // 2 + 1
    whole = noise.normals(1, np.arange(rows), 3)
    assert (whole[::500] == noise.normals(1, np.arange(0, rows, 500), 3)).all()
    wide = noise.normals(1, 6, 4 * noise._CHUNK + 1)
    assert wide[-1] == scalar_normal(1, 6, 4 * noise._CHUNK, 0, 0)


def test_a_big_tape_has_no_big_temporaries():
    noise.tape(0, 1, 1, 1)
    tracemalloc.start()
    try:
        size = noise.tape(0, 4, 100_000, 5).nbytes
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 16_000_000
    assert peak - size < 32 * 8 * noise._CHUNK  # 32 arrays of a chunk: 4.2 MB, however long the tape


# --- the law, by tests whose false-alarm probability is exact (t, χ², binomial) or bounded for every n (Massart)

SIZE = 2**17


CHAINS = np.arange(SIZE)


def draws(seed=123, chains=CHAINS, dimension=0, step=40, stream=2):
    return noise.normals(seed, chains, dimension + 1, step, stream=stream)[..., dimension]


def scores(dimension=0):
    return stats.norm.ppf(noise.uniforms(123, CHAINS, 2, 40, stream=2)[:, dimension])


NEIGHBOURS = {  # draws that a mistake in the address would tie together; no draw stands on both sides
    "the two of a block": lambda: (draws(), draws(dimension=1)),
    "one group and the next": lambda: (draws(), draws(dimension=2)),
    "one chain and the next": lambda: (draws(chains=2 * CHAINS), draws(chains=2 * CHAINS + 1)),
    "one step and the next": lambda: (draws(), draws(step=41)),
    "one stream and the next": lambda: (draws(), draws(stream=3)),
    "step and stream": lambda: (draws(), draws(step=2, stream=40)),
    "one seed and the next": lambda: (draws(), draws(seed=124)),
    "low and high word of the seed": lambda: (draws(), draws(seed=123 * 2**32)),
    "chains and steps": lambda: (draws(), noise.tape(123, SIZE, (), 1, stream=2, first_chain=SIZE)[:, 0]),
    "chains and dimensions": lambda: (draws(), noise.normals(123, SIZE, SIZE, 40, stream=2)),
    "normals and uniforms of one address": lambda: (draws(), scores()),
    "the two uniforms of a block": lambda: (scores(), scores(1)),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_draws_are_normal_and_independent(name):
    """With 2¹⁷ draws this sees a mean of 0.018, a standard deviation off by 1.3 %, a correlation of 0.018."""
    x, y = NEIGHBOURS[name]()
    for z in (x, y):
        total, squares = z.sum() / math.sqrt(SIZE), (z**2).sum()
        assert 2 * stats.norm.sf(abs(total)) > FALSE_ALARM  # Σ z ~ N(0, n)
        assert 2 * min(stats.chi2.cdf(squares, SIZE), stats.chi2.sf(squares, SIZE)) > FALSE_ALARM  # Σ z² ~ χ²(n)
        ranks = stats.norm.cdf(np.sort(z))
        gap = max((np.arange(1, SIZE + 1) / SIZE - ranks).max(), (ranks - np.arange(SIZE) / SIZE).max())
        assert 2 * math.exp(-2 * SIZE * gap**2) > FALSE_ALARM  # Massart (1990): P(gap > e) ≤ 2 exp(-2 n e²)
    r = np.corrcoef(x, y)[0, 1]
    assert 2 * stats.t.sf(abs(r) * math.sqrt((SIZE - 2) / (1 - r**2)), SIZE - 2) > FALSE_ALARM
    assert stats.binomtest(int(((x > 0) == (y > 0)).sum()), SIZE).pvalue > FALSE_ALARM
    larger = int(((x**2 > 0.4549364231195724) == (y**2 > 0.4549364231195724)).sum())  # the median of χ²(1)
    assert stats.binomtest(larger, SIZE).pvalue > FALSE_ALARM


def test_every_bit_of_a_uniform_is_a_fair_coin():
    """With 2¹⁸ draws this sees a bit, or a pair of bits in one word, that is off by 0.7 %."""
    k = ((noise.uniforms(2**40 + 1, np.arange(SIZE), 2) * 2.0**53).astype(np.uint64) >> np.uint64(1)).ravel()
    coins = [(k >> np.uint64(i)) & np.uint64(1) for i in range(52)]
    heads = [int(coin.sum()) for coin in coins]
    heads += [int((coins[i] ^ coins[i + lag]).sum()) for lag in (1, 7, 32) for i in range(52 - lag)]
    assert len(heads) < 200
    assert min(stats.binomtest(h, k.size).pvalue for h in heads) > FALSE_ALARM


def test_cells_of_the_square_are_equally_full():
    """16 × 16 cells of the two uniforms of a block, each a binomial: with 2¹⁷ pairs this sees a cell off by 30 %."""
    cell = (noise.uniforms(77, np.arange(SIZE), 2, 5) * 16).astype(int)
    counts = np.bincount(cell[:, 0] * 16 + cell[:, 1], minlength=256)
    assert counts.shape == (256,)
    assert min(stats.binomtest(int(count), SIZE, 1 / 256).pvalue for count in counts) > FALSE_ALARM


# --- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: noise.normals(-1, 0, 1), ValueError, r"seed is -1; expected 0 <= seed < 2\*\*64"),
        (lambda: noise.normals(2**64, 0, 1), ValueError, r"seed is 18446744073709551616; expected 0 <= seed < 2\*\*64"),
        (lambda: noise.normals(True, 0, 1), TypeError, "seed is True, of type bool; expected an integer"),
        (lambda: noise.normals(np.True_, 0, 1), TypeError, "of type bool.*; expected an integer"),
        (lambda: noise.normals(1.0, 0, 1), TypeError, "seed is 1.0, of type float; expected an integer"),
        (lambda: noise.tape("1", 1, 1, 1), TypeError, "seed is '1', of type str; expected an integer"),
        (lambda: noise.tape(None, 1, 1, 1), TypeError, "seed is None"),
        (lambda: noise.normals(0, [0, 2**32], 1), ValueError, r"chains reaches from 0 to 4294967296; expected 0 <= ch"),
        (lambda: noise.uniforms(0, [-1], 1), ValueError, "chains reaches from -1 to -1"),
        (lambda: noise.uniforms(0, [2**70], 1), TypeError, "chains has dtype object; expected integers"),
        (lambda: noise.normals(0, [0.0], 1), TypeError, "chains has dtype float64; expected integers"),
        (lambda: noise.normals(0, [True], 1), TypeError, "chains has dtype bool; expected integers"),
        (lambda: noise.normals(0, 0, 0), ValueError, r"d is 0; expected 1 <= d < 2\*\*32"),
        (lambda: noise.normals(0, 0, 2**32), ValueError, "d is 4294967296"),
        (lambda: noise.normals(0, 0, 2.0), TypeError, "d is 2.0, of type float"),
        (lambda: noise.normals(0, 0, 1, 2**32), ValueError, r"step is 4294967296; expected 0 <= step < 2\*\*32"),
        (lambda: noise.normals(0, 0, 1, stream=-1), ValueError, r"stream is -1; expected 0 <= stream < 2\*\*32"),
        (lambda: noise.tape(0, -1, 1, 1), ValueError, "steps is -1"),
        (lambda: noise.tape(0, 1, (2, -3), 1), ValueError, "batch is -3"),
        (lambda: noise.tape(0, 1, (2, 3.0), 1), TypeError, "batch is 3.0, of type float"),
        (lambda: noise.tape(0, 2, 1, 1, first_step=2**32 - 1), ValueError, "steps is 2 from first_step 4294967295"),
        (
            lambda: noise.tape(0, 1, 2, 1, first_chain=2**32 - 1),
            ValueError,
            r"batch \(2,\) is 2 chains from 4294967295",
        ),
        (
            lambda: noise.philox4x32_10([0, 0, 0], [0, 0]),
            ValueError,
            r"counter has shape \(3,\); expected \(\.\.\., 4\)",
        ),
        (lambda: noise.philox4x32_10([0] * 4, [0]), ValueError, r"key has shape \(1,\); expected \(2,\)"),
        (lambda: noise.philox4x32_10([0, 0, 0, -1], [0, 0]), ValueError, "counter reaches from -1 to 0"),
        (lambda: noise.philox4x32_10([0.5] * 4, [0, 0]), TypeError, "counter has dtype float64"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_last_of_everything_is_accepted():
    top = 2**32 - 1
    expected = [scalar_normal(2**64 - 1, top, i, top, top) for i in range(3)]
    assert bits(noise.normals(2**64 - 1, top, 3, top, stream=top)) == bits(expected)
    assert bits(noise.tape(2**64 - 1, 1, (), 3, stream=top, first_step=top, first_chain=top)) == bits(expected)
    assert bits(noise.tape(np.uint64(2**64 - 1), np.int8(1), np.int16(1), np.int32(3), first_chain=top)) == bits(
        noise.normals(2**64 - 1, [top], 3)
    )


def test_results_are_fresh_and_writeable():
    first = noise.normals(1, [0, 1], 3)
    second = noise.normals(1, [0, 1], 3)
    first += 1
    assert (first == second + 1).all()
