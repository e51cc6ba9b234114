"""Capabilities ``convert.*``: twenty maps among score, noise, data, v and velocity, and how each of them goes wrong."""

from __future__ import annotations

from refscore import predictions
from refscore.arrays import Float
from refscore.conformance.capabilities.conversions.cases import conversion_cases
from refscore.conformance.capabilities.conversions.mistakes import MISTAKES, Formula
from refscore.conformance.capabilities.conversions.rows import ROWS, Row
from refscore.conformance.capability import Capability, Fault, Function

__all__ = ["CONVERSIONS"]

WORDS = {"score": "the score", "noise": "the noise", "data": "the data", "v": "v", "velocity": "the velocity"}
SOURCES = {
    "velocity": "Albergo et al. (2023), Stochastic interpolants; Lipman et al. (2023), eq. 15",
    "v": "Salimans & Ho (2022), appendix D",
    "data": "Ho et al. (2020), eq. 15; Song et al. (2021)",
    "noise": "Ho et al. (2020), eq. 11; Song et al. (2021)",
}


def _lifted(formula: Formula) -> Function:
    def function(value: Float, x: Float, *levels: Float) -> Float:
        result: Float = formula(value, x, *(level[:, None] for level in levels))
        return result

    return function


def _faults(row: Row) -> tuple[Fault, ...]:
    wrong = {name: MISTAKES[name].change(row.right) for name in row.mistakes.split()} | dict(row.own)
    functions = {name: _lifted(formula) for name, formula in wrong.items()} | {"not-lifted": row.right}
    prefix = row.name.upper().replace("_", "-")
    return tuple(
        Fault(f"{prefix}-{name}", MISTAKES[name].description, MISTAKES[name].effect, function, MISTAKES[name].link)
        for name, function in functions.items()
    )


def _capability(row: Row) -> Capability:
    source, target = kinds = row.name.split("_to_")
    velocity = "velocity" in kinds
    levels = "alpha (n,), sigma (n,)" + (", alpha_dot (n,), sigma_dot (n,)" if velocity else "")
    return Capability(
        name=f"convert.{row.name}",
        title=f"From {WORDS[source]} to {WORDS[target]}, at any α and σ",
        signature=f"{row.name}(value (n, d), x (n, d), {levels}) -> (n, d)",
        formula=row.formula,
        label=row.label,
        source=next(text for kind, text in SOURCES.items() if kind in kinds),
        page="docs/predictions/velocity.md" if velocity else "docs/predictions/conversions.md",
        reference=getattr(predictions, row.name),
        cases=lambda _: conversion_cases(row.name),
        faults=_faults(row),
        truth="x = α x̂₀ + σ ε̂ for the pair that the result stands for",
    )


CONVERSIONS = tuple(_capability(row) for row in ROWS)
