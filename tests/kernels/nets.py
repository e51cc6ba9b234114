"""Networks that the tests of the kernels share: several depths, widths that fill no vector, every activation."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import refscore as rs
from refscore import models
from refscore.models import Activation

ACTIVATIONS = (models.SILU, models.TANH, models.SOFTPLUS, models.GELU)
SIGMAS = np.array([4.0, 1.5, 0.3])


def plain(widths: list[int], activation: Activation = models.SILU, seed: int = 0) -> models.MLPScore:
    """A network with weights larger than at the start of training, so that activations leave their middle."""
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    net = models.network(widths, rs.noise.uniforms(seed, np.arange(p), 1)[:, 0], activation)
    return models.MLPScore(models.Network(tuple(2 * w for w in net.weights), net.biases, activation))


def told(activation: Activation = models.SILU) -> dict[str, Any]:
    """Models of (x, σ), d = 3, of each kind of scaling, embedding and gains."""
    make, fourier = rs.fit.conditional_mlp, models.fourier(np.array([0.1, 0.7]))
    how: dict[str, Any] = {"seed": 3, "activation": activation}
    return {
        "ncsn2": make(3, [9, 17], scaling=models.OVER_SIGMA, embedding=models.NO_EMBEDDING, **how),
        "edm": make(3, [6, 5, 7], scaling=models.edm(0.5), embedding=models.C_NOISE, **how),
        "fourier": make(3, [11], scaling=models.PLAIN, embedding=fourier, **how),
        "ncsn": rs.fit.embedded_mlp(3, [9, 4], SIGMAS, scaling=models.OVER_SIGMA, **how),
    }


def points(n: int = 131, d: int = 3) -> np.ndarray:
    """Points (n, d), some of them far out."""
    x = rs.noise.normals(5, np.arange(n), d)
    x[::7] *= 30
    return x
