"""objectives/flow_matching.py against rational arithmetic and autograd; dyadic numbers, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineVelocity
from refscore.objectives import flow_matching, flow_matching_gradient, path, velocity_target
from refscore.paths import Flow
from tests.objectives import rational

DIMENSIONS = [1, 2, 3]


def case(d):
    """d samples of dimension d, where a wrong axis would broadcast."""
    u = AffineVelocity(rational.quarters(2, 2, d, d), rational.quarters(3, 2, d))
    return u, rational.quarters(0, d, d), rational.quarters(1, d, d), np.array([0.25, 1.0, 0.0])[:d]


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("least", [0.0, 0.25])
def test_value_is_the_definition(least, d):  # (FM.3), (FM.4), (FM.6)
    u, x0, x1, t = case(d)
    value = flow_matching(u, x0, x1, t, sigma_min=least)
    assert value.shape == (d,)
    for i in range(d):
        time, s = Fraction(t[i]), Fraction(least)
        pairs = list(zip(rational.fractions(x0[i]), rational.fractions(x1[i]), strict=True))
        x = np.array([float((1 - time) * a + (s + (1 - s) * time) * b) for a, b in pairs])
        residual = [Fraction(found) - ((1 - s) * b - a) for found, (a, b) in zip(u(x, float(time)), pairs, strict=True)]
        assert value[i] == rational.dot(residual, residual) / 2


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("least", [0.0, 0.25])
def test_gradient_is_autograds(least, d):  # (FM.7)
    u, x0, x1, t = case(d)
    each = t[:, None]

    def total(theta):
        m, c = anp.reshape(theta[: 2 * d * d], (2, d, d)), anp.reshape(theta[2 * d * d :], (2, d))
        x = (1 - each) * x0 + (least + (1 - least) * each) * x1
        found = sum(each**j * (anp.dot(x, m[j].T) + c[j]) for j in range(2))
        return 0.5 * anp.sum((found - ((1 - least) * x1 - x0)) ** 2)

    assert_array_equal(flow_matching_gradient(u, x0, x1, t, sigma_min=least), autograd.grad(total)(u.pack()))


@pytest.mark.parametrize("d", DIMENSIONS)
def test_it_is_the_path_loss_of_the_flow_path_with_velocity(d):
    u, x0, x1, t = case(d)
    flow = Flow()
    target = velocity_target(x0, x1, flow.alpha_dot(t), flow.sigma_dot(t))
    exact = path(u, x0, x1, t, alpha=flow.alpha(t), sigma=flow.sigma(t), target=target, weight=1.0)
    assert_array_equal(flow_matching(u, x0, x1, t), exact)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_other_direction_of_time_is_the_same_formula(d):  # u at 1 - t with its sign turned, ends swapped
    u, x0, x1, t = case(d)
    assert_array_equal(flow_matching(u, x0, x1, t), flow_matching(lambda x, s: -u(x, 1 - s), x1, x0, 1 - t))


def test_one_time_for_all():
    u, x0, x1, _ = case(3)
    assert_array_equal(flow_matching(u, x0, x1, 0.5), flow_matching(u, x0, x1, np.full(3, 0.5)))
    assert flow_matching(u, x0[0], x1[0], 0.5).shape == ()


@pytest.mark.parametrize("function", [flow_matching, flow_matching_gradient])
def test_bad_arguments_are_refused(function):
    u, x0, x1, t = case(3)
    with pytest.raises(ValueError, match=r"t reaches from 0.5 to 1.5; expected 0 <= t <= 1, where 0 is data"):
        function(u, x0, x1, [0.5, 1.5, 1])
    with pytest.raises(ValueError, match=r"t has shape \(2,\); expected \(\) or the batch shape \(3,\) of x"):
        function(u, x0, x1, [0.5, 1])
    with pytest.raises(ValueError, match=r"x1 has shape \(3, 1\); expected \(3, 3\), the shape of x0"):
        function(u, x0, x1[:, :1], t)
    with pytest.raises(ValueError, match=r"sigma_min is 1.0; expected 0 <= sigma_min < 1"):
        function(u, x0, x1, t, sigma_min=1)
    with pytest.raises(ValueError, match=r"sigma_min is -0.5; expected sigma_min >= 0"):
        function(u, x0, x1, t, sigma_min=-0.5)
    with pytest.raises(ValueError, match=r"velocity\(x, t\) has shape \(3, 1\); expected \(3, 3\), the shape of x"):
        function(lambda x, t: t[:, None], x0, x1, t)
