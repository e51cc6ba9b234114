"""models/exponential_family.py against three derivations; Γ and g of score matching from their definition."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import refscore as rs
from refscore.models import (
    ExponentialFamily,
    Features,
    QuadraticEnergy,
    TargetScore,
    check_slopes,
    fourier_features,
    monomials,
    radial_features,
)
from tests.cubature import U, gauss_hermite
from tests.derivations import assert_derivatives

DRAW = np.random.default_rng(0)
CENTRES, LENGTHS = DRAW.normal(size=(3, 2)), np.array([0.5, 1.0, 2.0])
OMEGA = DRAW.normal(size=(2, 2))
BASE = QuadraticEnergy([[2.0, 1.3], [-0.7, 1.1]], [0.1, -0.4])


def polynomial(theta, x, ns):
    terms = [x[0], x[1], x[0] ** 2, x[0] * x[1], x[1] ** 2, x[0] ** 3, x[0] ** 2 * x[1], x[0] * x[1] ** 2, x[1] ** 3]
    return sum(theta[i] * term for i, term in enumerate(terms))


def bumps(theta, x, ns):
    return sum(theta[k] * ns.exp(-0.5 * ns.sum(((x - CENTRES[k]) / LENGTHS[k]) ** 2)) for k in range(3))


def waves(theta, x, ns):
    return ns.sum(theta[:2] * ns.cos(OMEGA @ x)) + ns.sum(theta[2:] * ns.sin(OMEGA @ x))


def base(x):
    offset = x - BASE.centre
    return -0.5 * (offset @ (BASE.matrix @ offset))


MODELS = [(monomials(2, 3), polynomial), (radial_features(CENTRES, LENGTHS), bumps), (fourier_features(OMEGA), waves)]


@pytest.mark.parametrize(("features", "definition"), MODELS)
def test_every_derivative(features, definition):  # (EXF.1) to (EXF.4), and the features' own
    theta, x, v = DRAW.normal(size=features.k), DRAW.normal(size=(3, 2)), DRAW.normal(size=(3, 2))
    assert_derivatives(ExponentialFamily(features, theta), x, v, log_prob=definition)
    with_base = ExponentialFamily(features, theta, BASE)
    assert_derivatives(with_base, x, v, log_prob=lambda t, y, ns: definition(t, y, ns) + base(y))
    check_slopes(with_base, x)


@pytest.mark.parametrize("base", [None, BASE])
@pytest.mark.parametrize(("features", "_"), MODELS)
def test_the_implicit_objective_is_quadratic_in_theta(features, _, base):  # (EXF.5)
    x, theta = DRAW.normal(size=(40, 2)), DRAW.normal(size=features.k)
    gradients = features.gradient(x)
    gamma = sum(g @ g.T for g in gradients)
    g = features.laplacian(x).sum(0)
    size = np.abs(gradients).sum(0).max() ** 2 + np.abs(g).max()
    if base is not None:
        g = g + sum(slopes @ s for slopes, s in zip(gradients, base(x)))
        size = size * (1 + np.abs(base(x)).max())
    model = ExponentialFamily(features, theta, base)
    bound = 64 * U * size * (1 + np.abs(theta).sum())
    assert np.abs(rs.objectives.implicit_gradient(model, x) - (gamma @ theta + g)).max() <= bound
    zero, value = model.unpack(0 * theta), 0.5 * theta @ gamma @ theta + g @ theta
    change = rs.objectives.implicit(model, x).sum() - rs.objectives.implicit(zero, x).sum()
    assert abs(change - value) <= bound * (1 + np.abs(theta).max())


def test_the_minimiser_is_the_gaussian_of_the_moments():  # (EXF.5): for x and x² it is maximum likelihood
    nodes, _ = gauss_hermite(2, 2)  # of equal weight; mean 0, covariance I
    x = nodes @ [[1.0, 0.5], [0.0, 2.0]] + [3.0, -1.0]
    features = monomials(2, 2)
    gradients = features.gradient(x)
    gamma, g = np.einsum("nki,nli->kl", gradients, gradients), features.laplacian(x).sum(0)
    fitted = ExponentialFamily(features, -np.linalg.solve(gamma, g))
    gaussian = rs.targets.gaussian(x.mean(0), np.cov(x.T, bias=True))
    bound = 8 * U * np.linalg.cond(gamma)
    assert bound < 1e-11
    assert np.abs(fitted(x) - gaussian.score(x)).max() <= bound * np.abs(x).max()
    assert np.abs(fitted.jacobian(x) - gaussian.score_jacobian(x)).max() <= bound


def test_chunks_change_nothing_and_bound_the_memory():
    features = monomials(4, 4)  # k = 69
    model = ExponentialFamily(features, DRAW.integers(-4, 5, features.k) / 4)
    most = 2**19  # numbers at a time
    n = 3 * most // (features.k * 4)
    x, v = DRAW.integers(-2, 3, (n, 4)).astype(float), DRAW.integers(-2, 3, (n, 4)).astype(float)
    tracemalloc.start()
    whole = model.hvp(x, v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 8 * most < n * features.k * 16 * 8  # far below the Hessians
    some = slice(n - 5, n)
    assert_array_equal(whole[some], model.hvp(x[some], v[some]))  # small integers: nothing rounds
    assert_array_equal(model.quadratic_parameters(x, v), sum(
        model.quadratic_parameters(x[i : i + 1000], v[i : i + 1000]) for i in range(0, n, 1000)
    ))  # fmt: skip


@pytest.mark.parametrize("batch", [(), (0,), (2,), (2, 3)])
@pytest.mark.parametrize("base", [None, BASE])
def test_shapes(batch, base):
    model = ExponentialFamily(monomials(2, 3), np.ones(9), base)
    x = np.ones((*batch, 2))
    assert model.log_prob(x).shape == model.trace(x).shape == batch
    assert model(x).shape == model.hvp(x, x).shape == model.vjp(x, x).shape == model.jvp(x, x).shape == x.shape
    assert model.jacobian(x).shape == (*batch, 2, 2)
    assert model.log_prob_parameters(x, np.ones(batch)).shape == (9,)
    assert model.vjp_parameters(x, x).shape == model.quadratic_parameters(x, x).shape == (9,)
    assert model.trace_parameters(x).shape == (9,)


def one(**changed):
    """x as a feature of its own, with something wrong."""
    right = {
        "value": lambda x: x,
        "gradient": lambda x: np.ones((len(x), 1, 1)),
        "product": lambda x, v: np.zeros((len(x), 1, 1)),
        "laplacian": lambda x: np.zeros((len(x), 1)),
    }
    return ExponentialFamily(Features(1, 1, **(right | changed)), [2.0])


@pytest.mark.parametrize(
    ("name", "function", "call"),
    [
        ("value", lambda x: x[:, 0], lambda m: m.log_prob([[1.0], [2.0]])),
        ("gradient", lambda x: np.ones((len(x), 1)), lambda m: m([[1.0], [2.0]])),
        ("product", lambda x, v: v, lambda m: m.hvp([[1.0], [2.0]], [[1.0], [2.0]])),
        ("laplacian", lambda x: np.zeros(len(x)), lambda m: m.trace([[1.0], [2.0]])),
    ],
)
def test_features_of_a_wrong_shape(name, function, call):
    call(one())
    with pytest.raises(ValueError, match=rf"features\.{name}\(x.*\) has shape .*; expected \(2, 1"):
        call(one(**{name: function}))


def test_features_with_a_wrong_derivative():
    check_slopes(one(), [[1.0], [2.0]])
    with pytest.raises(ValueError, match="it is not the slope"):
        check_slopes(one(gradient=lambda x: np.full((len(x), 1, 1), 1.1)), [[1.0], [2.0]])


def test_it_is_a_frozen_value():
    theta = np.ones(5)
    model = ExponentialFamily(monomials(2, 2), theta, BASE)
    theta[0] = model.pack()[0] = 7.0
    assert model.theta[0] == 1.0
    with pytest.raises(AttributeError):
        model.theta = theta
    assert model.d == 2
    assert model.unpack(theta).base is BASE
    assert repr(model) == "ExponentialFamily(5 features, d = 2, base QuadraticEnergy(matrix (2, 2), centre (2,)))"
    assert repr(ExponentialFamily(monomials(2, 2), theta)) == "ExponentialFamily(5 features, d = 2)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ExponentialFamily(monomials(2, 2), [1, 2]), ValueError, r"theta has shape \(2,\); expected \(5,\)"),
        (lambda: ExponentialFamily(np.sin, [1, 2]), TypeError, r"features is .*; expected Features"),
        (
            lambda: ExponentialFamily(monomials(1, 1), [1], TargetScore(rs.targets.gaussian([0]))),
            TypeError,
            "base has no method log_prob; expected a log density such as QuadraticEnergy",
        ),
        (lambda: one()([[1.0, 2.0]]), ValueError, r"x has shape \(1, 2\); expected \(\*batch, 1\)"),
        (lambda: one().hvp([[1.0]], [1.0]), ValueError, r"v has shape \(1,\); expected \(1, 1\), the shape of x"),
        (lambda: one().log_prob_parameters([[1.0]], 1.0), ValueError, r"weight has shape \(\); expected \(1,\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
