"""Definitions of the noise-conditional models for one sample, in any arithmetic: those of the papers."""

from itertools import pairwise

import numpy as np

SIGMA_DATA = 0.5
FREQUENCIES = np.array([0.25, 1.5])


def phi(name, a, ns):
    """The activation function."""
    return {
        "tanh": lambda: ns.tanh(a),
        "softplus": lambda: ns.softplus(a),
        "silu": lambda: a * ns.sigmoid(a),
        "gelu": lambda: 0.5 * a * (1 + ns.erf(a / ns.sqrt(0 * a + 2.0))),
        "sin": lambda: ns.sin(a),
    }[name]()


def net(theta, h, widths, activation, ns, gains=None):
    """The network at θ (a longer one will do), with one vector of gains for each hidden layer."""
    start = 0
    for layer, (before, after) in enumerate(pairwise(widths)):
        w = theta[start : start + after * before].reshape(after, before)
        b = theta[start + after * before : start + after * (before + 1)]
        start += after * (before + 1)
        h = w @ h + b
        if layer + 2 < len(widths):
            h = phi(activation, h if gains is None else gains[layer] * h, ns)
    return h


def told(embedding, level, ns):
    """Vectors e(σ), for σ as a vector of one entry."""
    if embedding == "none":
        return []
    if embedding == "fourier":
        angle = 2 * np.pi * FREQUENCIES * ns.log(level)
        return [ns.cos(angle), ns.sin(angle)]
    return [ns.log(level) / {"log": 1.0, "quarter": 4.0}[embedding]]


def as_score(scaling, x, level, network, ns):
    """s of a network of x, in each paper's form; EDM's is of a denoiser, and Tweedie's formula makes it a score."""
    if scaling == "edm":
        total = level**2 + SIGMA_DATA**2
        c_skip, c_out, c_in = SIGMA_DATA**2 / total, level * SIGMA_DATA / ns.sqrt(total), 1 / ns.sqrt(total)
        denoised = c_skip * x + c_out * network(c_in * x)
        return (denoised - x) / level**2
    return network(x) / (level if scaling == "over sigma" else 1.0)


def conditional(widths, activation, scaling, embedding):
    """s(x, σ) of a network that is given e(σ) beside x."""

    def score(theta, x, sigma, ns):
        level = sigma + 0 * x[:1]  # σ in the arithmetic in use

        def network(y):
            return net(theta, ns.concatenate([y, *told(embedding, level, ns)]), widths, activation, ns)

        return as_score(scaling, x, level, network, ns)

    return score


def embedded(widths, activation, scaling, sigmas):
    """s(x, σ_k) of a network with row k of each table of gains."""
    sizes = [len(sigmas) * width for width in widths[1:-1]]

    def score(theta, x, sigma, ns):
        level, k = sigma + 0 * x[:1], list(sigmas).index(sigma)
        rows = []
        for size, after in zip(sizes, np.cumsum(sizes[::-1])[::-1]):
            table = theta[len(theta) - after : len(theta) - after + size].reshape(len(sigmas), -1)
            rows.append(table[k])
        return as_score(scaling, x, level, lambda y: net(theta, y, widths, activation, ns, rows), ns)

    return score
