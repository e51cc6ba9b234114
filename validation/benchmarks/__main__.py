"""``python -m validation.benchmarks [NAME …] [--json F]``: a table of ratios, ``{work, peer, ratio, goal}`` in JSON."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from validation.benchmarks import forward, imports, trace, training
from validation.benchmarks.contest import ROUNDS, SECONDS, Contest, Settings, hold
from validation.benchmarks.kernels import density, first, normals, page, sampling, scaling, threads
from validation.benchmarks.machine import machine
from validation.benchmarks.record import quantity, record
from validation.benchmarks.rows import Row, Skipped

Found = Iterator[list[Row | Skipped]]
HEADING = "ratio to refscore, quartiles of single rounds, refscore's time, the peer's, goal"
STYLES = {"met": "green", "missed": "red", "undecided": "yellow", "": ""}
BUSY = 0.5  # load of the last minute from which on times are not to be trusted


def main() -> int:
    """Run the named benchmarks, all by default."""
    options = _options()
    found: dict[str, list[Row | Skipped]] = {}
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY:
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f}): these are no times to keep", file=sys.stderr)
    print(HEADING)
    errors = Console(stderr=True)
    with errors.status("") as status:
        tell: Callable[[str], object] = status.update if errors.is_terminal else lambda _: None
        for name in options.names or BENCHMARKS:
            found[name] = []
            for items in BENCHMARKS[name](options.only, Settings(options.rounds, options.turn, tell)):
                _print(items)
                found[name] += items
    if options.json:
        rows = [item.plain() for items in found.values() for item in items if isinstance(item, Row)]
        Path(options.json).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.record:
        here = machine()
        parts = {name: _part(name, items, options, here) for name, items in found.items()}
        if networks := {name: part for name, part in parts.items() if name not in GROUPS["kernels"]}:
            record(networks)
        if compiled := {name: part for name, part in parts.items() if name in GROUPS["kernels"]}:
            page.renew(compiled)
    return 0


def _rows(name: str, rows: Callable[[], Iterator[Row | Skipped]], only: str, settings: Settings) -> Found:
    """Those that are no contest: they are all made, and some told."""
    settings.tell(name)
    yield [row for row in rows() if fnmatchcase(row.work, only)]


def _density(only: str, settings: Settings) -> Found:
    """A run of the slowest takes long: few rounds, then the memory; and few points, if it is to be quick."""
    n = density.MANY // 100 if settings.rounds == 1 else density.MANY
    yield from _contests(partial(density.contests, n), only, replace(settings, rounds=min(3, settings.rounds)))
    if only == "*" or fnmatchcase("peak memory", only):
        yield from _rows("memory", partial(density.memory, n), "*", settings)


def _contests(contests: Callable[[], Iterator[Contest]], only: str, settings: Settings) -> Found:
    return (list(hold(contest, settings)) for contest in contests() if fnmatchcase(contest.work, only))


BENCHMARKS: dict[str, Callable[[str, Settings], Found]] = {
    "imports": partial(_rows, "imports", imports.rows),
    "training": partial(_contests, training.contests),
    "forward": partial(_contests, forward.contests),
    "trace": partial(_contests, trace.contests),
    "normals": partial(_contests, normals.contests),
    "sampling": partial(_contests, sampling.contests),
    "density": _density,
    "threads": partial(_contests, threads.contests),
    "scaling": partial(_contests, scaling.contests),
    "first": partial(_rows, "first", first.rows),
}
GROUPS = {
    "networks": ("imports", "training", "forward", "trace"),
    "kernels": ("normals", "sampling", "density", "threads", "scaling", "first"),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m validation.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join((*GROUPS, *BENCHMARKS))}")
    parser.add_argument("--json", metavar="F", help="write the rows as JSON")
    parser.add_argument("--only", metavar="GLOB", default="*", help="only work whose name matches, as '*batch 1000*'")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, metavar="N", help="turns of each contestant")
    parser.add_argument("--turn", type=float, default=SECONDS, metavar="S", help="seconds a turn takes, about")
    parser.add_argument("--quick", action="store_true", help="few short turns: whether it works, not how fast")
    parser.add_argument("--record", action="store_true", help="renew results.json and docs/benchmarks.md")
    options = parser.parse_args()
    options.names = [one for name in options.names for one in GROUPS.get(name, (name,))]
    if options.quick:
        options.rounds, options.turn = 1, 0.005
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if options.record and (options.only != "*" or options.quick):
        parser.error("--record is for whole benchmarks, not for a part chosen by --only, nor for --quick")
    return options


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def _print(items: list[Row | Skipped]) -> None:
    """The columns stand under each other, on a terminal and in a file."""
    console = Console(width=max(110, Console().width), highlight=False)
    for work, group in groupby(items, lambda item: item.work):
        console.print(work, style="bold", markup=False)
        for item in group:
            if isinstance(item, Skipped):
                console.print(f"  {item.peer:<33} skipped: {item.reason}", markup=False)
                continue
            spread = "" if item.low is None or item.high is None else f"{item.low:.2f} to {item.high:.2f}"
            own = quantity(item.seconds, item.unit)
            theirs = "" if item.peer_seconds is None else quantity(item.peer_seconds, item.unit)
            goal = ": ".join(filter(None, (item.goal.text, item.verdict.replace("missed", "MISSED"))))
            line = f"  {item.peer:<33} {item.ratio:>7.2f}  {spread:<17} {own:>8} {theirs:>9}  {goal}"
            console.print(line.rstrip(), style=STYLES[item.verdict], markup=False, soft_wrap=True)


def _part(name: str, items: list[Row | Skipped], options: argparse.Namespace, here: dict[str, object]) -> Any:
    return {
        "date": datetime.date.today().isoformat(),
        "command": f"python -m validation.benchmarks {name} --rounds {options.rounds} --turn {options.turn:g}",
        "machine": here,
        "rows": [item.plain() for item in items if isinstance(item, Row)],
        "skipped": [
            {"work": item.work, "peer": item.peer, "reason": item.reason} for item in items if isinstance(item, Skipped)
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
