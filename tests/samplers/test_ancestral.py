"""samplers/ancestral.py: the posterior by conditioning a joint Gaussian, laws, orders, faults."""

from functools import partial

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refscore as rs
from refscore.exact import recursions
from refscore.exact.closed_forms import telescoped_variance
from refscore.samplers import ancestral_ve_step, ancestral_vp_step, large_variance, small_variance
from tests.samplers.laws import SPANS, TARGET, U, bound, check_law, check_order, law_gap, marginal

SMALL, LARGE = (
    (partial(rs.samplers.ancestral_vp, variance=v), partial(recursions.ancestral_vp, noise=v))
    for v in (small_variance, large_variance)
)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize(("make", "recursion"), [SMALL, LARGE], ids=["small", "large"])
def test_law_by_a_second_route(make, recursion, span):  # (ANC.3) against (REC.8)
    check_law(make, recursion, span)


@pytest.mark.parametrize("span", [SPANS["VE"], SPANS["EDM"]], ids=["VE", "EDM"])
def test_law_of_the_ve_form(span):  # (ANC.6) against (REC.8) with α = 1
    check_law(rs.samplers.ancestral_ve, SMALL[1], span)


@pytest.mark.parametrize("span", [SPANS["VP"], SPANS["Flow"]], ids=["VP", "Flow"])
@pytest.mark.parametrize("make", [SMALL[0], LARGE[0]], ids=["small", "large"])
def test_weak_order_is_one(make, span):
    check_order(make, span, 1)


@pytest.mark.parametrize("span", [SPANS["VE"], SPANS["EDM"]], ids=["VE", "EDM"])
def test_weak_order_of_the_ve_form_is_one(span):
    check_order(rs.samplers.ancestral_ve, span, 1)


@given(
    st.floats(0.05, 0.95),
    st.floats(0.05, 3.0),
    st.floats(0.01, 0.99),
    st.floats(0.0, 0.99),
    st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
)
def test_posterior_by_conditioning_the_joint_law(
    alpha_t, sigma_t, a, share, numbers
):  # (ANC.1) (ANC.2) (ANC.4) (ANC.5)
    """x_s = α_s x0 + σ_s ε, x_t = a x_s + b ε': condition x_s on x_t at 50 digits, given x0."""
    alpha_s, sigma_s = alpha_t / a, share * sigma_t / a
    x0, x = numbers
    with mpmath.workdps(50):
        at, st_, as_, ss = map(mpmath.mpf, (alpha_t, sigma_t, alpha_s, sigma_s))
        ratio = at / as_
        b2 = st_**2 - ratio**2 * ss**2
        gain = ratio * ss**2 / st_**2
        mean = as_ * x0 + gain * (x - at * x0)
        variance = ss**2 - gain * ratio * ss**2
        tau = float(b2 / st_**2)
        mean, variance, b2 = float(mean), float(variance), float(b2)
    levels = (alpha_t, sigma_t, alpha_s, sigma_s)
    # τ = (1 - r)(1 + r), and r carries 3 roundings: relative to τ they weigh 6 r²/τ
    for got, wanted in ((small_variance(*levels), variance), (large_variance(*levels), b2)):
        assert abs(float(got) - wanted) <= (8 + 8 / tau) * U * abs(wanted)

    def score(y):  # of x_t given x0: with it the predicted data are x0 itself
        return -(y - alpha_t * x0) / sigma_t**2

    keys = ("alpha_t", "sigma_t", "alpha_s", "sigma_s")
    step = ancestral_vp_step(score, [x], [1.0], **dict(zip(keys, levels, strict=True)), variance=0.25)
    size = (abs(x) + abs(alpha_t * x0)) / a + 0.5
    assert abs(step[0] - (mean + 0.5)) <= 32 * U * size / min(tau, 1.0)


def test_the_ve_form_is_the_general_one():  # (ANC.6) is (ANC.3) with α = 1 and the small variance
    x, z = np.array([[3.0, -1.0]]), np.array([[0.5, 2.0]])
    at = {"alpha_t": 1.0, "sigma_t": 2.0, "alpha_s": 1.0, "sigma_s": 1.5}
    general = ancestral_vp_step(np.sin, x, z, **at, variance=small_variance(**at))
    np.testing.assert_allclose(ancestral_ve_step(np.sin, x, z, sigma_t=2.0, sigma_s=1.5), general, rtol=8 * U)


def test_unit_data_on_a_preserving_path_are_a_fixed_point():  # large variance: a² 1 + b² = 1
    path = rs.paths.DiscreteVP(np.linspace(1e-4, 0.02, 400))
    unit = rs.targets.gaussian([0.0, 0.0], 1.0)
    law = rs.exact.law(LARGE[0](path, np.linspace(1, 0, 401)), unit)
    assert np.abs(law.cov - np.eye(2)).max() <= 4 * 400 * U


