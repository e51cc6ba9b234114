"""Grade the suite: ``python -m validation.catalogue [--write]``; ``--write`` renews the page in docs/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

from refscore.conformance import CATALOGUE
from validation.catalogue.grading import Grade, grade

PAGE = Path(__file__).parents[2] / "docs" / "conformance" / "catalogue.md"
HEAD = """# The catalogue, graded

For every capability the largest error of the reference itself in float64, and the largest error of the weakest
mistake it catches, both in units of what rounding explains ([BOUND.1](bounds.md)); up to 16 conforms. The reference is
measured against definitions in 60 digits where it goes through linear algebra, and against itself in 80-bit arithmetic
elsewhere; networks, in the gradients and traces, against a second derivation in 80 bits.

`sampler.black_box`, `sampler.flow_ode` and `schedule.ncsnv2_step` compare more than values; their faults are graded in
the tests. Written by `python -m validation.catalogue --write`.

"""


def main() -> int:
    """Print the table, or write the page; 1 if a grade is out of its bounds."""
    parser = argparse.ArgumentParser(prog="python -m validation.catalogue", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    graded = [c for c in CATALOGUE.values() if c.checks is None]
    progress = track(graded, "grading", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    grades = [grade(capability) for capability in progress]
    table = _table(grades)
    if options.write:
        PAGE.write_text(HEAD + table, encoding="utf-8")
    else:
        print(table, end="")
    return 0 if all(not g.reference >= 1 and g.weakest > 1000 for g in grades) else 1


def _table(grades: list[Grade]) -> str:
    rows = [f"| `{g.name}` | {g.cases} | {g.reference:.2f} | {g.faults} | {g.weakest:.1e} |" for g in grades]
    faults, worst = sum(g.faults for g in grades), max(g.reference for g in grades)
    weakest = min(g.weakest for g in grades)
    cases = sum(g.cases for g in grades)
    rows.append(f"| {len(grades)} capabilities | {cases} | {worst:.2f} | {faults} | {weakest:.1e} |")
    return "\n".join(
        ["| capability | cases | reference | faults | weakest fault |", "|---|---:|---:|---:|---:|", *rows, ""]
    )


if __name__ == "__main__":
    sys.exit(main())
