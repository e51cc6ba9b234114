"""samplers/consistent_annealed.py: what a point goes through, the steps it contains, arguments."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import ancestral_ve_step, consistent_annealed, consistent_annealed_step, ddim_step
from refscore.samplers.consistent_annealed import added_variance
from tests.samplers.laws import TARGET, U

X, Z = rs.noise.tape(1, 2, 6, 2)
SIGMAS = np.array([4.0, 2.5, 2.0, 0.6, 0.25])


def score(x):
    return TARGET.perturb(1.0, 2.0).score(x)


def test_a_point_keeps_its_level_at_any_share():  # (CAS.1) (CAS.3)
    for share in (0.4, 0.9, 1.0, 1.3):
        sampler = consistent_annealed(SIGMAS[:3], eta=share)
        mean, v = 3.0 + 0.5, SIGMAS[0] ** 2
        for k in range(2):
            step = rs.exact.step_map(sampler, lambda x, alpha, sigma: -(x - 3.0) / sigma**2, k, 1)
            v = step.matrix[0, 0] ** 2 * v + step.noise_cov[0, 0]
            mean = step.matrix[0, 0] * mean + step.constant[0]
        assert abs(v - SIGMAS[2] ** 2) <= 16 * U * v
        assert abs(mean - 3.0 - 0.5 * (1 - share) ** 2) <= 16 * U * 3


def test_ddim_is_the_least_share():  # (CAS.2)
    got = consistent_annealed_step(score, X, Z, sigma=2.0, sigma_next=1.0, eta=0.5)
    levels = {"alpha_t": 1.0, "sigma_t": 2.0, "alpha_s": 1.0, "sigma_s": 1.0, "eta": 0.0}
    expected = ddim_step(lambda x: -2.0 * score(x), X, Z, **levels)
    np.testing.assert_allclose(got, expected, rtol=16 * U, atol=8 * U)


def test_ancestral_sampling_is_one_share():  # (CAS.2)
    got = consistent_annealed_step(score, X, Z, sigma=2.0, sigma_next=1.0, eta=0.75)
    np.testing.assert_allclose(got, ancestral_ve_step(score, X, Z, sigma_t=2.0, sigma_s=1.0), rtol=16 * U, atol=8 * U)


def test_denoise_and_noise_anew():  # (CAS.2)
    got = consistent_annealed_step(score, X, Z, sigma=2.0, sigma_next=1.0, eta=1.0)
    np.testing.assert_allclose(got, TARGET.denoise(X, alpha=1.0, sigma=2.0) + Z, rtol=16 * U, atol=16 * U)


def test_the_papers_letters():
    """β² σ'² with β² = 1 - (1 - η)²/γ², γ = σ'/σ."""
    gamma = 0.6 / 2.0
    assert abs(added_variance(2.0, 0.6, 0.8) - (1 - 0.2**2 / gamma**2) * 0.36) <= 16 * U


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
def test_order_one_where_the_share_follows_the_levels(power):
    counts = (50, 100, 200, 400)
    errors = []
    for n in counts:
        sigmas = np.geomspace(3.0, 0.5, n + 1)  # uniform in log SNR
        sampler = consistent_annealed(sigmas, eta=1 - (sigmas[1] / sigmas[0]) ** power)
        law = rs.exact.law(sampler, TARGET, TARGET.perturb(1.0, 3.0))
        errors.append(rs.exact.wasserstein2(law, TARGET.perturb(1.0, 0.5)))
    found = rs.exact.order_of(errors, counts)
    assert abs(found.value - 1) <= 0.02, found


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"\|1 - η\| σ = 1.4, more than the next level 1"):
        consistent_annealed_step(score, X, Z, sigma=2.0, sigma_next=1.0, eta=0.3)
    with pytest.raises(ValueError, match=r"expected \|1 - η\| σ ≤ σ'"):
        consistent_annealed(SIGMAS, eta=0.2)
    with pytest.raises(ValueError, match=r"\|1 - η\| σ = 1.8, more than the next level 1"):
        consistent_annealed_step(score, X, Z, sigma=2.0, sigma_next=1.0, eta=1.9)
    with pytest.raises(ValueError, match="do not descend"):
        consistent_annealed([1.0, 2.0], eta=0.5)
    with pytest.raises(ValueError, match=r"eta has shape \(2,\); expected \(\) or \(4,\)"):
        consistent_annealed(SIGMAS, eta=[0.9, 0.9])
    with pytest.raises(ValueError, match=r"eta is 0\.0"):
        consistent_annealed(SIGMAS, eta=0.0)


def test_where_a_run_starts_and_stops():
    sampler = consistent_annealed([2.0, 1.0, 0.0], eta=1.0)
    assert (sampler.start, sampler.stop, sampler.prior_scale, sampler.n_steps) == ((1.0, 2.0), (1.0, 0.0), 2.0, 2)
