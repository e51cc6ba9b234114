"""validation/peers/sources.py, and the options of `make peers`: what is lacking is said, files are known by content."""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rich")

from validation.peers import __main__ as command
from validation.peers.rows import Checked, Row, read
from validation.peers.sources import SOURCES, module_of

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


def test_the_digest_is_of_all_files_one_after_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    two = replace(EDM, files=("a.py", "b.py"), digest=hashlib.sha256(b"onetwo").hexdigest())
    monkeypatch.setenv(EDM.variable, str(tmp_path))
    (tmp_path / "a.py").write_text("one", encoding="utf-8")
    assert two.lacking == "b.py not in the path given"
    (tmp_path / "b.py").write_text("two", encoding="utf-8")
    assert two.version == "008a4e5"
    assert replace(two, files=("b.py", "a.py")).version == "not 008a4e5"


def test_every_source_has_a_digest_of_its_own() -> None:
    assert all(len(source.digest) == 64 and int(source.digest, 16) for source in SOURCES.values())
    assert len({source.digest for source in SOURCES.values()}) == len(SOURCES)
    assert [source.variable for source in SOURCES.values()] == [
        "REFSCORE_PEER_DPM_SOLVER",
        "REFSCORE_PEER_SCORE_SDE_PYTORCH",
        "REFSCORE_PEER_EDM",
    ]


def test_a_file_is_imported_and_nothing_of_its_folder_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(EDM.variable, str(tmp_path))
    with pytest.raises(ImportError, match=r"generate\.py not in the path given"):
        module_of("edm", "generate.py")
    (tmp_path / "generate.py").write_text("import helper_of_it\nVALUE = helper_of_it.VALUE + 1\n", encoding="utf-8")
    (tmp_path / "helper_of_it.py").write_text("VALUE = 41\n", encoding="utf-8")
    before, path = set(sys.modules), list(sys.path)
    assert module_of("edm", "generate.py").VALUE == 42
    assert set(sys.modules) == before
    assert sys.path == path


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
