"""models/tangents.py against autograd on whole numbers: nothing rounds, so equality is asked."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import tangents
from refscore.models.tangents import at_once, blocks, curvature, forward, jvp, laplacian
from tests.models.integer_networks import definition, hessian, jacobian, of_sample, whole, whole_gains, whole_network

WIDTHS = [(3, 2), (3, 4, 2), (3, 4, 3, 2), (3, 2, 4, 3, 2)]
N, M = 5, 4


@pytest.fixture(autouse=True, params=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    if request.param == "many blocks":
        monkeypatch.setattr(tangents, "ROWS", 2)
        monkeypatch.setattr(tangents, "BLOCK", 24)  # three directions at once for two samples and four units


def problem(widths, with_gains, *, shared):
    network = whole_network(*widths)
    u, v = whole(N, widths[0], seed=100), whole(M, 1 if shared else N, widths[0], seed=101)
    gains = whole_gains(network, N) if with_gains else None
    return network, u, v, np.broadcast_to(v, (M, N, widths[0])), gains


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("with_gains", [False, True])
@pytest.mark.parametrize("widths", WIDTHS)
def test_directions_and_second_derivatives(widths, with_gains, shared):  # (TAN.2), (TAN.4), (TAN.5)
    network, u, v, each, gains = problem(widths, with_gains, shared=shared)
    c, theta = whole(N, widths[-1], seed=102), network.pack()
    products, sums, turned = (
        jvp(network, u, v, gains),
        laplacian(network, u, v, gains),
        curvature(network, u, c, v, gains),
    )
    assert products.shape == (M, N, widths[-1])
    assert sums.shape == (N, widths[-1])
    assert turned.shape == (M, N, widths[0])
    for i in range(N):
        first, second = (f(theta, u[i], of_sample(gains, i)) for f in (jacobian(network), hessian(network)))
        assert_array_equal(products[:, i], each[:, i] @ first.T)
        assert_array_equal(sums[i], np.einsum("oij,mi,mj->o", second, each[:, i], each[:, i]))
        assert_array_equal(turned[:, i], np.einsum("o,oij,mj->mi", c[i], second, each[:, i]))


@pytest.mark.parametrize("with_gains", [False, True])
def test_values_and_factors(with_gains):  # (TAN.1)
    network = whole_network(3, 4, 3, 2)
    u, gains = whole(N, 3, seed=100), whole_gains(network, N) if with_gains else None
    values = forward(network, u, gains)
    assert [len(factors) for factors in forward(network, u, gains, 1).factors] == [1, 1]
    for i, (w, b) in enumerate(zip(network.weights[:-1], network.biases)):
        assert_array_equal(values.sums[i], values.inputs[i] @ w.T + b)
        g = 1.0 if gains is None else gains[i]
        a = g * values.sums[i]
        assert_array_equal(values.inputs[i + 1], a**3 - a**2)
        for factor, expected in zip(values.factors[i], (g * (3 * a**2 - 2 * a), g**2 * (6 * a - 2), 6 * g**3 + 0 * a)):
            assert_array_equal(factor, expected)
    for i in range(N):
        own = definition(network)(network.pack(), u[i], of_sample(gains, i))
        assert_array_equal(values.inputs[-1][i] @ network.weights[-1].T + network.biases[-1], own)


def test_no_samples():
    network = whole_network(3, 4, 2)
    u = np.zeros((0, 3))
    assert jvp(network, u, np.eye(3)[:, None]).shape == (3, 0, 2)
    assert laplacian(network, u, np.eye(3)[:, None]).shape == (0, 2)


def test_blocks_cover_once():
    assert [(b.start, b.stop) for b in blocks(5, 2)] == [(0, 2), (2, 4), (4, 5)]
    assert list(blocks(0, 2)) == []
    assert at_once(whole_network(3, 10**5, 2), 1) >= 1
