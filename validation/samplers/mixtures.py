"""The samplers on mixtures, where no map is affine: paths against the exact flow, laws on the line by quadrature.

A sampler without noise is a map T_n of the line, increasing once the steps are small, as the exact flow T is. So both
are optimal couplings of the law at the start with their outputs, and by quadrature over that law, exactly,

    W_2² = ∫ |T_n(x) - T(x)|² p(x) dx,   W_1 = ∫ |T_n(x) - T(x)| p(x) dx

In the plane the paths from fixed starts are held against the flow integrated to 1e-13. The law of a sampler with noise
comes from Chapman and Kolmogorov's equation, if its noise enters affinely; its weak error from the backward equation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

import refscore as rs
from refscore.arrays import Float
from refscore.exact import chapman_kolmogorov, on_the_line
from validation.samplers.rows import Row
from validation.samplers.targets import COUNTS, LINE, PLANE, SPANS, Span, doubled
from validation.samplers.weak import weak_error

__all__ = ["LAW_COUNTS", "Law", "Paths", "affine_in_noise", "laws", "on_a_chain", "paths", "weak_errors"]

STARTS = np.array([[-1.5, 0.3], [-0.6, 1.2], [-0.2, -1.0], [0.1, 0.4], [0.7, -0.3], [1.4, 0.9]])
NODES = 401
LAW_COUNTS = (8, 16, 32, 64)


class Paths(NamedTuple):
    """Distance of the ends of paths in the plane, W₂ and W₁ on the line, and whether the map increases there."""

    plane: float
    distance: float
    first: float
    increases: bool


class Law(NamedTuple):
    """Distances of the law on the line from the target."""

    distance: float
    first: float
    variation: float


@functools.lru_cache(maxsize=16)
def _exact(path: str) -> tuple[Float, Float, Float, Float, Float]:
    """Starts in the plane and where the flow takes them; nodes on the line, their weights and where it takes them."""
    span = SPANS[path]
    ends = {"start": span.start, "stop": span.stop}
    at = PLANE.perturb(*span.start)
    starts = at.mean + STARTS * np.sqrt(np.diag(at.cov))
    law = LINE.perturb(*span.start)
    middle, reach = float(law.mean[0]), 9.0 * float(np.sqrt(law.cov[0, 0]))
    x: Float = np.asarray(np.linspace(middle - reach, middle + reach, NODES), dtype=np.float64)[:, None]
    weights = np.exp(law.log_prob(x)) * (2 * reach / (NODES - 1))
    return starts, rs.exact.flow(PLANE, starts, **ends)[0], x, weights, rs.exact.flow(LINE, x, **ends)[0]


def _paths(make: Callable[..., Any], path: str, n: int) -> Paths:
    span = SPANS[path]
    starts, ends, x, weights, moved = _exact(path)
    sampler = make(span.path, span.times(n))
    apart = rs.samplers.replay(sampler, rs.samplers.noisy_score(PLANE), starts) - ends
    found = rs.samplers.replay(sampler, rs.samplers.noisy_score(LINE), x)
    gap = np.abs(found - moved)[:, 0]
    return Paths(
        float(np.sqrt((apart**2).sum(-1).mean())),
        float(np.sqrt(weights @ gap**2)),
        float(weights @ gap),
        bool((np.diff(found[:, 0]) > 0).all()),
    )


def paths(row: Row, path: str) -> Mapping[int, Paths]:
    """The runs of a sampler without noise at doubled step counts."""
    return doubled(lambda n: _paths(row.make, path, n), lambda found: found[:2])


def on_a_chain(sampler: Any) -> Any:
    """The sampler as a Markov chain in x; None if a step depends on what is remembered."""
    if not isinstance(sampler, rs.samplers.Multistep):
        return sampler
    score, x, z = rs.samplers.noisy_score(LINE), np.array([[-1.3], [0.1], [0.9]]), np.ones((3, 1))
    blank = sampler.init(x)

    def step(score: Any, x: Float, k: int, noise: Float | None) -> Any:
        return sampler.step(score, x, tuple(np.zeros_like(x) for _ in blank), k, noise)[0]

    for k in range(min(3, sampler.n_steps or 0)):
        if not np.array_equal(sampler.step(score, x, tuple(m + 1 for m in blank), k, z)[0], step(score, x, k, z)):
            return None
    return rs.samplers.Sampler(sampler.name, sampler.n_steps, 1, sampler.prior_scale, sampler.start, sampler.stop, step)


def affine_in_noise(sampler: Any) -> bool:
    """Whether each step has one noise that enters affinely, what Chapman and Kolmogorov's law needs."""
    score, x = rs.samplers.noisy_score(LINE), np.array([-1.3, 0.1, 0.9])
    try:
        for k in range(min(3, sampler.n_steps)):
            chapman_kolmogorov.gaussian_step(sampler, score, k, x)
    except ValueError:  # NotAffine is one
        return False
    return True


def _law(make: Callable[..., Any], span: Span, n: int) -> Law:
    start, stop = LINE.perturb(*span.start), LINE.perturb(*span.stop)
    found = chapman_kolmogorov.law(on_a_chain(make(span.path, span.times(n))), LINE, start, atol=1e-8).law
    of = (on_the_line.wasserstein2, on_the_line.wasserstein1, on_the_line.total_variation)
    return Law(*(each(found, stop) for each in of))


def laws(row: Row, path: str) -> Mapping[int, Law]:
    """The laws of a sampler with noise at doubled step counts, for one whose noise enters affinely."""
    return doubled(lambda n: _law(row.make, SPANS[path], n), lambda found: found[:1], LAW_COUNTS, least=4)


def weak_errors(row: Row, path: str) -> Mapping[int, float]:
    """The weak error of a sampler with noise at doubled step counts."""
    span = SPANS[path]
    return doubled(
        lambda n: weak_error(on_a_chain(row.make(span.path, span.times(n))), span),
        lambda found: (found,),
        COUNTS[:6],
    )
