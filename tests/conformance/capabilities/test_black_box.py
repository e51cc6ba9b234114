"""Whole samplers as black boxes: right ones conform, each fault is caught and named by its symptoms."""

import itertools

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.conformance.capabilities.black_box.faults import FAULTS, ODE, SDE, euler_maruyama, heun, third_order


def report_of(function, **conventions):
    adapter = Adapter("under test")
    adapter.implements("sampler.black_box", **conventions)(function)
    return check_here(adapter)


VE = {"start": (1.0, 8.0), "stop": (1.0, 0.125)}
RIGHT = {
    "heun": (heun, ODE),
    "euler_maruyama": (euler_maruyama, SDE),
    "third_order": (third_order, {**ODE, **VE, "order": 3}),
}


@pytest.mark.parametrize(("function", "conventions"), RIGHT.values(), ids=RIGHT)
def test_right_samplers_conform(function, conventions):
    report = report_of(function, **conventions)
    assert [(r.check, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_every_fault_is_caught_and_named(fault):
    with np.errstate(all="ignore"):
        report = report_of(fault.function, **fault.declared)
    assert report.exit_code == 1
    assert {d.fault for r in report.results for d in r.diagnosis} == {fault.name}


def outcomes(report):
    return {result.check.split("/")[1]: result.outcome for result in report.results}


def test_no_order_is_asked_where_none_is_declared():
    assert set(outcomes(report_of(heun, **{**ODE, "order": None}))) == {"finite", "mean", "rows"}


def test_a_higher_order_than_claimed_conforms_and_is_told():
    report = report_of(heun, **{**ODE, "order": 1})
    figures = {r.check.split("/")[1]: dict(r.figures) for r in report.results}
    assert report.exit_code == 0
    assert abs(figures["order-gaussian"]["order"][0] - 2) < 0.02
    assert figures["order-mixture"]["steps"] == (20, 40, 80, 160)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_a_finding_everywhere(bad):
    def broken(exact, x, *, n_steps):
        return exact.noise(heun(exact, x, n_steps=n_steps) * bad, alpha=1.0, sigma=0.5)

    with np.errstate(all="ignore"):
        report = report_of(broken, **ODE)
    assert report.exit_code == 1
    assert set(outcomes(report).values()) == {"fail", "blocked"}


def test_not_a_number_at_the_order_counts_only():
    def late(exact, x, *, n_steps):
        return heun(exact, x, n_steps=n_steps) * (np.nan if n_steps == 80 else 1.0)

    report = report_of(late, **ODE)
    assert {r.message for r in report.results if r.outcome == "fail"} == {"not a number at n = 80"}


def test_a_clipped_sampler_conforms_when_it_says_so():
    clipped = next(fault.function for fault in FAULTS if fault.name == "BOX-clips")
    assert outcomes(report_of(clipped, **ODE, clamps=True))["order-gaussian"] == "pass"


def test_a_method_that_steps_through_the_drift_of_the_signal_keeps_its_mean_in_order_only():
    """Euler's method on the flow of α = cos t, σ = sin t: at the mean x' = α' m, which is no straight line."""

    def euler(exact, x, *, n_steps):
        times = np.linspace(1.25, 0.125, n_steps + 1)
        for t, s in itertools.pairwise(times):
            levels = {"alpha": np.cos(t), "sigma": np.sin(t), "alpha_dot": -np.sin(t), "sigma_dot": np.cos(t)}
            x = x + (s - t) * exact.velocity(x, **levels)
        return x

    ends = {end: (float(np.cos(t)), float(np.sin(t))) for end, t in (("start", 1.25), ("stop", 0.125))}
    assert outcomes(report_of(euler, **{**ODE, **ends, "order": 1}))["mean"] == "fail"
    found = outcomes(report_of(euler, **{**ODE, **ends, "order": 1, "mean": "in order"}))
    assert "mean" not in found
    assert found["order-gaussian"] == found["order-mixture"] == "pass"
    found = outcomes(report_of(euler, **{**ODE, **ends, "order": 2, "mean": "in order"}))
    assert found["order-gaussian"] == found["order-mixture"] == "fail"


def test_a_deterministic_sampler_that_draws_is_told():
    report = report_of(euler_maruyama, **{**SDE, "stochastic": False})
    assert any("draws noise of shape (5, 2), and is declared stochastic=False" in r.message for r in report.results)


def test_step_counts_are_told_as_ranges():
    def short(exact, x, *, n_steps):
        if n_steps < 4 or n_steps == 9:
            raise IndexError("list index out of range")
        return heun(exact, x, n_steps=n_steps)

    report = report_of(short, **ODE)
    finite = next(r for r in report.results if r.check.endswith("/finite"))
    assert finite.message.startswith("raises at n = 1–3, 9: raised IndexError")
    assert dict(finite.figures)["raises at"] == (1, 2, 3, 9)


def test_a_level_that_the_adapter_cannot_tell_is_told_at_its_line():
    def start(n):
        return {}[n]

    report = report_of(heun, **{**ODE, "start": start})
    assert report.exit_code == 2
    assert any("start(1) raised KeyError('1')" in r.message and "in start" in r.message for r in report.results)
