"""python -m validation.benchmarks: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation.benchmarks import __main__ as command
from validation.benchmarks.contest import Settings
from validation.benchmarks.rows import Goal, Row, Skipped

ROW = Row("step, batch 9", "torch eager", 1.5, Goal.at_least(1.4), 2e-3, 1.45, 1.6, 3e-3)
ABSENT = Skipped("step, batch 9", "JAX jit", "jax is not installed (pip install '.[bench]')")


@pytest.fixture(autouse=True)
def nap(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """One benchmark, of one contest that is over at once."""
    seen: list[Settings] = []

    def benchmark(only: str, settings: Settings) -> Iterator[list[Row | Skipped]]:
        seen.append(settings)
        yield [ROW, ABSENT]

    monkeypatch.setattr(command, "BENCHMARKS", {"nap": benchmark})
    return seen


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return command.main()


def test_rows_and_skips_are_printed_and_rows_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, nap: list[Settings]
) -> None:
    file = tmp_path / "rows.json"
    assert called(monkeypatch, "nap", "--json", str(file), "--rounds", "3", "--turn", "0.5") == 0
    out = capsys.readouterr().out
    assert "step, batch 9\n  torch eager" in out
    assert "1.50  1.45 to 1.60          2 ms      3 ms  at least 1.4: met" in out
    assert "skipped: jax is not installed (pip install '.[bench]')" in out
    (row,) = json.loads(file.read_text(encoding="utf-8"))
    assert (row["work"], row["peer"], row["ratio"], row["goal"]) == (
        "step, batch 9",
        "torch eager",
        1.5,
        "at least 1.4",
    )
    assert (nap[0].rounds, nap[0].seconds) == (3, 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["snooze"], "no benchmark 'snooze'; there are nap"),
        (["--record", "--only", "*batch*"], "--record is for whole benchmarks"),
        (["--rounds", "0"], "0 is less than 1"),
    ],
)
def test_what_is_refused(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        called(monkeypatch, *arguments)
    assert message in capsys.readouterr().err


def test_a_record_says_with_what_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, dict[str, object]] = {}
    monkeypatch.setattr(command, "record", made.update)
    assert called(monkeypatch, "--record", "--rounds", "5") == 0
    part = made["nap"]
    assert part["command"] == "python -m validation.benchmarks nap --rounds 5 --turn 0.1"
    assert part["rows"] == [ROW.plain()]
    assert part["skipped"] == [{"work": ABSENT.work, "peer": ABSENT.peer, "reason": ABSENT.reason}]
    machine = part["machine"]
    assert isinstance(machine, dict)
    assert set(machine) == {"processor", "cores", "memory_gib", "system", "python", "blas", "versions"}
