"""``schedule.*``: other right algebra conforms in both dtypes; integers are exact; a step is judged by its ratio."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar, toms748
from scipy.special import erf
from scipy.stats import norm

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.schedules import geometric, karras, linear_betas, ncsnv2, ncsnv2_step


def report_of(name, function, dtype="float64", arrays="numpy", **conventions):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **conventions)(function)
    return check_here(adapter)


def named(report):
    assert report.exit_code == 1
    return {d.fault for r in report.results for d in r.diagnosis}


def conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


def ramp(n, dtype):
    return (np.arange(n) / max(n - 1, 1)).astype(dtype)


def geometric_by_logarithms(dtype, *, n, sigma_min, sigma_max):
    first, last = dtype(np.log(sigma_max)), dtype(np.log(sigma_min))
    return np.exp(first + ramp(n, dtype) * (last - first))


def geometric_by_products(dtype, *, n, sigma_min, sigma_max):
    ratio = dtype((sigma_min / sigma_max) ** (1 / max(n - 1, 1)))
    return np.cumprod(np.append(dtype(sigma_max), np.full(n - 1, ratio)), dtype=dtype)


def geometric_by_two_powers(dtype, *, n, sigma_min, sigma_max):
    r = ramp(n, dtype)
    return dtype(sigma_max) ** (1 - r) * dtype(sigma_min) ** r


def karras_by_weights(dtype, *, n, sigma_min, sigma_max, rho):
    r, inverse = ramp(n, dtype), dtype(1 / rho)
    return ((1 - r) * dtype(sigma_max) ** inverse + r * dtype(sigma_min) ** inverse) ** dtype(rho)


def karras_by_differences(dtype, *, n, sigma_min, sigma_max, rho):
    first, last = dtype(sigma_max ** (1 / rho)), dtype(sigma_min ** (1 / rho))
    return (first + ramp(n, dtype) * (last - first)) ** rho


def karras_by_logarithms(dtype, *, n, sigma_min, sigma_max, rho):
    roots = np.linspace(dtype(sigma_max ** (1 / rho)), dtype(sigma_min ** (1 / rho)), n, dtype=dtype)
    return np.exp(dtype(rho) * np.log(roots))


def linear_by_linspace(dtype, *, n, beta_start, beta_end):
    return np.linspace(beta_start, beta_end, n, dtype=dtype)


def linear_by_weights(dtype, *, n, beta_start, beta_end):
    r = ramp(n, dtype)
    return (1 - r) * dtype(beta_start) + r * dtype(beta_end)


def linear_by_steps(dtype, *, n, beta_start, beta_end):
    return dtype(beta_start) + np.arange(n, dtype=dtype) * dtype((beta_end - beta_start) / (n - 1))


def scaled_by_linspace(dtype, *, n, beta_start, beta_end):
    return np.linspace(beta_start**0.5, beta_end**0.5, n, dtype=dtype) ** 2


def scaled_by_weights(dtype, *, n, beta_start, beta_end):
    r = ramp(n, dtype)
    return ((1 - r) * np.sqrt(dtype(beta_start)) + r * np.sqrt(dtype(beta_end))) ** 2


def scaled_expanded(dtype, *, n, beta_start, beta_end):
    r, mixed = ramp(n, dtype), np.sqrt(dtype(beta_start) * dtype(beta_end))
    return (1 - r) ** 2 * dtype(beta_start) + 2 * r * (1 - r) * mixed + r**2 * dtype(beta_end)


def kept(t, s):
    return np.cos((t + s) / (1 + s) * np.pi / 2) ** 2


def cosine_by_ratio(dtype, *, n, s, max_beta):
    products = kept(np.arange(n + 1, dtype=dtype) / n, s)
    products = products / products[0]
    return np.clip(1 - products[1:] / products[:-1], 0, max_beta)


def cosine_term_by_term(dtype, *, n, s, max_beta):
    return np.array([min(1 - kept(dtype((i + 1) / n), s) / kept(dtype(i / n), s), max_beta) for i in range(n)], dtype)


def cosine_by_the_disputed_line(dtype, *, n, s, max_beta):
    # linspace(0, steps, steps) / steps with steps = n + 1 was reported as an off-by-one: it is i/n, as it should be.
    steps = n + 1
    products = kept(np.linspace(0, steps, steps, dtype=dtype) / steps, s)
    return np.clip(1 - products[1:] / products[:-1], 0, max_beta)


RIGHT = {
    "schedule.geometric": (geometric_by_logarithms, geometric_by_products, geometric_by_two_powers),
    "schedule.karras": (karras_by_weights, karras_by_differences, karras_by_logarithms),
    "schedule.linear_betas": (linear_by_linspace, linear_by_weights, linear_by_steps),
    "schedule.scaled_linear_betas": (scaled_by_linspace, scaled_by_weights, scaled_expanded),
    "schedule.cosine_betas": (cosine_by_ratio, cosine_term_by_term, cosine_by_the_disputed_line),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "function"), [(n, f) for n, fs in RIGHT.items() for f in fs])
def test_right_schedules_conform(name, function, dtype):
    def native(**keywords):
        value = function(np.dtype(dtype).type, **keywords)
        assert value.dtype == dtype
        return value

    conforms(report_of(name, native, dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", RIGHT["schedule.karras"])
def test_the_final_zero_is_a_convention(function, dtype):
    def native(**keywords):
        return function(np.dtype(dtype).type, **keywords)

    def ended(**keywords):
        return np.append(native(**keywords), np.dtype(dtype).type(0))

    conforms(report_of("schedule.karras", ended, dtype, final_zero=True))
    assert named(report_of("schedule.karras", ended, dtype)) == {"convention"}
    assert named(report_of("schedule.karras", native, dtype, final_zero=True)) == {"convention"}


def test_karras_faults_are_named_with_a_final_zero():
    def offered(fault):
        return lambda **keywords: fault.function(**keywords, final_zero=True)

    for fault in CATALOGUE["schedule.karras"].faults:
        assert named(report_of("schedule.karras", offered(fault), final_zero=True)) == {fault.name}


def test_half_of_the_disputed_repair_is_the_fault():
    # only one of the two "steps" of that line is replaced
    def half_repaired(*, n, s, max_beta):
        products = kept(np.linspace(0, n, n + 1) / (n + 1), s)
        return np.clip(1 - products[1:] / products[:-1], 0, max_beta)

    assert named(report_of("schedule.cosine_betas", half_repaired)) == {"COSB-off-by-one"}


def bisected(*, d, sigma_min, sigma_max, overlap):
    def overlap_of(gamma):
        y = math.sqrt(2 * d) * (gamma - 1)
        return norm.cdf(y + 3 * gamma) - norm.cdf(y - 3 * gamma)

    low, high = 1.0, 16.0
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if overlap_of(middle) > overlap else (low, middle)
    return low, math.ceil(math.log(sigma_max / sigma_min) / math.log(low)) + 1


def by_error_functions(*, d, sigma_min, sigma_max, overlap):
    def excess(y):
        width = 3 + 3 * y / math.sqrt(2 * d)
        return 0.5 * (erf((y + width) / math.sqrt(2)) - erf((y - width) / math.sqrt(2))) - overlap

    gamma = 1 + brentq(excess, 0, 64, xtol=1e-14) / math.sqrt(2 * d)
    n = 2
    while (sigma_max / sigma_min) ** (1 / (n - 1)) > gamma:
        n += 1
    return gamma, n


def by_logarithm(*, d, sigma_min, sigma_max, overlap):
    def excess(log_gamma):
        radius, scale = math.exp(log_gamma), math.sqrt(2 * d)
        shell = norm(loc=0, scale=1)
        return shell.sf(scale * (radius - 1) - 3 * radius) - shell.sf(scale * (radius - 1) + 3 * radius) - overlap

    log_gamma = toms748(excess, 0, 3, xtol=1e-16)
    return np.array(math.exp(log_gamma)), np.array(1 + math.ceil(math.log(sigma_max / sigma_min) / log_gamma))


@pytest.mark.parametrize("function", [bisected, by_error_functions, by_logarithm])
def test_right_numbers_of_levels_conform(function):
    conforms(report_of("schedule.ncsnv2", function))


@pytest.mark.parametrize("function", [bisected, by_error_functions, by_logarithm])
def test_right_numbers_of_levels_conform_in_float32(function):
    def rounded(**keywords):
        gamma, _ = function(**keywords)
        gamma = np.float32(gamma)  # and the number of levels from that
        return gamma, int(
            np.ceil(np.log(np.float32(keywords["sigma_max"] / keywords["sigma_min"])) / np.log(gamma))
        ) + 1

    conforms(report_of("schedule.ncsnv2", rounded, "float32"))


def test_no_number_of_levels_sits_on_an_edge():
    # An error of the whole bound in a float32 γ must leave n as it is, or n would not be a fair question.
    for case in CATALOGUE["schedule.ncsnv2"].cases({}):
        gamma, n = ncsnv2(**case.keywords)
        for moved in (gamma * (1 - 16 * 2.0**-24), gamma * (1 + 16 * 2.0**-24)):
            intervals = math.log(case.keywords["sigma_max"] / case.keywords["sigma_min"]) / math.log(moved)
            assert math.ceil(intervals) + 1 == n


def test_the_number_of_levels_is_compared_exactly():
    for off in (-1, 1):
        report = report_of(
            "schedule.ncsnv2", lambda k=off, **keywords: (ncsnv2(**keywords)[0], ncsnv2(**keywords)[1] + k)
        )
        assert all(r.outcome == "fail" for r in report.results if not r.check.endswith("/api"))


def ratio_of(e, gamma2, n_steps):
    return (1 - e) ** (2 * n_steps) * (gamma2 - 2 / (2 - e)) + 2 / (2 - e)


def gamma2_of(sigmas):
    return (sigmas[0] / sigmas[1]) ** 2


def by_golden_section(*, sigmas, n_steps):
    found = minimize_scalar(
        ratio_of, bounds=(0, 1), args=(float(gamma2_of(sigmas)), n_steps), method="bounded", options={"xatol": 1e-9}
    )
    return found.x * float(sigmas[-1]) ** 2


def by_grid(*, sigmas, n_steps):
    """Values of R compared on ever finer grids, in the dtype of the levels."""
    low, high = sigmas.dtype.type(0), sigmas.dtype.type(1)
    for _ in range(12):
        grid = np.linspace(low, high, 65, dtype=sigmas.dtype)
        k = int(np.argmin(ratio_of(grid, gamma2_of(sigmas), n_steps)))
        low, high = grid[max(k - 4, 0)], grid[min(k + 4, 64)]
    return grid[k] * sigmas[-1] ** 2


def by_slope(*, sigmas, n_steps):
    gamma2 = float(gamma2_of(sigmas))

    def slope(e):
        complex_step = ratio_of(e + 1e-30j, gamma2, n_steps)
        return complex_step.imag / 1e-30

    return brentq(slope, 0, 1, xtol=1e-15) * float(sigmas[-1]) ** 2


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", [by_golden_section, by_grid, by_slope])
def test_right_steps_conform(function, dtype):
    conforms(report_of("schedule.ncsnv2_step", function, dtype))


def test_the_reference_step_conforms():
    report = report_of("schedule.ncsnv2_step", ncsnv2_step)
    conforms(report)
    assert max(r.ratio for r in report.results) < 1
    assert max(r.detects for r in report.results) < 1e-5  # what a minimum tells about its place


STEP_FAULTS = CATALOGUE["schedule.ncsnv2_step"].faults


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fault", STEP_FAULTS, ids=lambda f: f.name)
def test_every_step_fault_is_caught_and_named(fault, dtype):
    report = report_of("schedule.ncsnv2_step", fault.function, dtype)
    assert named(report) == {fault.name}
    assert max(r.ratio for r in report.results) > 1000


@pytest.mark.parametrize("fault", STEP_FAULTS, ids=lambda f: f.name)
def test_a_step_fault_is_named_however_it_was_minimised(fault):
    def as_searched(**keywords):
        return fault.function(**keywords) * (1 + 1e-8)

    assert named(report_of("schedule.ncsnv2_step", as_searched)) == {fault.name}


def test_an_unknown_step_is_not_named():
    assert named(report_of("schedule.ncsnv2_step", lambda **keywords: 1.3 * ncsnv2_step(**keywords))) == set()
    assert named(report_of("schedule.ncsnv2_step", lambda **_: float("nan"))) == set()
    assert report_of("schedule.ncsnv2_step", lambda **_: np.zeros(2)).exit_code == 1


def test_published_schedules():
    # Karras et al. (2022): 18 levels; Song & Ermon (2020): CIFAR-10 has 232 levels and the step 6.2e-6
    levels = karras(n=18, sigma_min=0.002, sigma_max=80, rho=7)
    assert [f"{v:.5g}" for v in levels[[1, 2, -3, -2]]] == ["57.586", "40.786", "0.022935", "0.007528"]
    assert f"{np.prod(1 - linear_betas(n=1000, beta_start=1e-4, beta_end=0.02)):.4e}" == "4.0358e-05"
    steps = {case.name for case in CATALOGUE["schedule.ncsnv2_step"].checks({}, "float64", "quick")}
    assert "d=3072,n=232,T=5" in steps
    assert f"{ncsnv2_step(sigmas=geometric(n=232, sigma_min=0.01, sigma_max=50), n_steps=5):.1e}" == "6.2e-06"


@pytest.mark.peer
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch(dtype):
    torch = pytest.importorskip("torch")
    kind = getattr(torch, dtype)

    def scaled(*, n, beta_start, beta_end):
        return torch.linspace(beta_start**0.5, beta_end**0.5, n, dtype=kind) ** 2

    def levels(*, n, sigma_min, sigma_max, rho):
        r = torch.linspace(0, 1, n, dtype=kind)
        first, last = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
        return torch.cat([(first + r * (last - first)) ** rho, r.new_zeros(1)])

    conforms(report_of("schedule.scaled_linear_betas", scaled, dtype, "torch"))
    conforms(report_of("schedule.karras", levels, dtype, "torch", final_zero=True))
