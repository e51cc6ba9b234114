"""`make peers`: run every adapter, write ``results.md`` and ``results.json``, renew the table in the README.

What is not run this time keeps its rows of an earlier run.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import refscore
from refscore.conformance import Report, Selection, check, load
from refscore.conformance.expected import Expected, apply_expected, read_expected
from validation.peers.rows import Checked, Row, Run, checked_of, read, rows_of
from validation.peers.sources import SOURCES
from validation.peers.table import renew, write

HERE = Path(__file__).parent
README = HERE.parent.parent / "README.md"


@final
@dataclass(frozen=True, slots=True)
class Part:
    """One file of adapters, with its known deviations beside it, and the libraries and the source it needs."""

    heading: str
    file: str
    needs: tuple[str, ...]
    source: str = ""

    @property
    def lacking(self) -> str:
        """What there is to do before it can be run; empty if it can."""
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if absent:
            return f"{' and '.join(absent)} not installed (make peers installs it)"
        return SOURCES[self.source].lacking if self.source else ""


PARTS = (
    Part("diffusers: steps", "diffusers_schedulers.py", ("torch", "diffusers")),
    Part("diffusers: grids as released", "diffusers_grids.py", ("torch", "diffusers")),
    Part("k-diffusion: steps", "k_diffusion_samplers.py", ("torch", "k_diffusion")),
    Part("k-diffusion: grids as released", "k_diffusion_grids.py", ("torch", "k_diffusion")),
    Part("azula", "azula_samplers.py", ("torch", "azula")),
    Part("flow_matching", "flow_matching_samplers.py", ("torch", "flow_matching")),
    Part("torchcfm", "torchcfm_samplers.py", ("torch", "torchcfm")),
    Part("dpm-solver", "dpm_solver_samplers.py", ("torch",), "dpm-solver"),
    Part("score_sde_pytorch: samplers", "score_sde_samplers.py", ("torch",), "score_sde_pytorch"),
    Part("score_sde_pytorch: parts", "score_sde_functions.py", ("torch",), "score_sde_pytorch"),
    Part("edm", "edm_samplers.py", ("torch",), "edm"),
    Part("sbi: samplers", "sbi_samplers.py", ("torch", "sbi")),
    Part("sbi: parts", "sbi_functions.py", ("torch", "sbi")),
    Part("torchsde: the reverse SDE", "torchsde_solvers.py", ("torch", "torchsde")),
    Part("diffrax: the flow, the reverse SDE, Langevin diffusions", "diffrax_solvers.py", ("jax", "diffrax")),
    Part("blackjax", "blackjax_kernels.py", ("jax", "blackjax")),
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
    parser.add_argument("--source", action="append", default=[], metavar="NAME=PATH", type=_source,
                        help=f"where a repository lies that is on no package index: {', '.join(SOURCES)}")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="fewer step counts; the rows say so")
    options = parser.parse_args()
    profile = "quick" if options.quick else "full"
    for name, path in options.source:
        os.environ[SOURCES[name].variable] = path
    sys.path.insert(0, str(HERE.parent.parent))
    today = datetime.date.today().isoformat()
    rows: list[Row] = []
    others: list[Checked] = []
    ran = []
    for part in PARTS:
        if options.part and part.file not in options.part:
            continue
        if part.lacking:
            print(f"{part.heading}: skipped: {part.lacking}")
            continue
        expected = read_expected(str((HERE / part.file).with_suffix(".toml")))
        report = checked(part, expected, profile)
        run = Run(part.heading, today, profile, load(str(HERE / part.file)), report, expected)
        rows += rows_of(run, f"validation.peers.{Path(part.file).stem}")
        others += checked_of(run)
        ran.append(part.heading)
        print(f"{part.heading}: {len(report.adapters)} adapters, {_said(report)}, {report.seconds:.0f} s", flush=True)
    every: list[Row | Checked] = [*rows, *others]
    wrong = [row for row in every if row.verdict == "FAILS"]
    for row in wrong:
        name = row.sampler if isinstance(row, Row) else f"{row.function} {row.capability}"
        print(f"unexpected: {row.library} {name}: {row.outcomes}", file=sys.stderr)
    if ran:
        _renew(rows, others, ran)
    return 1 if wrong else 0


def checked(part: Part, expected: list[Expected], profile: str) -> Report:
    """The suite's report on one file, its known deviations marked as such.

    Parameters
    ----------
    part : Part
        The file.
    expected : list of Expected
        Known deviations.
    profile : {"quick", "full"}
        How many step counts.

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
            Selection(profile=profile),
            time_limit=300.0,
            watch=lambda done, planned, _: bar.update(task, completed=done, total=planned),
        )
    return apply_expected(report, expected)


def _renew(rows: list[Row], others: list[Checked], ran: list[str]) -> None:
    """Put these rows in the place of those of an earlier run of the same parts, and leave all others."""
    held, held_others = read(HERE)
    place = {part.heading: number for number, part in enumerate(PARTS)}
    everything = sorted([*rows, *(row for row in held if row.part in place and row.part not in ran)],
                        key=lambda row: place[row.part])  # fmt: skip
    functions = sorted([*others, *(row for row in held_others if row.part in place and row.part not in ran)],
                       key=lambda row: place[row.part])  # fmt: skip
    known = {row.part for row in everything} | {row.part for row in functions}
    missing = [f"{part.heading}: {part.lacking or 'not run'}" for part in PARTS if part.heading not in known]
    write(HERE, everything, functions, missing, _versions([*everything, *functions]))
    renew(README, everything, functions)
    print(f"written: {HERE / 'results.md'}")


def _source(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if name not in SOURCES or not path:
        raise argparse.ArgumentTypeError(f"{text!r}; expected NAME=PATH with NAME one of {', '.join(SOURCES)}")
    return name, str(Path(path).resolve())


def _said(report: Report) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in report.summary.items()
                     if count and outcome not in ("planned", "undeclared"))  # fmt: skip


def _versions(rows: list[Row | Checked]) -> str:
    found = [f"torch {importlib.metadata.version('torch')}"] if importlib.util.find_spec("torch") else []
    libraries = dict.fromkeys(f"{row.library} {row.version}" for row in rows)
    return ", ".join([f"refscore {refscore.__version__}", *found, *libraries])


if __name__ == "__main__":
    sys.exit(main())
