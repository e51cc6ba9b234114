"""exp, log, sin and cos against ball arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refscore_kernels import elementary as e

flint = pytest.importorskip("flint", reason="the truth comes from python-flint")


def worst(found: Any, arguments: Any, truth: str, unit: float) -> float:
    """The largest error in units of `unit` times the value, in ball arithmetic of 120 bits."""
    errors = []
    old, flint.ctx.prec = flint.ctx.prec, 120
    try:
        for x, y in zip(arguments.tolist(), found.tolist()):
            exact = getattr(flint.arb(x), truth)()
            errors.append(abs(float((flint.arb(y) - exact) / (abs(exact) * unit))))
    finally:
        flint.ctx.prec = old
    return max(errors)


def spread(low: float, high: float, dtype: Any, n: int = 3001) -> Any:
    """Numbers from low to high, no two alike in their last bits."""
    return (low + (high - low) * np.modf(np.arange(1, n) * 0.6180339887498949)[0]).astype(dtype)


def test_exponential() -> None:
    x = spread(-700, 0, np.float64)
    assert worst(e.exponential_64(x), x, "exp", 2.0**-53) < 1.7
    x = spread(-87, 0, np.float32)
    assert worst(e.exponential_32(x), x, "exp", 2.0**-24) < 2.2


def test_minus_log() -> None:
    u = np.concatenate([spread(0, 1, np.float64), 2.0 ** -np.arange(1, 53), spread(1, 1000, np.float64)])
    assert worst(-e.minus_log_64(u), u, "log", 2.0**-53) < 2.1
    u = np.concatenate([spread(2**-24, 1, np.float32), np.float32(2.0) ** -np.arange(1, 33, dtype=np.float32)])
    assert worst(-e.minus_log_32(u), u, "log", 2.0**-24) < 2.5


def test_sine_and_cosine() -> None:
    x = spread(-np.pi / 4, np.pi / 4, np.float64)
    for value, name in zip(e.sine_cosine_64(x), ("sin", "cos")):
        assert worst(value, x, name, 2.0**-53) < 1.8
    x = spread(-0.7853981, 0.7853981, np.float32)
    for value, name in zip(e.sine_cosine_32(x), ("sin", "cos")):
        assert worst(value, x, name, 2.0**-24) < 2.5


def test_types_stay() -> None:
    x = spread(-1, 0, np.float32, 10)
    values = (e.exponential_32(x), e.minus_log_32(-x), *e.sine_cosine_32(x / 2))
    assert all(value.dtype == np.float32 for value in values)
