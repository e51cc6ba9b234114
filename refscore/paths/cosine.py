"""The cosine path: ᾱ falls like a squared cosine, so that no part of time is spent on almost pure noise.

    ᾱ(t) = f(t) / f(0),   f(t) = cos²(θ),   θ(t) = θ0 + c t,   c = (π/2) / (1 + s),   θ0 = c s         (COS.1)

α = √ᾱ and α² + σ² = 1. Written like this α loses its digits at t = 1 (a cosine next to π/2) and σ at t = 0 (1 - α²).
π/2 - θ = c (1 - t), and the difference of two squared cosines is a product of sines; in those forms nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["Cosine"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Cosine:
    """The cosine path with offset s, normalised to α(0) = 1.

        α = cos θ / cos θ0 = sin(c (1 - t)) / sin c                                                   (COS.2)
        σ = √(1 - α²) = √(sin(c t) sin(c t + 2 θ0)) / sin c                                           (COS.3)

    Parameters
    ----------
    s : float
        Offset s ≥ 0; 0.008 in the paper. s = 0 is α = cos(πt/2), σ = sin(πt/2).

    Raises
    ------
    ValueError
        If `s` is negative or no scalar.

    Notes
    -----
    α(1) = 0: f and g have a pole at t = 1, and the discrete ``schedules.cosine_betas`` has to clip its last β.
    Not to be confused with code that leaves out the division by f(0), so that α(0) = 0.99992 and σ(0) = 0.0125; in the
    discrete β, a ratio of two f, it makes no difference.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 17.

    Examples
    --------
    The definition, away from the ends:

    >>> path, f = Cosine(s=0.008), lambda t: np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2
    >>> bool(abs(path.alpha(0.5) ** 2 - f(0.5) / f(0)) < 1e-15)
    True
    >>> bool(abs(path.sigma(0.5) ** 2 - (1 - f(0.5) / f(0))) < 1e-15)
    True
    """

    s: float = 0.008

    def __post_init__(self) -> None:
        object.__setattr__(self, "s", number(self.s, "s", not_negative))

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """1: the law at t = 1 is N(0, I) exactly."""
        return 1.0

    @property
    def _c(self) -> float:
        return 0.5 * np.pi / (1 + self.s)  # (COS.1)

    def _root(self, t: Float) -> Float:
        # Two roots: for s = 0 the product of the sines would underflow below t = 1e-154.
        value: Float = np.sqrt(np.sin(self._c * t)) * np.sqrt(np.sin(self._c * (t + 2 * self.s)))
        return value

    def alpha(self, t: ArrayLike) -> Float:
        """α = sin(c (1 - t)) / sin c, shape of `t`."""
        value: Float = np.sin(self._c * (1 - path_times(t, self.t_max))) / np.sin(self._c)  # (COS.2)
        return value

    def sigma(self, t: ArrayLike) -> Float:
        """σ = √(sin(c t) sin(c t + 2 θ0)) / sin c, shape of `t`."""
        value: Float = self._root(path_times(t, self.t_max)) / np.sin(self._c)  # (COS.3)
        return value

    def alpha_dot(self, t: ArrayLike) -> Float:
        """α' = -c sin θ / sin c                                                                      (COS.4)"""
        value: Float = -self._c * np.sin(self._c * (path_times(t, self.t_max) + self.s)) / np.sin(self._c)  # (COS.4)
        return value

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ' = -α α' / σ = c α sin θ / √(sin(c t) sin(c t + 2 θ0)), infinite at t = 0 if s > 0        (COS.5)"""
        t = path_times(t, self.t_max)
        if self.s == 0:  # sin θ and the root are one, also where both are 0
            return self._c * self.alpha(t)
        with np.errstate(divide="ignore"):
            value: Float = self._c * self.alpha(t) * np.sin(self._c * (t + self.s)) / self._root(t)  # (COS.5)
        return value

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = log sin(c (1 - t)) - ½ log(sin(c t) sin(c t + 2 θ0)), ±inf at the ends                  (COS.6)"""
        t = path_times(t, self.t_max)
        with np.errstate(divide="ignore"):
            value: Float = np.log(np.sin(self._c * (1 - t))) - np.log(self._root(t))  # (COS.6)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """The inverse, through the angle θ - θ0 = c t.

            c t = atan2(cos θ0 σ² / (S + α sin θ0), cos² θ0 α + S sin θ0)                              (COS.7)

        with S² = sin² θ0 + cos² θ0 σ².
        """
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        alpha, sigma = np.exp(-0.5 * np.logaddexp(0.0, -2 * levels)), np.exp(-0.5 * np.logaddexp(0.0, 2 * levels))
        sine, cosine = np.sin(self._c * self.s), np.sin(self._c)  # of θ0
        root = np.hypot(sine, cosine * sigma)
        below = root + alpha * sine
        # σ (σ / ·), not σ² / ·: for s = 0 the quotient is 1 where σ² would underflow, and 0/0 only at t = 0.
        opposite = cosine * sigma * np.divide(sigma, below, out=np.zeros_like(below), where=below > 0)
        value: Float = np.arctan2(opposite, cosine**2 * alpha + root * sine) / self._c  # (COS.7)
        return np.minimum(value, self.t_max)

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = -c tan θ, -inf at t = 1                                                                (COS.8)"""
        return -self._c * self._tangent(path_times(t, self.t_max))  # (COS.8)

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √(2 c tan θ), +inf at t = 1                                                            (COS.9)"""
        value: Float = np.sqrt(2 * self._c * self._tangent(path_times(t, self.t_max)))  # (COS.9)
        return value

    def _tangent(self, t: Float) -> Float:
        with np.errstate(divide="ignore"):
            value: Float = np.sin(self._c * (t + self.s)) / np.sin(self._c * (1 - t))
        return value
