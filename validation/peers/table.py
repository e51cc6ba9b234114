"""The results as tables: one row a sampler or another function, for programs, for people, in short for the README."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from validation.peers.rows import Checked, Deviation, Row

__all__ = ["renew", "write"]

ASKED = """\
Every sampler is run as it is released, with the exact model of a known target in place of a network, in float64 unless
it says float32. Nothing is sampled: one run on a basis gives its exact law. Where orders are asked for, the steps are
the library's and the noise levels smooth, from σ/α = 5 to 0.05; the grids as released are looked at on their own.

* **mean**: without noise the mean of the start goes to the mean of the end, at every step count from 5 to 64. It is
  not asked for ("–") of a method that steps through the drift of α too, as Euler–Maruyama on VP: its order says it.
* **W₂**: distance of the exact law of the output to the exact law of the target at the last noise level, for N(m, C)
  with m = (0.75, -0.375), C = ((0.5, 0.125), (0.125, 0.1875)).
* **order**: extrapolated from four step counts, on that Gaussian and along paths of a mixture (methods without noise),
  against the order that is claimed. Multistep methods without noise are started with short steps.
* **not finite**: step counts from 1 to 64 at which a state is not a number or the library raises.
* **predictions**: all of these give the same run, unless it says that they differ.

"At fewer step counts" is up to 30 instead of 64.

Paths, conversions, steps and losses are functions with a value: they are compared with it, case by case, as far as
rounding goes; `refscore explain CAPABILITY` says what is asked.
"""

WIDE = 4  # libraries in a line of the README

# For the README: what is told there while a deviation's reason has the words before it.
FINDINGS = {
    "dpmsolver_multistep.py:1116": "the third-order multistep DPM-Solver lacks a factor 2, as its authors' code does",
    "sample.py:944": "azula's REAB has order 1",
    "scheduling_ddim.py:445": "DDIM leaves the data's mean where its timesteps are unevenly spaced",
    "scheduling_pndm.py:435": "PNDM has order 1 where the model predicts v",
}


def write(folder: Path, rows: Sequence[Row], others: Sequence[Checked], missing: Sequence[str], versions: str) -> None:
    """Write ``results.json`` and ``results.md``.

    Parameters
    ----------
    folder : Path
        Where.
    rows : sequence of Row
        All samplers.
    others : sequence of Checked
        All other functions.
    missing : sequence of str
        Parts that were never run, and why.
    versions : str
        What was run.
    """
    head = json.dumps({"versions": versions, "missing": list(missing)}, ensure_ascii=False)
    body, more = (",\n".join(json.dumps({**asdict(row), "verdict": row.verdict}, ensure_ascii=False) for row in some)
                  for some in (rows, others))  # fmt: skip
    text = f'{head[:-1]}, "rows": [\n{body}\n], "capabilities": [\n{more}\n]}}\n'
    (folder / "results.json").write_text(text, encoding="utf-8")
    (folder / "results.md").write_text(_markdown(rows, others, missing, versions), encoding="utf-8")


def renew(readme: Path, rows: Sequence[Row], others: Sequence[Checked]) -> None:
    """Put a short table between the marks ``<!-- peers -->`` of a README.

    Parameters
    ----------
    readme : Path
        The file.
    rows : sequence of Row
        All samplers.
    others : sequence of Checked
        All other functions.
    """
    every: list[Row | Checked] = [*rows, *others]
    cells = []
    for library in dict.fromkeys(row.library for row in every):
        mine = [row for row in every if row.library == library]
        cells.append(f"{library} {mine[0].version} | {sum(row.verdict == 'conforms' for row in mine)} of {len(mine)}")
    cells += [" | "] * (-len(cells) % WIDE)
    lines = [f"| {' | '.join(['library | conform'] * WIDE)} |", f"| {' | '.join(['---'] * 2 * WIDE)} |"]
    lines += [f"| {' | '.join(cells[at : at + WIDE])} |" for at in range(0, len(cells), WIDE)]
    reasons = [deviation.reason for row in every for deviation in row.deviations]
    told = [text for words, text in FINDINGS.items() if any(words in reason for reason in reasons)]
    found = f", e.g. {'; '.join(told)}" if told else ""
    link = "[every deviation is explained](validation/peers/results.md)"
    dates = sorted({row.date for row in every})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    sentence = f"By `make peers`, with the perfect model, {when}; {link}{found}."
    block = "\n".join([*lines, "", textwrap.fill(sentence, 120, break_long_words=False, break_on_hyphens=False)])
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- peers -->\n")
    _, _, after = rest.partition("<!-- /peers -->")
    readme.write_text(f"{before}<!-- peers -->\n{block}\n<!-- /peers -->{after}", encoding="utf-8")


def _markdown(rows: Sequence[Row], others: Sequence[Checked], missing: Sequence[str], versions: str) -> str:
    every: list[Row | Checked] = [*rows, *others]
    notes = list(dict.fromkeys(deviation for row in every for deviation in row.deviations))
    lines = ["# Released samplers against the exact oracle", "", f"{versions}; by `make peers`.", ""]
    lines += [f"{_count(rows, 'samplers')}"] + ([f"{_count(others, 'other functions')}"] if others else []) + [""]
    lines += [ASKED]
    lines += [f"**{part}: left out.**\n" for part in missing]
    for part in dict.fromkeys(row.part for row in every):
        dates = " and ".join(sorted({row.date for row in every if row.part == part}))
        few = ", at fewer step counts" if any(row.profile == "quick" for row in rows if row.part == part) else ""
        lines += [f"## {part}", "", f"Run on {dates}{few}.", ""]
        lines += _section(_table([row for row in rows if row.part == part], notes))
        lines += _section(_functions([row for row in others if row.part == part], notes))
    lines += ["## Deviations", ""]
    for number, note in enumerate(notes, 1):
        link = f" <{note.link}>" if note.link else ""
        lines += [f"{number}. **{note.whose}**: {note.reason}.{link}"]
    return "\n".join(lines).rstrip() + "\n"


def _count(rows: Sequence[Row | Checked], what: str) -> str:
    words = {"conforms": "conform", "deviates": "deviate as explained", "inconclusive": "inconclusive", "FAILS": "FAIL"}
    count = {words[verdict]: sum(row.verdict == verdict for row in rows) for verdict in words}
    return f"{len(rows)} {what}: " + ", ".join(f"{n} {word}" for word, n in count.items() if n) + "."


def _section(table: list[str]) -> list[str]:
    return [*table, ""] if len(table) > 2 else []  # a head and a rule are no table


def _functions(rows: Sequence[Checked], notes: Sequence[Deviation]) -> list[str]:
    lines = ["function | capability | conventions | cases that conform | verdict | see", " | ".join(["---"] * 6)]
    for row in rows:
        right = sum(outcome == "pass" for outcome in row.outcomes.values())
        cells = [row.function, row.capability, row.conventions or "–", f"{right} of {len(row.outcomes)}", row.verdict,
                 _see(row, notes)]  # fmt: skip
        lines.append(_cells(cells))
    return [f"| {line} |" for line in lines]


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
        lines.append(_cells([*cells, _not_finite(row), row.verdict, _see(row, notes)]))
    return [f"| {line} |" for line in lines]


def _cells(cells: Sequence[str]) -> str:
    return " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells)


def _see(row: Row | Checked, notes: Sequence[Deviation]) -> str:
    return ", ".join(str(1 + notes.index(note)) for note in row.deviations) or "–"


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
