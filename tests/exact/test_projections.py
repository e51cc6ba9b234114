"""exact/projections.py against each law itself: all signs, and nodes that are exact for fourth moments."""

import numpy as np
import pytest
from hypothesis import given

from refscore.exact.projections import (
    gaussian_projection,
    of_random,
    orthogonal_projections,
    rademacher_projection,
    sphere_projection,
    squares,
)
from tests.cubature import U, gauss_hermite, icosahedron, problems, signs, sphere

LAWS = [
    pytest.param(gaussian_projection, lambda d: gauss_hermite(d, 3), id="gaussian"),
    pytest.param(rademacher_projection, signs, id="rademacher"),
    pytest.param(sphere_projection, sphere, id="sphere"),
]


@given(problems())
@pytest.mark.parametrize(("variance", "law"), LAWS)
def test_variance_of_a_quadratic_form(variance, law, problem):  # (VAR.1), (VAR.2), (VAR.3)
    v, weights = law(problem.d)
    form = np.einsum("ni,ij,nj->n", v, problem.matrix, v)
    size = np.einsum("ni,ij,nj->n", np.abs(v), np.abs(problem.matrix), np.abs(v))
    exact = weights @ (form - np.trace(problem.matrix)) ** 2
    assert abs(variance(squares(problem.matrix)) - exact) <= 128 * U * (weights @ size**2)
    assert abs(weights @ form - np.trace(problem.matrix)) <= 64 * U * (weights @ size)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_forms_without_variance_have_exactly_none(d):
    assert rademacher_projection(squares(np.diag(0.1 + np.arange(d)))) == 0.0
    assert sphere_projection(squares(0.1 * np.eye(d))) == 0.0
    assert rademacher_projection(squares([[0.1]])) == sphere_projection(squares([[0.1]])) == 0.0


def test_a_random_matrix_adds_its_scatter():
    # H = ±D by a fair coin: mean 0, Var H_ij = D_ij², Cov(H_ii, H_jj) = D_ii D_jj; the squares are those of D itself.
    h = np.array([[1.0, 2.0, 0.5], [2.0, -3.0, 1.0], [0.5, 1.0, 8.0]])
    random = of_random(np.zeros((3, 3)), h**2, np.outer(np.diag(h), np.diag(h)))
    for got, want in zip(random, squares(h), strict=True):
        assert abs(got - want) <= 16 * U * (h**2).sum()


@pytest.mark.parametrize("matrix", [1.0, [1.0, 2.0], np.zeros((2, 3)), np.zeros((0, 0))])
def test_bad_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match=r"matrix has shape .*; expected \(d, d\)"):
        squares(matrix)


@given(problems())
@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 7])
def test_orthogonal_projections(m, problem):  # (PRJ.6)
    # Whole bases first, which all have the trace for their mean, then m mod 3 rows of one: over all rotations.
    matrix = np.zeros((3, 3))
    matrix[: problem.d, : problem.d] = problem.matrix
    rows = np.sqrt(3) * icosahedron()
    forms = np.einsum("gji,ik,gjk->gj", rows, matrix, rows)
    whole, rest = m - m % 3, m % 3
    mean = (whole * np.trace(matrix) + forms[:, :rest].sum(1)) / m
    exact = ((mean - mean.mean()) ** 2).mean()
    assert abs(orthogonal_projections(m)(squares(matrix)) / m - exact) <= 256 * U * (np.abs(matrix).sum() * 3) ** 2


def test_orthogonal_projections_on_the_line_and_whole():
    assert orthogonal_projections(1)(squares([[3.0]])) == orthogonal_projections(5)(squares([[3.0]])) == 0.0
    assert orthogonal_projections(4)(squares([[3.0, 1.0], [0.0, 2.0]])) == 0.0
    h = squares([[3.0, 1.0], [0.0, 2.0]])
    assert orthogonal_projections(3)(h) == sphere_projection(h) / 3  # one direction, of three in the mean
    with pytest.raises(ValueError, match="n_projections is 0; expected at least 1"):
        orthogonal_projections(0)
