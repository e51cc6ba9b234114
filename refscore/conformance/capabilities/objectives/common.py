"""What the cases of all objectives share: the models, the points, and what the conventions make of a value.

Inputs are dyadic: the same real numbers in every dtype. The model is no gradient field (A not symmetric, b not zero, a
cubic term); the batch has one sample, fewer samples than dimensions, and as many samples as dimensions, where an axis
that was not lifted broadcasts without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import Case, Convention, Function, Values
from refscore.conformance.fields import Field

__all__ = ["BATCHES", "COMMON", "DATA_SCORE", "MODEL", "NOISE", "half_square", "objective_case"]

FACTOR = Convention("factor", 0.5, (0.5, 1, 2), "what stands before the squared norm")
REDUCTION = Convention("reduction", "none", ("none", "mean", "sum"), "per sample, or over the batch")
DIMENSION = Convention("dimension", "sum", ("sum", "mean"), "over the dimensions of a sample")
COMMON = (FACTOR, REDUCTION, DIMENSION)

MODEL = Field(
    np.array([[2.0, 0.5, 0.0], [-0.25, 1.5, 0.125], [0.0, 1.0, 3.0]]),
    np.array([0.5, -1.0, 2.0]),
    np.array([0.25, -0.125, 0.0625]),
)
DATA_SCORE = Field(
    np.array([[1.0, 0.25, 0.5], [0.5, 2.0, 0.0], [-0.125, 0.75, 1.0]]),
    np.array([-1.0, 0.25, 0.5]),
    np.array([0.0, 0.125, -0.25]),
)
X = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -0.125], [-1.0, 4.0, 0.25]])
NOISE = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -1.5], [-0.75, 1.0, 4.0]])
FAR = np.array([[256.0, 0.0, -0.125], [-3.0, 96.0, 0.5]])
BATCHES = {"n=d": X, "n<d": X[:2], "n=1": X[1:2], "far": FAR}


def declared(conventions: Mapping[str, Any], d: int) -> tuple[Function, Function]:
    """What the declared conventions make of per-sample values, and of the size of their terms."""
    scale = float(conventions["factor"]) / 0.5 / (d if conventions["dimension"] == "mean" else 1)
    reduction = conventions["reduction"]

    def reduce(values: Float) -> Float:
        return values if reduction == "none" else np.asarray(getattr(values, reduction)(-1))

    def value(per_sample: Float) -> Float:
        return reduce(scale * per_sample)

    def size(per_sample: Float, values: Float) -> Float:
        own = 1 + (0 if conventions["reduction"] == "none" else len(values))
        return reduce(scale * (per_sample + own * np.abs(values)))

    return value, size


def objective_case(
    name: str,
    conventions: Mapping[str, Any],
    arguments: tuple[Any, ...],
    reference: Function,
    size: Float,
    weight: Float | float = 1.0,
    random: tuple[int, ...] = (),
    keywords: Mapping[str, Any] | None = None,
) -> Case:
    """A case of an objective under its conventions; `size` and `weight` are per sample."""
    d, named = arguments[1].shape[-1], keywords or {}
    value, widen = declared(conventions, d)

    def expect(function: Function) -> Values:
        return (value(weight * np.asarray(function(*arguments, **named))),)

    with np.errstate(all="ignore"):
        exact = np.asarray(reference(*arguments, **named))
    return Case(name, arguments, expect, (widen(weight * size, weight * exact),), named, random=random)


def half_square(residual: Float, terms: Float) -> Float:
    """Size of the terms of ½|r|² when r has terms of this size: |r|·terms + ½|r|², and terms² where r vanishes."""
    return np.asarray((np.abs(residual) * terms + residual**2 / 2 + 2.0**-24 * terms**2).sum(-1))
