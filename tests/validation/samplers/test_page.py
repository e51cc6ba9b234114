"""validation/samplers: the page holds every sampler, right ones pass, wrong ones fail their row, coverage is whole."""

from dataclasses import replace

import numpy as np
import pytest

import refscore as rs
from validation.samplers import gaussians, langevin, mixtures, page
from validation.samplers.__main__ import PAGE
from validation.samplers.rows import ROWS
from validation.samplers.targets import LINE, SPANS, Span, best_order, doubled, limit_of
from validation.samplers.weak import functions, weak_error

NAMED = {row.name: row for row in ROWS}
S = rs.samplers
# What is in refscore.samplers and is no sampler with an order in the step: tables, recorders, ingredients, and steps
# whose truth has a page of its own.
INGREDIENTS = {
    *("EULER", "HEUN", "MIDPOINT", "RALSTON", "RK4", "Tableau"),
    *("Moments", "Running", "Trajectory", "moments", "several", "thinned"),
    *("Multistep", "Sampler", "replay", "noisy_score", "bh1", "bh2", "data_form", "noise_form", "leapfrog"),
    *("small_variance", "large_variance", "minibatch_score", "control_variate_score", "minibatch_score_cov"),
}

NOT_YET = {  # samplers and ingredients without a row
    *(
        "Adaptive",
        "adaptive_run",
        "adaptive_start",
        "adaptive_sde_step",
        "dpm_adaptive_12_step",
        "dpm_adaptive_23_step",
    ),
    *("predictable_sde_step", "consistency_step", "consistency_multistep"),
    *("ancestral_learned", "learned_variance", "learned_fraction", "analytic_variance"),
}


def text():
    return PAGE.read_text(encoding="utf-8")


def test_every_sampler_is_in_a_table_or_said_to_be_elsewhere():
    shown = {row.of for row in ROWS} | {chain.of for chain in langevin.CHAINS}
    shown |= {f"{name}_step" for name in shown} | {"dpm_solver_1_step", "annealed_langevin"}
    elsewhere = {name for name in S.__all__ if f"`{name}`" in text()}
    assert set(S.__all__) - INGREDIENTS - NOT_YET - shown - elsewhere == set()
    assert elsewhere.isdisjoint({row.of for row in ROWS})


def test_the_page_has_every_row():
    lines = text().splitlines()
    for row in ROWS:
        assert sum(line.startswith(f"| {row.name} | ") for line in lines) == 4, row.name  # three Gaussians, one mixture
    for chain in langevin.CHAINS:
        assert sum(line.startswith(f"| {chain.name} | ") for line in lines) >= 3, chain.name
    assert "**" not in "".join(line for line in lines if line.startswith("| "))  # no order is off


@pytest.mark.parametrize("name", ["Heun on the flow", "Euler–Maruyama", "DPM-Solver++(2M)", "EDM, Heun, S_churn = 2"])
def test_right_samplers_pass_on_gaussians(name):
    row = replace(NAMED[name], paths=NAMED[name].paths[:1])
    assert [line.wrong for line in page.gaussian_lines(row)] == [()] * 3


def late(make):
    """The same sampler, whose score is always that of the first level of its step's grid and never later."""

    def made(path, times):
        sampler = make(path, times)

        def step(score, x, k, noise):
            asked = []

            def stale(y, alpha, sigma):
                asked.append((alpha, sigma))
                return score(y, *asked[0])

            return sampler.step(stale, x, k, noise)

        return S.Sampler(
            "late", *(getattr(sampler, n) for n in ("n_steps", "draws", "prior_scale", "start", "stop")), step
        )

    return made


def loud(make, factor):
    """The same sampler with all its noise too large by a factor."""

    def made(path, times):
        sampler = make(path, times)

        def step(score, x, k, noise):
            return sampler.step(score, x, k, factor * noise)

        return S.Sampler(
            "loud", *(getattr(sampler, n) for n in ("n_steps", "draws", "prior_scale", "start", "stop")), step
        )

    return made


@pytest.mark.parametrize(
    "row",
    [
        replace(NAMED["Heun on the flow"], make=late(S.heun_ode), paths=("VP",)),
        replace(NAMED["DPM-Solver++(2M)"], make=S.ddim, paths=("flow",)),
        replace(NAMED["Euler–Maruyama"], make=loud(S.euler_maruyama, 1.01), paths=("VP",)),
        replace(NAMED["stochastic Heun"], make=S.euler_maruyama, paths=("VP",)),
        replace(NAMED["Ralston"], make=lambda path, times: S.runge_kutta(path, times, tableau=S.EULER), paths=("VP",)),
    ],
    ids=["stale second stage", "first order only", "noise 1 % too large", "Euler in Heun's place", "one stage"],
)
def test_a_wrong_sampler_fails_its_row_on_gaussians(row):
    for line in page.gaussian_lines(row):
        assert "**" in line.text
        assert line.wrong


