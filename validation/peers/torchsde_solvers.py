"""Adapters for the solvers of torchsde: `refscore check validation/peers/torchsde_solvers.py`.

Every step is the library's, of equal length in t on the path of :mod:`validation.peers.reverse`. A claimed order is the
``weak_order`` or the ``strong_order`` of the solver's class for additive noise, whichever is larger: the distance of
the laws is at most the strong error. ``srk`` with diagonal noise takes squares of the increments: its output is no
Gaussian, and has no place here.
"""

from __future__ import annotations

from validation.peers.torchsde_driver import Peer, as_adapter

__all__ = ["PEERS", "adapter"]

WEAK = "weak_order and strong_order"
STRATONOVICH = ("midpoint", "heun", "euler_heun", "reversible_heun", "log_ode")

PEERS = [
    Peer("euler", "euler", 1, WEAK),
    Peer("euler, diagonal noise", "euler", 1, "weak_order", noise="diagonal"),
    Peer("milstein", "milstein", 1, WEAK),
    Peer("milstein, diagonal noise", "milstein", 1, WEAK, noise="diagonal"),
    Peer("milstein, diagonal noise, free of derivatives", "milstein", 1, WEAK, noise="diagonal",
         options={"grad_free": True}),
    Peer("milstein, Stratonovich", "milstein", 1, WEAK, kind="stratonovich"),
    Peer("srk", "srk", 1.5, WEAK),
    *(Peer(name, name, 1, WEAK, kind="stratonovich") for name in STRATONOVICH),
    *(Peer(f"{name}, diagonal noise", name, 1, WEAK, kind="stratonovich", noise="diagonal")
      for name in STRATONOVICH[:4]),
]  # fmt: skip

adapter = [as_adapter(peer) for peer in PEERS]
