"""sampler.flow_ode: any solver at its own tolerance conforms, every mistake is caught and named, and the bound."""

import numpy as np
import pytest
from scipy.integrate import RK45, solve_ivp

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.samplers.flowing import CASES, exact_end, reach
from refscore.conformance.runner import Selection
from refscore.sde import flow_drift

NAME = "sampler.flow_ode"
FLOW_ODE = CATALOGUE[NAME]
LOOSE = Selection(only=("*rtol=1e-05",))
U = 2.0**-53


def report_of(function, dtype="float64", arrays="numpy", selection=None):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements(NAME)(function)
    return check_here(adapter, selection=selection)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def named(report):
    return {d.fault for r in report.results for d in r.diagnosis}


def by(method, dtype="float64"):
    """SciPy's solver; the model is asked in `dtype`, as score_sde asks a network."""

    def solver(score, x, *, path, t_start, t_stop, rtol, atol):
        def velocity(t, flat):
            y = flat.reshape(x.shape)
            s = np.asarray(score(y.astype(dtype), np.full(len(y), t, dtype)), float)
            return (path.drift_rate(t) * y - 0.5 * path.diffusion(t) ** 2 * s).ravel()

        found = solve_ivp(velocity, (t_start, t_stop), np.ravel(x), method=method, rtol=rtol, atol=atol)
        return found.y[:, -1].reshape(x.shape).astype(dtype)

    return solver


@pytest.mark.parametrize(("method", "dtype"), [("RK45", "float64"), ("DOP853", "float64"), ("LSODA", "float64"),
    ("RK45", "float32"), ("RK23", "float32"), ("LSODA", "float32")])  # fmt: skip
def test_solvers_at_their_own_tolerance(method, dtype):
    report = report_of(by(method, dtype), dtype)
    assert bad(report) == []
    assert len(report.results) == (10 if dtype == "float64" else 8)
    assert max(r.ratio for r in report.results) < 0.2


@pytest.mark.parametrize("method", ["RK23", "Radau", "BDF"])
def test_solvers_of_low_order_and_implicit_ones(method):
    assert bad(report_of(by(method), selection=LOOSE)) == []


def test_another_clock_and_another_unit():
    """In u = log(t + 1e-3), and x in the unit of its spread: other steps, the same flow."""

    def solver(score, x, *, path, t_start, t_stop, rtol, atol):
        def velocity(u, flat):
            t, y = np.exp(u) - 1e-3, flat.reshape(x.shape)
            t = min(max(t, t_stop), t_start)
            return (np.exp(u) * flow_drift(score(y, np.float64(t)), y, np.float64(t), path=path)).ravel()

        span = np.log(t_start + 1e-3), np.log(t_stop + 1e-3)
        found = solve_ivp(velocity, span, x.ravel(), method="DOP853", rtol=rtol, atol=atol)
        return found.y[:, -1].reshape(x.shape)

    assert bad(report_of(solver)) == []


def test_each_sample_for_itself():
    """The reference has one step for the batch; a solver may have one for each sample."""

    def solver(score, x, **keywords):
        return np.concatenate([FLOW_ODE.reference(score, row[None], **keywords) for row in x])

    assert bad(report_of(solver, selection=LOOSE)) == []


@pytest.mark.parametrize("fault", FLOW_ODE.faults, ids=lambda f: f.name)
def test_every_fault_is_caught_and_named(fault):
    with np.errstate(all="ignore"):
        report = report_of(fault.function)
    assert report.exit_code == 1
    assert named(report) == {fault.name}
    assert all(r.diagnosis for r in report.results if r.outcome == "fail")


FORMULAS = ("full-score", "quarter-score", "not-squared", "score-sign", "direction", "upwards", "model-frozen")


@pytest.mark.parametrize("name", FORMULAS)
def test_a_wrong_formula_is_caught_in_every_case(name):
    (fault,) = (f for f in FLOW_ODE.faults if f.name == f"FLOW-{name}")
    with np.errstate(all="ignore"):
        report = report_of(fault.function)
    assert all(r.outcome == "fail" and r.ratio > 50 for r in report.results)


def test_a_mistake_with_another_solver_has_the_same_name():
    def solver(score, x, **keywords):
        return by("LSODA")(lambda y, t: 2 * score(y, t), x, **keywords)

    assert named(report_of(solver)) == {"FLOW-full-score"}


