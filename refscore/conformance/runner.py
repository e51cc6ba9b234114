"""Running the checks of an adapter, in this process: a stream of events, so that whoever watches can show progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, final

import numpy as np

from refscore.conformance.adapter import Adapter
from refscore.conformance.capability import (
    LIMIT,
    Case,
    Diagnosis,
    Finding,
    Offer,
    Values,
    as_values,
    ratio_of,
    unit_roundoff,
)
from refscore.conformance.diagnosis import diagnose, diagnose_symptoms, other_convention
from refscore.conformance.gradients import NoGradient
from refscore.conformance.guard import AdapterFailure, Call, Misfit, Mutated, describe, source
from refscore.conformance.kinds import ArrayKind, array_kind
from refscore.conformance.recorders import INTERCEPTED, Tape, WrongDraws, seed_library
from refscore.conformance.results import Result
from refscore.conformance.statistics import ALPHA, DRAWS, gaussian_deviation

__all__ = ["Begun", "Diagnosed", "Event", "Selection", "plan", "run", "statistical"]

API = "api"  # the check that every capability starts with: it runs, and behaves
UNREACHED = "the noise is drawn where nothing can reach it"


@final
@dataclass(frozen=True, slots=True)
class Selection:
    """Which checks are to run.

    Parameters
    ----------
    only : tuple of str
        Globs on "capability" or "capability/check"; empty means all.
    profile : {"quick", "full"}
        How much.
    seed : int
        Of statistical checks.
    """

    only: tuple[str, ...] = ()
    profile: str = "quick"
    seed: int = 0

    def wants(self, capability: str, check: str) -> bool:
        """Whether this check is selected."""
        full = f"{capability}/{check}"
        return not self.only or any(fnmatchcase(capability, glob) or fnmatchcase(full, glob) for glob in self.only)


@final
@dataclass(frozen=True, slots=True)
class Begun:
    """A check starts.

    Parameters
    ----------
    check : str
        "capability/name".
    """

    check: str


@final
@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What the failures of a capability look like, known once all its checks have run.

    Parameters
    ----------
    capability : str
        Which.
    diagnosis : tuple of Diagnosis
        Names of the mistake.
    """

    capability: str
    diagnosis: tuple[Diagnosis, ...]


Event = Begun | Result | Diagnosed


def plan(adapter: Adapter, selection: Selection) -> list[tuple[str, str]]:
    """The checks that will run, in order; nothing of the implementation is called.

    Parameters
    ----------
    adapter : Adapter
        What is offered.
    selection : Selection
        What is wanted.

    Returns
    -------
    list of (str, str)
        Capability and check name.
    """
    return [
        (offer.capability.name, name)
        for offer in adapter.offers.values()
        for name in _names(offer, adapter.dtype, selection.profile)
        if selection.wants(offer.capability.name, name)
    ]


def _names(offer: Offer, dtype: str, profile: str) -> list[str]:
    cases = [case.name for case in _cases(offer)]
    more = offer.capability.checks
    own = [check.name for check in more(offer.conventions, dtype, profile)] if more is not None else []
    return [*([API] if cases else []), *cases, *own]


def _cases(offer: Offer) -> list[Case]:
    """The cases that say something: draws out of reach are tested at one point, where there is such a case."""
    cases = list(offer.capability.cases(offer.conventions))
    drawn = [case for case in cases if case.one_point] if offer.noise == "internal" else []
    return drawn or cases


def statistical(adapter: Adapter, selection: Selection) -> int:
    """How many of the planned checks are statistical, each with a false-alarm probability of `ALPHA`.

    Parameters
    ----------
    adapter : Adapter
        What is offered.
    selection : Selection
        What is wanted.

    Returns
    -------
    int
        Their number.
    """
    return sum(
        case.one_point and selection.wants(offer.capability.name, case.name)
        for offer in adapter.offers.values()
        if offer.noise == "internal"
        for case in _cases(offer)
    )


def run(adapter: Adapter, selection: Selection, target: str, skip: int = 0) -> Iterator[Event]:
    """Run the planned checks of one adapter from number `skip` on.

    Parameters
    ----------
    adapter : Adapter
        What is under test.
    selection : Selection
        Which checks.
    target : str
        As the user named it, for the reproduction.
    skip : int
        Checks of the plan that are done already.

    Yields
    ------
    Event
        `Begun` and `Result` for every check, and `Diagnosed` for every capability with a failure.

    Raises
    ------
    ModuleNotFoundError
        If the array library of the adapter is not installed.
    """
    kind = array_kind(adapter.arrays, adapter.dtype)
    broken: set[str] = set()
    named: dict[str, tuple[Diagnosis, ...]] = {}
    for offer in adapter.offers.values():
        names = _names(offer, adapter.dtype, selection.profile)
        wanted = [name for name in names if selection.wants(offer.capability.name, name)]
        done, skip = min(skip, len(wanted)), max(0, skip - len(wanted))
        if not wanted[done:]:
            continue
        capability = offer.capability
        cause = f"{capability.derivative_of}/{API}" if offer.derived and capability.derivative_of in broken else ""
        parent = named.get(capability.derivative_of, ()) if offer.derived else ()
        for event in _OfferRun(adapter, offer, kind, selection, target, parent).events(wanted[done:], cause):
            if isinstance(event, Diagnosed):
                named[capability.name] = event.diagnosis
            if isinstance(event, Result) and (event.outcome, event.check) == ("error", f"{capability.name}/{API}"):
                broken.add(capability.name)
            yield event


