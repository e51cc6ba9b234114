"""exact/geodesic_walk.py: by mpmath from the mean of the cosine, order, the circle."""

import mpmath
import numpy as np
import pytest

import refscore as rs
from refscore.exact.geodesic_walk import brownian_factor, walk_factor


@pytest.mark.parametrize("d", [2, 3, 4, 7, 40])
@pytest.mark.parametrize("eps", [1e-6, 0.01, 0.5, 3.0])
def test_the_mean_of_a_cosine(d, eps):  # (SPL.3)
    with mpmath.workdps(30):
        n = d - 1
        weight = mpmath.mpf(2) ** (1 - mpmath.mpf(n) / 2) / mpmath.gamma(mpmath.mpf(n) / 2)
        edges = [0, 2, 5, 8, 12, 20, 30]
        exact = mpmath.quad(
            lambda r: mpmath.cos(mpmath.sqrt(eps) * r) * r ** (n - 1) * mpmath.exp(-r * r / 2) * weight, edges
        )
    assert abs(walk_factor(d, step_size=eps) - float(exact)) < 1e-12


def test_the_circle_is_exact():  # (SPL.4)
    eps = np.array([1e-3, 0.4, 2.0])
    np.testing.assert_allclose(walk_factor(2, step_size=eps), brownian_factor(2, step_size=eps), rtol=1e-14)


@pytest.mark.parametrize("d", [3, 6])
def test_order_one(d):
    counts = np.array([16, 32, 64, 128])
    errors = [brownian_factor(d, step_size=1.0) - walk_factor(d, step_size=1 / n) ** n for n in counts]
    assert min(errors) > 0  # the walk is faster
    assert abs(rs.exact.observed_order(errors, counts) - 1) < 0.02


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="d is 1; expected at least 2"):
        walk_factor(1, step_size=0.1)
