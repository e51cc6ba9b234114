"""From a mismatch to its name: which known mistake, which convention or which factor gives exactly this output."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import (
    LIMIT,
    Capability,
    Case,
    Diagnosis,
    Fault,
    Finding,
    Function,
    Offer,
    Values,
    as_values,
    ratio_of,
    unit_roundoff,
)
from refscore.conformance.guard import Call, describe
from refscore.conformance.kinds import array_kind
from refscore.conformance.recorders import WrongDraws

__all__ = ["diagnose", "diagnose_symptoms", "other_convention"]


HIGHER = {"float32": "float64", "float64": "longdouble"}

# The rest of a cancellation is 0 to 1 units of the last place: its size says little, where it is says all.
ALIKE = 1000.0


def diagnose(
    offer: Offer,
    dtype: str,
    cases: Sequence[Case],
    got: Mapping[str, Values],
    ask: Callable[[Case], Values] | None = None,
) -> tuple[Diagnosis, ...]:
    """Name what is wrong, from the outputs of all cases together.

    Parameters
    ----------
    offer : Offer
        What was declared.
    dtype : {"float64", "float32"}
        What the implementation computes in.
    cases : sequence of Case
        The cases that were run.
    got : mapping
        Their outputs, by case name.
    ask : callable, optional
        Calls the implementation: some conventions change what it is given, and not what is expected of it.

    Returns
    -------
    tuple of Diagnosis
        Exact matches with a fault first; then conventions that fit; then a constant factor. Empty if nothing fits.
    """
    seen = [(case, got[case.name]) for case in cases if case.name in got]
    if not seen:
        return ()
    found = [
        Diagnosis(fault.name, fault.description, fault.effect, fault.link)
        for fault in offer.capability.faults
        if any(_explains(fault.function, seen, dtype, native) for native in (False, True))
    ]
    if not found:
        found = _lost_digits(offer.capability, seen, dtype)
    return tuple(found) or other_convention(offer, dtype, cases, got, ask) or _factor(offer, seen, dtype)


def diagnose_symptoms(offer: Offer, profile: str, seen: Mapping[str, str]) -> tuple[Diagnosis, ...]:
    """Name what is wrong with a run whose formulas are unknown: the faults that fail the same checks the same way.

    Parameters
    ----------
    offer : Offer
        What was declared.
    profile : {"quick", "full"}
        Of the run.
    seen : mapping
        Failed check → symptom.

    Returns
    -------
    tuple of Diagnosis
        The faults of the catalogue, run here and now, with exactly these symptoms.
    """
    return tuple(
        Diagnosis(fault.name, fault.description, fault.effect, fault.link, "same symptoms")
        for fault in offer.capability.faults
        if fault.declared.get("stochastic") == offer.conventions.get("stochastic")
        and _symptoms(offer.capability, fault, profile) == dict(seen)
    )


@functools.cache
def _symptoms(capability: Capability, fault: Fault, profile: str) -> dict[str, str]:
    """Failed check → symptom, of a fault."""
    conventions = {**capability.defaults, **fault.declared}
    call = Call(Offer(capability, fault.function, conventions, "recorded"), array_kind("numpy", "float64"))
    symptoms = {}
    for check in capability.checks(conventions, "float64", profile) if capability.checks is not None else ():
        if any(need in symptoms for need in check.needs):
            continue
        try:
            with np.errstate(all="ignore"):
                finding = check.measure(call)
        except WrongDraws as error:
            finding = Finding("fail", symptom=error.symptom)
        except Exception as error:  # a fault may raise where nothing waits for it; then that is its symptom
            finding = Finding("fail", symptom=describe(error))
        if finding.outcome == "fail":
            symptoms[check.name] = finding.symptom
    return symptoms


def _explains(function: Function, seen: Sequence[tuple[Case, Values]], dtype: str, native: bool) -> bool:
    """Whether the faulty function gives these outputs, in float64 or (native) in the dtype under test."""
    if native and dtype == "float64":
        return False
    for case, values in seen:
        wrong = _evaluated(function, case, dtype if native else "float64")
        if wrong is None or not _agree(values, wrong, case.size, dtype):
            return False
    return True


def _evaluated(function: Function, case: Case, dtype: str) -> Values | None:
    """What a function gives for a case when it computes in `dtype`; None where it cannot be called like this."""

    def cast(*arguments: Any, **keywords: Any) -> Any:
        given = [_cast(argument, dtype) for argument in arguments]
        return function(*given, **{name: _cast(value, dtype) for name, value in keywords.items()})

    try:
        with np.errstate(all="ignore"):
            return as_values(case.expect(function if dtype == "float64" else cast))
    except Exception:
        return None


def _lost_digits(capability: Capability, seen: Sequence[tuple[Case, Values]], dtype: str) -> list[Diagnosis]:
    """The formula that is right in more digits and loses the same ones in the dtype under test, case by case.

    What is left after a cancellation depends on the last bit of every function on the way, so no output is repeated
    exactly; where digits are lost, and about how many, is the same.
    """
    u = unit_roundoff(dtype)
    best: tuple[float, Fault] | None = None
    for fault in capability.faults:
        distance = 0.0
        for case, values in seen:
            right = as_values(case.expect(capability.reference))
            exact, native = (_evaluated(fault.function, case, d) for d in (HIGHER[dtype], dtype))
            if exact is None or native is None or not _agree(exact, right, case.size, dtype):
                distance = math.inf
                break
            mine, theirs = (_worst(v, right, case.size, u) for v in (values, native))
            if max(mine, theirs) > LIMIT:
                distance = max(distance, abs(math.log(max(mine, 1.0) / max(theirs, 1.0))))
        if distance < math.log(ALIKE) and (best is None or distance < best[0]):
            best = distance, fault
    if best is None:
        return []
    fault = best[1]
    return [Diagnosis(fault.name, fault.description, fault.effect, fault.link, "the same digits are lost")]


def _worst(values: Values, right: Values, size: Values, u: float) -> float:
    if [v.shape for v in values] != [r.shape for r in right]:
        return math.inf
    return max(float(ratio_of(v, r, s, u).max(initial=0.0)) for v, r, s in zip(values, right, size))


def _agree(values: Values, wrong: Values, size: Values, dtype: str) -> bool:
    if [v.shape for v in values] != [w.shape for w in wrong]:
        return False
    u = unit_roundoff(dtype)
    for value, other, bound in zip(values, wrong, size):
        # A mistake may be larger than the truth by orders of magnitude; then its own size is what rounding acts on.
        own = bound if bound.shape == other.shape else bound.max()
        reach = own + 8 * np.where(np.isfinite(other), np.abs(other), 0.0)
        if not (ratio_of(value, other, reach, u) <= LIMIT).all():
            return False
    return True


def _cast(value: Any, dtype: str) -> Any:
    if isinstance(value, np.ndarray):
        return value.astype(dtype)
    if isinstance(value, float):
        return np.dtype(dtype).type(value)
    return value.cast(dtype) if hasattr(value, "cast") else value


def other_convention(
    offer: Offer,
    dtype: str,
    cases: Sequence[Case],
    got: Mapping[str, Values],
    ask: Callable[[Case], Values] | None = None,
) -> tuple[Diagnosis, ...]:
    """The declared conventions do not fit, and others do.

    Parameters
    ----------
    offer, dtype, cases, got, ask
        As for :func:`diagnose`; where nothing was got, everything is asked.

    Returns
    -------
    tuple of Diagnosis
        The fewest changes under which the implementation conforms; empty if there are none.
    """
    known: dict[str, list[tuple[Case, Values | None]]] = {
        case.name: [(case, got[case.name])] for case in cases if case.name in got
    }

    def answer(other: Case) -> Values | None:
        """What the implementation gives for a case; asked once for the same arguments."""
        for case, values in known.setdefault(other.name, []):
            if _same_arguments(other, case):
                return values
        values = None
        if ask is not None:
            try:
                values = ask(other)
            except Exception:  # what it was never meant to be given
                values = None
        known[other.name].append((other, values))
        return values

    def fits(other: Case) -> bool:
        values = answer(other)
        if values is None:
            return False
        return _agree(values, as_values(other.expect(offer.capability.reference)), other.size, dtype)

    closed = [convention for convention in offer.capability.conventions if convention.values]
    combined = [dict(zip([c.name for c in closed], v)) for v in itertools.product(*(c.values for c in closed))]
    changes = [{n: v for n, v in choice.items() if v != offer.conventions[n]} for choice in combined]
    for change in sorted(filter(None, changes), key=len):
        found = None
        for other in offer.capability.cases({**offer.conventions, **change}):
            found = fits(other)
            if not found:
                break
        if found:
            mended = ", ".join(f"{name}={value!r}" for name, value in change.items())
            instead = ", ".join(f"{name}={offer.conventions[name]!r}" for name in change)
            return (Diagnosis("convention", f"{mended} (declared: {instead}); declare it, or change the code"),)
    return ()


def _same_arguments(a: Case, b: Case) -> bool:
    if a.keywords.keys() != b.keywords.keys():
        return False
    pairs = [*zip(a.arguments, b.arguments), *((value, b.keywords[name]) for name, value in a.keywords.items())]
    return all(not isinstance(x, (np.ndarray, float)) or np.array_equal(x, y) for x, y in pairs)


def _factor(offer: Offer, seen: Sequence[tuple[Case, Values]], dtype: str) -> tuple[Diagnosis, ...]:
    """One constant between every expected and every got entry."""
    quotients: list[Float] = []
    for case, values in seen:
        expected = as_values(case.expect(offer.capability.reference))
        for value, right, bound in zip(values, expected, case.size):
            if value.shape != right.shape:
                return ()
            # Entries near rounding level say nothing about a factor.
            clear = np.broadcast_to(np.abs(right) > 1e4 * LIMIT * unit_roundoff(dtype) * bound, right.shape)
            quotients.append((value[clear] / right[clear]).ravel())
    every = np.concatenate(quotients) if quotients else np.empty(0)
    if every.size < 2 or not np.isfinite(every).all():
        return ()
    factor = float(np.median(every))
    if factor == 0 or abs(factor - 1) < 1e-3 or np.abs(every / factor - 1).max() > 1e-3:
        return ()
    named = {2.0: ": a ½ is missing", 0.5: ": a ½ too many", -1.0: ": the sign is turned"}.get(round(factor, 3), "")
    return (Diagnosis("factor", f"expected × {factor:.4f} on every entry{named}", match="constant factor"),)
