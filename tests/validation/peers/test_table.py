"""validation/peers/table.py: verdicts, and a table that says everything once; and the file of known deviations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from refscore.conformance.expected import read_expected
from validation.peers import table
from validation.peers.table import Deviation, Row, write

NOTE = Deviation("theirs", "line 7 has - for +", "https://example.org/7")
ROW = Row(
    part="lib: steps",
    library="lib",
    version="1.0",
    sampler="heun | fast",
    claimed=2.0,
    claim="its paper",
    predictions=("noise", "v"),
    outcomes={"finite": "pass", "mean": "pass", "order-gaussian": "pass"},
    errors=((20, 1.234e-3), (40, 3.1e-4)),
    gaussian="2.00 ± 0.01",
    mixture="",
    finite="",
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
    write(tmp_path, [ROW, *rows], ["other: steps (other)"], "lib 1.0; today")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text.count("line 7 has - for +") == 1
    assert "| deviates | 1 |" in text
    assert "3 samplers: 1 conform, 2 deviate as explained." in text
    assert "**other: steps (other): not installed, left out.**" in text
    assert "heun \\| fast" in text  # a bar in a name does not make a column
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_both_files_hold_the_same_facts(tmp_path: Path) -> None:
    write(tmp_path, [ROW], [], "lib 1.0; today")
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert row["verdict"] == "conforms"
    assert row["errors"] == [[20, 1.234e-3], [40, 3.1e-4]]
    assert "1.2e-03 (20) 3.1e-04 (40)" in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_no_order_is_shown_where_none_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, [replace(ROW, claimed=None)], [], "lib 1.0; today")
    assert "claimed" not in (tmp_path / "results.md").read_text(encoding="utf-8").split("## lib")[1]


def test_every_known_deviation_says_whose_it_is_and_speaks_of_a_black_box() -> None:
    for entry in read_expected(str(Path(table.__file__).parent / "expected.toml")):
        assert entry.reason.split(": ")[0] in ("theirs", "convention", "ours"), entry.reason
        assert entry.check.startswith("sampler.black_box/"), entry.check
        assert entry.adapter != "*", entry.reason
