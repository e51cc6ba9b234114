"""The matrix products of a network and nothing else: what its values cost at least with this BLAS."""

from __future__ import annotations

import numpy as np

from validation.benchmarks.problems import Forward, layers
from validation.benchmarks.process import Work

__all__ = ["forward"]


def forward(problem: Forward) -> Work:
    """Into buffers that are there already, in the layout of the values: (n, n_{l-1}) times (n_{l-1}, n_l)."""
    x, weights = problem.x, [weight for weight, _ in layers(problem.theta, problem.widths)]
    buffers = [np.empty((problem.batch, width), problem.dtype) for width in problem.widths[1:]]

    def run(repeats: int) -> None:
        for _ in range(repeats):
            h = x
            for weight, buffer in zip(weights, buffers):
                h = np.matmul(h, weight.T, out=buffer)

    return Work(run, list)
