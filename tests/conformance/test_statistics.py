"""conformance/statistics.py and noise="internal": exact null laws, a stated power, draws out of reach."""

import numpy as np
import pytest
from scipy import stats

import refscore as rs
from refscore.conformance import Adapter, check_here
from refscore.conformance.statistics import ALPHA, gaussian_deviation

LAW = rs.targets.gaussian([0.7, -1.0, 2.0], [[0.5, 0.2, 0.0], [0.2, 1.5, -0.3], [0.0, -0.3, 0.8]])


def draws(seed, n, scale=1.0, shift=0.0):
    x = LAW.sample(rs.noise.normals(seed, np.arange(n), 3))
    return LAW.mean + shift + scale * (x - LAW.mean)


@pytest.mark.parametrize("n", [5, 50])
def test_p_values_are_uniform(n):
    """Exact at every n. Kolmogorov's test at 1e-6; the seeds are fixed, so this fails always or never."""
    p = [gaussian_deviation(draws(seed, n), LAW.mean, LAW.cov).p for seed in range(2000)]
    assert stats.kstest(p, "uniform").pvalue > 1e-6


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"scale": 1.06}, "the standard deviation along axis"),
        ({"scale": 0.94}, "the standard deviation along axis"),
        ({"shift": 0.05 * np.sqrt(np.diag(LAW.cov))}, "the mean"),
    ],
)
def test_what_is_promised_is_seen(change, where):
    for seed in range(20):
        found = gaussian_deviation(draws(seed, 2**16, **change), LAW.mean, LAW.cov)
        assert found.p < ALPHA
        assert found.where.startswith(where)


def test_a_lost_correlation_is_named():
    independent = rs.targets.gaussian(LAW.mean, np.diag(LAW.cov)).sample(rs.noise.normals(3, np.arange(2**14), 3))
    assert gaussian_deviation(independent, LAW.mean, LAW.cov).p < ALPHA


def test_copies_of_one_draw_are_seen():
    x = np.repeat(draws(1, 1), 2**12, axis=0)
    assert gaussian_deviation(x, LAW.mean, LAW.cov).p < ALPHA


GENERATOR_STATE = []  # an implementation that keeps its generator where nobody looks


def hidden_normals(shape):
    if not GENERATOR_STATE:
        GENERATOR_STATE.append(np.random.Generator(np.random.PCG64(7)))
    return GENERATOR_STATE[0].standard_normal(shape)


def report_of(capability, function, **conventions):
    adapter = Adapter("out of reach")
    adapter.implements(capability, noise="internal", **conventions)(function)
    return check_here(adapter)


def test_a_right_step_conforms_with_a_stated_false_alarm():
    report = report_of(
        "step.langevin",
        lambda score, x, *, step_size: x + 0.5 * step_size * score(x) + np.sqrt(step_size) * hidden_normals(x.shape),
    )
    assert [r.outcome for r in report.results] == ["pass", "pass"]
    assert report.false_alarm == ALPHA
    assert report.exit_code == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda score, x, *, step_size: x + 0.5 * step_size * score(x) + step_size * hidden_normals(x.shape),
        lambda score, x, *, step_size: x + step_size * score(x) + np.sqrt(step_size) * hidden_normals(x.shape),
        lambda score, x, *, step_size: (
            x + 0.5 * step_size * score(x) + np.sqrt(step_size) * hidden_normals((1, x.shape[1]))
        ),
        lambda score, x, *, step_size: x + 0.5 * step_size * score(x) + np.nan * hidden_normals(x.shape),
        lambda score, x, *, step_size: hidden_normals((2, 2)),
    ],
    ids=["noise by the step", "drift not halved", "one draw for all", "not a number", "shape"],
)
def test_a_wrong_step_fails(function):
    report = report_of("step.langevin", function)
    assert report.exit_code == 1


def test_every_noisy_step_has_a_law_to_be_held_against():
    def ddim(predict, x, *, alpha_t, sigma_t, alpha_s, sigma_s, eta):
        return rs.samplers.ddim_step(
            predict,
            x,
            hidden_normals(x.shape),
            alpha_t=alpha_t,
            sigma_t=sigma_t,
            alpha_s=alpha_s,
            sigma_s=sigma_s,
            eta=eta,
        )

    assert report_of("step.ddim", ddim).exit_code == 0

    def euler_maruyama(score, x, t, s, *, path):
        return rs.samplers.euler_maruyama_step(score, x, t, s, hidden_normals(x.shape), path=path)

    report = report_of("step.euler_maruyama", euler_maruyama)
    assert report.exit_code == 0
    assert report.false_alarm == 5 * ALPHA


def test_what_has_no_law_is_inconclusive():
    report = report_of("objective.denoising", lambda score, x0, sigma: score(x0).sum(-1))
    assert report.exit_code == 3
    assert {r.outcome for r in report.results} == {"pass", "inconclusive"}


def test_a_black_box_out_of_reach_is_inconclusive_but_for_finite_states():
    def box(exact, x, *, n_steps):
        return x + hidden_normals(x.shape)

    report = report_of("sampler.black_box", box, order=1, stochastic=True, start=(1.0, 8.0), stop=(1.0, 0.5))
    assert report.exit_code == 3
    assert next(r.outcome for r in report.results if r.check.endswith("/finite")) == "pass"
