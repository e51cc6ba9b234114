"""models/boltzmann.py against three derivations from its energy, and against the mixture of Gaussians that it is."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refscore as rs
from refscore.models import GaussianBernoulliRBM, ParametricLogDensity
from tests.derivations import assert_derivatives

UNIT = 2.0**-53
X = np.array([[0.3, -1.2, 0.8], [2.1, 0.7, -0.4], [-0.9, 0.2, 1.9], [6.0, -11.0, 7.0]])
V = np.array([[1.0, 0.6, -0.2], [-0.3, 1.7, 0.9], [0.8, -0.1, 0.4], [0.5, 0.5, -1.5]])


def model(hidden=4, d=3, seed=0) -> ParametricLogDensity:
    draw = np.random.default_rng(seed).normal
    return GaussianBernoulliRBM(draw(size=(hidden, d)), draw(size=d), draw(size=hidden), 0.4 * draw(size=d))


def definition(hidden, d):
    """log Σ_h exp(-E(x, h)) (RBM.1) for one sample, by listing the 2^H states: no softplus, no Q."""

    def log_prob(theta, x, ns):
        matrix, rest = theta[: hidden * d].reshape(hidden, d), theta[hidden * d :]
        b, c, log_sigma = rest[:d], rest[d : d + hidden], rest[d + hidden :]
        variance = ns.exp(2 * log_sigma)
        offset = x - b
        total = 0
        for h in itertools.product([0.0, 1.0], repeat=hidden):
            bits = np.array(h)
            minus_energy = ns.sum((bits @ matrix) * (x / variance)) + ns.sum(c * bits)
            total = total + ns.exp(minus_energy)
        return ns.log(total) - ns.sum(offset * offset / variance) / 2

    return log_prob


def free_energy(hidden, d):
    """(RBM.2) for one sample, by softplus."""

    def log_prob(theta, x, ns):
        matrix, rest = theta[: hidden * d].reshape(hidden, d), theta[hidden * d :]
        b, c, log_sigma = rest[:d], rest[d : d + hidden], rest[d + hidden :]
        precision, offset = ns.exp(-2 * log_sigma), x - b
        return ns.sum(ns.softplus(matrix @ (precision * x) + c)) - ns.sum(precision * offset * offset) / 2

    return log_prob


def as_mixture(machine):
    weights, means = machine.components()
    return rs.targets.mixture(weights, means, np.tile(machine.sigma**2, (len(weights), 1)))


def assert_within(got, expected, size, roundings=64):
    """Hold an error to some roundings of the terms that were added up, whose sizes are `size`."""
    worst = np.max(np.abs(got - expected) / size)
    assert worst <= roundings * UNIT, f"{worst / UNIT:.3g} roundings"


@pytest.mark.parametrize(("hidden", "d"), [(4, 3), (1, 2), (2, 1)])
def test_every_derivative_from_the_energy(hidden, d):  # (RBM.1) to (RBM.9)
    assert_derivatives(model(hidden, d), X[:, :d], V[:, :d], log_prob=definition(hidden, d))


def test_every_derivative_from_the_free_energy():
    assert_derivatives(model(9), X, V, log_prob=free_energy(9, 3))


def test_weights_count_samples():  # (RBM.5): linear in the weights, sample by sample
    machine, weight = model(), np.array([0.5, -2.0, 0.0, 3.0])
    own = np.stack([machine.log_prob_parameters(x, 1.0) for x in X])
    got = machine.log_prob_parameters(X, weight)
    size = np.abs(weight) @ np.abs(own) + 3 * np.abs(weight).sum() * np.abs(own).max()
    assert_within(got, weight @ own, size, 8)


@pytest.mark.parametrize("hidden", [1, 3, 6])
def test_it_is_a_mixture_of_gaussians(hidden):  # (RBM.10), (RBM.11), (RBM.12)
    machine = model(hidden)
    mixture = as_mixture(machine)
    precision, product = 1 / machine.sigma**2, np.abs(machine.matrix) / machine.sigma**2
    # how far rounding in a = Q x + c reaches, and how far into the score and its Jacobian
    input_size = np.abs(X) @ product.T + np.abs(machine.hidden_bias) + 1
    score_size = precision * (np.abs(X) + np.abs(machine.visible_bias)) + input_size @ product
    log_size = 1 + (X**2 + machine.visible_bias**2) @ precision + input_size.sum(-1)
    bend_size = (input_size[:, :, None] * product).swapaxes(1, 2) @ product + np.diag(precision)
    assert_within(machine(X), mixture.score(X), score_size)
    assert_within(machine.jacobian(X), mixture.score_jacobian(X), bend_size)
    assert_within(machine.trace(X), mixture.score_trace(X), np.trace(bend_size, axis1=1, axis2=2))
    assert_within(machine.hvp(X, V), mixture.hvp(X, V), (bend_size @ np.abs(V)[:, :, None])[:, :, 0])
    assert_within(machine.log_prob(X) - machine.log_normaliser(), mixture.log_prob(X), log_size)


def test_the_order_of_the_states():
    machine = GaussianBernoulliRBM([[1, 0], [0, 10]], [5, 5], [0, 0], [0, 0])
    weights, means = machine.components()
    assert_array_equal(means, [[5, 5], [6, 5], [5, 15], [6, 15]])
    exponents = np.array([0.0, 0.5 * (36 - 25), 0.5 * (225 - 25), 0.5 * (36 + 225 - 50)])  # ½(|m_h|² - |b|²)
    expected = np.exp(exponents - exponents.max())
    assert_allclose(weights, expected / expected.sum(), rtol=4 * UNIT)


def test_the_posterior_of_the_bits_by_listing_them():
    machine = model(3)
    states = np.array(list(itertools.product([0, 1], repeat=3)))
    offset = X[:, None] - (machine.visible_bias + states @ machine.matrix)
    joint = states @ machine.hidden_bias + 0.5 * (
        ((states @ machine.matrix) * (states @ machine.matrix + 2 * machine.visible_bias)) @ machine.sigma**-2.0
    )
    joint = joint - 0.5 * offset**2 @ machine.sigma**-2.0
    share = np.exp(joint - joint.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    size = 1 + np.abs(joint).max()
    assert_within(machine.hidden_given_visible(X), share @ states, size)
    assert machine.hidden_given_visible(X[0]).shape == (3,)
    assert machine.hidden_given_visible(X[None]).shape == (1, 4, 3)


def test_tweedies_formula():
    """x is b + Wᵀh noised at level σ: x + σ² s is the mean of that point given x, for one σ the mixture's denoiser."""
    machine = model(3)
    machine = GaussianBernoulliRBM(machine.matrix, machine.visible_bias, machine.hidden_bias, np.full(3, np.log(0.5)))
    mean = machine.visible_given_hidden(machine.hidden_given_visible(X))
    assert_within(X + 0.25 * machine(X), mean, 1 + np.abs(X) + np.abs(mean), 16)
    weights, means = machine.components()
    clean = rs.targets.empirical(means, weights=weights)
    assert_within(mean, clean.denoise(X, alpha=1.0, sigma=0.5), 40 + np.abs(X).sum(-1, keepdims=True) ** 2 * 4)


