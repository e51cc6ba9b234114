"""The grade of one capability: the reference's own error, and the weakest fault, in units of what rounding explains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import mpmath
import numpy as np

from refscore.conformance.capability import Capability, Case, Fault, as_values, ratio_of
from validation.catalogue.truths import DIGITS, TRUTHS
from validation.catalogue.wide import WIDE, run_wide

__all__ = ["Grade", "grade"]

U = 2.0**-53


@final
@dataclass(frozen=True, slots=True)
class Grade:
    """One capability, graded.

    Parameters
    ----------
    name : str
        The capability.
    cases, faults : int
        How many.
    reference : float
        Largest error of the reference in float64; not a number where this platform cannot tell.
    weakest : float
        The largest error of the fault whose largest error is least.
    """

    name: str
    cases: int
    faults: int
    reference: float
    weakest: float


def grade(capability: Capability) -> Grade:
    """Grade a capability whose checks compare values.

    Parameters
    ----------
    capability : Capability
        One with cases.

    Returns
    -------
    Grade
        In units of u · size, see (BOUND.1).
    """
    cases = list(capability.cases(capability.defaults))
    reference = max(_own_error(capability, case) for case in cases)
    weakest = min(_reach(capability, fault) for fault in capability.faults)
    return Grade(capability.name, len(cases), len(capability.faults), reference, weakest)


def _own_error(capability: Capability, case: Case) -> float:
    found = as_values(case.expect(capability.reference))
    truth = TRUTHS.get(capability.name)
    if truth is not None:
        with mpmath.workdps(DIGITS):
            exact = truth(*case.arguments, **case.keywords)
            pairs = zip(found, exact if isinstance(exact, tuple) else (exact,), case.size)
            return max(_distance(f, e, s) for f, e, s in pairs)
    if not WIDE:
        return math.nan
    return max(_distance(f, e, s) for f, e, s in zip(found, run_wide(case, capability.reference), case.size))


def _distance(found: Any, exact: Any, size: Any) -> float:
    """Largest |found − exact| / (u · size), in the precision of `exact`."""
    with np.errstate(all="ignore"):
        error = np.asarray(np.abs(np.asarray(found).astype(np.asarray(exact).dtype) - exact), dtype=np.float64)
        ratio = np.where(error == 0, 0.0, error / (U * size))
    both = ~np.isfinite(found)  # an infinity or NaN that is meant has no rounding error
    return float(np.max(np.where(both, 0.0, ratio), initial=0.0))


def _reach(capability: Capability, fault: Fault) -> float:
    cases = capability.cases({**capability.defaults, **fault.declared})
    return max(_error(capability, case, fault) for case in cases)


def _error(capability: Capability, case: Case, fault: Fault) -> float:
    right = as_values(case.expect(capability.reference))
    with np.errstate(all="ignore"):
        try:
            wrong = as_values(case.expect(fault.function))
        except ValueError:
            return 0.0  # the mistake cannot be made with these shapes
    if any(w.shape != r.shape for w, r in zip(wrong, right)):
        return math.inf
    return max(float(ratio_of(w, r, s, U).max(initial=0.0)) for w, r, s in zip(wrong, right, case.size))
