"""Multistep consistency sampling on a Gaussian: its law, where an error of f goes, and where many steps end.

Along an eigenvector of Σ with variance ℓ a level has the variance V = α² ℓ + σ², and the exact function the factor
R = √(V_ε/V). If f has (1 + δ) R instead, step k is

    c = a (1 + δ) R,   mean' = c (mean - α_t m) + α_s m,   v' = c² v + b²                               (CSA.2)

With δ = 0 the exact laws are kept. To first order the relative error e of the variance after f, all levels told, is

    e = Σ_j 2 δ_j Π_{i>j} ρ_i,   ρ_i = 1 - b_i²/V_i = a_i² V_ε/V_i                                      (CSA.3)

where ρ_i < 1 is that of the level i from which f is applied once more: what came before is forgotten by ρ, also the
error of the first state, and the last level's is paid in full. At one level for ever, the fixed point has

    V_ε' = r² b²/(1 - a² r²),   r = (1 + δ) R,   e = w/(b²/V - ρ w),   w = (1 + δ)² - 1                 (CSA.4)

so small errors are magnified by V/b², without bound towards the boundary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, positive
from refscore.exact.arguments import broadcast_errors, hold_kind
from refscore.exact.maps import AffineMap
from refscore.exact.recursions import Recursion
from refscore.exact.stationary import stationary_of
from refscore.paths import Path
from refscore.samplers.arguments import grid
from refscore.targets.gaussian import Gaussian

__all__ = ["consistency_fixed_point", "consistency_multistep", "first_order_error"]


def consistency_multistep(variance: ArrayLike, path: Path, times: ArrayLike, *, error: ArrayLike = 0.0) -> Recursion:
    """Multistep consistency sampling, eigenvalue by eigenvalue: the truth about ``samplers.consistency_multistep``.

        c = a (1 + δ) R,   mean' = c (mean - α_t m) + α_s m,   v' = c² v + b²                           (CSA.2)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid; the last is the boundary.
    error : array_like
        δ_k, what f's factor at level k is off by, relative; it broadcasts with (n, \\*shape).

    Returns
    -------
    Recursion
        Of n steps.

    Examples
    --------
    Whatever the start, one step of the exact function ends at V_ε/V of it; here 2 at σ = 3 instead of 1 + 9:

    >>> import refscore as rs
    >>> one = consistency_multistep(1.0, rs.paths.EDM(), [3.0, 0.0])
    >>> one.law(0.0, start_variance=2.0)[1].round(12)
    np.float64(0.2)
    """
    ell = not_negative(variance, "variance")
    _, alpha, sigma = grid(path, times)
    alpha, sigma = alpha.reshape(-1, *[1] * ell.ndim), sigma.reshape(-1, *[1] * ell.ndim)
    total = alpha**2 * ell + sigma**2
    a = alpha[1:] / alpha[-1]
    c = a * (1 + broadcast_errors(as_float64(error, "error"), (len(a), *ell.shape))) * np.sqrt(total[-1] / total[:-1])
    spread = (sigma[1:] - a * sigma[-1]) * (sigma[1:] + a * sigma[-1])
    return Recursion(c, alpha[1:] - c * alpha[:-1], spread)  # (CSA.2)


def first_order_error(variance: ArrayLike, path: Path, times: ArrayLike, *, error: ArrayLike) -> Float:
    """The relative error of the variance of the samples, to first order in the errors of f.

        e = Σ_j 2 δ_j Π_{i>j} ρ_i,   ρ_i = a_i² V_ε/V_i                                                (CSA.3)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, the eigenvalues of Σ.
    path : Path
        α and σ.
    times : (n + 1,)
        Descending time grid; the last is the boundary.
    error : array_like
        δ_k, what f's factor at level k is off by, relative; it broadcasts with (n, \\*shape).

    Returns
    -------
    (\\*shape)
        e.

    Examples
    --------
    Two steps on N(0, 1), from any level and from σ = 1 to 0: half of the first error is left, beside the second.

    >>> import refscore as rs
    >>> float(first_order_error(1.0, rs.paths.EDM(), [50.0, 1.0, 0.0], error=[0.5, 0.125])), 2 * (0.5 / 2 + 0.125)
    (0.75, 0.75)
    """
    ell = not_negative(variance, "variance")
    _, alpha, sigma = grid(path, times)
    alpha, sigma = alpha.reshape(-1, *[1] * ell.ndim), sigma.reshape(-1, *[1] * ell.ndim)
    total = alpha**2 * ell + sigma**2
    kept = (alpha[:-1] / alpha[-1]) ** 2 * total[-1] / total[:-1]
    deltas = broadcast_errors(as_float64(error, "error"), (len(alpha) - 1, *ell.shape))
    found = np.zeros(ell.shape)
    for delta, rho in zip(deltas, kept, strict=True):
        found = rho * found + 2 * delta  # (CSA.3)
    return found


def consistency_fixed_point(
    function: AffineMap,
    *,
    alpha: float = 1.0,
    sigma: float,
    alpha_min: float = 1.0,
    sigma_min: float,
) -> Gaussian:
    """The law of samples that noise to one level and the function leave as it is: where many steps there end.

        y' = F (a y + b z) + f,   C = a² F C Fᵀ + b² F Fᵀ                                              (CSA.5)

    Parameters
    ----------
    function : AffineMap
        F x + f, the consistency function at the level (α, σ), right or wrong.
    alpha, sigma : float
        The level.
    alpha_min, sigma_min : float
        The boundary, below it.

    Returns
    -------
    Gaussian
        The stationary law at the boundary.

    Raises
    ------
    ValueError
        If a F does not contract, the level is not above the boundary, or a number is out of its range.

    Examples
    --------
    The exact function keeps the data's law; one per cent more is ten per cent in the end, V/b² = 5/1 times two:

    >>> import refscore as rs
    >>> p = rs.targets.gaussian([0.0], 4.0)
    >>> f = rs.exact.consistency.GaussianConsistency(p, 0.0).at(1.0)
    >>> consistency_fixed_point(f, sigma=1.0, sigma_min=0.0).cov.round(12)
    array([[4.]])
    >>> wrong = AffineMap(1.01 * f.matrix, f.noises, f.constant)
    >>> consistency_fixed_point(wrong, sigma=1.0, sigma_min=0.0).cov.round(2)
    array([[4.44]])
    """
    hold_kind(function, "function", AffineMap)
    a = number(alpha, "alpha", positive) / number(alpha_min, "alpha_min", positive)
    upper, lower = number(sigma, "sigma", positive), a * number(sigma_min, "sigma_min", not_negative)
    if not upper > lower:
        raise ValueError(
            f"sigma is {sigma} at alpha {alpha}, the boundary {sigma_min} at {alpha_min}; expected a level above it"
        )
    b = np.sqrt((upper - lower) * (upper + lower))
    if not (most := float(np.abs(np.linalg.eigvals(a * function.matrix)).max())) < 1:
        raise ValueError(f"function and noise stretch some direction by {most:.6g}; expected below 1")
    return stationary_of(AffineMap(a * function.matrix, b * function.matrix[None], function.constant))  # (CSA.5)
