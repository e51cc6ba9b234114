"""The last step of a discrete likelihood: the probability that a Gaussian gives to the bin of a pixel.

Pixels 0 … 255 stand at -1, -1 + 2/255, …, 1. The bin of each is as wide as their distance, and the two outer ones reach
to infinity, so that the bins of one pixel have probability one together:

    log P(x0) = log [Φ((x0 + 1/255 - μ)/σ) - Φ((x0 - 1/255 - μ)/σ)]                                   (VLB.7)

with Φ(∞) = 1 above the last and Φ(-∞) = 0 below the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr

from refscore.arrays import Float, of_shape, samples

__all__ = ["discretised_gaussian", "discretised_gaussian_slope"]

HALF_BIN = 1 / 255
OUTER = 0.999  # beyond it a pixel is the first or the last one
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def discretised_gaussian(x0: ArrayLike, mean: ArrayLike, log_variance: ArrayLike) -> Float:
    """The log probability of 8-bit data under a Gaussian with a mean and variance for each dimension, (VLB.7).

    Parameters
    ----------
    x0 : (\\*batch, d)
        Data in [-1, 1], on the grid of 256 values.
    mean, log_variance : (\\*batch, d)
        μ and log σ².

    Returns
    -------
    (\\*batch,)
        Σ log P ≤ 0, in nats, the sum over the dimensions.

    Raises
    ------
    ValueError
        If `x0` leaves [-1, 1], or a shape is another.

    Notes
    -----
    Not to be confused with the codes' value: they approximate Φ by a tanh, which is off by up to 1.8e-4, and floor P at
    1e-12, which caps the loss at 27.6 nats. Here Φ is exact and nothing is floored.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, eq. 13.

    Examples
    --------
    The 256 bins have probability one:

    >>> pixels = np.linspace(-1, 1, 256)[:, None]
    >>> ones = np.ones((256, 1))
    >>> round(float(np.exp(discretised_gaussian(pixels, 0.3 * ones, -4 * ones)).sum()), 12)
    1.0
    """
    low, high = _standardised(x0, mean, log_variance)
    value: Float = _log_interval(low, high).sum(-1)  # (VLB.7)
    return value


def discretised_gaussian_slope(x0: ArrayLike, mean: ArrayLike, log_variance: ArrayLike) -> Float:
    """The slope of the log probability of each dimension in its log variance.

        ∂ log P/∂ log σ² = ½ (a φ(a) - b φ(b))/(Φ(b) - Φ(a))                                         (VLB.8)

    Parameters
    ----------
    x0, mean, log_variance : (\\*batch, d)
        As for :func:`discretised_gaussian`.

    Returns
    -------
    (\\*batch, d)
        The slopes; a and b are the ends of the bin in units of σ from μ, and an infinite end adds nothing.
    """
    low, high = _standardised(x0, mean, log_variance)
    log_probability = _log_interval(low, high)
    value: Float = 0.5 * (_edge(low, log_probability) - _edge(high, log_probability))  # (VLB.8)
    return value


def _edge(end: Float, log_probability: Float) -> Float:
    """a φ(a)/P, by logarithms: both may underflow where their quotient does not."""
    finite = np.isfinite(end)
    at = np.where(finite, end, 0.0)
    exponent = np.where(finite, -0.5 * at**2 - 0.5 * np.log(2 * np.pi) - log_probability, -np.inf)
    value: Float = at * np.exp(exponent)
    return value


def _standardised(x0: ArrayLike, mean: ArrayLike, log_variance: ArrayLike) -> tuple[Float, Float]:
    x0 = samples(x0, "x0")
    if (np.abs(x0) > 1).any():
        raise ValueError(f"x0 has a value of {float(x0.flat[np.abs(x0).argmax()])}; expected -1 <= x0 <= 1")
    mean = of_shape(mean, "mean", x0.shape, "x0")
    scale = np.exp(0.5 * of_shape(log_variance, "log_variance", x0.shape, "x0"))
    low = np.where(x0 < -OUTER, -np.inf, (x0 - HALF_BIN - mean) / scale)
    high = np.where(x0 > OUTER, np.inf, (x0 + HALF_BIN - mean) / scale)
    return low, high


def _log_interval(low: Float, high: Float) -> Float:
    """log (Φ(b) - Φ(a)) without cancellation, for a < b."""
    # Φ(b) - Φ(a) = Φ(-a) - Φ(-b): the side where both are small.
    flipped = low > -high
    a, b = np.where(flipped, -high, low), np.where(flipped, -low, high)
    with np.errstate(invalid="ignore"):
        width, middle = b - a, 0.5 * (a + b)
        narrow = (width < 1) & (np.abs(middle) * width < 1)  # there log Φ(b) - log Φ(a) would cancel
    m, h = np.where(narrow, middle, 0.0), np.where(narrow, 0.5 * width, 0.5)
    inside = np.zeros_like(m)
    for node, weight in zip(NODES, WEIGHTS):
        inside = inside + weight * np.exp(-h * node * (m + 0.5 * h * node))
    by_quadrature = np.log(h * inside) - 0.5 * m**2 - 0.5 * np.log(2 * np.pi)
    upper = log_ndtr(np.where(narrow, 0.0, b))
    gap = np.where(narrow, -1.0, log_ndtr(np.where(narrow, 0.0, a)) - upper)
    by_difference = upper + np.log(-np.expm1(gap))
    value: Float = np.where(narrow, by_quadrature, by_difference)
    return value
