"""Adapters for the samplers of EDM: `refscore check validation/peers/edm_samplers.py`.

``edm_sampler`` with and without churn, ``ablation_sampler`` in its solvers, grids, schedules and scalings, first from
σ = 5 to 0.05, then on the grids as released. A state that is scaled is stepped through the drift of the scale as well:
its mean is as accurate as its order.
"""

from __future__ import annotations

from itertools import product

import torch

from refscore.conformance import Adapter
from validation.peers.edm_driver import VERSION, Peer, as_adapter, generate

__all__ = ["PEERS", "adapter"]

ALGORITHM = "Karras et al. 2022, Alg. 2"
GENERAL = "Karras et al. 2022, Alg. 1"
LATER = (40, 80, 160, 320)

STEPS = [
    Peer("edm_sampler", generate.edm_sampler, 2, ALGORITHM),
    Peer("edm_sampler, churn 10", generate.edm_sampler, 2, ALGORITHM, {"S_churn": 10.0}, stochastic=True, steps=LATER),
    *(Peer(f"ablation_sampler, {solver}, {schedule} schedule, {scaling} scaling", generate.ablation_sampler, order,
           GENERAL, {"solver": solver, "schedule": schedule, "scaling": scaling})
      for (solver, order), (schedule, scaling) in product(
          (("euler", 1), ("heun", 2)), (("linear", "none"), ("vp", "vp"), ("ve", "none")))),
    Peer("ablation_sampler, α = 0.5", generate.ablation_sampler, 2, "Karras et al. 2022, Alg. 3", {"alpha": 0.5}),
    Peer("ablation_sampler, vp grid", generate.ablation_sampler, 2, GENERAL, {"discretization": "vp"}, steps=LATER),
    Peer("ablation_sampler, ve grid", generate.ablation_sampler, 2, GENERAL, {"discretization": "ve"}),
    Peer("ablation_sampler, vp schedule and scaling, churn 10", generate.ablation_sampler, 2, "Karras et al. 2022",
         {"schedule": "vp", "scaling": "vp", "S_churn": 10.0}, stochastic=True, steps=LATER),
]  # fmt: skip
KINDS = {
    "edm": {},
    "vp": {"discretization": "vp", "schedule": "vp", "scaling": "vp"},
    "ve": {"discretization": "ve", "schedule": "ve"},
    "iddpm": {"discretization": "iddpm"},
}
RELEASED = [
    Peer("edm_sampler, as released", generate.edm_sampler, None, released=True),
    *(Peer(f"ablation_sampler, {kind}, as released", generate.ablation_sampler, None, options=options, released=True)
      for kind, options in KINDS.items()),
]  # fmt: skip

PEERS = [*STEPS, *RELEASED]

levels = Adapter("edm levels of edm_sampler", version=VERSION, arrays="torch", dtype="float64")


@levels.implements("schedule.karras", final_zero=True)
def karras(*, n: int, sigma_min: float, sigma_max: float, rho: float) -> torch.Tensor:
    """The levels that the network is told, and the 0 that the last step goes to."""
    seen: list[torch.Tensor] = []

    class Net:
        def __init__(self) -> None:
            self.sigma_min, self.sigma_max = 0.0, float("inf")

        def round_sigma(self, sigma: torch.Tensor) -> torch.Tensor:
            if sigma.ndim:
                seen.append(sigma)
            return sigma

        def __call__(self, x: torch.Tensor, *_: object) -> torch.Tensor:
            return x

    ends = {"sigma_min": sigma_min, "sigma_max": sigma_max, "rho": rho}
    generate.edm_sampler(Net(), torch.zeros((1, 1)), num_steps=n, **ends)
    return torch.cat([seen[0], torch.zeros(1, dtype=torch.float64)])


adapter = [*map(as_adapter, PEERS), levels]
