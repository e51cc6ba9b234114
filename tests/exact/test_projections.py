"""exact/projections.py against each law itself: all signs, and nodes that are exact for fourth moments."""

import numpy as np
import pytest
from hypothesis import given

from refscore.exact.projections import (
    gaussian_projection,
    of_random,
    rademacher_projection,
    sphere_projection,
    squares,
)
from tests.cubature import U, gauss_hermite, problems, signs, sphere

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
