"""The distributions and points of the cases: every number is exact in float32, every eigenvalue known by construction.

An orthogonal matrix with entries ±½ makes full covariances of short numbers. Their eigenvalues are no powers of 2, so
that inverses have to be rounded and a worse algebra shows. Batches have as many samples as dimensions first: there an
axis that is not lifted, or is taken for another, broadcasts without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float

__all__ = ["Noisy", "Problem", "gaussians", "mixtures", "noisy_mixtures", "noisy_points"]

HADAMARD = 0.5 * np.array(
    [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]]
)
MEAN = np.array([0.5, -1.25, 2.0, 0.75])
# In standard deviations.
USUAL = np.array([[1.0, -0.5, 0.75, -1.5], [-2.0, 1.25, 0.5, 0.25], [0.125, 1.0, -1.0, 2.0], [-0.75, -1.0, 1.5, 0.5]])
FAR = 300.0 * np.array([[0.5, 0.5, -0.25, 0.75], [0.125, -0.5, 0.75, 0.25]])


class Problem(NamedTuple):
    """A mixture and points."""

    x: Float
    weights: Float
    means: Float
    covs: Float


class Noisy(NamedTuple):
    """A mixture, points x = α x0 + σ ε, and their levels."""

    problem: Problem
    alpha: Float
    sigma: Float


def turned(values: ArrayLike, flips: ArrayLike = (1, 1, 1, 1)) -> Float:
    """A full covariance with these eigenvalues; flipping axes turns it."""
    axes = np.diag(flips) @ HADAMARD
    return np.asarray((axes * np.asarray(values)) @ axes.T)


def at(mean: Float, cov: Float, deviations: Float) -> Float:
    """Points at so many standard deviations from the mean, along the eigenvectors."""
    values, axes = np.linalg.eigh(cov)
    return exact(mean + (deviations * np.sqrt(values)) @ axes.T)


def exact(x: Float) -> Float:
    """The nearest points that float32 has too."""
    return x.astype(np.float32).astype(np.float64)


ROUND = turned([1.0, 0.75, 0.625, 0.3125])
STIFF = turned([1.5, 0.375, 5 * 2.0**-7, 3 * 2.0**-11])  # condition number 2**10
STIFFER = turned([12.0, 0.875, 0.1875, 3 * 2.0**-15])  # 2**17
STIFFEST = turned([12.0, 0.875, 0.1875, 3 * 2.0**-18])  # 2**20
AXES = np.diag([3 * 2.0**18, 1.25, 5 * 2.0**-8, 3 * 2.0**-22])  # 2**40, which no algorithm feels on the axes
LINE = np.array([[0.375]])


def gaussians() -> Iterator[tuple[str, Float, Float, Float]]:
    """Name, points, mean and covariance."""
    home = np.full(4, 2.0**20)
    yield "n=d", MEAN + USUAL, MEAN, ROUND
    yield "n=1", MEAN + USUAL[1:2], MEAN, ROUND
    yield "n<d,far", at(MEAN, ROUND, FAR), MEAN, ROUND
    yield "n=d,home=1e6", home + USUAL, home, ROUND
    yield "n=d,kappa=1e3", at(MEAN, STIFF, USUAL), MEAN, STIFF
    yield "n<d,kappa=1e3,far", MEAN + 16 * USUAL[:2], MEAN, STIFF
    yield "n=d,kappa=1e5", at(MEAN, STIFFER, USUAL), MEAN, STIFFER
    yield "n=d,kappa=1e6", at(MEAN, STIFFEST, USUAL), MEAN, STIFFEST
    yield "n=d,kappa=1e12,diagonal", at(MEAN, AXES, USUAL), MEAN, AXES
    yield "d=1", MEAN[:1] + USUAL[:3, :1], MEAN[:1], LINE


WEIGHTS = np.array([0.625, 0.25, 0.125])
MEANS = MEAN + np.array([[0.0, 0.0, 0.0, 0.0], [2.0, -1.0, 0.5, 1.0], [-1.5, 0.25, 1.0, -2.0]])
COVS = np.stack(
    [ROUND, turned([1.25, 0.375, 0.75, 2.5], (1, -1, 1, 1)), turned([0.3125, 1.5, 0.625, 0.75], (1, 1, -1, 1))]
)
PLANE = np.array([[[0.75, 0.25], [0.25, 0.5]], [[1.25, -0.5], [-0.5, 0.375]]])


def mixtures() -> Iterator[tuple[str, Problem]]:
    """Name and problem: between modes, beside them, far away, and where something else decides than the distance."""
    yield "n=d", Problem(MEAN + USUAL, WEIGHTS, MEANS, COVS)
    yield "n=1", Problem(MEAN + USUAL[1:2], WEIGHTS, MEANS, COVS)
    yield "n=d=K", Problem(USUAL[:2, :2], np.array([0.25, 0.75]), USUAL[2:, :2], PLANE)
    yield "n<d,far", Problem(at(MEAN, ROUND, FAR), WEIGHTS, MEANS, COVS)
    apart = MEAN + 50 * np.array([[1.0, 1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, -1.0]])
    between = np.stack([MEAN + 0.125 * USUAL[0], apart[1] + USUAL[1]])
    yield "n<d,apart=100", Problem(between, np.array([0.25, 0.75]), apart, COVS[[0, 0]])
    scales = np.stack([ROUND, 4 * ROUND, ROUND / 16])
    yield "n=d,one-mean", Problem(MEAN + 0.5 * USUAL, WEIGHTS, MEANS[[0, 0, 0]], scales)
    yield "n=d,kappa=1e3", Problem(at(MEAN, STIFF, USUAL), WEIGHTS, MEANS, np.stack([STIFF, *COVS[1:]]))
    yield "d=1", Problem(USUAL[:3, :1], WEIGHTS, MEANS[:, :1], np.array([[[0.375]], [[0.75]], [[2.5]]]))


def noisy_mixtures() -> Iterator[tuple[str, Noisy]]:
    """Name and problem on several kinds of paths, a level for each sample; near the data and near the noise."""
    near = 2.0**-6
    levels = {
        "vp,n=d": ([0.75, 0.5, 0.25, 0.875], [0.65625, 0.875, 0.96875, 0.5]),
        "ve,n=d": ([1.0, 1.0, 1.0, 1.0], [16.0, 0.5, 4.0, 1.25]),
        "flow,n<d": ([0.75, 0.375], [0.25, 0.625]),
        "near-data,n=1": ([1 - near], [near]),
        "near-noise,n=1": ([near], [1 - near]),
    }
    for name, (alpha, sigma) in levels.items():
        n = len(alpha)
        a, s = np.array(alpha), np.array(sigma)
        x = exact(a[:, None] * (MEAN + USUAL[:n]) + s[:, None] * USUAL[::-1][:n])
        yield name, Noisy(Problem(x, WEIGHTS, MEANS, COVS), a, s)
    a, s = np.array([0.75, 0.5]), np.array([0.25, 1.0])
    yield "far,n<d", Noisy(Problem(exact(a[:, None] * MEAN + FAR), WEIGHTS, MEANS, COVS), a, s)
    a, s = np.array([0.75, 0.5, 0.125]), np.array([0.25, 0.75, 0.875])
    covs = np.array([[[0.375]], [[0.75]], [[2.5]]])
    yield "d=1", Noisy(Problem(USUAL[:3, :1], WEIGHTS, MEANS[:, :1], covs), a, s)


POINTS = np.concatenate([MEANS, MEAN + USUAL[:2]])


def noisy_points() -> Iterator[tuple[str, Float, Float, Float, Float]]:
    """Name, noisy x, data points, α and σ: where many points count, where one does, and far from the origin."""
    near = 2.0**-10
    levels = {
        "vp,n=d": ([0.75, 0.5, 0.25, 0.875], [0.65625, 0.875, 0.96875, 0.5]),
        "ve,n=d": ([1.0, 1.0, 1.0, 1.0], [16.0, 0.5, 4.0, 1.25]),
        "flow,n<d": ([0.75, 0.375], [0.25, 0.625]),
        "near-data,n=1": ([1 - near], [near]),
        "near-noise,n=1": ([near], [1 - near]),
        "far,n<d": ([0.75, 0.5], [0.25, 1.0]),
    }
    for name, (alpha, sigma) in levels.items():
        n = len(alpha)
        a, s = np.array(alpha), np.array(sigma)
        noise = FAR if name.startswith("far") else USUAL[::-1][:n]
        yield name, exact(a[:, None] * POINTS[:n] + s[:, None] * noise), POINTS, a, s
    # Far from the origin distances must not be multiplied out. Products with α = 0.9 fit no dtype, as in use.
    for name, home, a in (("8e3", 2.0**13, np.ones(4)), ("7e4,alpha=0.9", 2.0**16, exact(np.full(4, 0.9)))):
        x = exact(a[:, None] * (home + POINTS[1:]) + 0.5 * USUAL)
        yield f"n=d,home={name}", x, home + POINTS, a, np.full(4, 0.75)
    a = np.array([0.75, 0.5, 0.125])
    yield "d=1", USUAL[:3, :1], POINTS[:, :1], a, np.array([0.25, 0.75, 0.875])
