"""The committed results: a file of JSON, and the tables of a page of the docs between two marks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "quantity", "record", "tables"]

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of results -->"


def record(
    found: Mapping[str, Mapping[str, Any]],
    results: Path = RESULTS,
    page: Path = PAGE,
    above: Callable[[Mapping[str, Mapping[str, Any]]], str] = lambda _: "",
) -> None:
    """Renew what was measured; benchmarks that were not run keep what they have.

    Parameters
    ----------
    found : mapping
        From the name of a benchmark to its ``date``, ``machine``, ``command``, ``rows`` and ``skipped``.
    results, page : Path
        Where.
    above : callable
        From all results to what stands above the tables.

    Raises
    ------
    ValueError
        If the page lacks the marks.
    """
    kept = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    merged = {**kept, **found}
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page.name} has no place for the results; expected {BEGIN!r} and {END!r}")
    head, tail = text[: text.index(BEGIN)], text[text.index(END) :]
    results.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(f"{head}{BEGIN}\n\n{above(merged)}{tables(merged)}\n{tail}", encoding="utf-8")


def tables(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The results in Markdown.

    Parameters
    ----------
    found : mapping
        As for :func:`record`.

    Returns
    -------
    str
        One section for each benchmark.
    """
    return "\n".join(_section(name, part) for name, part in found.items())


def _section(name: str, part: Mapping[str, Any]) -> str:
    machine = part["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"
    works: dict[str, dict[str, Any]] = {row["work"]: {} for row in part["rows"]}
    for row in part["rows"]:
        works[row["work"]][row["peer"]] = row
    peers = list(dict.fromkeys(row["peer"] for row in part["rows"]))
    lines = [
        f"### {name}",
        "",
        f"{part['date']}, `{part['command']}`. {where}. Python {machine['python']}, {versions}; {machine['blas']}.",
        "",
        _line(["work", "refscore", *peers]),
        _line(["---", "---:", *["---"] * len(peers)]),
        *(
            _line([work, _own(next(iter(rows.values()))), *(_cell(rows.get(peer)) for peer in peers)])
            for work, rows in works.items()
        ),
    ]
    lines += [f"\nNot compared: {skip['work']}, {skip['peer']}: {skip['reason']}." for skip in part["skipped"]]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(re.sub(r"\|", r"\\|", cell) for cell in cells) + " |"


def _own(row: Mapping[str, Any]) -> str:
    return quantity(row["seconds"], row.get("unit", "s"))


def _cell(row: Mapping[str, Any] | None) -> str:
    """Ratio, quartiles, and the goal where there is one."""
    if row is None:
        return ""
    spread = f" ({_number(row['low'])}–{_number(row['high'])})" if "low" in row else ""
    goal = f"; {row['goal']}: {row['verdict']}".replace("missed", "**missed**") if row["verdict"] else ""
    return f"{_number(row['ratio'])}{spread}{goal}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def quantity(value: float, unit: str = "s") -> str:
    """Three digits and the unit.

    Parameters
    ----------
    value : float
        How much.
    unit : str
        Of what.

    Returns
    -------
    str
        Seconds as :func:`duration` has them.
    """
    return duration(value) if unit == "s" else f"{value:.3g} {unit}" if abs(value) < 999.5 else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """Three digits and the unit that goes with them: ``0.00123`` is ``1.23 ms``.

    Parameters
    ----------
    seconds : float
        Time.

    Returns
    -------
    str
        In s, ms or µs.
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= 0.9995 * size:
            return f"{seconds / size:.3g} {unit}" if abs(seconds) < 999.5 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