def test_a_sampler_that_ends_elsewhere_is_not_taken_for_one_that_arrives():
    row = replace(NAMED["predictor, corrector with one r"], make=S.reverse_diffusion, paths=("VP",))
    assert all(line.wrong for line in page.gaussian_lines(row))


@pytest.mark.parametrize(
    ("row", "has_noise"),
    [
        (replace(NAMED["Heun on the flow"], paths=("VP",)), False),
        (replace(NAMED["Euler–Maruyama"], paths=("VP",)), True),
    ],
    ids=["Heun", "Euler–Maruyama"],
)
def test_right_samplers_pass_on_mixtures(row, has_noise):
    line = page.mixture_line(row, has_noise)
    assert line.wrong == ()
    assert "**" not in line.text


@pytest.mark.parametrize(
    ("row", "has_noise"),
    [
        (replace(NAMED["Heun on the flow"], make=late(S.heun_ode), paths=("VP",)), False),
        (replace(NAMED["midpoint, variance quadratic in t"], bent=3, paths=("flow",)), False),
        (replace(NAMED["Euler–Maruyama"], make=loud(S.euler_maruyama, 1.01), paths=("VP",)), True),
    ],
    ids=["stale second stage", "third order of Gaussians", "noise 1 % too large"],
)
def test_a_wrong_sampler_fails_its_row_on_mixtures(row, has_noise):
    line = page.mixture_line(row, has_noise)
    assert "**" in line.text
    assert line.wrong


def test_the_weak_error_on_the_line_by_another_route():  # one step of Euler-Maruyama: x' is Gaussian given x
    span = Span(rs.paths.VP(), 0.5, 0.48)
    sampler = S.euler_maruyama(span.path, [0.5, 0.48])
    start, stop = LINE.perturb(*span.start), LINE.perturb(*span.stop)
    law = rs.exact.chapman_kolmogorov.law(sampler, LINE, start, atol=1e-12).law

    def characteristic(p):
        w = np.array([1.0, 2.0, 3.0])[:, None]
        parts = p.weights * np.exp(1j * w * p.means[:, 0] - 0.5 * w**2 * p.covs[:, 0, 0])
        found = parts.sum(1)
        return np.concatenate([found.imag, found.real])

    expected = np.linalg.norm(characteristic(law) - characteristic(stop))
    assert abs(weak_error(sampler, span) - expected) < 1e-10
    assert functions(np.array([0.5]))[0, 4] == np.cos(1.0)


def test_on_the_line_the_distance_is_that_of_the_quantiles():
    span = SPANS["VP"]
    sampler = S.euler_ode(span.path, span.times(16))
    found = mixtures._paths(S.euler_ode, "VP", 16)
    start, stop = LINE.perturb(*span.start), LINE.perturb(*span.stop)
    x = np.linspace(-7, 7, 467)
    weights = np.exp(start.log_prob(x[:, None])) * (x[1] - x[0])
    moved = S.replay(sampler, S.noisy_score(LINE), x[:, None])[:, 0]
    right = [
        rs.exact.on_the_line.quantile(stop, float(u)) for u in rs.exact.on_the_line.cdf(start, x).clip(1e-12, 1 - 1e-12)
    ]
    assert abs(np.sqrt(weights @ (moved - right) ** 2) / found.distance - 1) < 1e-6
    assert found.increases


def test_laws_by_recursion():
    for name in gaussians.RECURSIONS:
        assert gaussians.recursion_gap(NAMED[name], "VP") <= 1e-12
    wrong = replace(NAMED["Euler–Maruyama"], make=S.reverse_diffusion)
    assert gaussians.recursion_gap(wrong, "VP") > 1e-3


@pytest.mark.parametrize("chain", langevin.CHAINS, ids=lambda chain: chain.name)
def test_chains(chain):
    line = page.chain_line(chain, 10)
    assert line.wrong == ()
    assert "**" not in line.text


def test_a_wrong_chain_fails_its_row():
    obabo = next(chain for chain in langevin.CHAINS if chain.name == "OBABO, position")
    euler = next(chain for chain in langevin.CHAINS if chain.of == "underdamped")
    assert page.chain_line(replace(obabo, end=euler.end), 10).wrong
    baoab = next(chain for chain in langevin.CHAINS if chain.name == "BAOAB, position")
    assert page.chain_line(replace(baoab, end=obabo.end), 10).wrong


def test_an_order_is_chosen_by_agreement_alone():
    counts = (16, 32, 64, 128, 256, 512)
    errors = [n**-2.0 * (1 + 3 / n) for n in counts]
    assert abs(best_order(errors, counts).order - 2) < 0.002
    assert best_order([1e-15] * 6, counts).order == np.inf  # rounding is no order
    assert doubled(lambda n: n**-2.0, lambda e: (e,), counts).keys() == {16, 32, 64, 128, 256}
    assert limit_of([0.5 + 1 / n for n in counts]) == (pytest.approx(0.5), True)
    assert not limit_of([1 / n for n in counts])[1]
    assert [page.is_right(order, 2) for order in (1.981, 1.979, np.inf)] == [True, False, False]
