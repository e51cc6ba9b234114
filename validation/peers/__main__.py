"""`make peers`: run every adapter, write ``results.md`` and ``results.json``, renew the table in the README."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import refscore
from refscore.conformance import Adapter, Report, Selection, check, load
from refscore.conformance.capabilities.black_box.driving import Driver
from refscore.conformance.expected import Expected, apply_expected, read_expected
from refscore.conformance.guard import AdapterFailure, Call
from refscore.conformance.kinds import array_kind
from refscore.conformance.results import Result
from refscore.exact.discrepancies import wasserstein2
from validation.peers.table import Deviation, Row, renew, write

HERE = Path(__file__).parent
README = HERE.parent.parent / "README.md"
BOX = "sampler.black_box"


@final
@dataclass(frozen=True, slots=True)
class Part:
    """One file of adapters, with its known deviations beside it, and the libraries it needs."""

    heading: str
    file: str
    needs: tuple[str, ...]


PARTS = (
    Part("diffusers: steps", "diffusers_schedulers.py", ("torch", "diffusers")),
    Part("diffusers: grids as released", "diffusers_grids.py", ("torch", "diffusers")),
    Part("k-diffusion: steps", "k_diffusion_samplers.py", ("torch", "k_diffusion")),
    Part("k-diffusion: grids as released", "k_diffusion_grids.py", ("torch", "k_diffusion")),
)


def main() -> int:
    """Run all parts; 0 if every deviation is an expected one.

    Returns
    -------
    int
        Exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m validation.peers", description=__doc__)
    parser.add_argument("--part", action="append", default=[], metavar="FILE", help="only these files of adapters")
    options = parser.parse_args()
    rows: list[Row] = []
    missing: list[str] = []
    for part in PARTS:
        if options.part and part.file not in options.part:
            continue
        lacking = [name for name in part.needs if importlib.util.find_spec(name) is None]
        if lacking:
            print(f"{part.heading}: skipped, {' and '.join(lacking)} not installed (pip install '.[peers]')")
            missing += [f"{part.heading} ({' and '.join(lacking)})"]
            continue
        expected = read_expected(str((HERE / part.file).with_suffix(".toml")))
        report = checked(part, expected)
        rows += rows_of(part, report, expected)
        print(f"{part.heading}: {len(report.adapters)} samplers, {_said(report)}, {report.seconds:.0f} s")
    wrong = [row for row in rows if row.verdict == "FAILS"]
    for row in wrong:
        print(f"unexpected: {row.library} {row.sampler}: {row.outcomes}", file=sys.stderr)
    if rows and not options.part:
        today = datetime.date.today().isoformat()
        write(HERE, rows, missing, _versions(), today)
        print(f"written: {HERE / 'results.md'}")
        if not missing:
            renew(README, rows, today)
    return 1 if wrong else 0


def checked(part: Part, expected: list[Expected]) -> Report:
    """The suite's report on one file, its known deviations marked as such.

    Parameters
    ----------
    part : Part
        The file.
    expected : list of Expected
        Known deviations.

    Returns
    -------
    Report
        With xfail for what is known.
    """
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())  # fmt: skip
    with bar:
        task = bar.add_task(part.heading, total=None)
        report = check(
            str(HERE / part.file),
            Selection(profile="full"),
            time_limit=300.0,
            watch=lambda done, planned, _: bar.update(task, completed=done, total=planned),
        )
    return apply_expected(report, expected)


def rows_of(part: Part, report: Report, expected: list[Expected]) -> Iterator[Row]:
    """One row for each adapter.

    Parameters
    ----------
    part : Part
        The file.
    report : Report
        The suite's report on it.
    expected : list of Expected
        Known deviations, for their reasons.

    Yields
    ------
    Row
        In the order of the file.
    """
    sys.path.insert(0, str(HERE.parent.parent))
    adapters = {adapter.title: adapter for adapter in load(str(HERE / part.file))}
    for info in report.adapters:
        adapter = adapters[f"{info.name} {info.version}".strip()]
        results = {r.check.split("/")[1]: r for r in report.results if r.adapter == adapter.title}
        known = [e for e in expected if any(e.matches(r) and r.outcome == "xfail" for r in results.values())]
        library, _, sampler = info.name.partition(" ")
        conventions, finite = adapter.offers[BOX].conventions, _figures(results, "finite")
        yield Row(
            part=part.heading,
            library=library,
            version=info.version,
            sampler=sampler,
            claimed=conventions["order"],
            claim=_claims(part).get(sampler, ""),
            predictions=tuple(conventions["predictions"]),
            outcomes={name: result.outcome for name, result in results.items()},
            errors=tuple(law_errors(adapter)) if results["rows"].outcome == "pass" else (),  # one law, not one a batch
            gaussian=_figures(results, "order-gaussian").get("order", ()),
            mixture=_figures(results, "order-mixture").get("order", ()),
            not_finite=tuple(map(int, finite.get("not finite at", ()))),
            raises=tuple(map(int, finite.get("raises at", ()))),
            deviations=tuple(Deviation(*_split(e.reason), e.link) for e in known),
        )


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


def _claims(part: Part) -> dict[str, str]:
    module: Any = importlib.import_module(f"validation.peers.{Path(part.file).stem}")
    return {peer.name: peer.claim for peer in module.PEERS}


def _figures(results: dict[str, Result], check: str) -> dict[str, tuple[float, ...]]:
    return dict(results[check].figures) if check in results else {}


def _split(reason: str) -> tuple[str, str]:
    whose, _, text = reason.partition(": ")
    return whose, text


def _said(report: Report) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in report.summary.items()
                     if count and outcome not in ("planned", "undeclared"))  # fmt: skip


def _versions() -> str:
    names = ("torch", "diffusers", "k-diffusion")
    found = [f"{name} {importlib.metadata.version(name)}" for name in names if _installed(name)]
    return ", ".join([f"refscore {refscore.__version__}", *found])


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name.replace("-", "_")) is not None


if __name__ == "__main__":
    sys.exit(main())
