"""validation/benchmarks/agreement.py: rounding passes, everything else is told."""

from __future__ import annotations

import numpy as np
import pytest

from validation.benchmarks.agreement import same_training, same_values
from validation.benchmarks.problems import Forward, Training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_are_rounded_and_values_that_are_wrong(dtype: str) -> None:
    problem = Forward("silu", 50, dtype)
    own = np.linspace(1, 2, 100).reshape(50, 2).astype(dtype)
    unit = float(np.finfo(dtype).eps) / 2
    assert same_values(problem, [own], [(own * (1 + 8 * unit)).astype(dtype)]) is None
    assert "differs" in str(same_values(problem, [own], [(own * (1 + 1000 * unit)).astype(dtype)]))
    assert "shape" in str(same_values(problem, [own], [own[:-1]]))
    other = "float64" if dtype == "float32" else "float32"
    assert f"expected {dtype}" in str(same_values(problem, [own], [own.astype(other)]))


def test_loss_gradient_and_updates_are_all_looked_at() -> None:
    problem = Training("silu", 8, "float64")
    own = [np.array(2.0), np.linspace(-1, 1, 7), np.linspace(-1, 1, 7)]
    assert same_training(problem, own, own) is None
    for at, name in ((0, "loss"), (1, "gradient"), (2, "parameters")):
        peer = [array.copy() for array in own]
        peer[at] = peer[at] * (1 + 1e-5)
        assert str(same_training(problem, own, peer)).startswith(name)
