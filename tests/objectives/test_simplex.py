"""objectives/simplex.py: the density of z = √u by autograd, constant along rays; the identity with certified errors."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.integrate import quad

from refscore.models import AffineScore
from refscore.objectives import RootScore, orthant_least, orthant_product, simplex, simplex_gradient, sphere
from tests.objectives import polynomials as poly
from tests.objectives.polynomials import U

U3 = np.array([[0.25, 0.4375, 0.3125], [0.5, 0.125, 0.375], [0.0625, 0.3125, 0.625]])
WEIGHTS = {
    "least": (orthant_least(0.75), lambda z: anp.minimum(anp.min(z**2), 0.75**2)),
    "capped": (orthant_least(0.375), lambda z: anp.minimum(anp.min(z**2), 0.375**2)),
    "product": (orthant_product(1), lambda z: anp.prod(z**2)),
}


def definition(theta, u, g):
    """½ g |∇F|² + g ΔF + ∇g·∇F for F(z) = log p(z²) + Σ log z at z/|z|."""

    def log_density(z):
        y = z / anp.sqrt(anp.dot(z, z))
        return poly.log_density(theta, y**2) + anp.sum(anp.log(y))

    z = np.sqrt(u)
    slope, rise = autograd.grad(log_density)(z), autograd.grad(lambda y: g(y / anp.sqrt(anp.dot(y, y))))(z)
    laplacian = anp.trace(autograd.hessian(log_density)(z))
    return g(z) * (0.5 * anp.dot(slope, slope) + laplacian) + anp.dot(rise, slope)


def size(model, u):
    """Of all terms: the slopes of Σ log z grow as 1/u."""
    return (64 * (1 + np.abs(model.theta).sum()) + 8 / u.min()) ** 2


@pytest.mark.parametrize("name", WEIGHTS)
def test_value_is_that_of_the_density_of_the_root(name):  # (SIM.1) (SIM.2) (SIM.3)
    g, formula = WEIGHTS[name]
    model = poly.family(3)
    for u, value in zip(U3, simplex(model, U3, g=g)):
        assert abs(value - definition(model.theta, u, formula)) <= 4 * U * size(model, u)
    assert_array_equal(simplex(model, U3[:, None], g=g)[:, 0], simplex(model, U3, g=g))
    assert_array_equal(simplex(model, U3, g=g), sphere(RootScore(model), np.sqrt(U3), g=g))


@pytest.mark.parametrize("name", WEIGHTS)
def test_gradient_is_autograds(name):  # (SIM.4)
    g, formula = WEIGHTS[name]
    model = poly.family(3)
    expected = poly.gradient(lambda theta: sum(definition(theta, u, formula) for u in U3), model)
    assert np.abs(simplex_gradient(model, U3, g=g) - expected).max() <= U * size(model, U3)


def test_the_score_of_the_root_has_its_derivatives():  # (SIM.2)
    model, v = poly.family(3), np.array([0.5, -1.0, 0.25])
    root, z = RootScore(model), np.array([0.5, 1.25, 0.75])  # off the sphere, too
    log_density = lambda y: poly.log_density(model.theta, y**2) + anp.sum(anp.log(y))  # noqa: E731
    hessian = autograd.hessian(log_density)(z)
    bound = 64 * U * size(model, z)
    assert np.abs(root(z) - autograd.grad(log_density)(z)).max() <= bound
    assert abs(root.trace(z) - np.trace(hessian)) <= bound
    assert np.abs(root.vjp(z, v) - v @ hessian).max() <= bound

    def quadratic(theta):
        of = lambda y: poly.log_density(theta, y**2) + anp.sum(anp.log(y))  # noqa: E731
        return anp.dot(v, anp.dot(autograd.hessian(of)(z), v))

    def pulled(theta):
        return anp.dot(v, autograd.grad(lambda y: poly.log_density(theta, y**2))(z))

    assert np.abs(root.quadratic_parameters(z, v) - poly.gradient(quadratic, model)).max() <= bound
    assert np.abs(root.vjp_parameters(z, v) - poly.gradient(pulled, model)).max() <= bound
    assert repr(RootScore(AffineScore([[1]], [0]))) == "RootScore(AffineScore(matrix (1, 1), centre (1,)))"


def test_explicit_is_implicit_up_to_a_constant():  # (SPH.1) on two shares of a Dirichlet law
    model, g, c = poly.family(2), orthant_least(0.5), 2 * np.array([1.5, 2.5]) - 1
    law = lambda a: np.cos(a) ** c[0] * np.sin(a) ** c[1]  # noqa: E731
    cuts = [1e-7, np.pi / 6, np.pi / 4, np.pi / 3, np.pi / 2 - 1e-7]  # g has kinks at these; near 0 it is a²

    def mean(function):
        point = lambda a: np.array([np.cos(a), np.sin(a)])  # noqa: E731
        parts = [
            quad(lambda a: law(a) * function(point(a)), *ends, epsabs=1e-13, epsrel=1e-13, limit=200)
            for ends in itertools.pairwise(cuts)
        ]
        return np.sum(parts, axis=0)

    def explicit(z):
        gap = RootScore(model)(z) - c / z
        return 0.5 * g(z) * (gap @ gap - (z @ gap) ** 2)

    def constant(z):
        return 0.5 * g(z) * (((c / z) ** 2).sum() - c.sum() ** 2)

    left, right, rest = mean(explicit), mean(lambda z: simplex(model, z**2 / (z @ z), g=g)), mean(constant)
    assert abs(left[0] - right[0] - rest[0]) <= left[1] + right[1] + rest[1] + 1e-11
    assert left[0] > 0.05


def test_bad_arguments_are_refused():
    score, g = AffineScore(np.eye(2), [0, 0]), orthant_least(1)
    for function in (simplex, simplex_gradient):
        with pytest.raises(ValueError, match=r"u has a row of sum 1.5; expected shares that sum to 1"):
            function(score, [[0.5, 1.0]], g=g)
        with pytest.raises(ValueError, match=r"u has a value of 0.0; expected u > 0"):
            function(score, [[0, 1]], g=g)
    with pytest.raises(TypeError, match="score has no method jacobian or vjp"):
        simplex(lambda u: u, [[0.5, 0.5]], g=g)
    with pytest.raises(ValueError, match=r"cap is 0.0; expected cap > 0"):
        orthant_product(0)
