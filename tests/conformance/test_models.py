"""The models that are handed out: values and derivatives against autograd of their own formula, in every library."""

import importlib.util

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore.conformance.capabilities.networks import ENERGIES, NETWORKS
from refscore.conformance.capabilities.objectives.common import MODEL, X
from refscore.conformance.capabilities.objectives.finite_difference import ENERGY
from refscore.conformance.kinds import array_kind
from refscore.conformance.levelled import Levelled
from refscore.conformance.perceptrons import Perceptron, tanh
from refscore.conformance.terms import Terms, exact, product

U = 2.0**-53
V = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -1.5], [-0.75, 1.0, 4.0]])
SIGMA = np.array([0.5, 2.0, 8.0])
SCORES = {"field": MODEL, **NETWORKS}
DENSITIES = {"quartic": ENERGY, **ENERGIES}
PEERS = [
    pytest.param(name, marks=[] if name == "numpy" else pytest.mark.peer)
    for name in ("numpy", "torch", "jax")
    if importlib.util.find_spec(name) is not None
]


def split(model, theta):
    ends = np.cumsum([p.size for p in model.parameters])
    parts = zip(model.parameters, ends)
    return [anp.reshape(theta[end - p.size : end], p.shape) for p, end in parts]


def gradient(model, total):
    """Of a function of the model's formula in θ."""
    theta = np.concatenate([p.ravel() for p in model.parameters])
    return autograd.grad(lambda t: total(model.formula(split(model, t), anp.tanh)))(theta)


def assert_within(got, expected, error):
    assert got.shape == expected.shape
    assert (np.abs(got - expected) <= 4 * U * np.maximum(error, 2.0**-24)).all()


def axes(x):
    return exact(np.broadcast_to(np.eye(3), (*x.shape, 3)))


ZERO = exact(np.zeros_like(X))


@pytest.mark.parametrize("name", SCORES)
def test_derivatives_of_scores_are_autograds(name):
    model, none = SCORES[name], np.zeros_like(X)
    formula = model.formula(model.parameters, anp.tanh)
    jacobian = np.stack([autograd.jacobian(formula)(row) for row in X])
    size = model.jacobian_magnitude(X)
    assert_within(model.jacobian(X), jacobian, size)
    assert_within(model.trace(X), np.trace(jacobian, axis1=1, axis2=2), np.trace(size, axis1=1, axis2=2))
    products = (np.abs(V)[:, None] @ size)[:, 0], (size @ np.abs(V)[..., None])[..., 0]
    assert_within(model.vjp(X, V), (V[:, None] @ jacobian)[:, 0], 4 * products[0])
    assert_within(model.jvp(X, V), (jacobian @ V[..., None])[..., 0], 4 * products[1])

    def quadratic(score, row, v):
        return anp.dot(v, autograd.grad(lambda y: anp.dot(v, score(y)))(row))

    for got, total, cotangent, directions in (
        (model.vjp_parameters(X, V), lambda s: anp.sum(V * s(X)), exact(V), None),
        (
            model.trace_parameters(X),
            lambda s: sum(quadratic(s, row, e) for row in X for e in np.eye(3)),
            ZERO,
            axes(X),
        ),
        (
            model.quadratic_parameters(X, V),
            lambda s: sum(quadratic(s, row, v) for row, v in zip(X, V)),
            ZERO,
            exact(V[:, None]),
        ),
    ):
        assert_within(got, gradient(model, total), model.parameter_terms(X, none, cotangent, directions).error)


@pytest.mark.parametrize("name", DENSITIES)
def test_derivatives_of_log_densities_are_autograds(name):
    model, none = DENSITIES[name], np.zeros_like(X)
    formula = model.formula(model.parameters, anp.tanh)
    slope = autograd.grad(lambda y: anp.sum(formula(y)))
    size = 2.0**8 * np.abs(V).max()  # every number on the way is below 2⁸
    assert_within(model.score(X), slope(X), size)
    by_autograd = autograd.grad(lambda y: anp.sum(V * slope(y)))(X)
    assert_within(model.hvp(X, V), by_autograd, size)
    assert np.array_equal(model.log_prob(X), model(X))
    weight = np.array([1.0, -0.5, 2.0])
    expected = gradient(model, lambda log_prob: anp.sum(weight * log_prob(X)))
    assert_within(model.log_prob_parameters(X, weight), expected, model.parameter_terms(X, none, exact(weight)).error)


