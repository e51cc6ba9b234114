"""What ``sampler.flow_ode`` is asked, where the exact flow goes, and how far a solver may be from it.

A solver with steps t_0 > t_1 > … holds the error of each step to its tolerance: the root mean square over the n d
numbers of the batch of error/(atol + rtol |x|) is at most 1. So the error of a step is for each sample at most √(n d)
max_i (atol + rtol |x_i|) in length, and the flow carries it to the end. With G_k the norm of ∂x(t_stop)/∂x(t_k),

    |x - x(t_stop)| ≤ 2 √(n d) Σ_k G_k max_i (atol + (rtol + 8 u) |x_i(t_k)|)                         (BOUND.4)

to first order in the tolerance; 8 u is rounding, and 2 leaves room for estimates of errors that are no more than that.
The sum runs over the steps of the pair of order 2 (RK23) at 1e-5, as no solver in use takes more; at smaller tolerances
its steps multiply by (1e-5/rtol)^⅓, since its local error is of the third order.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.integrate import solve_ivp

from refscore.arrays import Float
from refscore.conformance.kinds import ArrayKind, array_kind
from refscore.exact import flow, flow_map
from refscore.paths import EDM, VE, VP, Flow, Path, SubVP
from refscore.sde import flow_drift
from refscore.targets import Gaussian, Mixture, gaussian, mixture

__all__ = ["CASES", "LOOSE", "FlowCase", "Timed", "exact_end", "reach"]

LOOSE, SAFETY = 1e-5, 2.0

POINTS = np.array([[1.0, -2.0, 0.5], [0.5, 0.25, -0.125], [-1.0, 1.5, 0.25]])
SPACE = gaussian([0.5, -1.0, 0.25], [[1.0, 0.5, 0.0], [0.5, 2.0, -0.25], [0.0, -0.25, 0.0625]])
LINE = gaussian([0.5], [[0.25]])
MODES = mixture([0.25, 0.75], [[-1.0, 0.5], [1.0, -0.5]], [[[0.25, 0.125], [0.125, 0.5]], [[0.5, 0.0], [0.0, 0.25]]])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """The exact score of a target at the times of a path, as an argument: score(x, t) in the implementation's library.

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x₀.
    path : Path
        α(t) and σ(t). Times outside are taken for the nearest inside, for solvers that look beyond the end.
    last : float
        The path's last time.
    """

    target: Gaussian | Mixture
    path: Path
    last: float

    def given_in(self, kind: ArrayKind) -> Any:
        """The score in an array library; t is (), or (n,)."""

        def score(x: Any, t: Any) -> Any:
            at = np.clip(np.asarray(kind.take(t), dtype=np.float64), 0.0, self.last)
            levels = (self.path.alpha(at), self.path.sigma(at))
            values = _score(
                self.target, np.asarray(kind.take(x), dtype=np.float64), *(v.reshape(-1, 1) for v in levels)
            )
            return kind.like(values, x)

        return score

    @property
    def plain(self) -> Any:
        """The score in NumPy."""
        return self.given_in(array_kind("numpy", "float64"))


@functools.cache
def _components(target: Gaussian | Mixture) -> tuple[Float, Float, Float, Float]:
    """log w (k, 1), means (k, 1, d), eigenvalues (k, 1, d) and eigenvectors (k, d, d) of the covariances."""
    if isinstance(target, Gaussian):
        weights: Float = np.ones(1)
        means, covs = target.mean[None], target.cov[None]
    else:
        weights, means, covs = target.weights, target.means, target.covs
    values, vectors = np.linalg.eigh(covs)
    return np.log(weights)[:, None], means[:, None], values[:, None], vectors


def _score(target: Gaussian | Mixture, x: Float, alpha: Float, sigma: Float) -> Float:
    """The score of α x₀ + σ ε for levels (1, 1) or (n, 1): a solver asks a thousand times."""
    weight, mean, values, vectors = _components(target)
    turned, variance = (x - alpha * mean) @ vectors, alpha**2 * values + sigma**2
    pulls = -(turned / variance) @ np.swapaxes(vectors, -1, -2)
    logs = weight - 0.5 * (np.log(variance) + turned**2 / variance).sum(-1)
    shares = np.exp(logs - logs.max(0))
    value: Float = (shares[..., None] * pulls).sum(0) / shares.sum(0)[:, None]
    return value


@final
@dataclass(frozen=True, slots=True, eq=False)
class FlowCase:
    """A target, a path and an interval, from t_start down to t_stop.

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x₀.
    path : Path
        f and g.
    t_start, t_stop : float
        In the path's time.
    last : float
        The path's last time.
    """

    target: Gaussian | Mixture
    path: Path
    t_start: float
    t_stop: float
    last: float = 1.0

    @property
    def score(self) -> Timed:
        """The exact score."""
        return Timed(self.target, self.path, self.last)

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(α, σ) at both ends."""
        first, last = ((float(self.path.alpha(t)), float(self.path.sigma(t))) for t in (self.t_start, self.t_stop))
        return first, last

    @property
    def x(self) -> Float:
        """Typical states at the start: the same points, in a power of two near the spread."""
        alpha, sigma = self.ends[0]
        d = self.target.d
        spread = math.hypot(alpha * math.sqrt(float(np.trace(self.target.cov)) / d), sigma)
        return 2.0 ** round(math.log2(spread)) * POINTS[:, :d]


