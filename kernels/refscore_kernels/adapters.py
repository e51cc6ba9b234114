"""What the conformance suite checks of the kernels: ``refscore check refscore_kernels``.

A compiled kernel takes no function of Python and draws its own noise, and a step of the suite brings both. So each step
goes through :func:`refscore_kernels.replay`: the plan is read off refscore's step, the compiled loop takes its numbers,
the suite's noise and the answers of the suite's model, and shows where it asks. What is under test is all that the
kernels add to a formula: the reading, the tables, the loop, the order of its terms, and, in ``sampler.black_box`` and
``target.*``, the scores. The black boxes run whole, on the exact target, with the same kernels as :func:`run`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

import refscore as rs
from refscore.arrays import Float
from refscore.conformance import Adapter
from refscore.samplers import Multistep, Sampler
from refscore_kernels import __version__
from refscore_kernels.backends import Backend
from refscore_kernels.densities import Density, log_prob_and_score
from refscore_kernels.replays import replay
from refscore_kernels.runs import run
from refscore_kernels.state import Address, State

__all__ = ["adapter"]

Array = NDArray[np.floating[Any]]
VP, START, STOP = rs.paths.VP(), 0.75, 0.01  # the black boxes' grid: even in log-SNR
STEPS = rs.samplers


@final
@dataclass(frozen=True, slots=True)
class _Way:
    """One way of taking steps."""

    backend: Backend
    dtype: type[np.floating[Any]]

    def replay(self, sampler: Sampler | Multistep, score: Any, x: Array, noise: Any = None, memory: Any = ()) -> State:
        """A run on the suite's noise."""
        start = State(0, x, tuple(memory), None, Address(0), sampler.name) if memory else x
        return replay(sampler, score, start, noise, backend=self.backend, dtype=self.dtype)

    def density(self, target: Any, x: Array) -> Density:
        """Log density and score."""
        return log_prob_and_score(target, x, backend=self.backend, dtype=self.dtype)

    def step(self, take: Any, model: Any, x: Array, noise: Array | None = None, /, **each: Array) -> Array:
        """One step take(score, x, noise, **own) of each sample, which has numbers of its own in `each`."""
        found = []
        for i in range(len(x)):
            own = {name: float(values[i]) for name, values in each.items()}
            one = Sampler("step", 1, int(noise is not None), 1.0, None, None, _bound(take, own))
            found.append(self.replay(one, model, x[i : i + 1], None if noise is None else noise[None, i : i + 1]).x)
        return np.concatenate(found)


def _bound(take: Any, own: dict[str, float]) -> Any:
    return lambda score, x, _, z: take(score, x, z, **own)


def _told(score: Callable[..., Any]) -> Callable[..., Any]:
    """A score of (x, level) that asks the universal one: the level stands where α does."""
    return lambda x, *level: score(x, float(np.ravel(level[0])[0]) if level else 0.0, 0.0)


def _at_level(model: Any) -> Callable[..., Any]:
    """The suite's model(x, level (n,)) as the universal score."""
    return lambda x, level, _: model(x, np.full(len(x), level, x.dtype))


def _plain(model: Any) -> Callable[..., Any]:
    """The suite's model(x) as the universal score."""
    return lambda x, *_: model(x)


@final
@dataclass(frozen=True, slots=True)
class _Form:
    """Which form of each method an adapter offers, and the sampler that it runs whole."""

    whole: tuple[Callable[..., Sampler | Multistep], float, bool]
    """make(path, times), its order, and whether it draws noise."""
    mean: str = "exact"
    splitting: str = "euler"
    variance: str = "small"
    denoise: bool = False
    edm: int = 2
    order: int = 2
    kind: str = "data"
    method: str = "multistep"
    first: str = "predictor_first"
    predictor: str = "reverse_diffusion"


FORMS = (
    _Form((STEPS.heun_ode, 2, False), mean="in order"),
    _Form(
        (STEPS.reverse_diffusion, 1, True),
        "in order",
        "baoab",
        "large",
        True,
        1,
        2,
        "noise",
        "singlestep",
        "corrector_first",
        "euler_maruyama",
    ),
    _Form((STEPS.dpm_multistep_2, 2, False), "exact", "obabo", order=3, first="corrector_first"),
)
SINGLE = _Form((STEPS.ddim, 1, False))  # float32 does not show an order of 2
WAYS = {
    "compiled float64": (_Way("cpu", np.float64), FORMS[0]),
    "compiled float32": (_Way("cpu", np.float32), SINGLE),
    "portable float64": (_Way("portable", np.float64), FORMS[0]),
}


