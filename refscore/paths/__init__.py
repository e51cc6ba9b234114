"""Forward processes x_t = α(t) x0 + σ(t) ε: what carries data at t = 0 into noise at t = t_max.

A :class:`Path` knows α, σ, their derivatives, the log signal-to-noise ratio and its inverse, the coefficients f and g
of the SDE with these marginals, and its prior; each to a few units in the last place from t = 1e-10 to the end.
"""

from __future__ import annotations

from refscore.paths.cosine import Cosine
from refscore.paths.custom import CustomPath
from refscore.paths.discrete import DiscreteVP
from refscore.paths.edm import EDM
from refscore.paths.flow import Flow
from refscore.paths.interpolants import TRIGONOMETRIC, Interpolant, brownian_bridge, linear_interpolant
from refscore.paths.protocol import Path
from refscore.paths.ve import VE, VETransition
from refscore.paths.vp import VP, SubVP

__all__ = [
    "EDM",
    "TRIGONOMETRIC",
    "VE",
    "VP",
    "Cosine",
    "CustomPath",
    "DiscreteVP",
    "Flow",
    "Interpolant",
    "Path",
    "SubVP",
    "VETransition",
    "brownian_bridge",
    "linear_interpolant",
]
