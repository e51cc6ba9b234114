"""What the suite's report on one file of adapters says about each sampler and each other capability in it."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from refscore.conformance import Adapter, Report
from refscore.conformance.capabilities.black_box.driving import Driver
from refscore.conformance.expected import Expected
from refscore.conformance.guard import AdapterFailure, Call
from refscore.conformance.kinds import array_kind
from refscore.conformance.results import Result
from refscore.exact.discrepancies import wasserstein2

__all__ = ["BOX", "Checked", "Deviation", "Row", "Run", "checked_of", "read", "rows_of"]

BOX = "sampler.black_box"


@final
@dataclass(frozen=True, slots=True)
class Deviation:
    """Why a check of a sampler fails."""

    whose: str
    reason: str
    link: str


@final
@dataclass(frozen=True, slots=True)
class Row:
    """What was found out about one sampler.

    Parameters
    ----------
    part : str
        Heading it belongs under.
    library, version, sampler : str
        What was run.
    date : str
        When.
    claimed : float or None
        The claimed order, None where none is asked for.
    claim : str
        Who claims it.
    predictions : tuple of str
        What the model predicted.
    outcomes : dict
        From the name of a check to its outcome.
    errors : tuple of (int, float)
        Steps and W₂ of the exact law.
    gaussian, mixture : tuple of float
        Observed orders and their uncertainty; empty where there are none.
    not_finite, raises : tuple of int
        Step counts at which a state is not a number, or the library raises.
    deviations : tuple of Deviation
        Explanations of what fails.
    profile : {"quick", "full"}
        How many step counts were looked at.
    """

    part: str
    library: str
    version: str
    sampler: str
    date: str
    claimed: float | None
    claim: str
    predictions: tuple[str, ...]
    outcomes: dict[str, str]
    errors: tuple[tuple[int, float], ...]
    gaussian: tuple[float, ...]
    mixture: tuple[float, ...]
    not_finite: tuple[int, ...]
    raises: tuple[int, ...]
    deviations: tuple[Deviation, ...]
    profile: str = "full"

    @property
    def verdict(self) -> str:
        """In one word: conforms, deviates (as expected), FAILS, or inconclusive."""
        return _verdict(self.outcomes)


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about one function that is not a whole sampler: a path, a step, a loss, a conversion.

    Parameters
    ----------
    part : str
        Heading it belongs under.
    library, version, function : str
        What was run.
    date : str
        When.
    capability, conventions : str
        What it was checked as.
    outcomes : dict
        From the name of a check to its outcome.
    deviations : tuple of Deviation
        Explanations of what fails.
    profile : {"quick", "full"}
        How many step counts were looked at.
    """

    part: str
    library: str
    version: str
    function: str
    date: str
    capability: str
    conventions: str
    outcomes: dict[str, str]
    deviations: tuple[Deviation, ...]
    profile: str = "full"

    @property
    def verdict(self) -> str:
        """In one word: conforms, deviates (as expected), FAILS, or inconclusive."""
        return _verdict(self.outcomes)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A file of adapters, run.

    Parameters
    ----------
    part : str
        Heading.
    date : str
        When.
    profile : {"quick", "full"}
        How many step counts.
    adapters : sequence of Adapter
        Of the file.
    report : Report
        The suite's report on it.
    expected : list of Expected
        Known deviations, for their reasons.
    """

    part: str
    date: str
    profile: str
    adapters: Sequence[Adapter]
    report: Report
    expected: list[Expected]


def rows_of(run: Run, module: str) -> Iterator[Row]:
    """One row for each adapter that offers a whole sampler.

    Parameters
    ----------
    run : Run
        What was run.
    module : str
        Module with the `PEERS` that say who claims what.

    Yields
    ------
    Row
        In the order of the file.
    """
    peers = getattr(importlib.import_module(module), "PEERS", ())
    claims = {peer.name: peer.claim for peer in peers}
    for adapter in run.adapters:
        if BOX not in adapter.offers:
            continue
        results = _results(run.report, adapter, BOX)
        library, _, sampler = adapter.name.partition(" ")
        conventions, finite = adapter.offers[BOX].conventions, _figures(results, "finite")
        yield Row(
            part=run.part,
            library=library,
            version=adapter.version,
            sampler=sampler,
            date=run.date,
            claimed=conventions["order"],
            claim=claims.get(sampler, ""),
            predictions=tuple(conventions["predictions"]),
            outcomes={name: result.outcome for name, result in results.items()},
            errors=tuple(law_errors(adapter)) if results["rows"].outcome == "pass" else (),  # one law, not one a batch
            gaussian=_figures(results, "order-gaussian").get("order", ()),
            mixture=_figures(results, "order-mixture").get("order", ()),
            not_finite=tuple(map(int, finite.get("not finite at", ()))),
            raises=tuple(map(int, finite.get("raises at", ()))),
            deviations=_deviations(results, run.expected),
            profile=run.profile,
        )


def checked_of(run: Run) -> Iterator[Checked]:
    """One row for each other capability that an adapter offers.

    Parameters
    ----------
    run : Run
        What was run.

    Yields
    ------
    Checked
        In the order of the file.
    """
    for adapter, info in zip(run.adapters, run.report.adapters):
        library, _, function = adapter.name.partition(" ")
        for capability, conventions in info.offers:
            if capability == BOX:
                continue
            results = _results(run.report, adapter, capability)
            outcomes = {name: result.outcome for name, result in results.items()}
            yield Checked(run.part, library, adapter.version, function, run.date, capability, conventions, outcomes,
                          _deviations(results, run.expected), run.profile)  # fmt: skip


def law_errors(adapter: Adapter) -> list[tuple[int, float]]:
    """W₂ of the exact law of the output at the step counts of the adapter, where there is one.

    Parameters
    ----------
    adapter : Adapter
        It offers a black box.

    Returns
    -------
    list of (int, float)
        Steps and W₂.
    """
    offer = adapter.offers[BOX]
    driver = Driver(Call(offer, array_kind(adapter.arrays, adapter.dtype)), offer.conventions, adapter.dtype)
    found = []
    for n in offer.conventions["steps"]:
        try:
            law = driver.affine(n).push(driver.start_law(n))
        except (AdapterFailure, ValueError):  # it raises, or is not finite
            continue
        error = float(wasserstein2(law, driver.stop_law(n)))
        if math.isfinite(error):
            found.append((int(n), error))
    return found


def read(folder: Path) -> tuple[list[Row], list[Checked]]:
    """What ``results.json`` holds, of an earlier run.

    Parameters
    ----------
    folder : Path
        Where it is.

    Returns
    -------
    list of Row, list of Checked
        Samplers, and other functions; empty without the file.
    """
    file = folder / "results.json"
    if not file.exists():
        return [], []
    found = json.loads(file.read_text(encoding="utf-8"))
    return [Row(**_fields(row)) for row in found["rows"]], [Checked(**_fields(row)) for row in found["capabilities"]]


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items() if name != "verdict"
        },
        "deviations": tuple(Deviation(**deviation) for deviation in row["deviations"]),
    }


def _verdict(outcomes: Mapping[str, str]) -> str:
    found = set(outcomes.values())
    if found & {"fail", "error", "xpass"} or ("blocked" in found and "xfail" not in found):
        return "FAILS"
    if "inconclusive" in found:
        return "inconclusive"
    return "deviates" if "xfail" in found else "conforms"


def _results(report: Report, adapter: Adapter, capability: str) -> dict[str, Result]:
    mine = [result for result in report.results if (result.adapter, result.capability) == (adapter.title, capability)]
    return {result.check.split("/", 1)[1]: result for result in mine}


def _deviations(results: Mapping[str, Result], expected: Sequence[Expected]) -> tuple[Deviation, ...]:
    known = [e for e in expected if any(e.matches(r) and r.outcome == "xfail" for r in results.values())]
    split = [(*entry.reason.partition(": ")[::2], entry.link) for entry in known]
    return tuple(Deviation(*words) for words in split)


def _figures(results: Mapping[str, Result], check: str) -> dict[str, tuple[float, ...]]:
    return dict(results[check].figures) if check in results else {}
