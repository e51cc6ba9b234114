"""Adapters for the grids of k-diffusion: `refscore check validation/peers/k_diffusion_grids.py --only '*/[fmrp]*'`.

The samplers on the library's Karras levels, down to σ = 0 by a last step of order one: finite and on the mean at every
step count. No order is asked for: the last step has the size of the smallest level, however many steps there are.
"""

from __future__ import annotations

import torch

from validation.peers.k_diffusion_driver import Peer, as_adapter, in_float64, sampling
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, BrownianNoise

__all__ = ["PEERS", "adapter"]


def karras(n_steps: int) -> torch.Tensor:
    """The library's n noise levels and 0."""
    return in_float64(lambda: sampling.get_sigmas_karras(n_steps, SIGMA_MIN, SIGMA_MAX))


NAMES = ("euler", "heun", "dpm_2", "lms", "dpmpp_2m")
STOCHASTIC = ("euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral")
TREES = ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")

PEERS = [
    Peer(f"{name}, Karras", getattr(sampling, f"sample_{name}"), 1, "", levels=karras,
         stochastic=name not in NAMES, noise=BrownianNoise if name in TREES else None)
    for name in (*NAMES, *STOCHASTIC, *TREES)
]  # fmt: skip

adapter = [as_adapter(peer) for peer in PEERS]
