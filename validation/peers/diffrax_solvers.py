"""Adapters for the solvers of diffrax: `refscore check validation/peers/diffrax_solvers.py`.

Steps of equal length in time. On the flow an order is the solver's ``order``. On the reverse SDE it is the strong order
that is claimed for additive noise, in the documentation or by ``strong_order``: the distance of the laws is at most the
strong error. Implicit solvers are left out: they differentiate the model.
"""

from __future__ import annotations

import diffrax

from validation.peers.diffrax_driver import Peer, as_adapter

__all__ = ["PEERS", "adapter"]

AREA, AREAS = diffrax.SpaceTimeLevyArea, diffrax.SpaceTimeTimeLevyArea
LATER = (40, 80, 160, 320)
RISING, FEW = (20, 26, 34, 44), (7, 8, 10, 12)  # a method of high order meets rounding soon

FLOW = [
    Peer(f"{name}, flow", getattr(diffrax, name)(), order, "order()", equation="flow", steps=steps)
    for name, order, steps in (
        ("Euler", 1, (20, 40, 80, 160)),
        ("Heun", 2, (20, 40, 80, 160)),
        ("Midpoint", 2, (20, 40, 80, 160)),
        ("Ralston", 2, (20, 40, 80, 160)),
        ("LeapfrogMidpoint", 2, LATER),
        ("ReversibleHeun", 2, LATER),
        ("Bosh3", 3, (20, 40, 80, 160)),
        ("Tsit5", 5, RISING),
        ("Dopri5", 5, RISING),
        ("Dopri8", 8, FEW),
    )
]  # fmt: skip

STRONG = "strong_order()"
ADDITIVE = "additive noise; strong_order() is 0.5, of any noise"
REVERSE = [
    Peer("Euler", diffrax.Euler(), 1, ADDITIVE),
    Peer("EulerHeun", diffrax.EulerHeun(), 1, ADDITIVE),
    Peer("Heun", diffrax.Heun(), 1, ADDITIVE),
    Peer("Midpoint", diffrax.Midpoint(), 1, ADDITIVE),
    Peer("Ralston", diffrax.Ralston(), 1, ADDITIVE),
    Peer("ReversibleHeun", diffrax.ReversibleHeun(), 1, ADDITIVE),
    Peer("ItoMilstein", diffrax.ItoMilstein(), 1, STRONG),
    Peer("StratonovichMilstein", diffrax.StratonovichMilstein(), 1, STRONG),
    Peer("SEA", diffrax.SEA(), 1, STRONG, levy=AREA),
    Peer("SRA1", diffrax.SRA1(), 1.5, STRONG, levy=AREA),
    Peer("ShARK", diffrax.ShARK(), 1.5, STRONG, levy=AREA),
    Peer("SlowRK", diffrax.SlowRK(), 1.5, STRONG, levy=AREA),
    Peer("GeneralShARK", diffrax.GeneralShARK(), 1.5, "documentation, additive noise", levy=AREA),
    Peer("SPaRK", diffrax.SPaRK(), 1.5, "documentation, additive noise", levy=AREA),
]  # fmt: skip

LANGEVIN = [
    Peer("ALIGN, Langevin diffusion", diffrax.ALIGN(), 2, STRONG, equation="langevin", levy=AREA),
    Peer("ShOULD, Langevin diffusion", diffrax.ShOULD(), 3, STRONG, equation="langevin", levy=AREAS),
    Peer("QUICSORT, Langevin diffusion", diffrax.QUICSORT(), 3, STRONG, equation="langevin", levy=AREAS),
]  # fmt: skip

PEERS = [*FLOW, *REVERSE, *LANGEVIN]

adapter = [as_adapter(peer) for peer in PEERS]
