"""exact/score_flow.py: the integrand's mean and variance by exact nodes, the gap and the bound by other routes."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

import refscore as rs
from refscore import objectives
from refscore.exact import score_flow
from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import U, gauss_hermite, problems, product, sigma_points

ULPS = 256
PATHS = [rs.paths.VP(), rs.paths.VE(0.25, 4), rs.paths.Flow()]
T = 0.5


def size_of(problem, path, reach, noise):
    alpha, sigma, g2 = float(path.alpha(T)), float(path.sigma(T)), float(path.diffusion(T) ** 2)
    terms = problem.magnitude(alpha * reach + sigma * np.abs(noise)) + np.abs(noise) / sigma
    traces = g2 * np.abs(np.diag(problem.matrix)).sum() + abs(float(path.drift_rate(T))) * problem.d
    return g2 * (terms**2).sum(-1) + traces


@given(problems())
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("form", [objectives.score_flow, objectives.score_flow_implicit])
def test_expectation_of_both_forms(form, path, problem):  # (SFB.9), (SFB.11)
    score, model = AffineScore(problem.matrix, problem.centre), LevelAffineScore(T * problem.matrix, problem.centre)
    (z, noise), weights = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, reach = problem.place(z)
    exact = weights @ form(model, x0, noise, T, path=path, density=1)
    found = score_flow.score_flow_expectation(score, problem, T, path=path)
    assert abs(found - exact) <= ULPS * U * (weights @ size_of(problem, path, reach, noise))


@settings(max_examples=40)
@given(problems(max_dim=2))
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_variance(path, problem):  # (SFB.10), (SFB.12)
    score, model = AffineScore(problem.matrix, problem.centre), LevelAffineScore(T * problem.matrix, problem.centre)
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0, reach = problem.place(z)
    loss = objectives.score_flow(model, x0, noise, T, path=path, density=1)
    exact = weights @ (loss - weights @ loss) ** 2
    found = score_flow.score_flow_variance(score, problem, T, path=path)
    assert abs(found - exact) <= ULPS * U * (weights @ size_of(problem, path, reach, noise) ** 2)


@given(problems())
@pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)
def test_gap_is_the_distance_from_the_least_value(path, problem):  # (SFB.13)
    score = AffineScore(problem.matrix, problem.centre)
    best = score_flow.score_flow_minimiser(problem, T, path=path)
    values = [score_flow.score_flow_expectation(s, problem, T, path=path) for s in (score, best)]
    alpha, sigma, g2 = float(path.alpha(T)), float(path.sigma(T)), float(path.diffusion(T) ** 2)
    noised = alpha**2 * problem.cov + sigma**2 * np.eye(problem.d)
    shift = np.abs(alpha * problem.mean - problem.centre) @ np.abs(problem.matrix).T
    size = g2 * (shift @ shift + np.trace(np.abs(problem.matrix) @ np.abs(noised) @ np.abs(problem.matrix).T))
    size += g2 * (np.abs(problem.matrix).sum() + np.trace(best.matrix)) + problem.d * abs(float(path.drift_rate(T)))
    found = score_flow.score_flow_gap(score, problem, T, path=path)
    assert abs(found - (values[0] - values[1])) <= ULPS * U * size * np.linalg.cond(noised)
    assert found >= 0
    assert score_flow.score_flow_gap(best, problem, T, path=path) <= ULPS * U * size * np.linalg.cond(noised)


@pytest.mark.parametrize("path", [rs.paths.VP(), rs.paths.VE(0.25, 4)], ids=lambda p: type(p).__name__)
def test_with_the_exact_score_only_the_prior_is_lost(path):  # (SFB.14)
    data, low = rs.targets.gaussian([1, 3], [[2, 0.6], [0.6, 0.5]]), 0.125

    def exact(t):
        return score_flow.score_flow_minimiser(data, t, path=path)

    value, error = score_flow.score_flow_bound(exact, data, low, path=path)
    noised = data.perturb(float(path.alpha(low)), float(path.sigma(low)))
    last = data.perturb(float(path.alpha(1)), float(path.sigma(1)))
    prior = rs.targets.gaussian(np.zeros(2), path.prior_scale**2 * np.eye(2))
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * noised.cov)[1]
    assert abs(value - entropy - rs.exact.kl(last, prior)) <= 1e-12 + error


def test_the_bound_is_above_the_likelihood_of_its_own_model():
    # A wrong constant score on VE: the reverse SDE has no drift but g² s, a Gaussian that is known.
    path, data, low = rs.paths.VE(0.5, 4), rs.targets.gaussian([1.0], 2.25), 0.0
    slope = -0.125  # s = slope x: x_low ~ N(0, exp(2 slope I) (ρ² + …)) with I = ∫ g² dt
    total = 4.0**2 - 0.5**2

    def model(t):
        return AffineScore([[-slope]], [0.0])

    value, error = score_flow.score_flow_bound(model, data, low, path=path)
    # dx = -g² s dt + g dw̄ backwards: Var' = 2 slope Var + 1 in the clock ∫ g², from ρ² on.
    end = 4.0**2 * np.exp(2 * slope * total) + (np.exp(2 * slope * total) - 1) / (2 * slope)
    noised = 2.25 + 0.25
    exact = 0.5 * np.log(2 * np.pi * end) + 0.5 * (noised + 1.0) / end
    assert value - error > exact
    assert value < exact + 50


def test_bad_arguments_are_refused():
    data, score, path = SimpleNamespace(mean=[0], cov=[[1]]), AffineScore([[1]], [0]), rs.paths.VP()
    for function in (
        score_flow.score_flow_expectation,
        score_flow.score_flow_variance,
        score_flow.score_flow_gap,
    ):
        with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
            function(score, data, 0.0, path=path)
        with pytest.raises(ValueError, match=r"data.mean has shape \(2,\); expected \(1,\)"):
            function(score, SimpleNamespace(mean=[0, 0], cov=np.eye(2)), 0.5, path=path)
    mixture = rs.targets.mixture(weights=[1], means=[[0]])
    for function in (score_flow.score_flow_variance, score_flow.score_flow_gap):
        with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
            function(score, mixture, 0.5, path=path)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        score_flow.score_flow_bound(lambda t: score, mixture, 0.5, path=path)
    with pytest.raises(ValueError, match=r"t_min is 1.0; expected 0 <= t_min < 1.0"):
        score_flow.score_flow_bound(lambda t: score, data, 1.0, path=path)
