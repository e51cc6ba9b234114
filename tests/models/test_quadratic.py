"""models/quadratic.py against three derivations of its definition; the normaliser against cubature."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

import refscore as rs
from refscore.models import AffineScore, QuadraticEnergy
from tests.cubature import U, problems
from tests.derivations import assert_derivatives

LOPSIDED = QuadraticEnergy([[2.0, 1.3, 0.0], [-0.7, 1.1, 0.4], [0.2, 0.9, 3.0]], [0.1, -0.4, 1.7])


def log_prob(theta, x, ns):  # (QUA.1), with all of A
    d = len(x)
    offset = x - theta[d * d :]
    return -0.5 * (offset @ (theta[: d * d].reshape(d, d) @ offset))


@pytest.mark.parametrize(("d", "n"), [(1, 2), (2, 2), (3, 3), (4, 1)])
def test_every_derivative(d, n):  # (QUA.1) to (QUA.8)
    draw = np.random.default_rng(d).normal
    model = QuadraticEnergy(draw(size=(d, d)), draw(size=d))
    assert_derivatives(model, draw(size=(n, d)), draw(size=(n, d)), log_prob=log_prob)


@given(problems())
def test_dyadic_numbers_are_exact(problem):  # nothing rounds in quarters: A alone gives what H gives
    model = QuadraticEnergy(problem.matrix, problem.centre)
    x = np.random.default_rng(0).integers(-8, 9, (2, 3, problem.d)) / 4.0
    offset = x - problem.centre
    assert_array_equal(model.log_prob(x), -0.5 * np.einsum("...i,ij,...j->...", offset, problem.matrix, offset))
    assert_array_equal(QuadraticEnergy(problem.matrix.T, problem.centre)(x), model(x))
    affine = AffineScore(model.symmetric, problem.centre)
    assert_array_equal(affine(x), model(x))
    assert_array_equal(affine.jacobian(x), model.jacobian(x))


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_shapes(batch):
    x = np.ones((*batch, 3))
    assert LOPSIDED.log_prob(x).shape == LOPSIDED.trace(x).shape == batch
    assert (
        LOPSIDED(x).shape == LOPSIDED.hvp(x, x).shape == LOPSIDED.vjp(x, x).shape == LOPSIDED.jvp(x, x).shape == x.shape
    )
    assert LOPSIDED.jacobian(x).shape == (*batch, 3, 3)
    assert LOPSIDED.log_prob_parameters(x, np.ones(batch)).shape == (12,)


def test_it_is_the_gaussian_of_its_precision():  # (QUA.9), (QUA.10)
    gaussian = rs.targets.gaussian(LOPSIDED.centre, LOPSIDED.covariance())
    condition = np.linalg.cond(LOPSIDED.symmetric)
    assert np.abs(LOPSIDED.covariance() @ LOPSIDED.symmetric - np.eye(3)).max() <= 4 * 3 * condition * U
    x = np.random.default_rng(1).normal(size=(5, 3))
    size = 1 + np.abs(gaussian.log_prob(x)) + np.abs(LOPSIDED.log_prob(x))
    error = np.abs(LOPSIDED.log_prob(x) - LOPSIDED.log_normaliser() - gaussian.log_prob(x))
    assert (error <= 4 * 3 * condition * U * size).all()  # an inverse and two spectra in between


def test_normaliser_of_lopsided_and_tiny_matrices():  # (QUA.9) by det = product of pivots, in exact arithmetic
    model = QuadraticEnergy([[4.0, 3.0], [1.0, 5.0]], [0, 0])  # H = [[4, 2], [2, 5]], det 16
    assert abs(model.log_normaliser() - (np.log(2 * np.pi) - 2 * np.log(2))) <= 8 * U
    small = QuadraticEnergy(1e-200 * np.eye(3), np.zeros(3))  # the determinant itself underflows
    assert abs(small.log_normaliser() - 1.5 * (np.log(2 * np.pi) + 200 * np.log(10))) <= 16 * U * 700


@pytest.mark.parametrize("matrix", [[[1.0, 4.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]]])
def test_no_normaliser_where_exp_of_minus_e_grows(matrix):  # the first has positive eigenvalues, its H has not
    with pytest.raises(ValueError, match=r"eigenvalues from .* to .*; expected all > 0"):
        QuadraticEnergy(matrix, [0, 0]).log_normaliser()
    with pytest.raises(ValueError, match=r"expected all > 0"):
        QuadraticEnergy(matrix, [0, 0]).covariance()


def test_the_implicit_objective_finds_the_moments():
    x = np.random.default_rng(2).normal(size=(50, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [3.0, -1.0]
    fitted = QuadraticEnergy(np.linalg.inv(np.cov(x.T, bias=True)), x.mean(0))  # Hyvärinen 2005, section 3.1
    bound = 16 * U * len(x) * (1 + np.abs(x).max() * np.abs(fitted.matrix).max()) ** 2 * np.linalg.cond(np.cov(x.T))
    skew = np.array([0, 0.3, -0.3, 0, 0, 0])  # a skew change of A is none
    wide = np.array([0.1, 0, 0, 0, 0, 0])
    for change, expected in [(0 * skew, True), (skew, True), (wide, False)]:
        gradient = rs.objectives.implicit_gradient(fitted.unpack(fitted.pack() + change), x)
        assert (np.abs(gradient).max() <= bound) == expected
    assert bound < 1e-10


def test_it_is_a_frozen_value():
    matrix = np.eye(2)
    model = QuadraticEnergy(matrix, [0, 0])
    matrix[0, 0] = 7.0
    assert model.matrix[0, 0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        model.matrix[0, 0] = 2.0
    with pytest.raises(AttributeError):
        model.matrix = matrix
    assert repr(model) == "QuadraticEnergy(matrix (2, 2), centre (2,))"
    assert model.d == 2


@pytest.mark.parametrize(
    ("matrix", "centre", "error", "message"),
    [
        (np.eye(3), [0, 0], ValueError, r"matrix has shape \(3, 3\); expected \(2, 2\)"),
        ([[1.0]], 0.0, ValueError, r"centre has shape \(\); expected \(d,\)"),
        (np.zeros((0, 0)), [], ValueError, r"centre has shape \(0,\); expected \(d,\)"),
        ([[np.inf]], [0], ValueError, "matrix has 1 value that is not finite"),
        ([[1j]], [0], TypeError, "matrix has dtype complex128"),
    ],
)
def test_wrong_fields(matrix, centre, error, message):
    with pytest.raises(error, match=message):
        QuadraticEnergy(matrix, centre)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LOPSIDED(np.ones((2, 2))), r"x has shape \(2, 2\); expected \(\*batch, 3\)"),
        (lambda: LOPSIDED.hvp(np.ones((2, 3)), np.ones(3)), r"v has shape \(3,\); expected \(2, 3\), the shape of x"),
        (
            lambda: LOPSIDED.log_prob_parameters(np.ones((3, 3)), np.ones((3, 1))),
            r"weight has shape \(3, 1\); expected \(3,\), the shape of the batch of x",
        ),
        (lambda: LOPSIDED.unpack(np.zeros(9)), r"theta has shape \(9,\); expected \(12,\)"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
