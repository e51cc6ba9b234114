"""models/embedded.py against autograd, complex step and ball arithmetic, and against a network per level."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import (
    GELU,
    NO_EMBEDDING,
    OVER_SIGMA,
    PLAIN,
    SILU,
    SIN,
    SOFTPLUS,
    TANH,
    ConditionalMLP,
    EmbeddedMLP,
    Network,
    edm,
    embedded_mlp,
)
from tests.derivations import assert_derivatives
from tests.models.mlp_definitions import SIGMA_DATA, embedded

SCALINGS = {"plain": PLAIN, "over sigma": OVER_SIGMA, "edm": edm(SIGMA_DATA)}
SIGMAS = (4.0, 1.25, 0.3)


def model(d, hidden, scaling="plain", activation=TANH, seed=0, sigmas=SIGMAS):
    widths = (d, *hidden, d)
    p = sum(after * (before + 1) for before, after in pairwise(widths)) + len(sigmas) * sum(hidden)
    uniform = np.random.default_rng(seed).uniform(size=p)
    return embedded_mlp(d, hidden, sigmas, uniform, scaling=SCALINGS[scaling], activation=activation)


def points(n, d, seed=1):
    """Level 2 is never used where n < 5."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d)), np.array(SIGMAS)[[2, 0, 2, 0, 1, 1, 1][:n]]


@pytest.mark.parametrize("hidden", [(), (4,), (3, 4), (3, 2, 3)])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_derivatives_for_each_depth_and_scaling(scaling, hidden):  # (CON.4), (CON.5)
    score = model(2, hidden, scaling)
    x, v, sigma = points(3, 2)
    assert_derivatives(score, x, v, score=embedded(score.network.widths, "tanh", scaling, SIGMAS), sigma=sigma)


@pytest.mark.parametrize("activation", [TANH, SOFTPLUS, SILU, GELU, SIN], ids=lambda a: a.name)
def test_derivatives_for_each_activation(activation):  # (CON.4), (CON.5)
    score = model(3, (4, 3), "over sigma", activation)
    x, v, sigma = points(2, 3)
    own = embedded(score.network.widths, activation.name, "over sigma", SIGMAS)
    assert_derivatives(score, x, v, score=own, sigma=sigma)


def test_each_level_is_a_network_of_its_own():
    """The gains may be put into the weights: row k of G times W and b. Powers of two, so that nothing rounds."""
    score = model(3, (4, 5), "edm", SILU)
    score = EmbeddedMLP(
        score.network, [2.0 ** np.random.default_rng(i).integers(-2, 3, g.shape) for i, g in enumerate(score.tables)],
        score.sigmas, score.scaling,
    )  # fmt: skip
    x, v, _ = points(6, 3)
    for k, sigma in enumerate(SIGMAS):
        rows = [*(table[k] for table in score.tables), np.ones(3)]
        weights = [row[:, None] * w for row, w in zip(rows, score.network.weights)]
        biases = [row * b for row, b in zip(rows, score.network.biases)]
        alone = ConditionalMLP(Network(weights, biases, SILU), score.scaling, NO_EMBEDDING)
        assert_array_equal(score(x, sigma), alone(x, sigma))
        np.testing.assert_allclose(score.trace(x, sigma), alone.trace(x, sigma), rtol=1e-13)
        np.testing.assert_allclose(score.jvp(x, sigma, v), alone.jvp(x, sigma, v), rtol=1e-13)


def test_gains_of_a_level_that_is_not_used_have_no_gradient():
    score = model(2, (4, 3), "edm")
    x, v, sigma = points(4, 2)
    size = score.network.p
    for gradient in (
        score.vjp_parameters(x, sigma, v),
        score.trace_parameters(x, sigma),
        score.quadratic_parameters(x, sigma, v),
    ):
        for table in (gradient[size : size + 12].reshape(3, 4), gradient[size + 12 :].reshape(3, 3)):
            assert_array_equal(table.any(axis=1), [True, False, True])


def test_one_level_for_all_samples():
    score = model(3, (4,), "edm")
    x, v, _ = points(3, 3)
    alone, each = SIGMAS[1], np.full(3, SIGMAS[1])
    for method in (score, score.jacobian, score.trace, score.trace_parameters):
        assert_array_equal(method(x, alone), method(x, each))
    for method in (score.vjp, score.jvp, score.vjp_parameters, score.quadratic_parameters):
        assert_array_equal(method(x, alone, v), method(x, each, v))


@pytest.mark.parametrize("batch", [(1,), (2, 3)])
def test_batches_of_any_shape(batch):
    score = model(2, (4, 3))
    rng = np.random.default_rng(0)
    x, v, sigma = rng.normal(size=(*batch, 2)), rng.normal(size=(*batch, 2)), rng.choice(SIGMAS, size=batch)
    assert score(x, sigma).shape == score.vjp(x, sigma, v).shape == score.jvp(x, sigma, v).shape == x.shape
    assert score.jacobian(x, sigma).shape == (*x.shape, 2)
    assert score.trace(x, sigma).shape == batch
    for gradient in (
        score.vjp_parameters(x, sigma, v),
        score.trace_parameters(x, sigma),
        score.quadratic_parameters(x, sigma, v),
    ):
        assert gradient.shape == score.pack().shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("hidden", [(16, 8), ()])
