"""samplers/edm.py: laws against a recursion by hand, orders with and without churn, faults, k-diffusion."""

from itertools import pairwise

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import edm, edm_euler, edm_euler_step, edm_step
from tests.samplers.laws import TARGET, VALUES, VECTORS, U, marginal
from tests.samplers.solvers import SPANS, check_order

PATH = rs.paths.EDM()
SIGMAS = rs.schedules.karras(n=12, sigma_min=0.1, sigma_max=10.0)
CHURNS = [{}, {"s_churn": 3.0}, {"s_churn": 40.0, "s_min": 0.5, "s_max": 5.0, "s_noise": 1.007}]


def recursion(sigmas, heun, s_churn=0.0, s_min=0.0, s_max=np.inf, s_noise=1.0):
    """Mean and covariance, eigenvalue by eigenvalue; no denoiser and no step enters."""
    n, factor, v = len(sigmas) - 1, np.ones_like(VALUES), VALUES + sigmas[0] ** 2
    for now, after in pairwise(sigmas):
        gamma = min(s_churn / n, 2**0.5 - 1) if s_min <= now <= s_max else 0.0
        up = now * (1 + gamma)
        v = v + (up**2 - now**2) * s_noise**2
        slope = up / (VALUES + up**2)
        c = 1 + (after - up) * slope
        if heun and after > 0:
            c = 1 + 0.5 * (after - up) * (slope + after / (VALUES + after**2) * c)
        factor, v = factor * c, c**2 * v
    start = 2.0  # the distance of the first mean from m, along each eigenvector
    return VECTORS @ (VECTORS.T @ TARGET.mean + start * factor), (VECTORS * v) @ VECTORS.T


def gap(sampler, sigmas, heun, **options):
    mean, cov = recursion(sigmas, heun, **options)
    first = TARGET.perturb(1.0, sigmas[0])
    law = rs.exact.law(sampler, TARGET, rs.targets.gaussian(VECTORS @ (VECTORS.T @ TARGET.mean + 2.0), first.cov))
    return max(np.abs(law.mean - mean).max(), np.abs(law.cov - cov).max())


@pytest.mark.parametrize("options", CHURNS, ids=["no churn", "churn", "churn inside, capped"])
@pytest.mark.parametrize(("make", "heun"), [(edm, True), (edm_euler, False)], ids=["Heun", "Euler"])
def test_law_by_a_second_route(make, heun, options):  # (EDMS.1) to (EDMS.4)
    for sigmas in (SIGMAS, np.append(SIGMAS, 0.0)):
        # 12 steps of some 10 roundings in numbers of size σ² = 100
        assert gap(make(sigmas, **options), sigmas, heun, **options) <= 12 * 10 * 100 * U


@pytest.mark.parametrize(("make", "published"), [(edm, 2), (edm_euler, 1)], ids=["Heun", "Euler"])
def test_order(make, published):
    check_order(lambda path, times: make(times), SPANS["EDM"], published)


def test_the_order_in_law_is_the_same_with_churn():
    stop = marginal(PATH, 0.1)
    for churn in (2.0, 20.0):
        errors, counts = [], (64, 128, 256, 512)
        for n in counts:
            sampler = edm(rs.schedules.geometric(n=n + 1, sigma_min=0.1, sigma_max=10.0), s_churn=churn)
            errors.append(rs.exact.wasserstein2(rs.exact.law(sampler, TARGET, marginal(PATH, 10.0)), stop))
        assert abs(rs.exact.order_of(errors, counts).value - 2) <= 0.02


def test_noise_of_the_right_size_only():
    """S_noise ≠ 1 is a bias that no number of steps removes."""
    found = []
    for n in (64, 256):
        sampler = edm(rs.schedules.geometric(n=n + 1, sigma_min=0.1, sigma_max=10.0), s_churn=20.0, s_noise=1.007)
        found.append(rs.exact.wasserstein2(rs.exact.law(sampler, TARGET, marginal(PATH, 10.0)), marginal(PATH, 0.1)))
    assert found[1] > 1e-3


def test_heun_without_noise_is_the_ode_solver():
    x, score = np.array([[3.0, -5.0]]), rs.samplers.noisy_score(TARGET)
    ours = rs.samplers.replay(edm(SIGMAS), score, x)
    np.testing.assert_allclose(ours, rs.samplers.replay(rs.samplers.heun_ode(PATH, SIGMAS), score, x), rtol=1000 * U)


def test_a_level_belongs_to_its_sample():
    x, z = np.arange(9.0).reshape(3, 3), np.ones((3, 3))
    at = {
        "sigma": np.array([3.0, 2.0, 1.0]),
        "sigma_next": np.array([2.0, 0.0, 0.5]),
        "churn": np.array([0.1, 0.0, 0.4]),
    }

    def denoiser(y, sigma):
        assert np.shape(sigma) == y.shape[:-1]
        return np.sin(y) / (1 + np.asarray(sigma)[..., None])

    for one in (edm_step, edm_euler_step):
        together = one(denoiser, x, z, **at, s_noise=1.003)
        alone = [one(denoiser, x[i], z[i], **{k: v[i] for k, v in at.items()}, s_noise=1.003) for i in range(3)]
        np.testing.assert_allclose(together, alone, rtol=64 * U)


