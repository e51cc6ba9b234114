"""The results as a table: one row a sampler, for programs, for people, and in short for the README."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import final

__all__ = ["Deviation", "Row", "renew", "write"]

ASKED = """\
Every sampler is run as it is released, with the exact model of a known target in place of a network, in float64 unless
it says float32. Nothing is sampled: one run on a basis gives its exact law. Where orders are asked for, the steps are
the library's and the noise levels smooth, from σ/α = 5 to 0.05; the grids as released are looked at on their own.

* **mean**: without noise the mean of the start goes to the mean of the end, at every step count from 5 to 64.
* **W₂**: distance of the exact law of the output to the exact law of the target at the last noise level, for N(m, C)
  with m = (0.75, -0.375), C = ((0.5, 0.125), (0.125, 0.1875)).
* **order**: extrapolated from four step counts, on that Gaussian and along paths of a mixture (methods without noise),
  against the order that is claimed. Multistep methods without noise are started with short steps.
* **not finite**: step counts from 1 to 64 at which a state is not a number or the library raises.
* **predictions**: all of these give the same run, unless it says that they differ.
"""

# For the README: what is told there while a deviation's reason has the words before it.
FINDINGS = {
    "dpmsolver_multistep.py:1116": "the third-order multistep DPM-Solver of both lacks a factor 2 and has order 2",
    "scheduling_ddim.py:445": "DDIM leaves the data's mean where its timesteps are unevenly spaced",
    "scheduling_pndm.py:435": "PNDM has order 1 where the model predicts v",
}


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
    gaussian, mixture : tuple of float
        Observed orders and their uncertainty; empty where there are none.
    not_finite, raises : tuple of int
        Step counts at which a state is not a number, or the library raises.
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
    gaussian: tuple[float, ...]
    mixture: tuple[float, ...]
    not_finite: tuple[int, ...]
    raises: tuple[int, ...]
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


def write(folder: Path, rows: Sequence[Row], missing: Sequence[str], versions: str, date: str) -> None:
    """Write ``results.json`` and ``results.md``.

    Parameters
    ----------
    folder : Path
        Where.
    rows : sequence of Row
        All samplers.
    missing : sequence of str
        Libraries that are not installed.
    versions, date : str
        What was run, and when.
    """
    head = json.dumps({"versions": versions, "date": date, "missing": list(missing)}, ensure_ascii=False)
    lines = [json.dumps({**asdict(row), "verdict": row.verdict}, ensure_ascii=False) for row in rows]
    body = ",\n".join(lines)
    (folder / "results.json").write_text(f'{head[:-1]}, "rows": [\n{body}\n]}}\n', encoding="utf-8")
    (folder / "results.md").write_text(_markdown(rows, missing, versions, date), encoding="utf-8")


def renew(readme: Path, rows: Sequence[Row], date: str) -> None:
    """Put a short table between the marks ``<!-- peers -->`` of a README.

    Parameters
    ----------
    readme : Path
        The file.
    rows : sequence of Row
        All samplers.
    date : str
        When they were run.
    """
    lines = [
        "| library | version | samplers checked | conform | deviate | date |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for library in dict.fromkeys(row.library for row in rows):
        mine = [row for row in rows if row.library == library]
        conform = sum(row.verdict == "conforms" for row in mine)
        lines += [f"| {library} | {mine[0].version} | {len(mine)} | {conform} | {len(mine) - conform} | {date} |"]
    reasons = [deviation.reason for row in rows for deviation in row.deviations]
    told = [text for words, text in FINDINGS.items() if any(words in reason for reason in reasons)]
    found = f", e.g. {'; '.join(told)}" if told else ""
    link = "[every deviation is explained](validation/peers/results.md)"
    sentence = f"Run by `make peers` with the perfect model; {link}{found}."
    block = "\n".join([*lines, "", textwrap.fill(sentence, 120, break_long_words=False, break_on_hyphens=False)])
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- peers -->\n")
    _, _, after = rest.partition("<!-- /peers -->")
    readme.write_text(f"{before}<!-- peers -->\n{block}\n<!-- /peers -->{after}", encoding="utf-8")


def _markdown(rows: Sequence[Row], missing: Sequence[str], versions: str, date: str) -> str:
    notes = list(dict.fromkeys(deviation for row in rows for deviation in row.deviations))
    words = {"conforms": "conform", "deviates": "deviate as explained", "inconclusive": "inconclusive", "FAILS": "FAIL"}
    count = {words[verdict]: sum(row.verdict == verdict for row in rows) for verdict in words}
    lines = ["# Released samplers against the exact oracle", "", f"{versions}; {date}, by `make peers`.", ""]
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
            claimed = "–" if row.claimed is None else f"{row.claimed:g} ({row.claim})"
            cells += [claimed, _order(row.gaussian), _order(row.mixture)]
        cells += [
            _not_finite(row),
            row.verdict,
            ", ".join(str(1 + notes.index(note)) for note in row.deviations) or "–",
        ]
        lines.append(" | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells))
    return [f"| {line} |" for line in lines]


def _order(order: Sequence[float]) -> str:
    return f"{order[0]:.2f} ± {order[1]:.2f}" if order else "–"


def _not_finite(row: Row) -> str:
    told = [f"not a number at {_ranges(row.not_finite)}"] if row.not_finite else []
    told += [f"raises at {_ranges(row.raises)}"] if row.raises else []
    return "; ".join(told) or ("–" if row.outcomes.get("finite") == "pass" else "raises at every step count")


def _ranges(numbers: Sequence[int]) -> str:
    """Neighbours as ranges: 1, 3–64."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _word(outcome: str) -> str:
    return {"pass": "yes", "": "–"}.get(outcome, "no")
