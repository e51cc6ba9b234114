"""Right implementations, each written as one would without refscore: other algebra, other conventions, float32 too."""

from __future__ import annotations

import numpy as np

from refscore.conformance import Adapter

double = Adapter("plain NumPy", arrays="numpy", dtype="float64")
single = Adapter("plain NumPy in float32", arrays="numpy", dtype="float32")
adapter = [double, single]


@double.implements("objective.implicit")
def implicit(score, x):
    return np.einsum("nii->n", score.jacobian(x)) + np.sum(score(x) ** 2, axis=1) / 2


@double.implements("objective.denoising", factor=1, reduction="mean")
@single.implements("objective.denoising", factor=1, reduction="mean")
def denoising(score, x0, noise, sigma):
    noisy = x0 + sigma * noise
    target = -(noisy - x0) / sigma**2
    return np.mean(np.sum((score(noisy) - target) ** 2, axis=-1))


@single.implements("objective.multilevel", dimension="mean")
def multilevel(score, x0, noise, sigma):
    sigma_ = sigma[:, None]
    loss = (sigma_ * score(x0 + sigma_ * noise, sigma) + noise) ** 2
    return loss.mean(axis=-1) / 2
