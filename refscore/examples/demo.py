"""``refscore demo``: the right examples pass, and each wrong one fails with its bug named."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from refscore.conformance.reports import print_report
from refscore.conformance.results import Report

__all__ = ["demo"]


def demo(check: Callable[[str], Report], out: Console) -> tuple[int, Report]:
    """Check the bundled examples and say whether everything is as it should be.

    Parameters
    ----------
    check : callable
        From a target to a report.
    out : Console
        Where to print.

    Returns
    -------
    int
        0 if the right examples conform and every wrong one is named.
    Report
        Of the wrong examples.
    """
    right, wrong = check("refscore.examples.right"), check("refscore.examples.wrong")
    for title, report in (("Right implementations", right), ("Wrong implementations, one mistake each", wrong)):
        out.print(Text(f"{title}\n", style="bold underline"))
        print_report(report, out)
        out.print()
    from refscore.examples.wrong import NAMED

    found = {r.adapter: d.fault for r in wrong.results for d in r.diagnosis[:1]}
    named = sum(found.get(adapter) == fault for adapter, fault in NAMED.items())
    conform = right.exit_code == 0
    out.print(
        Text(
            f"{'all' if conform else 'NOT all'} right examples conform · "
            f"{named} of {len(NAMED)} wrong examples fail with their bug named",
            style="bold",
        )
    )
    return (0 if conform and named == len(NAMED) else 1), wrong
