"""Time grids: where along a path a sampler stops. n steps, n + 1 times, from t_start down to t_stop.

The ends are met exactly, so that they lie in the path.
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float, integer, number
from refscore.paths import Path
from refscore.schedules.levels import karras
from refscore.schedules.lines import line, with_ends

__all__ = ["karras_times", "log_snr_times", "quadratic_times", "uniform_times"]


def uniform_times(*, n: int, t_start: float = 1.0, t_stop: float = 0.0) -> Float:
    """Times with equal steps.

        t_i = t_start + i/n (t_stop - t_start),   i = 0, …, n                                         (GRID.1)

    Parameters
    ----------
    n : int
        Number of steps, at least 1.
    t_start, t_stop : float
        First and last time; 0 ≤ t_stop < t_start.

    Returns
    -------
    (n + 1,)
        Descending, t_start first.

    Raises
    ------
    ValueError
        If n < 1, or not 0 ≤ t_stop < t_start.

    Notes
    -----
    Not to be confused with score_sde's grid: n values ``linspace(1, eps, n)`` and n steps of 1/n, the last one from eps
    to below.

    References
    ----------
    Song et al. (2021), Score-based generative modeling through SDEs, algorithms 2 to 5.

    Examples
    --------
    >>> uniform_times(n=4).tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    n, first, last = _span(n, t_start, t_stop)
    return line(first, last, n + 1)  # (GRID.1)


def quadratic_times(*, n: int, t_start: float = 1.0, t_stop: float = 0.0) -> Float:
    """Times whose root has equal steps: denser near the data.

        t_i = (√t_start + i/n (√t_stop - √t_start))²,   i = 0, …, n                                   (GRID.2)

    Parameters
    ----------
    n : int
        Number of steps, at least 1.
    t_start, t_stop : float
        First and last time; 0 ≤ t_stop < t_start.

    Returns
    -------
    (n + 1,)
        Descending, t_start first.

    Raises
    ------
    ValueError
        If n < 1, or not 0 ≤ t_stop < t_start.

    References
    ----------
    Song et al. (2021), Denoising diffusion implicit models, for the grid; Lu et al. (2022), DPM-Solver, code.

    Examples
    --------
    >>> quadratic_times(n=2, t_start=9, t_stop=1).tolist()  # roots 3, 2, 1
    [9.0, 4.0, 1.0]
    """
    n, first, last = _span(n, t_start, t_stop)
    return with_ends(line(np.sqrt(first), np.sqrt(last), n + 1) ** 2, first, last)  # (GRID.2)


def log_snr_times(path: Path, *, n: int, t_start: float, t_stop: float) -> Float:
    """Times with equal steps in the log signal-to-noise ratio of a path.

        t_i = t(λ_start + i/n (λ_stop - λ_start)),   λ = log(α/σ),   i = 0, …, n                      (GRID.3)

    Parameters
    ----------
    path : Path
        Gives λ(t) and its inverse.
    n : int
        Number of steps, at least 1.
    t_start, t_stop : float
        First and last time, where λ is finite: not t = 0 where σ(0) = 0, nor the end of a path with α = 0 there.

    Returns
    -------
    (n + 1,)
        Descending, t_start first.

    Raises
    ------
    ValueError
        If n < 1, not t_stop < t_start, or λ is infinite at one of them.

    Notes
    -----
    Half of VDM's log-SNR, so the same grid: equal steps in one are equal steps in the other.

    References
    ----------
    Lu et al. (2022), DPM-Solver, whose grid it is.

    Examples
    --------
    Where σ = t, equal steps in λ are equal ratios, which is :func:`geometric`:

    >>> from refscore.paths import EDM
    >>> from refscore.schedules import geometric
    >>> times = log_snr_times(EDM(), n=4, t_start=80, t_stop=0.05)
    >>> np.allclose(times, geometric(n=5, sigma_min=0.05, sigma_max=80), rtol=1e-14, atol=0)
    True
    """
    n, first, last = _span(n, t_start, t_stop)
    levels = _finite_levels(path, first, last)
    return with_ends(path.time(line(levels[0], levels[1], n + 1)), first, last)  # (GRID.3)


def karras_times(path: Path, *, n: int, t_start: float, t_stop: float, rho: float = 7.0) -> Float:
    """Times at which the noise level relative to the signal, σ/α, runs through Karras' levels.

        t_i = t(-log σ_i),   σ_i = (σ_start^(1/ρ) + i/n (σ_stop^(1/ρ) - σ_start^(1/ρ)))^ρ,   i = 0, …, n    (GRD2.5)

    Parameters
    ----------
    path : Path
        Gives λ(t) = log(α/σ) and its inverse.
    n : int
        Number of steps, at least 1.
    t_start, t_stop : float
        First and last time, where λ is finite: σ_start and σ_stop are σ/α there.
    rho : float
        ρ > 0. 7 is Karras'; the larger, the nearer to :func:`log_snr_times`.

    Returns
    -------
    (n + 1,)
        Descending, t_start first. A last step to t = 0 is one more time: ``np.append(times, 0)``.

    Raises
    ------
    ValueError
        If n < 1, ρ ≤ 0, not 0 ≤ t_stop < t_start, or λ is infinite at one of them.

    References
    ----------
    Karras et al. (2022), Elucidating the design space of diffusion-based generative models, eq. 5.

    Examples
    --------
    On EDM's path σ = t, and it is :func:`karras`:

    >>> from refscore.paths import EDM
    >>> times = karras_times(EDM(), n=17, t_start=80, t_stop=0.002)
    >>> np.allclose(times, karras(n=18, sigma_min=0.002, sigma_max=80), rtol=1e-13, atol=0)
    True
    """
    n, first, last = _span(n, t_start, t_stop)
    levels = _finite_levels(path, first, last)
    scale = 0.5 * (levels[0] + levels[1])  # only ratios of levels count, and so none overflows
    ends = np.exp(scale - levels)
    sigmas = karras(n=n + 1, sigma_min=float(ends[1]), sigma_max=float(ends[0]), rho=rho)
    return with_ends(path.time(scale - np.log(sigmas)), first, last)  # (GRD2.5)


def _finite_levels(path: Path, first: float, last: float) -> Float:
    levels = path.log_snr(np.array([first, last]))
    if not np.isfinite(levels).all():
        raise ValueError(
            f"log_snr runs from {levels[0]:g} at t_start = {first:g} to {levels[1]:g} at t_stop = {last:g}; "
            "expected finite ends"
        )
    return levels


def _span(n: int, t_start: float, t_stop: float) -> tuple[int, float, float]:
    first, last = number(t_start, "t_start"), number(t_stop, "t_stop")
    if not 0 <= last < first:
        raise ValueError(f"t_start is {first} and t_stop {last}; expected 0 <= t_stop < t_start")
    return integer(n, "n", 1), first, last
