"""objectives/approximate_backpropagation.py: exact with one hidden layer, its bias by paths, autograd."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore import noise
from refscore.models import SOFTPLUS, TANH, MLPEnergy, network
from refscore.objectives import implicit, implicit_gradient
from refscore.objectives.approximate_backpropagation import (
    approximate_backpropagation,
    approximate_backpropagation_diagonal,
    approximate_backpropagation_gradient,
)
from tests.cubature import U

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])


def energy(*widths, activation=TANH, seed=0):
    p = sum(b * (a + 1) for a, b in itertools.pairwise(widths))
    return MLPEnergy(network(widths, noise.uniforms(seed, 0, p), activation))


DEEP = [
    pytest.param(energy(2, 3, 4, 1), id="two"),
    pytest.param(energy(2, 2, 3, 2, 1, activation=SOFTPLUS), id="three"),
]


@pytest.mark.parametrize("activation", [TANH, SOFTPLUS])
def test_one_hidden_layer_is_exact(activation):  # (ABP.1), (ABP.3)
    model = energy(2, 5, 1, activation=activation)
    exact = implicit(model, X)
    assert np.abs(approximate_backpropagation(model, X) - exact).max() <= 64 * U * (1 + np.abs(exact).max())
    diagonal = np.diagonal(model.jacobian(X), axis1=1, axis2=2)
    assert np.abs(approximate_backpropagation_diagonal(model, X) - diagonal).max() <= 64 * U
    gradient = implicit_gradient(model, X)
    assert np.abs(approximate_backpropagation_gradient(model, X) - gradient).max() <= 512 * U * np.abs(gradient).max()


def by_paths(model, x):
    """Both lines of (ABP.2), path by path, from the definition."""
    net = model.network
    h, e, f = x, [], []
    for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        h, one, two = net.activation.derivatives(w @ h + b, 2)
        e.append(one)
        f.append(two)
    r = [-net.weights[-1][0]]
    for i in reversed(range(1, len(e))):
        r.append((e[i] * r[-1]) @ net.weights[i])
    r = r[::-1]
    exact = approximate = 0.0
    for layer in range(len(e)):
        for k, i in itertools.product(range(len(e[layer])), range(len(x))):
            paths = []
            for between in itertools.product(*[range(len(part)) for part in e[:layer]]):
                units = (i, *between, k)
                weights = [net.weights[n][units[n + 1], units[n]] for n in range(layer + 1)]
                slopes = [e[n][units[n + 1]] for n in range(layer)]
                paths.append(np.prod(weights) * np.prod(slopes))
            c = f[layer][k] * r[layer][k]
            exact, approximate = exact + c * sum(paths) ** 2, approximate + c * sum(p**2 for p in paths)
    return exact, approximate


@pytest.mark.parametrize("model", DEEP)
def test_the_bias_is_that_of_the_paths(model):  # (ABP.2)
    for x in X:
        exact, approximate = by_paths(model, x)
        half = 0.5 * (model(x) ** 2).sum()
        assert abs(model.trace(x) - exact) <= 64 * U
        assert abs(approximate_backpropagation(model, x) - half - approximate) <= 64 * U
        assert abs(approximate - exact) > 1e-4  # and it is not small


@pytest.mark.parametrize("model", DEEP)
def test_over_signs_of_the_weights_the_bias_vanishes(model):
    """Flipping the signs of the first weights' columns and rows: cross terms of paths are odd in some of them."""
    net = model.network
    gap = []
    w, b = net.weights[1], net.biases
    for flips in itertools.product([1.0, -1.0], repeat=w.size):
        # The activations are held by the biases, so that e, f stay what they were: flip and undo at x = X[0].
        weights = list(net.weights)
        weights[1] = w * np.reshape(flips, w.shape)
        hidden = net.activation.derivatives(net.weights[0] @ X[0] + b[0], 1)[0]
        biases = list(b)
        biases[1] = b[1] + (w - weights[1]) @ hidden
        flipped = MLPEnergy(type(net)(tuple(weights), tuple(biases), net.activation))
        half = 0.5 * (flipped(X[0]) ** 2).sum()
        # What bends in the second layer alone: the first layer's slope r changes with the signs, too.
        gap.append(approximate_backpropagation(flipped, X[0]) - half - flipped.trace(X[0]))
    assert abs(np.mean(gap)) <= 64 * U * np.abs(gap).max() * 8 + 1e-15


@pytest.mark.parametrize("model", [pytest.param(energy(2, 5, 1), id="one"), *DEEP])
def test_gradient_is_autograds(model):  # (ABP.4)
    widths = model.network.widths
    phi = {"tanh": anp.tanh, "softplus": lambda a: anp.logaddexp(0.0, a)}[model.network.activation.name]
    slope = autograd.elementwise_grad(phi)
    bend = autograd.elementwise_grad(slope)

    def total(theta):
        weights, biases, start = [], [], 0
        for a, b in itertools.pairwise(widths):
            weights.append(anp.reshape(theta[start : start + a * b], (b, a)))
            biases.append(theta[start + a * b : start + a * b + b])
            start += a * b + b
        value = 0.0
        for x in X:
            h, z = x, []
            for w, b in zip(weights[:-1], biases[:-1], strict=True):
                z.append(anp.dot(w, h) + b)
                h = phi(z[-1])
            r, diagonal = -weights[-1][0], 0.0
            for i in reversed(range(len(z))):
                q = slope(z[i]) ** 2 * diagonal + bend(z[i]) * r
                diagonal = anp.dot(q, weights[i] ** 2)
                r = anp.dot(slope(z[i]) * r, weights[i])
            value = value + anp.sum(diagonal) + 0.5 * anp.dot(r, r)
        return value

    theta = model.pack()
    assert abs(approximate_backpropagation(model, X).sum() - total(theta)) <= 256 * U
    exact = autograd.grad(total)(theta)
    found = approximate_backpropagation_gradient(model, X)
    assert np.abs(found - exact).max() <= 512 * U * np.abs(exact).max()
    many = np.concatenate([X] * 50)  # more than one block of samples
    assert np.abs(approximate_backpropagation_gradient(model, many) - 50 * found).max() <= 512 * 50 * U
    assert approximate_backpropagation(model, many.reshape(3, 50, 2)).shape == (3, 50)


def test_no_hidden_layer_has_no_curvature():
    model = energy(2, 1)
    assert (approximate_backpropagation(model, X) == 0.5 * (model(X) ** 2).sum(-1)).all()
    assert approximate_backpropagation_gradient(model, X).tolist() == [*(model.network.weights[0][0] * 3), 0.0]


def test_refusals():
    with pytest.raises(ValueError, match=r"x has shape \(3, 3\); expected \(\*batch, 2\)"):
        approximate_backpropagation(energy(2, 3, 1), np.zeros((3, 3)))
