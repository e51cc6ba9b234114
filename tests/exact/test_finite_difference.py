"""exact/finite_difference.py against nodes over data and projections."""

import numpy as np
import pytest
from hypothesis import given, settings

from refscore import objectives
from refscore.exact import minimisers
from refscore.exact.finite_difference import (
    finite_difference_expectation,
    finite_difference_minimiser,
    finite_difference_variance,
)
from refscore.exact.projections import gaussian_projection, rademacher_projection
from refscore.models import AffineScore, QuadraticEnergy
from refscore.targets import gaussian
from tests.cubature import U, gauss_hermite, problems, product, signs


@settings(max_examples=15)
@given(problems(max_dim=2))
@pytest.mark.parametrize("h", [0.25, 2.0])
@pytest.mark.parametrize(
    ("projection", "law"), [(gaussian_projection, lambda d: gauss_hermite(d, 3)), (rademacher_projection, signs)]
)
def test_expectation_and_variance(projection, law, h, problem):  # (FDS.8)
    symmetric = problem.matrix + problem.matrix.T
    energy = QuadraticEnergy(symmetric, problem.centre)
    (z, v), w = product(gauss_hermite(problem.d, 3), law(problem.d))
    x, reach = problem.place(z)
    away = reach + np.abs(problem.centre) + h * np.abs(v)
    forms = np.einsum("na,ab,nb->n", away, np.abs(symmetric) + np.abs(problem.matrix), away)
    size = (1 + forms / h**2) * (1 + forms / h**2)
    for score, loss in (
        (AffineScore(symmetric, problem.centre), objectives.finite_difference(energy.log_prob, x, v[None], epsilon=h)),
        (
            AffineScore(problem.matrix, problem.centre),
            objectives.finite_difference_score(AffineScore(problem.matrix, problem.centre), x, v[None], epsilon=h),
        ),
    ):
        mean = w @ loss
        assert abs(finite_difference_expectation(score, problem) - mean) <= 64 * U * (w @ size)
        exact = w @ (loss - mean) ** 2
        assert abs(finite_difference_variance(score, problem, projection=projection) - exact) <= 256 * U * (w @ size**2)


def test_the_minimiser():
    p = gaussian([1, 3], [[2, 0.6], [0.6, 0.5]])
    best = finite_difference_minimiser(p)
    assert (best.pack() == minimisers.implicit(p).pack()).all()
    assert (best.matrix == best.matrix.T).all()
    least = finite_difference_expectation(best, p)
    for step in np.eye(6) / 8:
        for theta in (best.pack() + step, best.pack() - step):
            assert finite_difference_expectation(best.unpack(theta), p) > least + 1e-4
