"""The path of EDM: nothing is scaled, and time is the noise level.

α = 1,   σ = t,   t ∈ [0, σ_max]                                                                  (EDM.1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, number, positive
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["EDM"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class EDM:
    """The path σ = t, (EDM.1), on which EDM solves its ODE.

    Parameters
    ----------
    sigma_max : float
        The largest noise level, in the data's unit, and the end of time; σ_max > 0.

    Raises
    ------
    ValueError
        If `sigma_max` is not positive.

    Notes
    -----
    The one path whose time does not end at 1. Not to be confused with :class:`VE`, which grows geometrically and has
    σ_min at its t = 0, nor with EDM's grid of levels, which is ``schedules.karras``.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 1 with σ(t) = t, and
    Table 1.

    Examples
    --------
    Brownian motion run at the rate g² has the variance ∫ g² dt; the midpoint rule is exact for a linear g²:

    >>> path = EDM()
    >>> bool(abs(path.diffusion(1.5) ** 2 * 3 - path.sigma(3) ** 2) < 1e-14)
    True
    """

    sigma_max: float = 80.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma_max", number(self.sigma_max, "sigma_max", positive))

    @property
    def t_max(self) -> float:
        """σ_max."""
        return self.sigma_max

    @property
    def prior_scale(self) -> float:
        """σ_max: the prior is N(0, σ_max² I)."""
        return self.sigma_max

    def alpha(self, t: ArrayLike) -> Float:
        """1, shape of `t`."""
        return np.ones_like(path_times(t, self.t_max))[()]

    def sigma(self, t: ArrayLike) -> Float:
        """σ = t, shape of `t`."""
        return path_times(t, self.t_max)  # (EDM.1)

    def alpha_dot(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def sigma_dot(self, t: ArrayLike) -> Float:
        """1, shape of `t`."""
        return np.ones_like(path_times(t, self.t_max))[()]

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = -log t, +inf at t = 0                                                                  (EDM.2)"""
        with np.errstate(divide="ignore"):
            value: Float = -np.log(path_times(t, self.t_max))  # (EDM.2)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """t = e^(-λ)                                                                                 (EDM.3)"""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        value: Float = np.minimum(np.exp(-levels), self.t_max)  # (EDM.3)
        return value

    def drift_rate(self, t: ArrayLike) -> Float:
        """0, shape of `t`."""
        return np.zeros_like(path_times(t, self.t_max))[()]

    def diffusion(self, t: ArrayLike) -> Float:
        """g = √(2 t)                                                                                 (EDM.4)"""
        value: Float = np.sqrt(2 * path_times(t, self.t_max))  # (EDM.4)
        return value
