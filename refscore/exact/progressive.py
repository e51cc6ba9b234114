"""Progressive distillation of Gaussian data: every student in closed form, round after round.

One DDIM step with the exact denoiser of N(m, Σ) is affine, and in the eigenbasis of Σ a multiplication,

    x_s - α_s m = κ (x_t - α_t m),   κ = (α_t α_s Σ + σ_t σ_s I) (α_t² Σ + σ_t² I)⁻¹                   (PD.6)

Many of them make the product K of their κ, and the student of all of them, which does the same in one step, predicts

    x̂ = ((K - ρ I) x_t + (α_s - α_t K) m) / (α_s - ρ α_t),   ρ = σ_s/σ_t                              (PD.7)

Distillation is exact, sampling is not: after k rounds the student makes the error of the first teacher's 2^k steps.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number
from refscore.exact.maps import AffineMap
from refscore.exact.residuals import Moments, Residual, moments, normal
from refscore.paths.protocol import Path
from refscore.targets.gaussian import Gaussian

__all__ = [
    "ddim_map",
    "progressive_expectation",
    "progressive_minimiser",
    "progressive_student",
    "progressive_variance",
]


def ddim_map(target: Gaussian, times: ArrayLike, *, path: Path) -> AffineMap:
    """DDIM with the exact denoiser of a Gaussian down a grid of times: the product of (PD.6).

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    times : (k + 1,)
        Times, falling; the noise is not 0 before the last.
    path : Path
        α(t), σ(t).

    Returns
    -------
    AffineMap
        x at the first time to x at the last.

    Raises
    ------
    ValueError
        If the times do not fall.

    Examples
    --------
    >>> import refscore as rs
    >>> p, path = rs.targets.gaussian([1.0], 4.0), rs.paths.Flow()
    >>> data = p.denoise([[3.0]], alpha=0.25, sigma=0.75)
    >>> by_hand = 0.75 * data + (0.25 / 0.75) * (3.0 - 0.25 * data)
    >>> bool(abs(ddim_map(p, [0.75, 0.25], path=path)([[3.0]]) - by_hand).max() < 1e-15)
    True
    """
    factors, first, last = _factors(target, times, path)
    matrix = target.covariance.at(factors)
    constant = float(path.alpha(last)) * target.mean - float(path.alpha(first)) * (matrix @ target.mean)
    return AffineMap(matrix, np.zeros((0, *matrix.shape)), constant)  # (PD.6)


def progressive_student(target: Gaussian, times: ArrayLike, *, path: Path) -> AffineMap:
    """The data prediction that does in one DDIM step what the exact denoiser does in many, (PD.7).

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    times : (k + 1,)
        Times of the first teacher's steps, falling; for a student of r rounds k = 2^r.
    path : Path
        α(t), σ(t).

    Returns
    -------
    AffineMap
        x_t ↦ x̂ at the first of the times.

    Raises
    ------
    ValueError
        If the times do not fall.

    Examples
    --------
    With one step it is the exact denoiser; with two, the target of ``objectives.progressive``:

    >>> import refscore as rs
    >>> p, path, x = rs.targets.gaussian([1.0], 4.0), rs.paths.Flow(), [[3.0]]
    >>> predict = lambda x, t: p.denoise(x, alpha=1 - t, sigma=t)
    >>> bool(abs(progressive_student(p, [0.75, 0.5], path=path)(x) - predict(x, 0.75)).max() < 1e-14)
    True
    >>> target = rs.objectives.progressive_target(predict, x, 0.75, 0.5, 0.25, path=path)
    >>> bool(abs(progressive_student(p, [0.75, 0.5, 0.25], path=path)(x) - target).max() < 1e-14)
    True
    """
    factors, first, last = _factors(target, times, path)
    alpha_t, alpha_s = float(path.alpha(first)), float(path.alpha(last))
    ratio = float(path.sigma(last) / path.sigma(first))
    scale = alpha_s - ratio * alpha_t
    matrix, of_mean = (target.covariance.at(f / scale) for f in (factors - ratio, alpha_s - alpha_t * factors))
    return AffineMap(matrix, np.zeros((0, *matrix.shape)), of_mean @ target.mean)  # (PD.7)


def progressive_expectation(
    student: AffineMap, goal: AffineMap, data: Moments, t: float, *, path: Path, weight: float
) -> float:
    """E of ``objectives.progressive`` at one time, for an affine student and an affine target.

        E ℓ = ½ w (|m|² + tr C),   m = A α μ + a,   C = A (α² Σ + σ² I) Aᵀ                            (PD.8)

    with A, a the student minus the target.

    Parameters
    ----------
    student, goal : AffineMap
        The student's prediction at t, and its target, :func:`progressive_student` for an exact teacher.
    data : Moments
        Mean μ and covariance Σ of x0.
    t : float
        The time.
    path : Path
        α(t), σ(t).
    weight : float
        w at this time; w ≥ 0.

    Returns
    -------
    float
        E ℓ, in unit².
    """
    residual = _residual(student, goal, data, t, path)
    factor = number(weight, "weight", not_negative)
    return float(0.5 * factor * (residual.mean @ residual.mean + np.trace(residual.cov)))  # (PD.8)


def progressive_variance(
    student: AffineMap, goal: AffineMap, data: Moments, t: float, *, path: Path, weight: float
) -> float:
    """Var of one sample of ``objectives.progressive`` at one time, for an affine student and an affine target.

        Var ℓ = w² (½ tr C² + mᵀ C m),   m and C as in (PD.8)                                         (PD.9)

    Parameters
    ----------
    student, goal : AffineMap
        As for :func:`progressive_expectation`.
    data : Moments
        The law of x0, a ``Gaussian``.
    t : float
        The time.
    path : Path
        α(t), σ(t).
    weight : float
        w at this time; w ≥ 0.

    Returns
    -------
    float
        Var ℓ, in unit⁴.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    """
    residual = _residual(student, goal, normal(data), t, path)
    m, c = residual.mean, residual.cov
    return float(number(weight, "weight", not_negative) ** 2 * (0.5 * (c**2).sum() + m @ c @ m))  # (PD.9)


def progressive_minimiser(target: Gaussian, times: ArrayLike, *, path: Path) -> AffineMap:
    """The student that leaves nothing of the loss: the target itself, (PD.7).

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    times : (k + 1,)
        As for :func:`progressive_student`.
    path : Path
        α(t), σ(t).

    Returns
    -------
    AffineMap
        The student of all steps.
    """
    return progressive_student(target, times, path=path)


def _factors(target: Gaussian, times: ArrayLike, path: Path) -> tuple[Float, float, float]:
    """K of (PD.6) by its eigenvalues, and the first and the last time."""
    grid = as_float64(times, "times")
    if grid.ndim != 1 or len(grid) < 2 or not (np.diff(grid) < 0).all():
        raise ValueError(f"times has shape {grid.shape}; expected (k + 1,) with k >= 1, falling")
    values = target.covariance.values
    total = np.ones_like(values)
    for t, s in itertools.pairwise(grid):
        (at, a_s), (st, ss) = ((f(t), f(s)) for f in (path.alpha, path.sigma))
        total = total * (at * a_s * values + st * ss) / (at**2 * values + st**2)  # (PD.6)
    return total, float(grid[0]), float(grid[-1])


def _residual(student: AffineMap, goal: AffineMap, data: Moments, t: float, path: Path) -> Residual:
    d = len(student.constant)
    mean, cov = moments(data, d)
    alpha, sigma = float(path.alpha(t)), float(path.sigma(t))
    gap = student.matrix - goal.matrix
    noisy = alpha**2 * cov + sigma**2 * np.eye(d)
    return Residual(gap @ mean * alpha + student.constant - goal.constant, gap @ noisy @ gap.T)  # (PD.8)
