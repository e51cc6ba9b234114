"""exact/progressive.py: maps against the steps themselves, students against the objective, rounds against all steps."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import exact, objectives, targets
from refscore.exact.maps import AffineMap
from refscore.paths import VP, Flow
from tests.cubature import U, gauss_hermite, problems, product, sigma_points

TRUTH = exact.progressive
PATHS = {"flow": Flow(), "vp": VP(beta_min=0.5, beta_max=4.0)}
TIMES = [0.875, 0.625, 0.375]


def teacher_of(target, path):
    return lambda x, t: target.denoise(x, alpha=path.alpha(t), sigma=path.sigma(t))


def student_of(problem):
    return AffineMap(problem.matrix, np.zeros((0, problem.d, problem.d)), problem.centre)


@pytest.mark.parametrize("name", PATHS)
@given(problem=problems())
def test_maps_take_the_steps(name, problem):  # (PD.6)
    path, target = PATHS[name], targets.gaussian(problem.mean, problem.cov)
    x = start = np.array([np.ones(problem.d), -2 * np.ones(problem.d)])
    for t, s in itertools.pairwise(TIMES):
        data = teacher_of(target, path)(x, t)
        x = path.alpha(s) * data + path.sigma(s) / path.sigma(t) * (x - path.alpha(t) * data)
    found = TRUTH.ddim_map(target, TIMES, path=path)(start)
    np.testing.assert_allclose(found, x, rtol=0, atol=256 * U * (2 + np.abs(problem.mean).max()) * problem.d)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("last", [0.375, 0.0])
@given(problem=problems())
def test_the_student_of_two_steps_is_the_target(name, last, problem):  # (PD.7)
    path, target = PATHS[name], targets.gaussian(problem.mean, problem.cov)
    x = np.array([np.ones(problem.d), -2 * np.ones(problem.d)])
    goal = objectives.progressive_target(teacher_of(target, path), x, 0.875, 0.625, last, path=path)
    found = TRUTH.progressive_minimiser(target, [0.875, 0.625, last], path=path)(x)
    np.testing.assert_allclose(found, goal, rtol=0, atol=1024 * U * (2 + np.abs(problem.mean).max()) * problem.d)


def test_rounds_of_distillation_are_all_steps_at_once():  # a student that teaches: two levels of halving
    path, target = Flow(), targets.gaussian([1.0, -1.0], [[4.0, 0.5], [0.5, 0.25]])
    grid = np.linspace(0.875, 0.375, 9)
    predictors = {t: teacher_of(target, path) for t in grid}
    x = np.array([[1.0, 2.0], [-3.0, 0.5]])
    for size in (1, 2, 4):
        previous = dict(predictors)
        for i in range(0, 9 - 2 * size, 2 * size):
            first, middle, last = (grid[i + k * size] for k in range(3))

            def student(x, t, at=(first, middle, last), models=previous):
                return objectives.progressive_target(
                    lambda x, t: models[float(np.ravel(t)[0])](x, t), x, *(np.full(len(x), s) for s in at), path=path
                )

            predictors[first] = student
    exact_student = TRUTH.progressive_student(target, grid, path=path)
    np.testing.assert_allclose(predictors[grid[0]](x, grid[0]), exact_student(x), rtol=1e-12)


def test_many_rounds_tend_to_the_flow_to_first_order():
    path, target = VP(beta_min=0.5, beta_max=4.0), targets.gaussian([1.0], 4.0)
    goal = exact.flow_map(
        target,
        start=(path.alpha(1.0).item(), path.sigma(1.0).item()),
        stop=(path.alpha(0.1).item(), path.sigma(0.1).item()),
    )
    maps = [TRUTH.ddim_map(target, np.linspace(1, 0.1, n + 1), path=path) for n in (64, 128, 256)]
    errors = [np.abs(found.matrix - goal.matrix).max() for found in maps]
    assert abs(exact.observed_order(errors) - 1) < 0.05


@pytest.mark.parametrize("name", PATHS)
@given(problem=problems(), weight=st.sampled_from([1.0, 3.0]))
def test_expectation_and_variance(name, problem, weight):  # (PD.8), (PD.9)
    path, target = PATHS[name], targets.gaussian(problem.mean, problem.cov)
    student, goal = student_of(problem), TRUTH.progressive_minimiser(target, TIMES, path=path)
    arguments = {"path": path, "weight": weight}

    def loss(z):
        x0, noise = problem.place(z[:, : problem.d])[0], z[:, problem.d :]
        values = objectives.progressive(
            lambda x, t: student(x), teacher_of(target, path), x0, noise, *TIMES, **arguments
        )
        reach = np.abs(x0) + np.abs(noise)
        return values, weight * (
            (reach @ np.abs(student.matrix).T + np.abs(student.constant) + 4 * reach + 4) ** 2
        ).sum(-1)

    z, weights = sigma_points(2 * problem.d)
    values, size = loss(z)
    found = TRUTH.progressive_expectation(student, goal, problem, TIMES[0], **arguments)
    assert abs(found - weights @ values) <= 2048 * U * (weights @ size)
    if problem.d < 3:
        (a, b), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
        values, size = loss(np.hstack([a, b]))
        found = TRUTH.progressive_variance(student, goal, problem, TIMES[0], **arguments)
        assert abs(found - weights @ (values - weights @ values) ** 2) <= 4096 * U * (weights @ size**2)
    assert TRUTH.progressive_expectation(goal, goal, problem, TIMES[0], **arguments) == 0


def test_bad_arguments_are_refused():
    p, one = targets.gaussian([0.0], 1.0), AffineMap([[1.0]], np.zeros((0, 1, 1)), [0.0])
    with pytest.raises(ValueError, match=r"times has shape \(2,\); expected \(k \+ 1,\) with k >= 1, falling"):
        TRUTH.ddim_map(p, [0.5, 0.75], path=Flow())
    with pytest.raises(ValueError, match=r"weight is -1.0; expected weight >= 0"):
        TRUTH.progressive_expectation(one, one, p, 0.5, path=Flow(), weight=-1)
    mixture = targets.mixture(weights=[0.5, 0.5], means=[[0.0], [1.0]], covs=1.0)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        TRUTH.progressive_variance(one, one, mixture, 0.5, path=Flow(), weight=1)
