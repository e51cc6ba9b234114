"""The twenty conversions: formula, label, and the mistakes people make with each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from refscore.conformance.capabilities.conversions.mistakes import Formula

__all__ = ["ROWS", "Row"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One conversion.

    Parameters
    ----------
    name, formula, label : str
        e.g. "score_to_noise", the formula in words, its label.
    right : callable
        The formula for lifted arrays.
    mistakes : str
        Names of the mistakes that change any formula.
    own : mapping
        Mistakes that have a formula of their own here.
    """

    name: str
    formula: str
    label: str
    right: Formula
    mistakes: str
    own: Mapping[str, Formula] = field(default_factory=dict)


ROWS = (
    Row("score_to_noise", "ε̂ = −σ s", "PRED.4", lambda v, x, a, s: -s * v,
        "sign variance root swapped vp",
        {"inverse": lambda v, x, a, s: -v / s, "unscaled": lambda v, x, a, s: -v}),
    Row("score_to_data", "x̂₀ = (x + σ² s)/α", "PRED.5", lambda v, x, a, s: (x + s**2 * v) / a,
        "value-sign root swapped alpha-bar no-alpha vp",
        {"early": lambda v, x, a, s: x / a + s**2 * v}),
    Row("score_to_v", "v = −α σ s − σ (x + σ² s)/α", "PRED.6", lambda v, x, a, s: -a * s * v - s * (x + s**2 * v) / a,
        "negative swapped value-sign no-alpha",
        {"plus": lambda v, x, a, s: -a * s * v + s * (x + s**2 * v) / a,
         "noisy": lambda v, x, a, s: -a * s * v - s * x,
         "vp": lambda v, x, a, s: -s * (v + x) / a}),
    Row("noise_to_score", "s = −ε̂/σ", "PRED.7", lambda v, x, a, s: -v / s,
        "sign variance root swapped vp",
        {"inverse": lambda v, x, a, s: -s * v, "unscaled": lambda v, x, a, s: -v}),
    Row("noise_to_data", "x̂₀ = (x − σ ε̂)/α", "PRED.8", lambda v, x, a, s: (x - s * v) / a,
        "value-sign variance swapped alpha-bar no-alpha vp",
        {"early": lambda v, x, a, s: x / a - s * v}),
    Row("noise_to_v", "v = α ε̂ − σ (x − σ ε̂)/α", "PRED.9", lambda v, x, a, s: a * v - s * (x - s * v) / a,
        "negative swapped value-sign no-alpha",
        {"plus": lambda v, x, a, s: a * v + s * (x - s * v) / a,
         "noisy": lambda v, x, a, s: a * v - s * x,
         "vp": lambda v, x, a, s: (v - s * x) / a}),
    Row("data_to_score", "s = (α x̂₀ − x)/σ²", "PRED.10", lambda v, x, a, s: (a * v - x) / s**2,
        "sign root swapped alpha-bar no-alpha vp"),
    Row("data_to_noise", "ε̂ = (x − α x̂₀)/σ", "PRED.11", lambda v, x, a, s: (x - a * v) / s,
        "sign variance swapped alpha-bar no-alpha vp unconverted"),
    Row("data_to_v", "v = α (x − α x̂₀)/σ − σ x̂₀", "PRED.12", lambda v, x, a, s: a * (x - a * v) / s - s * v,
        "negative swapped no-alpha",
        {"plus": lambda v, x, a, s: a * (x - a * v) / s + s * v,
         "noisy": lambda v, x, a, s: a * (x - a * v) / s - s * x,
         "vp": lambda v, x, a, s: (a * x - v) / s}),
    Row("v_to_score", "s = −(σ x + α v)/(σ (α² + σ²))", "PRED.13",
        lambda v, x, a, s: -(s * x + a * v) / (s * (a**2 + s**2)),
        "sign value-sign swapped",
        {"vp": lambda v, x, a, s: -(s * x + a * v) / s,
         "root-total": lambda v, x, a, s: -(s * x + a * v) / (s * np.sqrt(a**2 + s**2)),
         "unscaled": lambda v, x, a, s: -(s * x + a * v) / (a**2 + s**2)}),
    Row("v_to_noise", "ε̂ = (σ x + α v)/(α² + σ²)", "PRED.14", lambda v, x, a, s: (s * x + a * v) / (a**2 + s**2),
        "value-sign swapped sign",
        {"vp": lambda v, x, a, s: s * x + a * v,
         "root-total": lambda v, x, a, s: (s * x + a * v) / np.sqrt(a**2 + s**2)}),
    Row("v_to_data", "x̂₀ = (α x − σ v)/(α² + σ²)", "PRED.15", lambda v, x, a, s: (a * x - s * v) / (a**2 + s**2),
        "value-sign swapped no-alpha",
        {"vp": lambda v, x, a, s: a * x - s * v,
         "root-total": lambda v, x, a, s: (a * x - s * v) / np.sqrt(a**2 + s**2)}),
    Row("score_to_velocity", "u = α' (x + σ² s)/α − σ' σ s", "PRED.18",
        lambda v, x, a, s, da, ds: da * (x + s**2 * v) / a - ds * s * v,
        "reversed rates-swapped rates-flow rates-log no-alpha",
        {"sde": lambda v, x, a, s, da, ds: da / a * x - 2 * (s * ds - da / a * s**2) * v,
         "v": lambda v, x, a, s, da, ds: -a * s * v - s * (x + s**2 * v) / a}),
    Row("noise_to_velocity", "u = α' (x − σ ε̂)/α + σ' ε̂", "PRED.19",
        lambda v, x, a, s, da, ds: da * (x - s * v) / a + ds * v,
        "reversed rates-swapped rates-flow rates-log no-alpha",
        {"sde": lambda v, x, a, s, da, ds: da / a * x + 2 * (ds - da / a * s) * v,
         "v": lambda v, x, a, s, da, ds: a * v - s * (x - s * v) / a}),
    Row("data_to_velocity", "u = α' x̂₀ + σ' (x − α x̂₀)/σ", "PRED.20",
        lambda v, x, a, s, da, ds: da * v + ds * (x - a * v) / s,
        "reversed rates-swapped rates-flow rates-log no-alpha",
        {"noisy": lambda v, x, a, s, da, ds: da * x + ds * (x - a * v) / s,
         "v": lambda v, x, a, s, da, ds: a * (x - a * v) / s - s * v}),
    Row("v_to_velocity", "u = (α' (α x − σ v) + σ' (σ x + α v))/(α² + σ²)", "PRED.21",
        lambda v, x, a, s, da, ds: (da * (a * x - s * v) + ds * (s * x + a * v)) / (a**2 + s**2),
        "reversed rates-swapped rates-flow rates-log unconverted value-sign",
        {"vp": lambda v, x, a, s, da, ds: da * (a * x - s * v) + ds * (s * x + a * v)}),
    Row("velocity_to_score", "s = −(α u − α' x)/(σ w),  w = α σ' − α' σ", "PRED.22",
        lambda v, x, a, s, da, ds: -(a * v - da * x) / (s * (a * ds - da * s)),
        "value-sign rates-swapped rates-flow rates-log sign",
        {"no-determinant": lambda v, x, a, s, da, ds: -(a * v - da * x) / s,
         "determinant-sign": lambda v, x, a, s, da, ds: -(a * v - da * x) / (s * (a * ds + da * s)),
         "unscaled": lambda v, x, a, s, da, ds: -(a * v - da * x) / (a * ds - da * s)}),
    Row("velocity_to_noise", "ε̂ = (α u − α' x)/w,  w = α σ' − α' σ", "PRED.23",
        lambda v, x, a, s, da, ds: (a * v - da * x) / (a * ds - da * s),
        "value-sign rates-swapped rates-flow rates-log",
        {"no-determinant": lambda v, x, a, s, da, ds: a * v - da * x,
         "determinant-sign": lambda v, x, a, s, da, ds: (a * v - da * x) / (a * ds + da * s)}),
    Row("velocity_to_data", "x̂₀ = (σ' x − σ u)/w,  w = α σ' − α' σ", "PRED.24",
        lambda v, x, a, s, da, ds: (ds * x - s * v) / (a * ds - da * s),
        "value-sign rates-swapped rates-flow rates-log",
        {"no-determinant": lambda v, x, a, s, da, ds: ds * x - s * v,
         "determinant-sign": lambda v, x, a, s, da, ds: (ds * x - s * v) / (a * ds + da * s)}),
    Row("velocity_to_v", "v = (α (α u − α' x) − σ (σ' x − σ u))/w,  w = α σ' − α' σ", "PRED.25",
        lambda v, x, a, s, da, ds: (a * (a * v - da * x) - s * (ds * x - s * v)) / (a * ds - da * s),
        "value-sign rates-swapped rates-flow rates-log unconverted negative",
        {"no-determinant": lambda v, x, a, s, da, ds: a * (a * v - da * x) - s * (ds * x - s * v),
         "determinant-sign": lambda v, x, a, s, da, ds: (a * (a * v - da * x) - s * (ds * x - s * v))
         / (a * ds + da * s)}),
)  # fmt: skip
