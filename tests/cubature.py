"""Nodes and weights that integrate polynomials exactly: no sampling error in what is tested with them."""

import itertools
from typing import NamedTuple

import hypothesis.strategies as st
import numpy as np

U = 2.0**-53


def gauss_hermite(d, n=5):
    """n^d nodes for N(0, I) in d dimensions, exact up to degree 2n - 1 in each coordinate."""
    points, weights = np.polynomial.hermite_e.hermegauss(n)
    nodes = np.array(list(itertools.product(points, repeat=d)))
    return nodes, np.prod(list(itertools.product(weights / weights.sum(), repeat=d)), axis=1)


def sigma_points(d):
    """2d nodes ±√d e_i of equal weight for N(0, I), exact up to degree 3."""
    nodes = np.sqrt(d) * np.concatenate([np.eye(d), -np.eye(d)])
    return nodes, np.full(2 * d, 1 / (2 * d))


def signs(d):
    """All 2^d sign vectors of equal weight: the Rademacher law itself."""
    nodes = np.array(list(itertools.product([1.0, -1.0], repeat=d)))
    return nodes, np.full(2**d, 2.0**-d)


def sphere(d):
    """Nodes on the sphere of radius √d for d = 1, 2, 3, exact up to degree 5."""
    if d == 1:
        return signs(1)
    angles = 2 * np.pi * np.arange(8) / 8
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    if d == 2:
        return np.sqrt(2) * circle, np.full(8, 1 / 8)
    height, weight = np.polynomial.legendre.leggauss(3)
    ring = np.sqrt(1 - height**2)[:, None, None] * circle
    nodes = np.concatenate([ring, np.broadcast_to(height[:, None, None], (3, 8, 1))], axis=-1)
    return np.sqrt(3) * nodes.reshape(-1, 3), np.repeat(weight / weight.sum() / 8, 8)


def product(*rules):
    """The product of rules: for each a block of nodes (N, d_i), and the weights (N,)."""
    index = np.array(list(itertools.product(*(range(len(w)) for _, w in rules)))).T
    blocks = [nodes[i] for (nodes, _), i in zip(rules, index, strict=True)]
    return blocks, np.prod([w[i] for (_, w), i in zip(rules, index, strict=True)], axis=0)


class Problem(NamedTuple):
    """A general affine score, the moments of the data, a noise level; all numbers are quarters or eighths."""

    matrix: np.ndarray
    centre: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    sigma: float

    @property
    def d(self):
        return len(self.mean)

    def place(self, z):
        """Standard normal nodes as data, x = μ + L z, and |μ| + |L| |z| for the bounds."""
        lower = np.linalg.cholesky(self.cov)
        return self.mean + z @ lower.T, np.abs(self.mean) + np.abs(z) @ np.abs(lower).T

    def magnitude(self, size):
        """|A| (|x| + |b|), the size of the terms of the score."""
        return (size + np.abs(self.centre)) @ np.abs(self.matrix).T


@st.composite
def problems(draw, max_dim=3):
    d = draw(st.integers(1, max_dim))

    def quarters(*shape, bound=8):
        n = int(np.prod(shape))
        return np.array(draw(st.lists(st.integers(-bound, bound), min_size=n, max_size=n))).reshape(shape) / 4

    factor = quarters(d, d, bound=6)
    cov = factor @ factor.T + 0.25 * np.eye(d)
    return Problem(quarters(d, d), quarters(d), quarters(d), cov, 2.0 ** draw(st.integers(-4, 4)))


def icosahedron():
    """The 60 rotations of the icosahedron, (60, 3, 3): averages of polynomials up to degree 5 are Haar's."""
    golden = (1 + np.sqrt(5)) / 2
    generators = [
        np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        0.5 * np.array([[1, -golden, golden - 1], [golden, golden - 1, -1], [golden - 1, 1, golden]]),
    ]
    group = [np.eye(3)]
    for g in group:
        for new in (g @ generator for generator in generators):
            if min(np.abs(new - old).max() for old in group) > 1e-9:
                group.append(new)
    assert len(group) == 60
    return np.array(group)
