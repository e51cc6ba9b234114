"""validation/samplers: the page holds every sampler, right ones pass, wrong ones fail their row, coverage is whole."""

from dataclasses import replace

import numpy as np
import pytest

import refscore as rs
from validation.samplers import decisions, gaussians, langevin, mixtures, others, page, words
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


def text():
    return PAGE.read_text(encoding="utf-8")


def test_every_sampler_is_in_a_table_or_said_to_be_elsewhere():
    shown = {row.of for row in ROWS} | {chain.of for chain in langevin.CHAINS}
    shown |= {f"{name}_step" for name in shown} | {"dpm_solver_1_step", "annealed_langevin"}
    told = "".join(line for line in text().splitlines() if not line.startswith("| "))
    elsewhere = {name for name in S.__all__ if f"`{name}`" in told}
    assert set(S.__all__) - INGREDIENTS - shown - elsewhere == set()
    assert not [row.of for row in ROWS if f"`{row.of}`" in words.AFTER]


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


def test_the_page_has_the_lines_of_other_samplers():
    for head in (words.VARIANCES, words.CONSISTENCY, words.HELD, words.ARRIVES, words.DECISION):
        assert text().count(head) == 1
    for line in (page.variances_line("ancestral, analytic variance", 1), page.consistency_line(10)):
        assert line.wrong == ()
        assert line.text in text().splitlines()


@pytest.mark.parametrize("name", others.VARIANCES)
def test_other_variances(name, monkeypatch):
    assert page.variances_line(name, 10).wrong == ()
    make = others.VARIANCES[name]
    louder = loud(lambda path, times: make(others.gaussian_of(10), SPANS["VP"], len(times) - 1), 1.01)
    monkeypatch.setitem(others.VARIANCES, name, lambda target, span, n: louder(span.path, span.times(n)))
    assert page.variances_line(name, 10).wrong


def test_the_analytic_variance_is_exact_where_all_directions_are_alike(monkeypatch):
    name = "ancestral, analytic variance"
    assert page.variances_line(name, 1).wrong == ()
    monkeypatch.setitem(others.VARIANCES, name, others.VARIANCES["ancestral, learned variance, v = ½"])
    assert page.variances_line(name, 1).wrong


def test_a_consistency_function_that_is_off_is_seen(monkeypatch):
    step = S.consistency_multistep
    monkeypatch.setattr(
        others.S, "consistency_multistep", lambda f, *at: step(lambda x, a, s: f(x, a, s) * (1 + 1e-9), *at)
    )
    assert len(page.consistency_line(1).wrong) == 3


def test_an_adaptive_solver_that_holds_less_is_seen(monkeypatch):
    assert page.held_line("DPM-Solver-12", 10).wrong == ()
    _, q, tolerances = others.TOLERANCES["DPM-Solver-12"]

    def rooted(score, state, *, rtol, atol, **at):
        return S.dpm_adaptive_12_step(score, state, rtol=rtol**0.8, atol=atol**0.8, **at)

    monkeypatch.setitem(others.TOLERANCES, "DPM-Solver-12", (rooted, q, tolerances))
    assert len(page.held_line("DPM-Solver-12", 10).wrong) == 2


@pytest.mark.parametrize("name", decisions.DECISIONS)
def test_decisions(name, monkeypatch):
    line = page.decision_line(name, 10)
    assert line.wrong == ()
    assert line.text in text().splitlines()
    _, back, rate = decisions.DECISIONS[name]

    def tilted(target, x, z, u, size):  # decides with a density that is off by a millionth
        wide = rs.targets.gaussian(target.mean, target.cov * (1 + 1e-6))
        by = S.mala_step if name == "MALA" else S.hmc_step
        sizes = {"step_size": size} if name == "MALA" else {"step_size": size**0.5, "n_steps": decisions.LEAPS}
        return by(target.score, wide.log_prob, x, z, u, **sizes)

    monkeypatch.setitem(decisions.DECISIONS, name, (tilted, back, rate))
    assert page.decision_line(name, 10).wrong


def test_what_arrives_is_what_a_run_has():
    """Without a drift, from t = 2 to 1 on EDM's path, where ∫ g² = 3; a tolerance of 1e-3, and 4000 samples."""
    n, d = 4000, 1
    tape = rs.noise.tape(11, 400, n, d)

    def ended(step):
        def one(state, z):
            return step(lambda x, t: 0 * x, state, z, path=rs.paths.EDM(), t_stop=1.0, rtol=0.0, atol=1e-3)

        start = S.adaptive_start(np.zeros((n, d)), t=2.0, h=0.01)
        return float((S.adaptive_run(one, start, t_stop=1.0, noise=tape)[-1].x ** 2).mean()) / 3

    error = 4 * (2 / n) ** 0.5  # four standard errors, relative
    assert ended(S.adaptive_sde_step) == pytest.approx(others.arrives(d), rel=error)
    assert ended(S.predictable_sde_step) == pytest.approx(1.0, rel=error)
    assert others.arrives(1) == pytest.approx(others.arrives(1, nodes=1000), abs=1e-6)


def test_an_order_is_chosen_by_agreement_alone():
    counts = (16, 32, 64, 128, 256, 512)
    errors = [n**-2.0 * (1 + 3 / n) for n in counts]
    assert abs(best_order(errors, counts).order - 2) < 0.002
    assert best_order([1e-15] * 6, counts).order == np.inf  # rounding is no order
    assert doubled(lambda n: n**-2.0, lambda e: (e,), counts).keys() == {16, 32, 64, 128, 256}
    assert limit_of([0.5 + 1 / n for n in counts]) == (pytest.approx(0.5), True)
    assert not limit_of([1 / n for n in counts])[1]
    assert [page.is_right(order, 2) for order in (1.981, 1.979, np.inf)] == [True, False, False]
