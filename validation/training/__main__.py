"""``python -m validation.training [NAME …]``: train, measure, and write the pages' numbers and figures.

Each run writes ``docs/training/NAME.json`` and ``NAME.png``, and the tables between the marks of
``docs/training/NAME.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown

from validation.training import pathwise
from validation.training.figures import draw
from validation.training.runs import RUNS, Outcome, Table

PAGES = Path(__file__).parents[2] / "docs" / "training"
BEGIN, END = "<!-- results: written by python -m validation.training {} -->", "<!-- end of results -->"


def main() -> int:
    """Run what is named, all by default."""
    every: dict[str, Callable[[], Outcome]] = {**RUNS, "pathwise": pathwise.pathwise}
    parser = argparse.ArgumentParser(prog="python -m validation.training", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(every)}")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in every]
    if unknown:
        parser.error(f"no run {unknown[0]!r}; there are {', '.join(every)}")
    skipped = 0
    for name in options.names or every:
        try:
            outcome = every[name]()
            draw(outcome, PAGES / f"{name}.png")
        except ImportError as error:
            print(f"{name}: skipped: {error}")
            skipped += 1
            continue
        _tell(name, outcome)
        write(name, outcome, PAGES)
    return 1 if skipped == len(options.names or every) else 0


def write(name: str, outcome: Outcome, pages: Path) -> None:
    """Write a run's numbers beside its page, and its tables into the page.

    Parameters
    ----------
    name : str
        Of the run.
    outcome : Outcome
        What it left behind.
    pages : Path
        The folder of the pages.

    Raises
    ------
    ValueError
        If the page has no marks to write between.
    """
    found = {"summary": outcome.summary, "tables": [asdict(table) for table in outcome.tables]}
    page = pages / f"{name}.md"
    text, begin = page.read_text(encoding="utf-8"), BEGIN.format(name)
    if begin not in text or END not in text:
        raise ValueError(f"{page.name} has no marks {begin} and {END}; expected them around its results")
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(END)
    figure = f"![The loss, the data and the samples]({name}.png)"
    body = "\n\n".join([outcome.summary, *(_markdown(table) for table in outcome.tables), figure])
    page.write_text(f"{head}{begin}\n\n{body}\n\n{END}{tail}", encoding="utf-8")
    (pages / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _markdown(table: Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    escaped = ["| " + " | ".join(entry.replace("|", "\\|") for entry in line) + " |" for line in lines]
    return "\n".join([f"*{table.caption}*", "", *escaped])


def _tell(name: str, outcome: Outcome) -> None:
    console = Console()
    console.print(f"[bold]{name}[/bold]: {outcome.summary}")
    for table in outcome.tables:
        shown = Shown(title=table.caption, box=None, title_justify="left")
        for column in table.columns:
            shown.add_column(column)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)


if __name__ == "__main__":
    sys.exit(main())
