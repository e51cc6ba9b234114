"""targets/covariance.py: functions of covariances against mpmath, badly scaled ones, and stacks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, workdps

from refscore.targets.covariance import Covariance, by_shape, low_rank
from tests.targets.definitions import DIGITS, U, error, matrix

FULL = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.25], [0.0, -0.25, 0.5]])
FACTOR = np.array([[2.0], [1.0], [0.5]])
KINDS = {
    "scalar": (by_shape(2, (), 3, "cov"), 2 * np.eye(3)),
    "diagonal": (by_shape([2, 1, 0.5], (), 3, "cov"), np.diag([2.0, 1.0, 0.5])),
    "low-rank": (low_rank(np.array(0.5), FACTOR, "cov"), 0.5 * np.eye(3) + FACTOR @ FACTOR.T),
    "full": (by_shape(FULL, (), 3, "cov"), FULL),
}
V = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 4.0]])
NEAR = {"rtol": 64 * U, "atol": 64 * U}  # all terms of order 1, a condition number below 32


@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_a_covariance(kind):  # (COV.1), (COV.4): polynomials and inverses need no eigenvalues
    cov, dense = KINDS[kind]
    assert cov.kind == kind
    np.testing.assert_allclose(cov.dense, dense, **NEAR)
    for f, expected in [
        (lambda s: s, dense),
        (lambda s: 1 / s, np.linalg.inv(dense)),
        (lambda s: s**2 - 3 * s + 1, dense @ dense - 3 * dense + np.eye(3)),
    ]:
        spectrum = f(cov.spectrum)
        np.testing.assert_allclose(cov.at(f(cov.values)), expected, **NEAR)
        np.testing.assert_array_equal(cov.at(f(cov.values)), cov.at(f(cov.values)).T)
        np.testing.assert_allclose(cov.times(spectrum, V), V @ expected, **NEAR)
        np.testing.assert_allclose(cov.quadratic(spectrum, V), np.diag(V @ expected @ V.T), rtol=512 * U)
        np.testing.assert_allclose(cov.trace(spectrum), [np.trace(expected)], **NEAR)
    np.testing.assert_allclose(cov.trace(np.log(cov.values)), np.linalg.slogdet(dense)[1], **NEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_functions_that_differ_from_row_to_row(kind):
    cov, dense = KINDS[kind]
    t = np.array([[0.5], [2.0]])
    inverses = np.stack([np.linalg.inv(dense + s * np.eye(3)) for s in t[:, 0]])
    f = 1 / (cov.spectrum + t)
    np.testing.assert_allclose(cov.at(f), inverses, **NEAR)
    np.testing.assert_allclose(cov.times(f, V), np.einsum("nij,nj->ni", inverses, V), **NEAR)
    np.testing.assert_allclose(cov.quadratic(f, V), np.einsum("ni,nij,nj->n", V, inverses, V), **NEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_observation_tells(kind):  # (COV.2), (TWEEDIE.3), (TWEEDIE.4)
    cov, dense = KINDS[kind]
    alpha, sigma = 0.75, 0.5
    noisy = alpha**2 * dense + sigma**2 * np.eye(3)
    known, prior, left = (cov.at(f[0]) for f in cov.posterior(alpha, sigma))
    np.testing.assert_allclose(known, alpha * dense @ np.linalg.inv(noisy), **NEAR)
    np.testing.assert_allclose(prior, sigma**2 * np.linalg.inv(noisy), **NEAR)
    np.testing.assert_allclose(left, dense - alpha * known @ dense, **NEAR)
    np.testing.assert_allclose(alpha * known + prior, np.eye(3), **NEAR)
    np.testing.assert_allclose(cov.perturb(alpha, sigma).dense, noisy, **NEAR)


def test_a_stack_is_its_covariances():
    for covs in ([1.0, 2.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.stack([FULL, FULL + np.eye(3)])):
        stack = by_shape(covs, (2,), 3, "covs")
        singles = [by_shape(c, (), 3, "cov") for c in covs]
        weights, f = np.array([[0.25, 0.5], [0.75, 0.5]]), 1 / stack.spectrum
        for k, one in enumerate(singles):
            np.testing.assert_array_equal(stack[k].dense, one.dense)
            np.testing.assert_array_equal(stack.dense[k], one.dense)
            np.testing.assert_allclose(stack.times(f, V)[k], one.times(1 / one.spectrum, V), **NEAR)
        inverses = np.stack([np.linalg.inv(one.dense) for one in singles])
        np.testing.assert_allclose(stack.blend(weights, f), np.einsum("kn,kij->nij", weights, inverses), **NEAR)


@given(
    grades=st.lists(st.integers(-15, 15), min_size=2, max_size=6),
    half=st.booleans(),
)
def test_units_cost_no_digits(grades, half):  # (COV.3)
    """Σ = D R D with variances up to 1e108 apart: the inverse, by mpmath, to the condition number of R alone."""
    d = len(grades)
    scale = 2.0 ** (np.array(grades) * 6.0)  # powers of 2: D R D is exact
    correlation = np.full((d, d), 0.5 if half else -0.75 / (d - 1))
    np.fill_diagonal(correlation, 1.0)
    cov = by_shape(scale[:, None] * correlation * scale, (), d, "cov")
    v = np.where(np.arange(d) % 2, -1.0, 0.75) * scale
    with workdps(DIGITS):
        exact = mp.lu_solve(matrix(cov.dense), matrix(v))
        log_det = mp.log(mp.det(matrix(cov.dense)))
    cond = np.linalg.cond(correlation)
    wrong = error(cov.times(1 / cov.spectrum, v[None]), exact)
    assert (wrong * scale <= 16 * d * U * cond * np.linalg.norm(np.linalg.inv(correlation), 2) * np.sqrt(d)).all()
    allowed = 16 * U * d * cond + 4 * U * np.abs(np.log(cov.values)).sum()
    assert error(cov.trace(np.log(cov.values)), log_det) <= allowed


def test_an_eigenvalue_solver_would_lose_them():
    """Why (COV.3) and not eigh: standard deviations 1, 1e-8 and 1e8 with correlation ½."""
    scale = np.array([1.0, 1e-8, 1e8])
    cov = scale[:, None] * (0.5 * np.eye(3) + 0.5) * scale
    ours, theirs = np.sort(by_shape(cov, (), 3, "cov").values), np.linalg.eigvalsh(cov)
    least = np.linalg.det(0.5 * np.eye(3) + 0.5) / np.linalg.det(0.5 * np.eye(2) + 0.5) * scale[1] ** 2
    assert abs(ours[0] / least - 1) < 1e-12  # to leading order the conditional variance of the small one given the rest
    assert abs(theirs[0] / least - 1) > 1


def test_a_matrix_that_is_diagonal_is_taken_as_one():
    cov = by_shape(np.diag([1.0, 1e-300, 1e300]), (), 3, "cov")
    assert cov.kind == "diagonal"
    np.testing.assert_array_equal(cov.values, [1.0, 1e-300, 1e300])
    assert by_shape([[3.0]], (), 1, "cov").values[0] == 3.0


def test_a_factor_may_have_any_number_of_columns():  # (COV.4)
    for r in range(6):
        factor = np.arange(3.0 * r).reshape(3, r) % 4 - 1
        cov = low_rank(np.array(0.5), factor, "cov")
        np.testing.assert_allclose(cov.dense, 0.5 * np.eye(3) + factor @ factor.T, rtol=0, atol=512 * U)
        assert cov.multiplicity.sum() == 3
        assert cov.kind == ("scalar" if r == 0 else "low-rank" if r < 3 else "full")


def test_a_value_says_what_it_is():
    assert repr(by_shape([4, 9], (), 2, "cov")) == "Covariance in dimension 2: diagonal, standard deviations 2 to 3"
    stack = by_shape([4, 9, 1], (3,), 2, "covs")
    assert repr(stack) == "Stack of 3 covariances in dimension 2: scalar, standard deviations 1 to 3"


def test_which_of_a_stack_is_bad_is_said():
    covs = np.stack([np.eye(2) + 0.5, [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(ValueError, match=r"covs\[1\] is not positive definite: its eigenvalues reach from -1 to 3"):
        by_shape(covs, (2,), 2, "covs")


def test_rotations_that_do_not_converge_are_said(monkeypatch):
    monkeypatch.setattr("refscore.targets.covariance.dgejsv", lambda a, **k: (None, None, None, None, None, 1))
    with pytest.raises(ArithmeticError, match="Jacobi's rotations do not converge on cov"):
        by_shape(FULL, (), 3, "cov")


def test_variances_outside_float64_are_refused():
    cov = by_shape(1.0, (), 2, "cov")
    for alpha, sigma in [(1e-200, 0.0), (1e200, 0.0), (0.0, 1e200)]:
        with pytest.raises(ValueError, match="a variance outside the range of float64"):
            cov.perturb(alpha, sigma)
    assert isinstance(cov.perturb(1e-100, 0.0), Covariance)
