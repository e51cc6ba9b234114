"""Variance-preserving paths with a linear rate: the continuous limit of DDPM, and its sub-VP variant.

    β(t) = β_min + t (β_max - β_min),   B(t) = ∫₀ᵗ β = t (β_min + ½ t (β_max - β_min))                (VP.1)

Both have α = e^(-B/2). VP keeps α² + σ² = 1; sub-VP has σ = 1 - e^(-B), the square of VP's σ, so less noise at every t.
Near the data B ~ 1e-11 and 1 - e^(-B) must come from ``expm1``: in float32 the plain form is 2.4 % low at t = 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, positive
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["VP", "SubVP", "preserving_log_snr", "preserving_sigma", "preserving_sigma_dot"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class VP:
    """The variance-preserving path with linear β, α² + σ² = 1.

        α = e^(-B/2)                                                                                  (VP.2)
        σ = √(1 - α²) = √(-expm1(-B))                                                                 (VP.3)

    Parameters
    ----------
    beta_min, beta_max : float
        β(0) and β(1), rates per unit of time; 0 < β_min ≤ β_max. Equal ones give the Ornstein–Uhlenbeck process.

    Raises
    ------
    ValueError
        If not 0 < β_min ≤ β_max.

    Notes
    -----
    Not to be confused with the sum over discrete β of DDPM, which is :class:`DiscreteVP`: at t = 1e-3 it has
    σ = 0.0100 against 0.0105 here. Nor with other paths called "VP": any α with σ² = 1 - α² preserves variance. EDM
    writes β_d = β_max - β_min.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 11, 32 and 33.

    Examples
    --------
    β is linear, so the midpoint rule integrates it exactly, B(1) = β(½):

    >>> path = VP()
    >>> bool(abs(path.alpha(1) - np.exp(-0.5 * (0.1 + 20) / 2)) < 1e-17)
    True

    The ratio σ/α at t = 1 is EDM's largest VP noise level, printed there as 152:

    >>> round(float(path.sigma(1) / path.alpha(1)), 3)
    152.167
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self) -> None:
        _accept_rates(self)

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """1: the prior is N(0, I), though σ(1) = √(1 - e^(-B(1))) is a little less."""
        return 1.0

    def alpha(self, t: ArrayLike) -> Float:
        """α = e^(-B/2), shape of `t`."""
        return _alpha(_integral(self, path_times(t, self.t_max)))

    def sigma(self, t: ArrayLike) -> Float:
        """σ = √(-expm1(-B)), shape of `t`."""
        return preserving_sigma(_integral(self, path_times(t, self.t_max)))

    def alpha_dot(self, t: ArrayLike) -> Float:
        """α' = -½ β α                                                                                (VP.4)"""
        t = path_times(t, self.t_max)
        value: Float = -0.5 * _rate(self, t) * _alpha(_integral(self, t))  # (VP.4)
        return value

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ' = ½ β α² / σ, infinite at t = 0                                                         (VP.5)"""
        t = path_times(t, self.t_max)
        return preserving_sigma_dot(_integral(self, t), _rate(self, t))

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -½ log(e^B - 1), +inf at t = 0                                                         (VP.6)"""
        return preserving_log_snr(_integral(self, path_times(t, self.t_max)))

    def time(self, log_snr: ArrayLike) -> Float:
        """t = 2B / (β_min + √(β_min² + 2 (β_max - β_min) B)),   B = log(1 + e^(-2λ))                  (VP.7)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        return _time_of_integral(self, np.logaddexp(0.0, -2 * levels))  # (VP.7)

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = -½ β                                                                                   (VP.8)"""
        return -0.5 * _rate(self, path_times(t, self.t_max))  # (VP.8)

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √β                                                                                     (VP.9)"""
        value: Float = np.sqrt(_rate(self, path_times(t, self.t_max)))  # (VP.9)
        return value


