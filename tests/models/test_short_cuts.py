"""models/short_cuts.py and its gradients against autograd on whole numbers: nothing rounds, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import short_cut_gradients, short_cuts, tangents
from refscore.models.short_cut_gradients import trace_gradient
from refscore.models.short_cuts import Cut, cut, trace
from tests.models.integer_networks import jacobian, of_sample, whole, whole_gains, whole_network

N = 5
WIDTHS = [(2, 2), (3, 2), (2, 4, 2), (4, 3, 2), (2, 4, 3, 2), (4, 2, 3, 2), (3, 4, 2, 3, 2), (2, 3, 2, 3, 2, 2)]
WIDTHS += [(5, 2, 3, 4, 4), (3, 3, 3, 3), (2, 2, 2, 2, 2)]  # more outputs than units; square, where Mᵀ fits for M


@pytest.fixture(autouse=True, params=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    if request.param == "many blocks":
        monkeypatch.setattr(short_cuts, "ROWS", 2)
        monkeypatch.setattr(short_cut_gradients, "ROWS", 2)
        monkeypatch.setattr(short_cuts, "BLOCK", 12)
        monkeypatch.setattr(tangents, "BLOCK", 12)


def both_cuts(network):
    """The two ways to open the chain, or the one way there is without one."""
    if len(network.weights) <= 3:
        return [None]
    d, last = network.widths[-1], network.weights[-1]
    a = network.weights[0][:, :d]
    return [Cut(0, a.T, last), Cut(1, network.weights[1].T, a @ last)]


@pytest.mark.parametrize("with_gains", [False, True])
@pytest.mark.parametrize("widths", WIDTHS)
def test_trace_and_its_gradient(widths, with_gains, monkeypatch):  # (CUT.1) to (CUT.9)
    network = whole_network(*widths)
    u, weight, d = whole(N, widths[0], seed=100), whole(N, seed=101, largest=3), widths[-1]
    gains, theta = whole_gains(network, N) if with_gains else None, network.pack()
    slope = jacobian(network)

    def one(theta, u, own):
        return anp.trace(slope(theta, u, own)[:, :d])

    def total(theta, u, gains):
        return sum(weight[i] * one(theta, u[i], of_sample(gains, i)) for i in range(N))

    expected = [one(theta, u[i], of_sample(gains, i)) for i in range(N)]
    hidden = len(widths) > 2
    slopes = [autograd.grad(total, k)(theta, u, gains) for k in ((0, 1, 2) if hidden else (0,)) if k < 2 or with_gains]
    for opened in both_cuts(network):
        if opened is not None:
            monkeypatch.setattr(short_cuts, "cut", lambda *_, own=opened: own)
            monkeypatch.setattr(short_cut_gradients, "cut", lambda *_, own=opened: own)
        assert_array_equal(trace(network, u, gains), expected)
        found = trace_gradient(network, u, weight, gains)
        assert_array_equal(found.theta, slopes[0])
        if hidden:
            assert_array_equal(found.inputs, slopes[1])
            for own, of_gain in zip(found.gains, slopes[2] if with_gains else (), strict=True):
                assert_array_equal(own, of_gain)
        else:
            assert not found.inputs.any()


@pytest.mark.parametrize(
    ("widths", "n", "layer"),
    [
        ((2, 8, 8, 8, 2), 100, 0),  # 2 directions through two layers are fewer than 8 through one
        ((64, 8, 8, 8, 64), 100, 1),
        ((64, 128, 128, 128, 64), 10**4, 0),  # the same products, and M beside
        ((784, 256, 256, 256, 784), 1, 1),
        ((784, 256, 256, 256, 256, 784), 10, 1),
    ],
)
def test_the_cheaper_cut_is_taken(widths, n, layer):
    opened = cut(whole_network(*widths), n)
    assert opened.layer == layer
    assert opened.start.shape == ((widths[-1], widths[1]) if layer == 0 else (widths[1], widths[2]))
    assert opened.close.shape == (len(opened.start), widths[-2])


def test_no_samples():
    for widths in WIDTHS:
        network = whole_network(*widths)
        assert trace(network, np.zeros((0, widths[0]))).shape == (0,)
        assert trace_gradient(network, np.zeros((0, widths[0])), np.zeros(0)).theta.shape == (network.p,)
