"""models/scaling.py against the papers' definitions in 50 digits, by way of the denoiser and Tweedie's formula."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from refscore.models import OVER_SIGMA, PLAIN, Scaling, edm

U = 2.0**-53
LEVELS = st.floats(1e-9, 1e9)


def as_score(denoiser, x, sigma):
    """s = (D(x) - x)/σ², Tweedie's formula, in the arithmetic of its arguments."""
    return (denoiser - x) / sigma**2


@given(LEVELS, LEVELS)
def test_edm_is_the_denoiser_of_table_1_seen_as_a_score(level, data):  # (SCA.3)
    with mpmath.workdps(50):
        sigma, sigma_data = mpmath.mpf(level), mpmath.mpf(data)
        total = sigma**2 + sigma_data**2
        c_skip, c_out, c_in = sigma_data**2 / total, sigma * sigma_data / mpmath.sqrt(total), 1 / mpmath.sqrt(total)
        # D = c_skip x + c_out F is linear in (x, F): the score's coefficients are its values at (1, 0) and (0, 1).
        exact = as_score(c_skip, 1, sigma), as_score(c_out, 0, sigma), c_in
        # Roundings of unit u: hypot 2 (one unit in the last place), each operation 1; so c 3, b 5, a 7.
        for got, value, roundings in zip(edm(data)(level), exact, (7, 5, 3), strict=True):
            assert abs(mpmath.mpf(float(got)) - value) <= 1.01 * roundings * U * abs(value)


@given(LEVELS, LEVELS)
def test_edm_gives_the_network_inputs_and_targets_of_unit_size(level, data):  # (SCA.3)
    """Karras et al., appendix B.6: Var[c_in x] = 1, and the effective target (y - c_skip x)/c_out has variance 1."""
    a, b, c = (mpmath.mpf(float(value)) for value in edm(data)(level))
    with mpmath.workdps(50):
        sigma, sigma_data = mpmath.mpf(level), mpmath.mpf(data)
        assert abs(c**2 * (sigma**2 + sigma_data**2) - 1) <= 8 * U
        # The target of F is (-n/σ² - a (y + n))/b for y of variance σ_data² and n of variance σ².
        of_noise, of_data = (-1 / sigma**2 - a) / b, -a / b
        terms = (1 / sigma**2 + abs(a)) * sigma / b + abs(a) * sigma_data / b
        assert abs((of_noise * sigma) ** 2 + (of_data * sigma_data) ** 2 - 1) <= 2 * 14 * U * terms**2


@given(LEVELS)
def test_ncsnv2_divides_by_sigma(level):  # (SCA.1), (SCA.2)
    assert_array_equal(OVER_SIGMA(level), [0.0, 1 / level, 1.0])
    assert_array_equal(PLAIN(level), [0.0, 1.0, 1.0])


@pytest.mark.parametrize("scaling", [PLAIN, OVER_SIGMA, edm(0.5)])
def test_levels_of_any_shape(scaling):
    sigma = np.array([[0.5, 1, 2], [4, 8, 16]])
    for whole, single in zip(scaling(sigma), np.vectorize(scaling)(sigma), strict=True):
        assert whole.dtype == np.float64
        assert_array_equal(whole, single)
    assert [value.shape for value in scaling(3)] == [(), (), ()]


def test_what_it_prints():
    assert [repr(value) for value in (PLAIN, OVER_SIGMA, edm(0.5))] == [
        "Scaling(plain)",
        "Scaling(over sigma)",
        "Scaling(edm(0.5))",
    ]
    with pytest.raises(AttributeError):
        PLAIN.name = "other"


def test_bad_arguments_are_refused():
    for sigma_data, message in (
        (0, "sigma_data is 0.0; expected sigma_data > 0"),
        ([1, 2], "expected a single number"),
    ):
        with pytest.raises(ValueError, match=message):
            edm(sigma_data)
    for scaling in (PLAIN, OVER_SIGMA, edm(1)):
        with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma > 0"):
            scaling(-1)
    with pytest.raises(ValueError, match=r"b\(sigma\) has shape \(\); expected \(2,\), the shape of sigma"):
        Scaling("wrong", lambda sigma: (sigma, 1.0, sigma))([1, 2])
    with pytest.raises(ValueError, match=r"c\(sigma\) has 1 value that is not finite"):
        Scaling("wrong", lambda sigma: (sigma, sigma, sigma * np.inf))(1)
