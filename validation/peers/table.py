"""The results as a table: one row a sampler, in ``results.json`` for programs and ``results.md`` for people."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

__all__ = ["Deviation", "Row", "write"]

ASKED = """\
Every sampler is run as it is released, with the exact model of a known target in place of a network, in float64 unless
it says float32. Nothing is sampled: one run on a basis gives its exact law. Where orders are asked for, the steps are
the library's and the noise levels smooth, from σ/α = 5 to 0.05; the grids as released are looked at on their own.

* **mean**: without noise the mean of the start goes to the mean of the end, at step counts from 5 to 60.
* **W₂**: distance of the exact law of the output to the exact law of the target at the last noise level, for N(m, C)
  with m = (0.75, -0.375), C = ((0.5, 0.125), (0.125, 0.1875)).
* **order**: extrapolated from four step counts, on that Gaussian and along paths of a mixture (methods without noise),
  against the order that is claimed. Multistep methods without noise are started with short steps.
* **not finite**: step counts from 1 to 60 at which a state is not a number or the library raises.
* **predictions**: noise, data and v give the same run, unless it says that they differ.
"""


@final
@dataclass(frozen=True, slots=True)
class Deviation:
    """Why a check of a sampler fails."""

    whose: str
    reason: str
    link: str


@final
@dataclass(frozen=True, slots=True)
class Row:
    """What was found out about one sampler.

    Parameters
    ----------
    part : str
        Heading it belongs under.
    library, version, sampler : str
        What was run.
    claimed : float or None
        The claimed order, None where none is asked for.
    claim : str
        Who claims it.
    predictions : tuple of str
        What the model predicted.
    outcomes : dict
        From the name of a check to its outcome.
    errors : tuple of (int, float)
        Steps and W₂ of the exact law.
    gaussian, mixture : str
        Observed orders with their uncertainty.
    finite : str
        Where it is not.
    deviations : tuple of Deviation
        Explanations of what fails.
    """

    part: str
    library: str
    version: str
    sampler: str
    claimed: float | None
    claim: str
    predictions: tuple[str, ...]
    outcomes: dict[str, str]
    errors: tuple[tuple[int, float], ...]
    gaussian: str
    mixture: str
    finite: str
    deviations: tuple[Deviation, ...]

    @property
    def verdict(self) -> str:
        """In one word: conforms, deviates (as expected), FAILS, or inconclusive."""
        found = set(self.outcomes.values())
        if found & {"fail", "error", "xpass"} or ("blocked" in found and "xfail" not in found):
            return "FAILS"
        if "inconclusive" in found:
            return "inconclusive"
        return "deviates" if "xfail" in found else "conforms"


def write(folder: Path, rows: Sequence[Row], missing: Sequence[str], heading: str) -> None:
    """Write both files.

    Parameters
    ----------
    folder : Path
        Where.
    rows : sequence of Row
        All samplers.
    missing : sequence of str
        Libraries that are not installed.
    heading : str
        Versions and date.
    """
    document = {
        "heading": heading,
        "missing": list(missing),
        "rows": [{**asdict(row), "verdict": row.verdict} for row in rows],
    }
    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(_markdown(rows, missing, heading), encoding="utf-8")


def _markdown(rows: Sequence[Row], missing: Sequence[str], heading: str) -> str:
    notes = list(dict.fromkeys(deviation for row in rows for deviation in row.deviations))
    words = {"conforms": "conform", "deviates": "deviate as explained", "inconclusive": "inconclusive", "FAILS": "FAIL"}
    count = {words[verdict]: sum(row.verdict == verdict for row in rows) for verdict in words}
    lines = ["# Released samplers against the exact oracle", "", heading, ""]
    lines += [f"{len(rows)} samplers: " + ", ".join(f"{n} {word}" for word, n in count.items() if n) + ".", ""]
    lines += [ASKED]
    lines += [f"**{library}: not installed, left out.**\n" for library in missing]
    for part in dict.fromkeys(row.part for row in rows):
        lines += [f"## {part}", "", *_table([row for row in rows if row.part == part], notes), ""]
    lines += ["## Deviations", ""]
    for number, note in enumerate(notes, 1):
        link = f" <{note.link}>" if note.link else ""
        lines += [f"{number}. **{note.whose}**: {note.reason}.{link}"]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: Sequence[Row], notes: Sequence[Deviation]) -> list[str]:
    ordered = any(row.claimed is not None for row in rows)
    head = ["sampler", "predictions", "mean", "W₂ (steps)"]
    head += ["claimed", "Gaussian", "mixture"] if ordered else []
    head += ["not finite", "verdict", "see"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows:
        errors = " ".join(f"{error:.1e} ({steps})" for steps, error in row.errors) or "–"
        agree = "" if row.outcomes.get("predictions", "pass") == "pass" else ": differ"
        cells = [row.sampler, f"{', '.join(row.predictions)}{agree}", _word(row.outcomes.get("mean", "")), errors]
        if ordered:
            cells += [f"{row.claimed:g} ({row.claim})", row.gaussian or "–", row.mixture or "–"]
        cells += [
            row.finite or "–",
            row.verdict,
            ", ".join(str(1 + notes.index(note)) for note in row.deviations) or "–",
        ]
        lines.append(" | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells))
    return [f"| {line} |" for line in lines]


def _word(outcome: str) -> str:
    return {"pass": "yes", "": "–"}.get(outcome, "no")
