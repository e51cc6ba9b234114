"""Adapters for the schedulers of diffusers: `refscore check validation/peers/diffusers_schedulers.py`.

The steps are theirs, the noise levels those of :func:`validation.peers.lift.levels`, set on the scheduler after
``set_timesteps``. Their own grids, see ``diffusers_grids.py``, are rounded to integer timesteps, end with a first-order
step to σ = 0 and start a multistep method at order one: each of these hides the order of the steps. KDPM2, PNDM and
IPNDM get the levels as their table of training steps. DDPM and DDIM take every 1000/n-th training step of their own.

A stochastic multistep method is not started with short steps: its history holds noise, which a short step magnifies.
Clipping is on by default in DDPM and DDIM and is switched off: it is meant for images.
"""

from __future__ import annotations

from itertools import product

from validation.peers.diffusers_driver import Peer, as_adapter
from validation.peers.lift import levels

__all__ = ["PEERS", "adapter"]

MULTI, SINGLE = "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler"
FAMILIES = {"dpmsolver++": "DPM-Solver++", "dpmsolver": "DPM-Solver"}
OPEN_END = {"lower_order_final": False, "final_sigmas_type": "sigma_min"}  # the last step has full order
PLAIN = {"clip_sample": False}

USUAL = (20, 40, 80, 160)
LATER = (40, 80, 160, 320)  # the slopes are still uneven before
LATEST = (80, 160, 320, 640)  # the error's first and second order cancel before
THREES = (24, 48, 96, 192)  # a singlestep method of order 3 takes its steps by threes
LATER_THREES = (48, 96, 192, 384)
DIVISORS = (25, 50, 100, 200)  # of the 1000 training steps

# The sigma schedulers, which k-diffusion has too.
SIGMA = [
    Peer("Euler", "EulerDiscreteScheduler", 1, "Karras et al. 2022, Alg. 2, first stage", levels=levels()),
    Peer("Euler, churn 10", "EulerDiscreteScheduler", 1, "Karras et al. 2022, Alg. 2", levels=levels(),
         step={"s_churn": 10.0}, stochastic=True),
    Peer("Euler ancestral", "EulerAncestralDiscreteScheduler", 1, "k-diffusion, Euler steps", levels=levels(),
         stochastic=True, predictions=("noise", "v")),
    Peer("Heun", "HeunDiscreteScheduler", 2, "Karras et al. 2022, Alg. 2", levels=levels()),
    Peer("LMS", "LMSDiscreteScheduler", 4, "order: int = 4 in step", levels=levels(4)),
    Peer("KDPM2", "KDPM2DiscreteScheduler", 2, "DPM-Solver-2", levels=levels(), predictions=("noise", "v")),
    Peer("KDPM2 ancestral", "KDPM2AncestralDiscreteScheduler", 2, "DPM-Solver-2", levels=levels(), stochastic=True,
         predictions=("noise", "v")),
]  # fmt: skip

MULTISTEPS = ((1, "", "midpoint"), (2, " midpoint", "midpoint"), (2, " heun", "heun"), (3, "", "midpoint"))
MULTISTEP = [
    Peer(f"{name} {order}M{shape}", MULTI, order, f"solver_order={order}", levels=levels(order),
         options={"algorithm_type": kind, "solver_order": order, "solver_type": how, **OPEN_END},
         steps=LATER if order > 2 else USUAL)
    for kind, name in FAMILIES.items()
    for order, shape, how in MULTISTEPS
]  # fmt: skip
MULTISTEP_SDE = [
    Peer(f"SDE-{name} {order}M{shape}", MULTI, order, f"solver_order={order}", levels=levels(), stochastic=True,
         options={"algorithm_type": f"sde-{kind}", "solver_order": order, "solver_type": how, **OPEN_END},
         steps=LATEST if (kind, order) == ("dpmsolver", 1) else USUAL)
    for kind, name in FAMILIES.items()
    for order, shape, how in MULTISTEPS
]  # fmt: skip

SINGLESTEPS = (*MULTISTEPS[:3], (3, " midpoint", "midpoint"), (3, " heun", "heun"))
SINGLESTEP = [
    Peer(f"{name} {order}S{shape}", SINGLE, order, f"solver_order={order}", levels=levels(),
         options={"algorithm_type": kind, "solver_order": order, "solver_type": how, **OPEN_END},
         stochastic=kind.startswith("sde"), steps=THREES if kind.startswith("sde") else LATER_THREES)
    for kind, name in (*FAMILIES.items(), ("sde-dpmsolver++", "SDE-DPM-Solver++"))
    for order, shape, how in SINGLESTEPS
]  # fmt: skip

