"""What a path is: two functions of time, α(t) and σ(t), that carry data into noise.

    x_t = α(t) x0 + σ(t) ε,   ε ~ N(0, I)                                                             (PATH.1)

t = 0 is data, t = t_max is the prior. The one condition is that the log signal-to-noise ratio

    λ(t) = log(α(t) / σ(t))                                                                           (PATH.2)

falls strictly, so that it may serve as the clock. The law of x_t given x0 is that of the linear SDE
dx = f(t) x dt + g(t) dw with

    f = α'/α                                                                                          (PATH.3)
    g² = 2 σ σ' - 2 f σ² = -2 σ² λ'                                                                   (PATH.4)

where σ(0) = 0; a σ(0) > 0 (the VE kernel "marginal") counts the noise of the data in.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64

__all__ = ["Path", "path_log_snr", "path_times"]


class Path(Protocol):
    """A forward process x_t = α(t) x0 + σ(t) ε; every method is vectorised over `t` of any shape.

    A value that is infinite in the mathematics is returned as ±inf: λ where σ or α is 0, σ' where σ ∝ √t, f and g where
    α is 0. A time outside [0, t_max] is a ValueError.

    Notes
    -----
    λ is half of the log-SNR of Kingma et al. (2021, VDM), log(α²/σ²). Time runs from data to noise, as in diffusion
    papers; flow matching code often runs it the other way.
    """

    @property
    def t_max(self) -> float:
        """The time of the prior; 1, except where time is the noise level itself."""

    @property
    def prior_scale(self) -> float:
        """Standard deviation of the prior N(0, prior_scale² I) that sampling starts from at t = t_max."""

    def alpha(self, t: ArrayLike, /) -> Float:
        """Scale of the signal, α(t).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            α, of the shape of `t`; α(0) = 1.
        """

    def sigma(self, t: ArrayLike, /) -> Float:
        """Scale of the noise, σ(t).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            σ, of the shape of `t`.
        """

    def alpha_dot(self, t: ArrayLike, /) -> Float:
        """Derivative α'(t).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            α', of the shape of `t`.
        """

    def sigma_dot(self, t: ArrayLike, /) -> Float:
        """Derivative σ'(t).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            σ', of the shape of `t`; +inf at t = 0 where σ ∝ √t.
        """

    def log_snr(self, t: ArrayLike, /) -> Float:
        """Log signal-to-noise ratio, (PATH.2).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            λ, of the shape of `t`; +inf where σ = 0, -inf where α = 0.
        """

    def time(self, log_snr: ArrayLike, /) -> Float:
        """The time at which λ has the given value: inverse of `log_snr`.

        Parameters
        ----------
        log_snr : array_like
            Values of λ in [λ(t_max), λ(0)], any shape; infinite ones where the path has them.

        Returns
        -------
        ndarray
            t, of the shape of `log_snr`.
        """

    def drift_rate(self, t: ArrayLike, /) -> Float:
        """Drift of the forward SDE for each unit of x, (PATH.3).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            f, of the shape of `t`; -inf where α = 0.
        """

    def diffusion(self, t: ArrayLike, /) -> Float:
        """Diffusion of the forward SDE: g, not g², (PATH.4).

        Parameters
        ----------
        t : array_like
            Times in [0, t_max], any shape.

        Returns
        -------
        ndarray
            g, of the shape of `t`; +inf where α = 0.
        """


def path_times(t: ArrayLike, t_max: float) -> Float:
    """Hold `t` to the time span of a path.

    Parameters
    ----------
    t : array_like
        Times, any shape.
    t_max : float
        The last one.

    Returns
    -------
    ndarray
        A float64 copy of `t`; -0.0 has become 0.0.

    Raises
    ------
    ValueError
        If a time lies outside [0, t_max].

    Examples
    --------
    >>> path_times([0.5, 1.5], 1.0)
    Traceback (most recent call last):
        ...
    ValueError: t has 1 value outside [0, 1] (the first at index (1,) is 1.5); t = 0 is data, t = 1 the prior
    """
    array: Float = as_float64(t, "t") + 0.0
    outside = (array < 0) | (array > t_max)
    if outside.any():
        count, first = int(outside.sum()), tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"t has {count} value{'s' * (count > 1)} outside [0, {t_max:g}] (the first at index {first} is "
            f"{float(array[first])!r}); t = 0 is data, t = {t_max:g} the prior"
        )
    return array


def path_log_snr(log_snr: ArrayLike, lowest: ArrayLike, highest: ArrayLike) -> Float:
    """Hold λ to the range of a path; unlike other arguments it may be infinite, where the path's own λ is.

    Parameters
    ----------
    log_snr : array_like
        Values of λ, any shape.
    lowest, highest : float
        λ(t_max) and λ(0).

    Returns
    -------
    ndarray
        `log_snr` in float64, clipped to the range.

    Raises
    ------
    ValueError
        If a value is not a number, or outside the range by more than the rounding of a logarithm.

    Examples
    --------
    >>> path_log_snr([float("inf"), 5], -4.5, 4.5)
    Traceback (most recent call last):
        ...
    ValueError: log_snr has 2 values outside [-4.5, 4.5] (the first at index (0,) is inf), the range of this path
    """
    given = np.asarray(log_snr)
    infinite = np.isinf(given) if given.dtype.kind == "f" else np.zeros(given.shape, bool)
    array = np.where(infinite, given, as_float64(np.where(infinite, given.dtype.type(0), given), "log_snr"))
    low, high = np.asarray(lowest, np.float64), np.asarray(highest, np.float64)
    slack = 32 * 2.0**-53
    outside = (array < low - slack * (1 + np.abs(low))) | (array > high + slack * (1 + np.abs(high)))
    if outside.any():
        count, first = int(outside.sum()), tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"log_snr has {count} value{'s' * (count > 1)} outside [{float(low):.6g}, {float(high):.6g}] (the first at "
            f"index {first} is {float(array[first])!r}), the range of this path"
        )
    clipped: Float = np.clip(array, low, high)
    return clipped
