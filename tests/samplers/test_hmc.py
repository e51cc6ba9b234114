"""samplers/hmc.py: a trajectory by matrix powers, volume and the way back, the decision by energies."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import hmc_step, leapfrog, unadjusted_hmc
from tests.samplers.laws import TARGET, U

X, Z = rs.noise.tape(5, 2, 200, 2)
CURVED = rs.targets.mixture(weights=[0.6, 0.4], means=[[1.0, 0.0], [-1.0, 0.5]], covs=0.5 * np.array([np.eye(2)] * 2))


def trajectory(h, n):
    """L leapfrog steps on (x - m, v) as a power of a matrix."""
    kick = np.block([[np.eye(2), np.zeros((2, 2))], [-h / 2 * np.linalg.inv(TARGET.cov), np.eye(2)]])
    drift = np.block([[np.eye(2), h * np.eye(2)], [np.zeros((2, 2)), np.eye(2)]])
    return np.linalg.matrix_power(kick @ drift @ kick, n)


@pytest.mark.parametrize(("h", "n"), [(0.1, 1), (0.3, 7), (0.9, 3)])
def test_leapfrog_by_matrices(h, n):  # (HMC.1)
    x, v = leapfrog(TARGET.score, X, Z, step_size=h, n_steps=n)
    moved = np.concatenate([X - TARGET.mean, Z], -1) @ trajectory(h, n).T
    np.testing.assert_allclose(np.concatenate([x - TARGET.mean, v], -1), moved, rtol=1e-13, atol=1e-13)


def test_unadjusted_by_matrices():  # (HMC.3)
    step = rs.exact.step_map(unadjusted_hmc(0.3, n_steps=7), rs.samplers.noisy_score(TARGET), 0, 2)
    matrix = trajectory(0.3, 7)
    np.testing.assert_allclose(step.matrix, matrix[:2, :2], atol=1e-13)
    np.testing.assert_allclose(step.noises[0], matrix[:2, 2:], atol=1e-13)


def test_decision_by_energies():  # (HMC.2)
    u = (np.arange(200) * 0.6180339887498949) % 1
    x, v = leapfrog(CURVED.score, X, Z, step_size=0.9, n_steps=4)
    energy = [-CURVED.log_prob(p) + 0.5 * (w**2).sum(-1) for p, w in ((X, Z), (x, v))]
    decided = u < np.exp(np.minimum(energy[0] - energy[1], 0))
    new, accepted = hmc_step(CURVED.score, CURVED.log_prob, X, Z, u, step_size=0.9, n_steps=4)
    assert 20 < decided.sum() < 190
    np.testing.assert_array_equal(accepted, decided)
    np.testing.assert_array_equal(new, np.where(decided[:, None], x, X))


def test_volume_is_kept_by_finite_differences_of_a_curved_score():
    point, h = np.array([0.3, -0.2, 0.5, 1.0]), 1e-6

    def run(p):
        return np.concatenate(leapfrog(CURVED.score, p[:2], p[2:], step_size=0.4, n_steps=3))

    jacobian = np.array([(run(point + h * e) - run(point - h * e)) / (2 * h) for e in np.eye(4)]).T
    assert abs(np.linalg.det(jacobian) - 1) < 1e-8


def test_full_kicks_at_the_ends_are_another_trajectory():
    h, (x, v) = 0.4, (X, Z)
    for _ in range(3):
        v = v + h * TARGET.score(x)
        x = x + h * v
    got, _ = leapfrog(TARGET.score, X, Z, step_size=h, n_steps=3)
    assert np.abs(got - x).max() > 0.01


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"n_steps is 0; expected at least 1"):
        leapfrog(np.negative, [[1.0]], [[1.0]], step_size=0.1, n_steps=0)
    with pytest.raises(ValueError, match=r"n_steps is 1.5; expected a whole number"):
        unadjusted_hmc(0.1, n_steps=1.5)
    with pytest.raises(ValueError, match=r"step_size is -1\.0"):
        unadjusted_hmc(-1, n_steps=1)
    with pytest.raises(ValueError, match=r"velocity has shape \(1,\)"):
        leapfrog(np.negative, [[1.0]], [1.0], step_size=0.1, n_steps=1)


def test_an_even_number_of_full_turns_comes_back():
    """h² = 2 ℓ turns by a quarter: four steps are the identity."""
    x, v = leapfrog(np.negative, X, Z, step_size=np.sqrt(2), n_steps=4)
    np.testing.assert_allclose((x, v), (X, Z), atol=64 * U)
