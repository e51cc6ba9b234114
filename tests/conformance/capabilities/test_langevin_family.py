"""step.mala and step.underdamped: other correct algebra conforms in both dtypes; conventions; noise drawn inside."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here
from refscore.conformance.recorders.numpy import standard_normal

DTYPES = ["float64", "float32"]


def report_of(name, function, dtype="float64", arrays="numpy", noise=None, **conventions):
    adapter = Adapter("under test", dtype=dtype, arrays=arrays)
    adapter.implements(name, noise=noise, **conventions)(function)
    return check_here(adapter)


def bad(report):
    return [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"]


def named(report):
    return {d.fault for r in report.results for d in r.diagnosis}


# --- MALA


def by_densities(score, log_prob, x, noise, uniform, *, step_size):
    """As in a textbook: two densities of the proposal, a ratio, a loop over the samples."""
    mean = x + step_size / 2 * score(x)
    proposal = mean + np.sqrt(np.asarray(step_size, x.dtype)) * noise
    there = -((proposal - mean) ** 2).sum(-1) / (2 * step_size)
    back = -((x - proposal - step_size / 2 * score(proposal)) ** 2).sum(-1) / (2 * step_size)
    accepted = np.log(uniform) < log_prob(proposal) + back - log_prob(x) - there
    return np.array([p if a else y for p, a, y in zip(proposal, accepted, x)]), accepted


def by_leapfrog(score, log_prob, x, noise, uniform, *, step_size):
    h = np.sqrt(np.asarray(step_size, x.dtype))
    half = noise + h / 2 * score(x)
    proposal = x + h * half
    last = half + h / 2 * score(proposal)
    energy = log_prob(proposal) - log_prob(x) + 0.5 * (noise**2).sum(-1) - 0.5 * (last**2).sum(-1)
    accepted = uniform < np.minimum(1, np.exp(energy))
    return x + accepted[:, None] * (proposal - x), accepted.astype(x.dtype)


def image_code(score, log_prob, x, noise, uniform, *, step_size):
    return by_densities(score, log_prob, x, noise, uniform, step_size=2 * step_size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [by_densities, by_leapfrog])
def test_mala(function, dtype):
    assert bad(report_of("step.mala", function, dtype)) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_other_scale_is_a_convention(dtype):
    assert bad(report_of("step.mala", image_code, dtype, scale="full")) == []
    assert any(
        "scale='full'" in d.description for r in report_of("step.mala", image_code, dtype).results for d in r.diagnosis
    )


def test_noise_drawn_inside_while_the_uniform_is_an_argument():
    def drawing(score, log_prob, x, uniform, *, step_size):
        return by_densities(score, log_prob, x, standard_normal(x.shape), uniform, step_size=step_size)

    assert bad(report_of("step.mala", drawing, noise="recorded")) == []


@pytest.mark.parametrize("tilt", [-0.14, 0.14])
def test_a_ratio_that_is_off_by_an_eighth_is_seen(tilt):
    def tilted(score, log_prob, x, noise, uniform, *, step_size):
        return by_densities(score, log_prob, x, noise, uniform * np.exp(-tilt), step_size=step_size)

    failed = [r for r in report_of("step.mala", tilted).results if r.outcome == "fail"]
    assert failed
    assert named(report_of("step.mala", tilted)) == set()


def test_every_grid_accepts_and_rejects():
    capability = CATALOGUE["step.mala"]
    for case in capability.cases(capability.defaults):
        if case.name.startswith("grid"):
            _, accepted = case.expect(capability.reference)
            assert 0.1 < accepted.mean() < 0.9


# --- underdamped


def euler(score, x, velocity, noise, *, step_size, friction):
    root = np.asarray(2 * friction * step_size, x.dtype) ** 0.5
    return x + velocity * step_size, (1 - friction * step_size) * velocity + step_size * score(x) + root * noise


def baoab(score, x, velocity, noise, *, step_size, friction):
    """By a midpoint: half of the way there, a rotation towards noise, half of the way back."""
    h = step_size
    half = velocity + h / 2 * score(x)
    keep = np.exp(np.asarray(-friction * h, x.dtype))
    new = keep * half + np.sqrt((1 - keep) * (1 + keep)) * noise
    x = x + h * (half + new) / 2
    return x, new + h / 2 * score(x)


def obabo(score, x, velocity, noise, *, step_size, friction):
    h = step_size
    keep = np.exp(np.asarray(-friction * h / 2, x.dtype))
    fresh = np.sqrt(1 - keep**2)
    v = keep * velocity + fresh * noise[0]
    new = x + h * v + h * h / 2 * score(x)
    v = v + h / 2 * (score(x) + score(new))
    return new, keep * v + fresh * noise[1]


SPLITTINGS = {"euler": euler, "baoab": baoab, "obabo": obabo}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_underdamped(splitting, dtype):
    assert bad(report_of("step.underdamped", SPLITTINGS[splitting], dtype, splitting=splitting)) == []


def test_another_splitting_than_declared_is_said():
    report = report_of("step.underdamped", baoab)
    assert any("splitting='baoab'" in d.description for r in report.results for d in r.diagnosis)


@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_underdamped_noise_drawn_inside(splitting):
    def drawing(score, x, velocity, *, step_size, friction):
        shape = (2, *x.shape) if splitting == "obabo" else x.shape
        return SPLITTINGS[splitting](score, x, velocity, standard_normal(shape), step_size=step_size, friction=friction)

    assert bad(report_of("step.underdamped", drawing, noise="recorded", splitting=splitting)) == []


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_in_torch(dtype):
    torch = pytest.importorskip("torch")

    def mala(score, log_prob, x, noise, uniform, *, step_size):
        mean = x + step_size / 2 * score(x)
        proposal = mean + step_size**0.5 * noise
        back = proposal + step_size / 2 * score(proposal)
        gained = log_prob(proposal) - log_prob(x)
        log_a = (
            gained - ((x - back) ** 2).sum(-1) / (2 * step_size) + ((proposal - mean) ** 2).sum(-1) / (2 * step_size)
        )
        accepted = uniform.log() < log_a
        return torch.where(accepted[:, None], proposal, x), accepted

    assert bad(report_of("step.mala", mala, dtype, arrays="torch")) == []