def _adapters() -> list[Adapter]:
    """Each way of taking steps, and in the first of them the other forms of the methods that have some."""
    try:  # before the suite serves NumPy's draws, which Numba looks at when it is imported
        importlib.import_module("numba")
        ways = WAYS
    except ModuleNotFoundError:
        ways = {"portable float64": WAYS["portable float64"]}
    made = []
    for name, (way, form) in ways.items():
        made.append(Adapter(name, __version__, dtype=np.dtype(way.dtype).name))
        _offer_targets(made[-1], way)
        _offer_steps(made[-1], way)
        _offer_forms(made[-1], way, form)
    name, (way, _) = next(iter(ways.items()))
    for i, form in enumerate(FORMS[1:], 2):
        made.append(Adapter(f"{name.split()[0]}, forms {i}", __version__, dtype=np.dtype(way.dtype).name))
        _offer_forms(made[-1], way, form)
    return made


def _offer_targets(adapter: Adapter, way: _Way) -> None:
    @adapter.implements("target.gaussian.log_prob")
    def gaussian_log_prob(x: Array, mean: Array, cov: Array) -> Array:
        return way.density(rs.targets.gaussian(mean, cov), x).log_prob

    @adapter.implements("target.gaussian.score")
    def gaussian_score(x: Array, mean: Array, cov: Array) -> Array:
        return way.density(rs.targets.gaussian(mean, cov), x).score

    @adapter.implements("target.mixture.log_prob")
    def mixture_log_prob(x: Array, weights: Array, means: Array, covs: Array) -> Array:
        return way.density(_mixture(weights, means, covs), x).log_prob

    @adapter.implements("target.mixture.score")
    def mixture_score(x: Array, weights: Array, means: Array, covs: Array) -> Array:
        return way.density(_mixture(weights, means, covs), x).score


def _mixture(weights: Array, means: Array, covs: Array) -> Any:
    shares = weights.astype(np.float64)
    return rs.targets.mixture(shares / shares.sum(), means, covs)  # weights of float32 sum to one in float32


def _offer_steps(adapter: Adapter, way: _Way) -> None:
    @adapter.implements("step.langevin")
    def langevin(score: Any, x: Any, noise: Any, *, step_size: Any) -> Any:
        return way.replay(STEPS.langevin(step_size), _plain(score), x, noise[None]).x

    @adapter.implements("corrector.langevin")
    def corrector(score: Any, x: Any, noise: Any, *, snr: Any) -> Any:
        def step(s: Any, x: Any, _: int, z: Any) -> Float:
            return STEPS.langevin_corrector_step(_told(s), x, z, snr=snr)

        one = Sampler("corrector", None, 1, 1.0, None, None, step)
        return way.replay(one, _plain(score), x, noise[None]).x

    for name, one in (
        ("euler_maruyama", STEPS.euler_maruyama_step),
        ("reverse_diffusion", STEPS.reverse_diffusion_step),
    ):

        @adapter.implements(f"step.{name}")
        def reverse(score: Any, x: Any, t: Any, s: Any, noise: Any, *, path: Any, one: Any = one) -> Any:
            def take(m: Any, y: Any, z: Any, **at: Any) -> Any:
                return one(_told(m), y, noise=z, **at, path=path)

            return way.step(take, _at_level(score), x, noise, t=t, s=s)

    @adapter.implements("step.ancestral_ve")
    def ancestral_ve(score: Any, x: Any, noise: Any, *, sigma: Any, sigma_next: Any) -> Any:
        def take(m: Any, y: Any, z: Any, **at: Any) -> Float:
            return STEPS.ancestral_ve_step(_told(m), y, z, **at)

        return way.step(take, _plain(score), x, noise, sigma_t=sigma, sigma_s=sigma_next)

    @adapter.implements("step.ddim")
    def ddim(predict_noise: Any, x: Any, noise: Any, *, eta: Any, **levels: Any) -> Any:
        def take(m: Any, y: Any, z: Any, **at: Any) -> Float:
            return STEPS.ddim_step(_told(m), y, z, **at, eta=eta)

        return way.step(take, _plain(predict_noise), x, noise, **levels)

    for name, flown in (("euler_ode", STEPS.euler_ode_step), ("heun_ode", STEPS.heun_ode_step)):

        @adapter.implements(f"step.{name}")
        def flow(score: Any, x: Any, t: Any, s: Any, *, path: Any, one: Any = flown) -> Any:
            def take(m: Any, y: Any, _: Any, **at: Any) -> Any:
                return one(_told(m), y, **at, path=path)

            return way.step(take, _at_level(score), x, t=t, s=s)


