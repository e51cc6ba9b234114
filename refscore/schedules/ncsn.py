"""NCSNv2's two rules for annealed Langevin: how many levels, and how large a step.

Both look at one point of data in d dimensions. At level σ its noised samples lie in a shell, radius ~ N(√d σ, σ²/2).
Levels are dense enough if a sample of one level would be a likely one at the level before; the step is right if T steps
at a level turn the variance of the level before into its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr

from refscore.arrays import as_float64, integer, number
from refscore.schedules.levels import ends_of_levels

__all__ = ["ncsnv2", "ncsnv2_step"]

# How far log(σ_i / σ_{i+1}) may be from its mean log γ, whatever γ. Rounding to float32 moves a level by up to 2⁻²⁴ of
# itself. Two levels make a ratio and the two ends make the mean: 2⁻²³ + 2⁻²³/(n-1), and nothing for n = 2. What is left
# of 2⁻²² is far above rounding in float64. It is 5e-5 of the least published log γ, 4.5e-3, and ε sees only the ends.
SINGLE = 2.0**-22


def ncsnv2(*, d: int, sigma_min: float, sigma_max: float, overlap: float = 0.5) -> tuple[float, int]:
    """How many geometric levels: neighbours in d dimensions should overlap by a given probability.

        C(γ) = Φ(√(2d) (γ - 1) + 3γ) - Φ(√(2d) (γ - 1) - 3γ) = overlap                                (SCH.7)
        n = the least integer with (σ_max / σ_min)^(1/(n-1)) ≤ γ                                      (SCH.8)

    Parameters
    ----------
    d : int
        Dimension; at least 5. Below, the 3σ shells of any two levels overlap and (SCH.7) has no solution.
    sigma_min, sigma_max : float
        Last and first level, in the data's unit; 0 < σ_min < σ_max.
    overlap : float
        C in (0, Φ(3) - Φ(-3)) = (0, 0.9973).

    Returns
    -------
    gamma : float
        The ratio of neighbouring levels that solves (SCH.7).
    n : int
        The number of levels, for :func:`geometric`; their ratio is at most γ.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Notes
    -----
    The paper says "C ≈ 0.5"; its five published pairs (d, n) have C = 0.566 to 0.567, and C = 0.5 would give 220 levels
    instead of 232 for CIFAR-10.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, technique 2.

    Examples
    --------
    The ratio against SciPy's normal distribution, and the ratio that was published for CIFAR-10:

    >>> from scipy.stats import norm
    >>> def overlap_of(gamma, d=3072):
    ...     y = np.sqrt(2 * d) * (gamma - 1)
    ...     return norm.cdf(y + 3 * gamma) - norm.cdf(y - 3 * gamma)
    >>> gamma, n = ncsnv2(d=3072, sigma_min=0.01, sigma_max=50, overlap=0.5)
    >>> n, bool(abs(overlap_of(gamma) - 0.5) < 1e-14)
    (220, True)
    >>> round(float(overlap_of(5000 ** (1 / 231))), 3)
    0.567
    """
    d = integer(d, "d")
    _, low, high = ends_of_levels(1, sigma_min, sigma_max)
    overlap = number(overlap, "overlap")
    if d < 5:
        raise ValueError(f"d is {d}; expected at least 5, since below every two noise levels overlap within 3 sigma")
    if not 0 < overlap < float(ndtr(3) - ndtr(-3)):
        raise ValueError(f"overlap is {overlap}; expected a value in (0, 0.9973), that of equal levels")
    scale = float(np.sqrt(2 * d))

    def _excess(y: float) -> float:  # y = √(2d) (γ - 1); Φ(a) - Φ(b) as Φ(-b) - Φ(-a), which keeps small ones
        width = 3 * (1 + y / scale)
        return float(ndtr(width - y) - ndtr(-width - y)) - overlap  # (SCH.7)

    top = 8.0
    while _excess(top) > 0:
        top *= 2
    gamma_minus_1 = brentq(_excess, 0.0, top, xtol=1e-300, rtol=2.0**-50) / scale
    intervals = np.log(high / low) / np.log1p(gamma_minus_1)
    return 1 + float(gamma_minus_1), 1 + int(np.ceil(intervals * (1 - 2.0**-40)))  # (SCH.8)


def ncsnv2_step(*, sigmas: ArrayLike, n_steps: int) -> float:
    """The Langevin step size of NCSNv2: the variance after T steps at a level should be as near the level as it gets.

        R(e) = (1 - e)^(2T) (γ² - q) + q,   q = 2 / (2 - e),   e = ε / σ_n²                            (SCH.9)
        R'(e) = q' (1 - (1 - e)^(2T)) - 2T (1 - e)^(2T-1) (γ² - q) = 0                                (SCH.10)

    Parameters
    ----------
    sigmas : (n,)
        Geometric levels, descending, exact or rounded to float32; n ≥ 2. σ_n is the last and γ = (σ_1/σ_n)^(1/(n-1)).
    n_steps : int
        T ≥ 1, steps at each level.

    Returns
    -------
    float
        ε, in squared units of the data, at the last level σ_n; level i uses ε σ_i² / σ_n².

    Raises
    ------
    ValueError
        If `sigmas` is not descending with a constant ratio, or n_steps < 1.

    Notes
    -----
    R is the variance at a level over σ_i², started from the level before, if the data are one point. It has its least
    value, still above 1, at the ε returned; published steps agree to two digits, but for LSUN church.

    Not to be confused with ``step_size`` elsewhere in refscore: NCSNv2 writes x + ε s + √(2ε) z, so
    ``step_size`` = 2ε.

    References
    ----------
    Song & Ermon (2020), Improved techniques for training score-based generative models, technique 4.

    Examples
    --------
    CIFAR-10, published as 6.2e-6; R is larger on both sides:

    >>> from refscore.schedules import geometric
    >>> step = ncsnv2_step(sigmas=geometric(n=232, sigma_min=0.01, sigma_max=50), n_steps=5)
    >>> f"{step:.1e}"
    '6.2e-06'
    >>> def ratio(e, gamma=5000 ** (1 / 231)):
    ...     return (1 - e) ** 10 * (gamma**2 - 2 / (2 - e)) + 2 / (2 - e)
    >>> bool(ratio(step / 1e-4) < min(ratio(0.99 * step / 1e-4), ratio(1.01 * step / 1e-4)))
    True
    """
    levels = as_float64(sigmas, "sigmas")
    if levels.ndim != 1 or levels.size < 2 or not (levels > 0).all():
        raise ValueError(f"sigmas has shape {levels.shape}; expected at least two positive levels (n,)")
    total = integer(n_steps, "n_steps", 1)
    ratios = np.log(levels[:-1] / levels[1:])
    log_gamma = float(np.log(levels[0] / levels[-1])) / (levels.size - 1)
    if not (ratios > 0).all() or np.abs(ratios - log_gamma).max() > SINGLE:
        raise ValueError("sigmas has no constant ratio above 1; expected geometric levels, descending")

    def _slope(e: float) -> float:
        log_kept = np.log1p(-e)
        excess = np.expm1(2 * log_gamma) - e / (2 - e)  # γ² - q = (γ² - 1) - (q - 1)
        return float(
            -2 / (2 - e) ** 2 * np.expm1(2 * total * log_kept) - 2 * total * np.exp((2 * total - 1) * log_kept) * excess
        )  # (SCH.10)

    e = brentq(_slope, 0.0, 1 - 2.0**-52, xtol=1e-300, rtol=2.0**-50)
    return float(e * levels[-1] ** 2)
