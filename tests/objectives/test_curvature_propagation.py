"""objectives/curvature_propagation.py: all signs give the Hessian; complex factors; autograd; how it scatters."""

from itertools import pairwise

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore import noise
from refscore.exact.curvature_propagation import curvature_propagation_form
from refscore.exact.projections import gaussian_projection, rademacher_projection, squares
from refscore.models import SOFTPLUS, TANH, MLPEnergy, network
from refscore.objectives import implicit, implicit_gradient
from refscore.objectives.curvature_propagation import (
    curvature_propagation,
    curvature_propagation_diagonal,
    curvature_propagation_plain,
    curvature_propagation_plain_gradient,
    one_and_all,
    propagated,
    roots,
)
from tests.cubature import U, signs

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])


def energy(*widths, activation=TANH, seed=0):
    p = sum(b * (a + 1) for a, b in pairwise(widths))
    return MLPEnergy(network(widths, noise.uniforms(seed, 0, p), activation))


NETS = [
    pytest.param(energy(2, 4, 1), id="one"),
    pytest.param(energy(2, 3, 3, 1), id="two"),
    pytest.param(energy(2, 2, 3, 2, 1, activation=SOFTPLUS), id="three"),
]
every_net = pytest.mark.parametrize("model", NETS)
every_factor = pytest.mark.parametrize("factor", [roots, one_and_all])


def lattice(model):
    """All sign vectors of all hidden units, for each sample: the whole law."""
    v = signs(sum(model.network.widths[1:-1]))[0]
    return np.broadcast_to(v[:, None], (len(v), len(X), v.shape[1]))


@every_factor
@every_net
def test_all_signs_give_the_hessian(model, factor):  # (CPR.1) to (CPR.3)
    t, u = propagated(model, X, lattice(model), factor)
    size = np.einsum("mni,mnj->nij", np.abs(t), np.abs(u)) / len(t)
    mean = np.einsum("mni,mnj->nij", t, u) / len(t)
    assert (np.abs(mean - model.jacobian(X)) <= 64 * U * (size + 0.1)).all()


@every_net
@pytest.mark.parametrize("function", [curvature_propagation, curvature_propagation_plain])
def test_all_signs_give_the_implicit_objective(function, model):  # (CPR.4)
    v = lattice(model)
    exact = implicit(model, X)
    assert np.abs(function(model, X, v) - exact).max() <= 64 * U * (np.abs(exact).max() + 1)
    assert np.abs(np.mean([function(model, X, w[None]) for w in v], axis=0) - exact).max() <= 1e-13
    folded = function(model, X[None], v[:, None])
    assert np.array_equal(folded, function(model, X, v)[None])
    assert abs(function(model, X[1], v[:, 1]) - exact[1]) <= 64 * U * 2


@every_net
def test_the_diagonal(model):
    found = curvature_propagation_diagonal(model, X, lattice(model)).mean(0)
    exact = np.diagonal(model.jacobian(X), axis1=1, axis2=2)
    assert np.abs(found - exact).max() <= 64 * U * (np.abs(exact).max() + 1)
    assert curvature_propagation_diagonal(model, X[None], lattice(model)[:5, None]).shape == (5, 1, 3, 2)


@every_net
def test_roots_are_the_real_part_of_complex_ones(model):
    def complex_roots(c):
        a = np.sqrt(c.astype(complex))
        return a, a

    v = lattice(model)[::7]
    net = model.network
    # S by its definition, one sample at a time, in complex numbers.
    for n, x in enumerate(X):
        h, e, f = x, [], []
        for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
            h, one, two = net.activation.derivatives(w @ h + b, 2)
            e.append(one)
            f.append(two)
        for k in range(len(v)):
            parts = np.split(v[k, n], np.cumsum(net.widths[1:-1])[:-1])
            r, s = -net.weights[-1][0], 0
            for i in reversed(range(len(e))):
                s = (e[i] * s + complex_roots(f[i] * r)[0] * parts[i]) @ net.weights[i]
                r = (e[i] * r) @ net.weights[i]
            t, u = propagated(model, x, v[k : k + 1, n], roots)
            assert np.abs((s * s).real - t[0] * u[0]).max() <= 64 * U


