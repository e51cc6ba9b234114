"""Where equal steps end, and how fast they get there: the stationary law and the contraction rate of any sampler.

On a Gaussian a step is an affine map x' = M x + N z + c of the state, and of what the sampler remembers beside it. If
all eigenvalues of M are inside the unit circle, every start forgets itself and the law ends at the one N(m, C) with

    m = M m + c,   C = M C Mᵀ + N Nᵀ                                                                  (STA.1)

the discrete Lyapunov equation; what is left of the start shrinks as ρᵏ in the mean and ρ²ᵏ in the covariance,

    ρ = max |eig M|                                                                                   (STA.2)

The limit is the law of the algorithm at its step size, not the target's. Closed forms stand beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, not_negative, number, of_shape, positive
from refscore.exact.laws import step_map
from refscore.exact.maps import AffineMap
from refscore.samplers.factors import as_factor
from refscore.samplers.multistep import Multistep
from refscore.samplers.replay import Sampler, hold_sampler, noisy_score
from refscore.targets.gaussian import Gaussian

__all__ = [
    "contraction_rate",
    "minibatch_variance",
    "preconditioned_cov",
    "preconditioned_rate",
    "stationary_law",
    "stationary_of",
]


def stationary_law(sampler: Sampler | Multistep, target: Gaussian) -> Gaussian:
    """The law that equal steps leave as it is, on a Gaussian target.

        m = M m + c,   C = M C Mᵀ + N Nᵀ                                                              (STA.1)

    Parameters
    ----------
    sampler : Sampler or Multistep
        Of any number of equal steps.
    target : Gaussian
        N(μ, Σ), in dimension d.

    Returns
    -------
    Gaussian
        Of the state and what is remembered beside it, x first: dimension d, or 2 d for (x, v).

    Raises
    ------
    ValueError
        If the steps are not equal, the step size is beyond stability, or C is singular.

    Notes
    -----
    Not to be confused with the law after many steps, :func:`law`, which is this one up to what the start left.

    Examples
    --------
    Langevin with ε = 0.1 on N(0.7, 0.36): 0.36/(1 - 0.1/(4 · 0.36)).

    >>> import refscore as rs
    >>> end = stationary_law(rs.samplers.langevin(0.1), rs.targets.gaussian([0.7], 0.36))
    >>> end.mean.round(12), round(float(end.cov[0, 0]), 12), round(0.36 / (1 - 0.1 / 1.44), 12)
    (array([0.7]), 0.386865671642, 0.386865671642)
    """
    return stationary_of(_equal_step(sampler, target))


def contraction_rate(sampler: Sampler | Multistep, target: Gaussian) -> float:
    """How much of the distance to the stationary law is left after one more step, in the long run.

        ρ = max |eig M|                                                                               (STA.2)

    Parameters
    ----------
    sampler : Sampler or Multistep
        Of any number of equal steps.
    target : Gaussian
        N(μ, Σ).

    Returns
    -------
    float
        ρ; below 1 where the sampler is stable.

    Raises
    ------
    ValueError
        If the steps are not equal.

    Examples
    --------
    The slowest direction of Langevin: 1 - ε/(2 max ℓ).

    >>> import refscore as rs
    >>> round(contraction_rate(rs.samplers.langevin(0.1), rs.targets.gaussian([0, 0], [0.5, 2.0])), 12)
    0.975
    """
    return _radius(_equal_step(sampler, target).matrix)


def stationary_of(step: AffineMap) -> Gaussian:
    """The Gaussian that an affine map leaves as it is.

        m = M m + c,   C = M C Mᵀ + N Nᵀ = Σ_k Mᵏ N Nᵀ (Mᵏ)ᵀ                                          (STA.1)

    Parameters
    ----------
    step : AffineMap
        M, N and c.

    Returns
    -------
    Gaussian
        N(m, C).

    Raises
    ------
    ValueError
        If an eigenvalue of M is not inside the unit circle, or C is singular.

    Notes
    -----
    The sum is taken by doubling, C ← C + A C Aᵀ, A ← A²: only positive terms, 2ᵏ of them after k rounds.

    Examples
    --------
    >>> stationary_of(AffineMap([[0.5]], [[[3.0]]], [1.0])).cov  # v = v/4 + 9
    array([[12.]])
    """
    radius = _radius(step.matrix)
    if not radius < 1:
        raise ValueError(
            f"the step multiplies some direction by {radius:.6g}; expected below 1: the step size is beyond stability, "
            "and there is no stationary law"
        )
    mean = np.linalg.solve(np.eye(len(step.constant)) - step.matrix, step.constant)
    cov, power = step.noise_cov, step.matrix
    for _ in range(128):
        added = power @ cov @ power.T
        cov, power = cov + added, power @ power  # (STA.1)
        if (np.abs(added).max(initial=0.0) <= 2.0**-60 * np.abs(cov).max()) and np.abs(power).max() < 0.5:
            break
    return Gaussian(mean, 0.5 * (cov + cov.T))


def preconditioned_cov(cov: ArrayLike, *, factor: ArrayLike, step_size: ArrayLike) -> Float:
    """The stationary covariance of preconditioned Langevin on N(μ, Σ), P = F Fᵀ.

        C = (Σ⁻¹ - (ε/4) Σ⁻¹ P Σ⁻¹)⁻¹                                                                 (PRE2.2)

    Parameters
    ----------
    cov : (d, d)
        Σ.
    factor : (), (d,) or (d, d)
        F.
    step_size : float
        ε > 0.

    Returns
    -------
    (d, d)
        C.

    Raises
    ------
    ValueError
        If ε is beyond stability: (ε/4) max eig(Fᵀ Σ⁻¹ F) ≥ 1.

    Examples
    --------
    >>> preconditioned_cov([[2.0]], factor=1.0, step_size=0.8)  # ULA: 2/(1 - 0.8/8)
    array([[2.22222222]])
    """
    root, sigma = _whitened(cov, factor)
    eps = number(step_size, "step_size", positive)
    k, basis = np.linalg.eigh(root.T @ np.linalg.solve(sigma, root))
    if not eps * k[-1] < 4:
        raise ValueError(
            f"step_size is {eps}; expected below {4 / k[-1]:.6g}, 4 over the largest eigenvalue of Fᵀ Σ⁻¹ F"
        )
    wide = root @ basis
    value: Float = (wide / (k * (1 - 0.25 * eps * k))) @ wide.T  # (PRE2.2)
    return value


def preconditioned_rate(cov: ArrayLike, *, factor: ArrayLike, step_size: ArrayLike) -> float:
    """The contraction rate of preconditioned Langevin on N(μ, Σ).

        ρ = max |1 - ε k/2|,   k the eigenvalues of Fᵀ Σ⁻¹ F                                           (PRE2.3)

    Parameters
    ----------
    cov : (d, d)
        Σ.
    factor : (), (d,) or (d, d)
        F.
    step_size : float
        ε > 0.

    Returns
    -------
    float
        ρ.

    Examples
    --------
    With P = Σ no direction is slower than another:

    >>> preconditioned_rate([[0.01, 0.0], [0.0, 4.0]], factor=[0.1, 2.0], step_size=0.4)
    0.8
    """
    root, sigma = _whitened(cov, factor)
    k = np.linalg.eigvalsh(root.T @ np.linalg.solve(sigma, root))
    return float(np.abs(1 - 0.5 * number(step_size, "step_size", positive) * k).max())  # (PRE2.3)


def minibatch_variance(variance: ArrayLike, score_variance: ArrayLike, *, step_size: ArrayLike) -> Float:
    """The stationary variance of SGLD on N(μ, ℓ), with a minibatch score of variance V at every x.

        v_∞ = ℓ (1 + ε V/4) / (1 - ε/(4ℓ))                                                            (SGL.5)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ, of the posterior.
    score_variance : (\\*shape)
        V ≥ 0, of the estimate ŝ, for instance from ``samplers.minibatch_score_cov``.
    step_size : float
        ε > 0, below 4ℓ.

    Returns
    -------
    (\\*shape)
        v_∞.

    Raises
    ------
    ValueError
        If a variance is negative, or ε is not below 4ℓ.

    Examples
    --------
    It is a fixed point of v ↦ (1 - ε/(2ℓ))² v + ε + (ε²/4) V:

    >>> v = minibatch_variance(2.0, 3.0, step_size=0.8)
    >>> bool(abs((1 - 0.8 / 4) ** 2 * v + 0.8 + 0.16 * 3.0 - v) < 1e-15)
    True
    """
    ell, noise = positive(variance, "variance"), not_negative(score_variance, "score_variance")
    eps = number(step_size, "step_size", positive)
    if not (eps < 4 * ell).all():
        raise ValueError(f"step_size is {eps}; expected below 4 ℓ = {4 * ell.min()}")
    value: Float = ell * (1 + 0.25 * eps * noise) / (1 - eps / (4 * ell))  # (SGL.5)
    return value


def _equal_step(sampler: Sampler | Multistep, target: Gaussian) -> AffineMap:
    hold_sampler(sampler)
    if sampler.n_steps is not None:
        raise ValueError(f"{sampler.name} has {sampler.n_steps} steps of its own; expected a sampler of equal steps")
    return step_map(sampler, noisy_score(target), 0, target.d)


def _radius(matrix: Float) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())  # (STA.2)


def _whitened(cov: ArrayLike, factor: ArrayLike) -> tuple[Float, Float]:
    sigma = as_float64(cov, "cov")
    if sigma.ndim != 2:
        raise ValueError(f"cov has shape {sigma.shape}; expected (d, d)")
    d = len(sigma)
    sigma = of_shape(sigma, "cov", (d, d), "a covariance")
    root = as_factor(factor, d)
    return (root if root.ndim == 2 else root * np.eye(d)), sigma
