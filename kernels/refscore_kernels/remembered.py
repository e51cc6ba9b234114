"""Plans and prepared targets of the last few runs: a run that goes on, or is made again, does not find them anew.

A plan is read off by taking three steps for each of a sampler's: for 500 levels that is more work than the chains of a
short run. Samplers and targets of refscore never change, so their identity is enough; whatever else is given is asked
each time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from refscore.samplers import Multistep, Sampler
from refscore.targets import Gaussian, Mixture
from refscore_kernels.plan import Plan, plan_of
from refscore_kernels.prepare import Prepared, prepare

__all__ = ["planned"]

KEPT = 4  # a prepared target may be large: a row of numbers for each level and component


def planned(sampler: Any, score: Any, dtype: type[np.floating[Any]]) -> tuple[Plan, Prepared]:
    """The plan of a sampler, and a score prepared for its levels.

    Parameters
    ----------
    sampler : Sampler or Multistep
        As for :func:`refscore_kernels.plan_of`.
    score : Gaussian, Mixture, model or callable
        As for :func:`refscore_kernels.run`.
    dtype : np.float64 or np.float32
        Of the numbers.

    Returns
    -------
    Plan, Prepared
        Those of an earlier call with the same objects, if it is not long ago.
    """
    if not isinstance(sampler, (Sampler, Multistep)):
        plan = plan_of(sampler)
        return plan, prepare(score, plan.levels, dtype)
    if not isinstance(score, (Gaussian, Mixture)):
        plan = _plan(sampler)
        return plan, prepare(score, plan.levels, dtype)
    return _both(sampler, score, dtype is np.float32)


@lru_cache(maxsize=KEPT)
def _plan(sampler: Sampler | Multistep) -> Plan:
    return plan_of(sampler)


@lru_cache(maxsize=KEPT)
def _both(sampler: Sampler | Multistep, score: Gaussian | Mixture, single: bool) -> tuple[Plan, Prepared]:
    plan = _plan(sampler)
    return plan, prepare(score, plan.levels, np.float32 if single else np.float64)
