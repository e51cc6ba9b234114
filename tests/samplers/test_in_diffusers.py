"""The solvers as diffusers releases them, in float64 on our grid with our noise: the same states, or who is wrong."""

import importlib.util
from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import (
    adams_bashforth,
    ancestral_ve,
    ancestral_vp,
    bh1,
    bh2,
    data_form,
    ddim,
    deis,
    dpm_multistep_2,
    dpm_multistep_3,
    dpm_multistep_3_corrected,
    dpm_solver_2,
    dpm_solver_2_step,
    dpm_solver_3_step,
    edm,
    edm_euler,
    euler_ode,
    exponential_adams,
    heun_ode,
    large_variance,
    noise_form,
    pndm,
    sde_dpm_multistep_2,
    sde_dpm_solver_1,
    small_variance,
    unipc,
)
from tests.samplers.peers import TARGETS, Exact, diffused, drawn, gap, run

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="diffusers is not installed"),
    pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning"),  # theirs, of tensors
]
BOTH = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
FORMS = {"dpmsolver": noise_form, "dpmsolver++": data_form}
VP = rs.paths.VP()
TIMES = np.array([0.9, 0.81, 0.7, 0.62, 0.5, 0.41, 0.3, 0.21, 0.14, 0.08, 0.04])
RATIOS = VP.sigma(TIMES) / VP.alpha(TIMES)
N = len(TIMES) - 1
X = np.array([[1.0, -3.0], [0.2, 0.5], [-1.5, 0.1]])
MULTI, SINGLE = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
OPEN = {"lower_order_final": False, "final_sigmas_type": "sigma_min"}


def theirs(scheduler, target, x, ratios=RATIOS, **options):
    return diffused(scheduler, target, x, ratios, **options)


def same(sampler, scheduler, target, *, x=X, noise=None, scale=1.0, **options):
    ours, size = run(sampler, target, x, noise)
    found = theirs(scheduler, target, x * scale, noise=noise, **options)
    return gap(ours, found, size, sampler.n_steps)


# ---- DPM-Solver, multistep


@BOTH
@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("prediction", ["noise", "data", "v"])
def test_dpm_solver_multistep(kind, target, prediction):
    made = partial(same, scheduler=MULTI, target=target, prediction=prediction, algorithm_type=kind, **OPEN)
    form = FORMS[kind]
    assert made(ddim(VP, TIMES), solver_order=1) <= 1
    assert made(dpm_multistep_2(VP, TIMES, form=form), solver_order=2, solver_type="midpoint") <= 1
    assert made(exponential_adams(VP, TIMES, order=2, form=form), solver_order=2, solver_type="heun") <= 1
    assert made(dpm_multistep_3(VP, TIMES, form=form), solver_order=3) <= 1
    # The corrected one is another method, of order 3: theirs has half of the last term (DPMM.2).
    assert made(dpm_multistep_3_corrected(VP, TIMES, form=form), solver_order=3) > 1e9


@BOTH
@pytest.mark.parametrize("kind", FORMS)
def test_sde_dpm_solver(kind, target):
    z = rs.noise.tape(3, N, *X.shape)
    made = partial(same, scheduler=MULTI, target=target, noise=z, algorithm_type=f"sde-{kind}", **OPEN)
    form = FORMS[kind]
    assert made(sde_dpm_solver_1(VP, TIMES, form=form), solver_order=1) <= 1
    assert made(sde_dpm_multistep_2(VP, TIMES, form=form), solver_order=2, solver_type="midpoint") <= 1


# ---- DPM-Solver, singlestep: a step of theirs takes two or three intervals of the grid