def test_small_variance_telescopes():  # (REC.5), a third route
    path, first, last = SPANS["VP"]
    times, values = np.linspace(first, last, 33), np.array([1e-3, 0.25, 7.0])
    alpha, sigma = path.alpha(times), path.sigma(times)
    noise = small_variance(alpha[:-1], sigma[:-1], alpha[1:], sigma[1:])
    sums = telescoped_variance(values, noise, alphas=alpha, sigmas=sigma, start_variance=1.0)
    law = rs.exact.law(SMALL[0](path, times), rs.targets.gaussian(np.zeros(3), values))
    # 33 steps of ten roundings; 1/τ ≤ 15 of them in b², which is a difference
    np.testing.assert_allclose(np.diag(law.cov), sums, rtol=33 * 10 * 15 * U)


# ---- faults


def _levels(path, t, s):
    return {"alpha_t": path.alpha(t), "sigma_t": path.sigma(t), "alpha_s": path.alpha(s), "sigma_s": path.sigma(s)}


def step_with(variance, change=lambda at: at):
    def step(score, x, t, s, noise, *, path):
        at = change(_levels(path, t, s))
        return ancestral_vp_step(lambda y: score(y, t), x, noise, **at, variance=variance(**at))

    return step


def beta_of_the_level(alpha_t, sigma_t, alpha_s, sigma_s):
    return 1 - alpha_t**2


def without_root(alpha_t, sigma_t, alpha_s, sigma_s):
    return small_variance(alpha_t, sigma_t, alpha_s, sigma_s) ** 2


def score_after_noise(score, x, t, s, noise, *, path):
    at = _levels(path, t, s)
    moved = x + np.sqrt(small_variance(**at)) * noise
    return ancestral_vp_step(lambda y: score(y, t), moved, 0 * noise, **at, variance=0.0)


FAULTS = {
    "β in the place of β̃": step_with(large_variance),
    "1 - ᾱ_t in the place of β": step_with(beta_of_the_level),
    "variance in the place of its root": step_with(without_root),
    "score taken after the noise": score_after_noise,
    "previous level by a constant stride": step_with(
        small_variance, lambda at: {**at, "alpha_s": 1.01 * at["alpha_s"], "sigma_s": 0.99 * at["sigma_s"]}
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_law_sees_the_fault(fault):
    with pytest.raises(AssertionError):
        check_law(bound(fault, 1), SMALL[1], SPANS["VP"])


@pytest.mark.parametrize(
    "name", ["1 - ᾱ_t in the place of β", "variance in the place of its root", "previous level by a constant stride"]
)
def test_order_sees_the_fault_that_has_another_limit(name):
    with pytest.raises(AssertionError):
        check_order(bound(FAULTS[name], 1), SPANS["VP"], 1)


def test_the_mean_is_exact_at_any_number_of_steps():
    path, first, last = SPANS["VP"]
    for n in (1, 3, 10):
        law = rs.exact.law(SMALL[0](path, np.linspace(first, last, n + 1)), TARGET, marginal(path, first))
        assert np.abs(law.mean - marginal(path, last).mean).max() <= 64 * U * np.abs(TARGET.mean).max()


# ---- arguments


def test_bad_arguments_are_named():
    x = np.zeros((4, 3))
    at = {"alpha_t": 0.6, "sigma_t": 0.8, "alpha_s": 0.8, "sigma_s": 0.6}
    with pytest.raises(ValueError, match=r"variance is -1.0; expected variance >= 0"):
        ancestral_vp_step(np.negative, x, x, **at, variance=-1)
    with pytest.raises(ValueError, match=r"sigma_t is 0.0; expected sigma_t > 0"):
        ancestral_vp_step(np.negative, x, x, **{**at, "sigma_t": 0}, variance=0)
    with pytest.raises(ValueError, match=r"the step goes up: from σ/α = 1.33333 to 1.375"):
        ancestral_vp_step(np.negative, x, x, **{**at, "sigma_s": 1.1}, variance=0)
    with pytest.raises(ValueError, match=r"alpha_t has shape \(3,\); expected \(\) or the batch shape \(4,\)"):
        ancestral_vp_step(np.negative, x, x, **{**at, "alpha_t": np.full(3, 0.6)}, variance=0)
    with pytest.raises(ValueError, match="expected 1 everywhere: use ancestral_vp"):
        rs.samplers.ancestral_ve(rs.paths.VP(), [0.9, 0.1])


def test_the_gap_of_equal_samplers_is_zero():  # the check itself: two routes that are one give 0, not a tolerance
    path, first, _ = SPANS["VP"]
    times = np.linspace(first, 0.05, 5)
    gap = law_gap(SMALL[0](path, times), SMALL[1](np.linalg.eigvalsh(TARGET.cov), path, times), marginal(path, first))
    assert gap <= 200 * U
