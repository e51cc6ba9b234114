"""``python -m validation.papers [--eigenvalues FILE] [--write]``: published numbers beside ours; 1 if one differs.

With ``--write`` the tables go between the marks of ``docs/papers.md`` and into ``docs/papers.json``. The table that
needs the eigenvalues of CIFAR-10 stays as it was where neither the option nor ``CIFAR10_EIGENVALUES`` names their file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Shown

from validation.papers import gaussian_errors, schedules, toy
from validation.papers.rows import Table

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- results: written by python -m validation.papers --write -->", "<!-- end of results -->"


def tables(eigenvalues: str | None) -> Iterator[Table]:
    """Every table that can be made."""
    yield toy.table()
    if eigenvalues:
        yield gaussian_errors.table(eigenvalues)
    yield schedules.edm()
    yield schedules.ncsnv2()


def as_json(table: Table) -> dict[str, Any]:
    """A table as it is kept."""
    rows = [{**row._asdict(), "agrees": row.agrees} for row in table.rows]
    return {**table._asdict(), "rows": rows}


def as_markdown(kept: dict[str, Any]) -> str:
    """A kept table for the page."""
    lines = [
        f"## {kept['title']}",
        "",
        f"{kept['source']} {kept['method']}",
        "",
        "| number | published | here | agrees |",
        "|---|---:|---:|---|",
    ]
    lines += [
        f"| {row['what']} | {row['published']} | {row['found']:.6g} | {'yes' if row['agrees'] else 'NO'} |"
        for row in kept["rows"]
    ]
    return "\n".join(lines)


def write(found: list[dict[str, Any]], docs: Path) -> None:
    """Renew the page and the numbers beside it; tables that were not made stay."""
    file, page = docs / "papers.json", docs / "papers.md"
    kept = {table["name"]: table for table in json.loads(file.read_text(encoding="utf-8"))} if file.exists() else {}
    kept.update({table["name"]: table for table in found})
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page.name} has no marks {BEGIN} and {END}; expected them around its results")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    body = "\n\n".join(as_markdown(table) for table in kept.values())
    page.write_text(f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}", encoding="utf-8")
    file.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Print every table, and write the page where asked."""
    parser = argparse.ArgumentParser(prog="python -m validation.papers", description=__doc__)
    parser.add_argument("--eigenvalues", metavar="FILE", default=os.environ.get("CIFAR10_EIGENVALUES"))
    parser.add_argument("--write", action="store_true", help="renew docs/papers.md and docs/papers.json")
    options = parser.parse_args()
    console, found = Console(), []
    for table in tables(options.eigenvalues):
        shown = Shown(title=table.title, title_justify="left", box=None)
        for column in ("number", "published", "here", "agrees"):
            shown.add_column(column, justify="left" if column in ("number", "agrees") else "right")
        for row in table.rows:
            shown.add_row(row.what, row.published, f"{row.found:.6g}", "yes" if row.agrees else "NO")
        console.print(shown)
        found.append(as_json(table))
    if not options.eigenvalues:
        console.print("gaussian_errors: skipped: give the eigenvalues of CIFAR-10's covariance with --eigenvalues FILE")
    if options.write:
        write(found, DOCS)
    return 0 if all(row["agrees"] for table in found for row in table["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
