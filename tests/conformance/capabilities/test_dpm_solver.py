"""step.dpm_solver: other correct algebra conforms under every convention, in both dtypes; released code too."""

import importlib.util
import itertools
import math

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.steps.dpm_cases import CONVENTIONS
from refscore.conformance.capabilities.steps.dpm_rules import PATHS, with_rules
from refscore.conformance.capability import ratio_of
from refscore.paths import EDM, VP, Flow

DTYPES = ["float64", "float32"]
CAPABILITY = CATALOGUE["step.dpm_solver"]
EVERY = [dict(zip([c.name for c in CONVENTIONS], v)) for v in itertools.product(*(c.values for c in CONVENTIONS))]
# Every path with order 2; and where there is nothing to choose, one of the choices.
EVERY = [v for v in EVERY if v["path"] == "vp" or v["order"] == 2]
EVERY = [v for v in EVERY if v["second_derivative"] == "exact" or (v["order"], v["method"]) == (3, "multistep")]


def named(declared):
    return "-".join(str(v) for v in declared.values())


def report_of(function, dtype="float64", arrays="numpy", **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements("step.dpm_solver", **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def diagnosed(report):
    return {d.fault: d.description for r in report.results for d in r.diagnosis}


@pytest.mark.parametrize("path", PATHS)
def test_the_levels_are_those_of_the_paths(path):
    real, t = {"vp": VP(), "ve": EDM(), "flow": Flow()}[path], np.linspace(0.05, 0.95, 7)
    alpha, sigma = PATHS[path](real.log_snr(t))
    np.testing.assert_allclose(alpha, real.alpha(t), rtol=1e-14)
    np.testing.assert_allclose(sigma, real.sigma(t), rtol=1e-14)


@pytest.mark.parametrize("declared", EVERY, ids=named)
def test_the_reference_is_the_table_of_its_rules(declared):
    """Two derivations of a run: the library's steps along a path, and a table of stages."""
    table, worst = with_rules(), 0.0
    for case in CAPABILITY.cases(declared):
        (one,), (other,) = case.expect(CAPABILITY.reference), case.expect(table)
        worst = max(worst, ratio_of(other, one, case.size[0], 2.0**-53).max())
    assert worst < 1


# --- the same, as the authors, diffusers and k-diffusion write it, in the dtype of x throughout


def levels(path, v):
    if path == "vp":
        alpha = np.sqrt(1 / (1 + np.exp(-2 * v)))
        return alpha, np.exp(-v) * alpha
    if path == "flow":
        return 1 / (1 + np.exp(-v)), 1 - 1 / (1 + np.exp(-v))
    return np.ones_like(v), np.exp(-v)


def released_code(declared):
    """From logarithms of levels, with exponentials less one, and the φ-functions by their recursion."""
    path, multi = declared["path"], declared["method"] == "multistep"
    data, twice = declared["kind"] == "data", 2 if declared["second_derivative"] == "exact" else 1

    def run(predict, x, *, log_snr, order, kind):
        assert (order, kind) == (declared["order"], declared["kind"])
        alpha, sigma = levels(path, log_snr)
        lam = np.log(alpha) - np.log(sigma)
        history = []
        for k in range(len(lam) - 1):
            h = lam[k + 1] - lam[k]
            if multi:
                history = [predict(x, log_snr[k]), *history[:2]]
                used = min(order, k + 1)
                d0, rest = history[0], 0
                a, b, c = phis(h)
                if used == 2:
                    r0 = (lam[k] - lam[k - 1]) / h
                    rest = 0.5 * a * ((1 / r0) * (history[0] - history[1]))
                if used == 3:
                    r0, r1 = (lam[k] - lam[k - 1]) / h, (lam[k - 1] - lam[k - 2]) / h
                    d10, d11 = (1 / r0) * (history[0] - history[1]), (1 / r1) * (history[1] - history[2])
                    d1, d2 = d10 + (r0 / (r0 + r1)) * (d10 - d11), (1 / (r0 + r1)) * (d10 - d11)
                    rest = b * d1 + twice * c * d2
                x = moved(x, k, k + 1, alpha, sigma, a * d0 + rest)
            else:
                x = single(predict, x, log_snr[k], h, order)
        return x

    def phis(h):
        if data:
            one = np.exp(-h) - 1
            return -one, one / h + 1, (one / h + 1) / -h + 0.5
        one = np.expm1(h)
        return one, one / h - 1, (one / h - 1) / h - 0.5

    def moved(x, i, j, alpha, sigma, terms):
        if data:
            return sigma[j] / sigma[i] * x + alpha[j] * terms
        return np.exp(np.log(alpha[j]) - np.log(alpha[i])) * x - sigma[j] * terms

    def single(predict, x, v, h, order):
        r1, r2 = (0.5, 1.0) if order == 2 else (1 / 3, 2 / 3)
        at = np.array([v, v + r1 * h, v + r2 * h, v + h], dtype=x.dtype)
        alpha, sigma = levels(path, at)
        m = predict(x, at[0])
        if order == 1:
            return moved(x, 0, 3, alpha, sigma, phis(h)[0] * m)
        m1 = predict(moved(x, 0, 1, alpha, sigma, phis(r1 * h)[0] * m), at[1])
        if order == 2:
            return moved(x, 0, 3, alpha, sigma, phis(h)[0] * m + (0.5 / r1) * phis(h)[0] * (m1 - m))
        a, b, _ = phis(r2 * h)
        m2 = predict(moved(x, 0, 2, alpha, sigma, a * m + r2 / r1 * b * (m1 - m)), at[2])
        a, b, _ = phis(h)
        return moved(x, 0, 3, alpha, sigma, a * m + (1.0 / r2) * b * (m2 - m))

    def native(predict, x, *, log_snr, order, kind):
        result = run(predict, x, log_snr=log_snr, order=order, kind=kind)
        assert result.dtype == x.dtype
        return result

    return native


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("declared", EVERY, ids=named)
def test_every_convention(declared, dtype):
    assert bad(report_of(released_code(declared), dtype, **declared)) == []


# --- conventions and mistakes


def test_the_wrong_declaration_is_answered_with_the_right_one():
    right = {"order": 2, "kind": "data", "method": "multistep", "path": "vp", "second_derivative": "exact"}

    def code(declared):
        """Released code that does not look at what it is told."""
        function = released_code(declared)
        told = {"order": declared["order"], "kind": declared["kind"]}
        return lambda predict, x, *, log_snr, **_: function(predict, x, log_snr=log_snr, **told)

    for other in ({"order": 1}, {"order": 3}, {"kind": "noise"}, {"method": "singlestep"}, {"path": "ve"}):
        name, value = next(iter(other.items()))
        text = diagnosed(report_of(code({**right, **other})))["convention"]
        assert text.startswith(f"{name}={value!r} (declared: {name}={right[name]!r})")
    both = diagnosed(report_of(code({**right, "kind": "noise", "path": "flow"})))["convention"]
    assert "kind='noise'" in both
    assert "path='flow'" in both


def test_the_released_third_order_is_a_convention_and_a_mistake():
    declared = {"order": 3, "kind": "data", "method": "multistep", "path": "vp", "second_derivative": "released"}
    code = released_code(declared)
    assert bad(report_of(code, **declared)) == []
    assert set(diagnosed(report_of(code, **{**declared, "second_derivative": "exact"}))) == {"DPM-third-released"}


@pytest.mark.parametrize("fault", CAPABILITY.faults, ids=lambda f: f.name)
def test_every_mistake_has_its_name_in_noise_form_and_on_another_path(fault):
    declared = {**fault.declared, "kind": "noise", "path": "flow"}
    method = declared.get("method", "multistep")
    with np.errstate(all="ignore"):
        report = report_of(lambda *a, **named: fault.function(*a, **named, method=method, path="flow"), **declared)
    assert set(diagnosed(report)) == {fault.name}


def observed_order(function, declared):
    """On N(0.7, 0.25), whose flow is known, on grids whose neighbouring steps are as 1 : 2 : 4."""

    def error(n_steps):
        lengths = np.resize([1.0, 2.0, 4.0], n_steps)
        log_snr = -1.5 + 3.5 * np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum()

        def predict(x, v):
            alpha, sigma = levels("vp", v)
            return sigma * (x - alpha * 0.7) / (alpha**2 * 0.25 + sigma**2)

        alpha, sigma = levels("vp", log_snr[[0, -1]])
        spread, x = np.sqrt(alpha**2 * 0.25 + sigma**2), np.array([[1.3]])
        exact = alpha[1] * 0.7 + spread[1] / spread[0] * (x - alpha[0] * 0.7)
        named = {"order": declared.get("order", 2), "kind": "noise", "method": declared.get("method", "multistep")}
        return abs(float((function(predict, x, log_snr=log_snr, **named) - exact)[0, 0]))

    return np.log2(error(192) / error(384))


CLAIMS = {f.name: f for f in CAPABILITY.faults if f.effect.startswith(("order ", "none on the order"))}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_mistake_costs_the_order_that_its_effect_says(name):
    fault = CLAIMS[name]
    claimed = int(fault.effect[6]) if fault.effect.startswith("order ") else 2
    assert abs(observed_order(fault.function, fault.declared) - claimed) < 0.15


@pytest.mark.parametrize(("declared", "order"), [({}, 2), ({"method": "singlestep", "order": 3}, 3)])
def test_without_mistakes_the_order_is_whole(declared, order):
    assert abs(observed_order(CAPABILITY.reference, declared) - order) < 0.15


# --- torch, and released code


def with_peer(package):
    def decorate(test):
        absent = importlib.util.find_spec(package) is None
        test = pytest.mark.skipif(absent, reason=f"{package} is not installed")(test)
        return pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")(pytest.mark.peer(test))  # of tensors

    return decorate


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch(dtype):
    torch = pytest.importorskip("torch")

    def multistep(upside_down):
        def run(predict, x, *, log_snr, order, kind):
            alpha, sigma = torch.sigmoid(2 * log_snr).sqrt(), torch.sigmoid(-2 * log_snr).sqrt()
            last = None
            for k in range(len(log_snr) - 1):
                h = log_snr[k + 1] - log_snr[k]
                m = predict(x, log_snr[k])
                d = m
                if last is not None:
                    r = (log_snr[k] - log_snr[k - 1]) / h
                    r = 1 / r if upside_down else r
                    d = (1 + 1 / (2 * r)) * m - 1 / (2 * r) * last
                x, last = sigma[k + 1] / sigma[k] * x - alpha[k + 1] * torch.expm1(-h) * d, m
            return x

        return run

    assert bad(report_of(multistep(False), dtype, arrays="torch")) == []
    assert set(diagnosed(report_of(multistep(True), dtype, arrays="torch"))) == {"DPM-ratio-swapped"}


@with_peer("k_diffusion")
@pytest.mark.parametrize("dtype", DTYPES)
def test_k_diffusion_multistep(dtype):
    from validation.peers.k_diffusion_driver import sampling

    def run(predict, x, *, log_snr, order, kind):
        def denoiser(y, sigma):
            return predict(y, -sigma.log())

        return sampling.sample_dpmpp_2m(denoiser, x, (-log_snr).exp(), disable=True)

    assert bad(report_of(run, dtype, arrays="torch", order=2, kind="data", path="ve")) == []


@with_peer("k_diffusion")
@pytest.mark.parametrize("order", [1, 2, 3])
def test_k_diffusion_singlestep(order):
    from validation.peers.k_diffusion_driver import sampling

    def run(predict, x, *, log_snr, order, kind):
        """Its model is a denoiser, x̂_0 = x − σ ε̂."""
        solver = sampling.DPMSolver(lambda y, s: y - s[:, None] * predict(y, -s.log()))
        step = getattr(solver, f"dpm_solver_{order}_step")
        for t, s in itertools.pairwise(log_snr):
            x, _ = step(x, t, s)
        return x

    declared = {"order": order, "kind": "noise", "method": "singlestep", "path": "ve"}
    assert bad(report_of(run, arrays="torch", **declared)) == []


@with_peer("diffusers")
@pytest.mark.parametrize("kind", ["data", "noise"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_diffusers_multistep(order, kind):
    import torch

    from validation.peers import diffusers_driver as driver

    class Model:
        """What the driver asks for: predictions at α and σ."""

        def __init__(self, predict):
            self.predict = predict

        def noise(self, x, *, alpha, sigma):
            return self.predict(x, torch.tensor(math.log(alpha / sigma)))

        data = noise

    def run(lower):
        def function(predict, x, *, log_snr, order, kind):
            peer = driver.Peer(
                "",
                "DPMSolverMultistepScheduler",
                order,
                options={
                    "algorithm_type": {"data": "dpmsolver++", "noise": "dpmsolver"}[kind],
                    "solver_order": order,
                    "lower_order_final": lower,
                    "final_sigmas_type": "sigma_min",
                },
                levels=lambda _: (-log_snr).exp(),
            )
            with driver._as_released(peer):
                scheduler = driver._scheduler(peer, len(log_snr) - 1, kind)
                for number, t in enumerate(scheduler.timesteps):
                    output = driver._output(peer, scheduler, Model(predict), kind, x, number, t)
                    x = scheduler.step(output, t, x).prev_sample
            return x

        return function

    declared = {"order": order, "kind": kind, "second_derivative": "released"}
    assert bad(report_of(run(False), arrays="torch", **declared)) == []
    if order == 2:
        assert set(diagnosed(report_of(run(True), arrays="torch", **declared))) == {"DPM-lower-order-final"}
    if order == 3:
        exact = {**declared, "second_derivative": "exact"}
        assert set(diagnosed(report_of(run(False), arrays="torch", **exact))) == {"DPM-third-released"}
