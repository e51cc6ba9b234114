"""objectives/level_weights.py against rational arithmetic, the formulas as the papers and public codes write them."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from refscore import objectives
from tests.cubature import U

LEVELS = st.integers(1, 512).map(lambda n: Fraction(n, 64))
GAMMA = Fraction(5)


def exact(a, b):
    """As written with SNR."""
    snr = a**2 / b**2
    capped = min(snr, GAMMA)
    return {
        "snr": snr,
        "min_snr_data": capped,
        "min_snr_noise": capped / snr,
        "min_snr_v": capped * b**2 / (a**2 + b**2) ** 2,
    }


@given(LEVELS, LEVELS)
@pytest.mark.parametrize("name", ["snr", "min_snr_data", "min_snr_noise", "min_snr_v"])
def test_values(name, a, b):  # (WGT.8) to (WGT.11)
    wanted = exact(a, b)[name]
    found = getattr(objectives, name)(float(a), float(b))
    assert abs(Fraction(float(found)) - wanted) <= 16 * Fraction(U) * wanted


@given(LEVELS, LEVELS, st.sampled_from([Fraction(1, 2), Fraction(4), Fraction(16)]))
def test_soft_min_snr(a, b, gamma):  # (WGT.12)
    wanted = 1 / (b**2 / a**2 + 1 / gamma)  # the harmonic sum
    found = Fraction(float(objectives.soft_min_snr_data(float(a), float(b), float(gamma))))
    assert abs(found - wanted) <= 16 * Fraction(U) * wanted
    below = min(a**2 / b**2, gamma)
    assert found <= below * (1 + 16 * Fraction(U))
    assert 2 * found >= below * (1 - 16 * Fraction(U))


@given(LEVELS, LEVELS, st.sampled_from([0, 1, 2]), st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(3)]))
def test_p2(a, b, gamma, k):  # (WGT.13)
    wanted = 1 / (k + a**2 / b**2) ** gamma
    found = Fraction(float(objectives.p2_noise(float(a), float(b), gamma, float(k))))
    assert abs(found - wanted) <= 32 * Fraction(U) * wanted


@given(LEVELS, LEVELS, LEVELS)
def test_edm(a, b, sigma_data):  # (WGT.14)
    level = b / a
    wanted = (level**2 + sigma_data**2) / (level * sigma_data) ** 2
    found = Fraction(float(objectives.edm_data(float(a), float(b), float(sigma_data))))
    assert abs(found - wanted) <= 16 * Fraction(U) * wanted


def test_the_ends_of_the_path():
    assert objectives.min_snr_noise(1, 0) == 0  # nothing to learn at the data
    assert objectives.min_snr_v(1, 0) == objectives.min_snr_v(0, 1) == 0
    assert objectives.soft_min_snr_data(1, 0) == 4
    assert objectives.min_snr_data(0, 1) == objectives.snr(0, 1) == 0
    assert objectives.p2_noise(0, 1) == 1


def test_defaults_are_the_papers():
    a, b = 1.0, 2.0**-4
    assert objectives.min_snr_data(a, b) == 5
    assert objectives.soft_min_snr_data(a, b) == 4 / (1 + 4 * b**2)
    assert objectives.p2_noise(a, b) == 1 / (1 + 256)


def test_shapes_and_refusals():
    assert objectives.min_snr_v(np.ones(3), np.ones((2, 1))).shape == (2, 3)
    for name in ("snr", "min_snr_data", "p2_noise"):
        with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
            getattr(objectives, name)(1, 0)
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        objectives.min_snr_noise(0, 1)
    with pytest.raises(ValueError, match=r"alpha\*\*2 \+ sigma\*\*2 is 0.0; expected"):
        objectives.min_snr_v(0, 0)
    for name in ("min_snr_data", "min_snr_noise", "min_snr_v", "soft_min_snr_data"):
        with pytest.raises(ValueError, match=r"gamma is 0.0; expected gamma > 0"):
            getattr(objectives, name)(1, 1, 0)
    with pytest.raises(ValueError, match=r"k is 0.0; expected k > 0"):
        objectives.p2_noise(1, 1, 1, 0)
    with pytest.raises(ValueError, match=r"sigma_data is -1.0; expected sigma_data > 0"):
        objectives.edm_data(1, 1, -1)
