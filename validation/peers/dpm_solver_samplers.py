"""Adapters for the authors' DPM-Solver: `refscore check validation/peers/dpm_solver_samplers.py`.

The methods ``multistep``, ``singlestep_fixed``, ``singlestep`` and ``adaptive`` of orders 1 to 3, for noise and for
data (++), in both solver types; the three grids as released; a discrete schedule, whose network is told what the
library tells it. ``adaptive`` has no step count: n divides its tolerances.
"""

from __future__ import annotations

import numpy as np
import torch

from refscore.conformance import Adapter
from validation.peers.dpm_solver_driver import VERSION, Peer, as_adapter, library

__all__ = ["PEERS", "adapter"]

FAMILIES = {"dpmsolver": ("DPM-Solver", "Lu et al. 2022a"), "dpmsolver++": ("DPM-Solver++", "Lu et al. 2022b")}
OPEN_END = {"lower_order_final": False}
USUAL, LATER = (20, 40, 80, 160), (40, 80, 160, 320)
THREES, TWO_MORE = (48, 96, 192, 384), (47, 95, 191, 383)  # evaluations


def linear_betas() -> torch.Tensor:
    """DDPM's."""
    return torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)


def cosine_betas() -> torch.Tensor:
    """Nichol & Dhariwal's."""
    kept = np.cos((np.linspace(0, 1, 1001) + 0.008) / 1.008 * np.pi / 2) ** 2
    return torch.from_numpy(np.minimum(1 - kept[1:] / kept[:-1], 0.999))


STEPS = [
    Peer(f"{name} {order}M{shape}", order, claim, kind, {"method": "multistep", "order": order, "solver_type": how,
                                                         **OPEN_END},
         warm=order, steps=LATER if order > 2 else USUAL)
    for kind, (name, claim) in FAMILIES.items()
    for order, shape, how in ((1, "", "dpmsolver"), (2, "", "dpmsolver"), (2, " taylor", "taylor"),
                              (3, "", "dpmsolver"))
] + [
    Peer(f"{name} {order}S{shape}", order, claim, kind,
         {"method": "singlestep_fixed", "order": order, "solver_type": how}, steps=THREES)
    for kind, (name, claim) in FAMILIES.items()
    for order, shape, how in ((2, "", "dpmsolver"), (2, " taylor", "taylor"), (3, "", "dpmsolver"),
                              (3, " taylor", "taylor"))
] + [
    Peer(f"{name} {order}S in time", order, claim, kind,
         {"method": "singlestep_fixed", "order": order, "skip_type": "time_uniform"}, steps=THREES)
    for kind, (name, claim) in FAMILIES.items()
    for order in (2, 3)
] + [
    Peer(f"{name}-fast {order}, {ending}", order, claim, kind, {"method": "singlestep", "order": order}, steps=steps)
    for kind, (name, claim) in FAMILIES.items()
    for order, ending, steps in ((2, "2k evaluations", THREES), (3, "3k + 2 evaluations", TWO_MORE),
                                 (3, "3k evaluations", THREES))
] + [
    Peer(f"{name} adaptive {order}", None, claim, kind, {"method": "adaptive", "order": order})
    for kind, (name, claim) in FAMILIES.items()
    for order in (2, 3)
] + [
    Peer(f"{name} 2M, inverse", 2, claim, kind, {"method": "multistep", "order": 2, **OPEN_END}, warm=2, inverse=True)
    for kind, (name, claim) in FAMILIES.items()
]  # fmt: skip

RELEASED = [
    Peer(f"DPM-Solver++ {order}{method[0].upper()}, {grid}", None,
         sample={"method": method, "order": order, "skip_type": grid}, smooth=False)
    for method, order in (("multistep", 2), ("singlestep", 3))
    for grid in ("logSNR", "time_uniform", "time_quadratic")
] + [
    Peer("DPM-Solver++ 2M, denoise_to_zero", None, sample={"method": "multistep", "order": 2, "denoise_to_zero": True},
         smooth=False),
    Peer("DPM-Solver++ 2M, discrete linear", None, sample={"method": "multistep", "order": 2}, smooth=False,
         betas=linear_betas),
    Peer("DPM-Solver++ 2M, discrete cosine", None, sample={"method": "multistep", "order": 2}, smooth=False,
         betas=cosine_betas),
]  # fmt: skip

PEERS = [*STEPS, *RELEASED]

schedule = Adapter("dpm-solver schedule", version=VERSION, arrays="torch", dtype="float64")


@schedule.implements("path.vp")
def vp(t: torch.Tensor, *, beta_min: float, beta_max: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The continuous schedule."""
    found = library.NoiseScheduleVP("linear", continuous_beta_0=beta_min, continuous_beta_1=beta_max)
    return found.marginal_alpha(t), found.marginal_std(t)


adapter = [*map(as_adapter, PEERS), schedule]
