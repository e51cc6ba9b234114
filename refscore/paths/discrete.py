"""The variance-preserving path through the nodes of a discrete schedule β_1, …, β_N.

    ᾱ_k = Π_{i ≤ k} (1 - β_i) at t = k/N,   ᾱ_0 = 1                                                   (DVP.1)

Between the nodes log ᾱ is linear in t, as in DPM-Solver. So it is a VP path whose rate is constant on each interval:

    B(t) = -log ᾱ(t),   B(k/N) = -Σ_{i ≤ k} log(1 - β_i),   b_k = B' = -N log(1 - β_k)                  (DVP.2)

and any N-step sampler of the DDPM family visits exactly the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, read_only
from refscore.paths.protocol import path_log_snr, path_times
from refscore.paths.vp import preserving_log_snr, preserving_sigma, preserving_sigma_dot

__all__ = ["DiscreteVP"]


@final
@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class DiscreteVP:
    """The variance-preserving path through ᾱ_k at t = k/N, (DVP.1), for any β sequence.

        α = e^(-B/2),   σ = √(-expm1(-B))                                                             (DVP.3)

    Parameters
    ----------
    betas : (N,)
        β_1, …, β_N, each in (0, 1): the noise added by each of N steps, first step next to the data.

    Attributes
    ----------
    betas : (N,)
        As given, read-only.

    Raises
    ------
    ValueError
        If `betas` is no vector, or a β lies outside (0, 1). β = 1 ("zero terminal SNR") has log ᾱ = -∞, which no line
        reaches; ``Cosine`` and ``Flow`` end at α = 0 properly.

    Notes
    -----
    Not to be confused with code that counts from ᾱ_0 = 1 - β_1: index i there is t = (i + 1)/N here. DPM-Solver has no
    node at t = 0 and extrapolates below 1/N, so that its α(0) is not 1. At a node the derivatives are those from below,
    which belong to the step from t down to s < t; at t = 0 those from above.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, eq. 4; Lu et al. (2022), DPM-Solver, for the
    interpolation, which is that of its code.

    Examples
    --------
    DDPM's schedule ends at ᾱ = 4.036e-5:

    >>> betas = np.linspace(1e-4, 0.02, 1000)
    >>> path = DiscreteVP(betas)
    >>> f"{float(path.alpha(1)) ** 2:.4e}", bool(np.isclose(path.alpha(1) ** 2, np.prod(1 - betas), rtol=1e-12))
    ('4.0358e-05', True)
    """

    betas: Float
    _integrals: Float
    _rates: Float

    def __init__(self, betas: ArrayLike) -> None:
        values = read_only(betas, "betas")
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"betas has shape {values.shape}; expected (N,) with N >= 1")
        wrong = (values <= 0) | (values >= 1)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(f"betas[{k}] is {float(values[k])!r}; expected a value in (0, 1)")
        steps = -np.log1p(-values)
        object.__setattr__(self, "betas", values)
        object.__setattr__(self, "_integrals", read_only(np.concatenate([[0.0], _running_sum(steps)]), "betas"))
        object.__setattr__(self, "_rates", read_only(steps * values.size, "betas"))

    def __repr__(self) -> str:
        return f"DiscreteVP(betas=[{self.betas[0]:.4g} … {self.betas[-1]:.4g}], N={self.betas.size})"

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """1: the prior is N(0, I), though σ(1) = √(1 - ᾱ_N) is a little less."""
        return 1.0

    def alpha(self, t: ArrayLike) -> Float:
        """α = e^(-B/2), shape of `t`."""
        value: Float = np.exp(-0.5 * self._at(t)[0])  # (DVP.3)
        return value

    def sigma(self, t: ArrayLike) -> Float:
        """σ = √(-expm1(-B)), shape of `t`."""
        return preserving_sigma(self._at(t)[0])  # (DVP.3)

    def alpha_dot(self, t: ArrayLike) -> Float:
        """α' = -½ b_k α                                                                              (DVP.4)"""
        integral, rate = self._at(t)
        value: Float = -0.5 * rate * np.exp(-0.5 * integral)  # (DVP.4)
        return value

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ' = ½ b_k α² / σ, infinite at t = 0                                                       (DVP.5)"""
        return preserving_sigma_dot(*self._at(t))  # (DVP.5)

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -½ log(e^B - 1), as VP's (VP.6), +inf at t = 0."""
        return preserving_log_snr(self._at(t)[0])  # (VP.6)

    def time(self, log_snr: ArrayLike) -> Float:
        """t = (k - 1)/N + (B - B_{k-1}) / b_k,   B = log(1 + e^(-2λ)) in (B_{k-1}, B_k]               (DVP.6)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        integral = np.logaddexp(0.0, -2 * levels)
        below = np.clip(np.searchsorted(self._integrals, integral, side="left") - 1, 0, self.betas.size - 1)
        value: Float = below / self.betas.size + (integral - self._integrals[below]) / self._rates[below]  # (DVP.6)
        return np.minimum(value, self.t_max)

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = -½ b_k                                                                                 (DVP.7)"""
        return -0.5 * self._at(t)[1]  # (DVP.7)

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √b_k                                                                                   (DVP.8)"""
        value: Float = np.sqrt(self._at(t)[1])  # (DVP.8)
        return value

    def _at(self, t: ArrayLike) -> tuple[Float, Float]:
        """B and its rate at `t`, (DVP.2)."""
        position = path_times(t, self.t_max) * self.betas.size
        # k/N is a rounded number, and linspace rounds it otherwise: within four ulps of a node is on it.
        node = np.rint(position)
        position = np.where(np.abs(position - node) <= 2.0**-50 * node, node, position)
        below = np.clip(np.ceil(position).astype(np.int64) - 1, 0, self.betas.size - 1)
        rate = self._rates[below]
        integral: Float = self._integrals[below] + (position - below) * (rate / self.betas.size)  # (DVP.2)
        return integral, rate


def _running_sum(terms: Float) -> Float:
    # Each partial sum plus the sum of its rounding errors (Knuth's two-sum): as if in twice the precision.
    total = np.cumsum(terms)
    before = np.concatenate([[0.0], total[:-1]])
    added = total - before
    value: Float = total + np.cumsum((before - (total - added)) + (terms - added))
    return value
