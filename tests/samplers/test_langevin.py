"""samplers/langevin.py: its biased law in closed form, its order, faults."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions, step_map
from refscore.exact.closed_forms import langevin_variance
from refscore.samplers import Sampler, langevin_step, noisy_score
from tests.samplers.laws import TARGET, VALUES, VECTORS, U, by_recursion

START = rs.targets.gaussian([5.0, 5.0], 1.0)


def run(sampler, steps):
    law = START
    step = step_map(sampler, noisy_score(TARGET), 0, 2)
    for _ in range(steps):
        law = step.push(law)
    return law


def check_closed_form(sampler, step_size, steps):
    """W2 to (REC.4), to 1e-12 of the size of the law; the contraction forgets rounding, so a few u is what is left."""
    law = run(sampler, steps)
    start = np.diag(VECTORS.T @ START.cov @ VECTORS)
    variance = langevin_variance(VALUES, step_size=step_size, steps=steps, start_variance=start)
    decay = (1 - step_size / (2 * VALUES)) ** steps
    mean = VECTORS.T @ TARGET.mean + decay * (VECTORS.T @ (START.mean - TARGET.mean))
    cov = (VECTORS * variance) @ VECTORS.T
    expected = rs.targets.gaussian(VECTORS @ mean, 0.5 * (cov + cov.T))
    assert rs.exact.wasserstein2(law, expected) <= 1e-12 * np.sqrt(np.trace(cov) + mean @ mean)


@pytest.mark.parametrize("steps", [1, 7, 400])
@pytest.mark.parametrize("step_size", [0.01, 0.3, 1.5])  # stable below 4 min ℓ = 1.85
def test_law_in_closed_form(step_size, steps):  # (ULA.1) against (REC.4)
    check_closed_form(rs.samplers.langevin(step_size), step_size, steps)


def test_stationary_law():  # (ULA.2), by the fixed point of the step's own map: C = M C Mᵀ + N Nᵀ
    step = step_map(rs.samplers.langevin(0.3), noisy_score(TARGET), 0, 2)
    biased = (VECTORS * (VALUES / (1 - 0.3 / (4 * VALUES)))) @ VECTORS.T
    np.testing.assert_allclose(step.matrix @ biased @ step.matrix.T + step.noise_cov, biased, atol=16 * U)
    np.testing.assert_allclose(rs.exact.law(rs.samplers.langevin(0.3), TARGET, steps=10**6).cov, biased, rtol=64 * U)


def test_published_variance_of_the_toy_of_ncsn():
    """Step 0.1 at unit covariance: components of variance 1/(1 - 0.1/4); 40 000 samples say 1.026 to 1.035."""
    unit = rs.targets.gaussian([5.0, 5.0], 1.0)
    law = rs.exact.law(rs.samplers.langevin(0.1), unit, steps=1000)
    assert f"{law.cov[0, 0]:.4f}" == "1.0256"


def test_weak_order_is_one():  # against the exact Ornstein-Uhlenbeck flow over unit time
    decay = (VECTORS * np.exp(-0.5 / VALUES)) @ VECTORS.T
    cov = TARGET.cov + decay @ (START.cov - TARGET.cov) @ decay.T
    exact = rs.targets.gaussian(TARGET.mean + decay @ (START.mean - TARGET.mean), 0.5 * (cov + cov.T))
    counts = (64, 128, 256, 512)
    laws = [rs.exact.law(rs.samplers.langevin(1.0 / n), TARGET, START, steps=n) for n in counts]
    found = rs.exact.order_of([rs.exact.wasserstein2(law, exact) for law in laws], counts)
    assert abs(found.value - 1) <= 0.02, found


# ---- faults


def score_after_noise(score, x, noise, *, step_size):
    x = x + np.sqrt(step_size) * noise
    return x + 0.5 * step_size * score(x)


FAULTS = {
    "noise scaled by the step, not its root": lambda s, x, z, step_size: x + 0.5 * step_size * s(x) + step_size * z,
    "drift not halved": lambda s, x, z, step_size: x + step_size * s(x) + np.sqrt(step_size) * z,
    "the other convention": lambda s, x, z, step_size: x + step_size * s(x) + np.sqrt(2 * step_size) * z,
    "noise not rooted of two": lambda s, x, z, step_size: x + 0.5 * step_size * s(x) + np.sqrt(2 * step_size) * z,
    "score taken after the noise": score_after_noise,
    "sign of the score": lambda s, x, z, step_size: x - 0.5 * step_size * s(x) + np.sqrt(step_size) * z,
}


def sampler_of(step):
    def taken(score, x, k, noise):
        return step(lambda y: score(y, 1.0, 0.0), x, noise, step_size=0.25)

    return Sampler("fault", None, 1, 1.0, None, None, taken)


def test_the_reference_passes_where_the_faults_fail():
    check_closed_form(sampler_of(langevin_step), 0.25, 3)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_law_sees_the_fault(fault):
    with pytest.raises(AssertionError):
        check_closed_form(sampler_of(fault), 0.25, 3)


def test_the_other_convention_is_this_one_with_twice_the_step():
    x, z = np.array([[1.0, -2.0]]), np.array([[0.5, 1.0]])
    other = FAULTS["the other convention"](np.sin, x, z, 0.1)
    np.testing.assert_allclose(langevin_step(np.sin, x, z, step_size=0.2), other, rtol=8 * U)


def test_recursion_and_law_agree_on_the_way():  # (REC.3)
    law = rs.exact.law(rs.samplers.langevin(0.25), TARGET, START, steps=5)
    expected = by_recursion(recursions.langevin(VALUES, step_size=0.25, steps=5), START)
    assert rs.exact.wasserstein2(law, expected) <= 1e-14


@pytest.mark.parametrize("step_size", [0.0, -1.0, [0.1, 0.2]])
def test_bad_step_size_is_refused(step_size):
    with pytest.raises(ValueError, match="step_size"):
        langevin_step(np.negative, [[1.0]], [[1.0]], step_size=step_size)
    with pytest.raises(ValueError, match="step_size"):
        rs.samplers.langevin(step_size)
