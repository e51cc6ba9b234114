"""Wrong implementations, each with one mistake that people really make, and the fault that a check has to name."""

from __future__ import annotations

import numpy as np

from refscore.conformance import Adapter

variance = Adapter("target over variance")
trace = Adapter("grad of a sum")

NAMED = {"target over variance": "DSM-variance", "grad of a sum": "ISM-sum-of-jacobian"}
adapter = [variance, trace]


@variance.implements("objective.denoising")
def denoising(score, x0, noise, sigma):
    return 0.5 * np.sum((score(x0 + sigma * noise) + noise / sigma**2) ** 2, axis=-1)


@trace.implements("objective.implicit")
def implicit(score, x):
    ones = np.ones_like(x)
    return score.vjp(x, ones).sum(-1) + 0.5 * np.sum(score(x) ** 2, axis=-1)
