"""validation/peers/sources.py, and the options of `make peers`: what is lacking is said, files are known by content."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rich")

from validation.peers import __main__ as command
from validation.peers.rows import Checked, Row, read
from validation.peers.sources import SOURCES

EDM = SOURCES["edm"]


def test_without_a_path_it_says_what_to_fetch_and_which_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EDM.variable, raising=False)
    assert EDM.lacking == "fetch https://github.com/NVlabs/edm (commit 008a4e5) and say --source edm=PATH"


def test_the_files_tell_the_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(EDM.variable, str(tmp_path))
    assert EDM.lacking == "generate.py not in the path given"
    (tmp_path / "generate.py").write_text("changed", encoding="utf-8")
    assert EDM.lacking == ""
    assert EDM.version == "not 008a4e5"
    assert replace(EDM, digest=hashlib.sha256(b"changed").hexdigest()).version == "008a4e5"


@pytest.mark.parametrize("text", ["edm", "edm=", "elsewhere=/tmp"])
def test_a_source_is_a_known_name_and_a_path(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected NAME=PATH with NAME one of dpm-solver,"):
        command._source(text)


def test_a_part_renews_its_own_rows_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = tuple(command.Part(heading, f"{heading}.py", ()) for heading in ("one", "two", "three"))
    monkeypatch.setattr(command, "PARTS", parts)
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "README", tmp_path / "README.md")
    command.README.write_text("<!-- peers -->\n<!-- /peers -->\n", encoding="utf-8")
    row = Row("two", "lib", "1", "a", "1", None, "", (), {"mean": "pass"}, (), (), (), (), (), ())
    path = Checked("one", "lib", "1", "p", "1", "path.flow", "", {"api": "pass"}, ())
    command._renew([row, replace(row, sampler="b")], [path], ["two", "one"])
    command._renew([replace(row, sampler="c", date="2"), replace(row, part="one")], [], ["one", "two"])
    rows, others = read(tmp_path)
    assert [(row.part, row.sampler) for row in rows] == [("one", "a"), ("two", "c")]
    assert others == []
    command._renew([], [replace(path, part="two")], ["two"])
    rows, others = read(tmp_path)
    assert [row.part for row in (*rows, *others)] == ["one", "two"]
    assert "**three: not run: left out.**" in (tmp_path / "results.md").read_text(encoding="utf-8")