def _offer_forms(adapter: Adapter, way: _Way, form: _Form) -> None:
    @adapter.implements("sampler.annealed_langevin", denoise=form.denoise)
    def annealed(score: Any, x: Any, noise: Any, *, sigmas: Any, step_size: Any, steps_per_level: Any) -> Any:
        sampler = STEPS.annealed(sigmas, step_size=step_size, steps_per_level=steps_per_level, denoise=form.denoise)
        return way.replay(sampler, lambda y, _, sigma: score(y, sigma), x, noise).x

    @adapter.implements("sampler.predictor_corrector", order=form.first, predictor=form.predictor)
    def alternation(score: Any, x: Any, noise: Any, *, path: Any, n_steps: Any, corrector_steps: Any, snr: Any) -> Any:
        times = np.linspace(1.0, 1e-3, n_steps + 1)
        alpha, paper = path.alpha(times), form.first == "predictor_first"
        factors = dict(zip((times[1:] if paper else times[:-1]).tolist(), ((alpha[:-1] / alpha[1:]) ** 2).tolist()))
        told = {(float(path.alpha(t)), float(path.sigma(t))): t for t in times}

        def correct(s: Any, y: Any, z: Any, t: float) -> Float:
            return STEPS.langevin_corrector_step(s, y, z, snr=snr, scale=factors[t])

        made = STEPS.predictor_corrector if paper else STEPS.corrector_predictor
        predictor = getattr(STEPS, form.predictor)
        sampler = made(path, times, predictor=predictor, corrector=correct, corrector_steps=corrector_steps)
        return way.replay(sampler, lambda y, *at: score(y, np.full(len(y), told[at], y.dtype)), x, noise).x

    @adapter.implements("step.underdamped", splitting=form.splitting)
    def underdamped(score: Any, x: Any, velocity: Any, noise: Any, *, step_size: Any, friction: Any) -> Any:
        made = {"euler": STEPS.underdamped, "baoab": STEPS.baoab, "obabo": STEPS.obabo}[form.splitting]
        state = way.replay(made(step_size, friction=friction), _plain(score), x, noise[None], (velocity,))
        return state.x, state.memory[0]

    @adapter.implements("step.ancestral_vp", variance=form.variance)
    def ancestral_vp(score: Any, x: Any, noise: Any, **levels: Any) -> Any:
        variance = STEPS.small_variance if form.variance == "small" else STEPS.large_variance

        def take(m: Any, y: Any, z: Any, **at: Any) -> Float:
            return STEPS.ancestral_vp_step(_told(m), y, z, **at, variance=variance(**at))

        return way.step(take, _plain(score), x, noise, **levels)

    @adapter.implements("step.edm", order=form.edm)
    def edm(denoiser: Any, x: Any, noise: Any, *, sigma: Any, sigma_next: Any, churn: Any, s_noise: Any) -> Any:
        one = STEPS.edm_step if form.edm == 2 else STEPS.edm_euler_step

        def take(m: Any, y: Any, z: Any, **at: Any) -> Float:
            return one(_told(m), y, z, **at, churn=churn, s_noise=s_noise)

        return way.step(take, _at_level(denoiser), x, noise, sigma=sigma, sigma_next=sigma_next)

    @adapter.implements("step.dpm_solver", order=form.order, kind=form.kind, method=form.method)
    def dpm_solver(predict: Any, x: Any, *, log_snr: Any, order: Any, kind: Any) -> Any:
        base = STEPS.noise_form if kind == "noise" else STEPS.data_form
        form_of = replace(base, predict=_said)
        multistep = {2: STEPS.dpm_multistep_2, 3: STEPS.dpm_multistep_3_corrected}
        made = (multistep if form.method == "multistep" else {2: STEPS.dpm_solver_2, 3: STEPS.dpm_solver_3})[order]
        times = VP.time(log_snr.astype(np.float64))
        return way.replay(made(VP, times, form=form_of), lambda y, alpha, sigma: predict(y, np.log(alpha / sigma)), x).x

    make, order, draws = form.whole

    @adapter.implements(
        "sampler.black_box",
        order=order,
        stochastic=draws,
        start=_level(START),
        stop=_level(STOP),
        mean=form.mean,
    )
    def black_box(exact: Any, x: Any, *, n_steps: Any) -> Any:
        sampler = make(VP, rs.schedules.log_snr_times(VP, n=n_steps, t_start=START, t_stop=STOP))
        if draws:
            z = np.stack([np.random.standard_normal(x.shape) for _ in range(n_steps)])  # noqa: NPY002  the suite serves it
            return way.replay(sampler, exact.target, x, z).x
        return run(sampler, exact.target, x, seed=0, backend=way.backend, dtype=way.dtype).x


def _said(s: Any, x: Any, alpha: Any, sigma: Any) -> Any:  # noqa: ARG001  the form of a prediction
    return s


def _level(t: float) -> tuple[float, float]:
    return float(VP.alpha(t)), float(VP.sigma(t))


adapter = _adapters()
