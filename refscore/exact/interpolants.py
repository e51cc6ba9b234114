"""What stochastic interpolants are worth between laws with known moments, in any coupling.

With ends of moments (m_0, Σ_0), (m_1, Σ_1) and a cross covariance K = Cov(x0, x1), everything that an affine velocity
u(x) = M x + c meets is linear in (x0, x1, z). Its residual against the target a x0 + b x1 + g z,

    r = A x0 + B x1 + G z + c,   A = α M - a I,   B = β M - b I,   G = γ M - g I                      (FM.8)

has the mean A m_0 + B m_1 + c and the covariance A Σ_0 Aᵀ + A K Bᵀ + B Kᵀ Aᵀ + B Σ_1 Bᵀ + G Gᵀ, and so for E and Var of
½ |r|² the two formulas of all objectives here,

    E ℓ = ½ (|m|² + tr C),   Var ℓ = ½ tr C² + mᵀ C m   (the latter for Gaussian ends)                 (FM.9)

The target of the velocity is (a, b, g) = (α', β', γ'), that of the denoiser (0, 0, 1).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_solve

from refscore.arrays import Float, number
from refscore.exact.couplings import Coupling
from refscore.exact.residuals import Residual, cholesky
from refscore.models.velocity import AffineVelocity
from refscore.objectives.flow_matching import unit_time
from refscore.paths.interpolants import Interpolant

__all__ = [
    "interpolant_denoiser_expectation",
    "interpolant_denoiser_minimiser",
    "interpolant_denoiser_variance",
    "interpolant_velocity_expectation",
    "interpolant_velocity_minimiser",
    "interpolant_velocity_variance",
]


def interpolant_velocity_expectation(
    velocity: AffineVelocity, coupling: Coupling, t: ArrayLike, interpolant: Interpolant
) -> Float:
    """E of ``objectives.interpolant_velocity`` at each time: (FM.9) with the target (α', β', γ').

    Parameters
    ----------
    velocity : AffineVelocity
        The model u.
    coupling : Coupling
        Moments of the pairs (x0, x1).
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    (\\*times,)
        E ℓ at each time, the time being given.

    Raises
    ------
    ValueError
        If a time is outside [0, 1] or the dimensions differ.
    """
    return _each(t, lambda one: _mean(_residual(velocity, coupling, one, interpolant, _of_velocity)))


def interpolant_velocity_variance(
    velocity: AffineVelocity, coupling: Coupling, t: ArrayLike, interpolant: Interpolant
) -> Float:
    """Var of one sample of ``objectives.interpolant_velocity`` at each time, for Gaussian ends: (FM.9).

    Parameters
    ----------
    velocity : AffineVelocity
        The model u.
    coupling : Coupling
        Moments of the jointly Gaussian pairs.
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    (\\*times,)
        Var ℓ at each time; where t is drawn too, the variance of the expectations comes on top.

    Raises
    ------
    TypeError
        If the pairs are not known to be Gaussian.
    ValueError
        If a time is outside [0, 1] or the dimensions differ.
    """
    pairs = coupling.gaussian()
    return _each(t, lambda one: _spread(_residual(velocity, pairs, one, interpolant, _of_velocity)))


def interpolant_velocity_minimiser(coupling: Coupling, t: float, interpolant: Interpolant) -> AffineVelocity:
    """The affine velocity at one time that minimises ``interpolant_velocity_expectation``.

        M = Cov(ẋ_t, x_t) Cov(x_t)⁻¹,   c = E ẋ_t - M E x_t                                            (FM.10)

    Parameters
    ----------
    coupling : Coupling
        Moments of the pairs.
    t : float
        The time.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    AffineVelocity
        The field at this time; for Gaussian pairs it is (SI.2) itself, the best of all fields.

    Raises
    ------
    ValueError
        If Cov(x_t) is singular.

    Examples
    --------
    The velocity of the flow path is that of the exact score:

    >>> import refscore as rs
    >>> from refscore.exact.couplings import independent
    >>> from refscore.paths.interpolants import linear_interpolant
    >>> p = rs.targets.gaussian([0.5, -1.0], [[2.0, 0.5], [0.5, 1.0]])
    >>> pairs = independent(p, rs.targets.gaussian([0.0, 0.0]))
    >>> best = interpolant_velocity_minimiser(pairs, 0.25, linear_interpolant())
    >>> x = [[1.0, 2.0]]
    >>> score = p.perturb(0.75, 0.25).score(x)
    >>> u = rs.predictions.score_to_velocity(score, x, 0.75, 0.25, -1.0, 1.0)
    >>> bool(abs(best(x, 0.25) - u).max() < 1e-14)
    True
    """
    return _minimiser(coupling, t, interpolant, _of_velocity)


def interpolant_denoiser_expectation(
    denoiser: AffineVelocity, coupling: Coupling, t: ArrayLike, interpolant: Interpolant
) -> Float:
    """E of ``objectives.interpolant_denoiser`` at each time: (FM.9) with the target (0, 0, 1).

    Parameters
    ----------
    denoiser : AffineVelocity
        The model η.
    coupling : Coupling
        Moments of the pairs (x0, x1).
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    (\\*times,)
        E ℓ at each time.

    Raises
    ------
    ValueError
        If a time is outside [0, 1] or the dimensions differ.
    """
    return _each(t, lambda one: _mean(_residual(denoiser, coupling, one, interpolant, _of_noise)))


def interpolant_denoiser_variance(
    denoiser: AffineVelocity, coupling: Coupling, t: ArrayLike, interpolant: Interpolant
) -> Float:
    """Var of one sample of ``objectives.interpolant_denoiser`` at each time, for Gaussian ends: (FM.9).

    Parameters
    ----------
    denoiser : AffineVelocity
        The model η.
    coupling : Coupling
        Moments of the jointly Gaussian pairs.
    t : (\\*times,)
        Times in [0, 1]; 0 is data.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    (\\*times,)
        Var ℓ at each time.

    Raises
    ------
    TypeError
        If the pairs are not known to be Gaussian.
    ValueError
        If a time is outside [0, 1] or the dimensions differ.
    """
    pairs = coupling.gaussian()
    return _each(t, lambda one: _spread(_residual(denoiser, pairs, one, interpolant, _of_noise)))


def interpolant_denoiser_minimiser(coupling: Coupling, t: float, interpolant: Interpolant) -> AffineVelocity:
    """The affine denoiser at one time that minimises ``interpolant_denoiser_expectation``: (FM.10) with z for ẋ_t.

    Parameters
    ----------
    coupling : Coupling
        Moments of the pairs.
    t : float
        The time.
    interpolant : Interpolant
        The curves.

    Returns
    -------
    AffineVelocity
        η = γ Cov(x_t)⁻¹ (x - E x_t), that is -γ times the score of a Gaussian x_t, (SI.3).

    Raises
    ------
    ValueError
        If Cov(x_t) is singular.
    """
    return _minimiser(coupling, t, interpolant, _of_noise)


Rates = Callable[[Interpolant, Float], tuple[Float, Float, Float]]


def _of_velocity(interpolant: Interpolant, t: Float) -> tuple[Float, Float, Float]:
    return interpolant.rates(t)


def _of_noise(_: Interpolant, t: Float) -> tuple[Float, Float, Float]:
    return np.zeros_like(t), np.zeros_like(t), np.ones_like(t)


def _each(t: ArrayLike, function: Callable[[Float], float]) -> Float:
    times = unit_time(t, "t")
    return np.reshape([function(np.asarray(one)) for one in times.flat], times.shape)


def _residual(field: AffineVelocity, coupling: Coupling, t: Float, interpolant: Interpolant, rates: Rates) -> Residual:
    if field.d != coupling.d:
        raise ValueError(f"coupling has dimension {coupling.d}; expected {field.d}, that of the field")
    matrix, constant = field.at(float(t))
    eye = np.eye(field.d)
    a, b, g = (s * matrix - r * eye for s, r in zip(interpolant.scales(t), rates(interpolant, t)))  # (FM.8)
    ends = np.hstack([a, b])
    return Residual(ends @ coupling.mean + constant, ends @ coupling.cov @ ends.T + g @ g.T)  # (FM.8)


def _mean(residual: Residual) -> float:
    return float(0.5 * (residual.mean @ residual.mean + np.trace(residual.cov)))  # (FM.9)


def _spread(residual: Residual) -> float:
    m, c = residual.mean, residual.cov
    return float(0.5 * (c**2).sum() + m @ c @ m)  # (FM.9)


def _minimiser(coupling: Coupling, t: float, interpolant: Interpolant, rates: Rates) -> AffineVelocity:
    time, eye = unit_time(number(t, "t"), "t"), np.eye(coupling.d)
    (alpha, beta, gamma), (a, b, g) = interpolant.scales(time), rates(interpolant, time)
    point, target = (np.hstack([at0 * eye, at1 * eye]) for at0, at1 in ((alpha, beta), (a, b)))
    cov = point @ coupling.cov @ point.T + gamma**2 * eye
    across = target @ coupling.cov @ point.T + g * gamma * eye
    matrix = cho_solve((cholesky(0.5 * (cov + cov.T)), True), across.T).T  # (FM.10)
    constant = target @ coupling.mean - matrix @ (point @ coupling.mean)  # (FM.10)
    return AffineVelocity(matrix[None], constant[None])
