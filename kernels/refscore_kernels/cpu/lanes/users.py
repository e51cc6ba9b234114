"""Steps with a score that somebody wrote: it is an argument of the kernel, which is compiled for it in each process."""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.steps import linear, simple


def call_simple(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form."""
    simple(score, params, rows, y, plan, place, span, keys)


def call_linear(score: Any, params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form."""
    linear(score, params, rows, y, plan, place, span, keys)
