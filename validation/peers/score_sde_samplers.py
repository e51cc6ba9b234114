"""Adapters for the samplers of score_sde_pytorch: `refscore check validation/peers/score_sde_samplers.py`.

All predictors, alone and with the correctors at the ratio 0.16, and the ODE sampler, with the library's own levels and
its own end: t = 1e-3 for VP and sub-VP, 1e-5 for VE, then to the mean of a last step. The parts of them are in
``score_sde_functions.py``.
"""

from __future__ import annotations

from validation.peers.score_sde_driver import Peer, as_adapter

__all__ = ["PEERS", "adapter"]

EM, RD, ANCESTRAL = "euler_maruyama", "reverse_diffusion", "ancestral_sampling"
FLOW = {"probability_flow": True}
SONG = "Song et al. 2021"
SDES = {"VE": ("VESDE", 1e-5), "VP": ("VPSDE", 1e-3), "sub-VP": ("subVPSDE", 1e-3)}

PREDICTORS = [
    Peer(f"{kind} {predictor}", sde, 1, SONG, predictor, eps=eps)
    for kind, (sde, eps) in SDES.items()
    for predictor in (EM, RD, ANCESTRAL)
    if (kind, predictor) != ("sub-VP", ANCESTRAL)  # it says that it does not support it
]
FLOWS = [
    Peer(f"{kind} {predictor}, probability flow", sde, 1, SONG, predictor, options=FLOW, stochastic=False, eps=eps)
    for kind, (sde, eps) in SDES.items()
    for predictor in (EM, RD)
]
CORRECTED = [
    Peer(f"{kind} {RD} and {corrector}", sde, None, "", RD, corrector, eps=eps)
    for kind, (sde, eps) in SDES.items()
    for corrector in ("langevin", "ald")
]
DISCRETE = [
    Peer(f"{kind} {ANCESTRAL}, trained on steps", sde, 1, SONG, ANCESTRAL, options={"continuous": False}, eps=eps)
    for kind, (sde, eps) in SDES.items()
    if kind != "sub-VP"
]
ODE = [
    Peer(f"{kind} ODE sampler", sde, None, stochastic=False, eps=eps, steps=(1, 2, 3, 4))
    for kind, (sde, eps) in SDES.items()
]

PEERS = [*PREDICTORS, *FLOWS, *CORRECTED, *DISCRETE, *ODE]

adapter = [as_adapter(peer) for peer in PEERS]
