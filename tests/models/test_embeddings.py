"""models/embeddings.py against the definitions in 50 digits."""

import re

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from refscore.models import C_NOISE, LOG_SIGMA, NO_EMBEDDING, Embedding, fourier

U = 2.0**-53
LEVELS = st.floats(1e-9, 1e9)


@given(LEVELS)
def test_logarithms(level):  # (EMB.1), (EMB.2)
    with mpmath.workdps(50):
        exact = mpmath.log(mpmath.mpf(level))
        # np.log is within one unit in the last place, 2u; a quarter of it is exact.
        assert abs(mpmath.mpf(float(LOG_SIGMA(level)[0])) - exact) <= 2.01 * U * abs(exact)
        assert abs(4 * mpmath.mpf(float(C_NOISE(level)[0])) - exact) <= 2.01 * U * abs(exact)


@given(LEVELS, st.lists(st.floats(-64, 64), min_size=1, max_size=3))
def test_fourier_features(level, frequencies):  # (EMB.3)
    got = fourier(frequencies)(level)
    assert got.shape == (2 * len(frequencies),)
    with mpmath.workdps(50):
        for i, frequency in enumerate(frequencies):
            angle = 2 * mpmath.pi * mpmath.mpf(frequency) * mpmath.log(mpmath.mpf(level))
            # The angle: 2u of the logarithm, u of π and of each product; cosine and sine one unit in the last place.
            bound = 5.01 * U * abs(angle) + 2 * U
            assert abs(mpmath.mpf(float(got[i])) - mpmath.cos(angle)) <= bound
            assert abs(mpmath.mpf(float(got[len(frequencies) + i])) - mpmath.sin(angle)) <= bound


EVERY = [NO_EMBEDDING, LOG_SIGMA, C_NOISE, fourier([0.25, 1, 3])]


@pytest.mark.parametrize("embedding", EVERY)
def test_levels_of_any_shape(embedding):
    sigma = np.array([[0.5, 1, 2], [4, 8, 16]])
    whole = embedding(sigma)
    assert whole.shape == (2, 3, embedding.size)
    assert whole.dtype == np.float64
    for index in np.ndindex(2, 3):
        assert_array_equal(whole[index], embedding(sigma[index]))


def test_sizes_and_what_they_print():
    assert [embedding.size for embedding in EVERY] == [0, 1, 1, 6]
    assert [repr(embedding) for embedding in EVERY[:3]] == [
        "Embedding(none, size 0)",
        "Embedding(log sigma, size 1)",
        "Embedding(log sigma / 4, size 1)",
    ]
    assert re.fullmatch(r"Embedding\(fourier [0-9a-f]{8}, size 6\)", repr(EVERY[3]))
    assert repr(fourier([0.25, 1, 3])) == repr(EVERY[3]) != repr(fourier([0.25, 1, 3 + 1e-15]))


def test_frequencies_are_a_private_copy():
    frequencies = np.array([1.0])
    embedding = fourier(frequencies)
    before = embedding(2.0)
    frequencies[0] = 5.0
    assert_array_equal(embedding(2.0), before)


def test_bad_arguments_are_refused():
    for embedding in EVERY:
        with pytest.raises(ValueError, match=r"sigma has a value of 0.0; expected sigma > 0"):
            embedding([1.0, 0.0])
    for frequencies in (1.0, [], [[1.0]]):
        with pytest.raises(ValueError, match=r"frequencies has shape .*; expected \(m,\) with m >= 1"):
            fourier(frequencies)
    with pytest.raises(ValueError, match="frequencies has 1 value that is not finite"):
        fourier([np.inf])
    with pytest.raises(TypeError, match=r"size is 1.0, of type float; expected an integer"):
        Embedding("wrong", 1.0, np.log)
    with pytest.raises(ValueError, match=r"e\(sigma\) has shape \(2,\); expected \(2, 1\), the shape of sigma with k"):
        Embedding("wrong", 1, np.log)([1.0, 2.0])
