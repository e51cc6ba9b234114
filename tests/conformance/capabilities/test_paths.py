"""``path.*``: other right algebra conforms in both dtypes, on both clocks; cancellation and conventions are named."""

import re

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here


def report_of(name, function, dtype="float64", arrays="numpy", **conventions):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **conventions)(function)
    return check_here(adapter)


def named(report):
    assert report.exit_code == 1
    return {d.fault for r in report.results for d in r.diagnosis}


def log_alpha(t, beta_min, beta_max):
    return -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min


def vp_by_sinh(t, *, beta_min, beta_max):
    half = -log_alpha(t, beta_min, beta_max)
    return np.exp(-half), np.sqrt(2 * np.exp(-half) * np.sinh(half))


def vp_by_factors(t, *, beta_min, beta_max):
    alpha = np.exp(log_alpha(t, beta_min, beta_max))
    return alpha, np.sqrt(-np.expm1(log_alpha(t, beta_min, beta_max)) * (1 + alpha))


def vp_by_sigmoid(t, *, beta_min, beta_max):
    # From the log signal-to-noise ratio, as codes in λ have it.
    ratio = np.expm1(-2 * log_alpha(t, beta_min, beta_max))
    return 1 / np.sqrt(1 + ratio), np.sqrt(ratio / (1 + ratio))


def vp_by_hyperbolic_tangent(t, *, beta_min, beta_max):
    tanh = np.tanh(-0.5 * log_alpha(t, beta_min, beta_max))
    return (1 - tanh) / (1 + tanh), 2 * np.sqrt(tanh) / (1 + tanh)


def subvp_by_factors(t, *, beta_min, beta_max):
    alpha = np.exp(log_alpha(t, beta_min, beta_max))
    return alpha, -np.expm1(log_alpha(t, beta_min, beta_max)) * (1 + alpha)


def subvp_by_sinh(t, *, beta_min, beta_max):
    half = -log_alpha(t, beta_min, beta_max)
    return np.exp(-half), 2 * np.exp(-half) * np.sinh(half)


def subvp_plain_exponent(t, *, beta_min, beta_max):
    integral = beta_min * t + (beta_max - beta_min) * t * t / 2
    return np.exp(-integral / 2), -np.expm1(-integral)


def ve_by_power(t, *, sigma_min, sigma_max):
    return np.ones_like(t), sigma_min ** (1 - t) * sigma_max**t


def ve_by_logarithms(t, *, sigma_min, sigma_max):
    return np.ones_like(t), np.exp(t.dtype.type(np.log(sigma_min)) * (1 - t) + t * t.dtype.type(np.log(sigma_max)))


def ve_by_powers_of_two(t, *, sigma_min, sigma_max):
    return np.ones_like(t), sigma_min * np.exp2(t * t.dtype.type(np.log2(sigma_max / sigma_min)))


def transition_by_factors(t, *, sigma_min, sigma_max):
    grown = np.expm1(t * t.dtype.type(np.log(sigma_max / sigma_min)))
    return np.ones_like(t), sigma_min * np.sqrt(grown * (grown + 2))


def transition_by_sinh(t, *, sigma_min, sigma_max):
    power = t * t.dtype.type(np.log(sigma_max / sigma_min))
    return np.ones_like(t), sigma_min * np.sqrt(2 * np.exp(power) * np.sinh(power))


def transition_by_one_exponent(t, *, sigma_min, sigma_max):
    return np.ones_like(t), np.sqrt(sigma_min**2 * np.expm1(t * t.dtype.type(2 * np.log(sigma_max / sigma_min))))


def cosine_by_product_of_sines(t, *, s):
    c = np.pi / 2 / (1 + s)
    first, last = c * t, c * (t + 2 * s)
    alpha = np.cos((t + s) / (1 + s) * np.pi / 2) / t.dtype.type(np.cos(c * s))
    return alpha, np.sqrt(np.sin(first) * np.sin(last)) / t.dtype.type(np.cos(c * s))


def cosine_by_tangent(t, *, s):
    # 1 - α = 2 sin²(ct/2) + tan θ0 sin(ct): positive terms only
    c = np.pi / 2 / (1 + s)
    lost = 2 * np.sin(c * t / 2) ** 2 + t.dtype.type(np.tan(c * s)) * np.sin(c * t)
    return 1 - lost, np.sqrt(lost * (2 - lost))


def cosine_by_co_function(t, *, s):
    c = np.pi / 2 / (1 + s)
    alpha = np.sin(c * (1 - t)) / t.dtype.type(np.sin(c))
    sine = t.dtype.type(2) * np.sin(c * t / 2) * np.sin(c * (t / 2 + s)) / t.dtype.type(np.cos(c * s))  # 1 - α
    return alpha, np.sqrt(sine * (1 + alpha))


def flow_by_interpolation(t):
    return 1 + t * (0 - 1), 0 * (1 - t) + t


def flow_by_difference(t):
    return 1 - t, t


def flow_in_integers(t):
    return (1000 - 1000 * t) / 1000, t


def edm_plain(t):
    return np.ones_like(t), t.copy()


def edm_by_root(t):
    return t**0, np.sqrt(t * t)


def edm_by_norm(t):
    return np.ones_like(t), np.hypot(t, 0 * t)


