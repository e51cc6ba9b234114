"""The samplers of k-diffusion, in float64 on our grid and with our noise: the same states, or who is wrong and why."""

import importlib.util
from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    adams_bashforth,
    ancestral_ve,
    data_form,
    deis,
    dpm_multistep_2,
    dpm_solver_2,
    dpm_solver_2_step,
    dpm_solver_3_step,
    edm,
    edm_euler,
    exponential_adams,
    noise_form,
    sde_dpm_multistep_2,
    unip,
)
from tests.samplers.peers import TARGETS, Exact, gap, run

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(importlib.util.find_spec("k_diffusion") is None, reason="k-diffusion is not installed"),
    pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning"),  # theirs, of tensors
]
BOTH = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
EDM = rs.paths.EDM()
SIGMAS = np.array([10.0, 6.1, 4.2, 2.6, 1.9, 1.1, 0.6, 0.35, 0.2, 0.11])
DOWN = np.append(SIGMAS, 0.0)
N = len(SIGMAS) - 1
X = np.array([[10.0, -30.0], [2.0, 5.0], [-15.0, 1.0]])


def denoiser(target):
    return lambda x, sigma: Exact(target).data(x, alpha=1.0, sigma=float(sigma.flatten()[0]))


def theirs(name, target, sigmas=SIGMAS, noise=None, **options):
    import torch

    from validation.peers.k_diffusion_driver import sampling
    from validation.peers.lift import lifted, replaced

    draws = iter(torch.zeros(2 * len(sigmas), *X.shape) if noise is None else torch.tensor(noise))
    with lifted(sampling), replaced(sampling, randn_like=lambda _: next(draws)):
        function = getattr(sampling, name)
        return function(denoiser(target), torch.tensor(X), torch.tensor(sigmas), disable=True, **options).numpy()


def same(sampler, name, target, noise=None, **options):
    ours, size = run(sampler, target, X, noise)
    return gap(ours, theirs(name, target, noise=noise, **options), size, sampler.n_steps)


@BOTH
@pytest.mark.parametrize("churn", [0.0, 3.0, 100.0])
def test_edm(churn, target):
    z = rs.noise.tape(2, N + 1, *X.shape)
    options = {"s_churn": churn, "s_noise": 1.003}
    for make, name in ((edm, "sample_heun"), (edm_euler, "sample_euler")):
        for sigmas in (SIGMAS, DOWN):
            sampler = make(sigmas, **options)
            drawn = z[: len(sigmas) - 1] if sampler.draws else None
            assert same(sampler, name, target, drawn, sigmas=sigmas, **options) <= 1
    limits = {"s_tmin": 0.3, "s_tmax": 5.0}  # where noise is added
    sampler = edm(SIGMAS, **options, s_min=0.3, s_max=5.0)
    assert same(sampler, "sample_heun", target, z[:N] if churn else None, **options, **limits) <= 1


@BOTH
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_lms(order, target):
    """On EDM's path DEIS in time is the same method."""
    for make in (adams_bashforth, deis):
        assert same(make(EDM, SIGMAS, order=order), "sample_lms", target, order=order) <= 1
    assert same(adams_bashforth(EDM, DOWN, order=order), "sample_lms", target, sigmas=DOWN, order=order) <= 1


@BOTH
def test_ancestral(target):
    """At η = 1 it is the ancestral sampling of a path with α = 1."""
    z = rs.noise.tape(6, N, *X.shape)
    sampler, draws = ancestral_ve(EDM, SIGMAS), iter(z)
    found = theirs("sample_euler_ancestral", target, noise_sampler=lambda a, b: rs_tensor(next(draws)))
    ours, size = run(sampler, target, X, z)
    assert gap(ours, found, size, N) <= 1


def rs_tensor(z):
    import torch

    return torch.tensor(z)


@BOTH
def test_dpm_solver_multistep(target):
    assert same(dpm_multistep_2(EDM, SIGMAS), "sample_dpmpp_2m", target) <= 1
    assert same(unip(EDM, SIGMAS, order=2), "sample_dpmpp_2m", target) <= 1  # B_2
    for kind, make in (("midpoint", dpm_multistep_2), ("heun", partial(exponential_adams, order=2))):
        still = {"eta": 0.0, "solver_type": kind, "noise_sampler": lambda a, b: 0}
        assert same(make(EDM, SIGMAS), "sample_dpmpp_2m_sde", target, **still) <= 1
    z = rs.noise.tape(3, N, *X.shape)
    draws = iter(z)
    found = theirs("sample_dpmpp_2m_sde", target, noise_sampler=lambda a, b: rs_tensor(next(draws)))
    ours, size = run(sde_dpm_multistep_2(EDM, SIGMAS), target, X, z)
    assert gap(ours, found, size, N) <= 1


@BOTH
def test_dpm_solver_singlestep(target):
    """Their ancestral "2S" and "SDE" are the data form without their noise."""
    assert same(dpm_solver_2(EDM, SIGMAS, form=noise_form), "sample_dpm_2", target) <= 1
    plain = dpm_solver_2(EDM, SIGMAS, form=data_form)
    assert same(plain, "sample_dpmpp_2s_ancestral", target, eta=0.0) <= 1
    assert same(plain, "sample_dpmpp_sde", target, eta=0.0, noise_sampler=lambda a, b: 0) <= 1

    import torch

    from validation.peers.k_diffusion_driver import sampling
    from validation.peers.lift import lifted

    score = rs.samplers.noisy_score(target)

    def timed(x, t):
        return score(x, 1.0, float(t))

    for t, s in ((10.0, 5.0), (3.0, 0.4), (0.9, 0.1)):
        for r1, r2 in ((1 / 3, 2 / 3), (0.4, 0.9)):
            ends = (torch.tensor(-np.log(t)), torch.tensor(-np.log(s)))
            with lifted(sampling):
                solver = sampling.DPMSolver(denoiser(target))
                second = solver.dpm_solver_2_step(torch.tensor(X), *ends, r1=r1)[0]
                third = solver.dpm_solver_3_step(torch.tensor(X), *ends, r1=r1, r2=r2)[0]
            step = {"path": EDM, "form": noise_form}
            size = np.abs(X).max()
            assert gap(dpm_solver_2_step(timed, X, t, s, r1=r1, **step), second, size, 1) <= 1
            assert gap(dpm_solver_3_step(timed, X, t, s, r1=r1, r2=r2, **step), third, size, 1) <= 1
