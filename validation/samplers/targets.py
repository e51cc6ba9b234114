"""What the samplers are run on: Gaussians of three condition numbers, mixtures, and the spans of five paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, final

import numpy as np

import refscore as rs
from refscore.arrays import Float
from refscore.targets import Gaussian

__all__ = [
    "CONDITIONS",
    "COUNTS",
    "ENOUGH",
    "GAUSSIAN",
    "LINE",
    "PLANE",
    "SHOWN",
    "SPANS",
    "Seen",
    "Span",
    "best_order",
    "block",
    "doubled",
    "gaussian_of",
    "limit_of",
]

T = TypeVar("T")
CONDITIONS = (1, 10, 1000)
COUNTS = (16, 32, 64, 128, 256, 512, 1024, 2048)
ENOUGH = 0.004  # an order known so well needs no more steps
SHOWN = (16, 64, 256)
MEAN = (0.7, -1.0)


def _cov(condition: float, angle: float = 0.5) -> Float:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cov = (turn * np.array([0.8 / condition, 0.8])) @ turn.T
    value: Float = 0.5 * (cov + cov.T)
    return value


def gaussian_of(condition: float) -> Gaussian:
    """N(m, C) in the plane, m = (0.7, -1), C with eigenvalues 0.8 and 0.8/κ, turned by half a radian."""
    return rs.targets.gaussian(MEAN, _cov(condition))


def _all_at_once() -> Gaussian:
    """The three Gaussians side by side: nothing links them, so one run in six dimensions gives the laws of three."""
    cov = np.zeros((2 * len(CONDITIONS),) * 2)
    for i, condition in enumerate(CONDITIONS):
        cov[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = _cov(condition)
    return rs.targets.gaussian(MEAN * len(CONDITIONS), cov)


GAUSSIAN = _all_at_once()
LINE = rs.targets.mixture([0.7, 0.3], [[0.8], [-1.2]], [0.3, 0.15])
PLANE = rs.targets.mixture([0.7, 0.3], [[0.8, 0.3], [-1.2, -0.5]], [0.3, 0.15])


def block(law: Gaussian, i: int) -> Gaussian:
    """The i-th of the Gaussians that stand side by side in a law."""
    at = slice(2 * i, 2 * i + 2)
    return rs.targets.gaussian(law.mean[at], law.cov[at, at])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A path, and where on it a run begins and ends."""

    path: Any
    first: float
    last: float

    def times(self, n: int) -> Float:
        """A grid of n steps, even in log-SNR."""
        return rs.schedules.log_snr_times(self.path, n=n, t_start=self.first, t_stop=self.last)

    @property
    def start(self) -> tuple[float, float]:
        """(α, σ) where a run begins."""
        return float(self.path.alpha(self.first)), float(self.path.sigma(self.first))

    @property
    def stop(self) -> tuple[float, float]:
        """(α, σ) where it ends."""
        return float(self.path.alpha(self.last)), float(self.path.sigma(self.last))


SPANS = {
    "VP": Span(rs.paths.VP(), 0.7, 0.1),
    "sub-VP": Span(rs.paths.SubVP(), 0.7, 0.1),
    "cosine": Span(rs.paths.Cosine(), 0.9, 0.2),
    "flow": Span(rs.paths.Flow(), 0.9, 0.2),
    "EDM": Span(rs.paths.EDM(), 5.0, 0.25),
}


class Seen(NamedTuple):
    """An observed order, signed, how far two extrapolations differ, and the step counts behind it."""

    order: float
    uncertainty: float
    counts: tuple[float, ...]


def best_order(errors: Sequence[float], counts: Sequence[float], floor: float = 1e-12) -> Seen:
    """The order from the four consecutive step counts that agree best; errors at rounding are left out.

    The choice looks at the uncertainty alone, never at what is expected. An error that is rounding everywhere is none:
    order inf.
    """
    found = [Seen(np.inf, 0.0, ())]
    for i in range(len(counts) - 3):
        if min(errors[i : i + 4]) > floor:
            order = rs.exact.order_of(errors[i : i + 4], counts[i : i + 4])
            found.append(Seen(*order, tuple(counts[i : i + 4])))
    return min(found[1:] or found, key=lambda seen: seen.uncertainty)


def doubled(
    run: Callable[[int], T], errors: Callable[[T], Sequence[float]], counts: Sequence[int] = COUNTS, *, least: int = 5
) -> Mapping[int, T]:
    """Runs at doubled step counts, until every error of a run has told its order well enough."""
    found: dict[int, T] = {}
    for n in counts:
        found[n] = run(n)
        series = list(zip(*(errors(each) for each in found.values()), strict=True))
        if len(found) >= least and all(best_order(each, tuple(found)).uncertainty <= ENOUGH for each in series):
            break
    return found


def limit_of(errors: Sequence[float]) -> tuple[float, bool]:
    """Where errors at doubled step counts end when the term in 1/n is taken away, and whether that is known: not 0."""
    last, before = 2 * errors[-1] - errors[-2], 2 * errors[-2] - errors[-3]
    return last, last > 0.1 * errors[-1] and abs(last - before) <= 0.1 * last
