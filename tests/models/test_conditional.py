"""models/conditional.py against autograd, complex step and ball arithmetic from the papers' definitions."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import (
    C_NOISE,
    GELU,
    LOG_SIGMA,
    NO_EMBEDDING,
    OVER_SIGMA,
    PLAIN,
    SILU,
    SIN,
    SOFTPLUS,
    TANH,
    ConditionalMLP,
    Network,
    conditional_mlp,
    edm,
    fourier,
    network,
)
from tests.derivations import assert_derivatives
from tests.models.mlp_definitions import FREQUENCIES, SIGMA_DATA, conditional

SCALINGS = {"plain": PLAIN, "over sigma": OVER_SIGMA, "edm": edm(SIGMA_DATA)}
EMBEDDINGS = {"none": NO_EMBEDDING, "log": LOG_SIGMA, "quarter": C_NOISE, "fourier": fourier(FREQUENCIES)}


def model(d, hidden, scaling, embedding, activation=TANH, seed=0):
    widths = (d + EMBEDDINGS[embedding].size, *hidden, d)
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    uniform = np.random.default_rng(seed).uniform(size=p)
    return conditional_mlp(
        d, hidden, uniform, scaling=SCALINGS[scaling], embedding=EMBEDDINGS[embedding], activation=activation
    )


def points(n, d, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d)), np.exp(rng.uniform(-1.5, 1.5, size=n))


@pytest.mark.parametrize("hidden", [(), (4,), (3, 4), (3, 2, 3)])
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_derivatives_for_each_depth_and_embedding(embedding, hidden):  # (CON.1), (CON.2), (CON.3)
    score = model(2, hidden, "edm", embedding)
    x, v, sigma = points(3, 2)
    assert_derivatives(score, x, v, score=conditional(score.network.widths, "tanh", "edm", embedding), sigma=sigma)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("activation", [TANH, SOFTPLUS, SILU, GELU, SIN], ids=lambda a: a.name)
def test_derivatives_for_each_scaling_and_activation(scaling, activation):  # (CON.1), (CON.2), (CON.3)
    score = model(3, (4, 3), scaling, "log", activation)
    x, v, sigma = points(2, 3)
    own = conditional(score.network.widths, activation.name, scaling, "log")
    assert_derivatives(score, x, v, score=own, sigma=sigma)


def test_one_level_for_all_samples():
    """σ () is that σ for each, also where a batch of d samples of dimension d could broadcast along the wrong axis."""
    score = model(3, (4,), "edm", "fourier")
    x, v, _ = points(3, 3)
    alone, each = np.float64(0.75), np.full(3, 0.75)
    for method in (score, score.jacobian, score.trace, score.trace_parameters):
        assert_array_equal(method(x, alone), method(x, each))
    for method in (score.vjp, score.jvp, score.vjp_parameters, score.quadratic_parameters):
        assert_array_equal(method(x, alone, v), method(x, each, v))


@pytest.mark.parametrize("batch", [(1,), (2, 3)])
def test_batches_of_any_shape(batch):
    score = model(2, (4, 3), "over sigma", "log")
    rng = np.random.default_rng(0)
    x, v, sigma = rng.normal(size=(*batch, 2)), rng.normal(size=(*batch, 2)), rng.uniform(1, 2, size=batch)
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
@pytest.mark.parametrize("embedding", ["none", "fourier"])
def test_the_workspace_is_the_model(embedding, scaling, dtype):
    score = model(3, (16, 8), scaling, embedding, SILU)
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
    got = np.array(space.forward(x, dtype(0.75)))
    assert_array_equal(got, space.forward(x, np.full(7, 0.75, dtype)))


def test_the_workspace_refuses():
    space = model(2, (4,), "edm", "log").workspace(5, np.float32)
    x, sigma = np.zeros((4, 2), np.float32), np.ones(4, np.float32)
    with pytest.raises(TypeError, match=r"sigma is missing; a noise-conditional model needs \(\) or \(m,\)"):
        space.forward(x)
    with pytest.raises(TypeError, match="x has dtype float64; expected float32, that of the workspace"):
        space.forward(x.astype(float), sigma)
    with pytest.raises(ValueError, match=r"x has shape \(6, 2\); expected \(m <= 5, 2\)"):
        space.forward(np.zeros((6, 2), np.float32), sigma)
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected \(\) or \(4,\)"):
        space.forward(x, sigma[:3])
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        space.forward(x, np.float32(0))
    space.forward(x, sigma)
    with pytest.raises(ValueError, match=r"v has shape \(1, 2\); expected \(4, 2\)"):
        space.backward(x[:1])
    with pytest.raises(TypeError, match="v has dtype float64"):
        space.backward(x.astype(float))
    with pytest.raises(TypeError, match="dtype is float16"):
        model(2, (4,), "edm", "log").workspace(5, np.float16)


def test_pack_and_unpack():
    score = model(2, (3,), "edm", "log")
    assert_array_equal(score.pack(), score.network.pack())
    theta = np.arange(score.pack().size, dtype=float)
    back = score.unpack(theta)
    assert_array_equal(back.pack(), theta)
    assert (back.scaling, back.embedding) == (score.scaling, score.embedding)
    assert repr(score) == "ConditionalMLP(Network(3-3-2, tanh), Scaling(edm(0.5)), Embedding(log sigma, size 1))"
    with pytest.raises(AttributeError):
        score.network = score.network
    with pytest.raises(ValueError, match=r"theta has shape \(3,\)"):
        score.unpack(np.zeros(3))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"network has 2 inputs and 2 outputs; expected 2 \+ 1 inputs"):
        ConditionalMLP(network((2, 2), np.zeros(6)), PLAIN, LOG_SIGMA)
    score = ConditionalMLP(Network([np.ones((2, 3))], [np.zeros(2)]), PLAIN, LOG_SIGMA)
    x, v = np.zeros((4, 2)), np.zeros(2)
    for call in (score, score.jacobian, score.trace, score.trace_parameters):
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)), 1)
        with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(4,\) of x"):
            call(x, np.ones(2))
        with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma > 0"):
            call(x, -1)
    for product in (score.vjp, score.jvp, score.vjp_parameters, score.quadratic_parameters):
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            product(x, 1, v)
        with pytest.raises(ValueError, match=r"x has 8 values that are not finite"):
            product(x + np.nan, 1, x)
