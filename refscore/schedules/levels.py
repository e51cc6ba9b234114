"""Noise levels σ_1 > … > σ_n, descending as in NCSN and EDM.

The ends are met exactly: a level of 80.00000000000001 would lie outside the path it is meant for. n = 1 gives
σ_max alone.
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float, integer, number, positive
from refscore.schedules.lines import line, with_ends

__all__ = ["ends_of_levels", "geometric", "karras"]


def geometric(*, n: int, sigma_min: float, sigma_max: float) -> Float:
    """Levels with a constant ratio (NCSN).

        σ_i = σ_max (σ_min / σ_max)^((i-1)/(n-1)),   i = 1, …, n                                      (SCH.1)

    Parameters
    ----------
    n : int
        Number of levels, at least 1.
    sigma_min, sigma_max : float
        Last and first level, in the data's unit; 0 < σ_min < σ_max.

    Returns
    -------
    (n,)
        σ_1 = σ_max > … > σ_n = σ_min.

    Raises
    ------
    ValueError
        If n < 1, or not 0 < σ_min < σ_max.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, section 4.1.

    Examples
    --------
    The middle of three is the geometric mean of the ends:

    >>> geometric(n=3, sigma_min=1, sigma_max=100).tolist()
    [100.0, 10.0, 1.0]
    """
    n, low, high = ends_of_levels(n, sigma_min, sigma_max)
    sigmas: Float = high * (low / high) ** np.linspace(0, 1, n, dtype=np.float64)  # (SCH.1)
    return with_ends(sigmas, high, low)


def karras(*, n: int, sigma_min: float, sigma_max: float, rho: float = 7.0, final_zero: bool = False) -> Float:
    """Levels whose ρ-th root is linear (EDM).

        σ_i = (σ_max^(1/ρ) + (i-1)/(n-1) (σ_min^(1/ρ) - σ_max^(1/ρ)))^ρ,   i = 1, …, n                (SCH.2)

    Parameters
    ----------
    n : int
        Number of levels, at least 1; with `final_zero` also the number of steps.
    sigma_min, sigma_max : float
        Last and first level, in the data's unit; 0 < σ_min < σ_max.
    rho : float
        ρ > 0. 1 is linear; the larger, the more levels near the data.
    final_zero : bool
        Whether 0 follows σ_min.

    Returns
    -------
    (n,) or (n + 1,)
        σ_1 = σ_max > … > σ_n = σ_min, and 0 where asked.

    Raises
    ------
    ValueError
        If n < 1, ρ ≤ 0, or not 0 < σ_min < σ_max.

    Notes
    -----
    Not to be confused with n + 1 levels down to σ_min: in EDM's own code and in k-diffusion σ_min is the last but one
    of the n + 1 values, and the step from σ_min to 0 is the n-th.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 5.

    Examples
    --------
    Roots that are linear: with ρ = 2, from 9 to 1, the middle is 2².

    >>> karras(n=3, sigma_min=1, sigma_max=9, rho=2, final_zero=True).tolist()
    [9.0, 4.0, 1.0, 0.0]
    """
    n, low, high = ends_of_levels(n, sigma_min, sigma_max)
    rho = number(rho, "rho", positive)
    first, last = high ** (1 / rho), low ** (1 / rho)
    sigmas = with_ends(line(first, last, n) ** rho, high, low)  # (SCH.2)
    return np.append(sigmas, 0.0) if final_zero else sigmas


def ends_of_levels(n: int, sigma_min: float, sigma_max: float) -> tuple[int, float, float]:
    """Hold the number and the ends of noise levels to what they can be.

    Parameters
    ----------
    n : int
        Number of levels.
    sigma_min, sigma_max : float
        The least and the largest.

    Returns
    -------
    n : int
        As given.
    sigma_min, sigma_max : float
        As given.

    Raises
    ------
    ValueError
        If n < 1, or not 0 < σ_min < σ_max.
    """
    low, high = number(sigma_min, "sigma_min"), number(sigma_max, "sigma_max")
    if not 0 < low < high:
        raise ValueError(f"sigma_min is {low} and sigma_max {high}; expected 0 < sigma_min < sigma_max")
    return integer(n, "n", 1), low, high
