"""Noise that is given instead of drawn, and a score whose values are given, too: what a step on a tape is made of."""

from __future__ import annotations

from typing import Any

from refscore_kernels.cpu.lanes.steps import linear, simple


def copied(z: Any, d: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """z[:d, :n] = keys[step, :, chain : chain + n]: a tape stands where the keys of a seed do."""
    for i in range(d):
        for l in range(n):
            z[i, l] = keys[step, i, chain + l]


def answered(x: Any, g: Any, n: Any, level: Any, params: Any, work: Any) -> None:
    """Score number `level` of a step is answers[level], and asked[level] is where; all lanes are in one block."""
    answers, asked = params
    for i in range(x.shape[0]):
        for l in range(n):
            asked[level, i, l] = x[i, l]
            g[i, l] = answers[level, i, l]


def run_simple_answered(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the simple form with scores that are given."""
    simple(answered, params, rows, y, plan, place, span, keys)


def run_linear_answered(params: Any, rows: Any, y: Any, plan: Any, place: Any, span: Any, keys: Any) -> None:
    """Steps of the general form with scores that are given."""
    linear(answered, params, rows, y, plan, place, span, keys)
