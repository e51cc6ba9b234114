"""Adapters for the samplers of k-diffusion: `refscore check validation/peers/k_diffusion_samplers.py`.

The noise levels are those of :func:`validation.peers.lift.levels`. Its own, see ``k_diffusion_grids.py``, end with a
step to σ = 0, of order one on purpose. An ancestral step goes down by the ODE and up by noise, both without a bias of
their own: its weak order is that of the ODE's method. ``dpm_adaptive`` has no step count: n divides its tolerance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from validation.peers.k_diffusion_driver import Peer, as_adapter, sampling
from validation.peers.lift import BrownianNoise, levels

__all__ = ["PEERS", "adapter"]

KARRAS, PP, DPM = "Karras et al. 2022, Alg. 2", "Lu et al. 2022b, DPM-Solver++", "Lu et al. 2022a, DPM-Solver"


def unseen(x: torch.Tensor) -> Callable[..., torch.Tensor]:
    """Noise that would be seen if it were not multiplied by 0."""
    return lambda *_: torch.full_like(x, 1e3)


PEERS = [
    Peer("euler", sampling.sample_euler, 1, f"{KARRAS}, first stage"),
    Peer("euler, churn 10", sampling.sample_euler, 1, KARRAS, {"s_churn": 10.0}, stochastic=True),
    Peer("heun", sampling.sample_heun, 2, KARRAS),
    Peer("heun, churn 10", sampling.sample_heun, 2, KARRAS, {"s_churn": 10.0}, stochastic=True),
    Peer("dpm_2", sampling.sample_dpm_2, 2, "DPM-Solver-2"),
    Peer("dpm_2, churn 10", sampling.sample_dpm_2, 2, KARRAS, {"s_churn": 10.0}, stochastic=True),
    Peer("lms", sampling.sample_lms, 4, "order=4", levels=levels(4)),
    Peer("dpm_fast, 3k + 2 evaluations", sampling.sample_dpm_fast, 3, DPM, steps=(20, 41, 80, 161)),
    Peer("dpm_fast, 3k evaluations", sampling.sample_dpm_fast, 3, DPM, steps=(24, 48, 96, 192)),
    Peer("dpm_fast, 3k + 2 evaluations, eta 1", sampling.sample_dpm_fast, 3, DPM, {"eta": 1.0}, stochastic=True,
         steps=(80, 161, 320, 641)),
    Peer("dpm_adaptive, order 2", sampling.sample_dpm_adaptive, None, options={"order": 2}),
    Peer("dpm_adaptive, order 3", sampling.sample_dpm_adaptive, None),
    Peer("euler_ancestral", sampling.sample_euler_ancestral, 1, "Euler steps", stochastic=True),
    Peer("dpm_2_ancestral", sampling.sample_dpm_2_ancestral, 2, "second-order steps", stochastic=True),
    Peer("dpmpp_2s_ancestral", sampling.sample_dpmpp_2s_ancestral, 2, "second-order steps", stochastic=True),
    Peer("dpmpp_2s_ancestral, eta 0", sampling.sample_dpmpp_2s_ancestral, 2, PP, {"eta": 0.0}),
    Peer("dpmpp_2m", sampling.sample_dpmpp_2m, 2, PP, levels=levels(2)),
    Peer("dpmpp_sde", sampling.sample_dpmpp_sde, 2, "second-order, stochastic", stochastic=True, noise=BrownianNoise),
    Peer("dpmpp_sde, eta 0", sampling.sample_dpmpp_sde, 2, PP, {"eta": 0.0}, noise=unseen),
    Peer("dpmpp_sde, independent noise", sampling.sample_dpmpp_sde, 2, "second-order, stochastic", stochastic=True,
         noise=lambda x: lambda *_: torch.randn_like(x)),
    Peer("dpmpp_2m_sde midpoint", sampling.sample_dpmpp_2m_sde, 2, "2M", stochastic=True, noise=BrownianNoise),
    Peer("dpmpp_2m_sde heun", sampling.sample_dpmpp_2m_sde, 2, "2M", {"solver_type": "heun"}, stochastic=True,
         noise=BrownianNoise),
    Peer("dpmpp_2m_sde, eta 0", sampling.sample_dpmpp_2m_sde, 2, PP, {"eta": 0.0}, levels=levels(2),
         noise=BrownianNoise),
    Peer("dpmpp_3m_sde", sampling.sample_dpmpp_3m_sde, 3, "3M", stochastic=True, noise=BrownianNoise),
    Peer("dpmpp_3m_sde, eta 0", sampling.sample_dpmpp_3m_sde, 3, "3M", {"eta": 0.0}, levels=levels(3),
         noise=BrownianNoise, steps=(40, 80, 160, 320)),
]  # fmt: skip

adapter = [as_adapter(peer) for peer in PEERS]
