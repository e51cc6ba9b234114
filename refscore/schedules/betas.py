"""The sequences β_1, …, β_n of discrete schedules, from the data to the noise, for ``paths.DiscreteVP``."""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float, integer, not_negative, number
from refscore.schedules.lines import line, with_ends

__all__ = ["cosine_betas", "linear_betas", "scaled_linear_betas"]


def linear_betas(*, n: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Float:
    """The β sequence of DDPM.

        β_i = β_start + (i-1)/(n-1) (β_end - β_start),   i = 1, …, n                                  (SCH.3)

    Parameters
    ----------
    n : int
        Number of steps, at least 1.
    beta_start, beta_end : float
        β_1 and β_n; 0 < β_start ≤ β_end < 1.

    Returns
    -------
    (n,)
        β_1, …, β_n, for ``paths.DiscreteVP``.

    Raises
    ------
    ValueError
        If n < 1, or not 0 < β_start ≤ β_end < 1.

    Notes
    -----
    Not to be confused with β(t) of ``paths.VP``, a rate per unit of time: β_i ≈ β(i/n) / n. The defaults are those for
    n = 1000; for other n improved-diffusion multiplies them by 1000/n, and this function does not.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, section 4.

    Examples
    --------
    >>> linear_betas(n=3, beta_start=0.25, beta_end=0.75).tolist()
    [0.25, 0.5, 0.75]
    """
    n, low, high = _ends(n, beta_start, beta_end)
    return line(low, high, n)  # (SCH.3)


def scaled_linear_betas(*, n: int, beta_start: float = 0.00085, beta_end: float = 0.012) -> Float:
    """The β sequence of latent diffusion: linear in the root.

        β_i = (√β_start + (i-1)/(n-1) (√β_end - √β_start))²,   i = 1, …, n                            (SCH.4)

    Parameters
    ----------
    n : int
        Number of steps, at least 1.
    beta_start, beta_end : float
        β_1 and β_n; 0 < β_start ≤ β_end < 1.

    Returns
    -------
    (n,)
        β_1, …, β_n.

    Raises
    ------
    ValueError
        If n < 1, or not 0 < β_start ≤ β_end < 1.

    Notes
    -----
    Not to be confused with "scaled" as in 1000/n times :func:`linear_betas`.

    References
    ----------
    Rombach et al. (2022), High-resolution image synthesis with latent diffusion models, code ``make_beta_schedule``.

    Examples
    --------
    >>> scaled_linear_betas(n=3, beta_start=0.0625, beta_end=0.5625).tolist()  # roots ¼, ½, ¾
    [0.0625, 0.25, 0.5625]
    """
    n, low, high = _ends(n, beta_start, beta_end)
    return with_ends(line(np.sqrt(low), np.sqrt(high), n) ** 2, low, high)  # (SCH.4)


def cosine_betas(*, n: int, s: float = 0.008, max_beta: float = 0.999) -> Float:
    """The β sequence whose ᾱ is the squared cosine of ``paths.Cosine``, clipped.

        β_i = min(1 - ᾱ(i/n) / ᾱ((i-1)/n), β_max),   i = 1, …, n                                      (SCH.5)
        1 - cos² b / cos² a = sin(b - a) sin(b + a) / cos² a                                          (SCH.6)

    Parameters
    ----------
    n : int
        Number of steps, at least 1.
    s : float
        Offset s ≥ 0.
    max_beta : float
        β_max in (0, 1): without it β_n = 1, and nothing could be undone.

    Returns
    -------
    (n,)
        β_1, …, β_n.

    Raises
    ------
    ValueError
        If n < 1, s < 0, or β_max is not in (0, 1).

    Notes
    -----
    Not to be confused with ᾱ at the times i/(n + 1): n steps have the n + 1 times i/n. The line
    ``linspace(0, steps, steps) / steps`` with steps = n + 1, reported more than once as off by one, is exactly i/n and
    right; off by one is i/(n + 1), which comes of replacing only one of the two. As written in (SCH.5), 1 - ᾱ/ᾱ cancels
    for large n; (SCH.6) does not.

    References
    ----------
    Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, eq. 17 and below.

    Examples
    --------
    Until the clip the product of 1 - β is ᾱ at the node:

    >>> from refscore.paths import Cosine
    >>> product = np.prod(1 - cosine_betas(n=100)[:60])
    >>> bool(abs(product / Cosine().alpha(0.6) ** 2 - 1) < 1e-14)
    True
    """
    n = integer(n, "n", 1)
    s, max_beta = number(s, "s", not_negative), number(max_beta, "max_beta")
    if not 0 < max_beta < 1:
        raise ValueError(f"max_beta is {max_beta}; expected a value in (0, 1)")
    step = 0.5 * np.pi / (1 + s) / n
    i = np.arange(n)
    cosine = np.sin(step * (n - i))  # cos a at a = step (i + n s), the cosine of what is left to π/2
    # b + a and π - (b + a) have one sine, and the smaller of the two has its digits.
    sine = np.sin(step * np.minimum(2 * i + 1 + 2 * n * s, 2 * (n - i) - 1))
    value: Float = np.minimum(np.sin(step) * sine / cosine**2, max_beta)  # (SCH.6)
    return value


def _ends(n: int, beta_start: float, beta_end: float) -> tuple[int, float, float]:
    low, high = number(beta_start, "beta_start"), number(beta_end, "beta_end")
    if not 0 < low <= high < 1:
        raise ValueError(f"beta_start is {low} and beta_end {high}; expected 0 < beta_start <= beta_end < 1")
    return integer(n, "n", 1), low, high
