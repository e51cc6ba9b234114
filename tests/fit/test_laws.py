"""fit/laws.py against distribution functions in 50 digits."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.fit import Levels, among, log_normal, log_uniform
from refscore.fit.laws import as_levels

U = 2.0**-53
inside = st.floats(2.0**-53, 1 - 2.0**-53)


def test_each_level_has_its_share():  # (LOO.4)
    levels = np.array([5.0, 3.0, 2.0])
    u = np.array([2.0**-53, 1 / 3 - 2**-54, 1 / 3 + 2**-54, 2 / 3 - 2**-53, 2 / 3 + 2**-53, 1 - 2.0**-53])
    assert among(levels).quantile(u).tolist() == [5, 5, 3, 3, 2, 2]
    assert among([7.0]).quantile(u).tolist() == [7] * 6


@given(inside, st.floats(1e-3, 1.0), st.floats(1.5, 1e5))
def test_log_uniform(u, low, ratio):  # (LOO.5): u = log(σ/σ_min) / log(σ_max/σ_min)
    sigma = float(log_uniform(low, low * ratio).quantile(np.array([u]))[0])
    with mp.workdps(50):
        exact = mp.mpf(low) * (mp.mpf(low * ratio) / mp.mpf(low)) ** mp.mpf(u)
        assert abs(sigma - exact) <= 6 * U * exact


@given(inside, st.floats(-3, 3), st.floats(0.1, 3))
def test_log_normal(u, mean, std):  # (LOO.6): u = Φ((log σ - m)/s)
    sigma = float(log_normal(mean, std).quantile(np.array([u]))[0])
    with mp.workdps(50):
        found = mp.ncdf((mp.log(sigma) - mp.mpf(mean)) / mp.mpf(std))
        z = (mp.log(sigma) - mp.mpf(mean)) / mp.mpf(std)
        # the quantile function is within 8 roundings of z or of 1, and m + s z is rounded relative to its parts
        error = 8 * U * (1 + abs(z)) + U * (2 * abs(mean) + 3 * std * abs(z) + 2) / std
        assert abs(found - mp.mpf(u)) <= mp.npdf(z) * error * (1 + abs(z)) * 2


def test_names_tell_levels_apart():
    assert among([3.0, 2.0]).name != among([3.0, 1.0]).name
    assert repr(among([3.0])).startswith("among (1,) ")
    assert repr(log_uniform(1, 2)) == "log_uniform(1.0, 2.0)"
    assert repr(log_normal()) == "log_normal(-1.2, 1.2)"
    own = Levels("mine", lambda u: u)
    assert as_levels(own) is own


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: among([1.0, 0.0]), "sigmas has a value of 0.0; expected sigmas > 0"),
        (lambda: among([]), r"sigmas has shape \(0,\); expected \(L,\)"),
        (lambda: among([[1.0]]), r"sigmas has shape \(1, 1\)"),
        (lambda: log_uniform(2, 1), "sigma_min is 2.0 and sigma_max 1.0; expected sigma_min < sigma_max"),
        (lambda: log_uniform(0, 1), "sigma_min is 0.0; expected sigma_min > 0"),
        (lambda: log_normal(0.0, 0.0), "std is 0.0; expected std > 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
