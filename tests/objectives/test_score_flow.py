"""objectives/score_flow.py: definitions by hand and autograd, both forms, and equality for the exact score."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given

import refscore as rs
from refscore import objectives
from refscore.models import LevelAffineScore
from refscore.objectives import (
    score_flow,
    score_flow_gradient,
    score_flow_implicit,
    score_flow_implicit_gradient,
    score_flow_prior,
)
from tests.cubature import U, problems
from tests.objectives import rational

PATHS = [rs.paths.VP(), rs.paths.SubVP(), rs.paths.VE(0.1, 8), rs.paths.Flow()]
T, DENSITY = np.array([0.25, 0.5, 0.75]), np.array([1.0, 2.0, 0.5])


def placed(problem, path):
    d = problem.d
    x0, noise = rational.quarters(0, 3, d), rational.quarters(1, 3, d)
    sigma = path.sigma(T)[:, None]
    return x0, noise, path.alpha(T)[:, None] * x0 + sigma * noise, sigma


def sizes(problem, path, x, noise, sigma):
    """Of the residual s + ε/σ, and of the integrand."""
    terms = problem.magnitude(np.abs(x)) / T[:, None] + np.abs(noise) / sigma
    g2 = path.diffusion(T) ** 2
    return terms, (g2 * (terms**2).sum(-1) + np.abs(path.drift_rate(T)) * x.shape[-1]) / DENSITY


@given(problems())
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_denoising_form_is_the_difference_of_squares(path, problem):  # (SFB.2), (SFB.4)
    model = LevelAffineScore(problem.matrix, problem.centre)
    x0, noise, x, sigma = placed(problem, path)
    s = -(x - problem.centre) @ problem.matrix.T / T[:, None]
    g2, d = path.diffusion(T) ** 2, problem.d
    squares = ((s + noise / sigma) ** 2).sum(-1) - ((noise / sigma) ** 2).sum(-1)
    exact = (0.5 * g2 * squares - path.drift_rate(T) * d) / DENSITY
    _, size = sizes(problem, path, x, noise, sigma)
    found = score_flow(model, x0, noise, T, path=path, density=DENSITY)
    assert (np.abs(found - exact) <= 64 * U * size).all()


@given(problems())
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_implicit_form(path, problem):  # (SFB.6)
    model = LevelAffineScore(problem.matrix, problem.centre)
    x0, noise, x, sigma = placed(problem, path)
    s = -(x - problem.centre) @ problem.matrix.T / T[:, None]
    g2, d = path.diffusion(T) ** 2, problem.d
    trace = -np.trace(problem.matrix) / T
    exact = (g2 * (0.5 * (s**2).sum(-1) + trace) - path.drift_rate(T) * d) / DENSITY
    _, size = sizes(problem, path, x, noise, sigma)
    size = size + g2 * np.abs(np.diag(problem.matrix)).sum() / T / DENSITY
    found = score_flow_implicit(model, x0, noise, T, path=path, density=DENSITY)
    assert (np.abs(found - exact) <= 64 * U * size).all()


@given(problems())
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_gradients_are_autograds(path, problem):  # (SFB.5), (SFB.7)
    d = problem.d
    model = LevelAffineScore(problem.matrix, problem.centre)
    x0, noise, x, sigma = placed(problem, path)
    weight = path.diffusion(T) ** 2 / DENSITY

    def parts(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return a, -anp.dot(x - b, a.T) / T[:, None]

    def denoising(theta):
        _, s = parts(theta)
        return anp.sum(weight * (0.5 * anp.sum(s**2, -1) + anp.sum(s * noise / sigma, -1)))

    def implicit(theta):
        a, s = parts(theta)
        return anp.sum(weight * (0.5 * anp.sum(s**2, -1) - anp.trace(a) / T))

    terms, _ = sizes(problem, path, x, noise, sigma)
    terms = weight[:, None] * terms / T[:, None]
    reach = np.abs(x) + np.abs(problem.centre)
    size = np.concatenate([(terms.T @ reach).ravel(), terms.sum(0) @ np.abs(problem.matrix)])
    size[: d * d] += (weight / T).sum()
    for gradient, definition in ((score_flow_gradient, denoising), (score_flow_implicit_gradient, implicit)):
        found = gradient(model, x0, noise, T, path=path, density=DENSITY)
        assert (np.abs(found - autograd.grad(definition)(model.pack())) <= 64 * U * size).all()


def test_one_time_for_all_and_one_sample():
    model, path = LevelAffineScore([[1, 2], [0, 1]], [1, -1]), rs.paths.VP()
    x0, noise = rational.quarters(0, 2, 3, 2), rational.quarters(1, 2, 3, 2)
    for form in (score_flow, score_flow_implicit):
        one = form(model, x0, noise, 0.5, path=path, density=2)
        assert np.array_equal(one, form(model, x0, noise, np.full((2, 3), 0.5), path=path, density=np.full((2, 3), 2)))
        assert form(model, x0[0, 0], noise[0, 0], 0.5, path=path, density=2) == one[0, 0]
    for gradient in (score_flow_gradient, score_flow_implicit_gradient):
        one = gradient(model, x0, noise, 0.5, path=path, density=2)
        assert np.array_equal(one, gradient(model, x0, noise, np.full((2, 3), 0.5), path=path, density=2))


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_equality_for_the_exact_score_at_every_time(path):  # (SFB.1)
    # The integrand's mean over ε at fixed x0 is d/dt E[log p_t(x_t) | x0], by autograd of the closed form in (α, σ).
    mean, variance, x0 = 0.75, 0.5, 1.5

    def mean_log_density(alpha, sigma):
        total = alpha**2 * variance + sigma**2
        return -0.5 * anp.log(2 * anp.pi * total) - 0.5 * (alpha**2 * (x0 - mean) ** 2 + sigma**2) / total

    for t in (0.1, 0.5, 0.9):
        alpha, sigma = float(path.alpha(t)), float(path.sigma(t))
        slope = autograd.grad(mean_log_density, 0)(alpha, sigma) * path.alpha_dot(t)
        slope += autograd.grad(mean_log_density, 1)(alpha, sigma) * path.sigma_dot(t)
        model = LevelAffineScore([[t / (alpha**2 * variance + sigma**2)]], [alpha * mean])
        nodes, each = np.array([[1.0], [-1.0]]), np.full((2, 1), x0)
        size = float(path.diffusion(t) ** 2) * (4 / sigma**2 + 4 / (alpha**2 * variance + sigma**2)) + 10
        for form in (score_flow, score_flow_implicit):
            found = form(model, each, nodes, t, path=path, density=1).mean()
            assert abs(found - slope) <= 64 * U * size


@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_prior(path):  # (SFB.8)
    x0 = rational.quarters(0, 4, 2)
    prior = rs.targets.gaussian(np.zeros(2), path.prior_scale**2 * np.eye(2))
    nodes = np.sqrt(2) * np.concatenate([np.eye(2), -np.eye(2)])
    alpha, sigma = path.alpha(path.t_max), path.sigma(path.t_max)
    exact = -np.mean([prior.log_prob(alpha * x0 + sigma * z) for z in nodes], 0)
    found = score_flow_prior(x0, path=path)
    assert (np.abs(found - exact) <= 64 * U * (1 + np.abs(exact))).all()


@pytest.mark.parametrize(
    "function", [score_flow, score_flow_gradient, score_flow_implicit, score_flow_implicit_gradient]
)
def test_refusals(function):
    model, zero, path = LevelAffineScore(np.eye(2), [0, 0]), np.zeros((3, 2)), rs.paths.VP()
    with pytest.raises(ValueError, match=r"t is at an end of VP\(.*\) where sigma is 0 or its SDE has a pole"):
        function(model, zero, zero, 0.0, path=path, density=1)
    with pytest.raises(ValueError, match=r"t is at an end of Flow\(.*\) where sigma is 0 or its SDE has a pole"):
        function(model, zero, zero, [0.5, 1.0, 0.5], path=rs.paths.Flow(), density=1)
    with pytest.raises(ValueError, match=r"density is 0.0; expected density > 0"):
        function(model, zero, zero, 0.5, path=path, density=0)
    with pytest.raises(ValueError, match=r"density has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, zero, zero, 0.5, path=path, density=[1, 1])
    with pytest.raises(ValueError, match=r"t has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, zero, zero, [0.5, 0.5], path=path, density=1)
    with pytest.raises(ValueError, match=r"noise has shape \(2,\); expected \(3, 2\), the shape of x0"):
        function(model, zero, zero[0], 0.5, path=path, density=1)


def test_a_score_without_a_trace_is_refused():
    zero = np.zeros((3, 2))
    with pytest.raises(TypeError, match=r"score has no method trace"):
        objectives.score_flow_implicit(lambda x, t: -x, zero, zero, 0.5, path=rs.paths.VP(), density=1)
    with pytest.raises(ValueError, match=r"score\(x, t\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        score_flow(lambda x, t: x[:, :1], zero, zero, 0.5, path=rs.paths.VP(), density=1)
