"""exact/expectations.py against the means of the objectives over nodes exact for quadratics, and against each other."""

from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import objectives
from refscore.exact import expectations
from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import U, problems, product, sigma_points, signs, sphere


def nodes(problem):
    """x0 and ε with weights, and |x0|: exact for quadratics in both together."""
    (z, noise), weights = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, reach = problem.place(z)
    return x0, noise, weights, reach


def square(size):
    return 0.5 * (size**2).sum(-1)


@given(problems())
def test_explicit(problem):  # (EXPECT.5)
    score = AffineScore(problem.matrix, problem.centre)
    x, _, weights, reach = nodes(problem)
    data_score = -np.linalg.solve(problem.cov, (x - problem.mean).T).T
    value = weights @ objectives.explicit(score, x, data_score)
    # The data's score carries the condition number of Σ.
    reach_data = np.abs(x - problem.mean) @ np.abs(np.linalg.inv(problem.cov))
    size = weights @ square(problem.magnitude(reach) + np.linalg.cond(problem.cov) * reach_data)
    assert abs(expectations.explicit(score, problem) - value) <= 64 * U * size


@given(problems())
def test_implicit(problem):  # (EXPECT.6)
    score = AffineScore(problem.matrix, problem.centre)
    x, _, weights, reach = nodes(problem)
    size = np.abs(np.diag(problem.matrix)).sum() + weights @ square(problem.magnitude(reach))
    assert abs(expectations.implicit(score, problem) - weights @ objectives.implicit(score, x)) <= 64 * U * size


@given(problems())
def test_denoising(problem):  # (EXPECT.7)
    score, sigma = AffineScore(problem.matrix, problem.centre), problem.sigma
    x0, noise, weights, reach = nodes(problem)
    value = weights @ objectives.denoising(score, x0, noise, sigma)
    size = weights @ square(problem.magnitude(reach + sigma * np.abs(noise)) + np.abs(noise) / sigma)
    assert abs(expectations.denoising(score, problem, sigma) - value) <= 64 * U * size


@given(problems())
@pytest.mark.parametrize(
    "keyword", [{}, {"weight": 1}, {"weight": lambda sigma: 3 * sigma}], ids=["default", "1", "3σ"]
)
def test_multilevel(keyword, problem):  # (EXPECT.8)
    score, levels = LevelAffineScore(problem.matrix, problem.centre), np.array([0.25, 1.0, 8.0])
    x0, noise, weights, reach = nodes(problem)
    found = expectations.multilevel(score, problem, levels, **keyword)
    assert found.shape == (3,)
    for got, sigma in zip(found, levels, strict=True):
        value = weights @ objectives.multilevel(score, x0, noise, sigma, **keyword)
        size = square((problem.magnitude(reach + sigma * np.abs(noise)) + np.abs(noise)) / sigma)
        scale = max(sigma**2, 1, 3 * sigma)
        assert abs(got - value) <= 64 * U * scale * (weights @ size)
        assert expectations.multilevel(score, problem, sigma, **keyword) == got


@given(problems())
@pytest.mark.parametrize("law", [signs, sphere, sigma_points], ids=["signs", "sphere", "sigma"])
@pytest.mark.parametrize("name", ["sliced", "sliced_variance_reduced"])
def test_sliced_is_implicit_in_expectation(name, law, problem):  # (EXPECT.9)
    score = AffineScore(problem.matrix, problem.centre)
    (z, v), weights = product(sigma_points(problem.d), law(problem.d))
    x, reach = problem.place(z)
    value = weights @ getattr(objectives, name)(score, x, v[None])
    size = np.abs(v) @ np.abs(problem.matrix).T * np.abs(v)
    size = weights @ (size.sum(-1) + 0.5 * (np.abs(v) * problem.magnitude(reach)).sum(-1) ** 2)
    size += weights @ square(problem.magnitude(reach))
    exact = getattr(expectations, name)(score, problem)
    assert abs(exact - value) <= 64 * U * size
    assert exact == expectations.implicit(score, problem)


