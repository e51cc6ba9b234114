"""samplers/annealed.py: the law level by level in closed form, NCSNv2's ratio, faults."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact.closed_forms import langevin_variance
from refscore.samplers import Sampler, annealed, annealed_langevin, langevin_step, replay
from tests.samplers.laws import TARGET, VALUES, VECTORS, U

SIGMAS = np.array([3.0, 1.2, 0.5, 0.2])


def expected(step_size, steps, start_variance, denoise=False):
    """T steps at σ_i are Langevin on N(m, ℓ + σ_i²): chain (REC.4) over the levels."""
    v = np.broadcast_to(start_variance, VALUES.shape)
    for sigma in SIGMAS:
        eps = step_size * (sigma / SIGMAS[-1]) ** 2
        v = langevin_variance(VALUES + sigma**2, step_size=eps, steps=steps, start_variance=v)
    return v * (VALUES / (VALUES + SIGMAS[-1] ** 2)) ** 2 if denoise else v


def check_law(sampler, step_size=0.05, steps=5, denoise=False):
    start = TARGET.perturb(1.0, 3.0)
    law = rs.exact.law(sampler, TARGET, start)
    variance = expected(step_size, steps, VALUES + 9.0, denoise)
    cov = (VECTORS * variance) @ VECTORS.T
    wanted = rs.targets.gaussian(TARGET.mean, 0.5 * (cov + cov.T))  # the mean is exact: every level has the same one
    assert rs.exact.wasserstein2(law, wanted) <= 1e-12 * np.sqrt(np.trace(cov) + TARGET.mean @ TARGET.mean)


@pytest.mark.parametrize("denoise", [False, True])
def test_law_level_by_level(denoise):  # (ALD.1) (ALD.2) (ALD.3) against (REC.4)
    check_law(annealed(SIGMAS, step_size=0.05, steps_per_level=5, denoise=denoise), denoise=denoise)


def test_published_ratio_of_ncsnv2():
    """CIFAR-10's levels, data a point: a level begun at the variance before it ends at 1.05547 times its own."""
    gamma, step = 5000 ** (1 / 231), 2 * 6.18e-6  # the paper's ε is half of this one
    sampler = annealed(50.0 * gamma ** -np.arange(232.0), step_size=step, steps_per_level=5)
    v = 50.0**2
    for k in range(5, 10):  # the second level
        found = rs.exact.step_map(sampler, lambda x, alpha, sigma: -x / sigma**2, k, 1)
        v = found.matrix[0, 0] ** 2 * v + found.noise_cov[0, 0]
    assert f"{v / (50.0 / gamma) ** 2:.5f}" == "1.05547"


def test_the_function_is_the_replay_of_the_value():
    x, z = rs.noise.tape(1, 1, 3, 2)[0], rs.noise.tape(2, 8, 3, 2)
    parameters = {"step_size": 0.05, "steps_per_level": 2, "denoise": True}
    got = annealed_langevin(lambda y, sigma: np.sin(sigma * y), x, z, sigmas=SIGMAS, **parameters)
    score = lambda y, alpha, sigma: np.sin(sigma * y)  # noqa: E731
    np.testing.assert_array_equal(got, replay(annealed(SIGMAS, **parameters), score, x, z))


def test_where_a_run_starts_and_stops():
    parameters = {"step_size": 0.05, "steps_per_level": 2}
    assert annealed(SIGMAS, **parameters).start == (1.0, 3.0)
    assert annealed(SIGMAS, **parameters).stop == (1.0, 0.2)
    assert annealed(SIGMAS, **parameters, denoise=True).stop == (1.0, 0.0)
    assert annealed(SIGMAS, **parameters).prior_scale == 3.0


def test_denoising_comes_after_the_last_step_only():
    x, z = np.array([[1.0, 2.0]]), rs.noise.tape(2, 8, 1, 2)
    score = lambda y, sigma: -y / (1 + sigma**2)  # noqa: E731
    noisy = annealed_langevin(score, x, z, sigmas=SIGMAS, step_size=0.05, steps_per_level=2)
    clean = annealed_langevin(score, x, z, sigmas=SIGMAS, step_size=0.05, steps_per_level=2, denoise=True)
    np.testing.assert_allclose(clean, noisy + 0.04 * score(noisy, 0.2), rtol=8 * U)


# ---- faults


def faulty(step_of, sigma_of=lambda i: SIGMAS[i], per=5):
    def step(score, x, k, noise):
        i = k // per
        sigma = float(sigma_of(i))
        return langevin_step(lambda y: score(y, 1.0, sigma), x, noise, step_size=step_of(SIGMAS[i]))

    return Sampler("fault", 4 * 5, 1, 3.0, (1.0, 3.0), (1.0, 0.2), step)


FAULTS = {
    "step by the level, not its square": faulty(lambda s: 0.05 * s / 0.2),
    "step by σ_i², not divided by σ_L²": faulty(lambda s: 0.05 * s**2),
    "the same step at every level": faulty(lambda s: 0.05),
    "the image codes' step": faulty(lambda s: 2 * 0.05 * (s / 0.2) ** 2),
    "score always at the last level": faulty(lambda s: 0.05 * (s / 0.2) ** 2, lambda i: 0.2),
    "score at the next level": faulty(lambda s: 0.05 * (s / 0.2) ** 2, lambda i: SIGMAS[min(i + 1, 3)]),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_law_sees_the_fault(fault):
    with pytest.raises(AssertionError):
        check_law(fault)


# ---- arguments


@pytest.mark.parametrize("sigmas", [[1.0, 2.0], [1.0, 1.0], [1.0, 0.0], [], [[1.0]]])
def test_bad_levels_are_refused(sigmas):
    with pytest.raises(ValueError, match="do not descend to a positive level"):
        annealed(sigmas, step_size=0.1, steps_per_level=1)


def test_a_whole_number_may_come_as_a_float():
    def run(n):
        zeros = np.zeros((2 * len(SIGMAS), 1, 1))
        return annealed_langevin(np.multiply, [[1.0]], zeros, sigmas=SIGMAS, step_size=0.1, steps_per_level=n)

    assert run(2) == run(2.0)


def test_bad_parameters_are_named():
    with pytest.raises(ValueError, match=r"steps_per_level is 1.5; expected a whole number"):
        annealed(SIGMAS, step_size=0.1, steps_per_level=1.5)
    with pytest.raises(ValueError, match=r"steps_per_level is 0; expected at least 1"):
        annealed(SIGMAS, step_size=0.1, steps_per_level=0)
    with pytest.raises(ValueError, match=r"noise has shape \(7, 1, 1\); expected \(8, 1, 1\)"):
        annealed_langevin(np.add, [[1.0]], np.zeros((7, 1, 1)), sigmas=SIGMAS, step_size=0.1, steps_per_level=2)
    zeros = np.zeros((8, 1, 1))
    with pytest.raises(ValueError, match=r"score\(x, sigma\) has shape \(1,\); expected \(1, 1\)"):
        annealed_langevin(lambda x, _: x[0], [[1.0]], zeros, sigmas=SIGMAS, step_size=0.1, steps_per_level=2)