@final
class _OfferRun:
    """The checks of one offered capability; keeps the outputs, since a diagnosis needs all of them."""

    def __init__(
        self,
        adapter: Adapter,
        offer: Offer,
        kind: ArrayKind,
        selection: Selection,
        target: str,
        parent: Sequence[Diagnosis],
    ) -> None:
        self.adapter, self.offer, self.target = adapter, offer, target
        # A derived gradient rests on the conventions of its objective: where those are wrong, so is it.
        self.inherited = tuple(d for d in parent if d.fault == "convention")
        profile, self.seed = selection.profile, selection.seed
        self.call = Call(offer, kind)
        self.cases = {case.name: case for case in _cases(offer)}
        more = offer.capability.checks
        self.checks = {c.name: c for c in more(offer.conventions, adapter.dtype, profile)} if more is not None else {}
        self.got: dict[str, Values] = {}
        self.symptoms: dict[str, str] = {}
        self.nameless = False  # whether a failure came without a name of its own
        self.profile = profile

    def events(self, names: Sequence[str], broken: str) -> Iterator[Event]:
        unanswered: set[str] = set()
        misfit = False
        for name in names:
            yield Begun(f"{self.offer.capability.name}/{name}")
            needs = self.checks[name].needs if name in self.checks else ()
            cause = [n for n in (API, *needs) if n in unanswered or (n in needs and n in self.symptoms)]
            cause = [broken] if broken else cause
            if cause:
                yield self._result(name, "blocked", Finding("blocked", message=f"says nothing while {cause[0]} fails"))
                continue
            try:
                finding = self._find(name)
                outcome = finding.outcome
            except (Mutated, WrongDraws) as error:
                outcome, finding = "fail", Finding("fail", float("inf"), str(error), symptom=error.symptom)
                if isinstance(error, WrongDraws) and name in self.cases:
                    self._keep_undrawn(self.cases[name])
            except NoGradient as error:
                outcome, finding = error.outcome, Finding(error.outcome, message=str(error), symptom=error.symptom)
                unanswered.update({name} if outcome == "fail" else ())
            except AdapterFailure as error:
                outcome, finding = "error", Finding("error", message=str(error))
                unanswered.add(name)
                misfit = isinstance(error, Misfit)
            except Exception as error:  # a check of ours that breaks is told like any other result, and is ours to mend
                outcome = "error"
                told = f"the check itself broke, please report it: {describe(error)}{source(error)}"
                finding = Finding("error", message=told)
            if outcome == "fail":
                self.symptoms[name] = finding.symptom
                self.nameless |= not finding.diagnosis
            yield self._result(name, outcome, finding)
        if self.symptoms or misfit:
            yield from self._diagnosed()

    def _diagnosed(self) -> Iterator[Event]:
        about = self.offer, self.adapter.dtype, list(self.cases.values()), self.got, self._ask
        # What takes other arguments than it was given may take those of other conventions.
        found = diagnose(*about) if self.symptoms else other_convention(*about)
        if not found and self.checks and self.nameless:
            found = diagnose_symptoms(self.offer, self.profile, self.symptoms)
        unnamed = all(d.fault in ("convention", "factor") for d in found)
        if self.inherited and (unnamed or other_convention(*about)):
            found = self.inherited
        if found:
            yield Diagnosed(self.offer.capability.name, found)

    def _find(self, name: str) -> Finding:
        if name == API:
            return self._behaves(next(iter(self.cases.values())))
        if name in self.cases:
            return self._compare(self.cases[name])
        if self.offer.noise == "internal" and self.offer.conventions.get("stochastic") and name != "finite":
            return Finding("inconclusive", message=f"{UNREACHED}: no law is known{self._hint()}")
        return self.checks[name].measure(replace(self.call, watch=True))

    def _behaves(self, case: Case) -> Finding:
        """Two calls with the same arguments: right shapes, finite, the same answer, arguments left alone."""
        if self.offer.noise == "internal" and case.random:
            self._ask(case)
            return Finding("pass")
        first, second = self._ask(case, replace(self.call, watch=True)), self._ask(case)
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second)):
            return Finding("fail", float("inf"), "two calls with the same arguments give different answers")
        return Finding("pass", 0.0, sees="a changed argument, a second answer")

    def _ask(self, case: Case, call: Call | None = None) -> Values:
        return (call or self.call)(case.arguments, case.keywords, random=case.random)

    def _keep_undrawn(self, case: Case) -> None:
        """Keep the output of a run that leaves noise undrawn: it may tell which steps are missing."""
        tape = replace(Tape.of([case.arguments[i] for i in case.random]), finish=lambda _: None)
        try:
            self.got[case.name] = self.call(case.arguments, case.keywords, random=case.random, tape=tape)
        except Exception:  # it draws other noise
            return

    def _compare(self, case: Case) -> Finding:
        if self.offer.noise == "internal" and case.random:
            return self._sample(case)
        expected = as_values(case.expect(self.offer.capability.reference))
        got = self._ask(case)
        self.got[case.name] = got
        if len(got) != len(expected):
            return Finding(
                "fail", float("inf"), f"returned {len(got)} array{'s' * (len(got) != 1)}; expected {len(expected)}"
            )
        for value, right in zip(got, expected):
            if value.shape != right.shape:
                return Finding("fail", float("inf"), f"returned shape {value.shape}; expected {right.shape}")
        u = unit_roundoff(self.adapter.dtype)
        ratios = [ratio_of(v, e, s, u) for v, e, s in zip(got, expected, case.size)]
        worst = max(range(len(ratios)), key=lambda i: float(ratios[i].max(initial=0.0)))
        ratio = float(ratios[worst].max(initial=0.0))
        seen = [_detects(right, size, u) for right, size in zip(expected, case.size)]
        detects = min((s for s in seen if not np.isnan(s)), default=float("nan"))
        if ratio <= LIMIT:
            return Finding("pass", ratio, detects=detects)
        entry = np.unravel_index(int(ratios[worst].argmax()), ratios[worst].shape)
        name = f"output {worst + 1}" if len(got) > 1 else "value"
        at = f"{name}[{', '.join(str(int(i)) for i in entry)}]" if entry else name
        want, came = float(expected[worst][entry]), float(got[worst][entry])
        digits = 5 if f"{want:.5g}" != f"{came:.5g}" else 17
        what = f"expected   {want:.{digits}g}   got {came:.{digits}g}"
        much = f"error {ratio:.1e} × what {self.adapter.dtype} explains" if np.isfinite(ratio) else "not a number"
        return Finding("fail", ratio, f"{what}   {much}   at {at}", detects=detects)

    def _hint(self) -> str:
        library = self.adapter.arrays
        return f'\n  noise="recorded" reaches what {library} draws' if library in INTERCEPTED else ""

    def _sample(self, case: Case) -> Finding:
        """Draws of the implementation's own against the law of the step at one point."""
        if not case.one_point:
            return Finding("inconclusive", message=f"{UNREACHED}: no value is known{self._hint()}")
        (rows,) = as_values(case.expect(self.offer.capability.reference))
        mean, noises = rows[0], rows[1 : 1 + rows.shape[1]] - rows[0]
        given = [_repeated(a, len(rows)) for i, a in enumerate(case.arguments) if i not in case.random]
        keywords = {name: _repeated(value, len(rows)) for name, value in case.keywords.items()}
        seed_library(self.adapter.arrays, self.seed)
        (drawn,) = self.call(given, keywords)
        if drawn.shape != (DRAWS, len(mean)):
            return Finding("fail", float("inf"), f"returned shape {drawn.shape}; expected {(DRAWS, len(mean))}")
        if not np.isfinite(drawn).all():
            return Finding("fail", float("inf"), "not a number among its draws")
        found = gaussian_deviation(drawn, mean, noises.T @ noises)
        sees = "a standard deviation off by 6 %"
        if found.p > ALPHA:
            return Finding("pass", sees=sees)
        message = f"{found.where}: p = {found.p:.1e} among {DRAWS} draws at one point"
        return Finding("fail", message=message, sees=sees)

    def _result(self, name: str, outcome: str, finding: Finding) -> Result:
        capability = self.offer.capability
        claim = self.cases[name].claim if name in self.cases else ""
        if name in self.checks:
            claim = self.checks[name].claim
        if name == API:
            claim = "it takes its arguments, leaves them alone and gives the same answer twice"
        return Result(
            adapter=self.adapter.title,
            check=f"{capability.name}/{name}",
            capability=capability.name,
            outcome=outcome,
            claim=claim or f"{capability.formula}   ({capability.label})",
            ratio=finding.ratio,
            bound=finding.bound,
            message=finding.message,
            detects=finding.detects,
            sees=finding.sees,
            reproduction=f"refscore check {self.target} --only '{capability.name}/{name}'",
            figures=finding.figures,
            diagnosis=finding.diagnosis,
        )


def _repeated(value: Any, rows: int) -> Any:
    """The first sample of a per-sample argument, as often as there are draws."""
    if isinstance(value, np.ndarray) and value.ndim and len(value) == rows:
        return np.repeat(value[:1], DRAWS, axis=0)
    return value


def _detects(expected: Any, size: Any, u: float) -> float:
    """The smallest relative error of all entries together that would be over the bound."""
    clear = np.isfinite(expected) & (np.abs(expected) > 0)
    if not clear.any():
        return float("nan")
    return float((LIMIT * u * np.broadcast_to(size, expected.shape)[clear] / np.abs(expected[clear])).min())
