"""Variance-exploding paths: the data stay, the noise grows geometrically.

    α = 1,   σ = σ_min r^t,   r = σ_max / σ_min                                                       (VE.1)

Two kernels go by this name. :class:`VE` ("marginal", score_sde's code) has σ(0) = σ_min: its t = 0 is data that already
carry the noise σ_min. :class:`VETransition` ("transition") is what the same SDE does to clean data in the time t, with
variance σ² - σ_min². At t = 0.01 the two standard deviations are 0.0109 and 0.0043. The SDE is one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, positive
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["VE", "VETransition"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class VE:
    """The variance-exploding path with the kernel "marginal", (VE.1): σ(0) = σ_min.

    Parameters
    ----------
    sigma_min, sigma_max : float
        σ(0) and σ(1) in the data's unit; 0 < σ_min < σ_max.

    Raises
    ------
    ValueError
        If not 0 < σ_min < σ_max.

    Notes
    -----
    Not to be confused with :class:`VETransition`, nor with EDM's "VE", σ = √t. The identity (PATH.4) holds, but the SDE
    started from clean data at t = 0 has the variance σ² - σ_min², not σ²; started from data plus σ_min ε it has σ².

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 30 and 31, and its code ``VESDE``.

    Examples
    --------
    Halfway through, σ is the geometric mean of the ends, and g is √((σ²)') by central differences:

    >>> path, h = VE(sigma_min=0.01, sigma_max=50), 1e-6
    >>> bool(abs(path.sigma(0.5) - np.sqrt(0.01 * 50)) < 1e-15)
    True
    >>> rate = (path.sigma(0.5 + h) ** 2 - path.sigma(0.5 - h) ** 2) / (2 * h)
    >>> bool(abs(path.diffusion(0.5) - np.sqrt(rate)) < 1e-8)
    True
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0

    def __post_init__(self) -> None:
        _accept_levels(self)

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """σ_max: the prior is N(0, σ_max² I), which leaves the data's mean and variance out."""
        return self.sigma_max

    def alpha(self, t: ArrayLike) -> Float:
        """1, shape of `t`."""
        return np.ones_like(path_times(t, self.t_max))[()]

    def sigma(self, t: ArrayLike) -> Float:
        """σ = σ_min r^t, shape of `t`."""
        return _marginal(self, path_times(t, self.t_max))

    def alpha_dot(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ' = σ log r                                                                               (VE.2)"""
        return _marginal(self, path_times(t, self.t_max)) * _log_ratio(self)  # (VE.2)

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -log σ                                                                                 (VE.3)"""
        value: Float = -np.log(_marginal(self, path_times(t, self.t_max)))  # (VE.3)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """t = -(λ + log σ_min) / log r                                                               (VE.4)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        value: Float = np.clip(-(levels + np.log(self.sigma_min)) / _log_ratio(self), 0.0, self.t_max)  # (VE.4)
        return value

    def drift_rate(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def diffusion(self, t: ArrayLike) -> Float:
        """g = σ √(2 log r)                                                                           (VE.5)"""
        value: Float = _marginal(self, path_times(t, self.t_max)) * np.sqrt(2 * _log_ratio(self))  # (VE.5)
        return value


@final
@dataclass(frozen=True, slots=True, eq=False)
class VETransition:
    """The variance-exploding path with the kernel "transition": clean data at t = 0.

        σ_tr = √(σ² - σ_min²) = σ_min √(expm1(2 t log r))                                             (VE.6)

    Parameters
    ----------
    sigma_min, sigma_max : float
        The levels of (VE.1), in the data's unit; 0 < σ_min < σ_max. Not the ends of σ_tr, which starts at 0.

    Raises
    ------
    ValueError
        If not 0 < σ_min < σ_max.

    Notes
    -----
    Not to be confused with :class:`VE`, whose SDE it shares.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 29, first case.

    Examples
    --------
    Variances of independent noise add: σ_tr² + σ_min² = σ².

    >>> t = np.array([0.01, 0.5, 1.0])
    >>> np.allclose(np.hypot(VETransition().sigma(t), 0.01), VE().sigma(t), rtol=4e-15, atol=0)
    True
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0

    def __post_init__(self) -> None:
        _accept_levels(self)

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """σ_max, as VE's; σ_tr(1) is less by a relative ½ (σ_min/σ_max)²."""
        return self.sigma_max

    def alpha(self, t: ArrayLike) -> Float:
        """1, shape of `t`."""
        return np.ones_like(path_times(t, self.t_max))[()]

    def sigma(self, t: ArrayLike) -> Float:
        """σ_tr, shape of `t`."""
        return _transition(self, path_times(t, self.t_max))

    def alpha_dot(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ_tr' = σ² log r / σ_tr, infinite at t = 0                                                 (VE.7)"""
        t = path_times(t, self.t_max)
        with np.errstate(divide="ignore"):
            value: Float = _marginal(self, t) ** 2 * _log_ratio(self) / _transition(self, t)  # (VE.7)
        return value

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -log σ_tr, +inf at t = 0                                                               (VE.8)"""
        with np.errstate(divide="ignore"):
            value: Float = -np.log(_transition(self, path_times(t, self.t_max)))  # (VE.8)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """The inverse: t = log1p((e^(-λ) / σ_min)²) / (2 log r)                                         (VE.9)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        value: Float = np.log1p((np.exp(-levels) / self.sigma_min) ** 2) / (2 * _log_ratio(self))  # (VE.9)
        return np.minimum(value, self.t_max)

    def drift_rate(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def diffusion(self, t: ArrayLike) -> Float:
        """g = σ √(2 log r) with the σ of (VE.1), as VE's (VE.5)."""
        value: Float = _marginal(self, path_times(t, self.t_max)) * np.sqrt(2 * _log_ratio(self))  # (VE.5)
        return value


def _accept_levels(path: VE | VETransition) -> None:
    sigma_min, sigma_max = number(path.sigma_min, "sigma_min", positive), number(path.sigma_max, "sigma_max", positive)
    if sigma_min >= sigma_max:
        raise ValueError(f"sigma_min is {sigma_min} and sigma_max {sigma_max}; expected sigma_min < sigma_max")
    object.__setattr__(path, "sigma_min", sigma_min)
    object.__setattr__(path, "sigma_max", sigma_max)


def _log_ratio(path: VE | VETransition) -> float:
    # The difference first: r - 1 keeps its digits where the ratio is close to 1.
    return float(np.log1p((path.sigma_max - path.sigma_min) / path.sigma_min))


def _marginal(path: VE | VETransition, t: Float) -> Float:
    value: Float = path.sigma_min * (path.sigma_max / path.sigma_min) ** t  # (VE.1)
    return value


def _transition(path: VE | VETransition, t: Float) -> Float:
    value: Float = path.sigma_min * np.sqrt(np.expm1(2 * t * _log_ratio(path)))  # (VE.6)
    return value
