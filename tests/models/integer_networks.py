"""Networks in which nothing rounds: whole numbers and a polynomial for φ, so that equality may be asked."""

from itertools import pairwise

import autograd
import autograd.numpy as anp
import numpy as np

from refscore.models import Activation, Network


def _square(a, order=3):  # ½a² would have the same slopes as a general φ only up to second order: the next has a third
    return (a * a, 2 * a, np.full_like(a, 2.0), np.zeros_like(a))[: order + 1]


def _cube(a, order=3):
    return (a**3 - a * a, 3 * a * a - 2 * a, 6 * a - 2, np.full_like(a, 6.0))[: order + 1]


def _forward(derivatives):
    def forward(a, bias, slope, scratch):
        value, *rest = derivatives(a if bias is None else a + bias, 1)
        a[...] = value
        if slope is not None:
            slope[...] = rest[0]

    return forward


SQUARE = Activation("square", _square, _forward(_square))
CUBE = Activation("cube", _cube, _forward(_cube))
PHI = {"square": lambda a: a * a, "cube": lambda a: a**3 - a * a}


def whole(*shape, seed, largest=1):
    """Whole numbers up to ± `largest`."""
    return np.random.default_rng(seed).integers(-largest, largest + 1, shape).astype(float)


def whole_network(*widths, seed=0):
    """Cubes for up to two hidden layers; squares for more, lest the numbers outgrow 2⁵³."""
    weights = [whole(after, before, seed=seed + i) for i, (before, after) in enumerate(pairwise(widths))]
    biases = [whole(after, seed=seed + 50 + i) for i, after in enumerate(widths[1:])]
    return Network(tuple(weights), tuple(biases), CUBE if len(widths) <= 4 else SQUARE)


def whole_gains(network, n, seed=200):
    return [whole(n, width, seed=seed + i) for i, width in enumerate(network.widths[1:-1])]


def definition(network):
    """net(θ, u, gains) of one sample, for autograd; `gains` is a list of vectors, or None."""
    widths, phi = network.widths, PHI[network.activation.name]

    def net(theta, h, gains):
        start = 0
        for layer, (before, after) in enumerate(pairwise(widths)):
            w = theta[start : start + after * before].reshape(after, before)
            h = anp.dot(w, h) + theta[start + after * before : start + after * (before + 1)]
            start += after * (before + 1)
            if layer + 2 < len(widths):
                h = phi(h if gains is None else gains[layer] * h)
        return h

    return net


def jacobian(network):
    return autograd.jacobian(definition(network), 1)


def hessian(network):
    """(n_L, n_0, n_0); plain zeros without a hidden layer, where autograd finds nothing to differentiate."""
    if len(network.weights) == 1:
        return lambda theta, u, gains: np.zeros((network.widths[-1], network.widths[0], network.widths[0]))
    return autograd.jacobian(jacobian(network), 1)


def of_sample(gains, i):
    return None if gains is None else [g[i] for g in gains]
