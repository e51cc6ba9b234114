"""The consistency function of a Gaussian, and what the consistency objectives are worth around it.

The probability flow of EDM's path on N(m, Σ) is linear, so the function that carries x to the end of its path is

    f(x, σ) = m + R(σ) (x - m),   R(σ) = ((Σ + σ_min² I) (Σ + σ² I)⁻¹)^½,   R(σ_min) = I               (CM.13)

Consistency training draws x = x0 + σ ε where the flow would take x' = x0 + σ' ε. On average that is Euler's step with
the exact denoiser, E[x given x'] = x' + (σ - σ') (x' - E[x0 given x'])/σ', on any data; on N(m, Σ)

    E[x given x'] = m + (Σ + σ σ' I) (Σ + σ'² I)⁻¹ (x' - m)                                           (CM.14)

so that an affine student of an affine teacher learns the composition of both, whether it is trained or distilled with
Euler's step. Down a grid of levels the errors add up to first order in the step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, number, positive, samples
from refscore.exact.maps import AffineMap
from refscore.exact.residuals import Moments, Residual, moments, normal
from refscore.targets.gaussian import Gaussian

__all__ = [
    "GaussianConsistency",
    "consistency_distillation_expectation",
    "consistency_distillation_minimiser",
    "consistency_distillation_variance",
    "consistency_expectation",
    "consistency_minimiser",
    "consistency_variance",
    "euler_map",
    "flow_solver",
    "trained_consistency",
]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GaussianConsistency:
    """The exact consistency function of a Gaussian, (CM.13).

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    sigma_min : float
        The level of the boundary, in the data's unit; σ_min ≥ 0.

    Raises
    ------
    ValueError
        If `sigma_min` is negative.

    Examples
    --------
    It has one value along a path, here between the levels 4 and 1 of the exact flow:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> f = GaussianConsistency(p, 0.002)
    >>> x = [[3.0, 0.5]]
    >>> below = rs.exact.flow_map(p, start=(1.0, 4.0), stop=(1.0, 1.0))(x)
    >>> bool(abs(f(x, 4.0) - f(below, 1.0)).max() < 1e-15), f(x, 0.002)
    (True, array([[3. , 0.5]]))
    """

    target: Gaussian
    sigma_min: float

    def __post_init__(self) -> None:
        least = number(self.sigma_min, "sigma_min")
        if least < 0:
            raise ValueError(f"sigma_min is {least}; expected sigma_min >= 0")
        object.__setattr__(self, "sigma_min", least)

    def __repr__(self) -> str:
        return f"GaussianConsistency({self.target!r}, sigma_min {self.sigma_min:.6g})"

    def __call__(self, x: ArrayLike, sigma: ArrayLike) -> Float:
        """f(x, σ), (\\*batch, d), for `sigma` () or (\\*batch,)."""
        x = samples(x, "x", self.target.d)
        level = lift(sigma, x, "sigma", positive)
        rows = (x - self.target.mean).reshape(-1, self.target.d)
        factors = self._factors(level.reshape(-1, 1))
        return self.target.mean + self.target.covariance.times(factors, rows).reshape(x.shape)  # (CM.13)

    def at(self, sigma: float) -> AffineMap:
        """f(·, σ) at one level."""
        matrix = self.target.covariance.at(self._factors(np.asarray(number(sigma, "sigma", positive))))
        return AffineMap(matrix, np.zeros((0, *matrix.shape)), self.target.mean - matrix @ self.target.mean)

    def _factors(self, sigma: Float) -> Float:
        root = np.sqrt(self.target.covariance.values)
        ratio: Float = np.hypot(root, self.sigma_min) / np.hypot(root, sigma)  # (CM.13)
        return ratio


def flow_solver(target: Gaussian) -> Callable[[Callable[[Float, Float], Float], Float, Float, Float], Float]:
    """The exact step of the probability flow, as the solver of ``objectives.consistency_distillation``.

        Φ(x', σ', σ) = m + ((Σ + σ² I) (Σ + σ'² I)⁻¹)^½ (x' - m)                                       (CM.15)

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.

    Returns
    -------
    callable
        Φ(denoiser, x, sigma_next, sigma); it has no use for the denoiser.

    Examples
    --------
    With it the exact consistency function leaves nothing of the loss:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0], 4.0)
    >>> f = GaussianConsistency(p, 0.002)
    >>> loss = rs.objectives.consistency_distillation(
    ...     f, f, lambda x, sigma: x, [[3.0]], [[0.7]], 2.0, 1.0, solver=flow_solver(p))
    >>> bool(loss[0] < 1e-30)
    True
    """

    def solver(_: object, x: Float, sigma_next: Float, sigma: Float) -> Float:
        root = np.sqrt(target.covariance.values)
        upper, lower = (np.reshape(level, (-1, 1)) for level in (sigma_next, sigma))
        ratio = np.hypot(root, lower) / np.hypot(root, upper)
        rows = (x - target.mean).reshape(-1, target.d)
        return target.mean + target.covariance.times(ratio, rows).reshape(x.shape)  # (CM.15)

    return solver


def euler_map(target: Gaussian, sigma_next: float, sigma: float) -> AffineMap:
    """Euler's step with the exact denoiser, and the mean of x0 + σ ε given x0 + σ' ε: both are (CM.14).

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    sigma_next, sigma : float
        From σ' to σ, in the data's unit.

    Returns
    -------
    AffineMap
        x' ↦ x.

    Examples
    --------
    >>> import numpy as np
    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0], 4.0)
    >>> denoiser = lambda x, sigma: p.denoise(x, alpha=1.0, sigma=sigma)
    >>> rs.objectives.euler_solver(denoiser, np.array([[6.0]]), np.array(1.0), np.array(0.5))
    array([[5.5]])
    >>> euler_map(p, 1.0, 0.5)([[6.0]])
    array([[5.5]])
    """
    upper, lower = number(sigma_next, "sigma_next", positive), number(sigma, "sigma", positive)
    values = target.covariance.values
    matrix = target.covariance.at((values + lower * upper) / (values + upper**2))  # (CM.14)
    return AffineMap(matrix, np.zeros((0, *matrix.shape)), target.mean - matrix @ target.mean)


def trained_consistency(target: Gaussian, sigmas: ArrayLike) -> AffineMap:
    """What consistency training converges to at the largest of a grid of levels, where every level is fitted exactly.

        f(x, σ_1) = E_L ∘ … ∘ E_2 (x),   E_i = (CM.14) from σ_{i-1} to σ_i                             (CM.16)

    Parameters
    ----------
    target : Gaussian
        N(m, Σ), the law of x0.
    sigmas : (L,)
        Levels, falling; the last is the boundary.

    Returns
    -------
    AffineMap
        The function at σ_1.

    Raises
    ------
    ValueError
        If the levels do not fall.

    Examples
    --------
    Twice the levels, half the error: training at finitely many levels is of first order, and exact at none.

    >>> import refscore as rs
    >>> p, errors = rs.targets.gaussian([1.0], 4.0), []
    >>> for n in (40, 80, 160):
    ...     levels = rs.schedules.karras(n=n + 1, sigma_min=0.5, sigma_max=8.0)
    ...     exact = GaussianConsistency(p, 0.5).at(8.0)
    ...     errors.append(abs(trained_consistency(p, levels).matrix - exact.matrix).max())
    >>> round(rs.exact.observed_order(errors), 1)
    1.0
    """
    levels = as_float64(sigmas, "sigmas")
    if levels.ndim != 1 or len(levels) < 2 or not (np.diff(levels) < 0).all():
        raise ValueError(f"sigmas has shape {levels.shape}; expected (L,) with L >= 2, falling to the boundary")
    total = euler_map(target, levels[0], levels[1])
    for upper, lower in itertools.pairwise(levels[1:]):
        total = total.then(euler_map(target, upper, lower))  # (CM.16)
    return total


def consistency_expectation(
    student: AffineMap, teacher: AffineMap, data: Moments, *, sigma_next: float, sigma: float
) -> float:
    """E of ``objectives.consistency`` at one pair of levels, for affine maps and weight 1.

        E ℓ = |m|² + tr C,   m = (S - T) μ + s - t,   C = (S - T) Σ (S - T)ᵀ + (σ' S - σ T) (σ' S - σ T)ᵀ   (CM.17)

    Parameters
    ----------
    student, teacher : AffineMap
        f(·, σ') = S x + s and f⁻(·, σ) = T x + t.
    data : Moments
        Mean μ and covariance Σ of x0.
    sigma_next, sigma : float
        σ' and σ, in the data's unit.

    Returns
    -------
    float
        E ℓ, in unit².

    Raises
    ------
    ValueError
        If the dimensions differ.

    Examples
    --------
    The exact function leaves a loss of second order in σ' - σ; that of its own minimiser is not less by much:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([1.0], 4.0)
    >>> f = GaussianConsistency(p, 0.5)
    >>> left = [consistency_expectation(f.at(2 + h), f.at(2), p, sigma_next=2 + h, sigma=2) for h in (0.02, 0.01)]
    >>> round(left[0] / left[1], 1)
    4.0
    """
    residual = _trained(student, teacher, data, sigma_next, sigma)
    return float(residual.mean @ residual.mean + np.trace(residual.cov))  # (CM.17)


def consistency_variance(
    student: AffineMap, teacher: AffineMap, data: Moments, *, sigma_next: float, sigma: float
) -> float:
    """Var of one sample of ``objectives.consistency`` at one pair of levels, for affine maps and weight 1.

        Var ℓ = 2 tr C² + 4 mᵀ C m,   m and C as in (CM.17)                                           (CM.18)

    Parameters
    ----------
    student, teacher : AffineMap
        f(·, σ') and f⁻(·, σ).
    data : Moments
        The law of x0, a ``Gaussian``.
    sigma_next, sigma : float
        σ' and σ, in the data's unit.

    Returns
    -------
    float
        Var ℓ, in unit⁴.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    """
    return _spread(_trained(student, teacher, normal(data), sigma_next, sigma))


def consistency_minimiser(teacher: AffineMap, data: Moments, *, sigma_next: float, sigma: float) -> AffineMap:
    """The affine student that minimises ``consistency_expectation``: the teacher after the mean step (CM.14).

        S = T (Σ + σ σ' I) (Σ + σ'² I)⁻¹,   s = t + (T - S) μ                                         (CM.19)

    Parameters
    ----------
    teacher : AffineMap
        f⁻(·, σ).
    data : Moments
        Mean μ and covariance Σ of x0; Σ may be singular.
    sigma_next, sigma : float
        σ' and σ, in the data's unit.

    Returns
    -------
    AffineMap
        f(·, σ').
    """
    d = len(teacher.constant)
    mean, cov = moments(data, d)
    upper, lower = number(sigma_next, "sigma_next", positive), number(sigma, "sigma", positive)
    eye = np.eye(d)
    step = np.linalg.solve(cov + upper**2 * eye, cov + lower * upper * eye).T
    matrix = teacher.matrix @ step
    constant = teacher.constant + (teacher.matrix - matrix) @ mean
    return AffineMap(matrix, np.zeros((0, d, d)), constant)  # (CM.19)


def consistency_distillation_expectation(
    student: AffineMap, teacher: AffineMap, step: AffineMap, data: Moments, *, sigma_next: float
) -> float:
    """E of ``objectives.consistency_distillation`` at one pair of levels, for affine maps and weight 1.

        E ℓ = |m|² + tr C,   m = A μ + s - T p - t,   C = A (Σ + σ'² I) Aᵀ,   A = S - T P              (CM.20)

    Parameters
    ----------
    student, teacher : AffineMap
        f(·, σ') = S x + s and f⁻(·, σ) = T x + t.
    step : AffineMap
        The solver's step from σ' to σ, P x + p: :func:`euler_map`, or ``exact.flow_map``.
    data : Moments
        Mean μ and covariance Σ of x0.
    sigma_next : float
        σ', in the data's unit.

    Returns
    -------
    float
        E ℓ, in unit²; 0 for the minimiser.
    """
    residual = _distilled(student, teacher, step, data, sigma_next)
    return float(residual.mean @ residual.mean + np.trace(residual.cov))  # (CM.20)


def consistency_distillation_variance(
    student: AffineMap, teacher: AffineMap, step: AffineMap, data: Moments, *, sigma_next: float
) -> float:
    """Var of one sample of ``objectives.consistency_distillation``: (CM.18) with m and C of (CM.20).

    Parameters
    ----------
    student, teacher, step : AffineMap
        As for :func:`consistency_distillation_expectation`.
    data : Moments
        The law of x0, a ``Gaussian``.
    sigma_next : float
        σ', in the data's unit.

    Returns
    -------
    float
        Var ℓ, in unit⁴.

    Raises
    ------
    TypeError
        If `data` are a mixture or a finite data set.
    """
    return _spread(_distilled(student, teacher, step, normal(data), sigma_next))


def consistency_distillation_minimiser(teacher: AffineMap, step: AffineMap) -> AffineMap:
    """The student that leaves nothing of the distillation loss: the step, then the teacher.

    Parameters
    ----------
    teacher, step : AffineMap
        f⁻(·, σ), and the solver's step from σ' to σ.

    Returns
    -------
    AffineMap
        f(·, σ').
    """
    return step.then(teacher)


def _trained(student: AffineMap, teacher: AffineMap, data: Moments, sigma_next: float, sigma: float) -> Residual:
    d = len(student.constant)
    mean, cov = moments(data, d)
    upper, lower = number(sigma_next, "sigma_next", positive), number(sigma, "sigma", positive)
    of_data, of_noise = student.matrix - teacher.matrix, upper * student.matrix - lower * teacher.matrix
    middle = of_data @ mean + student.constant - teacher.constant
    return Residual(middle, of_data @ cov @ of_data.T + of_noise @ of_noise.T)  # (CM.17)


def _distilled(student: AffineMap, teacher: AffineMap, step: AffineMap, data: Moments, sigma_next: float) -> Residual:
    d = len(student.constant)
    mean, cov = moments(data, d)
    held = step.then(teacher)
    gap = student.matrix - held.matrix
    noisy = cov + number(sigma_next, "sigma_next", positive) ** 2 * np.eye(d)
    return Residual(gap @ mean + student.constant - held.constant, gap @ noisy @ gap.T)  # (CM.20)


def _spread(residual: Residual) -> float:
    m, c = residual.mean, residual.cov
    return float(2 * (c**2).sum() + 4 * m @ c @ m)  # (CM.18)