def test_hintons_placement_of_sigma():
    """With W_ji x_i/σ_i in the energy, our W is σ times theirs."""
    theirs, sigma, b, c = np.array([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]]), np.array([0.5, 2.0]), [0.3, -1], [0.1, 0, 2]
    machine = GaussianBernoulliRBM(sigma * theirs, b, c, np.log(sigma))
    x = X[:, :2]
    expected = np.logaddexp(0, (x / sigma) @ theirs.T + c).sum(1) - 0.5 * (((x - b) / sigma) ** 2).sum(1)
    assert_within(machine.log_prob(x), expected, 1 + 8 * ((np.abs(x) + 1) ** 2).sum(1))
    assert_array_equal(machine.visible_given_hidden([1, 0, 0]), b + sigma * theirs[0])


def test_nothing_overflows_far_away():
    machine = model()
    far = 1e100 * X
    assert np.isfinite(machine.log_prob(far)).all()
    assert_allclose(machine.trace(far), -(machine.sigma**-2.0).sum(), rtol=8 * UNIT)
    assert np.isfinite(machine.trace_parameters(far)).all()
    assert_array_equal(machine.hidden_given_visible(far) % 1, np.zeros((4, 4)))


def test_many_states_and_large_weights():
    machine = GaussianBernoulliRBM(100 * np.eye(12), np.zeros(12), np.full(12, -5000.0), np.zeros(12))
    weights, means = machine.components()  # log w_h is 0 for every state: c + ½ W²
    assert_array_equal(weights, np.full(2**12, 2.0**-12))
    assert means.shape == (4096, 12)
    assert_allclose(machine.log_normaliser(), 6 * np.log(2 * np.pi) + 12 * np.log(2), rtol=8 * UNIT)
    heavy = GaussianBernoulliRBM(100 * np.eye(2), np.zeros(2), np.zeros(2), np.zeros(2))  # log w_h of 0, 5000 and 10000
    assert_array_equal(heavy.components()[0], [0, 0, 0, 1])
    assert_allclose(heavy.log_normaliser(), np.log(2 * np.pi) + 10000, rtol=4 * UNIT)
    large = GaussianBernoulliRBM(np.ones((21, 1)), [0], np.zeros(21), [0])
    for call in (large.components, large.log_normaliser):
        with pytest.raises(ValueError, match=r"matrix has shape \(21, 1\); 2\^21 states, of which at most 2\^20"):
            call()
    assert np.isfinite(large([[1.0]])).all()