def test_the_workspace_is_the_model(hidden, scaling, dtype):
    score = model(3, hidden, scaling, SILU)
    x, v, sigma = (value.astype(dtype) for value in points(7, 3))
    space = score.workspace(9, dtype)
    roundings = 4  # of the largest number; the roundings of sums of 16 terms mostly cancel
    assert space.theta.dtype == space.gradient.dtype == dtype
    assert_array_equal(space.theta, score.pack().astype(dtype))
    for step in range(2):  # the second with another θ, and with a batch that is smaller than the first
        y, w, level = x[3 * step :], v[3 * step :], sigma[3 * step :]
        space.theta += dtype(0.125) * step
        now = score.unpack(space.theta)
        got = space.forward(y, level)
        size = np.abs(now(y, level)).max() + np.abs(x / sigma[:, None] ** 2).max()
        assert got.dtype == dtype
        np.testing.assert_allclose(got, now(y, level), rtol=0, atol=roundings * np.finfo(dtype).eps * size)
        space.backward(w)
        expected = now.vjp_parameters(y, level, w)
        atol = roundings * np.finfo(dtype).eps * np.abs(expected).max()
        np.testing.assert_allclose(space.gradient, expected, rtol=0, atol=atol)
    got = np.array(space.forward(x, dtype(1.25)))
    assert_array_equal(got, space.forward(x, np.full(7, 1.25, dtype)))


def test_the_workspace_refuses_what_is_no_level():
    space = model(2, (4,)).workspace(5, np.float64)
    with pytest.raises(ValueError, match=r"sigma\[1\] is 0.5, none of the 3 levels; the nearest is sigmas\[2\] = 0.3"):
        space.forward(np.zeros((2, 2)), np.array([4.0, 0.5]))
    with pytest.raises(TypeError, match="sigma is missing"):
        space.forward(np.zeros((2, 2)))


def test_pack_and_unpack():
    score = model(2, (3,))
    table = score.tables[0]
    assert_array_equal(score.pack(), np.concatenate([score.network.pack(), table[0], table[1], table[2]]))
    theta = np.arange(score.pack().size, dtype=float)
    back = score.unpack(theta)
    assert_array_equal(back.pack(), theta)
    assert_array_equal(back.tables[0], theta[-9:].reshape(3, 3))
    assert_array_equal(back.sigmas, SIGMAS)
    assert repr(score) == "EmbeddedMLP(Network(2-3-2, tanh), 3 levels, Scaling(plain))"
    with pytest.raises(ValueError, match="read-only"):
        back.tables[0][0, 0] = 1
    with pytest.raises(ValueError, match=r"theta has shape \(3,\); expected \(26,\)"):
        score.unpack(np.zeros(3))


def test_the_factory_draws_gains_between_0_and_1():
    score = model(2, (30, 20))
    assert [table.shape for table in score.tables] == [(3, 30), (3, 20)]
    assert all(((table > 0) & (table < 1)).all() for table in score.tables)


def test_bad_arguments_are_refused():
    net = Network([np.ones((3, 2)), np.ones((2, 3))], [np.zeros(3), np.zeros(2)])
    table = np.ones((2, 3))
    for tables, sigmas, message in (
        ([], [2, 1], r"0 tables; expected 1, one for each hidden layer"),
        ([table], [3, 2, 1], r"tables\[0\] has shape \(2, 3\); expected \(3, 3\)"),
        ([table], [1, 2], r"sigmas do not descend; expected \(n_levels,\) in descending order"),
        ([table], [1, 1], r"sigmas do not descend"),
        ([table], [1, 0], r"sigmas has a value of 0.0; expected sigmas > 0"),
        ([table], 1.0, r"sigmas has shape \(\); expected \(n_levels,\)"),
        ([table * np.nan], [2, 1], r"tables\[0\] has 6 values that are not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            EmbeddedMLP(net, tables, sigmas, PLAIN)
    with pytest.raises(ValueError, match=r"network has 3 inputs and 2 outputs; expected as many, d"):
        EmbeddedMLP(Network([np.ones((2, 3))], [np.zeros(2)]), [], [1], PLAIN)
    with pytest.raises(ValueError, match=r"uniform has shape \(3,\); expected \(23,\)"):
        embedded_mlp(2, [3], [2, 1], np.zeros(3), scaling=PLAIN)
    score = EmbeddedMLP(net, [table], [2, 1], PLAIN)
    x = np.zeros((4, 2))
    for call in (score, score.jacobian, score.trace, score.trace_parameters):
        with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(4,\) of x"):
            call(x, np.ones(2))
        with pytest.raises(ValueError, match=r"sigma is 1.4, none of the 2 levels; the nearest is sigmas\[1\] = 1.0"):
            call(x, 1.4)
    for product in (score.vjp, score.jvp, score.vjp_parameters, score.quadratic_parameters):
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            product(x, 1, np.zeros(2))
