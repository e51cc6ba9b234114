"""Adapters for the grids of diffusers: `refscore check validation/peers/diffusers_grids.py`.

The schedulers as released: their own timesteps and levels, down to σ = 0 by a last step of order one. Here too
the mean goes to the mean at every step count, all predictions agree and every state is finite; no order is asked for,
since a grid of 1000 training steps has none.
"""

from __future__ import annotations

from validation.peers.diffusers_driver import Peer, as_adapter

__all__ = ["PEERS", "adapter"]

MULTI, SINGLE = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
UNIPC, DEIS, ANCESTRAL = "UniPCMultistepScheduler", "DEISMultistepScheduler", "EulerAncestralDiscreteScheduler"
PLAIN = {"clip_sample": False}
ALL, NO_DATA = ("noise", "data", "v"), ("noise", "v")

RELEASED = [
    Peer(f"{name}, {spacing}", kind, None, stochastic=stochastic, predictions=kinds,
         options={"timestep_spacing": spacing, **more})
    for name, kind, stochastic, kinds, more in (
        ("DDPM", "DDPMScheduler", True, ALL, PLAIN),
        ("DDIM", "DDIMScheduler", False, ALL, PLAIN),
        ("Euler", "EulerDiscreteScheduler", False, ALL, {}),
        ("Euler ancestral", ANCESTRAL, True, NO_DATA, {}),
        ("Heun", "HeunDiscreteScheduler", False, ALL, {}),
        ("LMS", "LMSDiscreteScheduler", False, ALL, {}),
        ("DPM-Solver++ 2M", MULTI, False, ALL, {}),
        ("SDE-DPM-Solver++ 2M", MULTI, True, ALL, {"algorithm_type": "sde-dpmsolver++"}),
        ("UniPC-2", UNIPC, False, ALL, {}),
        ("DEIS-2", DEIS, False, ALL, {}),
        ("KDPM2", "KDPM2DiscreteScheduler", False, NO_DATA, {}),
        ("KDPM2 ancestral", "KDPM2AncestralDiscreteScheduler", True, NO_DATA, {}),
        ("PNDM", "PNDMScheduler", False, NO_DATA, {}),
    )
    for spacing in ("leading", "linspace", "trailing")
] + [
    Peer(f"DPM-Solver++ {order}S, linspace", SINGLE, None, options={"solver_order": order}) for order in (1, 2, 3)
] + [
    Peer("IPNDM, squared sine", "IPNDMScheduler", None, predictions=("v",)),
    Peer("EDM Euler, Karras", "EDMEulerScheduler", None, predictions=NO_DATA),
    Peer("EDM DPM-Solver++ 2M, Karras", "EDMDPMSolverMultistepScheduler", None, predictions=NO_DATA),
] + [
    Peer(f"FlowMatch {name}, shift {shift:g}", f"FlowMatch{name}DiscreteScheduler", None, predictions=("velocity",),
         options={"shift": shift})
    for name in ("Euler", "Heun")
    for shift in (1.0, 3.0)
]  # fmt: skip

# What a network sees: the level of the integer timestep it is told, on grids that are not made of timesteps.
SEEN = [
    Peer(f"{name}, {grid} sigmas, level of the timestep", kind, None, by_timestep=True,
         options={f"use_{grid}_sigmas": True})
    for name, kind in (("DPM-Solver++ 2M", MULTI), ("DPM-Solver++ 2S", SINGLE), ("UniPC-2", UNIPC), ("DEIS-2", DEIS))
    for grid in ("karras", "exponential", "beta")
]  # fmt: skip

# Combinations that the constructors accept.
CORNERS = [
    Peer("UniPC-2 noise, default end", UNIPC, None, options={"predict_x0": False}),
    Peer("UniPC-2 data, full order at the end", UNIPC, None, options={"lower_order_final": False}),
    Peer("DPM-Solver++ 3M, exponential sigmas to sigma_min", MULTI, None,
         options={"solver_order": 3, "use_exponential_sigmas": True, "final_sigmas_type": "sigma_min"}),
    Peer("DPM-Solver++ 3M, karras sigmas to sigma_min, float32", MULTI, None, dtype="float32",
         options={"solver_order": 3, "use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}),
    Peer("DPM-Solver++ 2M, karras sigmas, squaredcos_cap_v2", MULTI, None,
         options={"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"}),
    Peer("Euler ancestral, squaredcos_cap_v2, float32", ANCESTRAL, None, dtype="float32", stochastic=True,
         predictions=NO_DATA, options={"beta_schedule": "squaredcos_cap_v2"}),
]  # fmt: skip

PEERS = [*RELEASED, *SEEN, *CORNERS]

adapter = [as_adapter(peer) for peer in PEERS]
