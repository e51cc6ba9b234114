"""validation/peers/table.py: verdicts, and a table that says everything once; and the file of known deviations."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import replace
from pathlib import Path

import pytest

from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.expected import read_expected
from validation.peers import table
from validation.peers.rows import Checked, Deviation, Row, read
from validation.peers.table import renew, write

HERE = Path(table.__file__).parent

NOTE = Deviation("theirs", "line 7 has - for +", "https://example.org/7")
ROW = Row(
    part="lib: steps",
    library="lib",
    version="1.0",
    sampler="heun | fast",
    date="today",
    claimed=2.0,
    claim="its paper",
    predictions=("noise", "v"),
    outcomes={"finite": "pass", "mean": "pass", "order-gaussian": "pass"},
    errors=((20, 1.234e-3), (40, 3.1e-4)),
    gaussian=(2.003, 0.0061),
    mixture=(),
    not_finite=(),
    raises=(),
    deviations=(),
)
PATH = Checked(
    part="lib: paths",
    library="lib",
    version="1.0",
    function="cosine",
    date="yesterday",
    capability="path.cosine",
    conventions="time=data_at_1",
    outcomes={"api": "pass", "s=0.008": "pass"},
    deviations=(),
)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"mean": "pass"}, "conforms"),
        ({"mean": "xfail", "finite": "pass"}, "deviates"),
        ({"mean": "xfail", "finite": "inconclusive"}, "inconclusive"),
        ({"mean": "blocked", "finite": "xfail"}, "deviates"),
        ({"mean": "blocked", "finite": "pass"}, "FAILS"),
        ({"mean": "xpass"}, "FAILS"),
        ({"mean": "error", "finite": "xfail"}, "FAILS"),
    ],
)
def test_verdict(outcomes: dict[str, str], verdict: str) -> None:
    assert replace(ROW, outcomes=outcomes).verdict == verdict


def test_a_deviation_is_told_once_and_pointed_at_by_number(tmp_path: Path) -> None:
    rows = [replace(ROW, sampler=name, outcomes={"mean": "xfail"}, deviations=(NOTE,)) for name in ("a", "b")]
    write(tmp_path, [ROW, *rows], [], ["other: steps: other not installed"], "lib 1.0")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text.count("line 7 has - for +") == 1
    assert "| deviates | 1 |" in text
    assert "3 samplers: 1 conform, 2 deviate as explained." in text
    assert "**other: steps: other not installed: left out.**" in text
    assert "heun \\| fast" in text  # a bar in a name does not make a column
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_both_files_hold_the_same_facts(tmp_path: Path) -> None:
    write(tmp_path, [ROW], [], [], "lib 1.0")
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert row["verdict"] == "conforms"
    assert row["errors"] == [[20, 1.234e-3], [40, 3.1e-4]]
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "1.2e-03 (20) 3.1e-04 (40)" in text
    assert "| 2 (its paper) | 2.00 ± 0.01 | – | – |" in text


def test_no_order_is_shown_where_none_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, [replace(ROW, claimed=None)], [], [], "lib 1.0")
    assert "claimed" not in (tmp_path / "results.md").read_text(encoding="utf-8").split("## lib")[1]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"not_finite": (1, 3, 4, 5)}, "not a number at 1, 3–5"),
        ({"raises": (3,), "not_finite": (1, 2)}, "not a number at 1–2; raises at 3"),
        ({"outcomes": {"finite": "xfail"}}, "raises at every step count"),
    ],
)
def test_step_counts_are_told_as_ranges(tmp_path: Path, found: dict[str, object], told: str) -> None:
    write(tmp_path, [replace(ROW, **found)], [], [], "lib 1.0")
    assert f"| {told} |" in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_the_readme_is_renewed_between_its_marks_only(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n", encoding="utf-8")
    words = next(iter(table.FINDINGS))
    rows = [ROW, replace(ROW, outcomes={"mean": "xfail"}, deviations=(Deviation("theirs", f"{words} is off", ""),))]
    for _ in range(2):  # again and again
        renew(readme, rows, [])
        before, *block, after = readme.read_text(encoding="utf-8").splitlines()
        assert (before, block[0], block[-1], after) == ("before", "<!-- peers -->", "<!-- /peers -->", "after")
        assert "| lib 1.0 | 1 of 2 |  |  |  |  |  |  |" in block
        assert table.FINDINGS[words] in " ".join(block)
        assert len(block) <= 10


def test_a_finding_goes_with_its_deviation(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("<!-- peers -->\n<!-- /peers -->\n", encoding="utf-8")
    renew(tmp_path / "README.md", [ROW], [])
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert not [finding for finding in table.FINDINGS.values() if finding in text]


def test_other_functions_have_a_table_of_their_own(tmp_path: Path) -> None:
    off = replace(PATH, outcomes={"api": "pass", "s=0.008": "xfail", "s=0": "xfail"}, deviations=(NOTE,))
    write(tmp_path, [ROW], [PATH, off], [], "lib 1.0")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "1 samplers: 1 conform.\n2 other functions: 1 conform, 1 deviate as explained." in text
    assert "## lib: paths\n\nRun on yesterday.\n\n| function | capability |" in text
    assert "| cosine | path.cosine | time=data_at_1 | 2 of 2 | conforms | – |" in text
    assert "| cosine | path.cosine | time=data_at_1 | 1 of 3 | deviates | 1 |" in text
    (tmp_path / "README.md").write_text("<!-- peers -->\n<!-- /peers -->\n", encoding="utf-8")
    renew(tmp_path / "README.md", [ROW], [PATH, off])
    assert "| lib 1.0 | 2 of 3 |" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "today to yesterday" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    rows, others = [replace(ROW, deviations=(NOTE,))], [replace(PATH, deviations=(NOTE,))]
    assert read(tmp_path) == ([], [])
    write(tmp_path, rows, others, [], "lib 1.0")
    first = (tmp_path / "results.json").read_text(encoding="utf-8")
    write(tmp_path, *read(tmp_path), [], "lib 1.0")
    assert (tmp_path / "results.json").read_text(encoding="utf-8") == first


def test_what_is_committed_is_one_state(tmp_path: Path) -> None:
    """``results.md`` and the README say what ``results.json`` says."""
    found = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    rows, others = read(HERE)
    told = [row["verdict"] for row in (*found["rows"], *found["capabilities"])]
    assert [row.verdict for row in (*rows, *others)] == told
    assert set(told) <= {"conforms", "deviates"}
    write(tmp_path, rows, others, found["missing"], found["versions"])
    for name in ("results.json", "results.md"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (HERE / name).read_text(encoding="utf-8")
    readme = (HERE.parent.parent / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    renew(tmp_path / "README.md", rows, others)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme


def test_every_known_deviation_says_whose_it_is_and_speaks_of_a_capability() -> None:
    entries = [entry for path in HERE.glob("*.toml") for entry in read_expected(str(path))]
    assert len(entries) > 30
    for entry in entries:
        assert entry.reason.split(": ")[0] in ("theirs", "convention", "ours"), entry.reason
        assert fnmatch.filter(CATALOGUE, entry.check.split("/")[0]), entry.check
        assert entry.adapter != "*", entry.reason