CASES = {
    "vp": FlowCase(SPACE, VP(), 1.0, 1e-3),
    "vp,0.75-0.25": FlowCase(SPACE, VP(), 0.75, 0.25),
    "subvp": FlowCase(SPACE, SubVP(), 1.0, 1e-3),
    "ve": FlowCase(SPACE, VE(), 1.0, 1e-5),
    "edm": FlowCase(SPACE, EDM(), 10.0, 0.0, 80.0),
    "flow,d=1": FlowCase(LINE, Flow(), 0.9375, 0.0625),
    "mixture,vp": FlowCase(MODES, VP(), 1.0, 2.0**-6),
    "mixture,edm": FlowCase(MODES, EDM(), 4.0, 0.125, 80.0),
}


@functools.cache
def exact_end(name: str) -> tuple[Float, Float]:
    """Where the exact flow of a case ends, (n, d), and how well that is known, (n,)."""
    case = CASES[name]
    start, stop = case.ends
    if isinstance(case.target, Gaussian):
        return flow_map(case.target, start=start, stop=stop)(case.x), np.zeros(len(case.x))
    return flow(case.target, case.x, start=start, stop=stop)


@functools.cache
def _sums(name: str) -> tuple[Float, Float]:
    """Σ_k G_k and Σ_k G_k max_i |x_i(t_k)| over the steps of the pair of order 2, for each sample."""
    case = CASES[name]
    x, score = case.x, case.score.plain
    n, d = x.shape

    def velocity(t: float, flat: Float) -> Float:
        y, at = flat.reshape(-1, d), np.float64(t)
        return np.ravel(flow_drift(score(y, at), y, at, path=case.path))

    span, h = (case.t_start, case.t_stop), 2.0**-13 * float(np.abs(x).max())
    times = solve_ivp(velocity, span, x.ravel(), method="RK23", rtol=LOOSE, atol=LOOSE).t
    beside = np.concatenate([x, *(x + h * axis for axis in np.eye(d))]).ravel()
    fine = solve_ivp(velocity, span, beside, method="DOP853", rtol=1e-10, atol=1e-10, t_eval=times).y
    states = fine.reshape(1 + d, n, d, len(times))
    moved = ((states[1:] - states[0]) / h).transpose(3, 1, 2, 0)  # ∂x(t_k)/∂x(t_start) by step and sample
    carried = np.linalg.norm(moved[-1] @ np.linalg.inv(moved), 2, axis=(-2, -1))
    sizes = np.abs(states[0]).max(axis=1).T
    return carried[1:].sum(0), (carried[1:] * np.maximum(sizes[1:], sizes[:-1])).sum(0)


def reach(name: str, rtol: float, atol: float, u: float) -> Float:
    """How far from the exact end a solver may be at its tolerances, for each sample."""
    absolute, relative = _sums(name)
    steps = max(1.0, (LOOSE / rtol) ** (1 / 3))
    held = steps * (atol * absolute + (rtol + 8 * u) * relative)  # (BOUND.4)
    value: Float = SAFETY * math.sqrt(CASES[name].x.size) * held + exact_end(name)[1]
    return value
