"""The report on a terminal, or in a log file: 100 columns, colour only where there is a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from refscore.conformance.reports.summary import closing_line, header_lines, rows
from refscore.conformance.results import Report, Result

__all__ = ["console", "print_report"]

STYLE = {
    "conforms": "green",
    "FAILS": "bold red",
    "ERROR": "bold magenta",
    "inconclusive": "yellow",
    "XPASS": "bold red",
}
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
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    if several:
        table.add_column("adapter", overflow="fold")
    for name in ("capability", "checks", "worst error", "would have seen", "verdict"):
        table.add_column(
            name, overflow="fold", justify="right" if name == "checks" else "left", no_wrap=name == "verdict"
        )
    for row in rows(report):
        name = f"{row.capability} ({row.declared})" if row.declared else row.capability
        cells: list[str | Text] = [
            name,
            f"{row.passed}/{row.ran}",
            row.worst,
            row.seen,
            Text(row.verdict, style=STYLE.get(row.verdict, "")),
        ]
        table.add_row(*([row.adapter, *cells] if several else cells))
    out.print(table)
    out.print()
    for number, group in enumerate(_groups(report.results), 1):
        _print_group(number, group, several, out)
    out.print(Text(closing_line(report)))


def _groups(results: Sequence[Result]) -> list[list[Result]]:
    """What needs words, by adapter and capability, the worst first."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if result.outcome in ("fail", "error", "xpass", "inconclusive"):
            groups.setdefault((result.adapter, result.capability, result.outcome), []).append(result)
    return [sorted(group, key=lambda r: -r.ratio if r.ratio == r.ratio else 0.0) for group in groups.values()]


def _print_group(number: int, group: Sequence[Result], several: bool, out: Console) -> None:
    first = group[0]
    title = f"{number}  {first.adapter} · " if several else f"{number}  "
    out.print(Text(f"{title}{first.capability} · {first.check.split('/', 1)[1]}", style="bold"))
    for line in _facts(first):
        out.print(Padding(line, (0, 0, 0, 3)))
    if len(group) > 1:
        others = ", ".join(r.check.split("/", 1)[1] for r in group[1 : 1 + SHOWN])
        more = f" and {len(group) - 1 - SHOWN} more" if len(group) > 1 + SHOWN else ""
        out.print(Padding(Text(f"also       {others}{more}"), (0, 0, 0, 3)))
    out.print()


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