def by_steps(one, every):
    """A sampler whose steps end at every so many times; `one` gets the times between too."""

    def step(score, x, k, noise):
        part = TIMES[k * every : (k + 1) * every + 1]

        def timed(y, t):
            return score(y, float(VP.alpha(t)), float(VP.sigma(t)))

        return one(timed, x, part)

    ends = [(float(VP.alpha(t)), float(VP.sigma(t))) for t in (TIMES[0], TIMES[N // every * every])]
    return rs.samplers.Sampler("singlestep", N // every, 0, 1.0, *ends, step)


def parts(times):
    """r: where the inner times stand in λ."""
    log_snr = VP.log_snr(times)
    return (log_snr[1:-1] - log_snr[0]) / (log_snr[-1] - log_snr[0])


@BOTH
@pytest.mark.parametrize("kind", FORMS)
def test_dpm_solver_singlestep_2(kind, target):
    def one(score, x, part):
        return dpm_solver_2_step(score, x, part[0], part[2], path=VP, form=FORMS[kind], r1=float(parts(part)[0]))

    options = {"algorithm_type": kind, "solver_order": 2, "solver_type": "midpoint", **OPEN}
    assert same(by_steps(one, 2), SINGLE, target, **options) <= 1
    # KDPM2 is DPM-Solver-2 with the stage in the middle, in the state x/α
    if kind == "dpmsolver":
        middle = dpm_solver_2(VP, TIMES, form=noise_form)
        ours, size = run(middle, target, X)
        found = theirs("KDPM2DiscreteScheduler", target, X / VP.alpha(TIMES[0])) * VP.alpha(TIMES[-1])
        assert gap(ours, found, size, N) <= 1


@BOTH
@pytest.mark.parametrize("kind", FORMS)
def test_dpm_solver_singlestep_3(kind, target):
    """Their "midpoint" has ½ φ_1 in the inner stage, where (DPM.6) has φ_2, and "heun" has φ_3 D_2 at the end besides.

    The paper's is the inner stage of the one and the end of the other, and so is the authors' code.
    """

    def one(score, x, part):
        r1, r2 = map(float, parts(part))
        return dpm_solver_3_step(score, x, part[0], part[3], path=VP, form=FORMS[kind], r1=r1, r2=r2)

    def mixed(scheduler):
        whole = scheduler.singlestep_dpm_solver_third_order_update
        scheduler.register_to_config(solver_type="heun")

        def third(*args, **kwargs):
            scheduler.register_to_config(solver_type="midpoint")
            value = whole(*args, **kwargs)
            scheduler.register_to_config(solver_type="heun")
            return value

        scheduler.singlestep_dpm_solver_third_order_update = third

    grid = {"ratios": RATIOS[: N // 3 * 3 + 1]}
    options = {"algorithm_type": kind, "solver_order": 3, **OPEN, **grid}
    ours = by_steps(one, 3)
    assert same(ours, SINGLE, target, change=mixed, solver_type="heun", **options) <= 1
    for whole in ("midpoint", "heun"):
        assert same(ours, SINGLE, target, solver_type=whole, **options) > 1e9


# ---- UniPC, DEIS, Adams-Bashforth, PNDM


@BOTH
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("scale", [bh1, bh2], ids=["bh1", "bh2"])
@pytest.mark.parametrize("form", [noise_form, data_form], ids=["noise", "data"])
def test_unipc(order, scale, form, target):
    options = {"solver_order": order, "solver_type": scale.__name__, "predict_x0": form is data_form, **OPEN}
    sampler = unipc(VP, TIMES, order=order, form=form, scale=scale)
    assert same(sampler, "UniPCMultistepScheduler", target, **options) <= 1


@BOTH
@pytest.mark.parametrize("order", [1, 2, 3])
def test_deis(order, target):
    """Theirs interpolates in log ρ, which is the time of a path with σ = σ_min r^t: there ours in t is the same one."""
    options = {"solver_order": order, "lower_order_final": False}
    scheduler = "DEISMultistepScheduler"
    assert same(exponential_adams(VP, TIMES, order=order, form=noise_form), scheduler, target, **options) <= 1
    path = rs.paths.VE(float(RATIOS[-1]), float(RATIOS[0]))
    sampler = deis(path, path.time(-np.log(RATIOS)), order=order)
    y, size = run(sampler, target, X / VP.alpha(TIMES[0]))
    found = theirs(scheduler, target, X, **options) / VP.alpha(TIMES[-1])
    assert gap(y, found, size, N) <= 1
    if order > 1:
        assert same(deis(VP, TIMES, order=order), scheduler, target, **options) > 1e9


@BOTH
@pytest.mark.parametrize("order", [4])
def test_lms(order, target):
    """Their weights are integrated numerically, with a tolerance of 1e-4: exact here, for polynomials."""
    ours, size = run(adams_bashforth(VP, TIMES, order=order), target, X)
    found = theirs("LMSDiscreteScheduler", target, X / VP.alpha(TIMES[0])) * VP.alpha(TIMES[-1])
    assert gap(ours, found, size, N) <= 1


@BOTH
def test_pndm(target):
    """Every other of their levels is an inner one: on a path whose time has the inner ones in the middle it is ours."""
    path = rs.paths.Cosine()
    times = np.linspace(0.9, 0.1, 2 * 9 + 1)
    ratios = path.sigma(times) / path.alpha(times)
    ours, size = run(pndm(path, times[::2]), target, X)
    found = theirs("PNDMScheduler", target, X, ratios=np.append(2 * ratios[0], ratios))  # the first one is never used
    assert gap(ours, found, size, 9) <= 1


# ---- DDIM and DDPM, on training steps


@BOTH
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(eta, target):
    assert on_training_steps("DDIMScheduler", partial(ddim, eta=eta), target, step={"eta": eta}) <= 1


@BOTH
@pytest.mark.parametrize("variance", [small_variance, large_variance], ids=["fixed_small", "fixed_large"])
def test_ddpm(variance, target):
    kind = "fixed_large" if variance is large_variance else "fixed_small"
    make = partial(ancestral_vp, variance=variance)
    assert on_training_steps("DDPMScheduler", make, target, variance_type=kind) <= 1


def on_training_steps(name, make, target, n_steps=20, step=None, **options):
    """Every 50th of 1000 training steps, then the data; ours has the path's times of these levels."""
    import torch

    from validation.peers import diffusers_driver as driver

    peer = driver.Peer("", name, None, options={"clip_sample": False, **options})
    z = rs.noise.tape(4, n_steps, *X.shape)
    with driver._as_released(peer):
        made, exact, state = driver._scheduler(peer, n_steps, "noise"), Exact(target), torch.tensor(X)
        kept = np.array([float(made.alphas_cumprod[int(t)]) for t in made.timesteps])
        with drawn(made, z):
            for number, t in enumerate(made.timesteps):
                output = driver._output(peer, made, exact, "noise", state, number, t)
                state = made.step(output, t, state, **(step or {})).prev_sample
    times = np.append(VP.time(0.5 * np.log(kept / (1 - kept))), 0.0)
    sampler = make(VP, times)
    if made.config.get("variance_type") == "fixed_large":
        z[-1] = 0.0  # theirs draws none in the last step, and the large variance of it would not be 0
    ours, size = run(sampler, target, X, z if sampler.draws else None)
    return gap(ours, state.numpy(), size, n_steps)


# ---- Euler and Heun


@BOTH
def test_euler_ancestral(target):
    z = rs.noise.tape(6, N, *X.shape)
    x = X / VP.alpha(TIMES[0])
    assert same(ancestral_ve(rs.paths.EDM(), RATIOS), "EulerAncestralDiscreteScheduler", target, x=x, noise=z) <= 1


def euler_with_noise_after_the_model(churn):
    """x' = x̂ + (σ' - σ̂) ε̂(x, σ): the model has not seen the noise that was added."""
    gamma = min(churn / N, np.sqrt(2) - 1)

    def step(score, x, k, noise):
        up = (1 + gamma) * RATIOS[k]
        slope = -RATIOS[k] * score(x, 1.0, RATIOS[k])
        return x + np.sqrt(up**2 - RATIOS[k] ** 2) * noise + (RATIOS[k + 1] - up) * slope

    return rs.samplers.Sampler("late noise", N, 1, RATIOS[0], (1.0, RATIOS[0]), (1.0, RATIOS[-1]), step)


@BOTH
def test_euler_with_churn_asks_the_model_too_early(target):
    """Not Karras' Algorithm 2, and the law tells who is wrong: with noise, theirs is further off than ours."""
    z, churn = rs.noise.tape(8, N, *X.shape), 3.0
    theirs_in = partial(
        same,
        scheduler="EulerDiscreteScheduler",
        target=target,
        x=X / VP.alpha(TIMES[0]),
        noise=z,
        step={"s_churn": churn},
    )
    late, right = euler_with_noise_after_the_model(churn), edm_euler(RATIOS, s_churn=churn)
    assert theirs_in(late) <= 1
    assert theirs_in(right) > 1e9
    if isinstance(target, rs.targets.Gaussian):
        start, stop = target.perturb(1.0, float(RATIOS[0])), target.perturb(1.0, float(RATIOS[-1]))
        off = [rs.exact.wasserstein2(rs.exact.law(made, target, start), stop) for made in (late, right)]
        assert off[0] > 1.2 * off[1], off


def last_by_euler(heun, euler):
    """Their Heun ends with an Euler step, wherever that ends: it is meant for σ = 0."""
    last = heun.n_steps - 1

    def step(score, x, k, noise):
        return (euler if k == last else heun).step(score, x, k, noise)

    return rs.samplers.Sampler("heun, euler", heun.n_steps, 0, 1.0, heun.start, heun.stop, step)


@BOTH
def test_euler_and_heun(target):
    path, x = rs.paths.EDM(), X / VP.alpha(TIMES[0])
    assert same(edm_euler(RATIOS), "EulerDiscreteScheduler", target, x=x) <= 1
    assert same(edm_euler(RATIOS), "EDMEulerScheduler", target, x=x) <= 1
    for heun in (edm(RATIOS), heun_ode(path, RATIOS)):
        assert same(last_by_euler(heun, edm_euler(RATIOS)), "HeunDiscreteScheduler", target, x=x) <= 1
    down = np.append(RATIOS, 0.0)
    assert same(edm(down), "HeunDiscreteScheduler", target, x=x, ratios=down) <= 1


@BOTH
def test_flow_matching(target):
    path = rs.paths.Flow()
    times = path.time(-np.log(RATIOS))
    euler = euler_ode(path, times)
    assert same(euler, "FlowMatchEulerDiscreteScheduler", target, prediction="velocity") <= 1
    heun = last_by_euler(heun_ode(path, times), euler)
    assert same(heun, "FlowMatchHeunDiscreteScheduler", target, prediction="velocity") <= 1
