"""models/tangent_gradients.py against autograd on whole numbers: nothing rounds, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import tangent_gradients, tangents
from refscore.models.tangent_gradients import gradient, outer
from tests.models.integer_networks import hessian, jacobian, of_sample, whole, whole_gains, whole_network

N, M = 3, 3


@pytest.fixture(autouse=True, params=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    if request.param == "many blocks":
        monkeypatch.setattr(tangent_gradients, "ROWS", 2)
        monkeypatch.setattr(tangents, "BLOCK", 16)  # two directions at once for two samples and four units


def definition(network, v, first, second):
    """S of (TAN.6) as a function of θ, u and the gains."""
    slope, curve = jacobian(network), hessian(network)

    def total(theta, u, gains):
        value = 0.0
        for i in range(N):
            own = of_sample(gains, i)
            if first is not None:
                value = value + anp.sum(slope(theta, u[i], own) * (first[:, i].T @ v[:, i]))
            if second is not None:
                weights = second[i][:, None, None] * (v[:, i].T @ v[:, i])
                value = value + anp.sum(curve(theta, u[i], own) * weights)
        return value

    return total


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.parametrize("with_gains", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("widths", "terms"),
    [
        ((3, 2), "both"),
        ((3, 3, 2), "first"),
        ((3, 3, 2), "second"),
        ((3, 3, 2), "both"),
        ((2, 3, 2, 2), "first"),
        ((2, 3, 2, 2), "both"),
        ((2, 2, 3, 2, 1), "both"),
    ],
)
def test_gradient_in_everything(widths, with_gains, shared, terms):  # (TAN.6) to (TAN.11)
    network = whole_network(*widths)
    u, v = whole(N, widths[0], seed=100), whole(M, 1 if shared else N, widths[0], seed=101)
    first = whole(M, N, widths[-1], seed=102, largest=2) if terms != "second" else None
    second = whole(N, widths[-1], seed=103, largest=2) if terms != "first" else None
    gains = whole_gains(network, N) if with_gains else None
    found = gradient(network, u, directions=v, first=first, second=second, gains=gains)
    total, theta = definition(network, np.broadcast_to(v, (M, N, widths[0])), first, second), network.pack()
    assert_array_equal(found.theta, autograd.grad(total, 0)(theta, u, gains))
    assert_array_equal(found.inputs, autograd.grad(total, 1)(theta, u, gains))
    if with_gains and len(widths) > 2:
        for own, expected in zip(found.gains, autograd.grad(total, 2)(theta, u, gains), strict=True):
            assert_array_equal(own, expected)
    else:
        assert found.gains == ()


def test_nothing_asked_is_nothing():
    network = whole_network(3, 4, 2)
    found = gradient(network, whole(N, 3, seed=1), directions=whole(M, N, 3, seed=2))
    assert not found.theta.any()
    assert not found.inputs.any()


@pytest.mark.parametrize(("left", "right"), [(N, N), (N, 1), (1, N)])
def test_outer_products_where_one_side_is_shared(left, right):
    a, b = whole(M, left, 4, seed=1), whole(M, right, 2, seed=2)
    expected = sum(
        np.outer(a[m, min(i, left - 1)], b[m, min(i, right - 1)]) for m in range(M) for i in range(max(left, right))
    )
    assert_array_equal(outer(a, b), expected)
