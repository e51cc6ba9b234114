"""How far a learned score, and what is sampled with it, are from the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import stats

import refscore as rs
from refscore.arrays import Float

__all__ = [
    "Fisher",
    "Share",
    "fisher_by_draws",
    "fisher_by_quadrature",
    "mode_shares",
    "nearest_distances",
]

LevelScore = Callable[[Float, Float], Float]
BLOCK = 4096  # rows at a time: no temporary of all pairs


@final
@dataclass(frozen=True, slots=True)
class Fisher:
    """A Fisher divergence at one noise level.

    Parameters
    ----------
    sigma : float
        The level.
    divergence : float
        ½ E |s(x, σ) - ∇ log p_σ(x)|², x from p_σ.
    information : float
        ½ E |∇ log p_σ(x)|²: what the score 0 would have.
    error : float
        Standard error of `divergence`, or the difference between two quadratures.
    """

    sigma: float
    divergence: float
    information: float
    error: float

    @property
    def relative(self) -> float:
        """The share of the exact score that is missed, in mean square."""
        return self.divergence / self.information


def fisher_by_quadrature(score: LevelScore, target: rs.targets.Mixture, sigma: float) -> Fisher:
    """The Fisher divergence of a learned score to the exact one of a plane mixture, by quadrature.

    Gauss-Hermite nodes about each component of p_σ; the error is the change from 64 to 48 nodes an axis.

    Parameters
    ----------
    score : callable
        s(x, σ).
    target : Mixture
        The law of the clean data, in two dimensions.
    sigma : float
        Noise level.

    Returns
    -------
    Fisher
        The divergence at `sigma`.
    """
    noisy = target.perturb(1.0, sigma)
    fine, information = _expectation(score, noisy, sigma, 64)
    coarse, _ = _expectation(score, noisy, sigma, 48)
    return Fisher(sigma, fine, information, abs(fine - coarse))


def _expectation(score: LevelScore, noisy: rs.targets.Mixture, sigma: float, n: int) -> tuple[float, float]:
    node, weight = np.polynomial.hermite_e.hermegauss(n)
    weight = weight / weight.sum()
    grid = np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    of_grid = np.outer(weight, weight).ravel()
    kept = of_grid > 1e-18 * of_grid.max()  # the corners weigh nothing
    grid, of_grid = grid[kept], of_grid[kept]
    divergence = information = 0.0
    for share, mean, cov in zip(noisy.weights, noisy.means, noisy.covs):
        x = mean + grid @ np.linalg.cholesky(cov).T
        exact = noisy.score(x)
        divergence += share * float(
            of_grid @ rs.objectives.explicit(lambda y: score(y, np.full(len(y), sigma)), x, exact)
        )
        information += share * float(of_grid @ (0.5 * (exact**2).sum(-1)))
    return divergence, information


def fisher_by_draws(score: LevelScore, points: Float, x0: Float, sigma: float, *, noise: Float) -> Fisher:
    """The Fisher divergence of a learned score to the exact one of a finite data set, by draws.

    The law of data + σ ε is a mixture of Gaussians at the points, its score is known; the expectation over it is not,
    in many dimensions, and is averaged over the points with the given noise.

    Parameters
    ----------
    score : callable
        s(x, σ).
    points : (m, d)
        The data set.
    x0 : (n, d)
        Points of it, each as often as every other.
    sigma : float
        Noise level.
    noise : (n, d)
        Standard normal.

    Returns
    -------
    Fisher
        The divergence at `sigma` with its standard error.
    """
    x = x0 + sigma * noise
    exact = rs.targets.empirical(points).score(x, alpha=1.0, sigma=sigma)
    values = rs.objectives.explicit(lambda y: score(y, np.full(len(y), sigma)), x, exact)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Fisher(sigma, float(values.mean()), float(0.5 * (exact**2).sum(-1).mean()), error)


@final
@dataclass(frozen=True, slots=True)
class Share:
    """How often a mode was hit.

    Parameters
    ----------
    weight : float
        The mode's weight in the target.
    share : float
        Its share of the samples.
    low, high : float
        Clopper-Pearson interval of the share, with the given confidence.
    """

    weight: float
    share: float
    low: float
    high: float


def mode_shares(x: Float, target: rs.targets.Mixture, *, confidence: float = 0.999) -> list[Share]:
    """The weights of the modes, recovered from samples.

    Each sample counts for the mode whose mean is nearest; for modes many widths apart that is no approximation.

    Parameters
    ----------
    x : (n, d)
        Samples.
    target : Mixture
        The law they should have.
    confidence : float
        Of each interval.

    Returns
    -------
    list of Share
        One for each component.
    """
    nearest = np.argmin(((x[:, None] - target.means) ** 2).sum(-1), axis=-1)
    shares = []
    for k, weight in enumerate(target.weights):
        hits = int((nearest == k).sum())
        interval = stats.binomtest(hits, len(x)).proportion_ci(confidence, method="exact")
        shares.append(Share(float(weight), hits / len(x), float(interval.low), float(interval.high)))
    return shares


def nearest_distances(x: Float, points: Float) -> Float:
    """The distance of each sample to the nearest of the points.

    Samples that repeat the training set have distances near 0; those of a model that has learned the law are as far
    from the training set as new draws are.

    Parameters
    ----------
    x : (n, d)
        Samples.
    points : (m, d)
        A data set.

    Returns
    -------
    (n,)
        Euclidean distances.
    """
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(x)[0], dtype=np.float64)
