"""geometric and karras against their formulas in 50 digits and the levels that were published."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from refscore.paths import EDM
from refscore.schedules import geometric, karras

mp.mp.dps = 50
U = 2.0**-53
level = st.floats(-4, 0).map(lambda e: 10.0**e)
counts = st.integers(2, 60)


def worst(found, exact):
    return max(float(abs(mp.mpf(float(f)) / e - 1)) / U for f, e in zip(found, exact, strict=True))


@given(n=counts, low=level, excess=st.floats(1e-3, 1e4))
def test_geometric(n, low, excess):
    high = low * (1 + excess)
    exact = [mp.mpf(high) * (mp.mpf(low) / mp.mpf(high)) ** (mp.mpf(i) / (n - 1)) for i in range(n)]
    found = geometric(n=n, sigma_min=low, sigma_max=high)
    # The exponent i/(n-1) is rounded, which costs log r roundings.
    assert worst(found, exact) <= 4 + np.log1p(excess)
    assert (found[0], found[-1]) == (high, low)
    assert (np.diff(found) < 0).all()


@given(n=counts, low=level, excess=st.floats(1e-3, 1e4), rho=st.floats(0.5, 12))
def test_karras(n, low, excess, rho):
    high = low * (1 + excess)
    first, last = (mp.mpf(s) ** (1 / mp.mpf(rho)) for s in (high, low))
    exact = [(first + mp.mpf(i) / (n - 1) * (last - first)) ** mp.mpf(rho) for i in range(n)]
    found = karras(n=n, sigma_min=low, sigma_max=high, rho=rho)
    # Four roundings in what is raised to ρ; a rounded 1/ρ is log σ roundings of σ.
    assert worst(found, exact) <= 4 * (1 + rho) + max(abs(np.log(low)), abs(np.log(high)))
    assert (found[0], found[-1]) == (high, low)


def test_edm_as_published():  # Karras et al. (2022), Table 1 with N = 18; NFE = 2N - 1 = 35
    published = (
        "80 57.586 40.786 28.375 19.352 12.91 8.4009 5.3152 3.2568 1.9233 1.0882 0.58535 0.29644 0.13952 0.059947 "
        "0.022935 0.007528 0.002 0"
    )
    sigmas = karras(n=18, sigma_min=0.002, sigma_max=80, rho=7, final_zero=True)
    assert " ".join(f"{s:.5g}" for s in sigmas) == published


def test_consistency_models_as_published():  # Song et al. (2023): levels 0, 22, 39 of 40
    sigmas = karras(n=40, sigma_min=0.002, sigma_max=80)
    assert [f"{sigmas[i]:.6g}" for i in (0, 22, 39)] == ["80", "1.38237", "0.002"]


def test_ncsn_as_published():  # Song & Ermon (2019): ten levels from 1 to 0.01, ratio 10^(2/9)
    sigmas = geometric(n=10, sigma_min=0.01, sigma_max=1)
    assert_allclose(sigmas[:-1] / sigmas[1:], 10 ** (2 / 9), rtol=1e-15)


def test_limits_of_rho():
    parameters = {"n": 9, "sigma_min": 0.1, "sigma_max": 10}
    assert_allclose(karras(**parameters, rho=1), np.linspace(10, 0.1, 9), rtol=1e-14)
    errors = [np.abs(karras(**parameters, rho=rho) - geometric(**parameters)).max() for rho in (1e3, 2e3)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.01)  # to the geometric ones, as 1/ρ


@pytest.mark.parametrize("schedule", [geometric, karras])
def test_the_ends_lie_in_the_path(schedule):
    for high in (80, 50.0, 0.3, 157.407, 1 / 3):
        sigmas = schedule(n=18, sigma_min=0.002, sigma_max=high)
        assert EDM(high).sigma(sigmas)[0] == high


def test_one_level():
    assert geometric(n=1, sigma_min=0.1, sigma_max=2).tolist() == [2]
    assert karras(n=1, sigma_min=0.1, sigma_max=2).tolist() == [2]
    assert karras(n=1, sigma_min=0.1, sigma_max=2, final_zero=True).tolist() == [2, 0]


@pytest.mark.parametrize("schedule", [geometric, karras])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"n": 0}, ValueError, "n is 0; expected at least 1"),
        ({"n": 2.0}, TypeError, "n is 2.0, of type float; expected an integer"),
        ({"n": True}, TypeError, "n is True, of type bool; expected an integer"),
        ({"sigma_min": 0}, ValueError, "expected 0 < sigma_min < sigma_max"),
        ({"sigma_min": 2}, ValueError, "sigma_min is 2.0 and sigma_max 2.0"),
        ({"sigma_min": 3}, ValueError, "sigma_min is 3.0 and sigma_max 2.0"),
        ({"sigma_max": np.inf}, ValueError, "sigma_max has 1 value that is not finite"),
        ({"sigma_max": [1, 2]}, ValueError, "sigma_max has shape"),
    ],
)
def test_refusals(schedule, wrong, error, message):
    with pytest.raises(error, match=message):
        schedule(**({"n": 4, "sigma_min": 0.1, "sigma_max": 2} | wrong))


def test_the_exponent_is_positive():
    with pytest.raises(ValueError, match="rho is 0"):
        karras(n=4, sigma_min=0.1, sigma_max=2, rho=0)
