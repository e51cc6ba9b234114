"""Adapters for the grids of k-diffusion: `refscore check validation/peers/k_diffusion_grids.py`.

The samplers on the library's own levels, down to σ = 0 by a last step of order one: finite and on the mean at every
step count. No order is asked for: the last step has the size of the smallest level, however many steps there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from validation.peers.k_diffusion_driver import Peer, as_adapter, sampling
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, BrownianNoise, lifted

__all__ = ["PEERS", "adapter"]


def released(make: Callable[..., torch.Tensor], *ends: float) -> Callable[[int], torch.Tensor]:
    """The library's n noise levels and 0."""

    def of(n_steps: int) -> Any:
        with lifted(sampling):
            return make(n_steps, *ends)

    return of


KARRAS = released(sampling.get_sigmas_karras, SIGMA_MIN, SIGMA_MAX)
OTHERS = {
    "exponential": released(sampling.get_sigmas_exponential, SIGMA_MIN, SIGMA_MAX),
    "polyexponential": released(sampling.get_sigmas_polyexponential, SIGMA_MIN, SIGMA_MAX, 2.0),
    "VP": released(sampling.get_sigmas_vp),
}
NAMES = ("euler", "heun", "dpm_2", "lms", "dpmpp_2m")
STOCHASTIC = ("euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral")
TREES = ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")

PEERS = [
    Peer(f"{name}, Karras", getattr(sampling, f"sample_{name}"), None, levels=KARRAS,
         stochastic=name not in NAMES, noise=BrownianNoise if name in TREES else None)
    for name in (*NAMES, *STOCHASTIC, *TREES)
] + [
    Peer(f"{name}, {grid}", getattr(sampling, f"sample_{name}"), None, levels=sigmas)
    for grid, sigmas in OTHERS.items()
    for name in ("euler", "dpmpp_2m")
]  # fmt: skip

adapter = [as_adapter(peer) for peer in PEERS]
