"""Langevin on a box, one step and the end of all: what projection and reflection do to a law.

A step without walls ends at m + √ε z, m = x + (ε/2) s(x). Folding or cutting that normal law is the law of the step,

    projected:  P(x' ≤ y) = Φ((y - m)/√ε) for a ≤ y < b, 1 from b on: atoms on both walls               (CST.5)
    reflected:  P(x' ≤ y) = Σ_k [Φ((y - m + 2kL)/√ε) - Φ((2a - y - m + 2kL)/√ε)],   L = b - a           (CST.6)

On a half-line, with s = -λ for the exponential law, the projected chain is the waiting time of a queue, x' = max(0, x +
ξ), ξ ~ N(-ελ/2, ε), and Spitzer's identity tells where it ends, (CST.7) and (CST.8).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from refscore.arrays import Float, as_float64, number, positive
from refscore.samplers.constrained import walls

__all__ = ["ProjectedExponential", "projected_cdf", "projected_exponential", "reflected_cdf"]


def projected_cdf(y: ArrayLike, mean: ArrayLike, *, step_size: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Float:
    """The distribution function of one projected step, from what it would be without walls, N(m, ε).

        P(x' ≤ y) = 0 for y < a, Φ((y - m)/√ε) for a ≤ y < b, 1 for y ≥ b                              (CST.5)

    Parameters
    ----------
    y, mean : (\\*shape)
        Where, and m = x + (ε/2) s(x) of one coordinate.
    step_size : float
        ε > 0.
    lower, upper : float
        a < b; -inf and inf where there is no wall.

    Returns
    -------
    (\\*shape)
        P(x' ≤ y). Its jumps are the atoms: Φ((a - m)/√ε) at a, Φ((m - b)/√ε) at b.

    Raises
    ------
    ValueError
        If a < b does not hold, or ε is not positive.

    Examples
    --------
    >>> float(projected_cdf(0.0, 0.0, step_size=1.0, lower=0.0, upper=np.inf))  # half of the steps end on the wall
    0.5
    """
    at, m, std, a, b = _given(y, mean, step_size, lower, upper)
    value: Float = np.where(at < a, 0.0, np.where(at >= b, 1.0, ndtr((at - m) / std)))  # (CST.5)
    return value


def reflected_cdf(y: ArrayLike, mean: ArrayLike, *, step_size: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Float:
    """The distribution function of one reflected step, from what it would be without walls, N(m, ε).

        P(x' ≤ y) = Σ_k [Φ((y - m + 2kL)/√ε) - Φ((2a - y - m + 2kL)/√ε)],   L = b - a                  (CST.6)

    with k = 0 alone where b = ∞, for a ≤ y ≤ b.

    Parameters
    ----------
    y, mean : (\\*shape)
        Where, and m = x + (ε/2) s(x) of one coordinate.
    step_size : float
        ε > 0.
    lower, upper : float
        a < b; -inf and inf where there is no wall.

    Returns
    -------
    (\\*shape)
        P(x' ≤ y): those that fold into [a, y] are where y and its mirror images 2a - y are ends of intervals.

    Raises
    ------
    ValueError
        If a < b does not hold, ε is not positive, or so much larger than L that more than 10⁴ mirrors count.

    Examples
    --------
    >>> float(reflected_cdf(1.0, 0.0, step_size=1.0, lower=0.0, upper=np.inf)).__round__(6)  # P(|z| ≤ 1)
    0.682689
    """
    at, m, std, a, b = _given(y, mean, step_size, lower, upper)
    inside = np.minimum(np.maximum(at, a), b)
    if not (np.isfinite(a) and np.isfinite(b)):
        if np.isfinite(a):
            found = ndtr((inside - m) / std) - ndtr((2 * a - inside - m) / std)
        elif np.isfinite(b):
            found = ndtr((inside - m) / std) + ndtr((m - (2 * b - inside)) / std)
        else:
            found = ndtr((at - m) / std)
        return np.where(at < a, 0.0, np.where(at >= b, 1.0, found))
    length = b - a
    reach = int(np.ceil((np.abs(m - a).max(initial=0.0) + length + 9 * std) / (2 * length))) + 1
    if reach > 10_000:
        raise ValueError(f"step_size is {std**2:.6g} for a box of length {length}: more than 10⁴ mirrors count")
    total = np.zeros(np.broadcast_shapes(at.shape, m.shape))
    for k in range(-reach, reach + 1):
        shift = 2 * k * length - m
        total = total + ndtr((inside + shift) / std) - ndtr((2 * a - inside + shift) / std)  # (CST.6)
    return np.where(at < a, 0.0, np.where(at >= b, 1.0, total))


class ProjectedExponential(NamedTuple):
    """Where projected Langevin ends on the exponential law.

    Parameters
    ----------
    atom : float
        The mass on the wall; 0 for the law itself.
    mean : float
        E x; 1/λ for the law itself.
    """

    atom: float
    mean: float


def projected_exponential(rate: ArrayLike, *, step_size: ArrayLike) -> ProjectedExponential:
    """The stationary law of projected Langevin on the exponential law λ e^(-λx), x ≥ 0: its atom and its mean.

        P(x = 0) = exp(-Σ_n Φ(-θ√n)/n),   θ = λ√ε/2                                                    (CST.7)
        E x = √ε Σ_n [φ(θ√n) - θ√n Φ(-θ√n)]/√n                                                         (CST.8)

    Parameters
    ----------
    rate : float
        λ > 0.
    step_size : float
        ε > 0, with λ²ε ≥ 1e-4: there are 320/(λ²ε) terms.

    Returns
    -------
    ProjectedExponential
        Atom and mean.

    Raises
    ------
    ValueError
        If a parameter is not positive or λ²ε too small.

    Notes
    -----
    For small ε the atom is λ√(ε/2), and the mean 1/λ - 0.5826 √ε with 0.5826 = -ζ(½)/√(2π): an error of order ½.

    References
    ----------
    Spitzer (1956), A combinatorial lemma and its application to probability theory; Chang & Peres (1997), Ladder
    heights, Gaussian random walks and the Riemann zeta function, for small ε.

    Examples
    --------
    At stationarity E x' = E max(0, x + ξ) = E x; for λ = 1 and small ε:

    >>> end = projected_exponential(1.0, step_size=1e-3)
    >>> round((1 - end.mean) / 1e-3**0.5, 3), round(end.atom / (1e-3 / 2) ** 0.5, 3)
    (0.579, 0.991)
    """
    lam, eps = number(rate, "rate", positive), number(step_size, "step_size", positive)
    if lam**2 * eps < 1e-4:
        raise ValueError(f"rate² step_size is {lam**2 * eps:.3g}; expected at least 1e-4: the series is too long")
    theta = 0.5 * lam * np.sqrt(eps)
    root = np.sqrt(np.arange(1, int(80 / theta**2) + 2, dtype=np.float64))
    beyond = ndtr(-theta * root)
    density = np.exp(-0.5 * (theta * root) ** 2) / np.sqrt(2 * np.pi)
    atom = np.exp(-(beyond / root**2).sum())  # (CST.7)
    mean = np.sqrt(eps) * ((density - theta * root * beyond) / root).sum()  # (CST.8)
    return ProjectedExponential(float(atom), float(mean))


def _given(
    y: ArrayLike, mean: ArrayLike, step_size: ArrayLike, lower: ArrayLike, upper: ArrayLike
) -> tuple[Float, Float, float, float, float]:
    (a,), (b,) = walls(lower, upper, 1)
    std = float(np.sqrt(number(step_size, "step_size", positive)))
    return as_float64(y, "y"), as_float64(mean, "mean"), std, float(a), float(b)
