"""How a scheduler of diffusers is driven: the loop of a pipeline, with the exact model in place of the network.

There are two noise levels in each step, and both are looked at. The step computes with one of its own: ``sigmas[i]``,
or ``alphas_cumprod[t]`` where it has no sigmas. The network is told the timestep t, an integer, and was trained at
``alphas_cumprod[t]``. The Euler, Heun, LMS, KDPM2 and EDM schedulers keep x = x₀ + σ ε and scale it for the model; the
flow matching ones keep x = (1 - σ) x₀ + σ ε; all others keep x = α x₀ + σ ε with α² + σ² = 1.

The EDM schedulers ask for the network F inside of the denoiser D(x) = c_skip x + c_out F(c_in x) of Karras et al. 2022,
eq. 7, and for -F where the prediction is called v.
"""

from __future__ import annotations

import functools
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import diffusers
import torch

from refscore.conformance import Adapter
from validation.peers.lift import lifted

__all__ = ["Peer", "as_adapter"]

diffusers.utils.logging.set_verbosity_error()

PREDICTIONS = {"noise": "epsilon", "data": "sample", "v": "v_prediction"}
FLOW = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")
ONE_KIND = (*FLOW, "IPNDMScheduler")  # of model: there is no option to say which
EDM = ("EDMEulerScheduler", "EDMDPMSolverMultistepScheduler")
# Two stages a step, the second at sigmas_interpol: at the number of the call, less this.
MIDDLE = {"KDPM2DiscreteScheduler": 0, "KDPM2AncestralDiscreteScheduler": 1}
DISCRETE = tuple(f"{name}DiscreteScheduler" for name in ("Euler", "EulerAncestral", "Heun", "LMS"))
EXPLODING = (*DISCRETE, *EDM, *MIDDLE)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One scheduler in one configuration, and what its library claims for it.

    Parameters
    ----------
    name : str
        For the table.
    scheduler : str
        Its class in diffusers.
    order : float or None
        The claimed order: of the ODE method, or weak order of the SDE method; None where none is.
    claim : str
        Who claims it.
    options, step : mapping
        Arguments of the constructor and of ``step``.
    stochastic : bool
        Whether it draws noise.
    predictions : tuple of str
        What its model may predict.
    levels : callable, optional
        From the number of steps to levels σ/α in place of the scheduler's own, see :mod:`validation.peers.lift`.
    by_timestep : bool
        Whether the model gets the level of its timestep, as a network does, and not that of the step.
    steps : tuple of int
        Step counts that show the order.
    dtype : {"float64", "float32"}
        float64 lifts the scheduler; float32 takes it as it is released.
    """

    name: str
    scheduler: str
    order: float | None
    claim: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    step: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stochastic: bool = False
    predictions: tuple[str, ...] = ("noise", "data", "v")
    levels: Callable[[int], torch.Tensor] | None = None
    by_timestep: bool = False
    steps: tuple[int, ...] = (20, 40, 80, 160)
    dtype: str = "float64"


def as_adapter(peer: Peer) -> Adapter:
    """The adapter of a peer.

    Parameters
    ----------
    peer : Peer
        A configuration.

    Returns
    -------
    Adapter
        It offers ``sampler.black_box``.
    """
    adapter = Adapter(f"diffusers {peer.name}", version=diffusers.__version__, arrays="torch", dtype=peer.dtype)
    ends = functools.lru_cache(maxsize=None)(functools.partial(_ends, peer))

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        stochastic=peer.stochastic,
        start=lambda n_steps: ends(n_steps)[0],
        stop=lambda n_steps: ends(n_steps)[1],
        steps=peer.steps,
        predictions=peer.predictions,
        noise="recorded",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int, prediction: str) -> torch.Tensor:
        with _as_released(peer):
            scheduler = _scheduler(peer, n_steps, prediction)
            for number, t in enumerate(scheduler.timesteps):
                output = _output(peer, scheduler, exact, prediction, x, number, t)
                x = scheduler.step(output, t, x, **peer.step).prev_sample
        return x

    return adapter


@contextmanager
def _as_released(peer: Peer) -> Iterator[None]:
    """Released code, in float64 unless it is to stay as it is, without its warnings."""
    module = sys.modules[getattr(diffusers, peer.scheduler).__module__]
    with lifted(module) if peer.dtype == "float64" else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # dpmsolver and sde-dpmsolver are said to be deprecated
        yield


def _scheduler(peer: Peer, n_steps: int, prediction: str) -> Any:
    options = dict(peer.options)
    if peer.scheduler not in ONE_KIND:
        options["prediction_type"] = PREDICTIONS[prediction]
    if peer.levels is None:
        scheduler = getattr(diffusers, peer.scheduler)(**options)
        scheduler.set_timesteps(n_steps)
        return scheduler
    sigmas = peer.levels(2 * n_steps - 1 if peer.scheduler == "PNDMScheduler" else n_steps)
    if peer.scheduler == "IPNDMScheduler":  # what it calls betas is σ
        options["trained_betas"] = (sigmas / torch.sqrt(1 + sigmas**2)).tolist()
    elif peer.scheduler in (*MIDDLE, "PNDMScheduler"):
        options |= _table(sigmas)
    scheduler = getattr(diffusers, peer.scheduler)(**options)
    if peer.scheduler == "PNDMScheduler":  # every other level is for its inner stages; its last step has length 0
        scheduler.set_timesteps(n_steps)
    elif peer.scheduler in MIDDLE:  # without the step to σ = 0
        scheduler.set_timesteps(n_steps + 1)
        scheduler.timesteps, scheduler.sigmas = scheduler.timesteps[:-1], scheduler.sigmas[:-3]
    else:
        scheduler.set_timesteps(len(sigmas) - 1)
        if peer.scheduler in FLOW:
            sigmas = sigmas / (1 + sigmas)
        if "Heun" in peer.scheduler:  # it holds every inner level twice, once for each stage
            sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])
        scheduler.sigmas = sigmas
    return scheduler


def _table(sigmas: torch.Tensor) -> dict[str, Any]:
    """Training steps at these levels σ/α, so that the scheduler's own grid is made of them."""
    kept = (1 / (1 + sigmas**2)).flip(0)
    betas = 1 - kept / torch.cat([torch.ones(1), kept[:-1]])
    return {"trained_betas": betas.tolist(), "num_train_timesteps": len(betas)}


