"""models/mlp.py against autograd, complex step and ball arithmetic from the definition."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import GELU, PLAIN, SILU, SIN, SOFTPLUS, TANH, MLPScore, Network, network
from refscore.models.conditional import ConditionalMLP
from refscore.models.embeddings import NO_EMBEDDING
from tests.derivations import assert_derivatives
from tests.models.mlp_definitions import net


def model(widths, activation=SILU, seed=0):
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    return MLPScore(network(widths, np.random.default_rng(seed).uniform(size=p), activation))


def points(*shape, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=shape)


def definition(score):  # (MLP.1)
    widths, activation = score.network.widths, score.network.activation.name
    return lambda theta, x, ns: net(theta, x, widths, activation, ns)


@pytest.mark.parametrize("activation", [TANH, SOFTPLUS, SILU, GELU, SIN], ids=lambda a: a.name)
@pytest.mark.parametrize("hidden", [(), (4,), (3, 4), (2, 3, 2), (3, 2, 2, 3)])
def test_every_derivative_for_each_depth_and_activation(hidden, activation):  # (MLP.1), (MLP.2)
    score = model((2, *hidden, 2), activation)
    assert_derivatives(score, *points(3, 2), score=definition(score))


@pytest.mark.parametrize("widths", [(1, 3, 1), (4, 3, 2, 4), (3, 3, 3, 3), (5, 2, 3, 2, 5)])
def test_every_derivative_in_other_dimensions(widths):
    score = model(widths)
    assert_derivatives(score, *points(2, widths[0]), score=definition(score))


def test_every_derivative_far_out():
    """Units that are saturated, on both sides: their slopes are small numbers, and correct ones."""
    score = model((2, 4, 3, 2), TANH)
    x, v = points(2, 2)
    assert_derivatives(score, 40 * x, v, score=definition(score))


@pytest.mark.parametrize("batch", [(1,), (2, 3), (200,)])
def test_batches_of_any_shape(batch):
    score = model((2, 4, 3, 3, 2))
    x, v = points(*batch, 2)
    for method in (score, score.jacobian, score.trace):
        whole = method(x)
        for index in list(np.ndindex(batch))[:7]:
            np.testing.assert_allclose(whole[index], method(x[index]), rtol=1e-13, atol=1e-15)
    for method in (score.vjp, score.jvp):
        assert method(x, v).shape == x.shape
    total = sum(score.trace_parameters(x[index]) for index in np.ndindex(batch))
    np.testing.assert_allclose(score.trace_parameters(x), total, rtol=1e-11, atol=1e-13)


def test_no_samples():
    score, x = model((2, 4, 2)), np.zeros((0, 2))
    assert score(x).shape == (0, 2)
    assert score.jacobian(x).shape == (0, 2, 2)
    assert score.trace(x).shape == (0,)
    assert not score.trace_parameters(x).any()


def test_it_is_the_conditional_model_without_a_level():
    score = model((2, 4, 3, 2))
    told = ConditionalMLP(score.network, PLAIN, NO_EMBEDDING)
    x, v = points(5, 2)
    for own, other in ((score.trace(x), told.trace(x, 1.0)), (score.jvp(x, v), told.jvp(x, 1.0, v))):
        assert_array_equal(own, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_workspace(dtype):
    score = model((2, 5, 4, 2))
    x, v = (a.astype(dtype) for a in points(7, 2))
    space = score.workspace(8, dtype)
    size = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(space.forward(x), score(x), rtol=size, atol=size)
    space.backward(v)
    np.testing.assert_allclose(space.gradient, score.vjp_parameters(x, v), rtol=size, atol=size)
    space.theta += 0.25
    np.testing.assert_allclose(space.forward(x), score.unpack(score.pack() + 0.25)(x), rtol=size, atol=size)
    with pytest.raises(TypeError, match=r"no noise level; expected no sigma"):
        space.forward(x, np.ones(7, dtype))
    assert repr(space) == f"MLPWorkspace(Workspace(2-5-4-2, up to 8 samples, {np.dtype(dtype)}))"


def test_it_is_a_frozen_value():
    score = model((2, 3, 2))
    assert repr(score) == "MLPScore(Network(2-3-2, silu))"
    assert score.d == 2
    with pytest.raises(AttributeError):
        score.network = score.network
    with pytest.raises(ValueError, match=r"network has 3 inputs and 2 outputs; expected as many"):
        MLPScore(Network([np.ones((2, 3))], [np.ones(2)]))


def test_bad_arguments_are_refused():
    score, x = model((2, 3, 2)), np.zeros((4, 2))
    one = (score, score.jacobian, score.trace, score.trace_parameters)
    two = (score.vjp, score.jvp, score.vjp_parameters, score.quadratic_parameters)
    for call in (*one, *(lambda y, f=f: f(y, y) for f in two)):
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match=r"x has 8 values that are not finite"):
            call(x + np.nan)
        with pytest.raises(TypeError, match=r"x has dtype complex128"):
            call(x + 0j)
    for call in two:
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            call(x, np.zeros(2))
    with pytest.raises(ValueError, match=r"theta has shape \(3,\); expected \(17,\)"):
        score.unpack(np.zeros(3))