def test_the_model_is_asked_at_the_raised_level_after_the_noise():
    asked = []

    def denoiser(y, sigma):
        asked.append((float(y[0, 0]), float(sigma)))
        return 0 * y

    edm_step(denoiser, [[1.0]], [[2.0]], sigma=3.0, sigma_next=1.0, churn=2 / 3)
    assert asked == [(1 + 2 * 4, 5.0), (9 / 5, 1.0)] or np.allclose(asked, [(9, 5), (1.8, 1)], rtol=8 * U)


# ---- faults: another law


def fault(change):
    def make(sigmas):
        n = len(sigmas) - 1

        def step(score, x, k, noise):
            return change(
                lambda y, s: -s * score(y, 1.0, float(s)), x, noise, sigmas[k], sigmas[k + 1], min(3.0 / n, 0.41)
            )

        ends = (1.0, float(sigmas[0])), (1.0, float(sigmas[-1]))
        return rs.samplers.Sampler("fault", n, 1, 1.0, *ends, step)

    return make


def taken(slope, x, z, now, after, gamma, *, up=None, add=None, asked=None, second=None, span=None):
    up = now * (1 + gamma) if up is None else up
    added = np.sqrt(up**2 - now**2) if add is None else add
    raised = x + added * z
    d = slope(x if asked == "before" else raised, now if asked == "level" else up)
    reach = after - (now if span == "short" else up)
    first = raised + reach * d
    if second == "none":
        return first
    return raised + 0.5 * reach * (d + slope(first, up if second == "level" else after))


FAULTS = {
    "noise with variance (σ̂ - σ)²": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, add=a * g),
    "noise as σ̂² - σ², no root": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, add=a**2 * g * (2 + g)),
    "model asked before the noise": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, asked="before"),
    "model told σ, not σ̂": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, asked="level"),
    "step from σ, not from σ̂": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, span="short"),
    "second slope at σ̂": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, second="level"),
    "no correction": lambda f, x, z, a, b, g: taken(f, x, z, a, b, g, second="none"),
}


def test_the_law_sees_every_fault():
    assert gap(fault(taken)(SIGMAS), SIGMAS, True, s_churn=3.0) <= 12 * 10 * 100 * U
    for name, change in FAULTS.items():
        assert gap(fault(change)(SIGMAS), SIGMAS, True, s_churn=3.0) > 1e-3, name


# ---- arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma_next": 2.0}, "sigma_next reaches sigma"),
        ({"sigma_next": -1.0}, "sigma_next is -1.0; expected sigma_next >= 0"),
        ({"churn": -0.1}, "churn is -0.1; expected churn >= 0"),
        ({"churn": 0.1}, r"noise is None; expected standard normals of shape \(1, 1\), since churn is 0.1"),
        ({"sigma": [1.0, 2.0]}, r"sigma has shape \(2,\); expected \(\) or the batch shape"),
    ],
)
def test_bad_steps_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        edm_step(lambda x, s: x, [[1.0]], **{"sigma": 2.0, "sigma_next": 1.0, **options})


@pytest.mark.parametrize("sigmas", [[1.0], [1.0, 2.0], [1.0, -1.0], [[2.0, 1.0]]])
def test_bad_levels_are_refused(sigmas):
    with pytest.raises(ValueError, match="do not descend"):
        edm(sigmas)


# ---- peers


@pytest.mark.peer
@pytest.mark.parametrize(("make", "name"), [(edm, "sample_heun"), (edm_euler, "sample_euler")])
def test_k_diffusion_takes_the_same_steps(make, name, monkeypatch):
    import torch

    from validation.peers.k_diffusion_driver import sampling

    score, x = rs.samplers.noisy_score(TARGET), np.array([[3.0, -5.0], [1.0, 2.0]])
    z = rs.noise.tape(2, 12, 2, 2)
    draws = iter(torch.tensor(z))
    monkeypatch.setattr(torch, "randn_like", lambda _: next(draws))

    def model(y, sigma):
        return y + sigma[0] ** 2 * torch.tensor(score(y.numpy(), 1.0, float(sigma[0])))

    sigmas = np.append(SIGMAS, 0.0)
    options = {"s_churn": 3.0, "s_noise": 1.003}
    theirs = getattr(sampling, name)(model, torch.tensor(x), torch.tensor(sigmas), disable=True, **options)
    np.testing.assert_allclose(rs.samplers.replay(make(sigmas, **options), score, x, z), theirs.numpy(), rtol=1e-11)
