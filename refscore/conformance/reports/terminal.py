"""The report on a terminal, or in a log file: 100 columns, colour only where there is a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refscore.conformance.reports.summary import closing_lines, groups, header_lines, rows
from refscore.conformance.results import Report, Result

__all__ = ["console", "print_report", "print_table"]

STYLE = {
    "conforms": "green",
    "FAILS": "bold red",
    "ERROR": "bold magenta",
    "inconclusive": "yellow",
    "XPASS": "bold red",
}
TITLES = ("capability", "checks", "worst error", "would have seen", "verdict")
FOLDS = (("adapter", 12), ("would have seen", 10), ("worst error", 8), ("adapter", 8), ("capability", 12))
LABEL = re.compile(r"(claim|expected|looks like|reproduce|also) +| +")
SHOWN = 3  # further failing checks of the same capability are counted, not printed


def console() -> Console:
    """A console that fits a log file: 100 columns when nobody is watching.

    Returns
    -------
    Console
        Writes to standard output.
    """
    probe = Console(highlight=False)
    return probe if probe.is_terminal else Console(highlight=False, width=100)


def print_report(report: Report, out: Console) -> None:
    """Print a run: table, then each failure with claim, numbers, diagnosis and how to repeat it.

    Parameters
    ----------
    report : Report
        A run.
    out : Console
        Where to.
    """
    for line in header_lines(report):
        out.print(Text(line))
    out.print()
    several = len(report.adapters) > 1
    lines: list[list[str]] = []
    for row in rows(report):
        name = f"{row.capability} ({row.declared})" if row.declared else row.capability
        cells = [name, f"{row.passed}/{row.ran}", row.worst, row.seen, row.verdict]
        lines.append([row.adapter, *cells] if several else cells)
    print_table(_summary(lines, ["adapter", *TITLES] if several else [*TITLES], out.width), out)
    out.print()
    for number, group in enumerate(groups(report), 1):
        _print_group(number, group, several, out)
    for line in closing_lines(report):
        out.print(Text(line))


def _print_group(number: int, group: Sequence[Result], several: bool, out: Console) -> None:
    first = group[0]
    title = f"{number}  {first.adapter} · " if several else f"{number}  "
    out.print(Text(f"{title}{first.capability} · {first.check.split('/', 1)[1]}", style="bold"))
    for line in _facts(first):
        _print_indented(line, out)
    if len(group) > 1:
        others = " · ".join(r.check.split("/", 1)[1] for r in group[1 : 1 + SHOWN])
        more = f" · and {len(group) - 1 - SHOWN} more" if len(group) > 1 + SHOWN else ""
        _print_indented(Text(f"also       {others}{more}"), out)
    out.print()


def _summary(lines: list[list[str]], titles: list[str], total: int) -> Table:
    """The table of verdicts. Where `total` is too narrow, conventions fold, then FOLDS, verdicts never."""
    wanted = [max(map(len, column)) for column in zip(titles, *lines)]
    place = titles.index("capability")
    names = max(len(line[place].partition(" (")[0]) for line in lines) if lines else 0
    for title, floor in (("capability", names), *FOLDS):
        over = sum(wanted) + 3 * (len(titles) - 1) - total
        if title in titles and over > 0:
            i = titles.index(title)
            wanted[i] = max(min(floor, wanted[i]), wanted[i] - over)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title, width in zip(titles, wanted):
        table.add_column(title, overflow="fold", width=width, justify="right" if title == "checks" else "left")
    for line in lines:
        table.add_row(*line[:-1], Text(line[-1], style=STYLE.get(line[-1], "")))
    return table


def print_table(table: Table, out: Console) -> None:
    """Print a table without the blanks that pad its last column: they are noise in a log file.

    Parameters
    ----------
    table : Table
        What to print.
    out : Console
        Where to.
    """
    for segments in out.render_lines(table, out.options, pad=False):
        line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        line.rstrip()
        out.print(line, soft_wrap=True)


def _print_indented(line: Text, out: Console) -> None:
    """Text wraps at the width, below its own beginning; a command to copy does not."""
    head = LABEL.match(line.plain)
    begin = head.end() if head else 0
    if line.plain.startswith("reproduce"):
        out.print(Text("   ") + line, soft_wrap=True)
        return
    for number, part in enumerate(line[begin:].wrap(out, max(40, out.width - 3 - begin))):
        part.rstrip()
        lead = line[:begin] if number == 0 else Text(" " * begin)
        out.print(Text("   ") + lead + part, soft_wrap=True)


def _facts(result: Result) -> list[Text]:
    lines = [Text(f"claim      {result.claim}")]
    lines += [Text(line) for line in result.message.splitlines()]
    if result.outcome == "error":
        lines.append(Text("counted as an error of the adapter; the rest was checked"))
    for diagnosis in result.diagnosis:
        named = diagnosis.fault not in ("convention", "factor")
        fault = f"  (fault {diagnosis.fault}, {diagnosis.match})" if named else ""
        lines.append(
            Text(f'looks like "{diagnosis.description}"{fault}' if named else f"looks like {diagnosis.description}")
        )
        if diagnosis.effect:
            lines.append(Text(f"           effect: {diagnosis.effect}"))
        if diagnosis.link:
            lines.append(Text(f"           seen: {diagnosis.link}"))
    if result.reproduction:
        lines.append(Text(f"reproduce  {result.reproduction}"))
    return lines
