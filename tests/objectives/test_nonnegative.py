"""objectives/nonnegative.py: its definition in autograd and rationals, the identity by quadrature, known variances."""

import itertools
import math
from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal
from scipy import stats
from scipy.integrate import quad

from refscore.models import AffineScore
from refscore.objectives import (
    Weight,
    capped_weight,
    implicit,
    implicit_gradient,
    log_weight,
    nonnegative,
    nonnegative_gradient,
    power_weight,
    saturating_weight,
)
from tests.cubature import problems
from tests.objectives import polynomials as poly
from tests.objectives import rational
from tests.objectives.polynomials import U

WEIGHTS = {
    "x": (power_weight(1), lambda x: x),
    "x^2": (power_weight(2), lambda x: x * x),
    "x^1.5": (power_weight(1.5), lambda x: x**1.5),
    "log": (log_weight(), lambda x: anp.log(1 + x)),
    "exp": (saturating_weight(), lambda x: 1 - anp.exp(-x)),
    "capped": (capped_weight(1.25), lambda x: anp.minimum(x, 1.25)),
}
X = np.array([[0.5, 2.0], [1.0, 0.25], [3.0, 1.5]])
ONE = Weight("1", np.ones_like, np.zeros_like)


@given(problems())
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value_is_the_definition_in_rationals(batch, problem):  # (NNG.4) with h = x²
    x = np.abs(rational.quarters(0, *batch, problem.d))
    value = nonnegative(AffineScore(problem.matrix, problem.centre), x, h=power_weight(2))
    assert value.shape == batch
    for i in np.ndindex(batch):
        s, point = rational.score(problem.matrix, problem.centre, x[i]), rational.fractions(x[i])
        terms = [
            t**2 * r**2 / 2 - t**2 * Fraction(float(problem.matrix[j, j])) + 2 * t * r
            for j, (t, r) in enumerate(zip(point, s, strict=True))
        ]
        assert value[i] == sum(terms)


@pytest.mark.parametrize("name", WEIGHTS)
def test_value_is_half_the_square_and_the_divergence_of_the_weighted_score(name):  # (NNG.1) (NNG.4)
    h, formula = WEIGHTS[name]
    model, absolute = poly.family(2), poly.magnitudes(poly.family(2))
    for x, value in zip(X, nonnegative(model, X, h=h)):
        weighted = lambda y: formula(y) * poly.score(model.theta, y)  # noqa: E731 - one line of mathematics
        s = poly.score(model.theta, x)
        expected = 0.5 * np.sum(formula(x) * s**2) + np.trace(autograd.jacobian(weighted)(x))
        size = nonnegative(absolute, x, h=h)
        assert abs(value - expected) <= 64 * U * size


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradient_is_autograds(name):  # (NNG.2) (NNG.5)
    h, formula = WEIGHTS[name]
    model, absolute = poly.family(2), poly.magnitudes(poly.family(2))

    def total(theta):
        value = 0.0
        for x in X:
            s = poly.score(theta, x)
            bend = anp.diag(autograd.hessian(poly.log_density, 1)(theta, x))
            slope = autograd.elementwise_grad(formula)(x)
            value = value + anp.sum(0.5 * formula(x) * s**2 + formula(x) * bend + slope * s)
        return value

    got, size = nonnegative_gradient(model, X, h=h), nonnegative_gradient(absolute, X, h=h)
    assert (np.abs(got - poly.gradient(total, model)) <= 64 * U * size).all()
    assert_array_equal(nonnegative_gradient(model, X[:, None], h=h), got)


def test_gradient_of_a_field_that_is_no_gradient():
    matrix, centre = np.array([[2.0, 0.5], [-0.25, 1.5]]), np.array([0.5, -1.0])

    def total(theta):
        a, b = anp.reshape(theta[:4], (2, 2)), theta[4:]
        s = -anp.dot(X - b, a.T)
        return anp.sum(0.5 * X**2 * s**2 - X**2 * anp.diag(a) + 2 * X * s)

    score = AffineScore(matrix, centre)
    assert_array_equal(nonnegative_gradient(score, X, h=power_weight(2)), autograd.grad(total)(score.pack()))


@given(problems())
def test_without_a_weight_it_is_the_implicit_objective(problem):
    x, score = np.abs(rational.quarters(1, 4, problem.d)), AffineScore(problem.matrix, problem.centre)
    assert_array_equal(nonnegative(score, x, h=ONE), implicit(score, x))
    assert_array_equal(nonnegative_gradient(score, x, h=ONE), implicit_gradient(score, x))


LAWS = {
    "truncated normal": (stats.truncnorm(-0.5, np.inf, loc=0.5).pdf, lambda x: 0.5 - x),
    "gamma": (stats.gamma(2.5, scale=0.5).pdf, lambda x: 1.5 / x - 2),
    "exponential": (stats.expon(scale=0.8).pdf, lambda x: -1.25 + 0 * x),
}


def mean(law, function, cuts=(0.0, 1.25, 8.0, 60.0)):
    """With the error that quad certifies; the weights' kink lies on a cut."""
    parts = [
        quad(lambda x: law(x) * function(np.array([x])).item(), *ends, epsabs=1e-12, epsrel=1e-12, limit=200)
        for ends in itertools.pairwise(cuts)
    ]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", WEIGHTS)
