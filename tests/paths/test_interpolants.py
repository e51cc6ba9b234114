"""paths/interpolants.py: ends, known values, and derivatives against complex steps."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.paths import TRIGONOMETRIC, Interpolant, brownian_bridge, linear_interpolant

T = np.array([0.125, 0.25, 0.5, 0.75, 0.9375])
CURVES = {
    "line": (linear_interpolant(), lambda t: (1 - t, t, 0 * t)),
    "sigma_min": (linear_interpolant(sigma_min=0.25), lambda t: (1 - t, 0.25 + 0.75 * t, 0 * t)),
    "gamma": (linear_interpolant(gamma=0.5), lambda t: (1 - t, t, 0.5 + 0 * t)),
    "bridge": (brownian_bridge(3.0), lambda t: (1 - t, t, 3 * (t - t**2) ** 0.5)),
    "circle": (TRIGONOMETRIC, lambda t: (np.cos(np.pi * t / 2), np.sin(np.pi * t / 2), 0 * t)),
}


@pytest.mark.parametrize("name", CURVES)
def test_scales_and_rates(name):  # (SI.5), (SI.6)
    curve, definition = CURVES[name]
    for found, exact in zip(curve.scales(T), definition(T), strict=True):
        np.testing.assert_allclose(found, exact, rtol=4 * 2.0**-53, atol=1e-18)
    h = 1e-150
    for found, stepped in zip(curve.rates(T), definition(T + 1j * h), strict=True):
        np.testing.assert_allclose(found, np.imag(stepped) / h, rtol=16 * 2.0**-53, atol=1e-15)
    assert all(np.shape(value) == () for value in (*curve.scales(np.array(0.5)), *curve.rates(np.array(0.5))))


def test_ends():  # data at 0, the other law at 1, no noise left at either
    ends = np.array([0.0, 1.0])
    for name in ("line", "bridge", "circle"):
        alpha, beta, gamma = CURVES[name][0].scales(ends)
        np.testing.assert_allclose([alpha, beta, gamma], [[1, 0], [0, 1], [0, 0]], atol=1e-16)
    assert_array_equal(linear_interpolant(sigma_min=0.25).beta(ends), [0.25, 1])


def test_the_circle_keeps_a_variance():
    alpha, beta, _ = TRIGONOMETRIC.scales(T)
    np.testing.assert_allclose(alpha**2 + beta**2, 1, rtol=2.0**-51)


def test_a_rate_that_is_infinite_is_refused():
    with pytest.raises(ValueError, match=r"gamma_dot\(t\) has 1 value that is not finite"):
        brownian_bridge(1.0).rates(np.array([0.5, 0.0]))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"sigma_min is 1.0; expected 0 <= sigma_min < 1"):
        linear_interpolant(sigma_min=1)
    with pytest.raises(ValueError, match=r"gamma is -1.0; expected gamma >= 0"):
        linear_interpolant(gamma=-1)
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        brownian_bridge(0)
    broken = Interpolant(*[lambda t: np.ones((2, 2))] * 6)
    with pytest.raises(ValueError, match=r"alpha\(t\) has shape \(2, 2\); expected \(5,\), the shape of t"):
        broken.scales(T)