@final
@dataclass(frozen=True, slots=True, eq=False)
class SubVP:
    """The sub-VP path: VP's signal with less noise, α² + σ² < 1 for 0 < t.

        σ = 1 - e^(-B) = -expm1(-B)                                                                   (SUBVP.1)

    Parameters
    ----------
    beta_min, beta_max : float
        β(0) and β(1), as for :class:`VP`.

    Raises
    ------
    ValueError
        If not 0 < β_min ≤ β_max.

    Notes
    -----
    Not to be confused with VP's √(1 - e^(-B)): here (SUBVP.1) is the standard deviation, without a root. In the paper
    the variance is written [1 - e^(-B)]², and the square is easy to overlook.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, eq. 12 and 29.

    Examples
    --------
    The standard deviation is the variance of VP, and g² = β (1 - α⁴):

    >>> t = np.array([1e-10, 0.3, 1.0])
    >>> np.allclose(SubVP().sigma(t), VP().sigma(t) ** 2, rtol=1e-15, atol=0)
    True
    >>> beta = 0.1 + 19.9 * t[1:]
    >>> np.allclose(SubVP().diffusion(t[1:]) ** 2, beta * (1 - VP().alpha(t[1:]) ** 4), rtol=1e-15, atol=0)
    True
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self) -> None:
        _accept_rates(self)

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """1: the prior is N(0, I), though σ(1) = 1 - e^(-B(1)) is a little less."""
        return 1.0

    def alpha(self, t: ArrayLike) -> Float:
        """α = e^(-B/2), as VP's (VP.2), shape of `t`."""
        return _alpha(_integral(self, path_times(t, self.t_max)))

    def sigma(self, t: ArrayLike) -> Float:
        """σ = -expm1(-B), shape of `t`."""
        value: Float = -np.expm1(-_integral(self, path_times(t, self.t_max)))  # (SUBVP.1)
        return value

    def alpha_dot(self, t: ArrayLike) -> Float:
        """α' = -½ β α, as VP's (VP.4)."""
        t = path_times(t, self.t_max)
        value: Float = -0.5 * _rate(self, t) * _alpha(_integral(self, t))  # (VP.4)
        return value

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ' = β e^(-B)                                                                              (SUBVP.2)"""
        t = path_times(t, self.t_max)
        value: Float = _rate(self, t) * np.exp(-_integral(self, t))  # (SUBVP.2)
        return value

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -log(2 sinh(B/2)), +inf at t = 0                                                       (SUBVP.3)"""
        integral = _integral(self, path_times(t, self.t_max))
        with np.errstate(divide="ignore"):
            value: Float = -(0.5 * integral + np.log(-np.expm1(-integral)))  # (SUBVP.3)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """t as in (VP.7) with B = 2 asinh(½ e^(-λ))                                                  (SUBVP.4)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        return _time_of_integral(self, 2 * np.arcsinh(0.5 * np.exp(-levels)))  # (SUBVP.4)

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = -½ β, as VP's (VP.8)."""
        return -0.5 * _rate(self, path_times(t, self.t_max))  # (VP.8)

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √(β (1 - e^(-2B)))                                                                     (SUBVP.5)"""
        t = path_times(t, self.t_max)
        value: Float = np.sqrt(-_rate(self, t) * np.expm1(-2 * _integral(self, t)))  # (SUBVP.5)
        return value


def preserving_sigma(integral: Float) -> Float:
    """The σ that goes with α = e^(-B/2) where α² + σ² = 1, (VP.3).

    Parameters
    ----------
    integral : ndarray
        B ≥ 0, the integral of the rate β.

    Returns
    -------
    ndarray
        √(-expm1(-B)).
    """
    value: Float = np.sqrt(-np.expm1(-integral))  # (VP.3)
    return value


def preserving_sigma_dot(integral: Float, rate: Float) -> Float:
    """The derivative of :func:`preserving_sigma` in time, (VP.5); +inf where B = 0.

    Parameters
    ----------
    integral, rate : ndarray
        B ≥ 0 and β = B' > 0.

    Returns
    -------
    ndarray
        ½ β e^(-B) / √(-expm1(-B)).
    """
    with np.errstate(divide="ignore"):
        value: Float = 0.5 * rate * np.exp(-integral) / preserving_sigma(integral)  # (VP.5)
    return value


def preserving_log_snr(integral: Float) -> Float:
    """The log signal-to-noise ratio where α² + σ² = 1, (VP.6); +inf where B = 0.

    Parameters
    ----------
    integral : ndarray
        B ≥ 0, the integral of the rate β.

    Returns
    -------
    ndarray
        -½ log(e^B - 1), as -½ (B + log(1 - e^(-B))) so that a large B does not overflow.
    """
    with np.errstate(divide="ignore"):
        value: Float = -0.5 * (integral + np.log(-np.expm1(-integral)))  # (VP.6)
    return value


def _accept_rates(path: VP | SubVP) -> None:
    beta_min, beta_max = number(path.beta_min, "beta_min", positive), number(path.beta_max, "beta_max", positive)
    if beta_min > beta_max:
        raise ValueError(f"beta_min is {beta_min} and beta_max {beta_max}; expected beta_min <= beta_max")
    object.__setattr__(path, "beta_min", beta_min)
    object.__setattr__(path, "beta_max", beta_max)


def _rate(path: VP | SubVP, t: Float) -> Float:
    return path.beta_min + t * (path.beta_max - path.beta_min)  # (VP.1)


def _integral(path: VP | SubVP, t: Float) -> Float:
    return t * (path.beta_min + 0.5 * t * (path.beta_max - path.beta_min))  # (VP.1)


def _alpha(integral: Float) -> Float:
    value: Float = np.exp(-0.5 * integral)  # (VP.2)
    return value


def _time_of_integral(path: VP | SubVP, integral: Float) -> Float:
    root = np.sqrt(path.beta_min**2 + 2 * (path.beta_max - path.beta_min) * integral)
    value: Float = np.minimum(2 * integral / (path.beta_min + root), path.t_max)  # (VP.7)
    return value
