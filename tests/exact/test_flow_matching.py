"""exact/flow_matching.py: identities with the score, the flow path, and straight flows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import exact, objectives, predictions, targets
from refscore.exact.couplings import independent, optimal, pushed
from refscore.models import AffineVelocity
from refscore.paths import linear_interpolant
from tests.cubature import U, gauss_hermite, problems, product, sigma_points
from tests.exact.test_interpolants import model, place, size_of

TRUTH = exact.flow_matching


@given(problems(), st.sampled_from([0.0, 0.25]))
def test_expectation_and_variance(problem, least):
    u, line = model(problem), linear_interpolant(sigma_min=least)
    coupling = independent(targets.gaussian(problem.mean, problem.cov), targets.gaussian(np.zeros(problem.d)))
    z, weights = sigma_points(3 * problem.d)
    x0, x1, _ = place(coupling, z)
    loss = objectives.flow_matching(u, x0, x1, np.full(len(z), 0.25), sigma_min=least)
    found = TRUTH.flow_matching_expectation(u, coupling, 0.25, sigma_min=least)
    assert abs(found - weights @ loss) <= 512 * U * (weights @ size_of(u, coupling, line, z))
    if problem.d == 1:
        (a, b), weights = product(gauss_hermite(1, 3), gauss_hermite(1, 3))
        x0 = problem.mean + a * np.sqrt(problem.cov[0, 0])
        loss = objectives.flow_matching(u, x0, b, np.full(len(a), 0.25), sigma_min=least)
        size = weights @ size_of(u, coupling, line, np.hstack([a, b, b])) ** 2
        variance = TRUTH.flow_matching_variance(u, coupling, 0.25, sigma_min=least)
        assert abs(variance - weights @ (loss - weights @ loss) ** 2) <= 1024 * U * size


@given(problems(), st.integers(1, 7))
def test_the_minimiser_is_the_velocity_of_the_score(problem, eighths):  # (FM.5)
    t, data = eighths / 8, targets.gaussian(problem.mean, problem.cov)
    best = TRUTH.flow_matching_minimiser(independent(data, targets.gaussian(np.zeros(problem.d))), t)
    x = np.array([np.ones(problem.d), -2 * np.ones(problem.d)])
    score = data.perturb(1 - t, t).score(x)
    u = predictions.score_to_velocity(score, x, 1 - t, t, -1.0, 1.0)
    bound = 128 * U * np.linalg.cond(problem.cov + np.eye(problem.d)) * (np.abs(u).max() + np.abs(x / (1 - t)).max())
    assert np.abs(best(x, t) - u).max() <= bound * (1 + np.abs(problem.mean).max())


@given(problems(), st.integers(1, 7))
def test_what_is_left_is_the_conditional_variance_of_the_lines(problem, eighths):  # (FM.11)
    t, data, d = eighths / 8, targets.gaussian(problem.mean, problem.cov), problem.d
    coupling = independent(data, targets.gaussian(np.zeros(d)))
    best = TRUTH.flow_matching_minimiser(coupling, t)
    left = TRUTH.flow_matching_expectation(best, coupling, t)
    # Given x_t, x1 - x0 = (x_t - x0)/t: its covariance is that of x0 given x_t over t².
    exact_left = 0.5 * np.trace(data.posterior_covariance(np.zeros((1, d)), alpha=1 - t, sigma=t)[0]) / t**2
    scale = (1 + np.trace(data.cov)) * np.linalg.cond(data.cov + np.eye(d)) / t**2
    assert abs(left - exact_left) <= 256 * U * scale
    assert left > 0


@given(problems(), st.integers(0, 8))
def test_after_reflow_nothing_is_left(problem, eighths):
    t, data, noise = eighths / 8, targets.gaussian(problem.mean, problem.cov), targets.gaussian(np.zeros(problem.d))
    before = independent(data, noise)
    reflowed = pushed(noise, exact.flow_map(data, start=(0.0, 1.0), stop=(1.0, 0.0)))
    scale = (1 + np.trace(data.cov)) * np.linalg.cond(data.cov + np.eye(problem.d))
    for straight in (reflowed, optimal(data, noise)):
        best = TRUTH.flow_matching_minimiser(straight, t)
        left = TRUTH.flow_matching_expectation(best, straight, t)
        assert abs(left) <= 512 * U * scale
    crossing = TRUTH.flow_matching_expectation(TRUTH.flow_matching_minimiser(before, t), before, t)
    assert crossing > 1e-3 * scale / np.linalg.cond(data.cov + np.eye(problem.d)) ** 3


def test_one_euler_step_of_the_reflowed_velocity_is_exact():
    data = targets.gaussian([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    noise = targets.gaussian([0.0, 0.0])
    z = np.array([[0.5, 1.0], [-1.0, 2.0]])
    goal = exact.flow_map(data, start=(0.0, 1.0), stop=(1.0, 0.0))
    reflowed = TRUTH.flow_matching_minimiser(pushed(noise, goal), 1.0)
    found, _ = objectives.reflow_pairs(reflowed, z, [1.0, 0.0])
    np.testing.assert_allclose(found, goal(z), rtol=1e-14)
    once = TRUTH.flow_matching_minimiser(independent(data, noise), 1.0)
    found, _ = objectives.reflow_pairs(once, z, [1.0, 0.0])
    np.testing.assert_allclose(
        found, np.broadcast_to(data.mean, z.shape), atol=1e-15
    )  # the first round: all to the mean


@given(problems(max_dim=2))
def test_the_gradient_at_the_minimiser_is_zero(problem):
    coupling = independent(targets.gaussian(problem.mean, problem.cov), targets.gaussian(np.zeros(problem.d)))
    best = TRUTH.flow_matching_minimiser(coupling, 0.25, sigma_min=0.5)
    z, _ = sigma_points(3 * problem.d)
    x0, x1, _ = place(coupling, z)
    found = objectives.flow_matching_gradient(best, x0, x1, np.full(len(z), 0.25), sigma_min=0.5) / len(z)
    size = 1 + np.abs(x0).max() + np.abs(x1).max()
    assert np.abs(found).max() <= 1024 * U * np.linalg.cond(problem.cov + np.eye(problem.d)) * size**2


def test_a_mixture_has_an_expectation_and_no_variance_here():
    mixture = targets.mixture(weights=[0.25, 0.75], means=[[0.0], [2.0]], covs=1.0)
    coupling, u = independent(mixture, targets.gaussian([0.0])), AffineVelocity([[[1.0]]], [[0.5]])
    nodes, weights = gauss_hermite(1, 3)
    total = 0.0
    for w, mean in zip((0.25, 0.75), (0.0, 2.0), strict=True):
        (a, b), both = product((nodes, weights), (nodes, weights))
        total += w * (both @ objectives.flow_matching(u, mean + a, b, np.full(len(a), 0.25)))
    assert abs(TRUTH.flow_matching_expectation(u, coupling, 0.25) - total) <= 64 * U * total
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        TRUTH.flow_matching_variance(u, coupling, 0.25)
