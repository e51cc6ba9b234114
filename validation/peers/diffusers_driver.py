"""How a scheduler of diffusers is driven: the loop of a pipeline, with the exact model in place of the network.

There are two noise levels in each step, and both are looked at. The step computes with one of its own: ``sigmas[i]``,
or ``alphas_cumprod[t]`` where it has no sigmas. The network is told the timestep t, an integer, and was trained at
``alphas_cumprod[t]``. Euler, Euler ancestral, Heun and LMS keep x = x₀ + σ ε and scale it for the model; all others
keep x = α x₀ + σ ε.
"""

from __future__ import annotations

import functools
import math
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
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
EXPLODING = {f"{name}DiscreteScheduler" for name in ("Euler", "EulerAncestral", "Heun", "LMS")}


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
    order : float
        The claimed order: of the ODE method, or weak order of the SDE method.
    claim : str
        Who claims it.
    options, step : mapping
        Arguments of the constructor and of ``step``.
    stochastic : bool
        Whether it draws noise.
    predictions : tuple of str
        What its model may predict.
    levels : callable, optional
        From the number of steps to noise levels that replace the scheduler's own, see :mod:`validation.peers.lift`.
    by_timestep : bool
        Whether the model gets the level of its timestep, as a network does, and not that of the step.
    steps : tuple of int
        Step counts that show the order.
    dtype : {"float64", "float32"}
        float64 lifts the scheduler; float32 takes it as it is released.
    """

    name: str
    scheduler: str
    order: float
    claim: str
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
        predict = getattr(exact, prediction)
        with _precision(peer), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # dpmsolver and sde-dpmsolver are said to be deprecated
            scheduler = _scheduler(peer, n_steps, prediction)
            for number, t in enumerate(scheduler.timesteps):
                alpha, sigma = _preserving(_level(peer, scheduler, number, t))
                output = predict(scheduler.scale_model_input(x, t), alpha=alpha, sigma=sigma)
                x = scheduler.step(output, t, x, **peer.step).prev_sample
        return x

    return adapter


def _precision(peer: Peer) -> Any:
    module = sys.modules[getattr(diffusers, peer.scheduler).__module__]
    return lifted(module) if peer.dtype == "float64" else nullcontext()


def _scheduler(peer: Peer, n_steps: int, prediction: str = "noise") -> Any:
    scheduler = getattr(diffusers, peer.scheduler)(prediction_type=PREDICTIONS[prediction], **peer.options)
    if peer.levels is None:
        scheduler.set_timesteps(n_steps)
        return scheduler
    sigmas = peer.levels(n_steps)
    scheduler.set_timesteps(len(sigmas) - 1)
    if peer.scheduler == "HeunDiscreteScheduler":  # it holds every inner level twice, once for each stage
        sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])
    scheduler.sigmas = sigmas
    return scheduler


def _level(peer: Peer, scheduler: Any, number: int, t: Any) -> float:
    """σ/α that the model is told at call `number`."""
    if peer.by_timestep or not hasattr(scheduler, "sigmas"):
        kept = float(scheduler.alphas_cumprod[int(t)])
        return math.sqrt((1 - kept) / kept)
    return float(scheduler.sigmas[number])


def _preserving(ratio: float) -> tuple[float, float]:
    """α and σ with α² + σ² = 1 and σ/α = `ratio`."""
    return 1 / math.hypot(1, ratio), ratio / math.hypot(1, ratio)


def _ends(peer: Peer, n_steps: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(α, σ) of the state before the first step and after the last."""
    with _precision(peer), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        scheduler = _scheduler(peer, n_steps)
    if hasattr(scheduler, "sigmas"):
        first, last = float(scheduler.sigmas[0]), float(scheduler.sigmas[-1])
    else:
        first = _level(peer, scheduler, 0, scheduler.timesteps[0])
        kept = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
        last = math.sqrt((1 - kept) / kept)
    if peer.scheduler in EXPLODING:
        return (1.0, first), (1.0, last)
    return _preserving(first), _preserving(last)
