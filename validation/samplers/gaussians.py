"""The samplers on Gaussians: exact laws, W₂ to the target, observed orders. Nothing is sampled.

The error of a sampler without noise is that of its affine map: the root mean square distance between where it takes a
state and where the exact flow does, over the law at the start. That of one with noise is W₂ between its law and the
exact marginal. A mean or a covariance that happens to be right does not hide the first kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import refscore as rs
from refscore.exact import recursions
from validation.samplers.rows import Row
from validation.samplers.targets import CONDITIONS, COUNTS, GAUSSIAN, SPANS, Seen, Span, best_order, block, doubled

__all__ = ["RECURSIONS", "Run", "recursion_gap", "run", "runs", "seen"]

RECURSIONS: dict[str, Callable[..., Any]] = {
    "Euler–Maruyama": recursions.euler_maruyama,
    "reverse diffusion": recursions.reverse_diffusion,
    "ancestral, small variance": partial(recursions.ancestral_vp, noise=rs.samplers.small_variance),
    "ancestral, large variance": partial(recursions.ancestral_vp, noise=rs.samplers.large_variance),
    "DDIM, η = 0": partial(recursions.ddim, eta=0.0),
    "DDIM, η = 1": partial(recursions.ddim, eta=1.0),
    "Euler on the flow": recursions.euler_ode,
    "Heun on the flow": recursions.heun_ode,
}


class Run(NamedTuple):
    """What a run of n steps does on each of the Gaussians: its error, W₂ to the target, and relative spread - 1."""

    error: tuple[float, ...]
    distance: tuple[float, ...]
    spread: tuple[float, ...]


def run(make: Callable[..., Any], span: Span, n: int) -> Run:
    """One run, from the exact marginal at the start of the span."""
    sampler = make(span.path, span.times(n))
    start, stop = GAUSSIAN.perturb(*span.start), GAUSSIAN.perturb(*span.stop)
    errors = None
    if sampler.draws:
        law = rs.exact.law(sampler, GAUSSIAN, start)
    else:
        found = rs.exact.probe(partial(_replayed, sampler), GAUSSIAN.d, 0)
        law, right = found.push(start), rs.exact.flow_map(GAUSSIAN, start=span.start, stop=span.stop)
        matrix = (found.matrix - right.matrix) @ np.linalg.cholesky(start.cov)
        shift = found(start.mean) - right(start.mean)
        errors = tuple(
            float(np.hypot(np.linalg.norm(matrix[at]), np.linalg.norm(shift[at])))
            for at in (slice(2 * i, 2 * i + 2) for i in range(len(CONDITIONS)))
        )
    pairs = [(block(law, i), block(stop, i)) for i in range(len(CONDITIONS))]
    distances = tuple(rs.exact.wasserstein2(*pair) for pair in pairs)
    spreads = tuple(float(np.sqrt(np.trace(p.cov) / np.trace(q.cov)) - 1) for p, q in pairs)
    return Run(errors or distances, distances, spreads)


def _replayed(sampler: Any, x: Any, _: Any) -> Any:
    return rs.samplers.replay(sampler, rs.samplers.noisy_score(GAUSSIAN), x)


def runs(row: Row, path: str) -> Mapping[int, Run]:
    """The runs of a row at doubled step counts."""
    counts = COUNTS if row.holds else COUNTS[:6]
    return doubled(lambda n: run(row.make, SPANS[path], n), lambda found: found.error, counts)


def seen(found: Mapping[int, Run], i: int) -> Seen:
    """The order observed on the i-th Gaussian."""
    return best_order([each.error[i] for each in found.values()], tuple(found))


def recursion_gap(row: Row, path: str, n: int = 32) -> float:
    """W₂ between the law probed from the steps and the closed form along eigenvalues, no step taken; relative."""
    span = SPANS[path]
    start, stop = GAUSSIAN.perturb(*span.start), GAUSSIAN.perturb(*span.stop)
    values, vectors = np.linalg.eigh(GAUSSIAN.cov)
    mean, variance = RECURSIONS[row.name](values, span.path, span.times(n)).law(
        vectors.T @ GAUSSIAN.mean,
        start_mean=vectors.T @ start.mean,
        start_variance=np.diag(vectors.T @ start.cov @ vectors),
    )
    cov = (vectors * variance) @ vectors.T
    closed = rs.targets.gaussian(vectors @ mean, 0.5 * (cov + cov.T))
    law = rs.exact.law(row.make(span.path, span.times(n)), GAUSSIAN, start)
    return rs.exact.wasserstein2(law, closed) / float(np.sqrt(np.trace(stop.cov) + stop.mean @ stop.mean))
