"""The perfect model of a target: what a black-box sampler is given in place of a trained network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from refscore.arrays import Float
from refscore.conformance.kinds import ArrayKind
from refscore.targets import Gaussian, Mixture

__all__ = ["Exact", "ExactModel"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """A target, as an argument: it reaches the implementation as an :class:`ExactModel` in its array library.

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x₀.
    """

    target: Gaussian | Mixture

    def given_in(self, kind: ArrayKind) -> ExactModel:
        """The model in an array library."""
        return ExactModel(self.target, kind)


@final
@dataclass(frozen=True, slots=True, eq=False)
class ExactModel:
    """Exact predictions at x = α x₀ + σ ε, in the array library, dtype and shape of x.

    Parameters
    ----------
    target : Gaussian or Mixture
        The law of x₀.
    kind : ArrayKind
        The array library of the implementation.

    Notes
    -----
    `alpha` and `sigma` are numbers or arrays of one number a sample, whatever the library's own time, sigma or step
    index means. Each prediction has its own formula that does not cancel; none is made from another one.
    """

    target: Gaussian | Mixture
    kind: ArrayKind

    def score(self, x: Any, *, alpha: Any, sigma: Any) -> Any:
        """∇ log p at this level."""
        _, _, score, _ = self._at(x, alpha, sigma)
        return self._give(x, score)

    def noise(self, x: Any, *, alpha: Any, sigma: Any) -> Any:
        """ε̂ = −σ s."""
        _, s, score, _ = self._at(x, alpha, sigma)
        return self._give(x, -s * score)

    def data(self, x: Any, *, alpha: Any, sigma: Any) -> Any:
        """x̂₀ = E[x₀ given x], Tweedie's formula."""
        _, _, _, data = self._at(x, alpha, sigma)
        return self._give(x, data)

    def v(self, x: Any, *, alpha: Any, sigma: Any) -> Any:
        """V = α ε̂ − σ x̂₀."""
        a, s, score, data = self._at(x, alpha, sigma)
        return self._give(x, -a * s * score - s * data)

    def velocity(self, x: Any, *, alpha: Any, sigma: Any, alpha_dot: Any, sigma_dot: Any) -> Any:
        """U = α' x̂₀ + σ' ε̂."""
        _, s, score, data = self._at(x, alpha, sigma)
        return self._give(x, self._column(x, alpha_dot) * data - self._column(x, sigma_dot) * s * score)

    def _at(self, x: Any, alpha: Any, sigma: Any) -> tuple[Float, Float, Float, Float]:
        """α and σ as columns, the score and the denoised point; rows of one level are computed together."""
        points = np.asarray(self.kind.take(x), dtype=np.float64)
        points = points.reshape(len(points), -1)
        a, s = self._column(x, alpha), self._column(x, sigma)
        levels = np.hstack([a, s])
        score, data = np.full_like(points, np.nan), np.full_like(points, np.nan)
        known = np.isfinite(points).all(axis=1) & np.isfinite(levels).all(axis=1)  # what is no number stays none
        for level in np.unique(levels[known], axis=0):
            rows = (levels == level).all(axis=1) & known
            score[rows] = self.target.perturb(*map(float, level)).score(points[rows])
            data[rows] = self.target.denoise(points[rows], alpha=float(level[0]), sigma=float(level[1]))
        return a, s, score, data

    def _column(self, x: Any, level: Any) -> Float:
        """One number a row, from a number or an array of (), (n,) or (n, 1, …)."""
        rows = self.kind.take(x).shape[0]
        value = np.asarray(self.kind.take(level), dtype=np.float64).reshape(-1, 1)
        if len(value) not in (1, rows):
            raise ValueError(f"a level of {len(value)} numbers for {rows} samples; expected one, or one for each")
        return np.asarray(np.broadcast_to(value, (rows, 1)))

    def _give(self, x: Any, values: Float) -> Any:
        return self.kind.like(values.reshape(self.kind.take(x).shape), x)
