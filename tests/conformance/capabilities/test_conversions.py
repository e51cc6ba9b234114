"""``convert.*``: other right algebra conforms in both dtypes; formulas of one path fail on the others, by name."""

import numpy as np
import pytest
from scipy.linalg import get_lapack_funcs

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.capabilities.conversions.rows import ROWS
from refscore.conformance.capability import as_values

NAMES = [name.removeprefix("convert.") for name in CATALOGUE if name.startswith("convert.")]
DTYPES = ("float64", "float32")
LONG = [name for name in NAMES if {"v", "velocity"} & set(name.split("_to_"))]


def report_of(name, function, dtype="float64", arrays="numpy"):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(f"convert.{name}")(function)
    return check_here(adapter)


def assert_conforms(name, function, dtype, arrays="numpy"):
    results = report_of(name, function, dtype, arrays).results
    assert [(r.check, r.ratio, r.message) for r in results if r.outcome != "pass"] == []


def lifted(formula):
    return lambda value, x, *levels: formula(value, x, *(level[:, None] for level in levels))


def test_there_are_twenty():
    kinds = ("score", "noise", "data", "v", "velocity")
    assert sorted(NAMES) == sorted(f"{a}_to_{b}" for a in kinds for b in kinds if a != b)


def formula(name):
    return next(row.right for row in ROWS if row.name == name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_formula_in_its_own_dtype_conforms(name, dtype):
    assert_conforms(name, lifted(formula(name)), dtype)


def through(name, middle):
    """Convert to noise or data first and go on from there, as most codes do."""
    source, target = name.split("_to_")

    def step(a, b, value, x, *levels):
        if a == b:
            return value
        return formula(f"{a}_to_{b}")(value, x, *(levels if "velocity" in (a, b) else levels[:2]))

    def function(value, x, *levels):
        return step(middle, target, step(source, middle, value, x, *levels), x, *levels)

    return lifted(function)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("middle", ["noise", "data"])
@pytest.mark.parametrize("name", LONG)
def test_a_detour_conforms(name, middle, dtype):
    assert_conforms(name, through(name, middle), dtype)


def solve_pair(first, second, right):
    """The pair (x̂0, ε̂) of each sample from two equations, by LAPACK in the dtype that comes in."""
    gesv = get_lapack_funcs("gesv", (right[0],))
    rows = [np.stack([a, b]) for a, b in zip(first, second)]
    solved = [gesv(row, np.stack([x, y]))[2] for row, x, y in zip(rows, *right)]
    return np.stack([s[0] for s in solved]), np.stack([s[1] for s in solved])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in LONG if name.startswith("v")])
def test_solving_for_the_pair_conforms(name, dtype):
    source, target = name.split("_to_")

    def function(value, x, alpha, sigma, *rates):
        level = np.stack([alpha, sigma], -1)
        other = np.stack([-sigma, alpha], -1) if source == "v" else np.stack(rates, -1)
        data, noise = solve_pair(level, other, (x, value))
        a, s = alpha[:, None], sigma[:, None]
        forms = {"score": -noise / s, "noise": noise, "data": data, "v": a * noise - s * data}
        if rates:
            forms["velocity"] = rates[0][:, None] * data + rates[1][:, None] * noise
        return forms[target]

    assert_conforms(name, function, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_drift_of_the_flow_ode_conforms(dtype):  # u = f x − ½ g² s
    def function(score, x, a, s, da, ds):
        rate = da / a
        return rate * x - (s * ds - rate * s**2) * score

    assert_conforms("score_to_velocity", lifted(function), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_units_of_sigma_over_alpha_conform(dtype):  # the variance-exploding form of every path: x/α, σ/α
    def to_data(noise, x, a, s):
        return x / a - s / a * noise

    def to_score(data, x, a, s):
        return (data - x / a) / (s / a) ** 2 / a

    assert_conforms("noise_to_data", lifted(to_data), dtype)
    assert_conforms("data_to_score", lifted(to_score), dtype)


@pytest.mark.parametrize("name", ["v_to_data", "v_to_noise", "noise_to_v", "data_to_v"])
def test_a_variance_preserving_formula_is_right_there_and_named_elsewhere(name):
    wrong = next(f for f in CATALOGUE[f"convert.{name}"].faults if f.name.endswith("-vp"))
    with np.errstate(all="ignore"):
        results = report_of(name, wrong.function, "float32").results
    assert {r.check.split("/")[1] for r in results if r.outcome == "pass"} >= {"vp,n=d", "vp,sigma=1e-3,n=1"}
    assert {d.fault for r in results for d in r.diagnosis} == {wrong.name}


@pytest.mark.parametrize("name", NAMES)
def test_every_case_is_a_pair(name):  # x = α x̂0 + σ ε̂ holds for what the reference makes of it
    target = name.split("_to_")[1]
    for case in CATALOGUE[f"convert.{name}"].cases({}):
        _, x, *levels = case.arguments
        result = as_values(case.expect(CATALOGUE[f"convert.{name}"].reference))[0]
        a, s = (level[:, None] for level in levels[:2])
        back = {
            kind: through(f"{target}_to_{kind}", "noise")(result, x, *levels)
            for kind in ("noise", "data")
            if kind != target
        } | {target: result}
        size = np.abs(x) + a * np.abs(back["data"]) + s * np.abs(back["noise"])
        assert (np.abs(a * back["data"] + s * back["noise"] - x) <= 1e5 * 2.0**-53 * size).all()


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_torch_conforms(name, dtype):
    pytest.importorskip("torch")
    assert_conforms(name, lifted(formula(name)), dtype, "torch")
