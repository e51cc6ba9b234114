"""Small models and data for the tests of training, and what a gradient may differ by."""

from itertools import pairwise

import numpy as np

from refscore import noise
from refscore.models import LOG_SIGMA, OVER_SIGMA, AffineScore, LevelAffineScore, QuadraticEnergy, conditional_mlp

U = 2.0**-53
DATA = noise.normals(9, np.arange(30), 2) @ np.array([[1.0, 0.5], [0.0, 2.0]]) + [1.0, -1.0]
AFFINE = AffineScore([[1.0, 0.5], [0.25, 2.0]], [1.0, -1.0])
LEVELS = LevelAffineScore([[1.0, 0.5], [0.25, 2.0]], [1.0, -1.0])
ENERGY = QuadraticEnergy([[1.0, 0.5], [0.5, 2.0]], [1.0, -1.0])


def network(hidden=(8, 8), d=2, seed=0):
    """A noise-conditional network."""
    widths = [d + 1, *hidden, d]
    p = sum((a + 1) * b for a, b in pairwise(widths))
    return conditional_mlp(d, hidden, noise.uniforms(seed, 0, p), scaling=OVER_SIGMA, embedding=LOG_SIGMA)


def assert_gradient_of_the_mean(loss, k, change=2.0**-13):
    """Central differences of the mean value; exact but for rounding: quadratic in each component of θ."""
    theta = loss.model.pack()
    gradient = loss(theta, k)[1].copy()
    for i, direction in enumerate(np.eye(theta.size)):
        above, below = (loss(theta + side * change * direction, k)[0].copy() for side in (1, -1))
        size = np.abs(above).max() + np.abs(loss.draw(k)[0]).max() ** 2
        # 64 roundings of a value cover its terms; their difference is divided by 2 change
        assert abs((above - below).mean() / (2 * change) - gradient[i]) <= 64 * U * size / change
    return gradient