def test_pack_and_unpack():
    machine = GaussianBernoulliRBM([[1, 2], [3, 4], [5, 6]], [7, 8], [9, 10, 11], [0.5, -0.5])
    assert_array_equal(machine.pack(), [*range(1, 12), 0.5, -0.5])
    back = machine.unpack(np.arange(13))
    assert_array_equal(back.matrix, [[0, 1], [2, 3], [4, 5]])
    assert_array_equal(back.visible_bias, [6, 7])
    assert_array_equal(back.hidden_bias, [8, 9, 10])
    assert_array_equal(back.log_sigma, [11, 12])
    with pytest.raises(ValueError, match=r"theta has shape \(12,\); expected \(13,\)"):
        machine.unpack(np.zeros(12))


def test_an_empty_batch():
    machine, none = model(), np.zeros((0, 3))
    assert machine(none).shape == (0, 3)
    assert machine.jacobian(none).shape == (0, 3, 3)
    assert machine.trace(none).shape == (0,)
    assert machine.hidden_given_visible(none).shape == (0, 4)
    assert_array_equal(machine.trace_parameters(none), np.zeros(22))


def test_it_is_a_frozen_value():
    matrix = np.eye(2)
    machine = GaussianBernoulliRBM(matrix, [0, 0], [0, 0], [0, 0])
    matrix[0, 0] = 7.0
    assert machine.matrix[0, 0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        machine.hidden_bias[0] = 2.0
    with pytest.raises(AttributeError):
        machine.matrix = matrix
    assert repr(machine) == "GaussianBernoulliRBM(matrix (2, 2))"
    assert machine.d == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [0], [0], [0]), ValueError, r"matrix has shape \(1,\); expected \(H, d\) with H >= 1 and d >= 1"),
        ((np.zeros((0, 2)), [0, 0], [], [0, 0]), ValueError, r"matrix has shape \(0, 2\); expected \(H, d\)"),
        (([[1, 2]], [0], [0], [0, 0]), ValueError, r"visible_bias has shape \(1,\); expected \(2,\)"),
        (([[1, 2]], [0, 0], [0, 0], [0, 0]), ValueError, r"hidden_bias has shape \(2,\); expected \(1,\)"),
        (([[1, 2]], [0, 0], [0], 0), ValueError, r"log_sigma has shape \(\); expected \(2,\)"),
        (([[1, 2]], [0, 0], [0], [0, 351]), ValueError, r"log_sigma has a value of 351.0; expected -350 to 350"),
        (([[1, np.nan]], [0, 0], [0], [0, 0]), ValueError, "matrix has 1 value that is not finite"),
        (([[1, 2]], [0, 0], [1j], [0, 0]), TypeError, "hidden_bias has dtype complex128"),
    ],
)
def test_bad_parameters_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        GaussianBernoulliRBM(*arguments)


def test_bad_arguments_are_refused():
    machine, x = model(3, 2), np.zeros((4, 2))
    with_v = (machine.hvp, machine.jvp, machine.vjp, machine.vjp_parameters, machine.quadratic_parameters)
    for call in (
        machine, machine.log_prob, machine.jacobian, machine.trace, machine.trace_parameters,
        machine.hidden_given_visible, lambda y: machine.log_prob_parameters(y, np.ones(4)),
        *(lambda y, f=f: f(y, y) for f in with_v),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match="x has 8 values that are not finite"):
            call(x + np.nan)
    for call in with_v:
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            call(x, np.zeros(2))
    with pytest.raises(ValueError, match=r"weight has shape \(4, 1\); expected \(4,\), the shape of the batch of x"):
        machine.log_prob_parameters(x, np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"h has shape \(4, 2\); expected \(\*batch, 3\)"):
        machine.visible_given_hidden(x)
