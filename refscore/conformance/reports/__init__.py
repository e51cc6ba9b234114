"""One run, four ways to read it: terminal, JSON, JUnit and HTML. All hold the same facts."""

from __future__ import annotations

from refscore.conformance.reports.html import to_html
from refscore.conformance.reports.json import to_json
from refscore.conformance.reports.junit import to_junit
from refscore.conformance.reports.terminal import print_report

__all__ = ["print_report", "to_html", "to_json", "to_junit"]
