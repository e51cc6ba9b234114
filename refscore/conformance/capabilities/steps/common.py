"""What the cases of all steps share: the model, the points and their noise, the times, and how rounding grows.

A batch has as many samples as dimensions, where an axis that was not lifted broadcasts without a word; fewer; one;
points far away; one dimension. In "law" it is one point five times, with z = 0, the unit vectors and one more: that is
the mean of the step and the matrix of its noise, so its exact law given x, and a check that it is affine in z. Every
sample has a time of its own. Values are numbers of float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.objectives.common import MODEL, NOISE
from refscore.conformance.capability import Case, Function, Values
from refscore.conformance.fields import Field
from refscore.paths import EDM, VE, VP, Flow, Path, SubVP

__all__ = [
    "BATCHES",
    "LAW",
    "LIFTED",
    "PATHS",
    "TIMES",
    "Batch",
    "claim_of",
    "first",
    "noise_scale",
    "per_sample",
    "step_case",
]

Batch = tuple[Field, Float, Float]

LINE = Field(np.array([[1.5]]), np.array([-0.5]), np.array([0.125]))
X = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -0.125], [-1.0, 4.0, 0.25]])
FAR = np.array([[32.0, 0.0, -0.125], [-3.0, 24.0, 0.5]])
PROBES = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.75, -1.5, 2.25]])

LAW = "law"
LIFTED = "https://github.com/facebookresearch/flow_matching"
BATCHES: dict[str, Batch] = {
    "n=d": (MODEL, X, NOISE),
    LAW: (MODEL, np.tile(X[0], (len(PROBES), 1)), PROBES),
    "n<d": (MODEL, X[1:], NOISE[1:]),
    "n=1": (MODEL, X[2:], NOISE[:1]),
    "far": (MODEL, FAR, NOISE[:2]),
    "d=1": (LINE, X[:, :1], NOISE[:, :1]),
}

PATHS: dict[str, Path] = {
    "vp": VP(),
    "vp,beta=0.5-8": VP(0.5, 8.0),
    "subvp": SubVP(),
    "ve": VE(),
    "ve,sigma=0.125-16": VE(0.125, 16.0),
    "edm": EDM(),
    "flow": Flow(),
}
TIMES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "mid": ((0.75, 0.5, 0.25), (0.5, 0.375, 0.125)),
    "near": ((2.0**-7, float(np.float32(1e-3)), 2.0**-11), (2.0**-8, 2.0**-12, 2.0**-12)),
    "late": ((1.0, 0.96875, 0.875), (0.9375, 0.75, 0.8125)),
    "last": ((2.0**-6, float(np.float32(1e-3)), float(np.float32(1e-5))), (0.0, 0.0, 0.0)),
}


def per_sample(values: tuple[float, ...], n: int) -> Float:
    """One value a sample; the batch of one repeated point shares the first."""
    return np.array(values[:n]) if n <= len(values) else np.full(n, values[0])


def first(values: Float) -> Float:
    """The value of the first sample for all: what codes do that know scalars only."""
    return np.full_like(values, values.flat[0])


def claim_of(batch: str) -> str:
    """What the case of a batch tests, where the formula does not say it."""
    return "from one point with z = 0, unit vectors and one more: mean and noise matrix of the step" * (batch == LAW)


def step_case(
    name: str,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    size: Float,
    *,
    meant: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None,
    random: tuple[int, ...] = (2,),
    claim: str = "",
) -> Case:
    """A case whose conventions are a change of arguments: `meant` is what the reference is asked instead."""
    asked, named = (arguments, keywords) if meant is None else meant

    def expect(function: Function) -> Values:
        return (np.asarray(function(*asked, **named)),)

    return Case(name, arguments, expect, (size,), keywords, claim, random, one_point=name.split(",")[-1] == LAW)


def noise_scale(variance: Float | float, terms: Float | float) -> Float:
    """Size of the root of a variance whose terms have the size `terms`: half of terms/√variance, and the root."""
    root = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(root > 0, 0.5 * terms / root, 0.0)
    return np.asarray(root + grown)
