"""Samplers with another truth than an order in the step: variances to be learned, consistency functions, tolerances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2

import refscore as rs
from refscore.arrays import Float
from refscore.targets import Gaussian
from validation.samplers.targets import COUNTS, SPANS, Seen, Span, best_order, gaussian_of

__all__ = ["ARRIVES", "TOLERANCES", "VARIANCES", "Held", "arrives", "consistency_gaps", "held", "variances_seen"]

S = rs.samplers


def _half(*_: object) -> float:
    return 0.5


def _learned(_: Gaussian, span: Span, n: int) -> Any:
    return S.ancestral_learned(span.path, span.times(n), fraction=_half)


def _analytic(target: Gaussian, span: Span, n: int) -> Any:
    return S.ancestral_vp(span.path, span.times(n), variance=rs.exact.best_variances.best_variance(target))


VARIANCES: dict[str, Callable[[Gaussian, Span, int], Any]] = {
    "ancestral, learned variance, v = ½": _learned,
    "ancestral, analytic variance": _analytic,
}


def variances_seen(name: str, path: str, condition: float) -> tuple[Seen, tuple[float, ...]]:
    """The order of W₂ to the exact law, and that W₂, at 16, 32, … steps on a Gaussian."""
    target, span = gaussian_of(condition), SPANS[path]
    start, stop = target.perturb(*span.start), target.perturb(*span.stop)
    counts = COUNTS[:5]
    laws = [rs.exact.law(VARIANCES[name](target, span, n), target, start) for n in counts]
    distances = tuple(rs.exact.wasserstein2(law, stop) for law in laws)
    return best_order(distances, counts, floor=1e-11), distances


def consistency_gaps(path: str, condition: float, counts: tuple[int, ...] = (1, 2, 4, 16)) -> tuple[float, ...]:
    """W₂ to the exact law after multistep consistency sampling with the exact function, relative to the law's size."""
    target, span = gaussian_of(condition), SPANS[path]
    start, stop = target.perturb(*span.start), target.perturb(*span.stop)

    def function(x: Float, alpha: float, sigma: float) -> Float:
        return rs.exact.flow_map(target, start=(alpha, sigma), stop=span.stop)(x)

    gaps = []
    for n in counts:
        sampler = S.consistency_multistep(function, span.path, span.times(n))
        law = rs.exact.law(sampler, target, start)
        gaps.append(rs.exact.wasserstein2(law, stop) / math.sqrt(np.trace(stop.cov) + stop.mean @ stop.mean))
    return tuple(gaps)


TOLERANCES: dict[str, tuple[Callable[..., Any], int, tuple[float, ...]]] = {
    "DPM-Solver-12": (S.dpm_adaptive_12_step, 2, (1e-3, 1e-4, 1e-5, 1e-6)),
    "DPM-Solver-23": (S.dpm_adaptive_23_step, 3, (1e-5, 1e-6, 1e-7, 1e-8)),
}


class Held(NamedTuple):
    """Distance of nine ends from the exact flow, median and largest, accepted steps, and powers of the tolerance."""

    error: tuple[float, ...]
    largest: tuple[float, ...]
    steps: tuple[float, ...]
    order: float
    cost: float


def held(name: str, path: str, condition: float) -> Held:
    """What an adaptive solver of the flow holds: one tolerance, relative and absolute, a step of its own a sample."""
    step, _, tolerances = TOLERANCES[name]
    target, span = gaussian_of(condition), SPANS[path]
    start = target.perturb(*span.start)
    nodes = np.array([[a, b] for a in (-1.7, -0.4, 0.9) for b in (-1.1, 0.3, 1.6)])
    x = start.mean + nodes @ np.linalg.cholesky(start.cov).T
    right = rs.exact.flow_map(target, start=span.start, stop=span.stop)(x)
    values, vectors = np.linalg.eigh(target.cov)

    def score(y: Float, t: Float) -> Float:
        alpha, sigma = span.path.alpha(t)[:, None], span.path.sigma(t)[:, None]
        value: Float = -((y - alpha * target.mean) @ vectors / (alpha**2 * values + sigma**2)) @ vectors.T
        return value

    errors, largest, steps = [], [], []
    for tolerance in tolerances:

        def one(state: Any, _: Any, tolerance: float = tolerance) -> Any:
            return step(score, state, path=span.path, t_stop=span.last, rtol=tolerance, atol=tolerance)

        states = S.adaptive_run(one, S.adaptive_start(x, t=span.first, h=0.05), t_stop=span.last)
        distance = np.linalg.norm(states[-1].x - right, axis=-1)
        errors.append(float(np.median(distance)))
        largest.append(float(distance.max()))
        times = np.array([state.t for state in states])
        steps.append(float((np.diff(times, axis=0) < 0).sum(0).mean()))
    decades = math.log10(tolerances[1] / tolerances[-1])
    order = math.log10(errors[1] / errors[-1]) / decades
    return Held(tuple(errors), tuple(largest), tuple(steps), order, math.log10(steps[-1] / steps[1]) / decades)


ARRIVES = (1, 16, 256)


def arrives(d: int, *, safety: float = 0.9, exponent: float = 0.9, nodes: int = 1500) -> float:
    """What part of the noise's variance the solver of "Gotta go fast" keeps in d dimensions as its tolerance goes to 0.

    Without a drift and with E = k h^(3/2) q, q = |z|/√d, the step in units of k^(-2/3), η = h k^(2/3), is a chain:

        η' = θ η^(1 - 3r/2) q^(-r),   accepted if η^(3/2) q ≤ 1

    and of what a long run draws, E[η q²; accepted] of E[η; accepted] arrives. log η has a law on a grid, by quadrature.
    """
    keep = 1 - 1.5 * exponent
    y = np.linspace(-3.0, 9.0, nodes)  # log η
    width = y[1] - y[0]
    log_q = (math.log(safety) + keep * y[:, None] - y) / exponent  # of the step from y (rows) to y' (columns)
    square = d * np.exp(2 * log_q)
    density = 2 * square * chi2.pdf(square, d) / exponent * width
    density /= density.sum(1, keepdims=True)
    law = np.full(nodes, 1 / nodes)
    for _ in range(200):
        law = law @ density
    most = d * np.exp(-3 * y)  # of |z|²
    eta = law * np.exp(y)
    return float((eta @ chi2.cdf(most, d + 2)) / (eta @ chi2.cdf(most, d)))
