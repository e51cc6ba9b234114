"""Expected failures: a file that says which checks fail, and why, so that a run is green until something changes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import final

from refscore.conformance.loading import TargetError
from refscore.conformance.results import Report, Result

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Expected", "apply_expected", "read_expected"]

KEYS = {"check", "reason", "link", "adapter"}


@final
@dataclass(frozen=True, slots=True)
class Expected:
    """One entry: a check that is known to fail, exact or as a glob.

    Parameters
    ----------
    check : str
        Identifier "capability/name", or a glob on it.
    reason : str
        Why; required, for the reader.
    link : str
        Where it is tracked.
    adapter : str
        Glob on the adapter's name; all by default.
    """

    check: str
    reason: str
    link: str = ""
    adapter: str = "*"

    def matches(self, result: Result) -> bool:
        """Whether this entry speaks of that result."""
        return fnmatchcase(result.check, self.check) and fnmatchcase(result.adapter, self.adapter)


def read_expected(path: str) -> list[Expected]:
    """Read the entries of a file.

    Parameters
    ----------
    path : str
        A TOML file with ``[[expected]]`` tables: `check`, `reason`, and if wanted `link` and `adapter`.

    Returns
    -------
    list of Expected
        In the order of the file.

    Raises
    ------
    TargetError
        If the file is not there, is no TOML, or an entry lacks its check or reason or has an unknown key.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetError(f"{path}: is no TOML: {error}") from None
    entries = document.get("expected", [])
    if set(document) - {"expected"} or not isinstance(entries, list):
        raise TargetError(f"{path}: expected [[expected]] tables only; found {', '.join(document)}")
    found = []
    for number, entry in enumerate(entries, 1):
        unknown = sorted(set(entry) - KEYS)
        missing = sorted({"check", "reason"} - {key for key in entry if str(entry[key]).strip()})
        if unknown or missing:
            what = f"has unknown {', '.join(unknown)}" if unknown else f"lacks {', '.join(missing)}"
            raise TargetError(f"{path}: entry {number} {what}; an entry has check, reason, link, adapter")
        found.append(Expected(**{key: str(value) for key, value in entry.items()}))
    return found


def apply_expected(report: Report, expected: Sequence[Expected], *, strict: bool = True) -> Report:
    """Turn expected failures into xfail, and expected failures that pass into xpass.

    Parameters
    ----------
    report : Report
        A run.
    expected : sequence of Expected
        What is known to fail.
    strict : bool
        Whether an entry that matches no check is an error; not when only a part of the checks was asked for.

    Returns
    -------
    Report
        The same run with these outcomes.

    Raises
    ------
    TargetError
        If an entry matches no check.
    """
    for entry in expected:
        if strict and not any(entry.matches(result) for result in report.results):
            raise TargetError(f'expected failure "{entry.check}" matches no check of this run; remove or correct it')
    turned = {"fail": "xfail", "error": "xfail", "pass": "xpass"}

    def turn(result: Result) -> Result:
        entry = next((e for e in expected if e.matches(result)), None)
        if entry is None or result.outcome not in turned:
            return result
        note = f"expected to fail: {entry.reason}" + (f"  {entry.link}" if entry.link else "")
        return replace(result, outcome=turned[result.outcome], message="\n".join(filter(None, [note, result.message])))

    return replace(report, results=tuple(turn(result) for result in report.results))
