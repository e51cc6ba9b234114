"""exact/residuals.py: the laws of the residuals, against their moments over nodes that are exact for quadratics."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given

import refscore as rs
from refscore import exact
from refscore.exact.projections import gaussian_projection
from refscore.exact.residuals import against_data, against_noise, moments, of_score
from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import U, problems, product, sigma_points


def check(law, residuals, weights, size):
    """Mean and covariance of weighted residuals against `law`; `size` bounds the terms of each residual."""
    terms = weights @ size
    assert (np.abs(weights @ residuals - law.mean) <= 64 * U * terms).all()
    centred = residuals - weights @ residuals
    squares = np.sqrt(weights @ size**2)
    assert (np.abs((weights * centred.T) @ centred - law.cov) <= 128 * U * np.outer(squares, squares)).all()


@given(problems())
def test_laws(problem):  # (EXPECT.1), (EXPECT.2), (EXPECT.3)
    score, data, sigma = AffineScore(problem.matrix, problem.centre), problem, problem.sigma
    (z, noise), weights = product(sigma_points(problem.d), sigma_points(problem.d))
    x, reach = problem.place(z)
    size = problem.magnitude(reach)
    check(of_score(score, data), score(x), weights, size)

    data_score = -np.linalg.solve(problem.cov, (x - problem.mean).T).T
    reach_data = np.linalg.cond(problem.cov) * (np.abs(x - problem.mean) @ np.abs(np.linalg.inv(problem.cov)))
    check(against_data(score, data), score(x) - data_score, weights, size + reach_data)

    # The product of two sigma-point rules has no mixed moments of order 2 to get wrong: both means are 0.
    residual = score(x + sigma * noise) + noise / sigma
    size = problem.magnitude(reach + sigma * np.abs(noise)) + np.abs(noise) / sigma
    check(against_noise(score, data, sigma), residual, weights, size)


@pytest.mark.parametrize(
    ("mean", "cov", "message"),
    [
        ([0, 0, 0], np.eye(2), r"data.mean has shape \(3,\); expected \(2,\), the shape of the score's centre"),
        ([0, 0], [1, 1], r"data.cov has shape \(2,\); expected \(2, 2\), the shape of the score's matrix"),
        ([0, 0], [[1, 0.5], [0.25, 1]], "data.cov is not symmetric: cov - covᵀ reaches 0.25"),
        ([0, 0], [[1, 2], [2, 1]], "data.cov is not positive semidefinite: its least eigenvalue is -1"),
        ([0, np.nan], np.eye(2), "data.mean has 1 value that is not finite"),
    ],
)
def test_bad_data_are_refused(mean, cov, message):
    data = SimpleNamespace(mean=mean, cov=cov)
    score = AffineScore(np.eye(2), [0, 0])
    for call in (lambda: moments(data, 2), lambda: of_score(score, data), lambda: against_noise(score, data, 1.0)):
        with pytest.raises(ValueError, match=message):
            call()


def test_data_on_a_line_have_moments_but_no_score():
    data, score = SimpleNamespace(mean=[0, 0], cov=[[1, 1], [1, 1]]), AffineScore(np.eye(2), [0, 0])
    assert of_score(score, data).cov.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match=r"data.cov is not positive definite: its least eigenvalue is"):
        against_data(score, data)


def test_a_covariance_may_be_symmetric_up_to_rounding():
    off = np.array([[1.0, 0.3], [0.3 * (1 + 2 * U), 1.0]])
    _, cov = moments(SimpleNamespace(mean=[0, 0], cov=off), 2)
    assert np.array_equal(cov, cov.T)


@pytest.mark.parametrize("data", [rs.targets.mixture([1], [[0]]), rs.targets.empirical([[0], [1]])], ids=repr)
def test_only_a_gaussian_has_the_moments_of_one(data):
    score = AffineScore([[1]], [0])
    assert moments(data, 1)[0].shape == (1,)
    for call in (
        lambda: exact.expectations.explicit(score, data),
        lambda: exact.variances.explicit(score, data),
        lambda: exact.variances.implicit(score, data),
        lambda: exact.variances.denoising(score, data, 1.0),
        lambda: exact.variances.multilevel(LevelAffineScore([[1]], [0]), data, [1.0]),
        lambda: exact.variances.sliced(score, data, projection=gaussian_projection),
        lambda: exact.variances.sliced_variance_reduced(score, data, projection=gaussian_projection),
    ):
        with pytest.raises(TypeError, match=f"data is a {type(data).__name__}; expected a Gaussian"):
            call()


def test_targets_are_data():
    p, s = rs.targets.gaussian([1, 2], [4, 9]), AffineScore([[1, 2], [3, 4]], [0, 0])
    twin = SimpleNamespace(mean=[1, 2], cov=[[4, 0], [0, 9]])
    assert exact.expectations.implicit(s, p) == exact.expectations.implicit(s, twin)
    assert exact.variances.denoising(s, p, 0.5) == exact.variances.denoising(s, twin, 0.5)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_bad_sigma_is_refused(sigma):
    data = SimpleNamespace(mean=[0], cov=[[1]])
    with pytest.raises(ValueError, match=f"sigma is {sigma}; expected sigma > 0"):
        against_noise(AffineScore([[1]], [0]), data, sigma)
