"""EDM: σ = t."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.paths import EDM

T = np.array([0.0, 1e-10, 0.002, 1.0, 80.0])


def test_time_is_the_level():  # Karras et al. (2022), Table 1: σ(t) = t, s(t) = 1
    path = EDM()
    assert_array_equal(path.sigma(T), T)
    assert_array_equal(path.alpha(T), 1)
    assert_array_equal(path.sigma_dot(T), 1)
    assert_array_equal(path.alpha_dot(T), 0)
    assert_array_equal(path.drift_rate(T), 0)


def test_the_flow_is_the_published_ode():  # eq. 1: dx/dt = -σ' σ s, so ½ g² = σ' σ = t
    np.testing.assert_allclose(EDM().diffusion(T) ** 2 / 2, T, rtol=4e-16)


def test_the_end_of_time():
    assert EDM(700).t_max == EDM(700).prior_scale == 700
    assert EDM(80).time(-np.log(80)) == pytest.approx(80, rel=1e-15)


def test_the_level_is_a_copy():
    t = np.array([1.0, 2.0])
    EDM().sigma(t)[0] = 9
    assert t[0] == 1


@pytest.mark.parametrize("wrong", [0, -80, np.inf, [80, 80]])
def test_levels_are_refused(wrong):
    with pytest.raises(ValueError, match="sigma_max"):
        EDM(wrong)
