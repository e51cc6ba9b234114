"""Flow: the straight line."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from refscore.paths import Flow

T = np.array([0.0, 1e-10, 0.25, 0.5, 0.9, 1.0])


def test_the_line():  # Liu et al. (2023): x_t = (1 - t) x0 + t ε, dx/dt = ε - x0
    path = Flow()
    assert_array_equal(path.alpha(T), 1 - T)
    assert_array_equal(path.sigma(T), T)
    assert_array_equal(path.alpha_dot(T), -1)
    assert_array_equal(path.sigma_dot(T), 1)


def test_the_sde_of_the_line():  # d(t²)/dt = 2 f t² + g² with f = -1/(1 - t)
    t = T[:-1]
    assert_allclose(Flow().drift_rate(t), -1 / (1 - t), rtol=4e-16)
    assert_allclose(Flow().diffusion(t) ** 2, 2 * t / (1 - t), rtol=4e-16)


def test_the_inverse_is_the_logistic_function():
    levels = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0])
    with np.errstate(over="ignore"):
        assert_allclose(Flow().time(levels), 1 / (1 + np.exp(levels)), rtol=8e-16)
    assert Flow().time(800.0) == 0
    assert Flow().time(np.log(3)) == 0.25


def test_the_ends():
    path = Flow()
    assert (path.t_max, path.prior_scale) == (1, 1)
    assert_array_equal(path.log_snr([0, 1]), [np.inf, -np.inf])
    assert_array_equal(path.time([np.inf, -np.inf]), [0, 1])
    assert repr(path) == "Flow()"
