"""README.md: its code runs, and the verdict it shows is what the command prints."""

import re
from pathlib import Path

from refscore.cli import main
from refscore.conformance import CATALOGUE

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.S)
SHOWN = re.findall(r"```text\n(.*?)```", README, flags=re.S)


def test_the_code_runs():
    namespace = {}
    for block in PYTHON:
        exec(block, namespace)


def test_the_verdict_is_what_the_command_prints(tmp_path, monkeypatch, capfd):
    (tmp_path / "my_adapter.py").write_text(PYTHON[0])
    monkeypatch.chdir(tmp_path)
    assert main(["check", "my_adapter.py"]) == 1
    printed = capfd.readouterr().out.splitlines()
    shown = [line for line in SHOWN[0].splitlines() if line]
    assert [line for line in shown if line not in printed] == []


def test_the_capabilities_are_counted():
    assert f"has the {len(CATALOGUE)} capabilities" in README


def test_it_fits_a_few_screens():
    assert len(README.splitlines()) <= 120
