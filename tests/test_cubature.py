"""The rules of cubature.py have the moments they claim, so that a test may rest on them."""

import itertools
from math import prod

import numpy as np
import pytest

from tests.cubature import U, gauss_hermite, product, sigma_points, signs, sphere


def normal_moment(powers):
    return prod(0 if k % 2 else prod(range(1, k, 2)) for k in powers)


def sphere_moment(powers):
    # E of a monomial on the sphere of radius √d: the normal one over E χ_d^k = d (d+2) … , times d^(k/2).
    d, half = len(powers), sum(powers) // 2
    return normal_moment(powers) * d**half / prod(range(d, d + 2 * half, 2))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(
    ("rule", "moment", "degree"),
    [
        (lambda d: gauss_hermite(d, 5), normal_moment, 9),
        (lambda d: gauss_hermite(d, 3), normal_moment, 5),
        (sigma_points, normal_moment, 3),
        (signs, lambda powers: 0 if any(k % 2 for k in powers) else 1, 9),
        (sphere, sphere_moment, 5),
    ],
    ids=["hermite5", "hermite3", "sigma", "signs", "sphere"],
)
def test_moments(rule, moment, degree, d):
    nodes, weights = rule(d)
    for powers in itertools.product(range(degree + 1), repeat=d):
        if sum(powers) <= degree:
            terms = weights * np.prod(nodes ** np.array(powers), axis=1)
            # NumPy's nodes and weights are good to some 4 u; a monomial has at most 9 factors.
            assert abs(terms.sum() - moment(powers)) <= 64 * U * np.abs(terms).sum(), powers


def test_a_product_is_independent():
    (x, y), weights = product(gauss_hermite(1), signs(2))
    assert x.shape == (20, 1)
    assert y.shape == (20, 2)
    assert abs(weights @ (x[:, 0] ** 2 * y[:, 0] ** 2) - 1) <= 64 * U
    assert abs(weights @ (x[:, 0] * y[:, 0])) <= 64 * U
