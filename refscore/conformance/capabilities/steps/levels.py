"""The levels of DDPM and DDIM steps: pairs (α, σ) with α² + σ² = 1, so that codes which keep only ᾱ = α² are right too.

The squares are dyadic; α and σ are their roots, rounded, and 1 − α² has lost 1/σ² roundings of σ².
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capabilities.steps.common import per_sample

__all__ = ["LEVELS", "levels_of"]

LEVELS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "mid": ((0.75, 0.5, 0.875), (0.5, 0.25, 0.8125)),
    "near": ((2.0**-7, 2.0**-6, 2.0**-9), (2.0**-8, 2.0**-9, 2.0**-10)),
    "long": ((1 - 2.0**-10, 1 - 2.0**-8, 0.9375), (0.5, 0.0625, 2.0**-6)),
    "last": ((2.0**-8, 0.5, 2.0**-5), (0.0, 0.0, 0.0)),
}
"""σ_t² and σ_s² of three samples."""


def levels_of(when: str, n: int) -> dict[str, Float]:
    """The keyword arguments alpha_t, sigma_t, alpha_s, sigma_s of n samples."""
    before, after = (per_sample(values, n) for values in LEVELS[when])
    return {
        "alpha_t": np.sqrt(1 - before),
        "sigma_t": np.sqrt(before),
        "alpha_s": np.sqrt(1 - after),
        "sigma_s": np.sqrt(after),
    }
