"""samplers/dpm_solver.py: orders, the formulas of the papers in their own letters, faults, k-diffusion."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    data_form,
    dpm_solver_1_step,
    dpm_solver_2,
    dpm_solver_2_step,
    dpm_solver_3,
    dpm_solver_3_step,
    noise_form,
)
from tests.samplers.laws import TARGET, U
from tests.samplers.solvers import MIXTURE, SPANS, check_order, levels

FORMS = pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
VP = rs.paths.VP()
X = np.array([[1.0, -3.0]])


def lambda_of(t):
    return float(np.log(VP.alpha(t) / VP.sigma(t)))


def noise(x, t):
    return -VP.sigma(t) * np.sin(x + t)


def data(x, t):
    return (x - VP.sigma(t) * noise(x, t)) / VP.alpha(t)


def score(x, t):
    return np.sin(x + t)


@FORMS
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_order(form, span):
    for r1 in (0.5, 0.3, 1.0)[: 3 if span is SPANS["VP"] else 1]:
        check_order(lambda p, t: dpm_solver_2(p, t, form=form, r1=r1), span, 2)  # noqa: B023
    parts = ((1 / 3, 2 / 3, 3), (0.5, 2 / 3, 3), (1 / 3, 0.5, 2), (0.5, 1.0, 2))
    for r1, r2, published in parts[: 4 if span is SPANS["VP"] else 1]:
        check_order(lambda p, t: dpm_solver_3(p, t, form=form, r1=r1, r2=r2), span, published)  # noqa: B023


@FORMS
def test_order_on_a_mixture(form):
    points = np.array([[0.5, -1.0], [-1.5, 0.3]])
    options = {"target": MIXTURE, "points": points}
    check_order(lambda p, t: dpm_solver_2(p, t, form=form), SPANS["Flow"], 2, (25, 50, 100, 200), **options)
    check_order(lambda p, t: dpm_solver_3(p, t, form=form), SPANS["Flow"], 3, (25, 50, 100, 200), **options)


def test_the_noise_form_in_the_letters_of_the_paper():  # DPM-Solver, Algorithms 4 and 5; (DPM.1) to (DPM.7)
    t, s, r1, r2 = 0.6, 0.4, 0.4, 0.7
    h = lambda_of(s) - lambda_of(t)
    a, sg = VP.alpha, VP.sigma
    e = noise(X, t)
    s1, s2 = (float(VP.time(lambda_of(t) + r * h)) for r in (r1, r2))
    first = a(s) / a(t) * X - sg(s) * np.expm1(h) * e
    u = a(s1) / a(t) * X - sg(s1) * np.expm1(r1 * h) * e
    second = a(s) / a(t) * X - sg(s) * np.expm1(h) * e - sg(s) / (2 * r1) * np.expm1(h) * (noise(u, s1) - e)
    d1 = noise(u, s1) - e
    u2 = a(s2) / a(t) * X - sg(s2) * np.expm1(r2 * h) * e - sg(s2) * r2 / r1 * (np.expm1(r2 * h) / (r2 * h) - 1) * d1
    third = a(s) / a(t) * X - sg(s) * np.expm1(h) * e - sg(s) / r2 * (np.expm1(h) / h - 1) * (noise(u2, s2) - e)
    at = {"path": VP, "form": noise_form}
    np.testing.assert_allclose(dpm_solver_1_step(score, X, t, s, **at), first, rtol=64 * U)
    np.testing.assert_allclose(dpm_solver_2_step(score, X, t, s, **at, r1=r1), second, rtol=64 * U)
    np.testing.assert_allclose(dpm_solver_3_step(score, X, t, s, **at, r1=r1, r2=r2), third, rtol=64 * U)


def test_the_data_form_in_the_letters_of_the_paper():  # DPM-Solver++, Algorithm 1, and the code's third order
    t, s, r1, r2 = 0.6, 0.4, 0.4, 0.7
    h = lambda_of(s) - lambda_of(t)
    a, sg = VP.alpha, VP.sigma
    m = data(X, t)
    s1, s2 = (float(VP.time(lambda_of(t) + r * h)) for r in (r1, r2))
    u = sg(s1) / sg(t) * X + a(s1) * (1 - np.exp(-r1 * h)) * m
    blend = (1 - 1 / (2 * r1)) * m + 1 / (2 * r1) * data(u, s1)
    second = sg(s) / sg(t) * X - a(s) * np.expm1(-h) * blend
    phi_12, phi_1 = np.expm1(-r2 * h), np.expm1(-h)
    phi_22, phi_2 = phi_12 / (r2 * h) + 1, phi_1 / h + 1
    u2 = sg(s2) / sg(t) * X - a(s2) * phi_12 * m + r2 / r1 * a(s2) * phi_22 * (data(u, s1) - m)
    third = sg(s) / sg(t) * X - a(s) * phi_1 * m + 1 / r2 * a(s) * phi_2 * (data(u2, s2) - m)
    np.testing.assert_allclose(dpm_solver_2_step(score, X, t, s, path=VP, r1=r1), second, rtol=256 * U)
    np.testing.assert_allclose(dpm_solver_3_step(score, X, t, s, path=VP, r1=r1, r2=r2), third, rtol=256 * U)


def test_the_first_order_is_ddim():
    at = {"alpha_t": VP.alpha(0.6), "sigma_t": VP.sigma(0.6), "alpha_s": VP.alpha(0.4), "sigma_s": VP.sigma(0.4)}
    expected = rs.samplers.ddim_step(lambda x: noise(x, 0.6), X, **at)
    for form in (noise_form, data_form):
        np.testing.assert_allclose(dpm_solver_1_step(score, X, 0.6, 0.4, path=VP, form=form), expected, rtol=64 * U)


def test_a_time_belongs_to_its_sample():
    x = np.arange(9.0).reshape(3, 3)
    t, s = np.array([0.9, 0.6, 0.3]), np.array([0.8, 0.3, 0.1])
    timed = lambda y, time: np.sin(y) * (1 + (time[:, None] if np.ndim(time) else time))  # noqa: E731
    for one in (dpm_solver_1_step, dpm_solver_2_step, dpm_solver_3_step):
        together = one(timed, x, t, s, path=VP)
        alone = [one(timed, x[i], t[i], s[i], path=VP) for i in range(3)]
        np.testing.assert_allclose(together, alone, rtol=64 * U)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"r1": 0.0}, "r1 is 0.0; expected r1 > 0"),
        ({"r1": 1.5}, "r1 is 1.5; expected 0 < r1 ≤ 1"),
    ],
)
def test_bad_parts_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        dpm_solver_2(VP, [0.5, 0.1], **options)
    with pytest.raises(ValueError, match=message):
        dpm_solver_3(VP, [0.5, 0.1], **options)


def test_bad_steps_are_refused():
    with pytest.raises(ValueError, match=r"r1 is 0.7 and r2 0.6; expected r1 < r2"):
        dpm_solver_3_step(score, X, 0.5, 0.1, path=VP, r1=0.7, r2=0.6)
    with pytest.raises(ValueError, match="log_snr is infinite at t or s"):
        dpm_solver_2_step(score, X, 0.5, 0.0, path=VP)
    with pytest.raises(ValueError, match="expected s < t"):
        dpm_solver_2_step(score, X, 0.1, 0.5, path=VP)


# ---- faults: each changes one thing, and the order is gone


def faulty(path, times, *, half=0.5, inner=0.5, weight=np.expm1, asked=lambda path, t, s, middle: middle):
    """The noise form of order 2 with r1 = ½, in the letters of the paper."""

    def step(score, x, k, noise):
        t, s = times[k], times[k + 1]
        first, last = path.log_snr(t), path.log_snr(s)
        h, middle = last - first, float(path.time(0.5 * (first + last)))
        e = -path.sigma(t) * score(x, *levels(path, t))
        u = path.alpha(middle) / path.alpha(t) * x - path.sigma(middle) * np.expm1(inner * h) * e
        there = asked(path, t, s, middle)
        slope = 2 * (-path.sigma(there) * score(u, *levels(path, there)) - e)
        return path.alpha(s) / path.alpha(t) * x - path.sigma(s) * (weight(h) * e + half * np.expm1(h) * slope)

    return rs.samplers.Sampler("fault", len(times) - 1, 0, 1.0, None, None, step)


FAULTS = {
    "the correction is not halved": {"half": 1.0},
    "the correction is left out": {"half": 0.0},
    "the stage takes the whole step": {"inner": 1.0},
    "the stage is asked at the first level": {"asked": lambda path, t, s, middle: t},
    "the stage is asked at the last level": {"asked": lambda path, t, s, middle: s},
    "h in the place of e^h - 1": {"weight": lambda h: h},
}


def test_the_order_sees_every_fault():
    check_order(faulty, SPANS["VP"], 2)
    for changed in FAULTS.values():
        with pytest.raises(AssertionError):
            check_order(partial(faulty, **changed), SPANS["VP"], 2)


def test_the_midpoint_in_t_keeps_the_order_where_it_is_consistent():
    """Asked at the middle of t, with the state of the middle of λ: the two differ by h², and the order stays."""
    check_order(partial(faulty, asked=lambda path, t, s, middle: 0.5 * (t + s)), SPANS["VP"], 2)


# ---- peers


@pytest.mark.peer
def test_k_diffusion_takes_the_same_steps():
    """DPM-Solver++(2S), which k-diffusion has as the ancestral sampler without noise."""
    import torch

    from validation.peers.k_diffusion_driver import sampling

    sigmas = rs.schedules.karras(n=7, sigma_min=0.1, sigma_max=10.0)
    score = rs.samplers.noisy_score(TARGET)

    def model(x, sigma):
        return x + sigma[0] ** 2 * torch.tensor(score(x.numpy(), 1.0, float(sigma[0])))

    x = np.array([[3.0, -5.0], [1.0, 2.0]])
    theirs = sampling.sample_dpmpp_2s_ancestral(model, torch.tensor(x), torch.tensor(sigmas), eta=0.0, disable=True)
    ours = rs.samplers.replay(dpm_solver_2(rs.paths.EDM(), sigmas), score, x)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)
