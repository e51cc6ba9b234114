"""Fast twins of refscore's samplers and scores, bit-equal to each other on every machine and any number of threads.

``run`` takes any sampler of refscore and a target or a score, as ``refscore.samplers.replay`` does. Compiled kernels
need ``pip install 'refscore[kernels]'``; without Numba the portable twins in NumPy give the same bits. ``refscore``
itself never imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refscore_kernels import rounding
from refscore_kernels.densities import Density, log_prob_and_score
from refscore_kernels.forward import network_score
from refscore_kernels.metropolis import Hmc, Mala
from refscore_kernels.plan import NotLinear, Plan, plan_of
from refscore_kernels.replays import replay
from refscore_kernels.runs import run, warmup
from refscore_kernels.state import Address, Interrupted, State, load, save
from refscore_kernels.tapes import tape

__version__ = "0.1.0"
__all__ = [
    "Address",
    "Density",
    "Hmc",
    "Interrupted",
    "Mala",
    "NotLinear",
    "Plan",
    "State",
    "load",
    "log_prob_and_score",
    "network_score",
    "plan_of",
    "replay",
    "rounding",
    "run",
    "save",
    "tape",
    "warmup",
]

if TYPE_CHECKING:
    from refscore_kernels.adapters import adapter as adapter


def __getattr__(name: str) -> Any:
    """``adapter``, for ``refscore check refscore_kernels``: the suite is imported only then."""
    if name != "adapter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from refscore_kernels.adapters import adapter

    return adapter
