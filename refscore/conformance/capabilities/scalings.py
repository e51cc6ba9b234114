"""Capability ``scaling.consistency``: the two scales that make a consistency model the identity at its boundary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.numbers import where_zero
from refscore.conformance.capability import Capability, Case, Fault, Function, Values
from refscore.models import consistency_scalings

__all__ = ["SCALINGS"]

SETTINGS = {"images": (0.5, 2.0**-9), "wide": (4.0, 0.125), "narrow": (2.0**-6, 0.25)}
FACTORS = np.array([1.0, 1.0 + 2.0**-10, 1.5, 64.0, 32768.0])


def _reference(sigma: Float, *, sigma_data: float, sigma_min: float) -> tuple[Float, Float]:
    return consistency_scalings(sigma, sigma_data=sigma_data, sigma_min=sigma_min)[:2]


def _cases(_: Mapping[str, Any]) -> Iterator[Case]:
    for name, (sigma_data, sigma_min) in SETTINGS.items():
        yield _case(name, sigma_min * FACTORS, {"sigma_data": sigma_data, "sigma_min": sigma_min})


def _case(name: str, sigma: Float, keywords: Mapping[str, float]) -> Case:
    def expect(function: Function) -> Values:
        return tuple(np.asarray(value) for value in function(sigma, **keywords))

    exact = _reference(sigma, **keywords)
    # 4 for the roundings of a square, a sum, a root and a quotient, none of which cancels.
    return Case(name, (sigma,), expect, tuple(where_zero(4 * np.abs(value)) for value in exact), keywords)


def _with(scales: Callable[[Float, float, float], tuple[Any, Any]]) -> Function:
    """From σ, σ_d and σ_min to both scales."""

    def function(sigma: Float, *, sigma_data: float, sigma_min: float) -> Values:
        skip, out = scales(sigma, sigma_data, sigma_min)
        return np.asarray(skip), np.asarray(out)

    return function


SCALINGS = (
    Capability(
        name="scaling.consistency",
        title="Scales of a consistency model, the identity at σ_min",
        signature="scalings(sigma (n,), *, sigma_data, sigma_min) -> (c_skip (n,), c_out (n,))",
        formula="c_skip = σ_d²/((σ − σ_min)² + σ_d²),  c_out = (σ − σ_min) σ_d/√(σ² + σ_d²)",
        label="CM.2",
        source="Song et al. (2023), Consistency models, appendix C",
        page="docs/models/boundary.md",
        reference=_reference,
        cases=_cases,
        truth="c_skip = 1 and c_out = 0 exactly at σ = σ_min",
        faults=(
            Fault(
                "CMS-no-boundary",
                "σ_min is left out: the scales of EDM",
                "f(x, σ_min) is not x, and every level above inherits it",
                _with(lambda s, d, m: (d**2 / (s**2 + d**2), s * d / np.sqrt(s**2 + d**2))),
                "https://github.com/huggingface/diffusers/issues/6833",
            ),
            Fault(
                "CMS-no-data-scale",
                "σ_d is missing in c_out",
                "right for σ_d = 1 only: the network's output is 1/σ_d too large",
                _with(lambda s, d, m: (d**2 / ((s - m) ** 2 + d**2), (s - m) / np.sqrt(s**2 + d**2))),
                "https://github.com/huggingface/diffusers/issues/8547",
            ),
            Fault(
                "CMS-shifted-root",
                "σ_min is subtracted under the root too",
                "the output is scaled for another noise level",
                _with(lambda s, d, m: (d**2 / ((s - m) ** 2 + d**2), (s - m) * d / np.sqrt((s - m) ** 2 + d**2))),
            ),
            Fault(
                "CMS-boundary-in-skip-only",
                "σ_min is subtracted in c_skip and not in c_out",
                "f(x, σ_min) is x plus a multiple of the network",
                _with(lambda s, d, m: (d**2 / ((s - m) ** 2 + d**2), s * d / np.sqrt(s**2 + d**2))),
            ),
            Fault(
                "CMS-not-squared",
                "σ_d is not squared in c_skip",
                "the boundary is missed by a factor",
                _with(lambda s, d, m: (d / ((s - m) ** 2 + d**2), (s - m) * d / np.sqrt(s**2 + d**2))),
            ),
            Fault(
                "CMS-no-root",
                "the root is missing in c_out",
                "right where σ² + σ_d² = 1 only: large levels lose the network's output",
                _with(lambda s, d, m: (d**2 / ((s - m) ** 2 + d**2), (s - m) * d / (s**2 + d**2))),
            ),
            Fault(
                "CMS-latent",
                "the scales of latent consistency models: ten times the level, and no σ_min",
                "a function of another time",
                _with(lambda s, d, m: (d**2 / ((10 * s) ** 2 + d**2), 10 * s / np.sqrt((10 * s) ** 2 + d**2))),
                "https://github.com/huggingface/diffusers/issues/8547",
            ),
        ),
    ),
)
