"""The networks of the cases: two and three hidden layers, tanh and SiLU, scores and energies of three dimensions.

Weights and biases are eighths between -1 and 1, drawn once by a rule that leaves no symmetry, so that all libraries
hold the same real numbers.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from refscore.arrays import Float
from refscore.conformance.perceptrons import Perceptron, PerceptronEnergy, silu, tanh

__all__ = ["ENERGIES", "NETWORKS"]


def _eighths(*widths: int) -> tuple[Float, ...]:
    """W_1, b_1, W_2, …: eighths of -8 … 8, by squares modulo the prime 17."""
    parts, start = [], 1
    for before, after in pairwise(widths):
        for shape in ((after, before), (after,)):
            k = np.arange(start, start + int(np.prod(shape)))
            parts.append((((5 * k * k + 3 * k + k // 17) % 17 - 8) / 8.0).reshape(shape))
            start += k.size
    return tuple(parts)


NETWORKS = {"tanh": Perceptron(_eighths(3, 5, 4, 3), tanh), "silu": Perceptron(_eighths(3, 4, 5, 4, 3), silu)}
ENERGIES = {"tanh": PerceptronEnergy(_eighths(3, 5, 4, 1), tanh), "silu": PerceptronEnergy(_eighths(3, 4, 5, 1), silu)}
