"""VP and SubVP against the coefficients and numbers that were published."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import VP, SubVP
from refscore.paths.vp import preserving_log_snr

T = np.array([0.0, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1.0])
BETA = 0.1 + T * (20 - 0.1)


def test_vp_is_the_published_sde():  # Song et al. (2021), eq. 32: dx = -½ β x dt + √β dw
    assert_allclose(VP().drift_rate(T), -BETA / 2, rtol=4e-16)
    assert_allclose(VP().diffusion(T), np.sqrt(BETA), rtol=4e-16)


def test_subvp_is_the_published_sde():  # Song et al. (2021), eq. 12, with the exponent written out as in the code
    assert_allclose(SubVP().drift_rate(T), -BETA / 2, rtol=4e-16)
    published = BETA * -np.expm1(-2 * 0.1 * T - (20 - 0.1) * T**2)
    assert_allclose(SubVP().diffusion(T) ** 2, published, rtol=2e-15)


def test_published_numbers():
    assert f"{VP().sigma(1e-5):.4e}" == "1.0005e-03"  # 9.766e-4 where float32 cancels
    assert f"{VP().sigma(1e-3):.4f}" == "0.0105"
    assert f"{VP().alpha(1) ** 2:.3e}" == "4.319e-05"
    ratio = np.exp(-VP().log_snr([1e-3, 1]))  # EDM's noise levels for a VP network
    assert [f"{r:.6g}" for r in ratio] == ["0.010486", "152.167"]


def test_variances():
    assert_allclose(VP().alpha(T) ** 2 + VP().sigma(T) ** 2, 1, rtol=2e-15)
    assert_allclose(SubVP().sigma(T), VP().sigma(T) ** 2, rtol=4e-16)
    assert_allclose(SubVP().alpha(T), VP().alpha(T), rtol=0)


def test_priors():
    assert VP().prior_scale == SubVP().prior_scale == 1
    assert VP().t_max == SubVP().t_max == 1
    assert 0 < 1 - VP().sigma(1) < 3e-5


def test_a_fast_path_does_not_overflow():
    assert preserving_log_snr(np.array(2000.0)) == -1000


@pytest.mark.parametrize("path", [VP, SubVP])
@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ((0, 20), "beta_min is 0.0; expected beta_min > 0"),
        ((-0.1, 20), "beta_min"),
        ((0.1, -1), "beta_max"),
        ((20, 0.1), "expected beta_min <= beta_max"),
        ((0.1, np.inf), "not finite"),
        (([0.1, 0.2], 20), "single number"),
    ],
)
def test_rates_are_refused(path, rates, message):
    with pytest.raises(ValueError, match=message):
        path(*rates)


def test_rates_become_floats():
    assert repr(VP(1, 2)) == "VP(beta_min=1.0, beta_max=2.0)"
