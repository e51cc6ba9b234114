"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from importlib import resources

import jinja2

from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.reports.summary import closing_lines, groups, header_lines, rows
from refscore.conformance.results import Report

__all__ = ["to_html"]


def to_html(report: Report) -> str:
    """A run as a self-contained page.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    str
        HTML; every text of the implementation under test is escaped.
    """
    text = resources.files("refscore.conformance.reports").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text).render(
        report=report,
        rows=rows(report),
        header=header_lines(report),
        closing=closing_lines(report),
        groups=groups(report),
        catalogue=CATALOGUE,
    )
