"""``python -m validation.samplers [--write]``: every table; exit code 1 if an order is off."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from validation.samplers import decisions, gaussians, langevin, others
from validation.samplers.page import (
    Line,
    arrives_line,
    chain_line,
    consistency_line,
    decision_line,
    gaussian_lines,
    held_line,
    line_chain,
    mixture_line,
    not_published,
    variances_line,
)
from validation.samplers.rows import ROWS
from validation.samplers.targets import CONDITIONS, SPANS
from validation.samplers.words import (
    AFTER,
    ARRIVES,
    BEFORE,
    CHAIN,
    CONDITION,
    CONSISTENCY,
    DECISION,
    DIFFERENT,
    GAUSSIANS,
    HEAD,
    HELD,
    LINE_CHAIN,
    NOISY,
    QUIET,
    RECURSION,
    VARIANCES,
)

PAGE = Path(__file__).parents[2] / "docs" / "samplers" / "table.md"
Sections = tuple[list[list[Line]], list[tuple[str, list[Line]]], float]


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def _gaussian() -> Iterator[list[Line]]:
    for i, row in enumerate(ROWS):
        _progress(f"Gaussians {i + 1}/{len(ROWS)}: {row.name}")
        yield gaussian_lines(row)


def _sections() -> Sections:
    tables = [list(each) for each in zip(*_gaussian(), strict=True)]
    quiet: list[Line] = []
    noisy: list[Line] = []
    for i, row in enumerate(ROWS):
        _progress(f"mixtures {i + 1}/{len(ROWS)}: {row.name}")
        span = SPANS[row.paths[0]]
        drawn = row.make(span.path, span.times(16)).draws > 0
        (noisy if drawn else quiet).append(mixture_line(row, drawn))
    _progress("chains of equal steps")
    chains = [chain_line(chain, condition) for chain in langevin.CHAINS for condition in CONDITIONS]
    on_line = [line_chain(name) for name in langevin.LINE_CHAINS]
    gaps = [
        gaussians.recursion_gap(row, path) for row in ROWS if row.name in gaussians.RECURSIONS for path in row.paths
    ]
    _progress("others")
    told = [(QUIET, quiet), (NOISY, noisy), (CHAIN, chains), (LINE_CHAIN, on_line), *other_sections()]
    _progress("")
    return tables, told, max(gaps)


def other_sections() -> list[tuple[str, list[Line]]]:
    """The tables of samplers whose truth is not an order in the step, each under its head."""
    return [
        (VARIANCES, [variances_line(name, condition) for name in others.VARIANCES for condition in CONDITIONS]),
        (CONSISTENCY, [consistency_line(condition) for condition in CONDITIONS]),
        (HELD, [held_line(name, condition) for name in others.TOLERANCES for condition in CONDITIONS]),
        (ARRIVES, [arrives_line()]),
        (DECISION, [decision_line(name, condition) for name in decisions.DECISIONS for condition in CONDITIONS]),
    ]


def _text(sections: Sections) -> str:
    tables, told, gap = sections
    parts = [BEFORE, DIFFERENT, *not_published(ROWS), "", GAUSSIANS]
    for condition, lines in zip(CONDITIONS, tables, strict=True):
        parts += [CONDITION.format(condition), HEAD, *(line.text for line in lines), ""]
    parts += [RECURSION.format(len(gaussians.RECURSIONS), gap), ""]
    for head, lines in told:
        parts += [head, *(line.text for line in lines), ""]
    return "\n".join([*parts, AFTER])


def main(arguments: list[str] | None = None) -> int:
    """Print the tables, or write the page; 1 if an order is off by more than 0.02 or a law by more than 1e-12."""
    parser = argparse.ArgumentParser(prog="python -m validation.samplers")
    parser.add_argument("--write", action="store_true", help=f"write docs/samplers/{PAGE.name}")
    options = parser.parse_args(arguments)
    sections = _sections()
    tables, told, gap = sections
    if options.write:
        PAGE.write_text(_text(sections), encoding="utf-8")
    else:
        print(_text(sections), end="")
    wrong = [said for lines in (*tables, *(each for _, each in told)) for line in lines for said in line.wrong]
    if gap > 1e-12:
        wrong.append(f"a law is {gap:.1e} from its closed form")
    for said in wrong:
        print(said, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
