"""exact/couplings.py: the optimal coupling against matrix square roots, the entropic one by its precision matrix."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from refscore import targets
from refscore.exact import flow_map, wasserstein2
from refscore.exact.couplings import Coupling, entropic, independent, optimal, pushed
from refscore.exact.maps import AffineMap
from refscore.objectives import assign, entropic_plan
from tests.cubature import U, problems

NOISE = {
    1: targets.gaussian([0.5], 4.0),
    2: targets.gaussian([0.5, -1.0], [[4.0, 1.0], [1.0, 0.5]]),
    3: targets.gaussian([0.5, -1.0, 0.0], [[4.0, 1.0, 0.5], [1.0, 0.5, 0.0], [0.5, 0.0, 2.0]]),
}


def ends(problem):
    return targets.gaussian(problem.mean, problem.cov), NOISE[problem.d]


@given(problems())
def test_optimal_is_the_map_with_matrix_square_roots(problem):  # (OT.7) with ρ = 1
    data, noise = ends(problem)
    root = np.real(scipy.linalg.sqrtm(data.cov))
    middle = np.real(scipy.linalg.sqrtm(root @ noise.cov @ root))
    exact = root @ middle @ np.linalg.inv(root)  # Σ_0 T
    found = optimal(data, noise)
    reach = np.linalg.cond(data.cov) * np.sqrt(np.abs(data.cov).max() * np.abs(noise.cov).max())
    assert np.abs(found.cross - exact).max() <= 256 * U * reach
    cost = ((data.mean - noise.mean) ** 2).sum() + np.trace(data.cov + noise.cov - 2 * found.cross)
    assert abs(cost - wasserstein2(data, noise) ** 2) <= 256 * U * np.trace(data.cov + noise.cov + np.eye(problem.d))


@given(problems(), st.integers(-4, 6))
def test_entropic_has_the_precision_of_its_density(problem, power):  # (OT.7): f(x0) g(x1) exp(x0·x1/ε)
    data, noise, epsilon = *ends(problem), 2.0**power
    precision = np.linalg.inv(entropic(data, noise, epsilon=epsilon).cov)
    off = precision[: problem.d, problem.d :]
    bound = 64 * U * np.linalg.cond(entropic(data, noise, epsilon=epsilon).cov) * np.abs(precision).max()
    assert np.abs(off + np.eye(problem.d) / epsilon).max() <= bound


@given(problems())
def test_the_ends_of_epsilon(problem):
    data, noise = ends(problem)
    assert_array_equal(entropic(data, noise, epsilon=0).cross, optimal(data, noise).cross)
    assert np.abs(entropic(data, noise, epsilon=1e12).cross).max() <= 1e-9
    for law in (independent(data, noise), optimal(data, noise), entropic(data, noise, epsilon=1.0)):
        assert_array_equal(law.cov[: problem.d, : problem.d], data.cov)
        assert_array_equal(law.cov[problem.d :, problem.d :], noise.cov)
        assert_array_equal(law.mean, np.concatenate([data.mean, noise.mean]))


@given(problems())
def test_one_rectification_of_gaussian_data_is_optimal(problem):
    data = targets.gaussian(problem.mean, problem.cov)
    noise = targets.gaussian(np.zeros(problem.d))
    found = pushed(noise, flow_map(data, start=(0.0, 1.0), stop=(1.0, 0.0)))
    bound = 64 * U * np.sqrt(np.linalg.cond(problem.cov)) * np.sqrt(np.abs(problem.cov).max())
    assert np.abs(found.cross - optimal(data, noise).cross).max() <= bound


def test_the_plan_of_points_tends_to_the_plan_of_the_laws():  # Gauss-Hermite points have no equal weights; quantiles do
    n = 400
    z = np.asarray([scipy.special.ndtri((i + 0.5) / n) for i in range(n)])[:, None]
    x0, x1 = 1 + 2 * z, 0.5 * z
    assert_array_equal(assign(x0, x1), np.arange(n))
    plan = entropic_plan(x0, x1, epsilon=1.0)
    cross = (x0.T @ plan @ x1 - x0.mean() * x1.mean()).item()
    exact = entropic(targets.gaussian([1.0], x0.var()), targets.gaussian([0.0], x1.var()), epsilon=1.0)
    assert abs(cross - exact.cross[0, 0]) < 0.01 * exact.cross[0, 0]


def test_bad_arguments_are_refused():
    p, q = NOISE[1], NOISE[2]
    with pytest.raises(ValueError, match=r"cross has shape \(2, 2\); expected \(1, 1\)"):
        Coupling(p, p, np.eye(2))
    with pytest.raises(ValueError, match=r"noise has dimension 2; expected 1, that of data"):
        independent(p, q)
    with pytest.raises(ValueError, match=r"data.cov is not positive semidefinite: its least eigenvalue is -1"):
        Coupling(p, p, [[5.0]])
    with pytest.raises(ValueError, match=r"epsilon is -1.0; expected epsilon >= 0"):
        entropic(p, p, epsilon=-1)
    with pytest.raises(ValueError, match=r"into_data draws 1 noise vectors; expected a map without noise"):
        pushed(p, AffineMap([[1.0]], [[[1.0]]], [0.0]))
    mixture = targets.mixture(weights=[0.5, 0.5], means=[[0.0], [1.0]], covs=1.0)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        optimal(mixture, p)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        independent(mixture, p).gaussian()
    assert independent(SimpleNamespace(mean=np.zeros(1), cov=np.eye(1)), p).gaussian().d == 1
