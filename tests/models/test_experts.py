"""models/experts.py against three derivations from its definition, and against what ICA and Gaussians know exactly."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import refscore as rs
from refscore.models import GAUSSIAN, LOG_COSH, STUDENT_T, Expert, ProductOfExperts
from tests.derivations import assert_derivatives

X = np.array([[0.3, -1.2, 0.8], [2.1, 0.7, -0.4], [-0.9, 0.2, 1.9], [12.0, -31.0, 7.0]])
V = np.array([[1.0, 0.6, -0.2], [-0.3, 1.7, 0.9], [0.8, -0.1, 0.4], [0.5, 0.5, -1.5]])
SHAPES = {
    "Student-t": (STUDENT_T, lambda u, ns: -1 * ns.log(1 + u * u / 2)),
    "log cosh": (LOG_COSH, lambda u, ns: -1 * ns.log((ns.exp(u) + ns.exp(-1 * u)) / 2)),
    "Gaussian": (GAUSSIAN, lambda u, ns: -0.5 * u * u),
}
EXPERTS = [STUDENT_T, LOG_COSH, GAUSSIAN]


def model(expert, count=5, d=3, seed=0):
    draw = np.random.default_rng(seed).normal
    return ProductOfExperts(draw(size=(count, d)), draw(size=count), 0.4 * draw(size=count), expert)


def assert_within(got, expected, size, roundings=32):
    """Hold an error to some roundings of the terms that were added up, whose sizes are `size`."""
    worst = np.max(np.abs(got - expected) / size)
    assert worst <= roundings * 2.0**-53, f"{worst / 2.0**-53:.3g} roundings"


def definition(phi, count, d):  # (POE.7), one sample
    def log_prob(theta, x, ns):
        matrix, rest = theta[: count * d].reshape(count, d), theta[count * d :]
        return ns.sum(ns.exp(rest[count:]) * phi(matrix @ x + rest[:count], ns))

    return log_prob


@pytest.mark.parametrize(("count", "d"), [(5, 3), (3, 3), (1, 3), (4, 1)])
@pytest.mark.parametrize("name", SHAPES)
def test_every_derivative(name, count, d):  # (POE.8) to (POE.13)
    expert, phi = SHAPES[name]
    assert_derivatives(model(expert, count, d), X[:, :d], V[:, :d], log_prob=definition(phi, count, d))


@pytest.mark.parametrize("expert", EXPERTS)
def test_weights_count_samples(expert):  # (POE.10): linear in the weights, sample by sample
    product, weight = model(expert), np.array([0.5, -2.0, 0.0, 3.0])
    own = np.stack([product.log_prob_parameters(x, 1.0) for x in X])
    got = product.log_prob_parameters(X, weight)
    assert_within(got, weight @ own, np.abs(weight) @ np.abs(own), 8)


@pytest.mark.parametrize("gamma", [1.0, 2.5])
def test_as_many_experts_as_dimensions_are_independent_components(gamma):  # (POE.14)
    product = model(STUDENT_T, 3)
    product = ProductOfExperts(product.matrix, product.bias, np.full(3, np.log(gamma)))
    u, nu = X @ product.matrix.T + product.bias, 2 * gamma - 1
    densities = {
        "t": (STUDENT_T, stats.t(nu, scale=np.sqrt(2 / nu))),
        "normal": (GAUSSIAN, stats.norm(scale=gamma**-0.5)),
        "sech": (LOG_COSH, stats.hypsecant()),
        "logistic": (LOG_COSH, stats.logistic(scale=0.5)),
    }
    log_det = np.log(abs(np.linalg.det(product.matrix)))
    for name, (expert, source) in densities.items():
        power = {"sech": 1.0, "logistic": 2.0}.get(name, gamma)
        ica = ProductOfExperts(product.matrix, product.bias, np.full(3, np.log(power)), expert)
        terms = source.logpdf(u)
        size = 1 + np.abs(terms).sum(-1) + power * np.abs(expert(u)[1] * u).sum(-1)  # u is rounded, too
        assert_within(ica.log_prob(X) - ica.log_normaliser(), terms.sum(-1) + log_det, size)


def test_one_expert_integrates_to_one():  # every shape and power, by quadrature of another variable
    t = np.linspace(-6, 6, 4001)
    u, jacobian = np.sinh(np.pi / 2 * np.sinh(t)), np.pi / 2 * np.cosh(t) * np.cosh(np.pi / 2 * np.sinh(t))
    with np.errstate(over="ignore", under="ignore"):
        for gamma in (0.75, 1.0, 3.2, 40.0):
            for expert in (STUDENT_T, LOG_COSH):
                one = ProductOfExperts([[1.0]], [0.0], [np.log(gamma)], expert)
                log_terms = one.log_prob(u[:, None]) + np.log(jacobian)
                integral = np.exp(log_terms - one.log_normaliser()).sum() * (t[1] - t[0])
                assert abs(integral - 1) < 1e-12, (expert, gamma)


def test_a_product_of_gaussians_is_a_gaussian():
    product = model(GAUSSIAN)
    weighted = product.matrix.T * product.gamma
    precision, size = weighted @ product.matrix, np.abs(weighted) @ np.abs(product.matrix)
    expected = -(X @ precision) - weighted @ product.bias
    assert_within(product(X), expected, np.abs(X) @ size + np.abs(weighted) @ np.abs(product.bias))
    assert_within(product.jacobian(X), np.broadcast_to(-precision, (4, 3, 3)), size)


def test_the_normaliser_of_a_gaussian():  # W = Q D with a rotation by 3, 4, 5: the covariance is diagonal
    product = ProductOfExperts([[1.2, -0.4], [1.6, 0.3]], [1.0, 2.0], np.log([4.0, 4.0]), GAUSSIAN)
    target = rs.targets.gaussian([-1.1, -0.8], [[0.0625, 0.0], [0.0, 1.0]])
    x = X[:3, :2]
    size = 1 + 2 * ((np.abs(x) @ np.abs(product.matrix.T) + product.bias) ** 2).sum(-1)
    assert_within(product.log_prob(x) - product.log_normaliser(), target.log_prob(x), size)


def test_implicit_score_matching_is_linear_in_the_powers():
    """With W and b held, log p is linear in γ: the objective is a quadratic whose minimum one linear system gives."""
    product = model(STUDENT_T)
    slopes = STUDENT_T(X @ product.matrix.T + product.bias)
    scores = slopes[1][:, :, None] * product.matrix  # ∂s/∂γ_k
    quadratic = np.einsum("nki,nli->kl", scores, scores)
    linear = (slopes[2] * (product.matrix**2).sum(1)).sum(0)
    expected = product.gamma * (quadratic @ product.gamma + linear)
    got = rs.objectives.implicit_gradient(product, X)[-5:]
    size = product.gamma * (np.einsum("nki,nli->kl", abs(scores), abs(scores)) @ product.gamma + 1)
    assert_within(got, expected, size)


@pytest.mark.parametrize("expert", EXPERTS)
def test_pack_and_unpack(expert):
    product = model(expert, 2, 3)
    assert_array_equal(product.pack(), np.concatenate([product.matrix.ravel(), product.bias, product.log_gamma]))
    back = product.unpack(np.arange(10))
    assert back.expert is expert
    assert_array_equal(back.matrix, [[0, 1, 2], [3, 4, 5]])
    assert_array_equal(back.bias, [6, 7])
    assert_array_equal(back.gamma, np.exp([8, 9]))
    with pytest.raises(ValueError, match=r"theta has shape \(9,\); expected \(10,\)"):
        product.unpack(np.zeros(9))


def test_an_empty_batch():
    product, none = model(LOG_COSH), np.zeros((0, 3))
    assert product(none).shape == (0, 3)
    assert product.jacobian(none).shape == (0, 3, 3)
    assert product.trace(none).shape == (0,)
    assert_array_equal(product.trace_parameters(none), np.zeros(25))


def test_an_expert_of_ones_own():
    logistic = Expert("softplus", rs.models.SOFTPLUS.derivatives, lambda gamma: np.zeros_like(gamma))
    product = model(logistic)
    assert_derivatives(product, X, V, log_prob=definition(lambda u, ns: ns.softplus(u), 5, 3))
    assert repr(product) == "ProductOfExperts(matrix (5, 3), softplus)"


def test_it_is_a_frozen_value():
    matrix = np.eye(2)
    product = ProductOfExperts(matrix, [0, 0], [0, 0])
    matrix[0, 0] = 7.0
    assert product.matrix[0, 0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        product.bias[0] = 2.0
    with pytest.raises(AttributeError):
        product.matrix = matrix
    assert repr(product) == "ProductOfExperts(matrix (2, 2), Student-t)"
    assert product.d == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [0], [0]), ValueError, r"matrix has shape \(1,\); expected \(K, d\) with K >= 1 and d >= 1"),
        ((np.zeros((0, 2)), [], []), ValueError, r"matrix has shape \(0, 2\); expected \(K, d\)"),
        (([[1, 2]], [0, 0], [0]), ValueError, r"bias has shape \(2,\); expected \(1,\)"),
        (([[1, 2]], [0], 0.0), ValueError, r"log_gamma has shape \(\); expected \(1,\)"),
        (([[1, 2]], [0], [-701]), ValueError, r"log_gamma has a value of -701.0; expected -700 to 700"),
        (([[1, np.nan]], [0], [0]), ValueError, "matrix has 1 value that is not finite"),
        (([[1, 2]], [1j], [0]), TypeError, "bias has dtype complex128"),
        (([[1, 2]], [0], [0], np.tanh), TypeError, "expert is of type ufunc; expected an Expert such as STUDENT_T"),
    ],
)
def test_bad_parameters_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ProductOfExperts(*arguments)


def test_bad_arguments_are_refused():
    product, x = model(STUDENT_T, 4, 2), np.zeros((4, 2))
    with_v = (product.hvp, product.jvp, product.vjp, product.vjp_parameters, product.quadratic_parameters)
    for call in (
        product, product.log_prob, product.jacobian, product.trace, product.trace_parameters,
        lambda y: product.log_prob_parameters(y, np.ones(4)), *(lambda y, f=f: f(y, y) for f in with_v),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match="x has 8 values that are not finite"):
            call(x + np.nan)
    for call in with_v:
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            call(x, np.zeros(2))
    with pytest.raises(ValueError, match=r"weight has shape \(4, 1\); expected \(4,\), the shape of the batch of x"):
        product.log_prob_parameters(x, np.ones((4, 1)))


def test_a_normaliser_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"matrix has shape \(5, 3\); only as many experts as dimensions"):
        model(STUDENT_T).log_normaliser()
    with pytest.raises(ValueError, match="matrix has determinant 0; the product is no density"):
        ProductOfExperts([[1, 1], [1, 1]], [0, 0], [0, 0]).log_normaliser()
    with pytest.raises(ValueError, match=r"expert.log_normaliser\(gamma\) has 1 value that is not finite"):
        ProductOfExperts([[1.0]], [0], [np.log(0.5)]).log_normaliser()
