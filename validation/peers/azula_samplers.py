"""Adapters for the samplers of azula: `refscore check validation/peers/azula_samplers.py`.

First the steps, on the levels of :func:`validation.peers.lift.levels` with α² + σ² = 1; then its schedules as released,
from time 1 to time 0, where finite states and the mean are asked for. Deterministic samplers draw noise too and
multiply it by 0: they are declared stochastic where they draw.
"""

from __future__ import annotations

import torch
from azula.noise import CosineSchedule, DecaySchedule, RectifiedSchedule, VESchedule, VPSchedule
from azula.sample import (
    DDIMSampler,
    DDPMSampler,
    EulerSampler,
    HeunSampler,
    ItoSampler,
    PCSampler,
    REABSampler,
    vABSampler,
    xEABSampler,
    zABSampler,
    zEABSampler,
)

from refscore.conformance import Adapter
from validation.peers.azula_driver import VERSION, Peer, as_adapter
from validation.peers.lift import levels

__all__ = ["PEERS", "adapter"]

MULTISTEP = {
    "zAB": (zABSampler, "n-th order Adams-Bashforth step"),
    "vAB": (vABSampler, "n-th order Adams-Bashforth step"),
    "zEAB": (zEABSampler, "n-th order exponential Adams-Bashforth step"),
    "xEAB": (xEABSampler, "n-th order exponential Adams-Bashforth step"),
    "REAB": (REABSampler, "n-th order exponential Adams-Bashforth step"),
}
USUAL, LATER = (20, 40, 80, 160), (40, 80, 160, 320)
LATEST = (80, 160, 320, 640)  # the error's first and second order cancel before

STEPS = [
    Peer("DDPM", DDPMSampler, 1, "Ho et al. 2020", levels=levels(), stochastic=True),
    *(Peer(f"DDIM η = {eta:g}", DDIMSampler, 1, "Song et al. 2021", {"eta": eta}, levels=levels(), stochastic=True)
      for eta in (0.0, 0.5, 1.0)),
    Peer("Euler", EulerSampler, 1, "1st order", levels=levels()),
    Peer("Heun", HeunSampler, 2, "2nd order", levels=levels()),
    *(Peer(f"Itô η = {eta:g}", ItoSampler, 1, "Euler's step of the Itô SDE", {"eta": eta}, levels=levels(),
           stochastic=True, steps=LATEST if eta == 1 else USUAL)
      for eta in (0.0, 0.5, 1.0)),
    *(Peer(f"{name}, order {order}", sampler, order, claim, {"order": order}, levels=levels(order),
           steps=LATER if order > 2 else USUAL,
           mean="in order" if name == "REAB" else "exact")
      for name, (sampler, claim) in MULTISTEP.items()
      for order in (1, 2, 3)),
    Peer("PC, no corrections", PCSampler, 1, "DDIM predictor", {"corrections": 0}, levels=levels()),
    Peer("PC, δ = 0.01", PCSampler, 1, "DDIM predictor", levels=levels(), stochastic=True),
    Peer("PC, δ = 0.5", PCSampler, 1, "DDIM predictor", {"delta": 0.5}, levels=levels(), stochastic=True),
]  # fmt: skip

SCHEDULES = {
    "VE": VESchedule(),
    "VP": VPSchedule(),
    "cosine": CosineSchedule(),
    "rectified": RectifiedSchedule(),
    "decay": DecaySchedule(),
}
RELEASED = [
    Peer(f"{name}, {kind} schedule", sampler, None, schedule=schedule, stochastic=stochastic)
    for kind, schedule in SCHEDULES.items()
    for name, sampler, stochastic in (
        ("DDPM", DDPMSampler, True),
        ("Heun", HeunSampler, False),
    )
]

PEERS = [*STEPS, *RELEASED]

paths = Adapter("azula schedules", version=VERSION, arrays="torch", dtype="float64")


@paths.implements("path.ve", kernel="marginal")
def ve(t: torch.Tensor, *, sigma_min: float, sigma_max: float) -> tuple[torch.Tensor, torch.Tensor]:
    """σ is that of the marginal: σ_min at time 0."""
    return VESchedule(sigma_min, sigma_max)(t)


@paths.implements("path.flow")
def flow(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rectified schedule without its floors."""
    return RectifiedSchedule(alpha_min=0.0, sigma_min=0.0)(t)


adapter = [*map(as_adapter, PEERS), paths]
