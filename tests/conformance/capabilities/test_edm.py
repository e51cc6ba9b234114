"""step.edm: other correct algebra conforms in both dtypes, Heun and Euler, with the cap and without; released code."""

import importlib.util
from unittest import mock

import numpy as np
import pytest

from refscore.conformance import Adapter, check_here
from refscore.conformance.recorders.numpy import standard_normal
from refscore.samplers import edm_euler_step, edm_step

DTYPES = ["float64", "float32"]
CAP = 2**0.5 - 1


def report_of(function, dtype="float64", arrays="numpy", noise=None, **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements("step.edm", noise=noise, **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def diagnosed(report):
    return {d.fault: d.description for r in report.results for d in r.diagnosis}


def native(function):
    """Hold a function to the dtype of its arguments, so that a float32 test is one."""

    def wrapped(denoiser, x, *arguments, **keywords):
        result = function(denoiser, x, *arguments, **keywords)
        assert result.dtype == x.dtype
        return result

    return wrapped


def column(*values):
    return tuple(v[:, None] for v in values)


def safe(level):
    return np.where(level > 0, level, 1)


def nvidia(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
    """As in EDM's generate.py."""
    t_hat = sigma + churn * sigma
    hat, cur, nxt = column(t_hat, sigma, sigma_next)
    x_hat = x + np.sqrt(hat**2 - cur**2) * s_noise * noise
    d_cur = (x_hat - denoiser(x_hat, t_hat)) / hat
    x_next = x_hat + (nxt - hat) * d_cur
    d_prime = (x_next - denoiser(x_next, sigma_next)) / safe(nxt)
    return np.where(nxt > 0, x_hat + (nxt - hat) * (0.5 * d_cur + 0.5 * d_prime), x_next)


def interpolated(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
    """Euler as a mean of state and data, the correction added to it; the root from its factors."""
    up = (1 + churn) * sigma
    hat, cur, nxt = column(up, sigma, sigma_next)
    y = x + s_noise * noise * cur * np.sqrt(np.asarray(churn * (2 + churn), x.dtype))
    ratio = nxt / hat
    data = denoiser(y, up)
    euler = ratio * y + (1 - ratio) * data
    change = (euler - denoiser(euler, sigma_next)) / safe(nxt) - (y - data) / hat
    return np.where(nxt > 0, euler - (hat - nxt) / 2 * change, euler)


def by_score(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
    """The flow dx = −σ s dσ with s = (D − x)/σ²; the noise as that of the forward process."""
    up = sigma * (1 + churn)
    hat, cur, nxt = column(up, sigma, sigma_next)
    y = x + np.sqrt((hat - cur) * (hat + cur)) * (s_noise * noise)

    def drift(z, at):
        return -safe(at) * ((denoiser(z, at[:, 0]) - z) / safe(at) ** 2)

    h = hat - nxt
    d = drift(y, hat)
    again = np.where(nxt > 0, drift(y - h * d, nxt), d)
    return y - (h / 2 * d + h / 2 * again)


WAYS = [nvidia, interpolated, by_score]


def capped(function):
    return lambda *a, churn, **named: function(*a, churn=min(churn, CAP), **named)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", WAYS)
def test_heun(function, dtype):
    assert bad(report_of(native(function), dtype)) == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", WAYS)
def test_the_cap_is_tested_where_it_is_declared(function, dtype):
    assert bad(report_of(native(capped(function)), dtype, churn="rate")) == []
    assert bad(report_of(native(capped(function)), dtype)) == []  # a γ that is capped already
    report = report_of(native(function), dtype, churn="rate")
    assert {check for check, _, _ in bad(report)} == {"step.edm/mid,churn=0.4375", "step.edm/mid,churn=2"}
    assert set(diagnosed(report)) == {"EDM-churn-not-capped"}


def euler(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
    """k-diffusion's, sample by sample."""
    hat, cur, nxt = column(sigma * (churn + 1), sigma, sigma_next)
    y = x + noise * s_noise * (hat**2 - cur**2) ** 0.5
    return y + (y - denoiser(y, hat[:, 0])) / hat * (nxt - hat)


@pytest.mark.parametrize("dtype", DTYPES)
def test_euler_is_a_convention(dtype):
    assert bad(report_of(native(euler), dtype, order=1)) == []
    assert "order=1 (declared: order=2)" in diagnosed(report_of(euler, dtype))["convention"]
    assert "order=2 (declared: order=1)" in diagnosed(report_of(nvidia, dtype, order=1))["convention"]


def test_a_missing_correction_at_zero_only_is_seen_there():
    def unguarded(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
        hat, cur, nxt = column(sigma * (1 + churn), sigma, sigma_next)
        y = x + np.sqrt(hat**2 - cur**2) * s_noise * noise
        d = (y - denoiser(y, hat[:, 0])) / hat
        z = y + (nxt - hat) * d
        return y + (nxt - hat) / 2 * (d + (z - denoiser(z, sigma_next)) / nxt)

    with np.errstate(all="ignore"):
        report = report_of(unguarded)
    assert {check for check, _, _ in bad(report)} == {"step.edm/last,churn=0", "step.edm/last,churn=0.25"}
    assert set(diagnosed(report)) == {"EDM-correction-at-zero"}


@pytest.mark.parametrize("order", [1, 2])
def test_noise_drawn_inside(order):
    one = nvidia if order == 2 else euler

    def drawing(denoiser, x, **named):
        return one(denoiser, x, standard_normal(x.shape), **named)

    def only_where_needed(denoiser, x, *, churn, **named):
        noise = standard_normal(x.shape) if churn > 0 else np.zeros_like(x)
        return one(denoiser, x, noise, churn=churn, **named)

    assert bad(report_of(drawing, noise="recorded", order=order)) == []
    assert bad(report_of(only_where_needed, noise="recorded", order=order)) == []


def test_noise_out_of_reach_has_the_law_of_the_step():
    rng = np.random.default_rng(0)

    def drawing(one, scale=1.0):
        return lambda d, x, **named: one(d, x, scale * rng.standard_normal(x.shape), **named)

    assert bad(report_of(drawing(edm_step), noise="internal")) == []
    assert bad(report_of(drawing(edm_euler_step), noise="internal", order=1)) == []
    assert bad(report_of(drawing(edm_step, 1.5), noise="internal"))


# --- torch, and released code


def right_in_torch(torch):
    def step(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
        up = (sigma * (1 + churn))[:, None]
        cur, nxt = sigma[:, None], sigma_next[:, None]
        y = x + (up**2 - cur**2).sqrt() * s_noise * noise
        d = (y - denoiser(y, up[:, 0])) / up
        x_next = y + (nxt - up) * d
        if (nxt == 0).all():
            return x_next
        d_2 = (x_next - denoiser(x_next, nxt[:, 0])) / nxt
        return y + (nxt - up) * (d + d_2) / 2

    return step


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch(dtype):
    torch = pytest.importorskip("torch")
    right = right_in_torch(torch)

    def before(denoiser, x, noise, *, sigma, sigma_next, churn, s_noise):
        """Schedulers that are handed the model's output ask it before they add noise."""
        e = (x - denoiser(x, sigma)) / sigma[:, None]
        up, nxt = (sigma * (1 + churn))[:, None], sigma_next[:, None]
        y = x + (up**2 - sigma[:, None] ** 2).sqrt() * s_noise * noise
        return y + (nxt - up) * e

    assert bad(report_of(right, dtype, arrays="torch")) == []
    assert set(diagnosed(report_of(before, dtype, arrays="torch", order=1))) == {"EDM-noise-prediction-before"}


def with_peer(package):
    def decorate(test):
        absent = importlib.util.find_spec(package) is None
        test = pytest.mark.skipif(absent, reason=f"{package} is not installed")(test)
        return pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")(pytest.mark.peer(test))  # of tensors

    return decorate


def sample_by_sample(one):
    """A sampler whose levels the batch shares."""

    def step(denoiser, x, noise, *, sigma, sigma_next, **named):
        import torch

        rows = [one(denoiser, *(v[i : i + 1] for v in (x, noise, sigma, sigma_next)), **named) for i in range(len(x))]
        return torch.cat(rows)

    return step


@with_peer("k_diffusion")
@pytest.mark.parametrize(("name", "order"), [("sample_heun", 2), ("sample_euler", 1)])
def test_k_diffusion(name, order):
    import torch

    from validation.peers.k_diffusion_driver import sampling
    from validation.peers.lift import lifted, replaced

    def one(denoiser, x, noise, sigma, sigma_next, *, churn, s_noise):
        """A run of one step, so that S_churn/N is churn."""
        levels = torch.cat([sigma, sigma_next])
        with lifted(sampling), replaced(sampling, randn_like=lambda _: noise):
            return getattr(sampling, name)(denoiser, x, levels, disable=True, s_churn=churn, s_noise=s_noise)

    for dtype in DTYPES:
        assert bad(report_of(sample_by_sample(one), dtype, arrays="torch", order=order, churn="rate")) == []


@with_peer("diffusers")
def test_diffusers_asks_the_model_before_it_adds_noise():
    import torch
    from diffusers import EulerDiscreteScheduler
    from diffusers.schedulers import scheduling_euler_discrete as module

    from validation.peers.lift import lifted

    def one(denoiser, x, noise, sigma, sigma_next, *, churn, s_noise):
        scheduler = EulerDiscreteScheduler()
        scheduler.set_timesteps(1)
        scheduler.sigmas = torch.cat([sigma, sigma_next])
        scheduler.is_scale_input_called = True
        e = (x - denoiser(x, sigma)) / sigma
        with lifted(module), mock.patch.object(module, "randn_tensor", return_value=noise):
            return scheduler.step(e, scheduler.timesteps[0], x, s_churn=churn, s_noise=s_noise).prev_sample

    report = report_of(sample_by_sample(one), arrays="torch", order=1, churn="rate")
    assert set(diagnosed(report)) == {"EDM-noise-prediction-before"}
    assert {r.check for r in report.results if r.outcome == "pass"} >= {
        f"step.edm/{when},churn=0" for when in ("mid", "near", "high", "last")
    }