RIGHT = {
    "path.vp": (vp_by_sinh, vp_by_factors, vp_by_sigmoid, vp_by_hyperbolic_tangent),
    "path.subvp": (subvp_by_factors, subvp_by_sinh, subvp_plain_exponent),
    "path.ve": (ve_by_power, ve_by_logarithms, ve_by_powers_of_two),
    "path.cosine": (cosine_by_product_of_sines, cosine_by_tangent, cosine_by_co_function),
    "path.flow": (flow_by_interpolation, flow_by_difference, flow_in_integers),
    "path.edm": (edm_plain, edm_by_root, edm_by_norm),
}
TRANSITION = (transition_by_factors, transition_by_sinh, transition_by_one_exponent)


def conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "function"), [(n, f) for n, fs in RIGHT.items() for f in fs])
def test_right_implementations_conform(name, function, dtype):
    def native(t, **keywords):
        alpha, sigma = function(t, **keywords)
        assert alpha.dtype == sigma.dtype == dtype  # the arithmetic did happen in this dtype
        return alpha, sigma

    conforms(report_of(name, native, dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", TRANSITION)
def test_the_transition_kernel_is_a_convention(function, dtype):
    conforms(report_of("path.ve", function, dtype, kernel="transition"))
    assert named(report_of("path.ve", function, dtype)) == {"convention"}
    assert named(report_of("path.ve", ve_by_power, dtype, kernel="transition")) == {"convention"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "function"), [(n, f) for n in ("path.cosine", "path.flow") for f in RIGHT[n]])
def test_the_clock_is_a_convention(name, function, dtype):
    def turned(t, **keywords):
        return function(1 - t, **keywords)

    conforms(report_of(name, turned, dtype, time="data_at_1"))
    assert named(report_of(name, turned, dtype)) == {"convention"}
    assert named(report_of(name, function, dtype, time="data_at_1")) == {"convention"}


@pytest.mark.parametrize("name", ["path.cosine", "path.flow"])
def test_faults_are_named_on_the_other_clock(name):
    for fault in CATALOGUE[name].faults:
        with np.errstate(all="ignore"):
            report = report_of(name, lambda t, f=fault, **keywords: f.function(1 - t, **keywords), time="data_at_1")
        assert named(report) == {fault.name}


def test_faults_are_named_under_the_other_kernel():
    def offered(fault):
        return lambda t, **keywords: fault.function(t, **keywords, kernel="transition")

    for fault in CATALOGUE["path.ve"].faults:
        with np.errstate(all="ignore"):
            assert named(report_of("path.ve", offered(fault), kernel="transition")) == {fault.name}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("path.vp", "VP-cancellation"),
        ("path.vp", "VP-difference"),
        ("path.subvp", "SUBVP-cancellation"),
        ("path.subvp", "SUBVP-difference"),
        ("path.cosine", "COS-cancellation"),
        ("path.ve", "VE-cancellation"),
    ],
)
def test_cancellation_is_named_in_float32_too(name, fault):
    function, declared = next((f.function, f.declared) for f in CATALOGUE[name].faults if f.name == fault)
    report = report_of(name, function, "float32", **declared)
    assert named(report) == {fault}
    assert max(r.ratio for r in report.results) > 1000
    assert next(r for r in report.results if r.check == f"{name}/t=1e-05").outcome == "fail"
    assert all(r.outcome == "pass" for r in report.results if r.check in (f"{name}/t=0", f"{name}/t=1"))


@pytest.mark.parametrize(
    ("name", "fault", "keywords"),
    [
        ("path.vp", "VP-cancellation", {"beta_min": 0.1, "beta_max": 20.0}),
        ("path.subvp", "SUBVP-cancellation", {"beta_min": 0.1, "beta_max": 20.0}),
        ("path.cosine", "COS-cancellation", {"s": 0.008}),
    ],
)
def test_what_cancellation_costs_in_float32_is_what_its_text_says(name, fault, keywords):
    text, function = next((f.effect, f.function) for f in CATALOGUE[name].faults if f.name == fault)
    t = np.append(1e-5, np.geomspace(1e-5, 1e-3, 200_001)).astype(np.float32)
    sigma, right = function(t, **keywords)[1], CATALOGUE[name].reference(t.astype(np.float64), **keywords)[1]
    assert sigma.dtype == np.float32
    said = [float(number) for number in re.findall(r"([0-9.]+) %", text)]
    lost = 100 * np.abs(sigma / right - 1)
    expected = [lost[0], lost.max()]  # at t = 1e-5, and from there to 1e-3
    assert "t = 1e-5" in text
    np.testing.assert_allclose(said, expected[: len(said)], atol=0.05 + 0.45 * (name == "path.cosine"))


@pytest.mark.peer
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_as_it_stands_in_score_sde_and_repaired(dtype):
    torch = pytest.importorskip("torch")

    def score_sde(t, *, beta_min, beta_max):
        log_mean = log_alpha(t, beta_min, beta_max)
        return torch.exp(log_mean), torch.sqrt(1.0 - torch.exp(2.0 * log_mean))

    def repaired(t, *, beta_min, beta_max):
        log_mean = log_alpha(t, beta_min, beta_max)
        return torch.exp(log_mean), torch.sqrt(-torch.expm1(2.0 * log_mean))

    def geometric(t, *, sigma_min, sigma_max):
        return torch.ones_like(t), sigma_min * (sigma_max / sigma_min) ** t

    conforms(report_of("path.vp", repaired, dtype, "torch"))
    conforms(report_of("path.ve", geometric, dtype, "torch"))
    report = report_of("path.vp", score_sde, dtype, "torch")
    assert report.exit_code == 1
    if dtype == "float32":  # in float64 an exponential that differs in the last place has nothing left in common
        assert named(report) == {"VP-cancellation"}
