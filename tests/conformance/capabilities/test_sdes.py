"""``sde.*``: other right algebra conforms in both dtypes; every path, and what is not a path's g."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.paths import EDM, VE, VP, Flow, SubVP


def report_of(name, function, dtype="float64", arrays="numpy"):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name)(function)
    return check_here(adapter)


def named(report):
    assert report.exit_code == 1
    return {d.fault for r in report.results for d in r.diagnosis}


def conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []


def beta(t, low, high):
    return (1 - t) * low + t * high


def vp_plain(x, t, *, beta_min, beta_max):
    rate = beta(t, beta_min, beta_max)
    return -rate[:, None] * x / 2, rate**0.5


def vp_by_einsum(x, t, *, beta_min, beta_max):
    rate = beta_min + (beta_max - beta_min) * t
    return np.einsum("n,nd->nd", -0.5 * rate, x), np.sqrt(rate)


def vp_by_diffusion(x, t, *, beta_min, beta_max):
    diffusion = np.sqrt(beta(t, beta_min, beta_max))
    return (x.T * (-0.5 * diffusion**2)).T, diffusion


def subvp_plain(x, t, *, beta_min, beta_max):
    rate = beta(t, beta_min, beta_max)
    twice = 2 * beta_min * t + (beta_max - beta_min) * t**2
    return -0.5 * rate[:, None] * x, np.sqrt(rate * -np.expm1(-twice))


def subvp_by_sinh(x, t, *, beta_min, beta_max):
    rate, integral = beta(t, beta_min, beta_max), t * (beta_min + t * (beta_max - beta_min) / 2)
    return -0.5 * rate[:, None] * x, np.sqrt(2 * rate * np.exp(-integral) * np.sinh(integral))


def subvp_by_factors(x, t, *, beta_min, beta_max):
    rate, integral = beta(t, beta_min, beta_max), t * (beta_min + t * (beta_max - beta_min) / 2)
    return -0.5 * rate[:, None] * x, np.sqrt(rate) * np.sqrt(-np.expm1(-integral) * (1 + np.exp(-integral)))


def ve_plain(x, t, *, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    return np.zeros_like(x), sigma * t.dtype.type(np.sqrt(2 * (np.log(sigma_max) - np.log(sigma_min))))


def ve_by_logarithms(x, t, *, sigma_min, sigma_max):
    low, high = t.dtype.type(np.log(sigma_min)), t.dtype.type(np.log(sigma_max))
    return 0 * x, np.exp(low + t * (high - low)) * np.sqrt(2 * (high - low))


def ve_by_derivative(x, t, *, sigma_min, sigma_max):
    sigma = sigma_min ** (1 - t) * sigma_max**t
    return np.zeros_like(x), np.sqrt(2 * sigma * (sigma * t.dtype.type(np.log(sigma_max / sigma_min))))


FORWARD = {
    "sde.vp": (vp_plain, vp_by_einsum, vp_by_diffusion),
    "sde.subvp": (subvp_plain, subvp_by_sinh, subvp_by_factors),
    "sde.ve": (ve_plain, ve_by_logarithms, ve_by_derivative),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "function"), [(n, f) for n, fs in FORWARD.items() for f in fs])
def test_right_forward_sdes_conform(name, function, dtype):
    def native(x, t, **keywords):
        drift, diffusion = function(x, t, **keywords)
        assert drift.dtype == diffusion.dtype == dtype
        return drift, diffusion

    conforms(report_of(name, native, dtype))


def native_coefficients(t, path):
    """f and g² in the dtype of t, each path by its own formula: what a library does with its own classes."""
    if isinstance(path, VE):
        ratio = path.sigma_max / path.sigma_min
        return 0 * t, 2 * t.dtype.type(np.log(ratio)) * (path.sigma_min * ratio**t) ** 2
    if isinstance(path, EDM):
        return 0 * t, 2 * t
    if isinstance(path, Flow):
        return -1 / (1 - t), 2 * t / (1 - t)
    rate = beta(t, path.beta_min, path.beta_max)
    integral = t * (path.beta_min + t * (path.beta_max - path.beta_min) / 2)
    return -rate / 2, rate if isinstance(path, VP) else -rate * np.expm1(-2 * integral)


def native_drift(weight):
    def drift(score_value, x, t, *, path):
        rate, square = native_coefficients(t, path)
        return rate[:, None] * x - t.dtype.type(weight) * square[:, None] * score_value

    return drift


def asked_drift(weight):
    """With the coefficients that the path gives: float64, returned as such or cast."""

    def drift(score_value, x, t, *, path):
        rate, diffusion = path.drift_rate(t)[:, None], path.diffusion(t)[:, None]
        return (rate * x - weight * diffusion * (diffusion * score_value)).astype(x.dtype)

    return drift


def velocity(score_value, x, t, *, path):
    # u = α' x̂0 + σ' ε̂: the flow's drift by another formula
    alpha, sigma, alpha_dot, sigma_dot = (
        getattr(path, name)(t)[:, None] for name in ("alpha", "sigma", "alpha_dot", "sigma_dot")
    )
    noise = -sigma * score_value
    return alpha_dot * (x - sigma * noise) / alpha + sigma_dot * noise


def noisy_half_of_velocity(score_value, x, t, *, path):
    return velocity(score_value, x, t, path=path) - 0.5 * path.diffusion(t)[:, None] ** 2 * score_value


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "weight"), [("sde.reverse", 1.0), ("sde.flow", 0.5)])
def test_right_drifts_conform(name, weight, dtype):
    def native(score_value, x, t, *, path):
        value = native_drift(weight)(score_value, x, t, path=path)
        assert value.dtype == dtype
        return value

    conforms(report_of(name, native, dtype))
    conforms(report_of(name, asked_drift(weight), dtype))


def test_the_velocity_is_the_drift_of_the_flow():
    conforms(report_of("sde.flow", velocity))
    conforms(report_of("sde.reverse", noisy_half_of_velocity))


def test_the_two_drifts_are_told_apart():
    assert named(report_of("sde.reverse", native_drift(0.5))) == {"REV-half"}
    assert named(report_of("sde.flow", native_drift(1.0))) == {"FLOW-ODE-full"}


def test_a_time_that_is_not_lifted_raises_or_is_named():
    fault = next(f for f in CATALOGUE["sde.vp"].faults if f.name == "VPSDE-not-lifted")
    outcomes = {r.check: r.outcome for r in report_of("sde.vp", fault.function).results}
    assert outcomes["sde.vp/late,n=d"] == "fail"  # as many samples as dimensions: silently wrong
    assert outcomes["sde.vp/late,n<d"] == "error"  # otherwise it cannot be computed
    assert outcomes["sde.vp/late,n=1"] == "pass"


def test_the_cancellation_of_sub_vp_is_named_in_float32():
    fault = next(f for f in CATALOGUE["sde.subvp"].faults if f.name == "SUBVPSDE-cancellation")
    assert named(report_of("sde.subvp", fault.function, "float32")) == {"SUBVPSDE-cancellation"}


@pytest.mark.peer
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch(dtype):
    torch = pytest.importorskip("torch")

    def subvp(x, t, *, beta_min, beta_max):
        rate = beta_min + t * (beta_max - beta_min)
        discount = -torch.expm1(-2 * beta_min * t - (beta_max - beta_min) * t**2)
        return -0.5 * rate[:, None] * x, torch.sqrt(rate * discount)

    def reverse(score_value, x, t, *, path):
        rate, diffusion = (torch.as_tensor(f(t), dtype=x.dtype)[:, None] for f in (path.drift_rate, path.diffusion))
        return rate * x - diffusion**2 * score_value

    conforms(report_of("sde.subvp", subvp, dtype, "torch"))
    conforms(report_of("sde.reverse", reverse, dtype, "torch"))


def test_the_paths_of_the_drifts_are_the_documented_ones():
    paths = {type(case.keywords["path"]) for case in CATALOGUE["sde.flow"].cases({})}
    assert paths == {VP, SubVP, VE, EDM, Flow}
