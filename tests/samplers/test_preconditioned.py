"""samplers/preconditioned.py and factors.py: the moments of a step, the change of coordinates, arguments."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import langevin_step, preconditioned_langevin, preconditioned_langevin_step
from refscore.samplers.factors import applied, as_factor, solved, transposed
from tests.samplers.laws import TARGET, U

FACTORS = [0.7, np.array([0.8, -0.2]), np.array([[0.8, 0.3], [-0.1, 0.5]])]


def matrix_of(factor):
    return factor if np.ndim(factor) == 2 else factor * np.eye(2)


@pytest.mark.parametrize("factor", FACTORS)
def test_one_step_as_a_map(factor):  # (PRE2.1)
    matrix = matrix_of(factor)
    step = rs.exact.step_map(preconditioned_langevin(0.3, factor=factor), rs.samplers.noisy_score(TARGET), 0, 2)
    pull = 0.15 * matrix @ matrix.T @ np.linalg.inv(TARGET.cov)
    np.testing.assert_allclose(step.matrix, np.eye(2) - pull, atol=16 * U)
    np.testing.assert_allclose(step.noise_cov, 0.3 * matrix @ matrix.T, atol=16 * U)
    np.testing.assert_allclose(step.constant, pull @ TARGET.mean, atol=16 * U)


@pytest.mark.parametrize("factor", FACTORS)
def test_helpers(factor):
    z, matrix = rs.noise.tape(1, 3, 4, 2), matrix_of(factor)
    root = as_factor(factor, 2)
    np.testing.assert_allclose(applied(root, z), z @ matrix.T, atol=8 * U)
    np.testing.assert_allclose(transposed(root, z), z @ matrix, atol=8 * U)
    np.testing.assert_allclose(applied(root, solved(root, z)), z, atol=32 * U)


def test_factor_one_is_plain():
    x, z = rs.noise.tape(1, 2, 4, 2)
    got = preconditioned_langevin_step(np.sin, x, z, step_size=0.2, factor=1)
    np.testing.assert_allclose(got, langevin_step(np.sin, x, z, step_size=0.2), rtol=8 * U, atol=4 * U)


def test_the_factor_of_a_sampler_is_its_own():
    factor = np.eye(2)
    sampler = preconditioned_langevin(0.2, factor=factor)
    factor[0, 0] = 9.0
    step = rs.exact.step_map(sampler, rs.samplers.noisy_score(TARGET), 0, 2)
    np.testing.assert_allclose(step.noise_cov, 0.2 * np.eye(2), atol=4 * U)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="factor is singular"):
        preconditioned_langevin_step(np.negative, [[1.0, 0]], [[1.0, 0]], step_size=0.1, factor=[[1, 2], [2, 4]])
    with pytest.raises(ValueError, match="step_size"):
        preconditioned_langevin(0.0, factor=1.0)
    with pytest.raises(ValueError, match=r"factor has shape \(1,\)"):
        preconditioned_langevin_step(np.negative, [[1.0, 0]], [[1.0, 0]], step_size=0.1, factor=[1.0])
