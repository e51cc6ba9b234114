"""What is learned: a mixture of four modes, two moons, and the 8×8 digits; the noise comes from Philox."""

from __future__ import annotations

import numpy as np

import refscore as rs
from refscore.arrays import Float

__all__ = ["digits", "draws", "four_modes", "two_moons"]

STREAM_NOISE, STREAM_UNIFORM = 101, 102  # apart from the streams that training and sampling draw from


def four_modes() -> rs.targets.Mixture:
    """Four round modes at (±4, ±4), of width ½ and unequal weight.

    Returns
    -------
    Mixture
        The law itself, hence its exact score at every noise level.
    """
    return rs.targets.mixture([0.4, 0.3, 0.2, 0.1], [[4, 4], [-4, 4], [-4, -4], [4, -4]], covs=0.25)


def draws(target: rs.targets.Mixture, n: int, *, seed: int) -> Float:
    """n exact draws of a mixture.

    Parameters
    ----------
    target : Mixture
        The law.
    n : int
        How many.
    seed : int
        Of the noise.

    Returns
    -------
    (n, d)
        Independent draws.
    """
    noise = rs.noise.normals(seed, np.arange(n), target.d, stream=STREAM_NOISE)
    return target.sample(noise, rs.noise.uniforms(seed, np.arange(n), 1, stream=STREAM_UNIFORM)[:, 0])


def two_moons(n: int, *, width: float = 0.1, seed: int) -> Float:
    """Two interleaved half circles, blurred.

    Half of the points lie at (cos u, sin u), half at (1 - cos u, ½ - sin u), u uniform in (0, π), with Gaussian noise
    of standard deviation `width` added: the two moons of scikit-learn, drawn at random along the arcs.

    Parameters
    ----------
    n : int
        How many points.
    width : float
        Standard deviation of the blur.
    seed : int
        Of the draws.

    Returns
    -------
    (n, 2)
        The points, the two moons in turn.
    """
    u = np.pi * rs.noise.uniforms(seed, np.arange(n), 1, stream=STREAM_UNIFORM)[:, 0]
    arc = np.where((np.arange(n) % 2)[:, None] == 0, _arc(u), np.array([1.0, 0.5]) - _arc(u))
    moons: Float = arc + width * rs.noise.normals(seed, np.arange(n), 2, stream=STREAM_NOISE)
    return moons


def digits() -> tuple[Float, Float]:
    """The 8×8 digits of scikit-learn, scaled to [0, 1]: every fifth for testing, the others for training.

    Returns
    -------
    (1438, 64), (359, 64)
        Training and test points.

    Raises
    ------
    ImportError
        If scikit-learn is not installed, with the extra that has it.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "the digits come with scikit-learn; install it with: pip install 'refscore[training]'"
        ) from error
    images = np.asarray(load_digits().data, dtype=np.float64) / 16.0
    held_out = np.arange(len(images)) % 5 == 4
    return images[~held_out], images[held_out]


def _arc(u: Float) -> Float:
    return np.stack([np.cos(u), np.sin(u)], axis=-1)
