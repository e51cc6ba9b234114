"""The report as JSON, with a schema that ships in the package."""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import Any

from refscore.conformance.results import Report, Result

__all__ = ["schema", "to_json"]


def to_json(report: Report) -> str:
    """A run as JSON; figures that are not finite are null, or "inf" where a value is missing altogether.

    Parameters
    ----------
    report : Report
        A run.

    Returns
    -------
    str
        Valid against :func:`schema`.
    """
    document = {
        "refscore": report.refscore,
        "vectors": None,
        "target": report.target,
        "seconds": round(report.seconds, 3),
        "exit_code": report.exit_code,
        "false_alarm": report.false_alarm,
        "adapters": [
            {
                "name": info.name,
                "version": info.version,
                "arrays": info.arrays,
                "dtype": info.dtype,
                "offers": [{"capability": name, "conventions": declared} for name, declared in info.offers],
            }
            for info in report.adapters
        ],
        "summary": report.summary,
        "results": [_result(result) for result in report.results],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of a report.

    Returns
    -------
    dict
        Draft 2020-12.
    """
    text = resources.files("refscore.conformance.reports").joinpath("report.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _result(result: Result) -> dict[str, Any]:
    return {
        "adapter": result.adapter,
        "check": result.check,
        "capability": result.capability,
        "outcome": result.outcome,
        "ratio": _number(result.ratio),
        "bound": _number(result.bound),
        "claim": result.claim,
        "message": result.message,
        "detects": _number(result.detects),
        "sees": result.sees,
        "reproduction": result.reproduction,
        "figures": {name: [_number(value) for value in values] for name, values in result.figures},
        "diagnosis": [
            {"fault": d.fault, "description": d.description, "effect": d.effect, "link": d.link, "match": d.match}
            for d in result.diagnosis
        ],
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value
