"""scikit-learn: `GaussianMixture.score_samples`, the log density alone."""

from __future__ import annotations

import numpy as np

from validation.benchmarks.kernels.problems import Points
from validation.benchmarks.process import Work

__all__ = ["density"]


def density(problem: Points) -> Work:
    """With spherical covariances, its parameters set by hand."""
    from sklearn.mixture import GaussianMixture

    chains = problem.chains
    model = GaussianMixture(problem.components, covariance_type="spherical")
    model.weights_, model.means_ = chains.weights, chains.means
    model.covariances_, model.precisions_cholesky_ = chains.variances, 1 / np.sqrt(chains.variances)
    points = chains.start
    return Work(
        lambda repeats: [model.score_samples(points) for _ in range(repeats)],
        lambda: [model.score_samples(points[:512])],
    )
