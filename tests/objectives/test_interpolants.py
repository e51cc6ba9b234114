"""objectives/interpolants.py against autograd and rational arithmetic; dyadic numbers, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineVelocity
from refscore.objectives import (
    flow_matching,
    interpolant_denoiser,
    interpolant_denoiser_gradient,
    interpolant_velocity,
    interpolant_velocity_gradient,
)
from refscore.paths import Interpolant, brownian_bridge, linear_interpolant
from tests.objectives import rational

# Polynomials of t: dyadic at dyadic times, and different from each other in every value.
CURVE = Interpolant(
    lambda t: 1 - t**2,
    lambda t: 3 * t - 1,
    lambda t: t - t**2,
    lambda t: -2 * t,
    lambda t: 3 + 0 * t,
    lambda t: 1 - 2 * t,
)
T = np.array([0.25, 1.0, 0.5])


def case(d):
    u = AffineVelocity(rational.quarters(2, 2, d, d), rational.quarters(3, 2, d))
    return u, *(rational.quarters(seed, d, d) for seed in (0, 1, 4)), T[:d]


def parts(x0, x1, z, t):
    each = t[:, None]
    x = (1 - each**2) * x0 + (3 * each - 1) * x1 + (each - each**2) * z
    return x, -2 * each * x0 + 3 * x1 + (1 - 2 * each) * z


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("of_noise", [False, True])
def test_value_and_gradient_are_the_definition(of_noise, d):  # (SI.1), (SI.4), (SI.7) to (SI.10)
    u, x0, x1, z, t = case(d)
    x, rate = parts(x0, x1, z, t)
    target, each = z if of_noise else rate, t[:, None]

    def losses(theta):
        m, c = anp.reshape(theta[: 2 * d * d], (2, d, d)), anp.reshape(theta[2 * d * d :], (2, d))
        return 0.5 * anp.sum((sum(each**j * (anp.dot(x, m[j].T) + c[j]) for j in range(2)) - target) ** 2, axis=-1)

    value, gradient = {
        False: (interpolant_velocity, interpolant_velocity_gradient),
        True: (interpolant_denoiser, interpolant_denoiser_gradient),
    }[of_noise]
    assert_array_equal(value(u, x0, x1, z, t, CURVE), losses(u.pack()))
    exact = autograd.grad(lambda theta: anp.sum(losses(theta)))(u.pack())
    assert_array_equal(gradient(u, x0, x1, z, t, CURVE), exact)


def test_on_the_line_it_is_flow_matching():
    u, x0, x1, z, t = case(3)
    for least in (0.0, 0.25):
        line = linear_interpolant(sigma_min=least)
        assert_array_equal(interpolant_velocity(u, x0, x1, z, t, line), flow_matching(u, x0, x1, t, sigma_min=least))


def test_the_target_of_the_bridge_is_that_of_its_own_conditional_path():  # (SI.6), by mean and variance
    u, x0, x1, z, _ = case(3)
    t, sigma = np.array([0.25, 0.75, 0.125]), 2.0
    each = t[:, None]
    mean, spread = (1 - each) * x0 + each * x1, sigma * np.sqrt(each * (1 - each))
    x = mean + spread * z
    target = (1 - 2 * each) / (2 * each * (1 - each)) * (x - mean) + x1 - x0
    exact = 0.5 * ((u(x, t) - target) ** 2).sum(-1)
    np.testing.assert_allclose(interpolant_velocity(u, x0, x1, z, t, brownian_bridge(sigma)), exact, rtol=1e-14)


def test_albergos_form_differs_by_the_square_of_the_target():
    u, x0, x1, z, t = case(3)
    x, rate = parts(x0, x1, z, t)
    theirs = 0.5 * (u(x, t) ** 2).sum(-1) - (u(x, t) * rate).sum(-1)
    assert_array_equal(interpolant_velocity(u, x0, x1, z, t, CURVE), theirs + 0.5 * (rate**2).sum(-1))


@pytest.mark.parametrize(
    "function",
    [interpolant_velocity, interpolant_velocity_gradient, interpolant_denoiser, interpolant_denoiser_gradient],
)
def test_bad_arguments_are_refused(function):
    u, x0, x1, z, t = case(3)
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 3\), the shape of x0"):
        function(u, x0, x1, z[:, :1], t, CURVE)
    with pytest.raises(ValueError, match=r"x1 has shape \(2, 3\); expected \(3, 3\), the shape of x0"):
        function(u, x0, x1[:2], z, t, CURVE)
    with pytest.raises(ValueError, match=r"t reaches from -0.5 to 1.0; expected 0 <= t <= 1"):
        function(u, x0, x1, z, [0, 1, -0.5], CURVE)
    with pytest.raises(ValueError, match=r"field\(x, t\) has shape \(3,\); expected \(3, 3\), the shape of x"):
        function(lambda x, t: t, x0, x1, z, t, CURVE)


def test_the_velocity_of_a_bridge_is_refused_at_its_ends_and_its_noise_is_not():
    u, x0, x1, z, _ = case(3)
    with pytest.raises(ValueError, match=r"gamma_dot\(t\) has 1 value that is not finite"):
        interpolant_velocity(u, x0, x1, z, [0.5, 0.0, 0.5], brownian_bridge(1.0))
    assert np.isfinite(interpolant_denoiser(u, x0, x1, z, [0.5, 0.0, 0.5], brownian_bridge(1.0))).all()
