"""exact/minimisers.py: the gradient of each objective vanishes there over exact nodes, and every step away costs."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore import objectives
from refscore.exact import expectations, minimisers
from refscore.models import AffineScore
from tests.cubature import U, problems, product, sigma_points, signs

LEVELS = np.array([0.25, 1.0, 8.0])
NAMES = ["explicit", "implicit", "denoising", "multilevel", "sliced", "sliced_variance_reduced"]


def extra(name, problem):
    """What the objective needs besides score and data, in ``exact``."""
    return {"denoising": (problem.sigma,), "multilevel": (LEVELS,)}.get(name, ())


def reached(problem, z):
    x, _ = problem.place(z)
    return x, np.abs(x - problem.mean) + np.abs(problem.mean) + np.abs(problem.centre)


def gradient_size(v, x):
    return np.concatenate([(v.T @ x).ravel(), v.sum(0)])


@given(problems())
def test_gradient_vanishes_of_implicit_and_sliced(problem):  # (MIN.1)
    best = minimisers.implicit(problem)
    (z, v), _ = product(sigma_points(problem.d), signs(problem.d))
    x, reach = reached(problem, z)
    size = np.abs(x - problem.mean) @ np.abs(best.matrix)
    bound = gradient_size(size, reach) * (1 + np.abs(best.matrix).sum()) + len(x) * (1 + np.abs(best.matrix).sum())
    bound *= problem.d * np.linalg.cond(problem.cov)
    for gradient in (
        objectives.implicit_gradient(best, x),
        objectives.sliced_gradient(minimisers.sliced(problem), x, v[None]),
        objectives.sliced_variance_reduced_gradient(minimisers.sliced_variance_reduced(problem), x, v[None]),
        objectives.explicit_gradient(
            minimisers.explicit(problem), x, -np.linalg.solve(problem.cov, (x - problem.mean).T).T
        ),
    ):
        assert (np.abs(gradient) <= 64 * U * bound).all()


@given(problems())
def test_gradient_vanishes_of_denoising(problem):  # (MIN.2)
    best, sigma = minimisers.denoising(problem, problem.sigma), problem.sigma
    (z, noise), _ = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, reach = reached(problem, z)
    x = np.abs(x0 - problem.mean) + sigma * np.abs(noise)
    size = x @ np.abs(best.matrix) + np.abs(noise) / sigma
    bound = gradient_size(size, reach + x) * (1 + np.abs(best.matrix).sum())
    bound *= np.linalg.cond(problem.cov + sigma**2 * np.eye(problem.d))
    assert (np.abs(objectives.denoising_gradient(best, x0, noise, sigma)) <= 64 * U * bound).all()


@given(problems())
@pytest.mark.parametrize("keyword", [{}, {"weight": 1}, {"weight": [1.0, 0.0, 2.0]}], ids=["default", "1", "values"])
def test_gradient_vanishes_of_multilevel(keyword, problem):  # (MIN.3)
    best = minimisers.multilevel(problem, LEVELS, **keyword)
    (z, noise), _ = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, reach = reached(problem, z)
    gradient, bound = 0, 0
    values = np.broadcast_to(keyword.get("weight", LEVELS**2), 3)
    for sigma, weight in zip(LEVELS, values, strict=True):
        gradient = gradient + objectives.multilevel_gradient(best, x0, noise, sigma, weight=weight)
        x = np.abs(x0 - problem.mean) + sigma * np.abs(noise)
        size = weight * (x @ np.abs(best.matrix) + np.abs(noise)) / sigma**2
        bound = bound + gradient_size(size, reach + x) * (1 + np.abs(best.matrix).sum())
    bound *= np.linalg.cond(problem.cov + np.eye(problem.d) / 16)
    assert (np.abs(gradient) <= 64 * U * bound).all()


@given(problems())
@pytest.mark.parametrize("name", NAMES)
def test_every_step_away_costs(name, problem):
    arguments = extra(name, problem)
    best = getattr(minimisers, name)(problem, *arguments)
    least = np.sum(getattr(expectations, name)(best, problem, *arguments))
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = rng.integers(-4, 5, best.pack().size) / 8 * (1 + np.abs(best.pack()))
        if step.any():
            other = best.unpack(best.pack() + step)
            assert np.sum(getattr(expectations, name)(other, problem, *arguments)) > least


@given(problems())
def test_denoisings_least_value_is_the_posterior_variance(problem):
    # ½ MMSE/σ⁴ with the posterior covariance σ² Σ (Σ + σ² I)⁻¹; over the eigenvalues λ of Σ: ½ Σ λ/(σ² (λ + σ²)).
    values, sigma = np.linalg.eigvalsh(problem.cov), problem.sigma
    exact = 0.5 * (values / (sigma**2 * (values + sigma**2))).sum()
    best = minimisers.denoising(problem, sigma)
    condition = np.linalg.cond(problem.cov + sigma**2 * np.eye(problem.d))
    # B = I/σ - σ A is a difference of numbers of size 1/σ; the value is least, so errors of A count twice or squared.
    slack = 64 * U * condition * problem.d
    bound = slack * (exact + np.sqrt(2 * exact) / sigma) + (slack / sigma) ** 2
    assert abs(expectations.denoising(best, problem, sigma) - exact) <= bound


@given(problems())
def test_a_single_level_gives_the_score_of_the_noised_data(problem):  # (MIN.3) → (MIN.2)
    sigma = problem.sigma
    level = minimisers.multilevel(problem, [sigma]).at(sigma)
    best = minimisers.denoising(problem, sigma)
    assert_array_equal(level.centre, best.centre)
    assert (np.abs(level.matrix - best.matrix) <= 4 * U * np.abs(best.matrix)).all()


def test_levels_that_stand_twice_count_double():
    data = SimpleNamespace(mean=[1.0], cov=[[2.0]])
    twice = minimisers.multilevel(data, [1.0, 1.0, 2.0], weight=1)
    double = minimisers.multilevel(data, [1.0, 2.0], weight=[2.0, 1.0])
    assert_array_equal(twice.pack(), double.pack())


def test_extreme_levels_do_not_overflow():
    best = minimisers.multilevel(SimpleNamespace(mean=[0.0], cov=[[1.0]]), [1e-250, 1.0], weight=1)
    assert abs(best.matrix[0, 0] - 1e-250) <= 4 * U * 1e-250  # the tiny level has all the weight


@pytest.mark.parametrize("condition", [1e4, 1e12])
def test_ill_conditioned_data(condition):
    # (Σ ⊗ exact) Σ⁻¹ of a 2 × 2 matrix by the adjugate: determinants of dyadic entries are exact.
    low = 2.0 ** -round(np.log2(condition))
    cov = np.array([[1.0, 1.0], [1.0, 1.0 + low]])
    inverse = np.array([[1.0 + low, -1.0], [-1.0, 1.0]]) / low
    best = minimisers.implicit(SimpleNamespace(mean=[0, 0], cov=cov))
    assert np.abs(best.matrix - inverse).max() <= 8 * U * np.linalg.cond(cov) * np.abs(inverse).max()
    assert_array_equal(best.matrix, best.matrix.T)


def test_bad_arguments_are_refused():
    data = SimpleNamespace(mean=[0, 0], cov=[[1, 1], [1, 1]])
    for name in ("explicit", "implicit", "sliced", "sliced_variance_reduced"):
        with pytest.raises(ValueError, match=r"data.cov is not positive definite: its least eigenvalue is"):
            getattr(minimisers, name)(data)
    assert isinstance(minimisers.denoising(data, 1.0), AffineScore)  # noise makes it definite
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        minimisers.denoising(data, 0)
    with pytest.raises(ValueError, match=r"sigma has a value of -1.0; expected sigma > 0"):
        minimisers.multilevel(data, [1, -1])
    with pytest.raises(ValueError, match=r"weight is zero at every level; expected a positive one"):
        minimisers.multilevel(data, [1, 2], weight=0)
    with pytest.raises(ValueError, match=r"data.mean has shape \(\); expected \(\*batch, d\)"):
        minimisers.implicit(SimpleNamespace(mean=0.0, cov=1.0))
