"""The report as JUnit XML, for continuous integration servers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from refscore.conformance.results import Report, Result

__all__ = ["to_junit"]

KIND = {
    "fail": "failure",
    "xpass": "failure",
    "error": "error",
    "blocked": "skipped",
    "xfail": "skipped",
    "inconclusive": "skipped",
}


def to_junit(report: Report) -> str:
    """A run as JUnit XML: a suite for each adapter, a case for each check.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    str
        An XML document.
    """
    root = ET.Element("testsuites", name=f"refscore {report.refscore}", time=f"{report.seconds:.3f}")
    for info in report.adapters:
        title = f"{info.name} {info.version}".strip()
        mine = [r for r in report.results if r.adapter == title]
        kinds = [KIND.get(r.outcome, "") for r in mine]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=title,
            tests=str(len(mine)),
            failures=str(kinds.count("failure")),
            errors=str(kinds.count("error")),
            skipped=str(kinds.count("skipped")),
        )
        for result in mine:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    capability, name = result.check.split("/", 1)
    case = ET.SubElement(suite, "testcase", classname=capability, name=_printable(name))
    properties = ET.SubElement(case, "properties")
    for key, value in (("outcome", result.outcome), ("ratio", f"{result.ratio:.3g}"), ("claim", result.claim)):
        ET.SubElement(properties, "property", name=key, value=_printable(value))
    kind = KIND.get(result.outcome)
    if kind is not None:
        looks = [f'looks like "{d.description}" (fault {d.fault})' for d in result.diagnosis]
        text = "\n".join([f"claim: {result.claim}", result.message, *looks, f"reproduce: {result.reproduction}"])
        first = (result.message or result.outcome).splitlines()[0]
        ET.SubElement(case, kind, message=_printable(first)).text = _printable(text)


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold; an exception's message may have any."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text)
