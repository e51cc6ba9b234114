"""exact/consistency.py against the exact flow, cubature of the objectives, and its own orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from refscore import exact, objectives, targets
from refscore.exact.maps import AffineMap
from tests.cubature import U, gauss_hermite, problems, product, sigma_points

TRUTH = exact.consistency
UPPER, LOWER = 2.0, 0.5


def affine(matrix, constant):
    return AffineMap(matrix, np.zeros((0, *np.shape(matrix))), constant)


def pair(problem):
    """A student and a teacher with nothing in common."""
    return affine(problem.matrix, problem.centre), affine(problem.matrix.T + 0.5, 1 - problem.centre)


def call(model):
    return lambda x, sigma: model(x)


def size_of(student, teacher, x0, noise):
    reach = np.abs(x0) + UPPER * np.abs(noise)
    total = sum(reach @ np.abs(m.matrix).T + np.abs(m.constant) for m in (student, teacher))
    return (total**2).sum(-1)


@given(problems(), st.sampled_from([0.0, 0.002, 0.5]), st.sampled_from([0.5, 3.0, 80.0]))
def test_the_function_follows_the_flow(problem, least, sigma):  # (CM.13)
    target = targets.gaussian(problem.mean, problem.cov)
    f, x = TRUTH.GaussianConsistency(target, least), np.array([np.ones(problem.d), -np.arange(1.0, problem.d + 1)])
    end = exact.flow_map(target, start=(1.0, sigma), stop=(1.0, least))(x) if least else None
    if end is not None:
        np.testing.assert_allclose(f(x, sigma), end, rtol=0, atol=256 * U * (1 + np.abs(x).max() + np.abs(end).max()))
    np.testing.assert_allclose(f.at(sigma)(x), f(x, sigma), rtol=0, atol=256 * U * (1 + np.abs(x).max() * 8))
    below = TRUTH.flow_solver(target)(None, x, np.array(sigma), np.array(0.25 * sigma))  # (CM.15)
    np.testing.assert_allclose(f(below, 0.25 * sigma), f(x, sigma), rtol=0, atol=512 * U * (1 + np.abs(x).max() * 8))


@given(problems())
def test_the_boundary_is_exact_and_levels_go_with_samples(problem):
    target = targets.gaussian(problem.mean, problem.cov)
    f, x = TRUTH.GaussianConsistency(target, 0.5), np.array([np.ones(problem.d), np.zeros(problem.d), problem.mean])
    np.testing.assert_allclose(f(x, 0.5), x, rtol=0, atol=32 * U * (1 + np.abs(problem.mean).max()))
    each = f(x, [0.5, 2.0, 80.0])
    for row, point, level in zip(each, x, (0.5, 2.0, 80.0), strict=True):
        np.testing.assert_allclose(row, f(point, level), rtol=0, atol=32 * U * (1 + np.abs(problem.mean).max()))
    np.testing.assert_allclose(each[2], problem.mean, rtol=4 * U)  # the mean stays


@given(problems())
def test_on_the_exact_function_and_the_exact_step_distillation_vanishes(problem):
    target = targets.gaussian(problem.mean, problem.cov)
    f = TRUTH.GaussianConsistency(target, 0.25)
    x0, noise = np.ones((2, problem.d)), np.array([np.zeros(problem.d), -np.ones(problem.d)])
    loss = objectives.consistency_distillation(
        f, f, lambda x, sigma: 0 * x, x0, noise, [2.0, 8.0], [0.5, 4.0], solver=TRUTH.flow_solver(target)
    )
    assert loss.max() <= (512 * U * (10 + np.abs(problem.mean).max())) ** 2


@given(problems())
def test_expectations(problem):  # (CM.17), (CM.20)
    student, teacher = pair(problem)
    z, weights = sigma_points(2 * problem.d)
    x0, noise = problem.place(z[:, : problem.d])[0], z[:, problem.d :]
    bound = 256 * U * (weights @ size_of(student, teacher, x0, noise))
    loss = objectives.consistency(call(student), call(teacher), x0, noise, UPPER, LOWER)
    found = TRUTH.consistency_expectation(student, teacher, problem, sigma_next=UPPER, sigma=LOWER)
    assert abs(found - weights @ loss) <= bound
    step = TRUTH.euler_map(targets.gaussian(problem.mean, problem.cov), UPPER, LOWER)
    loss = objectives.consistency_distillation(
        call(student), call(teacher), lambda x, sigma: x, x0, noise, UPPER, LOWER, solver=lambda d, x, a, b: step(x)
    )
    found = TRUTH.consistency_distillation_expectation(student, teacher, step, problem, sigma_next=UPPER)
    assert abs(found - weights @ loss) <= 8 * bound


@given(problems(max_dim=2))
def test_variances(problem):  # (CM.18)
    student, teacher = pair(problem)
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0 = problem.place(z)[0]
    bound = 1024 * U * (weights @ size_of(student, teacher, x0, noise) ** 2)
    loss = objectives.consistency(call(student), call(teacher), x0, noise, UPPER, LOWER)
    found = TRUTH.consistency_variance(student, teacher, problem, sigma_next=UPPER, sigma=LOWER)
    assert abs(found - weights @ (loss - weights @ loss) ** 2) <= bound
    step = TRUTH.euler_map(targets.gaussian(problem.mean, problem.cov), UPPER, LOWER)
    loss = objectives.consistency_distillation(
        call(student), call(teacher), lambda x, sigma: x, x0, noise, UPPER, LOWER, solver=lambda d, x, a, b: step(x)
    )
    found = TRUTH.consistency_distillation_variance(student, teacher, step, problem, sigma_next=UPPER)
    assert abs(found - weights @ (loss - weights @ loss) ** 2) <= 8 * bound


@given(problems())
def test_training_learns_eulers_step_before_the_teacher(problem):  # (CM.14), (CM.19)
    _, teacher = pair(problem)
    target = targets.gaussian(problem.mean, problem.cov)
    best = TRUTH.consistency_minimiser(teacher, problem, sigma_next=UPPER, sigma=LOWER)
    distilled = TRUTH.consistency_distillation_minimiser(teacher, TRUTH.euler_map(target, UPPER, LOWER))
    scale = 1 + np.abs(teacher.matrix).max() * (1 + np.abs(problem.mean).max()) + np.abs(teacher.constant).max()
    bound = 64 * U * np.linalg.cond(problem.cov + UPPER**2 * np.eye(problem.d)) * scale
    np.testing.assert_allclose(best.matrix, distilled.matrix, rtol=0, atol=bound)
    np.testing.assert_allclose(best.constant, distilled.constant, rtol=0, atol=4 * bound)
    # and the step is the one that the solver takes with the exact denoiser
    x = np.ones((1, problem.d))
    solved = objectives.euler_solver(
        lambda x, sigma: target.denoise(x, alpha=1.0, sigma=sigma), x, np.array(UPPER), np.array(LOWER)
    )
    np.testing.assert_allclose(TRUTH.euler_map(target, UPPER, LOWER)(x), solved, rtol=0, atol=16 * bound)


@given(problems())
def test_the_gradient_at_the_minimisers_is_zero(problem):  # the residual is uncorrelated with (x', 1)
    _, teacher = pair(problem)
    z, weights = sigma_points(2 * problem.d)
    x0, noise = problem.place(z[:, : problem.d])[0], z[:, problem.d :]
    best = TRUTH.consistency_minimiser(teacher, problem, sigma_next=UPPER, sigma=LOWER)
    x, below = x0 + UPPER * noise, x0 + LOWER * noise
    residual = best(x) - teacher(below)
    pulled = np.concatenate([(weights * residual.T) @ x, (weights @ residual)[:, None]], axis=1)
    scale = np.sqrt((weights @ size_of(best, teacher, x0, noise)) * (1 + weights @ (x**2).sum(-1)))
    assert np.abs(pulled).max() <= 256 * U * scale * np.linalg.cond(problem.cov + np.eye(problem.d))
    step = TRUTH.euler_map(targets.gaussian(problem.mean, problem.cov), UPPER, LOWER)
    student = TRUTH.consistency_distillation_minimiser(teacher, step)
    assert TRUTH.consistency_distillation_expectation(student, teacher, step, problem, sigma_next=UPPER) == 0


def test_the_loss_of_the_exact_function_is_of_second_order_and_training_of_first():  # (CM.16)
    p = targets.gaussian([1.0, -1.0], [[4.0, 0.5], [0.5, 1.0]])
    f = TRUTH.GaussianConsistency(p, 0.5)
    left = [
        TRUTH.consistency_expectation(f.at(2 + h), f.at(2.0), p, sigma_next=2 + h, sigma=2.0) / h**2
        for h in (1e-3, 5e-4)
    ]
    assert abs(left[0] / left[1] - 1) < 1e-3
    errors = []
    for n in (40, 80, 160):
        grid = np.geomspace(8.0, 0.5, n + 1)
        errors.append(np.abs(TRUTH.trained_consistency(p, grid).matrix - f.at(8.0).matrix).max())
    assert abs(exact.observed_order(errors) - 1) < 0.05
    # the constant: log of Euler's factor over the exact one is -½ ℓ h²/(ℓ + σ'²)² for a step h, summed over the grid
    ell, grid = 4.0, np.geomspace(8.0, 0.5, 641)
    one = TRUTH.trained_consistency(targets.gaussian([0.0], ell), grid).matrix.item()
    exactly = TRUTH.GaussianConsistency(targets.gaussian([0.0], ell), 0.5).at(8.0).matrix.item()
    predicted = -0.5 * (ell * np.diff(grid) ** 2 / (ell + grid[:-1] ** 2) ** 2).sum()
    assert abs(np.log(one / exactly) / predicted - 1) < 0.02


def test_levels_one_by_one_are_the_grid():
    p = targets.gaussian([1.0], 4.0)
    grid = [8.0, 4.0, 1.0, 0.5]
    teacher = affine(np.eye(1), np.zeros(1))  # the boundary: the identity at 0.5
    for lower, upper in zip(grid[::-1][:-1], grid[::-1][1:], strict=True):
        teacher = TRUTH.consistency_minimiser(teacher, p, sigma_next=upper, sigma=lower)
    found = TRUTH.trained_consistency(p, grid)
    np.testing.assert_allclose(found.matrix, teacher.matrix, rtol=8 * U)
    np.testing.assert_allclose(found.constant, teacher.constant, rtol=8 * U)


def test_bad_arguments_are_refused():
    p = targets.gaussian([0.0], 1.0)
    with pytest.raises(ValueError, match=r"sigma_min is -1.0; expected sigma_min >= 0"):
        TRUTH.GaussianConsistency(p, -1)
    with pytest.raises(ValueError, match=r"sigmas has shape \(2,\); expected \(L,\) with L >= 2, falling"):
        TRUTH.trained_consistency(p, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"sigma_next is 0.0; expected sigma_next > 0"):
        TRUTH.euler_map(p, 0, 1)
    mixture, one = targets.mixture(weights=[0.5, 0.5], means=[[0.0], [1.0]], covs=1.0), affine([[1.0]], [0.0])
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        TRUTH.consistency_variance(one, one, mixture, sigma_next=2.0, sigma=1.0)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        TRUTH.consistency_distillation_variance(one, one, one, mixture, sigma_next=2.0)
    assert_array_equal(TRUTH.GaussianConsistency(p, 0.5)(np.zeros((0, 1)), 1.0), np.zeros((0, 1)))
