"""Adapters for the samplers of sbi: `refscore check validation/peers/sbi_samplers.py`.

Score and flow matching estimators, in steps of equal length in their time. A Langevin corrector whose step stays the
same leaves a bias of its own, however many steps the predictor takes: here its step size falls as 1/n.
Euler's steps are exact on the mean where α is constant or linear in time; on the VP paths they are not.
"""

from __future__ import annotations

from validation.peers.sbi_driver import Peer, as_adapter

__all__ = ["PEERS", "adapter"]

EULER = "Euler-Maruyama discretization"
FEW, MANY = (10, 20, 40, 80), (80, 160, 320, 640)


def _langevin(n_steps: int) -> dict[str, float]:
    return {"step_size": 0.1 / n_steps, "num_steps": 5}


def _gibbs(_: int) -> dict[str, float]:
    return {"num_steps": 1}


EXACT = {"noise_scale": 0.0}
WIDE = {"noise_scale": 0.1}
FLOW = "flow matching"
PEERS = [
    Peer("VP, Euler-Maruyama", "VP", 1, EULER, predictor={}),
    Peer("VP, Euler-Maruyama, eta 0.5", "VP", 1, EULER, predictor={"eta": 0.5}),
    Peer("sub-VP, Euler-Maruyama", "sub-VP", 1, EULER, predictor={}),
    Peer("VE, Euler-Maruyama", "VE", 1, EULER, predictor={}),
    Peer("VE, Euler-Maruyama, eta 0.5", "VE", 1, EULER, predictor={"eta": 0.5}),
    Peer("VE, Euler-Maruyama, power-law times", "VE", 1, EULER, {"solve_schedule": "power_law"}, predictor={}),
    Peer("VE, Euler-Maruyama, Langevin corrector", "VE", 1, EULER, predictor={}, corrector="langevin",
         correcting=_langevin, steps=FEW),
    Peer("VE, Euler-Maruyama, Gibbs corrector", "VE", 1, EULER, predictor={}, corrector="gibbs", correcting=_gibbs,
         steps=FEW),
    Peer("VE, ODE", "VE", None),
    Peer("flow matching, Euler-Maruyama", FLOW, 1, EULER, predictor={}, steps=MANY),
    Peer("flow matching, Euler-Maruyama, noise scale 0", FLOW, 1, EULER, EXACT, predictor={}),
    Peer("flow matching, Euler-Maruyama, noise scale 0, eta 0.5", FLOW, 1, EULER, EXACT, predictor={"eta": 0.5}),
    Peer("flow matching, Euler-Maruyama, noise scale 0.1", FLOW, 1, EULER, WIDE, predictor={}),
    Peer("flow matching, Euler-Maruyama, noise scale 0, Langevin corrector", FLOW, 1, EULER, EXACT, predictor={},
         corrector="langevin", correcting=_langevin, steps=FEW),
    Peer("flow matching, Euler-Maruyama, noise scale 0, Gibbs corrector", FLOW, 1, EULER, EXACT, predictor={},
         corrector="gibbs", correcting=_gibbs, steps=FEW),
    Peer("flow matching, ODE", FLOW, None),
    Peer("flow matching, ODE, noise scale 0.1", FLOW, None, options=WIDE),
]  # fmt: skip

adapter = [as_adapter(peer) for peer in PEERS]
