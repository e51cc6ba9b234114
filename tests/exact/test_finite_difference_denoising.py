"""exact/finite_difference_denoising.py against nodes over data, noise and projections."""

import numpy as np
import pytest
from hypothesis import given, settings

from refscore.exact import expectations, minimisers
from refscore.exact.finite_difference_denoising import (
    finite_difference_denoising_expectation,
    finite_difference_denoising_minimiser,
    finite_difference_denoising_variance,
)
from refscore.exact.projections import (
    gaussian_projection,
    orthogonal_projections,
    rademacher_projection,
    sphere_projection,
)
from refscore.models import AffineScore, QuadraticEnergy
from refscore.objectives.finite_difference_denoising import finite_difference_denoising
from refscore.targets import gaussian
from tests.cubature import U, gauss_hermite, problems, product, signs, sphere

LAWS = [
    pytest.param(gaussian_projection, lambda d: gauss_hermite(d, 3), id="gaussian"),
    pytest.param(rademacher_projection, signs, id="rademacher"),
    pytest.param(sphere_projection, sphere, id="sphere"),
]


@settings(max_examples=15, deadline=None)
@given(problems(max_dim=2))
@pytest.mark.parametrize(("projection", "law"), LAWS)
@pytest.mark.parametrize("m", [1, 2])
def test_expectation_and_variance(m, projection, law, problem):  # (FDD.5), (FDD.6)
    matrix = problem.matrix + problem.matrix.T
    model, score, d, sigma = (
        QuadraticEnergy(matrix, problem.centre),
        AffineScore(matrix, problem.centre),
        problem.d,
        problem.sigma,
    )
    (z, e, *v), weights = product(*[gauss_hermite(d, 3)] * 2, *[law(d)] * m)
    x0, reach = problem.place(z)
    h = 1.0
    loss = finite_difference_denoising(model.log_prob, x0, e, sigma, np.stack(v), epsilon=h)
    away = reach + sigma * np.abs(e) + np.abs(problem.centre) + h * np.abs(v).max(0)
    size = (
        np.abs(v).max(0).sum(-1) * np.abs(e).max(-1) / sigma + np.einsum("na,ab,nb->n", away, np.abs(matrix), away)
    ) ** 2
    mean = weights @ loss
    assert abs(finite_difference_denoising_expectation(score, problem, sigma) - mean) <= 256 * U * (weights @ size)
    found = finite_difference_denoising_variance(score, problem, sigma, projection=projection, n_projections=m)
    assert abs(found - weights @ (loss - mean) ** 2) <= 1024 * U * (weights @ size**2)


def test_a_basis_is_denoising():
    p, s = gaussian([1, 3], [[2, 0.6], [0.6, 0.5]]), AffineScore([[1.5, -0.5], [-0.5, 2]], [0.5, -1])
    from refscore.exact import variances

    found = finite_difference_denoising_variance(s, p, 0.5, projection=orthogonal_projections(2), n_projections=2)
    assert found == variances.denoising(s, p, 0.5)
    assert finite_difference_denoising_expectation(s, p, 0.5) == expectations.denoising(s, p, 0.5)
    assert (finite_difference_denoising_minimiser(p, 0.5).pack() == minimisers.denoising(p, 0.5).pack()).all()


def test_a_field_that_is_no_gradient_is_refused():
    p, s = gaussian([1, 3]), AffineScore([[1.5, -0.5], [0.25, 2]], [0.5, -1])
    with pytest.raises(ValueError, match="score has a matrix that is not symmetric"):
        finite_difference_denoising_expectation(s, p, 0.5)
    with pytest.raises(ValueError, match="score has a matrix that is not symmetric"):
        finite_difference_denoising_variance(s, p, 0.5, projection=gaussian_projection)
