"""Adapters for flow_matching: `refscore check validation/peers/flow_matching_samplers.py`.

``ODESolver`` with the methods that its pages name, on the straight path; ``midpoint`` on all its paths, and of a model
of the straight path transformed to each of them; paths, conversions, targets, and the divergence inside its likelihood.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from flow_matching.path import AffineProbPath, CondOTProbPath
from flow_matching.path.scheduler import (
    CondOTScheduler,
    CosineScheduler,
    LinearVPScheduler,
    PolynomialConvexScheduler,
    VPScheduler,
)
from flow_matching.solver import ODESolver

from refscore.conformance import Adapter
from validation.peers.flow_matching_driver import VERSION, Peer, as_adapter

__all__ = ["PEERS", "adapter"]

METHODS = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}
CURVED = {
    "polynomial": PolynomialConvexScheduler(2),
    "VP": VPScheduler(),
    "linear VP": LinearVPScheduler(),
    "cosine": CosineScheduler(),
}

PEERS = [
    *(Peer(method, method, order) for method, order in METHODS.items()),
    Peer("dopri5", "dopri5", None),
    *(Peer(f"midpoint, {kind} path", "midpoint", 2, scheduler=path) for kind, path in CURVED.items()),
    *(Peer(f"midpoint, model of the straight path on the {kind} path", "midpoint", 2, scheduler=path,
           model=CondOTScheduler())
      for kind, path in CURVED.items()),
]  # fmt: skip

parts = Adapter("flow_matching parts", version=VERSION, arrays="torch", dtype="float64")
Scales = tuple[torch.Tensor, torch.Tensor]


@parts.implements("path.flow", time="data_at_1")
def flow(t: torch.Tensor) -> Scales:
    """CondOTScheduler."""
    found = CondOTScheduler()(t)
    return found.alpha_t, found.sigma_t


@parts.implements("path.vp")
def vp(t: torch.Tensor, *, beta_min: float, beta_max: float) -> Scales:
    """VPScheduler, whose time is 1 - t."""
    found = VPScheduler(beta_min, beta_max)(1 - t)
    return found.alpha_t, found.sigma_t


@parts.implements("objective.flow_matching", factor=1.0)
def straight(velocity: Any, x0: torch.Tensor, x1: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """CondOTProbPath.sample; the square is taken here, as its examples do."""
    found = CondOTProbPath().sample(x_0=x0, x_1=x1, t=t)
    return ((velocity(found.x_t, found.t) - found.dx_t) ** 2).sum(dim=1)


@parts.implements("objective.path", factor=1.0, prediction="velocity")
def along(predict: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, *, alpha: torch.Tensor,
          sigma: torch.Tensor, alpha_dot: torch.Tensor, sigma_dot: torch.Tensor) -> torch.Tensor:  # fmt: skip
    """AffineProbPath.sample, with a scheduler that gives these."""
    found = given(alpha, sigma, alpha_dot, sigma_dot).sample(x_0=noise, x_1=x0, t=t)
    return ((predict(found.x_t, t) - found.dx_t) ** 2).sum(dim=1)


@parts.implements("trace.exact")
def divergence(score: Any, x: torch.Tensor) -> torch.Tensor:
    """ODESolver.compute_likelihood with exact_divergence, by one step of Euler's method from 1 to 0."""
    solver = ODESolver(lambda x, **_: score(x))
    _, found = solver.compute_likelihood(x.clone(), lambda y: torch.zeros(len(y), dtype=y.dtype), step_size=1.0,
                                         exact_divergence=True)  # fmt: skip
    return -found


def given(alpha: torch.Tensor, sigma: torch.Tensor, alpha_dot: torch.Tensor | None = None,
          sigma_dot: torch.Tensor | None = None) -> AffineProbPath:  # fmt: skip
    """A path whose scheduler says these, whatever t is."""
    scales = SimpleNamespace(alpha_t=alpha, sigma_t=sigma, d_alpha_t=alpha_dot, d_sigma_t=sigma_dot)
    return AffineProbPath(lambda _: scales)


def conversions(name: str, lifted: bool) -> Adapter:
    """The conversions of AffineProbPath, told times of shape (n, 1) or (n,)."""
    adapter = Adapter(name, version=VERSION, arrays="torch", dtype="float64")
    shape = (slice(None), None) if lifted else (slice(None),)
    plain = {"data_to_noise": "target_to_epsilon", "noise_to_data": "epsilon_to_target"}
    moving = {
        "data_to_velocity": "target_to_velocity",
        "noise_to_velocity": "epsilon_to_velocity",
        "velocity_to_data": "velocity_to_target",
        "velocity_to_noise": "velocity_to_epsilon",
    }

    def offer(ours: str, theirs: str) -> None:
        @adapter.implements(f"convert.{ours}")
        def convert(value: torch.Tensor, x: torch.Tensor, *scales: torch.Tensor) -> torch.Tensor:
            path = given(*(scale[shape] for scale in scales))
            return getattr(path, theirs)(value, x, torch.zeros(len(x)))

    for ours, theirs in (plain | moving).items():
        offer(ours, theirs)
    return adapter


adapter = [
    *map(as_adapter, PEERS),
    parts,
    conversions("flow_matching conversions, t of shape (n, 1)", True),
    conversions("flow_matching conversions, t of shape (n,)", False),
]
