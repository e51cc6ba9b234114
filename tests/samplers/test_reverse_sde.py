"""samplers/reverse_sde.py: laws, orders, faults, and the released code's published variances."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.exact.closed_forms import telescoped_variance
from refscore.samplers import euler_maruyama_step, reverse_diffusion_step
from tests.samplers.laws import SPANS, U, bound, check_law, check_order

EM = (rs.samplers.euler_maruyama, recursions.euler_maruyama)
RD = (rs.samplers.reverse_diffusion, recursions.reverse_diffusion)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize(("make", "recursion"), [EM, RD], ids=["EM", "RD"])
def test_law_by_a_second_route(make, recursion, span):  # (EM.1) (RD.1) against (REC.6) (REC.7)
    check_law(make, recursion, span)


@pytest.mark.parametrize("span", [SPANS[k] for k in ("VP", "VE", "EDM", "Cosine")], ids=["VP", "VE", "EDM", "Cosine"])
@pytest.mark.parametrize("make", [EM[0], RD[0]], ids=["EM", "RD"])
def test_weak_order_is_one(make, span):
    check_order(make, span, 1)


def test_reverse_diffusion_telescopes_where_alpha_is_one():  # (REC.5), a third route
    path, first, last = SPANS["VE"]
    times, values = np.linspace(first, last, 33), np.array([1e-3, 0.25, 7.0])
    sigmas = path.sigma(times)
    target, start = rs.targets.gaussian(np.zeros(3), values), rs.targets.gaussian(np.zeros(3), 90.0)
    law = rs.exact.law(rs.samplers.reverse_diffusion(path, times), target, start)
    # The telescope cancels nothing: every term is positive, and its factors carry 2n roundings.
    sums = telescoped_variance(
        values, sigmas[:-1] ** 2 - sigmas[1:] ** 2, alphas=np.ones(33), sigmas=sigmas, start_variance=90.0
    )
    # σ_t² - σ_s² is a difference: 1/(1 - ratio²) of a rounding, here at most 1/(1 - (10/0.1)^(-0.5·2/32)) = 8.
    np.testing.assert_allclose(np.diag(law.cov), sums, rtol=32 * 8 * U)


def test_reverse_diffusion_is_the_published_form():  # VP: (2 - √(1-β)) x + β s + √β z; VE: σ_t² - σ_s²
    betas = np.linspace(1e-4, 0.02, 10)
    path, score = rs.paths.DiscreteVP(betas), lambda x, t: -2 * x + 1
    x, z = np.array([[1.5, -2.0]]), np.array([[0.5, 1.0]])
    got = reverse_diffusion_step(score, x, 0.4, 0.3, z, path=path)
    beta = betas[3]
    wanted = (2 - np.sqrt(1 - beta)) * x + beta * (-2 * x + 1) + np.sqrt(beta) * z
    # β is recovered from σ_t² τ: τ = 1 - ratio² magnifies roundings of the levels by 1/τ, here ᾱ's by σ_t²/β < 6
    np.testing.assert_allclose(got, wanted, rtol=64 * U)


# ---- faults: people make each of these; each must be seen by the check of the law, or of the order


def em_unsquared(score, x, t, s, noise, *, path):
    h, f, g = t - s, path.drift_rate(t), path.diffusion(t)
    return x - h * (f * x - g * score(x, t)) + g * np.sqrt(h) * noise


def em_noise_by_step(score, x, t, s, noise, *, path):
    h, f, g = t - s, path.drift_rate(t), path.diffusion(t)
    return x - h * (f * x - g**2 * score(x, t)) + g * h * noise


def em_flow_drift(score, x, t, s, noise, *, path):
    h, f, g = t - s, path.drift_rate(t), path.diffusion(t)
    return x - h * (f * x - 0.5 * g**2 * score(x, t)) + g * np.sqrt(h) * noise


def em_forward_sign(score, x, t, s, noise, *, path):
    h, f, g = t - s, path.drift_rate(t), path.diffusion(t)
    return x + h * (f * x + g**2 * score(x, t)) + g * np.sqrt(h) * noise


def em_score_after_noise(score, x, t, s, noise, *, path):
    h, f, g = t - s, path.drift_rate(t), path.diffusion(t)
    moved = x + g * np.sqrt(h) * noise
    return moved - h * (f * x - g**2 * score(moved, t))


def em_score_at_the_end(score, x, t, s, noise, *, path):
    return euler_maruyama_step(lambda y, _: score(y, s), x, t, s, noise, path=path)


WRONG_LIMIT = {
    "g instead of g²": em_unsquared,
    "noise scaled by the step, not its root": em_noise_by_step,
    "the flow's ½ g² with the SDE's noise": em_flow_drift,
}
WRONG_LAW = {
    **WRONG_LIMIT,
    "sign of the linear drift": em_forward_sign,
    "score taken after the noise": em_score_after_noise,
    "score at the end of the step": em_score_at_the_end,
}


@pytest.mark.parametrize("fault", WRONG_LAW.values(), ids=WRONG_LAW)
def test_law_sees_the_fault(fault):
    with pytest.raises(AssertionError):
        check_law(bound(fault, 1), EM[1], SPANS["VP"])


@pytest.mark.parametrize("fault", WRONG_LIMIT.values(), ids=WRONG_LIMIT)
def test_order_sees_the_fault_that_has_another_limit(fault):
    with pytest.raises(AssertionError):
        check_order(bound(fault, 1), SPANS["VP"], 1)


def rd_forward_factor(score, x, t, s, noise, *, path):
    a, b2 = _transition(path, t, s)
    return a * x + b2 * score(x, t) + np.sqrt(b2) * noise


def rd_unsquared(score, x, t, s, noise, *, path):
    a, b2 = _transition(path, t, s)
    return (2 - a) * x + np.sqrt(b2) * score(x, t) + np.sqrt(b2) * noise


def rd_difference_of_squares(score, x, t, s, noise, *, path):
    a, _ = _transition(path, t, s)
    b2 = path.sigma(t) ** 2 - path.sigma(s) ** 2
    return (2 - a) * x + b2 * score(x, t) + np.sqrt(b2) * noise


def _transition(path, t, s):
    a = path.alpha(t) / path.alpha(s)
    return a, path.sigma(t) ** 2 - a**2 * path.sigma(s) ** 2


RD_FAULTS = {
    "a instead of 2 - a": rd_forward_factor,
    "b instead of b² on the score": rd_unsquared,
    "σ_t² - σ_s² where α is not 1": rd_difference_of_squares,
}


@pytest.mark.parametrize("fault", RD_FAULTS.values(), ids=RD_FAULTS)
def test_reverse_diffusion_faults_are_seen_twice(fault):
    with pytest.raises(AssertionError):
        check_law(bound(fault, 1), RD[1], SPANS["VP"])
    with pytest.raises(AssertionError):
        check_order(bound(fault, 1), SPANS["VP"], 1)


# ---- arguments


@pytest.mark.parametrize("step", [euler_maruyama_step, reverse_diffusion_step])
def test_a_time_belongs_to_its_sample(step):  # batch = d on purpose: t · x would broadcast without a word
    path, x, z = rs.paths.VP(), np.arange(9.0).reshape(3, 3), np.ones((3, 3))
    t, s = np.array([0.3, 0.6, 0.9]), np.array([0.2, 0.4, 0.6])
    together = step(lambda y, _: -y, x, t, s, z, path=path)
    alone = [step(lambda y, _: -y, x[i], t[i], s[i], z[i], path=path) for i in range(3)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("step", [euler_maruyama_step, reverse_diffusion_step])
def test_bad_arguments_are_named(step):
    path, x, score = rs.paths.VP(), np.zeros((4, 3)), lambda y, _: -y
    with pytest.raises(ValueError, match=r"t has shape \(3,\); expected \(\) or the batch shape \(4,\) of x"):
        step(score, x, np.full(3, 0.5), 0.1, x, path=path)
    with pytest.raises(ValueError, match=r"s reaches t: t = 0.5, s = 0.75"):
        step(score, x, 0.5, 0.75, x, path=path)
    with pytest.raises(ValueError, match=r"noise has shape \(4,\); expected \(4, 3\)"):
        step(score, x, 0.5, 0.1, np.zeros(4), path=path)
    with pytest.raises(ValueError, match=r"score\(x, t\) has shape \(4,\); expected \(4, 3\)"):
        step(lambda y, _: y[:, 0], x, 0.5, 0.1, x, path=path)
    with pytest.raises(ValueError, match="outside"):
        step(score, x, 1.5, 0.1, x, path=path)


def test_lists_and_integers_are_taken():
    assert euler_maruyama_step(lambda x, t: -x, [[1, 0]], 1, 0.5, [[0, 0]], path=rs.paths.VP()).shape == (1, 2)
