"""samplers/dpm_multistep.py: orders, formulas in the papers' letters, the missing 2, sde_dpm.py too, peers."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    data_form,
    dpm_multistep_2,
    dpm_multistep_3,
    dpm_multistep_3_corrected,
    dpm_solver_2,
    exponential_adams,
    noise_form,
    sde_dpm_multistep_2,
    sde_dpm_solver_1,
)
from tests.samplers.laws import TARGET, U, marginal
from tests.samplers.solvers import MIXTURE, SPANS, check_order, errors, log_snr_grid

FORMS = pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
ALL = pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
VP = rs.paths.VP()
UNEVEN = [0.9, 0.7, 0.62, 0.5, 0.3, 0.12, 0.1]
X = np.array([[1.0, -3.0], [0.2, 0.5]])
SCORE = rs.samplers.noisy_score(TARGET)


def started(make, form):
    return lambda p, t: make(p, t, form=form, starter=dpm_solver_2(p, t, form=form))


@FORMS
@ALL
def test_order(form, span):
    counts = (64, 128, 256, 512, 1024)
    check_order(partial(dpm_multistep_2, form=form), span, 2, counts[:4])
    check_order(started(dpm_multistep_3, form), span, 2, counts)  # as released
    check_order(started(dpm_multistep_3_corrected, form), span, 3, counts)


@FORMS
def test_the_corrected_one_is_the_interpolation(form):  # (DPMM.5) is (EXPI.6)
    starter = dpm_solver_2(VP, UNEVEN, form=form)
    ours = dpm_multistep_3_corrected(VP, UNEVEN, form=form, starter=starter)
    found = rs.samplers.replay(ours, SCORE, X)
    expected = rs.samplers.replay(exponential_adams(VP, UNEVEN, order=3, form=form, starter=starter), SCORE, X)
    np.testing.assert_allclose(found, expected, rtol=1000 * U)
    released = rs.samplers.replay(dpm_multistep_3(VP, UNEVEN, form=form, starter=starter), SCORE, X)
    assert np.abs(released - expected).max() > 1e-3


def test_the_missing_two_is_a_twelfth():
    """On a model m = λ² the released step is off by G h³ m''/12, from the third step on, and nothing else is."""
    path, h = rs.paths.EDM(), 1e-2
    times = np.exp(-h * np.arange(4))  # λ = 0, h, 2h, 3h
    start = rs.samplers.ddim(path, times)  # any: only the last step is looked at

    def score(x, alpha, sigma):
        return (np.log(alpha / sigma) ** 2 - x) / sigma**2  # x̂_0 = λ²

    ends = [
        rs.samplers.replay(make(path, times, starter=start), score, np.zeros((1, 1)))
        for make in (dpm_multistep_3, dpm_multistep_3_corrected)
    ]
    off = float((ends[1] - ends[0])[0, 0])
    assert abs(off / (h**3 * 2 / 12) - 1) < h  # φ_3(-h) = (1 - h/4 …)/6


def test_order_on_a_mixture():
    options = {"target": MIXTURE, "points": np.array([[0.5, -1.0], [-1.5, 0.3]])}
    counts = (50, 100, 200, 400, 800)
    check_order(started(dpm_multistep_3, data_form), SPANS["Flow"], 2, counts, **options)
    check_order(started(dpm_multistep_3_corrected, data_form), SPANS["Flow"], 3, counts, **options)


def test_2m_in_the_letters_of_the_paper():  # DPM-Solver++, Algorithm 2; (DPMM.3)
    lam = np.asarray(VP.log_snr(np.array(UNEVEN)))
    a, s = VP.alpha(np.array(UNEVEN)), VP.sigma(np.array(UNEVEN))
    x, before = X, None
    for i in range(1, 7):
        data = (x + s[i - 1] ** 2 * SCORE(x, float(a[i - 1]), float(s[i - 1]))) / a[i - 1]
        h, blend = lam[i] - lam[i - 1], data
        if before is not None:
            r = (lam[i - 1] - lam[i - 2]) / h
            blend = (1 + 1 / (2 * r)) * data - 1 / (2 * r) * before
        x, before = s[i] / s[i - 1] * x - a[i] * (np.exp(-h) - 1) * blend, data
    np.testing.assert_allclose(rs.samplers.replay(dpm_multistep_2(VP, UNEVEN), SCORE, X), x, rtol=1000 * U)


# ---- the SDE forms


def test_sde_1_is_ancestral_sampling():  # (DPMM.6)
    z = rs.noise.tape(2, 6, 2, 2)
    found = rs.samplers.replay(sde_dpm_solver_1(VP, UNEVEN), SCORE, X, z)
    np.testing.assert_allclose(
        found, rs.samplers.replay(rs.samplers.ancestral_vp(VP, UNEVEN), SCORE, X, z), rtol=1000 * U
    )


def test_sde_1_in_noise_form_adds_the_variance_of_the_forward_step():  # (DPMM.7), by hand at one step
    z = np.array([[[0.5, -1.0], [2.0, 0.1]]])
    (a_t, a_s), (s_t, s_s) = VP.alpha([0.6, 0.4]), VP.sigma([0.6, 0.4])
    ratio = a_s / a_t
    fresh = np.sqrt((ratio * s_t) ** 2 - s_s**2)
    eps = -s_t * SCORE(X, float(a_t), float(s_t))
    expected = ratio * X - 2 * (ratio * s_t - s_s) * eps + fresh * z[0]
    found = rs.samplers.replay(sde_dpm_solver_1(VP, [0.6, 0.4], form=noise_form), SCORE, X, z)
    np.testing.assert_allclose(found, expected, rtol=64 * U)


def weak_order(make, span, counts):
    """From the covariance and the mean of the law, every entry."""
    path, first, last = span
    stop, found = marginal(path, last), []
    for n in counts:
        law = rs.exact.law(make(path, log_snr_grid(span, n)), TARGET, marginal(path, first))
        found.append(np.hypot(np.abs(law.cov - stop.cov).max(), np.abs(law.mean - stop.mean).max()))
    return rs.exact.order_of(found, counts).value


@FORMS
@pytest.mark.parametrize("name", ["VP", "EDM"])
def test_weak_order_of_the_sde_forms(form, name):
    counts = (64, 128, 256, 512)
    assert abs(weak_order(partial(sde_dpm_multistep_2, form=form), SPANS[name], counts) - 2) <= 0.02
    assert abs(weak_order(sde_dpm_solver_1, SPANS[name], counts) - 1) <= 0.02


def test_a_fresh_slope_loses_the_weak_order():
    """The slope from a history without its noise, here from the exact mean, would leave weak order 1."""

    def without_history(path, times):
        full = sde_dpm_multistep_2(path, times)
        return rs.samplers.Multistep(
            "fault",
            full.n_steps,
            1,
            1.0,
            full.start,
            full.stop,
            full.init,
            lambda s, x, m, k, z: full.step(s, x, m, 0, z),
        )

    assert weak_order(without_history, SPANS["VP"], (64, 128, 256, 512)) < 1.1


# ---- faults


def slope_from(rule):
    """2M with another rule for the ratio of steps, r from (h before, h now)."""

    def make(path, times):
        lam = np.asarray(path.log_snr(np.asarray(times)))
        a, s = path.alpha(np.asarray(times)), path.sigma(np.asarray(times))

        def step(score, x, memory, k, noise):
            data = (x + s[k] ** 2 * score(x, float(a[k]), float(s[k]))) / a[k]
            h = lam[k + 1] - lam[k]
            blend = data if k == 0 else data + (data - memory[0]) / (2 * rule(lam[k] - lam[k - 1], h))
            return s[k + 1] / s[k] * x - a[k + 1] * np.expm1(-h) * blend, (data,)

        ends = [(float(a[i]), float(s[i])) for i in (0, -1)]
        return rs.samplers.Multistep(
            "fault", len(lam) - 1, 0, 1.0, *ends, rs.samplers.dpm_multistep_2(path, times).init, step
        )

    return make


def uneven(span, n):
    """Steps in λ that grow, smoothly: on even ones r = 1 and three of the faults are none."""
    path, first, last = span
    u = np.linspace(0, 1, n + 1)
    start, stop = float(path.log_snr(first)), float(path.log_snr(last))
    times = np.asarray(path.time(np.clip(start + (stop - start) * (u + u**2) / 2, start, stop)))
    times[0], times[-1] = first, last
    return times


def test_the_ratio_of_steps():
    check_order(slope_from(lambda before, now: before / now), SPANS["VP"], 2, grid=uneven)
    right = errors(slope_from(lambda before, now: before / now), SPANS["VP"], (16,), grid=uneven)
    np.testing.assert_allclose(errors(dpm_multistep_2, SPANS["VP"], (16,), grid=uneven), right, rtol=1e-10)
    for fault in (lambda before, now: now / before, lambda before, now: 0.5, lambda before, now: -1.0):
        assert abs(errors(slope_from(fault), SPANS["VP"], (16,), grid=uneven)[0] / right[0] - 1) > 0.1


# ---- peers


@pytest.mark.peer
def test_k_diffusion_takes_the_same_steps():
    import torch

    from validation.peers.k_diffusion_driver import sampling

    sigmas = rs.schedules.karras(n=7, sigma_min=0.1, sigma_max=10.0)
    path = rs.paths.EDM()

    def model(x, sigma):
        return x + sigma[0] ** 2 * torch.tensor(SCORE(x.numpy(), 1.0, float(sigma[0])))

    x, levels = torch.tensor(3 * X), torch.tensor(sigmas)
    plain = sampling.sample_dpmpp_2m(model, x, levels, disable=True)
    np.testing.assert_allclose(rs.samplers.replay(dpm_multistep_2(path, sigmas), SCORE, 3 * X), plain, rtol=1e-12)

    z = rs.noise.tape(2, 6, 2, 2)
    draws = iter(torch.tensor(z))
    noisy = sampling.sample_dpmpp_2m_sde(model, x, levels, disable=True, noise_sampler=lambda a, b: next(draws))
    np.testing.assert_allclose(
        rs.samplers.replay(sde_dpm_multistep_2(path, sigmas), SCORE, 3 * X, z), noisy, rtol=1e-12
    )


@pytest.mark.peer
def test_k_diffusion_3m_lacks_the_two():
    """``sample_dpmpp_3m_sde`` at η = 0; its second step has φ_2 where (DPMM.3) has ½ φ_1."""
    import torch

    from validation.peers.k_diffusion_driver import sampling

    sigmas, path = rs.schedules.karras(n=7, sigma_min=0.1, sigma_max=10.0), rs.paths.EDM()

    def model(x, sigma):
        return x + sigma[0] ** 2 * torch.tensor(SCORE(x.numpy(), 1.0, float(sigma[0])))

    x = torch.tensor(3 * X)
    theirs = sampling.sample_dpmpp_3m_sde(
        model, x, torch.tensor(sigmas), eta=0.0, disable=True, noise_sampler=lambda a, b: 0
    )
    own_start = exponential_adams(path, sigmas, order=2)
    starter = rs.samplers.dpm_solver_2(path, sigmas)
    for make, same in ((dpm_multistep_3, True), (dpm_multistep_3_corrected, False)):
        full = make(path, sigmas, starter=starter)

        def step(score, x, memory, k, noise, full=full):
            if k < 2:
                moved, kept = own_start.step(score, x, memory[:1], k, noise)
                return moved, (kept[0], memory[0])
            return full.step(score, x, memory, k, noise)

        ours = rs.samplers.Multistep("started", full.n_steps, 0, 1.0, full.start, full.stop, full.init, step)
        gap = np.abs(rs.samplers.replay(ours, SCORE, 3 * X) - theirs.numpy()).max()
        assert (gap < 1e-12) if same else (gap > 1e-3)
