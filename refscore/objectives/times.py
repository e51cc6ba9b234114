"""Which times a loss is drawn at: densities of t and the maps that draw from them.

A density π of t and a weight w are one thing to the expectation: drawing t from π with weight w is drawing it uniformly
with weight w π. They differ in the variance. The likelihood weighting g² of the score is g²/σ² on the noise, which is
infinite at the data. Drawn from a density in proportion to it, the loss is a constant times the plain one on the noise.
By g² = -2 σ² λ', (PATH.4), that density is the fall of the log signal-to-noise ratio λ, on every path: the times are
uniform in λ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, number, positive
from refscore.paths import Path

__all__ = [
    "likelihood_density",
    "likelihood_normaliser",
    "likelihood_time",
    "log_normal_density",
    "log_normal_level",
    "logit_normal_density",
    "logit_normal_time",
]


def likelihood_normaliser(path: Path, t_min: float, t_stop: float) -> float:
    """The integral of the likelihood weighting on the noise.

        Z = ∫ g²/σ² dt = 2 (λ(t_min) - λ(t_stop))                                                     (WGT.15)

    Parameters
    ----------
    path : Path
        Gives λ.
    t_min, t_stop : float
        The interval; t_min > 0 where λ(0) is infinite.

    Returns
    -------
    float
        Z > 0.

    Raises
    ------
    ValueError
        If λ is infinite at an end, or t_min ≥ t_stop.

    Notes
    -----
    On VP it is the logarithm of (e^B(t_stop) - 1)/(e^B(t_min) - 1), on VE 2 log r times the length of the interval.

    Examples
    --------
    On VE, g²/σ² = 2 log r at every t:

    >>> import refscore as rs
    >>> round(likelihood_normaliser(rs.paths.VE(0.01, 50), 0, 0.5), 12), round(float(np.log(5000)), 12)
    (8.517193191416, 8.517193191416)
    """
    first, last = _ends(path, t_min, t_stop)
    return 2 * (first - last)  # (WGT.15)


def likelihood_density(t: ArrayLike, path: Path, t_min: float, t_stop: float) -> Float:
    """The density of times in proportion to the likelihood weighting on the noise.

        π(t) = g²/(σ² Z)                                                                              (WGT.16)

    Parameters
    ----------
    t : array_like
        Times in [t_min, t_stop], any shape.
    path : Path
        Gives g, σ and λ.
    t_min, t_stop : float
        The interval; t_min > 0 where λ(0) is infinite.

    Returns
    -------
    ndarray
        π, of the shape of `t`.

    Raises
    ------
    ValueError
        If a time lies outside the interval, or λ is infinite at an end of it.

    References
    ----------
    Song, Durkan, Murray & Ermon (2021), Maximum likelihood training of score-based diffusion models; its code has
    this density for VP and sub-VP, ``likelihood_importance_cum_weight``.
    """
    normaliser = likelihood_normaliser(path, t_min, t_stop)
    time = as_float64(t, "t")
    outside = (time < t_min) | (time > t_stop)
    if outside.any():
        raise ValueError(f"t has a value of {float(time[outside].flat[0])!r}; expected {t_min} <= t <= {t_stop}")
    value: Float = (path.diffusion(time) / path.sigma(time)) ** 2 / normaliser  # (WGT.16)
    return value


def likelihood_time(u: ArrayLike, path: Path, t_min: float, t_stop: float) -> Float:
    """The times of :func:`likelihood_density` from uniform numbers: its quantile function.

        λ(t) = λ(t_min) - u (λ(t_min) - λ(t_stop))                                                    (WGT.17)

    Parameters
    ----------
    u : array_like
        Numbers in [0, 1], any shape.
    path : Path
        Gives λ and its inverse.
    t_min, t_stop : float
        The interval; t_min > 0 where λ(0) is infinite.

    Returns
    -------
    ndarray
        t, of the shape of `u`; from t_min at u = 0 to t_stop at u = 1.

    Raises
    ------
    ValueError
        If a number lies outside [0, 1], or λ is infinite at an end.

    Examples
    --------
    Half of VP's weight between 0.001 and 1 lies below 0.3046, since g²/σ² is about 1/t near the data:

    >>> import refscore as rs
    >>> path = rs.paths.VP()
    >>> middle = float(likelihood_time(0.5, path, 1e-3, 1))
    >>> Z = likelihood_normaliser(path, 1e-3, 1)
    >>> round(middle, 4), round(likelihood_normaliser(path, 1e-3, middle) / Z, 12)
    (0.3046, 0.5)
    """
    first, last = _ends(path, t_min, t_stop)
    share = _unit(u)
    value: Float = np.clip(path.time((1 - share) * first + share * last), t_min, t_stop)  # (WGT.17)
    return value


def logit_normal_density(t: ArrayLike, mean: float = 0.0, std: float = 1.0) -> Float:
    """The logit-normal density of times.

        π(t) = exp(-(logit t - m)²/(2 s²))/(s √(2π) t (1 - t))                                        (WGT.18)

    Parameters
    ----------
    t : array_like
        Times in (0, 1), any shape.
    mean, std : float
        m and s > 0, of logit t = log(t/(1 - t)).

    Returns
    -------
    ndarray
        π, of the shape of `t`.

    Raises
    ------
    ValueError
        If a time is not in (0, 1), or s not positive.

    Notes
    -----
    On the flow path logit t = -λ: the log signal-to-noise ratio is normal, as EDM's log σ is on its own path.

    References
    ----------
    Esser et al. (2024), Scaling rectified flow transformers for high-resolution image synthesis, section 3.1.

    Examples
    --------
    >>> round(float(logit_normal_density(0.5)), 12), round(4 / (2 * np.pi) ** 0.5, 12)
    (1.595769121606, 1.595769121606)
    """
    time = as_float64(t, "t")
    if not ((time > 0) & (time < 1)).all():
        raise ValueError("t has a value outside (0, 1); expected 0 < t < 1")
    logit = np.log(time) - np.log1p(-time)
    value: Float = _normal(logit, mean, std) / (time * (1 - time))  # (WGT.18)
    return value


def logit_normal_time(noise: ArrayLike, mean: float = 0.0, std: float = 1.0) -> Float:
    """The times of :func:`logit_normal_density` from standard normal numbers.

        t = 1/(1 + e^-(m + s z))                                                                      (WGT.19)

    Parameters
    ----------
    noise : array_like
        z, standard normal, any shape.
    mean, std : float
        m and s > 0.

    Returns
    -------
    ndarray
        t, of the shape of `noise`.

    Examples
    --------
    >>> float(logit_normal_time(0.0))
    0.5
    """
    logit = number(mean, "mean") + number(std, "std", positive) * as_float64(noise, "noise")
    value: Float = np.exp(-np.logaddexp(0.0, -logit))  # (WGT.19)
    return value


def log_normal_density(sigma: ArrayLike, mean: float = -1.2, std: float = 1.2) -> Float:
    """The log-normal density of noise levels that EDM trains with.

        π(σ) = exp(-(log σ - m)²/(2 s²))/(s √(2π) σ)                                                  (WGT.20)

    Parameters
    ----------
    sigma : array_like
        σ > 0, any shape.
    mean, std : float
        m (the paper's P_mean) and s > 0 (P_std), of log σ.

    Returns
    -------
    ndarray
        π, of the shape of `sigma`.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, Table 1.

    Examples
    --------
    >>> round(float(log_normal_density(1.0, 0, 1)), 12), round(1 / (2 * np.pi) ** 0.5, 12)
    (0.398942280401, 0.398942280401)
    """
    level = positive(sigma, "sigma")
    value: Float = _normal(np.log(level), mean, std) / level  # (WGT.20)
    return value


def log_normal_level(noise: ArrayLike, mean: float = -1.2, std: float = 1.2) -> Float:
    """The levels of :func:`log_normal_density` from standard normal numbers.

        σ = e^(m + s z)                                                                               (WGT.21)

    Parameters
    ----------
    noise : array_like
        z, standard normal, any shape.
    mean, std : float
        m and s > 0.

    Returns
    -------
    ndarray
        σ, of the shape of `noise`.

    Examples
    --------
    >>> round(float(log_normal_level(1.0)), 12), float(np.exp(-1.2 + 1.2))
    (1.0, 1.0)
    """
    value: Float = np.exp(number(mean, "mean") + number(std, "std", positive) * as_float64(noise, "noise"))  # (WGT.21)
    return value


def _normal(value: Float, mean: float, std: float) -> Float:
    s = number(std, "std", positive)
    density: Float = np.exp(-0.5 * ((value - number(mean, "mean")) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    return density


def _ends(path: Path, t_min: float, t_stop: float) -> tuple[float, float]:
    start, stop = number(t_min, "t_min"), number(t_stop, "t_stop")
    if start >= stop:
        raise ValueError(f"t_min is {start} and t_stop {stop}; expected t_min < t_stop")
    first, last = float(path.log_snr(start)), float(path.log_snr(stop))
    for name, at, level in (("t_min", start, first), ("t_stop", stop, last)):
        if not np.isfinite(level):
            raise ValueError(f"{name} is {at}, where the log signal-to-noise ratio is {level}; expected a finite one")
    return first, last


def _unit(u: ArrayLike) -> Float:
    share = as_float64(u, "u")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError("u has a value outside [0, 1]; expected 0 <= u <= 1")
    return share
