"""An affine score in rational arithmetic, sample by sample and entry by entry: the definition, without rounding."""

from fractions import Fraction

import numpy as np


def fractions(array):
    return [Fraction(float(value)) for value in array]


def score(matrix, centre, x):
    shifted = [a - b for a, b in zip(fractions(x), fractions(centre), strict=True)]
    return [-sum(a * y for a, y in zip(fractions(row), shifted, strict=True)) for row in matrix]


def trace(matrix):
    return -sum(Fraction(float(matrix[i][i])) for i in range(len(matrix)))


def quadratic(matrix, v):
    v = fractions(v)
    return -sum(v[i] * Fraction(float(matrix[i][j])) * v[j] for i in range(len(v)) for j in range(len(v)))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def quarters(seed, *shape):
    """Numbers of few bits, so that float64 has no rounding either and the two must be equal."""
    return np.random.default_rng(seed).integers(-12, 13, shape) / 4.0
