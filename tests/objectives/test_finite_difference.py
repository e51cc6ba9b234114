"""objectives/finite_difference.py against sliced score matching, Taylor's formula and autograd; dyadic, so equality."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from refscore.models import AffineScore, QuadraticEnergy
from refscore.objectives import (
    finite_difference,
    finite_difference_gradient,
    finite_difference_score,
    finite_difference_score_gradient,
    sliced,
    sliced_gradient,
)
from tests.cubature import problems
from tests.objectives import rational

BATCHES = [(), (3,), (2, 3)]
BOTH = [finite_difference, finite_difference_score]
GRADIENTS = [finite_difference_gradient, finite_difference_score_gradient]


class Quartic:
    """log p = -θ₀ Σ x_i⁴ - θ₁ x_1² x_2 - θ₂ Σ x_i: every derivative in x up to the fourth counts."""

    def __init__(self, theta=(0.25, 0.5, -1.5)):
        self.theta = theta

    def pack(self):
        return np.array(self.theta)

    def features(self, x):
        return [-(x**4).sum(-1), -(x[..., 0] ** 2) * x[..., 1], -x.sum(-1)]

    def log_prob(self, x):
        return sum(t * f for t, f in zip(self.theta, self.features(x)))

    def log_prob_parameters(self, x, weight):
        return np.array([(weight * f).sum() for f in self.features(x)])

    def slopes(self, x, v):
        """First to fourth derivative of h -> log p(x + h v) at 0, by hand."""
        a, b, c = self.theta
        x1, x2, v1, v2 = x[..., 0], x[..., 1], v[..., 0], v[..., 1]
        return (
            -4 * a * (x**3 * v).sum(-1) - b * (2 * x1 * v1 * x2 + x1**2 * v2) - c * v.sum(-1),
            -12 * a * (x**2 * v**2).sum(-1) - b * (2 * v1**2 * x2 + 4 * x1 * v1 * v2),
            -24 * a * (x * v**3).sum(-1) - 6 * b * v1**2 * v2,
            -24 * a * (v**4).sum(-1),
        )


class Cubic:
    """s = θ (x_1³ + x_2, -x_1 x_2²), no gradient of anything."""

    def __init__(self, theta=(0.25,)):
        self.theta = theta

    def field(self, x):
        return np.stack([x[..., 0] ** 3 + x[..., 1], -x[..., 0] * x[..., 1] ** 2], axis=-1)

    def __call__(self, x):
        return self.theta[0] * self.field(x)

    def vjp_parameters(self, x, v):
        return np.array([(v * self.field(x)).sum()])


@settings(max_examples=25)
@given(problems())
@pytest.mark.parametrize("epsilon", [0.125, 0.5, 4])
@pytest.mark.parametrize("batch", BATCHES)
def test_for_quadratic_log_densities_it_is_sliced_score_matching(batch, epsilon, problem):
    x, v = rational.quarters(0, *batch, problem.d), rational.quarters(1, 2, *batch, problem.d)
    energy, field = QuadraticEnergy(problem.matrix, problem.centre), AffineScore(problem.matrix, problem.centre)
    assert_array_equal(finite_difference(energy.log_prob, x, v, epsilon=epsilon), sliced(energy, x, v))
    assert_array_equal(finite_difference_gradient(energy, x, v, epsilon=epsilon), sliced_gradient(energy, x, v))
    assert_array_equal(finite_difference_score(field, x, v, epsilon=epsilon), sliced(field, x, v))
    assert_array_equal(finite_difference_score_gradient(field, x, v, epsilon=epsilon), sliced_gradient(field, x, v))


@pytest.mark.parametrize("epsilon", [0.25, 1, 2])
@pytest.mark.parametrize("m", [1, 2, 4])
@pytest.mark.parametrize("batch", BATCHES)
def test_the_error_is_what_taylors_formula_says(batch, m, epsilon):  # (FDS.1), (FDS.2), (FDS.4); a quartic has no more
    x, v = rational.quarters(0, *batch, 2), rational.quarters(1, m, *batch, 2)
    first, second, third, fourth = Quartic().slopes(x, v)
    curvature = second + epsilon**2 * fourth / 12
    slope = first + epsilon**2 * third / 6
    value = finite_difference(Quartic().log_prob, x, v, epsilon=epsilon)
    assert value.shape == batch
    assert_array_equal(value, (curvature + slope**2 / 2).mean(0))


@pytest.mark.parametrize("epsilon", [0.25, 2])
@pytest.mark.parametrize("batch", BATCHES)
def test_the_form_for_fields_is_the_definition(batch, epsilon):  # (FDS.6), with the brackets multiplied out
    x, v = rational.quarters(0, *batch, 2), rational.quarters(1, 2, *batch, 2)
    s, e = Cubic(), epsilon
    right, left = (v * s(x + e * v)).sum(-1), (v * s(x - e * v)).sum(-1)
    expected = ((right - left) / (2 * e) + (right + left) ** 2 / 8).mean(0)
    assert_array_equal(finite_difference_score(s, x, v, epsilon=e), expected)


def test_both_forms_agree_where_there_is_a_density():
    x, v = rational.quarters(0, 3, 2), rational.quarters(1, 2, 3, 2)
    model = QuadraticEnergy([[2.0, 0.5], [0.25, 1.0]], [1.0, -0.5])
    energy = finite_difference(model.log_prob, x, v, epsilon=0.5)
    assert_array_equal(finite_difference_score(model, x, v, epsilon=0.5), energy)


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("batch", [(3,), (3, 1)])
def test_gradients_are_autograds(batch, m):  # (FDS.5), (FDS.7)
    x, v = rational.quarters(0, 3, 2), rational.quarters(1, m, 3, 2)
    e = 0.5

    def energy(theta):
        def log_prob(y):
            return -theta[0] * anp.sum(y**4) - theta[1] * y[0] ** 2 * y[1] - theta[2] * anp.sum(y)

        total = 0.0
        for y, w in ((x[i], v[j, i]) for i in range(3) for j in range(m)):
            right, left = log_prob(y + e * w), log_prob(y - e * w)
            total = total + (right - 2 * log_prob(y) + left) / e**2 + (right - left) ** 2 / (8 * e**2)
        return total / m

    def field(theta):
        def s(y):
            return theta[0] * anp.array([y[0] ** 3 + y[1], -y[0] * y[1] ** 2])

        total = 0.0
        for y, w in ((x[i], v[j, i]) for i in range(3) for j in range(m)):
            right, left = anp.dot(w, s(y + e * w)), anp.dot(w, s(y - e * w))
            total = total + (right - left) / (2 * e) + ((right + left) / 2) ** 2 / 2
        return total / m

    folded, along = x.reshape(*batch, 2), v.reshape(m, *batch, 2)
    exact = autograd.grad(energy)(Quartic().pack())
    assert_array_equal(finite_difference_gradient(Quartic(), folded, along, epsilon=e), exact)
    exact = autograd.grad(field)(np.array([0.25]))
    assert_array_equal(finite_difference_score_gradient(Cubic(), folded, along, epsilon=e), exact)


def test_the_authors_form_has_the_length_of_the_step_and_a_factor_d():
    d, length = 4, 0.5
    model, x = QuadraticEnergy(np.diag([1.0, 2.0, 3.0, 4.0]), np.zeros(d)), rational.quarters(0, 3, d)
    unit = np.sign(rational.quarters(1, 3, d) + 0.125) / 2  # of length one
    right, left = model.log_prob(x + length * unit), model.log_prob(x - length * unit)
    theirs = d * (right + left - 2 * model.log_prob(x) + (right - left) ** 2 / 8) / length**2
    ours = finite_difference(model.log_prob, x, np.sqrt(d) * unit[None], epsilon=length / np.sqrt(d))
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize("steps", [(2.0**-4, 2.0**-5)])
def test_the_order_is_two(steps):  # where log p is no polynomial
    x, v = np.array([[0.75, -1.25]]), np.array([[[1.5, 0.5]]])
    slope, bend = _smooth_slopes(x, v)
    exact = (bend + slope**2 / 2).mean(0)
    errors = [finite_difference(_smooth, x, v, epsilon=e) - exact for e in steps]
    assert abs(np.log2(errors[0] / errors[1]) - 2)[0] < 0.01


def _smooth(x):
    return np.cos(x).sum(-1) + np.exp(x[..., 0] * x[..., 1])


def _smooth_slopes(x, v):
    product, cross = np.exp(x[..., 0] * x[..., 1]), x[..., 0] * v[..., 1] + x[..., 1] * v[..., 0]
    first = -(np.sin(x) * v).sum(-1) + product * cross
    return first, -(np.cos(x) * v**2).sum(-1) + product * (cross**2 + 2 * v[..., 0] * v[..., 1])


def models_for(function):
    energy = QuadraticEnergy(np.eye(2), [0, 0])
    return energy.log_prob if function is finite_difference else energy


@pytest.mark.parametrize("function", BOTH + GRADIENTS)
@pytest.mark.parametrize("shape", [(3, 2), (2,), (), (1, 2, 3), (0, 3, 2), (5, 1, 2)])
def test_projections_belong_to_samples(function, shape):
    with pytest.raises(ValueError, match=r"projection has shape .*; expected \(m, 3, 2\), m >= 1 projections for each"):
        function(models_for(function), np.zeros((3, 2)), np.zeros(shape), epsilon=0.5)


@pytest.mark.parametrize("function", BOTH + GRADIENTS)
@pytest.mark.parametrize(
    ("epsilon", "message"),
    [(0.0, "epsilon is 0.0; expected epsilon > 0"), (-1, "expected epsilon > 0"), ([0.1], "expected a single number")],
)
def test_the_step_is_one_positive_number(function, epsilon, message):
    with pytest.raises(ValueError, match=message):
        function(models_for(function), np.zeros(2), [[1.0, 1.0]], epsilon=epsilon)


@pytest.mark.parametrize("function", BOTH + GRADIENTS)
def test_bad_arguments_are_refused(function):
    with pytest.raises(ValueError, match=r"projection has 1 value that is not finite"):
        function(models_for(function), np.zeros(2), [[0, np.nan]], epsilon=1)
    with pytest.raises(ValueError, match=r"x has shape \(\)"):
        function(models_for(function), 1.0, [1.0], epsilon=1)


def test_a_log_density_that_would_broadcast_is_refused():
    with pytest.raises(ValueError, match=r"log_prob\(x\) has shape \(3, 1\); expected \(3,\), the shape of the batch"):
        finite_difference(lambda x: x.sum(-1, keepdims=True), np.zeros((3, 2)), np.ones((1, 3, 2)), epsilon=1)
    with pytest.raises(ValueError, match=r"score\(x\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        finite_difference_score(lambda x: x.sum(-1, keepdims=True), np.zeros((3, 2)), np.ones((1, 3, 2)), epsilon=1)
