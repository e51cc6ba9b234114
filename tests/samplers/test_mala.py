"""samplers/mala.py: detailed balance by densities, the same step by three routes, faults, arguments."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import refscore as rs
from refscore.samplers import hmc_step, mala_step, metropolis_step
from refscore.samplers.mala import accept
from tests.samplers.laws import U

TARGET = rs.targets.mixture(
    weights=[0.7, 0.3], means=[[1.0, 0.5], [-1.5, 0.0]], covs=[[[1, 0.3], [0.3, 0.5]], 0.4 * np.eye(2)]
)
X, Z = rs.noise.tape(3, 2, 400, 2)
UNIFORM = (np.arange(400) * 0.6180339887498949) % 1
EPS = 0.6
FACTOR = np.array([[0.8, 0.1], [-0.3, 0.6]])


def mean(x):
    return x + 0.5 * EPS * TARGET.score(x)


def by_densities(mean, cov, x, proposal):
    """log p(x*) q(x | x*) - log p(x) q(x* | x) from the densities of scipy, sample by sample."""
    forth = [multivariate_normal(m, cov).logpdf(y) for m, y in zip(mean(x), proposal)]
    back = [multivariate_normal(m, cov).logpdf(y) for m, y in zip(mean(proposal), x)]
    return TARGET.log_prob(proposal) + back - TARGET.log_prob(x) - forth


def check_mala(step):
    proposal = mean(X) + np.sqrt(EPS) * Z
    log_a = by_densities(mean, EPS * np.eye(2), X, proposal)
    decided = np.exp(np.minimum(log_a, 0)) > UNIFORM
    assert 40 < decided.sum() < 360
    new, accepted = step(TARGET.score, TARGET.log_prob, X, Z, UNIFORM, step_size=EPS)
    np.testing.assert_array_equal(accepted, decided)
    np.testing.assert_allclose(new, np.where(decided[:, None], proposal, X), rtol=64 * U, atol=64 * U)
    np.testing.assert_array_equal(new[~decided], X[~decided])


def test_ratio_from_the_densities():  # (MALA.3) (MALA.4)
    check_mala(mala_step)


def metropolis_with_a_number(score, log_prob, x, z, u, *, step_size):
    return metropolis_step(lambda y: y + 0.5 * step_size * score(y), log_prob, x, z, u, factor=np.sqrt(step_size))


def one_leapfrog_step(score, log_prob, x, z, u, *, step_size):
    return hmc_step(score, log_prob, x, z, u, step_size=np.sqrt(step_size), n_steps=1)


@pytest.mark.parametrize("step", [metropolis_with_a_number, one_leapfrog_step])
def test_the_same_step_by_other_routes(step):
    check_mala(step)


@pytest.mark.parametrize("factor", [FACTOR, np.array([0.9, -0.4]), 0.7])  # (MALA.1)
def test_any_gaussian_proposal(factor):
    matrix = factor if np.ndim(factor) == 2 else factor * np.eye(2)

    def drift(x):
        return 0.5 * x + np.sin(x[:, ::-1])

    proposal = drift(X) + Z @ matrix.T
    decided = np.exp(np.minimum(by_densities(drift, matrix @ matrix.T, X, proposal), 0)) > UNIFORM
    new, accepted = metropolis_step(drift, TARGET.log_prob, X, Z, UNIFORM, factor=factor)
    np.testing.assert_array_equal(accepted, decided)
    np.testing.assert_allclose(new, np.where(decided[:, None], proposal, X), rtol=64 * U, atol=64 * U)


def test_no_density_is_never_accepted():
    def half_line(x):
        return np.where(x[..., 0] > 0, -x[..., 0], -np.inf)

    x, z, u = np.array([[0.5], [0.5]]), np.array([[-3.0], [0.1]]), np.zeros(2)
    new, accepted = metropolis_step(lambda y: y, half_line, x, z, u, factor=1.0)
    assert accepted.tolist() == [False, True]
    assert new[0] == 0.5


def test_the_decision_is_strict_and_bitwise():  # (MALA.2)
    new, accepted = accept(
        [[0.1], [0.1], [0.1]], [[0.3], [0.3], [0.3]], [0.0, np.log(0.5), -np.inf], [0.999999, 0.5, 0.0]
    )
    assert accepted.tolist() == [True, False, False]
    assert new.ravel().tolist() == [0.3, 0.1, 0.1]


# ---- faults


def with_ratio(change):
    def step(score, log_prob, x, z, u, *, step_size):
        proposal = x + 0.5 * step_size * score(x) + np.sqrt(step_size) * z
        both = score(x) + score(proposal)
        gained = log_prob(proposal) - log_prob(x)
        weighed = -0.5 * np.sqrt(step_size) * (z * both).sum(-1) - step_size / 8 * (both**2).sum(-1)
        accepted = u < np.exp(np.minimum(change(gained, weighed), 0))
        return np.where(accepted[:, None], proposal, x), accepted

    return step


def test_the_pattern_itself_passes():
    check_mala(with_ratio(lambda gained, weighed: gained + weighed))


@pytest.mark.parametrize(
    "change", [lambda g, w: g, lambda g, w: g - w, lambda g, w: g + 0.5 * w, lambda g, w: -g - w, lambda g, w: 0 * g]
)
def test_a_wrong_ratio_is_seen(change):
    with pytest.raises(AssertionError):
        check_mala(with_ratio(change))


# ---- arguments


def step_with(**changed):
    given = {"x": [[1.0, 2.0]], "noise": [[0.0, 0.0]], "uniform": [0.5], "step_size": 0.1, **changed}
    size = given.pop("step_size")
    return mala_step(np.negative, lambda x: -(x**2).sum(-1) / 2, *given.values(), step_size=size)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"uniform": [1.0]}, r"uniform has values from 1.0 to 1.0; expected them in \[0, 1\)"),
        ({"uniform": [[0.5]]}, r"uniform has shape \(1, 1\); expected \(1,\)"),
        ({"noise": [0.0, 0.0]}, r"noise has shape \(2,\); expected \(1, 2\)"),
        ({"step_size": 0.0}, "step_size is 0.0; expected step_size > 0"),
        ({"x": [[np.nan, 0.0]]}, "x has 1 value that is not finite"),
    ],
)
def test_bad_arguments_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        step_with(**changed)


def test_bad_functions_are_named():
    with pytest.raises(ValueError, match=r"log_prob\(x\) has shape \(1, 1\); expected \(1,\)"):
        mala_step(np.negative, lambda x: x, [[1.0]], [[1.0]], [0.5], step_size=0.1)
    with pytest.raises(ValueError, match=r"log_prob\(x\) has 1 value that is not finite"):
        mala_step(np.negative, lambda x: np.full(1, np.nan), [[1.0]], [[1.0]], [0.5], step_size=0.1)
    with pytest.raises(ValueError, match="factor is singular"):
        metropolis_step(lambda x: x, lambda x: x[:, 0], [[1.0, 1.0]], [[1.0, 1.0]], [0.5], factor=np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"factor has shape \(3,\); expected \(\), \(2,\) or \(2, 2\)"):
        metropolis_step(lambda x: x, lambda x: x[:, 0], [[1.0, 1.0]], [[1.0, 1.0]], [0.5], factor=[1, 1, 1])
    with pytest.raises(ValueError, match="factor has a value of 0"):
        metropolis_step(lambda x: x, lambda x: x[:, 0], [[1.0, 1.0]], [[1.0, 1.0]], [0.5], factor=[1, 0])