UNIPC = [
    Peer(f"UniPC-{order} {shape} {'data' if data else 'noise'}", "UniPCMultistepScheduler", order + 1,
         "effective order is solver_order + 1", levels=levels(order + 1),
         options={"solver_order": order, "solver_type": shape, "predict_x0": data, **OPEN_END})
    for data, shape, order in product((True, False), ("bh1", "bh2"), (1, 2, 3))
]  # fmt: skip

DEIS = [
    Peer(f"DEIS-{order}", "DEISMultistepScheduler", order, f"solver_order={order}", levels=levels(order),
         options={"solver_order": order, "lower_order_final": False})
    for order in (1, 2, 3)
]  # fmt: skip

PNDM = "Liu et al. 2022: second-order convergent"
PSEUDO = [
    Peer(f"PNDM, {start}", "PNDMScheduler", 2, PNDM, levels=levels(), options={"skip_prk_steps": skip},
         predictions=("noise", "v"))
    for start, skip in (("Runge-Kutta start", False), ("Euler start", True))
] + [
    Peer("PNDM, v", "PNDMScheduler", 2, PNDM, levels=levels(), predictions=("v",)),
    Peer("IPNDM", "IPNDMScheduler", 4, "fourth-order", levels=levels(4), predictions=("v",)),
]  # fmt: skip

EDM_MULTI = "EDMDPMSolverMultistepScheduler"
EDM = [
    Peer("EDM Euler", "EDMEulerScheduler", 1, "Karras et al. 2022, Alg. 2, first stage", levels=levels(),
         predictions=("noise", "v")),
    Peer("EDM Euler, churn 10", "EDMEulerScheduler", 1, "Karras et al. 2022, Alg. 2", levels=levels(),
         predictions=("noise", "v"), step={"s_churn": 10.0}, stochastic=True),
] + [
    Peer(f"EDM {'SDE-' if noisy else ''}DPM-Solver++ {order}M{shape}", EDM_MULTI, order, f"solver_order={order}",
         levels=levels(1 if noisy else order), stochastic=noisy, predictions=("noise", "v"),
         options={"algorithm_type": "sde-dpmsolver++" if noisy else "dpmsolver++", "solver_order": order,
                  "solver_type": how, **OPEN_END}, steps=LATER if order > 2 and not noisy else USUAL)
    for noisy in (False, True)
    for order, shape, how in MULTISTEPS
]  # fmt: skip

FLOW_EULER, FLOW_HEUN = "FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"
VELOCITY = ("velocity",)
FLOW = [
    Peer("FlowMatch Euler", FLOW_EULER, 1, "Euler steps", levels=levels(), predictions=VELOCITY),
    Peer("FlowMatch Euler, stochastic sampling", FLOW_EULER, 1, "Euler steps", levels=levels(), predictions=VELOCITY,
         options={"stochastic_sampling": True}, stochastic=True),
    Peer("FlowMatch Heun", FLOW_HEUN, 2, "Heun steps", levels=levels(), predictions=VELOCITY),
    Peer("FlowMatch Heun, churn 10", FLOW_HEUN, 2, "Karras et al. 2022, Alg. 2", levels=levels(), predictions=VELOCITY,
         step={"s_churn": 10.0}, stochastic=True),
]  # fmt: skip

ANCESTRAL = [
    Peer(f"DDPM {variance}", "DDPMScheduler", 1, "Ho et al. 2020, eq. 11", stochastic=True, steps=DIVISORS,
         options={"variance_type": variance, **PLAIN})
    for variance in ("fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log")
] + [
    Peer(f"DDIM η = {eta:g}", "DDIMScheduler", 1, "Song et al. 2021, eq. 12", stochastic=eta > 0, steps=DIVISORS,
         options=PLAIN, step={"eta": eta})
    for eta in (0.0, 0.5, 1.0)
]  # fmt: skip

PEERS = [*SIGMA, *MULTISTEP, *MULTISTEP_SDE, *SINGLESTEP, *UNIPC, *DEIS, *PSEUDO, *EDM, *FLOW, *ANCESTRAL]

adapter = [as_adapter(peer) for peer in PEERS]
