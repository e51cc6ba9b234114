"""The levels at which conversions are tried, and how far rounding may move their results.

What is passed is one pair (x̂0, ε̂) in the form that the conversion starts from, with x = α x̂0 + σ ε̂; so terms cancel as
they do in use. α and σ of the variance-preserving levels are no short numbers: what their own rounding does is part of
the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import Case, Function, Values

__all__ = ["conversion_cases"]

X0 = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -16.0], [-1.0, 4.0, 0.25]])
NOISE = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -1.5], [-0.75, 1.0, 4.0]])

ANGLE = np.array([0.25, 0.75, 1.375])
TIME = np.array([0.5, 0.125, 0.875])
WIDE = np.array([64.0, 0.5, 4.0])
NEAR = 2.0**-10
ONE = np.ones(3)
# α, σ, α', σ' of each sample. As many samples as dimensions first: there an axis that is not lifted broadcasts.
LEVELS: dict[str, tuple[Any, ...]] = {
    "vp,n=d": (np.cos(ANGLE), np.sin(ANGLE), -2 * np.sin(ANGLE), 2 * np.cos(ANGLE)),
    "flow,n=d": (1 - TIME, TIME, -ONE, ONE),
    "ve,n=d": (ONE, WIDE, 0 * ONE, 8 * WIDE),
    "growing,n<d": ([1.0, 0.5], [0.5, 2.0], [1.0, 0.25], [1.0, 4.0]),
    "vp,sigma=1e-3,n=1": ([np.cos(NEAR)], [np.sin(NEAR)], [-2 * np.sin(NEAR)], [2 * np.cos(NEAR)]),
    "flow,sigma=1e-3,n=1": ([1 - NEAR], [NEAR], [-1.0], [1.0]),
    "flow,alpha=1e-3,n=1": ([NEAR], [1 - NEAR], [-1.0], [1.0]),
    "flow,d=1": (1 - TIME, TIME, -ONE, ONE),
}


def conversion_cases(name: str) -> Iterator[Case]:
    """Every level, in the form that the conversion `name` starts from."""
    source, target = name.split("_to_")
    for level, given in LEVELS.items():
        levels = tuple(np.asarray(part, dtype=np.float64) for part in given)
        a, s, da, ds = lifted = tuple(part[:, None] for part in levels)
        n, d = len(a), 1 if level.endswith("d=1") else 3
        x0, noise = X0[:n, :d], NOISE[:n, :d]
        x = a * x0 + s * noise
        forms = {
            "score": -noise / s,
            "noise": noise,
            "data": x0,
            "v": a * noise - s * x0,
            "velocity": da * x0 + ds * noise,
        }
        arguments = (forms[source], x, *(levels if "velocity" in name else levels[:2]))
        yield Case(level, arguments, _expecting(arguments), (_size(source, target, forms[source], x, *lifted),))


def _expecting(arguments: tuple[Float, ...]) -> Any:
    def expect(function: Function) -> Values:
        return (np.asarray(function(*arguments)),)

    return expect


def _size(source: str, target: str, value: Float, x: Float, a: Float, s: Float, da: Float, ds: Float) -> Float:
    """The formulas with every term made positive: first the pair (ε̂, x̂0), then the target from it.

    Twice that, since the plain formula has three roundings on the way to a single product or quotient.
    """
    determinant = np.abs(a * ds - da * s)
    v, x, da, ds = np.abs(value), np.abs(x), np.abs(da), np.abs(ds)
    total = a**2 + s**2
    turn = (a * ds + da * s) / determinant**2  # 1/w, times what w loses by cancellation
    noise, data = {
        "score": (s * v, (x + s**2 * v) / a),
        "noise": (v, (x + s * v) / a),
        "data": ((x + a * v) / s, v),
        "v": ((s * x + a * v) / total, (a * x + s * v) / total),
        "velocity": ((a * v + da * x) * turn, (ds * x + s * v) * turn),
    }[source]
    if {"v", "velocity"} & {source, target}:
        # Lets pass codes that get one of the pair from the other by (PRED.1): a worse algebra, not a wrong one.
        noise, data = noise + (x + a * data) / s, data + (x + s * noise) / a
    size: Float = {
        "score": noise / s,
        "noise": noise,
        "data": data,
        "v": a * noise + s * data,
        "velocity": da * data + ds * noise,
    }[target]
    return 2 * size
