"""objectives/distillation.py: solvers against their definition and order, gradients by autograd."""

import itertools

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from refscore import targets
from refscore.exact import observed_order
from refscore.exact.consistency import flow_solver
from refscore.models import AffineVelocity
from refscore.objectives import (
    consistency,
    consistency_distillation,
    consistency_distillation_gradient,
    euler_solver,
    heun_solver,
)
from tests.objectives import rational

UPPER, LOWER = np.array([2.0, 0.5, 8.0]), np.array([0.5, 0.25, 4.0])
SOLVERS = [euler_solver, heun_solver]


def case(d=3):
    models = [AffineVelocity(rational.quarters(2 + i, 2, d, d), rational.quarters(9 + i, 2, d)) for i in range(3)]
    return *models, rational.quarters(0, 3, d), rational.quarters(1, 3, d)


def test_euler_with_the_clean_point_is_training():  # (CM.5)
    student, teacher, _, x0, noise = case()
    distilled = consistency_distillation(
        student, teacher, lambda x, sigma: x0, x0, noise, UPPER, LOWER, solver=euler_solver
    )
    np.testing.assert_array_equal(distilled, consistency(student, teacher, x0, noise, UPPER, LOWER))
    heun = consistency_distillation(student, teacher, lambda x, sigma: x0, x0, noise, UPPER, LOWER, solver=heun_solver)
    np.testing.assert_array_equal(heun, distilled)  # a straight line: the second slope is the first


def test_solvers_are_their_definition():  # (CM.11), (CM.12)
    denoiser, x = lambda x, sigma: x / (1 + sigma[:, None]) + 1, rational.quarters(0, 3, 2)
    up, low = UPPER[:, None], LOWER[:, None]
    first = (x - (x / (1 + up) + 1)) / up
    euler = x + (low - up) * first
    second = (euler - (euler / (1 + low) + 1)) / low
    np.testing.assert_allclose(euler_solver(denoiser, x, UPPER, LOWER), euler, rtol=1e-15)
    heun = x + (low - up) * (first + second) / 2
    np.testing.assert_allclose(heun_solver(denoiser, x, UPPER, LOWER), heun, rtol=1e-14)


@pytest.mark.parametrize(("solver", "order"), [(euler_solver, 1), (heun_solver, 2)])
def test_solvers_have_their_order(solver, order):
    p = targets.mixture(weights=[0.25, 0.75], means=[[-1.0], [2.0]], covs=0.25)
    start, errors = np.array([[0.3], [4.0]]), []
    for steps in (20, 40, 80, 1280):
        x, levels = start, np.linspace(4.0, 1.0, steps + 1)
        for upper, lower in itertools.pairwise(levels):
            x = solver(lambda x, sigma: p.denoise(x, alpha=1.0, sigma=sigma), x, np.array(upper), np.array(lower))
        errors.append(x)
    gaps = [np.abs(x - errors[-1]).max() for x in errors[:-1]]
    assert abs(observed_order(gaps) - order) < 0.1


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weight", [1.0, UPPER, np.square], ids=["one", "values", "callable"])
def test_value_and_gradient_are_the_definition(weight, solver):  # (CM.10), (CM.7)
    student, teacher, denoiser, x0, noise = case()
    upper = UPPER[:, None]
    x = x0 + upper * noise
    held = teacher(solver(denoiser, x, UPPER, LOWER), LOWER)
    factor = weight(UPPER) if callable(weight) else np.broadcast_to(weight, (3,))

    def each(theta):
        m, c = anp.reshape(theta[:18], (2, 3, 3)), anp.reshape(theta[18:], (2, 3))
        found = sum(upper**j * (anp.dot(x, m[j].T) + c[j]) for j in range(2))
        return factor * anp.sum((found - held) ** 2, axis=-1)

    arguments = (student, teacher, denoiser, x0, noise, UPPER, LOWER)
    value = consistency_distillation(*arguments, solver=solver, weight=weight)
    np.testing.assert_allclose(value, each(student.pack()), rtol=1e-14)
    exact = autograd.grad(lambda theta: anp.sum(each(theta)))(student.pack())
    found = consistency_distillation_gradient(*arguments, solver=solver, weight=weight)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-14 * np.abs(exact).max())


def test_exact_steps_on_a_batch_of_levels():
    p = targets.gaussian([1.0, 0.0, -2.0], [[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 3.0]])
    x = rational.quarters(0, 3, 3)
    each = flow_solver(p)(None, x, UPPER, LOWER)
    for i in range(3):
        alone = flow_solver(p)(None, x[i], UPPER[i], LOWER[i])
        np.testing.assert_allclose(each[i], alone, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("function", [consistency_distillation, consistency_distillation_gradient])
def test_bad_arguments_are_refused(function):
    student, teacher, denoiser, x0, noise = case()
    with pytest.raises(
        ValueError, match=r"solver\(denoiser, x, sigma_next, sigma\) has shape \(3, 1\); expected \(3, 3\)"
    ):
        function(student, teacher, denoiser, x0, noise, UPPER, LOWER, solver=lambda d, x, a, b: x[:, :1])
    with pytest.raises(ValueError, match=r"denoiser\(x, sigma\) has shape \(3,\); expected \(3, 3\)"):
        function(student, teacher, lambda x, sigma: sigma, x0, noise, UPPER, LOWER, solver=euler_solver)
    with pytest.raises(ValueError, match=r"sigma_next has a value that is not above sigma"):
        function(student, teacher, denoiser, x0, noise, LOWER, LOWER, solver=euler_solver)
