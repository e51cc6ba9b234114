"""samplers/ddim.py: laws, orders, its two limits, faults."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.samplers import ancestral_vp_step, ddim_step, small_variance
from tests.samplers.laws import SPANS, TARGET, U, bound, check_law, check_order, marginal

AT = {"alpha_t": 0.6, "sigma_t": 0.8, "alpha_s": 0.8, "sigma_s": 0.6}


def ddim(eta):
    return partial(rs.samplers.ddim, eta=eta), partial(recursions.ddim, eta=eta)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_law_by_a_second_route(eta, span):  # (DDIM.2) against (REC.9)
    check_law(*ddim(eta), span)


@pytest.mark.parametrize("span", [SPANS[k] for k in ("VP", "VE", "Flow")], ids=["VP", "VE", "Flow"])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_order_is_one(eta, span):
    check_order(ddim(eta)[0], span, 1)


def test_one_step_to_the_data_is_tweedie():
    """x_s = x̂_0: from the exact marginal the law is that of the posterior mean, N(m, α² Σ (α² Σ + σ² I)⁻¹ Σ)."""
    path = rs.paths.EDM()
    law = rs.exact.law(rs.samplers.ddim(path, [2.0, 0.0]), TARGET, marginal(path, 2.0))
    expected = TARGET.cov @ np.linalg.solve(TARGET.cov + 4 * np.eye(2), TARGET.cov)
    np.testing.assert_allclose(law.mean, TARGET.mean, atol=16 * U)
    np.testing.assert_allclose(law.cov, expected, atol=64 * U)


def test_eta_one_is_ancestral_sampling_with_the_small_variance():
    x, z = np.array([[1.0, -3.0]]), np.array([[0.5, 2.0]])
    got = ddim_step(lambda y: -0.8 * np.sin(y), x, z, **AT, eta=1.0)
    np.testing.assert_allclose(got, ancestral_vp_step(np.sin, x, z, **AT, variance=small_variance(**AT)), rtol=16 * U)


def test_eta_zero_is_euler_in_sigma_over_alpha():  # y = x/α, ρ = σ/α: y_s = y_t + (ρ_s - ρ_t) ε̂
    x = np.array([[1.0, -3.0]])
    got = ddim_step(np.sin, x, **AT)
    np.testing.assert_allclose(got, 0.8 * (x / 0.6 + (0.6 / 0.8 - 0.8 / 0.6) * np.sin(x)), rtol=16 * U)


def test_steps_without_noise_add_up_for_a_point_mass():
    """The noise predicted for one data point is constant along the flow, so two steps are one."""
    score_of = lambda a, s: lambda y: (y - a * 3.0) / s  # noqa: E731
    x = np.array([[2.0]])
    middle = ddim_step(score_of(0.6, 0.8), x, **AT)
    twice = ddim_step(score_of(0.8, 0.6), middle, alpha_t=0.8, sigma_t=0.6, alpha_s=1.0, sigma_s=0.0)
    once = ddim_step(score_of(0.6, 0.8), x, alpha_t=0.6, sigma_t=0.8, alpha_s=1.0, sigma_s=0.0)
    np.testing.assert_allclose(twice, once, rtol=16 * U)
    np.testing.assert_allclose(once, [[3.0]], rtol=16 * U)


# ---- faults


def faulty(change):
    def step(score, x, t, s, noise, *, path):
        at = {"alpha_t": path.alpha(t), "sigma_t": path.sigma(t), "alpha_s": path.alpha(s), "sigma_s": path.sigma(s)}
        return change(lambda y: -path.sigma(t) * score(y, t), x, noise, path=path, t=t, s=s, **at)

    return step


def eta_as_variance(predict, x, noise, *, path, t, s, **at):
    return ddim_step(predict, x, noise, **at, eta=np.sqrt(0.3))


def previous_by_stride(predict, x, noise, *, path, t, s, **at):
    before = max(s - 0.02, 0.0)
    return ddim_step(predict, x, noise, **{**at, "alpha_s": path.alpha(before), "sigma_s": path.sigma(before)}, eta=0.3)


def direction_keeps_all_noise(predict, x, noise, *, path, t, s, alpha_t, sigma_t, alpha_s, sigma_s):
    eps, ratio = predict(x), alpha_t * sigma_s / (alpha_s * sigma_t)
    data = (x - sigma_t * eps) / alpha_t
    return alpha_s * data + sigma_s * eps + 0.3 * sigma_s * np.sqrt(1 - ratio**2) * noise


def noise_of_the_first_level(predict, x, noise, *, path, t, s, alpha_t, sigma_t, alpha_s, sigma_s):
    eps, tau = predict(x), 1 - (alpha_t * sigma_s / (alpha_s * sigma_t)) ** 2
    data = (x - sigma_t * eps) / alpha_t
    return alpha_s * data + sigma_s * np.sqrt(1 - 0.09 * tau) * eps + 0.3 * sigma_t * np.sqrt(tau) * noise


def data_as_noise(predict, x, noise, *, path, t, s, alpha_t, sigma_t, alpha_s, sigma_s):
    data = (x - sigma_t * predict(x)) / alpha_t  # a prediction of the data, used as if it were noise
    return ddim_step(
        lambda _: data, x, noise, alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s, eta=0.3
    )


FAULTS = {
    "η multiplies the variance": eta_as_variance,
    "previous time by stride": previous_by_stride,
    "direction not shortened by the noise": direction_keeps_all_noise,
    "noise at the first level's scale": noise_of_the_first_level,
    "data used as noise": data_as_noise,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_law_sees_the_fault(fault):
    with pytest.raises(AssertionError):
        check_law(bound(faulty(fault), 1), ddim(0.3)[1], SPANS["VP"])


@pytest.mark.parametrize(
    "name", ["previous time by stride", "direction not shortened by the noise", "data used as noise"]
)
def test_order_sees_the_fault_that_has_another_limit(name):
    with pytest.raises(AssertionError):
        check_order(bound(faulty(FAULTS[name]), 1), SPANS["VP"], 1)


def test_previous_time_by_stride_moves_the_mean():  # the cheapest check of all
    path, first, last = SPANS["VP"]
    times = np.linspace(first, last, 8)
    for make, moved in ((ddim(0.3)[0], False), (bound(faulty(previous_by_stride), 1), True)):
        law = rs.exact.law(make(path, times), TARGET, marginal(path, first))
        gap = np.abs(law.mean - marginal(path, last).mean).max()
        assert (gap > 1e-3) if moved else (gap <= 64 * U)


# ---- arguments


def test_noise_is_needed_only_if_it_is_used():
    x = np.zeros((2, 3))
    assert rs.samplers.ddim(rs.paths.VP(), [0.9, 0.1]).draws == 0
    assert rs.samplers.ddim(rs.paths.VP(), [0.9, 0.1], eta=0.5).draws == 1
    with pytest.raises(
        ValueError, match=r"noise is None; expected standard normals of shape \(2, 3\), since eta is 0.5"
    ):
        ddim_step(np.sin, x, **AT, eta=0.5)


def test_eta_out_of_range_is_refused():
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"eta is -0.5; expected eta >= 0"):
        ddim_step(np.sin, x, x, **AT, eta=-0.5)
    with pytest.raises(ValueError, match=r"eta is 1.3; expected η² τ ≤ 1, and τ reaches 0.68"):
        ddim_step(np.sin, x, x, **AT, eta=1.3)


def test_a_level_belongs_to_its_sample():
    x, z = np.arange(9.0).reshape(3, 3), np.ones((3, 3))
    t, s = np.array([0.9, 0.6, 0.3]), np.array([0.8, 0.3, 0.1])
    at = {"alpha_t": 1 - t, "sigma_t": t, "alpha_s": 1 - s, "sigma_s": s}
    together = ddim_step(np.sin, x, z, **at, eta=0.5)
    alone = [ddim_step(np.sin, x[i], z[i], **{k: v[i] for k, v in at.items()}, eta=0.5) for i in range(3)]
    np.testing.assert_array_equal(together, alone)
