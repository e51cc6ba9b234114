"""validation/benchmarks/record.py: what is committed is what was measured, and the page says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from validation.benchmarks.record import BEGIN, END, PAGE, RESULTS, duration, record, tables

MACHINE = {
    "processor": "a chip", "cores": 2, "memory_gib": 8, "system": "Linux x86_64", "python": "3.11.7", "blas": "blas 1",
    "versions": {"numpy": "2.4"},
}  # fmt: skip


def part(ratio: float) -> dict[str, Any]:
    row = {"work": "step | one", "peer": "torch", "ratio": ratio, "low": ratio, "high": ratio, "goal": "at least 1.4",
           "verdict": "met" if ratio >= 1.4 else "missed", "seconds": 1e-3, "peer_seconds": 2e-3}  # fmt: skip
    skipped = [{"work": "step", "peer": "jax", "reason": "not installed"}]
    return {"date": "2026-01-01", "command": "a command", "machine": MACHINE, "rows": [row], "skipped": skipped}


def test_a_benchmark_that_was_not_run_keeps_its_results(tmp_path: Path) -> None:
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    record({"training": part(1.5)}, results, page)
    record({"trace": part(1.2)}, results, page)
    assert json.loads(results.read_text(encoding="utf-8")) == {"training": part(1.5), "trace": part(1.2)}
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n" + BEGIN)
    assert text.endswith(END + "\nafter\n")
    assert "old" not in text
    assert "at least 1.4: met" in text
    assert "at least 1.4: **missed**" in text
    assert r"step \| one" in text
    assert "Not compared: step, jax: not installed." in text


def test_a_page_without_a_place_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for the results"):
        record({"training": part(1.5)}, tmp_path / "results.json", page)
    assert not (tmp_path / "results.json").exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.3456, "12.3 s"),
        (1.0, "1 s"),
        (0.00123456, "1.23 ms"),
        (0.9999, "1 s"),
        (4.5678e-5, "45.7 µs"),
        (9.996e-4, "1 ms"),
        (1234.5, "1234 s"),
        (0.0, "0 µs"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.skipif(not RESULTS.exists(), reason="nothing is recorded")
def test_the_committed_page_says_what_was_measured() -> None:
    committed = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip() == tables(committed).strip()
    for found in committed.values():
        for row in found["rows"]:
            assert {"work", "peer", "ratio", "goal"} <= set(row)
