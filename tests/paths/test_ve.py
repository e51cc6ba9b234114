"""VE and VETransition against the coefficients and numbers that were published."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import VE, VETransition

T = np.array([0.0, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1.0])


@pytest.mark.parametrize("path", [VE(), VETransition()])
def test_both_kernels_are_of_the_published_sde(path):  # Song et al. (2021), eq. 30
    published = 0.01 * (50 / 0.01) ** T * np.sqrt(2 * (np.log(50) - np.log(0.01)))
    assert_allclose(path.diffusion(T), published, rtol=4e-15)
    assert (path.drift_rate(T) == 0).all()
    assert (path.alpha(T) == 1).all()
    assert (path.alpha_dot(T) == 0).all()


def test_the_two_kernels_at_a_hundredth():
    assert f"{VE().sigma(0.01):.4f} {VETransition().sigma(0.01):.4f}" == "0.0109 0.0043"


def test_the_ends():
    assert VE().sigma(0) == 0.01
    assert VE().sigma(1) == pytest.approx(50, rel=4e-16)
    assert VETransition().sigma(0) == 0
    assert VETransition().sigma(1) == pytest.approx(np.sqrt(50**2 - 0.01**2), rel=4e-15)
    assert VE().time(-np.log(50)) == pytest.approx(1, rel=4e-16)
    assert VE().time(-np.log(0.01)) == pytest.approx(0, abs=4e-16)


def test_priors():
    assert VE().prior_scale == VETransition().prior_scale == 50
    assert VE(1, 3).prior_scale == 3


def test_levels_that_nearly_touch_keep_their_digits():
    # r - 1 = 2⁻⁴⁰ exactly, so log r = 2⁻⁴⁰ - 2⁻⁸¹ + …; the logarithm of a rounded ratio has 13 bits of it.
    path = VE(1.0, 1 + 2.0**-40)
    assert path.sigma_dot(0) == pytest.approx(2.0**-40 - 2.0**-81, rel=2e-16)
    path = VE(0.3, 0.3 + 3 * 2.0**-54)
    assert path.sigma_dot(0) == pytest.approx((path.sigma_max - 0.3), rel=1e-15)


@pytest.mark.parametrize("path", [VE, VETransition])
@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((0, 50), "sigma_min is 0.0; expected sigma_min > 0"),
        ((0.01, -1), "sigma_max"),
        ((50, 0.01), "expected sigma_min < sigma_max"),
        ((1, 1), "expected sigma_min < sigma_max"),
        ((np.nan, 1), "not finite"),
    ],
)
def test_levels_are_refused(path, levels, message):
    with pytest.raises(ValueError, match=message):
        path(*levels)