def test_tolerances_that_another_solver_ignores():
    def solver(score, x, *, rtol, atol, **keywords):
        return by("DOP853")(score, x, rtol=1e-4, atol=1e-4, **keywords)

    report = report_of(solver)
    assert {r.check.split("rtol=")[1] for r in report.results if r.outcome == "fail"} == {"1e-11"}
    assert "FLOW-tolerances-fixed" in named(report)


def test_what_is_no_known_mistake_gets_no_name():
    def solver(score, x, **keywords):
        return 1.25 * FLOW_ODE.reference(score, x, **keywords)

    report = report_of(solver, selection=LOOSE)
    assert all(r.outcome == "fail" for r in report.results)
    assert named(report) == set()


def test_another_shape_is_said():
    report = report_of(lambda score, x, **_: x[0], selection=LOOSE)
    assert "returned shape (3,); expected (3, 3)" in report.results[0].message


# --- the bound and the score


@pytest.mark.parametrize("name", CASES)
def test_the_score_is_the_target_s(name):
    case = CASES[name]
    times = np.linspace(case.t_stop, case.t_start, len(case.x) + 2)[1:-1]
    found = case.score.plain(case.x, times)
    for row, x, t in zip(found, case.x, times):
        right = case.target.perturb(float(case.path.alpha(t)), float(case.path.sigma(t))).score(x)
        np.testing.assert_allclose(row, right, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(case.score.plain(x[None], t)[0], right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["vp", "ve", "edm", "flow,d=1"])
def test_the_bound_of_a_gaussian_by_hand(name):  # (BOUND.4), with the flow's growth from its eigenvalues
    case = CASES[name]
    values, levels = np.linalg.eigvalsh(case.target.cov), []

    def velocity(t, flat):
        y = flat.reshape(case.x.shape)
        s = np.stack([case.target.perturb(float(case.path.alpha(t)), float(case.path.sigma(t))).score(y)])[0]
        return flow_drift(s, y, np.float64(t), path=case.path).ravel()

    steps = solve_ivp(velocity, (case.t_start, case.t_stop), case.x.ravel(), method="RK23", rtol=1e-5, atol=1e-5)
    levels = [case.path.alpha(t) ** 2 * values + case.path.sigma(t) ** 2 for t in steps.t]
    carried = np.array([np.sqrt(levels[-1] / level).max() for level in levels])[1:]
    sizes = np.abs(steps.y.reshape(*case.x.shape, -1)).max(axis=1)
    sizes = np.maximum(sizes[:, 1:], sizes[:, :-1])
    for rtol, atol in ((1e-5, 1e-5), (1e-5, 1e-3), (1e-11, 1e-11)):
        held = (carried * (atol + (rtol + 8 * U) * sizes)).sum(axis=1)
        by_hand = 2 * np.sqrt(case.x.size) * (1e-5 / rtol) ** (1 / 3) * held
        np.testing.assert_allclose(reach(name, rtol, atol, U), by_hand, rtol=0.02)


def test_mixtures_are_known_far_better_than_they_are_asked():
    for name in CASES:
        _, error = exact_end(name)
        assert (error < 1e-3 * reach(name, 1e-11, 1e-11, U)).all()


@pytest.mark.peer
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_in_torch(dtype):
    torch = pytest.importorskip("torch")
    a, b, c, e = (torch.tensor(v, dtype=torch.float64) for v in (RK45.A, RK45.B, RK45.C, RK45.E))

    def dormand_prince(half):
        def solver(score, x, *, path, t_start, t_stop, rtol, atol):
            def velocity(y, t):
                f, g2 = float(path.drift_rate(t)), float(path.diffusion(t)) ** 2
                return f * y - half * g2 * score(y, torch.full((len(y),), t, dtype=y.dtype))

            t, h = t_start, (t_start - t_stop) / 100
            while t > t_stop:
                h = min(h, t - t_stop)
                k = [velocity(x, t)]
                for row, node in zip(a[1:], c[1:]):
                    k.append(velocity(x - h * sum(float(w) * s for w, s in zip(row, k)), t - float(node) * h))
                new = x - h * sum(float(w) * s for w, s in zip(b, k))
                k.append(velocity(new, max(t - h, t_stop)))
                scale = atol + rtol * torch.maximum(x.abs(), new.abs())
                error = float(((h * sum(float(w) * s for w, s in zip(e, k)) / scale) ** 2).mean() ** 0.5)
                if error <= 1:
                    x, t = new, (t_stop if h >= t - t_stop else t - h)
                h *= min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
            return x

        return solver

    assert bad(report_of(dormand_prince(0.5), dtype, arrays="torch")) == []
    assert named(report_of(dormand_prince(1.0), dtype, arrays="torch")) == {"FLOW-full-score"}
