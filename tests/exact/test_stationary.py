"""exact/stationary.py: by SciPy's Lyapunov solver, by fixed points, near and beyond stability."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

import refscore as rs
from refscore.exact.closed_forms import langevin_variance
from refscore.exact.stationary import (
    minibatch_variance,
    preconditioned_cov,
    preconditioned_rate,
    stationary_of,
)
from tests.samplers.laws import TARGET, VALUES, VECTORS, U

SAMPLERS = [
    rs.samplers.langevin(0.3),
    rs.samplers.underdamped(0.2, friction=1.5),
    rs.samplers.baoab(0.7, friction=0.4),
    rs.samplers.obabo(0.7, friction=0.4),
    rs.samplers.unadjusted_hmc(0.3, n_steps=5),
    rs.samplers.preconditioned_langevin(0.3, factor=[[0.6, 0.1], [-0.2, 1.1]]),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
def test_by_another_solver(sampler):  # (STA.1)
    step = rs.exact.step_map(sampler, rs.samplers.noisy_score(TARGET), 0, 2)
    law = rs.exact.stationary_law(sampler, TARGET)
    np.testing.assert_allclose(law.cov, solve_discrete_lyapunov(step.matrix, step.noise_cov), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(step.matrix @ law.mean + step.constant, law.mean, atol=1e-14)
    np.testing.assert_allclose(step.push(law).cov, law.cov, atol=1e-14)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
def test_the_rate_is_seen_in_a_run(sampler):  # (STA.2)
    step = rs.exact.step_map(sampler, rs.samplers.noisy_score(TARGET), 0, 2)
    power = np.linalg.norm(np.linalg.matrix_power(step.matrix, 4000), 2) ** (1 / 4000)
    if power > 1e-60:
        assert abs(rs.exact.contraction_rate(sampler, TARGET) / power - 1) < 2e-3


@pytest.mark.parametrize("step_size", [1e-9, 1e-4, 0.3, 1.8])
def test_langevin_in_closed_form(step_size):  # near stability's end at 4 min ℓ, and where ρ is 1 - 1e-9
    law = rs.exact.stationary_law(rs.samplers.langevin(step_size), TARGET)
    expected = (VECTORS * (VALUES / (1 - step_size / (4 * VALUES)))) @ VECTORS.T
    rate = np.abs(1 - step_size / (2 * VALUES)).max()
    np.testing.assert_allclose(law.cov, expected, rtol=64 * U / (1 - rate), atol=0)
    far = langevin_variance(VALUES, step_size=step_size, steps=10**12)
    np.testing.assert_allclose(VALUES / (1 - step_size / (4 * VALUES)), far, rtol=1e-12)


def test_beyond_stability_there_is_none():
    with pytest.raises(ValueError, match=r"multiplies some direction by 1\.\d+; expected below 1"):
        rs.exact.stationary_law(rs.samplers.langevin(4.01 * VALUES[0]), TARGET)
    with pytest.raises(ValueError, match="has 2 steps of its own; expected a sampler of equal steps"):
        rs.exact.stationary_law(rs.samplers.annealed([2.0, 1.0], step_size=0.1, steps_per_level=1), TARGET)
    with pytest.raises(ValueError, match="multiplies some direction"):
        stationary_of(rs.exact.AffineMap(np.eye(2), np.zeros((1, 2, 2)), np.zeros(2)))


def test_a_step_that_forgets_at_once():
    law = stationary_of(rs.exact.AffineMap(np.zeros((2, 2)), [np.diag([1.0, 2.0])], [3.0, 4.0]))
    np.testing.assert_array_equal(law.cov, np.diag([1.0, 4.0]))
    nilpotent = stationary_of(rs.exact.AffineMap([[0.0, 100.0], [0.0, 0.0]], [np.eye(2)], [0.0, 1.0]))
    np.testing.assert_allclose(nilpotent.cov, [[10001.0, 0.0], [0.0, 1.0]], rtol=4 * U)
    np.testing.assert_allclose(nilpotent.mean, [100.0, 1.0])


@pytest.mark.parametrize("factor", [0.7, np.array([0.8, -0.2]), np.array([[0.8, 0.3], [-0.1, 0.5]])])
def test_preconditioned(factor):  # (PRE2.2) (PRE2.3)
    sampler = rs.samplers.preconditioned_langevin(0.4, factor=factor)
    cov = preconditioned_cov(TARGET.cov, factor=factor, step_size=0.4)
    np.testing.assert_allclose(rs.exact.stationary_law(sampler, TARGET).cov, cov, rtol=1e-13)
    root = factor if np.ndim(factor) == 2 else factor * np.eye(2)
    inverse = np.linalg.inv(TARGET.cov)
    np.testing.assert_allclose(np.linalg.inv(cov), inverse - 0.1 * inverse @ root @ root.T @ inverse, rtol=1e-12)
    rate = preconditioned_rate(TARGET.cov, factor=factor, step_size=0.4)
    assert abs(rate - rs.exact.contraction_rate(sampler, TARGET)) <= 1e-14


def test_preconditioned_beyond_stability():
    with pytest.raises(ValueError, match=r"step_size is 9\.0; expected below"):
        preconditioned_cov(TARGET.cov, factor=1.0, step_size=9.0)
    with pytest.raises(ValueError, match=r"cov has shape \(2,\); expected \(d, d\)"):
        preconditioned_cov([1.0, 2.0], factor=1.0, step_size=0.1)


def test_minibatch_by_its_fixed_point():  # (SGL.5)
    ell, extra = np.array([0.3, 2.0]), np.array([0.0, 5.0])
    v = minibatch_variance(ell, extra, step_size=0.7)
    np.testing.assert_allclose((1 - 0.7 / (2 * ell)) ** 2 * v + 0.7 + 0.49 / 4 * extra, v, rtol=4 * U)
    with pytest.raises(ValueError, match=r"step_size is 1.3; expected below 4 ℓ = 1.2"):
        minibatch_variance(ell, extra, step_size=1.3)