def _output(peer: Peer, scheduler: Any, exact: Any, prediction: str, x: torch.Tensor, number: int, t: Any) -> Any:
    """What the network says at call `number`."""
    alpha, sigma = _level(peer, scheduler, number, t)
    if peer.scheduler in FLOW:
        return exact.velocity(x, alpha=alpha, sigma=sigma, alpha_dot=-1.0, sigma_dot=1.0)
    given = scheduler.scale_model_input(x, t)
    if peer.scheduler not in EDM:
        return getattr(exact, prediction)(given, alpha=alpha, sigma=sigma)
    ratio, spread = sigma / alpha, scheduler.config.sigma_data
    whole = math.hypot(ratio, spread)
    x = given * whole  # c_in = 1 / whole
    inside = (exact.data(x, alpha=1.0, sigma=ratio) - (spread / whole) ** 2 * x) / (ratio * spread / whole)
    return -inside if prediction == "v" else inside


def _level(peer: Peer, scheduler: Any, number: int, t: Any) -> tuple[float, float]:
    """α and σ that the network is told at call `number`."""
    if peer.scheduler in FLOW:
        return 1 - float(scheduler.sigmas[number]), float(scheduler.sigmas[number])
    if peer.scheduler == "IPNDMScheduler":
        return float(scheduler.alphas[number]), float(scheduler.betas[number])
    if peer.by_timestep or not hasattr(scheduler, "sigmas"):
        return _kept(scheduler.alphas_cumprod[int(t)])
    if peer.scheduler in MIDDLE and number % 2:
        return _preserving(float(scheduler.sigmas_interpol[number - MIDDLE[peer.scheduler]]))
    return _preserving(float(scheduler.sigmas[number]))


def _kept(share: Any) -> tuple[float, float]:
    """α and σ where α² = `share`."""
    return _preserving(math.sqrt((1 - float(share)) / float(share)))


def _preserving(ratio: float) -> tuple[float, float]:
    """α and σ with α² + σ² = 1 and σ/α = `ratio`."""
    return 1 / math.hypot(1, ratio), ratio / math.hypot(1, ratio)


def _ends(peer: Peer, n_steps: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(α, σ) of the state before the first step and after the last."""
    with _as_released(peer):
        try:
            scheduler = _scheduler(peer, n_steps, peer.predictions[0])
        except ValueError:  # so will the run, and that is told
            return _preserving(1.0), _preserving(1.0)
    if peer.scheduler in EXPLODING:
        return (1.0, float(scheduler.sigmas[0])), (1.0, float(scheduler.sigmas[-1]))
    if peer.scheduler in ONE_KIND:
        return _level(peer, scheduler, 0, None), _level(peer, scheduler, -1, None)
    if hasattr(scheduler, "sigmas"):
        return _preserving(float(scheduler.sigmas[0])), _preserving(float(scheduler.sigmas[-1]))
    start = _level(peer, scheduler, 0, scheduler.timesteps[0])
    return start, _kept(getattr(scheduler, "final_alpha_cumprod", 1.0))