def test_explicit_is_implicit_up_to_a_constant(name, law):  # (NNG.3)
    h, (density, slope), score = WEIGHTS[name][0], LAWS[law], AffineScore([[0.75]], [-1.0])
    explicit = mean(density, lambda x: 0.5 * h(x) * (score(x) - slope(x)) ** 2)
    ours = mean(density, lambda x: nonnegative(score, x, h=h))
    constant = mean(density, lambda x: 0.5 * h(x) * slope(x) ** 2)
    assert abs(explicit[0] - ours[0] - constant[0]) <= explicit[1] + ours[1] + constant[1] + 1e-13
    assert abs(explicit[0]) > 0.01


def test_what_a_weight_that_does_not_vanish_leaves_is_the_boundary_term():
    (density, slope), score = LAWS["truncated normal"], AffineScore([[0.75]], [-1.0])
    explicit = mean(density, lambda x: 0.5 * (score(x) - slope(x)) ** 2)
    ours = mean(density, lambda x: nonnegative(score, x, h=ONE))
    constant = mean(density, lambda x: 0.5 * slope(x) ** 2)
    boundary = density(0.0) * score([0.0]).item()
    assert abs(explicit[0] - ours[0] - constant[0] - boundary) <= 1e-11
    assert abs(boundary) > 0.1


# Asymptotic n Var of the estimators, Yu, Drton & Shojaie's table for N(0, 1) given x > 0 and closed forms.
KNOWN = [
    ("mu", power_weight(1), np.pi, 1e-9),
    ("mu", power_weight(2), 7, 1e-9),
    ("mu", log_weight(), 2.79546, 5e-6),
    ("mu", capped_weight(1), 3.00829, 5e-6),
    ("mu", capped_weight(3), 3.13551, 5e-6),
    ("mu", capped_weight(1, 2), 4.59831, 5e-6),
    ("mu", saturating_weight(), 2.75352, 5e-6),
    ("sigma2", power_weight(1), 2.74889, 5e-6),
    ("sigma2", power_weight(2), 14 / 3, 1e-9),
    ("sigma2", log_weight(), 2.37951, 5e-6),
    ("sigma2", capped_weight(1), 2.26759, 5e-6),
    ("sigma2", saturating_weight(), 2.23425, 5e-6),
]


@pytest.mark.parametrize(("parameter", "h", "known", "digits"), KNOWN)
def test_known_asymptotic_variances(parameter, h, known, digits):
    density, entry = stats.halfnorm.pdf, {"mu": 1, "sigma2": 0}[parameter]
    step = 0.5 * np.eye(2)[entry]
    at, up, down = (AffineScore([[1 + t[0]]], [t[1]]) for t in (0 * step, step, -step))
    square = mean(density, lambda x: nonnegative_gradient(at, x, h=h)[entry] ** 2, cuts=(0, 1, 3, 8, 40))[0]
    # The gradient is linear in each of 1/σ² and μ: the difference is its slope.
    bend = mean(
        density,
        lambda x: nonnegative_gradient(up, x, h=h)[entry] - nonnegative_gradient(down, x, h=h)[entry],
        cuts=(0, 1, 3, 8, 40),
    )[0]
    assert abs(square / bend**2 - known) <= digits  # d σ² = d(1/σ²) at σ = 1


@pytest.mark.parametrize("a", [1, 1.5, 2, 3])
def test_known_variances_of_the_exponential_rate(a):
    """θ = Σ h'/Σ h with h = x^a: relative n Var Γ(2a - 1)/Γ(a)², 1 for maximum likelihood."""
    h, theta = power_weight(a), 1.0
    s = AffineScore([[0.0]], [0.0])  # the score is constant: -θ, with J = 0

    class Rate:
        def __call__(self, x):
            return np.full_like(x, -theta)

        def jacobian(self, x):
            return s.jacobian(x)

        def vjp_parameters(self, x, v):
            return np.array([-v.sum()])

        def quadratic_parameters(self, x, v):
            return np.zeros(1)

    density = stats.expon.pdf
    square = mean(density, lambda x: nonnegative_gradient(Rate(), x, h=h) ** 2, cuts=(0, 1, 8, 60))[0]
    bend = mean(density, lambda x: h(x), cuts=(0, 1, 8, 60))[0]
    assert abs(square / bend**2 - math.gamma(2 * a - 1) / math.gamma(a) ** 2) <= 1e-8


def test_bad_arguments_are_refused():
    score, h = AffineScore(np.eye(2), [0, 0]), power_weight(2)
    for function in (nonnegative, nonnegative_gradient):
        with pytest.raises(ValueError, match=r"x has a value of -1.0; expected x >= 0"):
            function(score, [[1, -1]], h=h)
        with pytest.raises(ValueError, match=r"x has 1 value that is not finite"):
            function(score, [[0, np.inf]], h=h)
        with pytest.raises(ValueError, match=r"h\(x\) has a value of -1.0; expected h\(x\) >= 0"):
            function(score, [[1, 1]], h=Weight("-x", lambda x: -x, lambda x: -np.ones_like(x)))
        with pytest.raises(ValueError, match=r"h.slope\(x\) has shape \(\); expected \(1, 2\), the shape of x"):
            function(score, [[1, 1]], h=Weight("x", lambda x: x, lambda x: 1.0))
    with pytest.raises(TypeError, match="score has no method jacobian"):
        nonnegative(lambda x: -x, [[1.0, 2.0]], h=h)