@pytest.mark.parametrize("name", SCORES)
def test_a_model_at_levels_is_divided_by_one_plus_sigma(name):
    base, scale = SCORES[name], 1 + SIGMA
    model = Levelled(base)
    size = base.jacobian_magnitude(X)
    assert_within(model(X, SIGMA), base(X) / scale[:, None], base.score_terms(X, 0 * X).error)
    assert_within(model.jacobian(X, SIGMA), base.jacobian(X) / scale[:, None, None], size)
    assert_within(model.trace(X, SIGMA), base.trace(X) / scale, np.trace(size, axis1=1, axis2=2))
    jacobian = model.jacobian(X, SIGMA)
    assert_within(model.vjp(X, SIGMA, V), (V[:, None] @ jacobian)[:, 0], 16 * size.sum((1, 2))[:, None])
    assert_within(model.jvp(X, SIGMA, V), (jacobian @ V[..., None])[..., 0], 16 * size.sum((1, 2))[:, None])

    def total(score):
        return anp.sum(V * score(X, SIGMA))

    error = model.parameter_terms(X, 0 * X, SIGMA, exact(V)).error
    assert_within(model.vjp_parameters(X, SIGMA, V), gradient(model, total), error)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", PEERS)
def test_every_model_has_the_same_values_in_every_library(library, dtype):
    kind, u = array_kind(library, dtype), 2.0 ** (-53 if dtype == "float64" else -24)
    for model in (*SCORES.values(), *DENSITIES.values()):
        terms = model.score_terms if model in SCORES.values() else model.log_prob_terms
        value = kind.give(model)(kind.give(X))
        assert str(value.dtype).endswith(dtype)
        error = terms(X, np.zeros_like(X)).error
        assert (np.abs(kind.take(value) - model(X)) <= 4 * u * error).all()
    for model in map(Levelled, SCORES.values()):
        value = kind.give(model)(kind.give(X), kind.give(SIGMA))
        assert str(value.dtype).endswith(dtype)
        assert (np.abs(kind.take(value) - model(X, SIGMA)) <= 4 * u * model.score_terms(X, 0 * X, SIGMA).error).all()


def test_models_in_float32_stay_in_float32():
    kind = array_kind("numpy", "float32")
    x, v, sigma = (kind.give(a) for a in (X, V, SIGMA))
    for model in map(kind.give, SCORES.values()):
        for value in (model.vjp(x, v), model.jvp(x, v), model.vjp_parameters(x, v), model.trace_parameters(x)):
            assert value.dtype == np.float32
        assert model.quadratic_parameters(x, v).dtype == np.float32
        assert Levelled(model).vjp_parameters(x, sigma, v).dtype == np.float32
    for model in map(kind.give, DENSITIES.values()):
        for value in (model.score(x), model.hvp(x, v), model.log_prob_parameters(x, x[:, 0])):
            assert value.dtype == np.float32


def test_running_errors_bound_products_of_single_precision_in_any_order():
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=shape).astype(np.float32) for shape in ((6, 7), (7, 8), (8, 5)))
    wide = [exact(m.astype(float)) for m in (a, b, c)]
    right = a.astype(float) @ b.astype(float) @ c.astype(float)
    bound = product("ij,jk->ik", product("ij,jk->ik", wide[0], wide[1]), wide[2])
    for found in ((a @ b) @ c, a @ (b @ c)):
        ratio = np.abs(found - right) / (2.0**-24 * bound.error)
        assert ratio.max() < 1


def test_sizes_of_a_gradient_are_the_gradient_where_all_terms_have_one_sign():
    """Weights and points positive, sums before tanh negative: φ' and φ'' are positive, and so is all that reaches b."""
    weights = [np.abs(p) / 4 + 0.125 if p.ndim == 2 else -16 / p.size - np.abs(p) for p in NETWORKS["tanh"].parameters]
    model, x = Perceptron(tuple(weights), tanh), np.abs(X) / 8
    sums = x @ weights[0].T + weights[1]
    assert sums.max() < 0
    for directions, got in (
        (axes(x), model.trace_parameters(x)),
        (exact(np.abs(V)[:, None]), model.quadratic_parameters(x, np.abs(V))),
    ):
        terms = model.parameter_terms(x, np.zeros_like(x), exact(np.zeros_like(x)), directions)
        start = 0
        for layer, p in enumerate(weights):
            part = slice(start, start + p.size)
            start += p.size
            if layer == 0 or p.ndim == 1:  # the other matrices multiply tanh of something negative
                assert_within(got[part], terms.size[part], terms.error[part])
            assert (np.abs(got[part]) <= terms.size[part] * (1 + 2.0**-40)).all()
            assert (terms.error[part] >= terms.size[part]).all()


def test_a_sum_rounds_once_more():
    one, two = Terms(np.array([1.0]), np.array([3.0])), exact(np.array([-2.0]))
    assert ((one + two).size, (one + two).error) == (3.0, 6.0)
    assert (one.times(2).size, one.times(2).error) == (2.0, 6.0)
    total = Terms(np.array([1.0, 2.0]), np.array([0.5, 0.25])).total(0)
    assert (total.size, total.error) == (3.0, 3.75)
    assert (total.size.shape, one[:, None].size.shape) == ((), (1, 1))
