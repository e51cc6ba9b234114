"""objectives/truncated.py: the definition in autograd; the identity on a disk and a box by exact cubature."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import (
    Boundary,
    ball_distance,
    box,
    box_distance,
    box_gradient,
    implicit,
    nonnegative,
    nonnegative_gradient,
    polyhedron_distance,
    power_weight,
    saturating_weight,
    truncated,
    truncated_gradient,
)
from tests.objectives import polynomials as poly
from tests.objectives.polynomials import U

X = np.array([[0.25, 0.5], [0.5, -0.25], [-0.125, 0.375]])
BALL = ball_distance([0.25, 0], 2)


def ball(x):
    return 2 - anp.sqrt((x[0] - 0.25) ** 2 + x[1] ** 2)


def sizes(function, x, g):
    """The objective with all terms positive, at |x| with the weights of x."""
    weight, slope = g(x), np.abs(g.gradient(x))
    given = Boundary("its terms", lambda _: weight, lambda _: slope)
    return function(poly.magnitudes(poly.family(2)), np.abs(x), g=given)


def test_value_is_half_the_square_and_the_divergence_of_the_weighted_score():  # (TRU.2)
    model = poly.family(2)
    for x, value in zip(X, truncated(model, X, g=BALL)):
        weighted = lambda y: ball(y) * poly.score(model.theta, y)  # noqa: E731 - one line of mathematics
        s = poly.score(model.theta, x)
        expected = 0.5 * ball(x) * s @ s + np.trace(autograd.jacobian(weighted)(x))
        assert abs(value - expected) <= 64 * U * sizes(truncated, x, BALL)


def test_gradient_is_autograds():  # (TRU.3)
    model = poly.family(2)

    def total(theta):
        value = 0.0
        for x in X:
            s, slope = poly.score(theta, x), autograd.grad(ball)(x)
            trace = anp.trace(autograd.hessian(poly.log_density, 1)(theta, x))
            value = value + ball(x) * (0.5 * anp.dot(s, s) + trace) + anp.dot(slope, s)
        return value

    got = truncated_gradient(model, X, g=BALL)
    assert (np.abs(got - poly.gradient(total, model)) <= 64 * U * sizes(truncated_gradient, X, BALL)).all()
    assert_array_equal(truncated_gradient(model, X[:, None], g=BALL), got)
    assert_array_equal(truncated(model, X[:, None], g=BALL)[:, 0], truncated(model, X, g=BALL))


def test_a_constant_weight_is_the_implicit_objective():
    one = Boundary("1", lambda x: np.ones(x.shape[:-1]), np.zeros_like)
    score = AffineScore([[1, 2], [0.5, -1]], [0.5, 1])
    assert_array_equal(truncated(score, X, g=one), implicit(score, X))


# --- the identity, ∫ p (g tr J + ∇g·s) = -∫ g s·∇p, for polynomial p ------------------------------------------------


def disk():
    """Nodes and weights, exact for polynomials times powers of the radius."""
    radius, weight = np.polynomial.legendre.leggauss(8)
    radius, weight = (radius + 1) / 2, weight / 2
    angle = 2 * np.pi * np.arange(16) / 16
    nodes = (radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], -1)).reshape(-1, 2)
    return nodes, np.repeat(weight * radius * 2 * np.pi / 16, 16)


def triangles(centre, corners):
    """The triangles between a centre and the sides of a polygon: in each the distance to the boundary is linear."""
    points, weight = np.polynomial.legendre.leggauss(6)
    points, weight = (points + 1) / 2, weight / 2
    nodes, weights = [], []
    for a, b in zip(corners, np.roll(corners, -1, 0)):
        area = abs(np.linalg.det([a - centre, b - centre]))
        for (u, wu), (v, wv) in itertools.product(zip(points, weight), repeat=2):
            nodes.append(centre + u * ((1 - v) * (a - centre) + v * (b - centre)))
            weights.append(area * u * wu * wv)
    return np.array(nodes), np.array(weights)


SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
DOMAINS = {
    "disk": (ball_distance([0, 0], 1), disk()),
    "box": (box_distance([0, 0], [1, 1]), triangles(np.array([0.5, 0.5]), SQUARE)),
    "polyhedron": (
        polyhedron_distance([[1, 0], [0, 1], [-1, 0], [0, -1]], [0, 0, -1, -1]),
        triangles(np.array([0.5, 0.5]), SQUARE),
    ),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_explicit_is_implicit_up_to_a_constant(name):  # (TRU.1)
    g, (x, measure) = DOMAINS[name]
    score = AffineScore([[1, 2], [0.5, -1]], [0.5, 1])
    density, slope = 2 + x[:, 0] + 0.5 * x[:, 0] * x[:, 1], np.stack([1 + 0.5 * x[:, 1], 0.5 * x[:, 0]], -1)
    total = measure @ density
    explicit = measure @ (density * 0.5 * g(x) * ((score(x) - slope / density[:, None]) ** 2).sum(-1))
    constant = measure @ (0.5 * g(x) * (slope**2).sum(-1) / density)
    ours = (measure * density) @ truncated(score, x, g=g)
    # Both rational integrands are summed at the same nodes, so they cancel there, and the rest is a polynomial.
    assert abs(explicit - ours - constant) <= 256 * U * (explicit + constant + total)
    without = (measure * density) @ (truncated(score, x, g=g) - (g.gradient(x) * score(x)).sum(-1))
    assert abs(explicit - without - constant) > 0.1  # the boundary is in ∇g·s


# --- boxes, coordinate by coordinate ---------------------------------------------------------------------------------


def test_a_box_is_two_half_lines():  # (TRU.4)
    score, h = AffineScore([[1, 2], [0.5, -1]], [0.5, 1]), power_weight(2)
    x = np.array([[0.25, 0.5], [1.5, 0.25]])
    assert_array_equal(box(score, x, lower=[0, 0], upper=[8, 8], h=h), nonnegative(score, x, h=h))
    assert_array_equal(box_gradient(score, x, lower=[0, 0], upper=[8, 8], h=h), nonnegative_gradient(score, x, h=h))
    # Mirrored at the middle: y = 8 - x has the score -s(8 - y), and the upper faces are its lower ones.
    mirrored = AffineScore(score.matrix, 8 - score.centre)
    assert_array_equal(box(mirrored, 8 - x, lower=[0, 0], upper=[8, 8], h=h), nonnegative(score, x, h=h))


def test_box_by_autograd_with_both_faces():  # (TRU.4)
    model, lower, upper = poly.family(2), np.array([-0.5, -0.5]), np.array([0.625, 1.5])
    distance = lambda y: anp.minimum(y - lower, upper - y)  # noqa: E731
    weight = lambda y: 1 - anp.exp(-distance(y))  # noqa: E731
    x = np.array([[0.25, 0.375], [0.5, 0.75], [-0.25, 1.25]])  # on no kink
    values = box(model, x, lower=lower, upper=upper, h=saturating_weight())
    size = nonnegative(poly.magnitudes(model), np.abs(x) + 1, h=power_weight(1))
    for row, value, bound in zip(x, values, size):
        s = poly.score(model.theta, row)
        weighted = lambda y: weight(y) * poly.score(model.theta, y)  # noqa: E731
        expected = 0.5 * np.sum(weight(row) * s**2) + np.trace(autograd.jacobian(weighted)(row))
        assert abs(value - expected) <= 64 * U * bound

    def total(theta):
        value = 0.0
        for row in x:
            s, bend = poly.score(theta, row), anp.diag(autograd.hessian(poly.log_density, 1)(theta, row))
            slope = autograd.elementwise_grad(weight)(row)
            value = value + anp.sum(weight(row) * (0.5 * s**2 + bend) + slope * s)
        return value

    got = box_gradient(model, x, lower=lower, upper=upper, h=saturating_weight())
    bound = nonnegative_gradient(poly.magnitudes(model), np.abs(x) + 1, h=power_weight(1))
    assert (np.abs(got - poly.gradient(total, model)) <= 64 * U * bound).all()


def test_bad_arguments_are_refused():
    score = AffineScore(np.eye(2), [0, 0])
    for function in (truncated, truncated_gradient):
        with pytest.raises(ValueError, match=r"g\(x\) has a value of -2.0"):
            function(score, [[3, 0]], g=ball_distance([0, 0], 1))
    for function in (box, box_gradient):
        with pytest.raises(ValueError, match=r"upper - x has a value of -1.0; expected upper - x >= 0"):
            function(score, [[2, 0]], lower=[0, 0], upper=[1, 1], h=power_weight(1))
        with pytest.raises(ValueError, match=r"x - lower has a value of -1.0; expected x - lower >= 0"):
            function(score, [[-1, 0]], lower=[0, 0], upper=[1, 1], h=power_weight(1))
    with pytest.raises(TypeError, match="score has no method trace"):
        truncated(lambda x: -x, [[0.0, 0.0]], g=ball_distance([0, 0], 1))
