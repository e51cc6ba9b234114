"""exact/variances.py against product Gauss-Hermite cubature of degree 9 (the squares have degree 4), no sampling."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refscore import objectives
from refscore.exact import expectations, variances
from refscore.exact.projections import gaussian_projection, rademacher_projection, sphere_projection
from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import U, gauss_hermite, problems, product, signs, sphere

LAWS = [
    pytest.param(gaussian_projection, lambda d: gauss_hermite(d, 5), id="gaussian"),
    pytest.param(rademacher_projection, signs, id="rademacher"),
    pytest.param(sphere_projection, sphere, id="sphere"),
]
# Nodes and weights good to some 4 u, up to 4 factors of them; a squared loss with some 2 (3 d + 10) roundings.
ULPS = 256


def variance_of(loss, weights):
    return weights @ (loss - weights @ loss) ** 2


def square(size):
    return 0.5 * (size**2).sum(-1)


@given(problems(max_dim=2))
def test_explicit(problem):  # (VAR.6)
    score = AffineScore(problem.matrix, problem.centre)
    z, weights = gauss_hermite(problem.d)
    x, reach = problem.place(z)
    loss = objectives.explicit(score, x, -np.linalg.solve(problem.cov, (x - problem.mean).T).T)
    reach_data = np.abs(x - problem.mean) @ np.abs(np.linalg.inv(problem.cov))
    size = square(problem.magnitude(reach) + np.linalg.cond(problem.cov) * reach_data)
    assert abs(variances.explicit(score, problem) - variance_of(loss, weights)) <= ULPS * U * (weights @ size**2)


@given(problems(max_dim=2))
def test_implicit(problem):  # (VAR.7)
    score = AffineScore(problem.matrix, problem.centre)
    z, weights = gauss_hermite(problem.d)
    x, reach = problem.place(z)
    size = np.abs(np.diag(problem.matrix)).sum() + square(problem.magnitude(reach))
    exact = variance_of(objectives.implicit(score, x), weights)
    assert abs(variances.implicit(score, problem) - exact) <= ULPS * U * (weights @ size**2)


@given(problems(max_dim=2))
def test_denoising(problem):  # (VAR.8)
    score, sigma = AffineScore(problem.matrix, problem.centre), problem.sigma
    (z, noise), weights = product(gauss_hermite(problem.d), gauss_hermite(problem.d))
    x0, reach = problem.place(z)
    exact = variance_of(objectives.denoising(score, x0, noise, sigma), weights)
    size = square(problem.magnitude(reach + sigma * np.abs(noise)) + np.abs(noise) / sigma)
    assert abs(variances.denoising(score, problem, sigma) - exact) <= ULPS * U * (weights @ size**2)


@given(problems(max_dim=2))
@pytest.mark.parametrize(
    "keyword", [{}, {"weight": 1}, {"weight": lambda sigma: 3 * sigma}], ids=["default", "1", "3σ"]
)
def test_multilevel(keyword, problem):
    score, levels = LevelAffineScore(problem.matrix, problem.centre), np.array([0.25, 4.0])
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0, reach = problem.place(z)
    found = variances.multilevel(score, problem, levels, **keyword)
    every = [objectives.multilevel(score, x0, noise, sigma, **keyword) for sigma in levels]
    sizes = []
    for got, sigma, loss in zip(found, levels, every, strict=True):
        scale = max(sigma**2, 1, 3 * sigma)
        sizes.append(scale * square((problem.magnitude(reach + sigma * np.abs(noise)) + np.abs(noise)) / sigma))
        assert abs(got - variance_of(loss, weights)) <= ULPS * U * (weights @ sizes[-1] ** 2)
    # With the level drawn uniformly: the law of total variance, against nodes over (x0, ε, level).
    total = found.mean() + expectations.multilevel(score, problem, levels, **keyword).var()
    exact = variance_of(np.concatenate(every), np.concatenate([weights, weights]) / 2)
    assert abs(total - exact) <= ULPS * U * np.mean([weights @ size**2 for size in sizes])


@settings(max_examples=25)
@given(problems(max_dim=2))
@pytest.mark.parametrize(("projection", "law"), LAWS)
@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("name", ["sliced", "sliced_variance_reduced"])
def test_sliced(name, m, projection, law, problem):  # (VAR.5), (VAR.9), (VAR.10)
    score = AffineScore(problem.matrix, problem.centre)
    (z, *v), weights = product(gauss_hermite(problem.d, 3), *[law(problem.d)] * m)
    x, reach = problem.place(z)
    exact = variance_of(getattr(objectives, name)(score, x, np.stack(v)), weights)
    found = getattr(variances, name)(score, problem, projection=projection, n_projections=m)
    magnitude = problem.magnitude(reach)
    size = square(magnitude)
    for w in map(np.abs, v):
        size = size + (w @ np.abs(problem.matrix).T * w).sum(-1) + 0.5 * (w * magnitude).sum(-1) ** 2
    assert abs(found - exact) <= ULPS * U * (weights @ size**2)


@given(problems())
@pytest.mark.parametrize("name", ["sliced", "sliced_variance_reduced"])
def test_many_projections_leave_the_implicit_variance(name, problem):  # (VAR.5)
    score = AffineScore(problem.matrix, problem.centre)
    function, implicit = getattr(variances, name), variances.implicit(score, problem)
    one = function(score, problem, projection=gaussian_projection)
    four = function(score, problem, projection=gaussian_projection, n_projections=4)
    assert abs((four - implicit) * 4 - (one - implicit)) <= 32 * U * one
    assert implicit <= four <= one


def gain_of_reduction(score, data):
    """Half of Var sliced - Var reduced, normal projections."""
    reduced = variances.sliced_variance_reduced(score, data, projection=gaussian_projection)
    return 0.5 * (variances.sliced(score, data, projection=gaussian_projection) - reduced)


@given(problems(max_dim=2), st.integers(-6, 2))
def test_when_the_reduced_form_helps(problem, scale):  # (VAR.9)
    # E [¼ |s|⁴ + sᵀ J s] by cubature, J = -A: of both signs over the scales of the data.
    data = SimpleNamespace(mean=problem.centre, cov=problem.cov * 4.0**scale)
    score = AffineScore(problem.matrix, problem.centre)
    z, weights = gauss_hermite(problem.d)
    s = score(data.mean + z @ np.linalg.cholesky(data.cov).T)
    exact = weights @ (0.25 * (s**2).sum(-1) ** 2 + (s * score.vjp(s, s)).sum(-1))
    size = variances.sliced(score, data, projection=gaussian_projection)
    reach = (np.abs(z) @ np.abs(np.linalg.cholesky(data.cov)).T) @ np.abs(problem.matrix).T
    size += weights @ (0.25 * (reach**2).sum(-1) ** 2 + (reach @ np.abs(problem.matrix) * reach).sum(-1))
    size += (problem.matrix**2).sum() + (reach**2).sum(-1) @ weights * np.abs(problem.matrix).sum()
    assert abs(gain_of_reduction(score, data) - exact) <= ULPS * U * size


def test_the_reduced_form_can_hurt():  # (VAR.9)
    score = AffineScore([[1]], [0])
    wide, narrow = SimpleNamespace(mean=[0], cov=[[4]]), SimpleNamespace(mean=[0], cov=[[0.25]])
    # s = -x: ¼ E x⁴ - E x² = ¾ v² - v, of the sign of v - 4/3.
    assert gain_of_reduction(score, wide) == 0.75 * 16 - 4
    assert gain_of_reduction(score, narrow) == 0.75 / 16 - 0.25


@pytest.mark.parametrize(
    ("name", "projection", "variance"),
    [
        # Var ½ |x|² = 4, and given x with H = ½ x xᵀ - I: 2 E |H|² = 40; off the diagonal 2 · 56/4 = 28; traceless
        # 16/10 (20 - E (tr H)²/8) = 28, E (tr H)² = 4 + 16. Reduced: 2 · 8; signs and sphere: the trace of I has none.
        ("sliced", gaussian_projection, 44),
        ("sliced", rademacher_projection, 32),
        ("sliced", sphere_projection, 32),
        ("sliced_variance_reduced", gaussian_projection, 20),
        ("sliced_variance_reduced", rademacher_projection, 4),
        ("sliced_variance_reduced", sphere_projection, 4),
    ],
)
def test_published_numbers(name, projection, variance):
    # D = 8, s = -x on N(0, I). Measured in the authors' code: sd 6.63, 5.64 (signs); reduced 4.47, 1.99 (signs).
    data, score = SimpleNamespace(mean=np.zeros(8), cov=np.eye(8)), AffineScore(np.eye(8), np.zeros(8))
    assert abs(getattr(variances, name)(score, data, projection=projection) - variance) <= 16 * U * 44


def test_bad_arguments_are_refused():
    data = SimpleNamespace(mean=[0], cov=[[1]])
    for function in (variances.sliced, variances.sliced_variance_reduced):
        with pytest.raises(ValueError, match=r"n_projections is 0; expected at least 1"):
            function(AffineScore([[1]], [0]), data, projection=gaussian_projection, n_projections=0)
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        variances.multilevel(LevelAffineScore([[1]], [0]), data, [1, 0])