@given(problems())
def test_implicit_is_explicit_less_half_the_fisher_information(problem):  # (ISM.1), F = tr Σ⁻¹
    score = AffineScore(problem.matrix, problem.centre)
    explicit, implicit = expectations.explicit(score, problem), expectations.implicit(score, problem)
    half = 0.5 * np.trace(np.linalg.inv(problem.cov))
    size = explicit + abs(implicit) + half + np.abs(np.diag(problem.matrix)).sum()
    assert abs(explicit - implicit - half) <= 64 * np.linalg.cond(problem.cov) * U * size


@given(problems())
def test_denoising_is_explicit_on_noised_data_plus_a_constant(problem):  # (DSM.2), F = tr C⁻¹
    score, sigma = AffineScore(problem.matrix, problem.centre), problem.sigma
    noised = SimpleNamespace(mean=problem.mean, cov=problem.cov + sigma**2 * np.eye(problem.d))
    constant = 0.5 * (problem.d / sigma**2 - np.trace(np.linalg.inv(noised.cov)))
    denoising, explicit = expectations.denoising(score, problem, sigma), expectations.explicit(score, noised)
    size = denoising + explicit + problem.d / sigma**2 + np.abs(problem.matrix).sum()
    assert abs(denoising - explicit - constant) <= 64 * np.linalg.cond(noised.cov) * U * size


@given(st.integers(-40, 40), st.integers(-40, 40))
def test_nothing_cancels_at_the_minimum(log_variance, log_sigma):
    # d = 1 at the minimiser rounded to float64; mpmath evaluates the textbook form with 80 digits to spare.
    variance, sigma = 2.0**log_variance, 2.0**log_sigma
    a = 1 / (variance + sigma**2)
    data, score = SimpleNamespace(mean=[0.0], cov=[[variance]]), AffineScore([[a]], [0.0])
    with mpmath.workdps(120):
        a, c = mpmath.mpf(a), mpmath.mpf(variance) + mpmath.mpf(sigma) ** 2
        exact = (a * c * a - 2 * a + 1 / mpmath.mpf(sigma) ** 2) / 2
        error = abs(expectations.denoising(score, data, sigma) - exact)
    # B = 1/σ - σ a is itself a difference: its rounding u/σ is the only loss. Value ½ (a² v + B²): B u/σ, u²/σ².
    b = abs(1 / sigma - sigma * float(a))
    assert error <= 8 * U * (float(exact) + b / sigma + U / sigma**2)


def test_other_data_with_the_same_moments_have_the_same_expectations():
    # Two points and their normal twin: the objectives are quadratic in x, so only μ and Σ can matter.
    points = np.array([[4.0, 1.0], [-2.0, 3.0]])
    data = SimpleNamespace(mean=points.mean(0), cov=np.cov(points.T, bias=True))
    score = AffineScore([[1, 0.5], [-0.25, 2]], [1, 0])
    assert expectations.implicit(score, data) == objectives.implicit(score, points).mean()


def test_published_number():
    # Sliced score matching, D = 8 and s = -x on N(0, I): the exact value is -4, and -0.5 on the unit sphere.
    data, score = SimpleNamespace(mean=np.zeros(8), cov=np.eye(8)), AffineScore(np.eye(8), np.zeros(8))
    assert expectations.sliced(score, data) == expectations.sliced_variance_reduced(score, data) == -4.0
    (z, v), weights = product(sigma_points(8), sigma_points(8))
    unit = objectives.sliced(score, z, v[None] / np.sqrt(8))
    assert abs(weights @ unit + 0.5) <= 64 * U * 4


def test_bad_arguments_are_refused():
    data, level = SimpleNamespace(mean=[0.0], cov=[[1.0]]), LevelAffineScore([[1]], [0])
    with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma > 0"):
        expectations.multilevel(level, data, [1, -1])
    with pytest.raises(ValueError, match=r"weight is -1.0; expected weight >= 0"):
        expectations.multilevel(level, data, [1, 2], weight=-1)
    with pytest.raises(ValueError, match=r"data.mean has shape \(1,\); expected \(2,\)"):
        expectations.implicit(AffineScore(np.eye(2), [0, 0]), data)