@every_net
def test_gradient_is_autograds(model):  # (CPR.5)
    widths = model.network.widths
    v = lattice(model)[[0, 5, 11]] * np.array([1.0, 0.5, -2.0])[:, None, None]  # any numbers will do
    phi = {"tanh": anp.tanh, "softplus": lambda a: anp.logaddexp(0.0, a)}[model.network.activation.name]
    slope = autograd.elementwise_grad(phi)
    bend = autograd.elementwise_grad(slope)

    def total(theta):
        weights, biases, start = [], [], 0
        for a, b in pairwise(widths):
            weights.append(anp.reshape(theta[start : start + a * b], (b, a)))
            biases.append(theta[start + a * b : start + a * b + b])
            start += a * b + b
        value = 0.0
        for n, x in enumerate(X):
            h, z = x, []
            for w, b in zip(weights[:-1], biases[:-1], strict=True):
                z.append(anp.dot(w, h) + b)
                h = phi(z[-1])
            for k in range(3):
                parts = np.split(v[k, n], np.cumsum(widths[1:-1])[:-1])
                r, t, u = -weights[-1][0], 0.0, 0.0
                for i in reversed(range(len(z))):
                    c = bend(z[i]) * r
                    t = anp.dot(slope(z[i]) * t + parts[i], weights[i])
                    u = anp.dot(slope(z[i]) * u + c * parts[i], weights[i])
                    r = anp.dot(slope(z[i]) * r, weights[i])
                value = value + (anp.dot(t, u) + 0.5 * anp.dot(r, r)) / 3
        return value

    theta = model.pack()
    assert abs(curvature_propagation_plain(model, X, v).sum() - total(theta)) <= 256 * U
    exact = autograd.grad(total)(theta)
    found = curvature_propagation_plain_gradient(model, X, v)
    assert np.abs(found - exact).max() <= 512 * U * np.abs(exact).max()
    many = np.concatenate([X] * 50)  # more than one block of samples
    again = curvature_propagation_plain_gradient(model, many, np.concatenate([v] * 50, axis=1))
    assert np.abs(again - 50 * found).max() <= 512 * 50 * U * np.abs(exact).max()


@every_net
def test_all_signs_give_the_implicit_gradient(model):
    found = curvature_propagation_plain_gradient(model, X, lattice(model))
    exact = implicit_gradient(model, X)
    assert np.abs(found - exact).max() <= 512 * U * (np.abs(exact).max() + 1)


@every_factor
@every_net
def test_the_variance_over_signs(model, factor):  # (CPR.6), with (VAR.2)
    form = curvature_propagation_form(model, X, factor)
    t, u = propagated(model, X, lattice(model), factor)
    estimates = (t * u).sum(-1)
    for n in range(len(X)):
        exact = rademacher_projection(squares(form[n]))
        assert abs(estimates[:, n].var() - exact) <= 256 * U * (1 + (np.abs(estimates[:, n]) ** 2).max())


def uneven(c):
    """Roots again, shared out unevenly."""
    a, b = roots(c)
    scale = 2.0 ** np.sin(np.arange(c.size)).reshape(c.shape)
    return a * scale, b / scale


@every_net
@pytest.mark.parametrize("law", [gaussian_projection, rademacher_projection])
@pytest.mark.parametrize("other", [one_and_all, lambda c: (c, np.ones_like(c)), uneven])
def test_roots_scatter_least(other, law, model):
    for x in X:
        least, more = (law(squares(curvature_propagation_form(model, x, factor))) for factor in (roots, other))
        assert more >= least * (1 - 1e-12)


def test_no_hidden_layer_has_no_curvature():
    model = energy(2, 1)
    assert (curvature_propagation(model, X, np.zeros((1, 3, 0))) == 0.5 * (model(X) ** 2).sum(-1)).all()


@pytest.mark.parametrize(
    "function", [curvature_propagation, curvature_propagation_plain, curvature_propagation_plain_gradient]
)
@pytest.mark.parametrize("shape", [(3, 4), (1, 3, 5), (0, 3, 4), (1, 2, 4), ()])
def test_refusals(function, shape):
    with pytest.raises(ValueError, match=r"projection has shape .*; expected \(m, 3, 4\), a number for each hidden"):
        function(energy(2, 4, 1), X, np.ones(shape))
