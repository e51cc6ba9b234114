"""validation/training: every run end to end on a small scale, and what is written into the pages."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from validation.training import __main__ as command
from validation.training import data, learning, pathwise, runs

SMALL = learning.Recipe(hidden=(8, 8), sigma_min=0.1, sigma_max=8.0, n_steps=30, batch=20, rate=1e-2)


@pytest.mark.parametrize("run", [runs.mixture, partial(runs.moons, n_points=100)], ids=["mixture", "moons"])
def test_a_run_has_numbers_and_panels(run):
    outcome = run(SMALL, 20, progress=False)
    assert outcome.losses.shape == (30,)
    assert all(len(row) == len(table.columns) for table in outcome.tables for row in table.rows)
    assert all(np.isfinite(x).all() for x in outcome.panels.values())


def test_digits_run():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    outcome = runs.digits(SMALL, 10, progress=False)
    assert all(x.shape[1] == 64 for x in outcome.panels.values())


def test_training_repeats_to_the_bit():
    points = data.two_moons(100, seed=0)
    first, again = (learning.learn(points, SMALL, progress=False) for _ in range(2))
    np.testing.assert_array_equal(first.losses, again.losses)
    np.testing.assert_array_equal(first.ema_model.pack(), again.ema_model.pack())


def test_pages_get_the_results_between_their_marks(tmp_path):
    begin = command.BEGIN.format("toy")
    page = tmp_path / "toy.md"
    page.write_text(f"# Toy\n\n{begin}\nold\n{command.END}\n\nafter\n", encoding="utf-8")
    table = runs.Table("caption", ("|s|", "b"), (("1", "2"),))
    command.write("toy", runs.Outcome("How.", (table,), np.ones(3), {}), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert "| \\|s\\| | b |\n| --- | --- |\n| 1 | 2 |" in text
    assert text.startswith("# Toy")
    assert text.endswith("\n\nafter\n")
    assert (tmp_path / "toy.json").exists()
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no marks"):
        command.write("toy", runs.Outcome("How.", (table,), np.ones(3), {}), tmp_path)


@pytest.mark.peer
def test_torch_walks_the_same_path():
    pytest.importorskip("torch")
    small = dataclasses.replace(SMALL, n_steps=20)
    ours, theirs, perturbed = pathwise.compare(small)
    allowed = np.maximum(np.maximum.accumulate(abs(perturbed - ours) / ours), 64 * 2.0**-53)
    assert (abs(theirs - ours) / ours <= pathwise.ALLOWED * allowed).all()
    assert not np.array_equal(ours, ours[0] * np.ones_like(ours))
