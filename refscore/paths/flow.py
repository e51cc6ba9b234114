"""The linear path of flow matching and rectified flow: a straight line from the data to the noise.

    α = 1 - t,   σ = t                                                                                (FLOW.1)

The velocity along it is ε - x0. At t = 1 the signal is gone, and the SDE with the same marginals has a pole there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["Flow"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The straight path α = 1 - t, σ = t, (FLOW.1).

    Notes
    -----
    Not to be confused with the same path in the other direction: Lipman et al. (2023) have the noise at t = 0 and the
    data at t = 1, so that their velocity is x1 - x0 = -u at 1 - t. Stable Diffusion 3 runs as here. The
    path has no parameters, and a pole: f and g are infinite at t = 1.

    References
    ----------
    Liu et al. (2023), Flow straight and fast, eq. 1; Lipman et al. (2023), Flow matching for generative modeling,
    eq. 20 with σ_min = 0.

    Examples
    --------
    At t = 0.25 three parts of signal meet one of noise, e^λ = 3:

    >>> path = Flow()
    >>> bool(abs(path.log_snr(0.25) - np.log(3)) < 1e-15), float(path.time(np.log(3)))
    (True, 0.25)
    """

    @property
    def t_max(self) -> float:
        """1."""
        return 1.0

    @property
    def prior_scale(self) -> float:
        """1: the law at t = 1 is N(0, I) exactly."""
        return 1.0

    def alpha(self, t: ArrayLike) -> Float:
        """α = 1 - t, shape of `t`."""
        value: Float = 1 - path_times(t, self.t_max)  # (FLOW.1)
        return value

    def sigma(self, t: ArrayLike) -> Float:
        """σ = t, shape of `t`."""
        return path_times(t, self.t_max)  # (FLOW.1)

    def alpha_dot(self, t: ArrayLike) -> Float:
        """-1, shape of `t`."""
        return -np.ones_like(path_times(t, self.t_max))

    def sigma_dot(self, t: ArrayLike) -> Float:
        """1, shape of `t`."""
        return np.ones_like(path_times(t, self.t_max))[()]

    def log_snr(self, t: ArrayLike) -> Float:
        """The log-odds λ = log((1 - t) / t), ±inf at the ends                                          (FLOW.2)"""
        t = path_times(t, self.t_max)
        with np.errstate(divide="ignore"):
            value: Float = np.log1p(-t) - np.log(t)  # (FLOW.2)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """t = 1 / (1 + e^λ)                                                                          (FLOW.3)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        value: Float = np.exp(-np.maximum(levels, 0.0)) / (1 + np.exp(-np.abs(levels)))  # (FLOW.3)
        return value

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = -1 / (1 - t), -inf at t = 1                                                            (FLOW.4)"""
        with np.errstate(divide="ignore"):
            value: Float = -1 / (1 - path_times(t, self.t_max))  # (FLOW.4)
        return value

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √(2 t / (1 - t)), +inf at t = 1                                                        (FLOW.5)"""
        t = path_times(t, self.t_max)
        with np.errstate(divide="ignore"):
            value: Float = np.sqrt(2 * t / (1 - t))  # (FLOW.5)
        return value
