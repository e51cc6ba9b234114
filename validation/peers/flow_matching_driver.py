"""How flow_matching is driven: a velocity of (x, t), data at t = 1, and one of its schedulers with α and σ of t.

The velocity is that of the library's own path: ``target_to_velocity`` and ``epsilon_to_velocity`` of the exact data and
noise, or the exact velocity with the scheduler's derivatives. The times are those of the smooth levels, see
:mod:`validation.peers.lift`, by the scheduler's ``snr_inverse``. On a path that is curved in t the mean is as accurate
as the order of the method.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from flow_matching.path import AffineProbPath
from flow_matching.path.scheduler import CondOTScheduler, Scheduler, ScheduleTransformedModel
from flow_matching.solver import ODESolver

from refscore.conformance import Adapter
from validation.peers.lift import levels

__all__ = ["VERSION", "Peer", "as_adapter"]

VERSION = importlib.metadata.version("flow_matching")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One method on one path, and what is claimed for it.

    Parameters
    ----------
    name : str
        For the table.
    method : str
        Of torchdiffeq.
    order : float or None
        The claimed order; None where none is asked for.
    claim : str
        Who claims it.
    scheduler : Scheduler
        Its path.
    model : Scheduler, optional
        The path of the model, where it is transformed to `scheduler`.
    steps : tuple of int
        Step counts that show the order.
    """

    name: str
    method: str
    order: float | None
    claim: str = "torchdiffeq"
    scheduler: Scheduler = CondOTScheduler()  # noqa: RUF009
    model: Scheduler | None = None
    steps: tuple[int, ...] = (20, 40, 80, 160)


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
    adapter = Adapter(f"flow_matching {peer.name}", version=VERSION, arrays="torch", dtype="float64")
    straight = isinstance(peer.scheduler, CondOTScheduler)

    def end(place: int) -> Callable[[int], tuple[float, float]]:
        def of(n_steps: int) -> tuple[float, float]:
            found = peer.scheduler(_times(peer, n_steps)[place])
            return float(found.alpha_t), float(found.sigma_t)

        return of

    @adapter.implements(
        "sampler.black_box",
        order=peer.order,
        start=end(0),
        stop=end(-1),
        steps=peer.steps,
        predictions=("velocity",) if peer.model is not None else ("velocity", "data", "noise"),
        mean="exact" if straight else "in order",
    )
    def sampler(exact: Any, x: torch.Tensor, *, n_steps: int, prediction: str) -> torch.Tensor:
        velocity = _velocity(peer.model or peer.scheduler, exact, prediction)
        if peer.model is not None:
            velocity = ScheduleTransformedModel(velocity, peer.model, peer.scheduler)
        options = {}
        if peer.order is None:  # it has a tolerance: the default one, the n-th part of it
            options = {"rtol": 1e-5 / n_steps, "atol": 1e-5 / n_steps}
        solver = ODESolver(velocity)
        return solver.sample(x, None, method=peer.method, time_grid=_times(peer, n_steps), **options)

    return adapter


def _times(peer: Peer, n_steps: int) -> torch.Tensor:
    return peer.scheduler.snr_inverse(1 / levels()(n_steps))


def _velocity(scheduler: Scheduler, exact: Any, prediction: str) -> Any:
    path = AffineProbPath(scheduler)

    class Velocity(torch.nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            at = scheduler(t)
            scales = {"alpha": at.alpha_t, "sigma": at.sigma_t}
            if prediction == "data":
                return path.target_to_velocity(exact.data(x, **scales), x, t)
            if prediction == "noise":
                return path.epsilon_to_velocity(exact.noise(x, **scales), x, t)
            return exact.velocity(x, **scales, alpha_dot=at.d_alpha_t, sigma_dot=at.d_sigma_t)

    return Velocity()
