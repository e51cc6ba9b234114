"""samplers/consistency_sampling.py: the letters of the paper, exact laws with the exact function, faults."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import consistency_multistep, consistency_step
from tests.samplers.laws import SPANS, TARGET, U, by_recursion, marginal

LEAST = 0.05


def exact_function(path, last):
    end = (float(path.alpha(last)), float(path.sigma(last)))
    return lambda x, alpha, sigma: rs.exact.flow_map(TARGET, start=(alpha, sigma), stop=end)(x)


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_with_the_exact_function_every_level_has_its_law(name, n):
    path, first, last = SPANS[name]
    times = np.linspace(first, last, n + 1)
    sampler = consistency_multistep(exact_function(path, last), path, times)
    for k in range(n + 1):
        law = rs.exact.law(sampler, TARGET, marginal(path, first), steps=k)
        size = np.sqrt(np.trace(marginal(path, first).cov))
        assert rs.exact.wasserstein2(law, marginal(path, times[k])) <= 1e-13 * size


@pytest.mark.parametrize("name", SPANS)
def test_from_a_wrong_start_against_the_recursion(name):
    path, first, last = SPANS[name]
    times, start = np.linspace(first, last, 4), rs.targets.gaussian([3.0, 0.0], [[1.0, 0.3], [0.3, 2.0]])
    law = rs.exact.law(consistency_multistep(exact_function(path, last), path, times), TARGET, start)
    recursion = rs.exact.consistency_sampling.consistency_multistep(np.linalg.eigvalsh(TARGET.cov), path, times)
    # a start with covariances along the eigenvectors: means and the diagonal in their coordinates
    expected, vectors = by_recursion(recursion, start), np.linalg.eigh(TARGET.cov)[1]
    np.testing.assert_allclose(law.mean, expected.mean, atol=1e-13)
    np.testing.assert_allclose(
        np.diag(vectors.T @ law.cov @ vectors), np.diag(vectors.T @ expected.cov @ vectors), atol=1e-13
    )


def test_the_algorithm_of_the_paper():  # Algorithm 1, with a function that bends
    def f(x, sigma):
        return x * np.exp(-sigma) + np.tanh(x)

    levels, eps = [80.0, 5.0, 0.7], 0.1
    x, z = rs.noise.tape(1, 1, 4, 2)[0] * 80, rs.noise.tape(2, 3, 4, 2)
    expected = f(x, levels[0])
    for tau, noise in zip(levels[1:], z, strict=False):
        noisy = expected + np.sqrt(tau**2 - eps**2) * noise
        expected = f(noisy, tau)
    sampler = consistency_multistep(lambda y, alpha, sigma: f(y, sigma), rs.paths.EDM(), [*levels, eps])
    found = rs.samplers.replay(sampler, rs.samplers.noisy_score(TARGET), x, z)
    np.testing.assert_allclose(found, expected, rtol=64 * U, atol=64 * U)


def test_the_last_noise_counts_nothing_and_the_score_is_never_asked():
    def nobody(x, alpha, sigma):
        raise AssertionError

    sampler = consistency_multistep(lambda x, alpha, sigma: 0.5 * x, rs.paths.EDM(), [4.0, 2.0, 0.1])
    x, z = np.ones((2, 1)), rs.noise.tape(1, 2, 2, 1)
    other = z.copy()
    other[-1] = 100.0
    np.testing.assert_array_equal(
        rs.samplers.replay(sampler, nobody, x, z), rs.samplers.replay(sampler, nobody, x, other)
    )


def test_a_level_belongs_to_its_sample():
    x, z = rs.noise.tape(1, 2, 3, 3)
    sigma, least = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3])
    together = consistency_step(np.tanh, x, z, alpha_s=1.0, sigma_s=sigma, sigma_min=least)
    alone = [consistency_step(np.tanh, x[i], z[i], alpha_s=1.0, sigma_s=sigma[i], sigma_min=least[i]) for i in range(3)]
    np.testing.assert_array_equal(together, alone)


FAULTS = {
    "the noise has σ, not √(σ² - ε²)": lambda y, z, s_t, s: y + s * z if s > LEAST else y,
    "the noise has σ - ε": lambda y, z, s_t, s: y + (s - LEAST) * z,
    "noise in the last step": lambda y, z, s_t, s: y + np.sqrt(max(s**2 - LEAST**2, LEAST**2)) * z,
    "the noise of the level left": lambda y, z, s_t, s: y + np.sqrt(s_t**2 - LEAST**2) * z if s > LEAST else y,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_law_sees_the_fault(fault):
    path, levels = rs.paths.EDM(), [2.0, 0.5, LEAST]
    f = exact_function(path, LEAST)

    def step(score, x, k, noise):
        return fault(f(x, 1.0, levels[k]), noise, levels[k], levels[k + 1])

    bad = rs.samplers.Sampler("fault", 2, 1, 1.0, None, None, step)
    law = rs.exact.law(bad, TARGET, marginal(path, 2.0))
    assert rs.exact.wasserstein2(law, marginal(path, LEAST)) > 1e-4


def test_bad_arguments_are_named():
    x = np.zeros((4, 3))
    with pytest.raises(ValueError, match=r"the step ends below the boundary: σ/α = 0.1 < 0.5"):
        consistency_step(np.tanh, x, x, alpha_s=1, sigma_s=0.1, sigma_min=0.5)
    with pytest.raises(ValueError, match=r"alpha_s is 0.0; expected alpha_s > 0"):
        consistency_step(np.tanh, x, x, alpha_s=0, sigma_s=1, sigma_min=0.5)
    with pytest.raises(ValueError, match=r"function\(x\) has shape \(3,\); expected \(4, 3\)"):
        consistency_step(lambda y: y[0], x, x, alpha_s=1, sigma_s=1, sigma_min=0.5)
    with pytest.raises(ValueError, match="times does not descend"):
        consistency_multistep(np.tanh, rs.paths.EDM(), [0.1, 2.0])
