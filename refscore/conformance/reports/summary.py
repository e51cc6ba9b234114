"""What every form of the report says about a capability: counts, worst error, what would have been seen, verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from refscore.conformance.results import Report, Result

__all__ = ["Row", "closing_lines", "groups", "header_lines", "rows", "verdict"]


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One capability of one adapter, in words.

    Parameters
    ----------
    adapter, capability, declared : str
        Who offers what, under which conventions.
    passed, ran : int
        Checks.
    worst, seen, verdict : str
        The worst error, the smallest deviation that would have been seen, and the verdict.
    """

    adapter: str
    capability: str
    declared: str
    passed: int
    ran: int
    worst: str
    seen: str
    verdict: str


def rows(report: Report) -> list[Row]:
    """The verdict table.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    list of Row
        One for each offered capability that was checked.
    """
    table = []
    for info in report.adapters:
        title = f"{info.name} {info.version}".strip()
        for capability, declared in info.offers:
            mine = [r for r in report.results if r.adapter == title and r.capability == capability]
            if mine:
                passed = sum(r.outcome in ("pass", "xfail") for r in mine)
                table.append(
                    Row(title, capability, declared, passed, len(mine), _worst(mine), _seen(mine), verdict(mine))
                )
    return table


def groups(report: Report) -> list[list[Result]]:
    """What needs words: the results that are no pass, by adapter, capability and outcome, the worst first.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    list of list of Result
        In the order of the plan.
    """
    found: dict[tuple[str, str, str], list[Result]] = {}
    for result in report.results:
        if result.outcome in ("fail", "error", "xpass", "inconclusive"):
            found.setdefault((result.adapter, result.capability, result.outcome), []).append(result)
    return [sorted(group, key=lambda r: -r.ratio if r.ratio == r.ratio else 0.0) for group in found.values()]


def verdict(results: Sequence[Result]) -> str:
    """The verdict on a capability from its results.

    Parameters
    ----------
    results : sequence of Result
        All its checks.

    Returns
    -------
    str
        "conforms", "FAILS", "ERROR", "xfail", "XPASS" or "inconclusive".
    """
    outcomes = {r.outcome for r in results}
    if "xfail" in outcomes:
        outcomes -= {"blocked"}  # by what is known
    for outcome, word in (("fail", "FAILS"), ("error", "ERROR"), ("blocked", "ERROR"), ("xpass", "XPASS")):
        if outcome in outcomes:
            return word
    if "inconclusive" in outcomes:
        return "inconclusive"
    return "xfail" if "xfail" in outcomes else "conforms"


def _worst(results: Sequence[Result]) -> str:
    ratios = [(r.ratio, r.bound) for r in results if not math.isnan(r.ratio)]
    if not ratios or any(r.outcome == "fail" and math.isnan(r.ratio) for r in results):
        return "–"
    ratio, bound = max(ratios)
    if math.isinf(ratio):
        return "no value"
    return f"{ratio:.2g} of {bound:g}" if ratio < 1000 else f"{ratio:.1e}"


def _seen(results: Sequence[Result]) -> str:
    found = [r.detects for r in results if not math.isnan(r.detects)]
    words = [r.sees for r in results if r.sees and not r.check.endswith("/api")]
    return f"a relative {min(found):.0e}" if found else words[-1] if words else "–"


def header_lines(report: Report) -> list[str]:
    """Who was checked by whom.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    list of str
        One line for each adapter, or one for all where there are many.
    """
    known = f"refscore {report.refscore} · vectors –"
    if len(report.adapters) == 1:
        info = report.adapters[0]
        who = f"{info.name} {info.version}".strip()
        count = len(info.offers)
        offered = f"{count} {'capability' if count == 1 else 'capabilities'} offered"
        undeclared = report.summary["undeclared"]
        parts = [known, f"{who} ({info.arrays}, {info.dtype})", f"{offered}, {undeclared} undeclared (refscore list)"]
        return _fitted(parts)
    return [f"{known} · {len(report.adapters)} adapters in {report.target}"]


def closing_lines(report: Report) -> list[str]:
    """The last lines: counts, planned against run, false alarms, time.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    list of str
        One line, or two where it does not fit.
    """
    verdicts = [row.verdict for row in rows(report)]
    count = {word: verdicts.count(word) for word in set(verdicts)}
    parts = [f"{count.get('conforms', 0)} of {len(verdicts)} conform"]
    parts += [f"{count.get('FAILS', 0)} {'fails' if count.get('FAILS', 0) == 1 else 'fail'}"]
    parts += [f"{count.get('inconclusive', 0)} inconclusive"]
    parts += [
        f"{count[word]} {text}"
        for word, text in (("ERROR", "in error"), ("xfail", "fail as expected"), ("XPASS", "pass unexpectedly"))
        if word in count
    ]
    parts += [f"planned {report.planned}, ran {len(report.results)}"]
    alarm = f"≤ {report.false_alarm:.0e}" if report.false_alarm else "0 (no random verdict)"
    parts += [f"false-alarm probability {alarm}", f"{report.seconds:.1f} s"]
    return _fitted(parts)


def _fitted(parts: Sequence[str], width: int = 100) -> list[str]:
    """Joined by dots, broken between parts only."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines
