"""Underdamped Langevin and unadjusted HMC on a Gaussian, in closed form, eigenvalue by eigenvalue.

Along an eigenvector of Σ with variance ℓ the score is -ω² (x - μ) with ω² = 1/ℓ, and a step of the pair (x, v) is a
2×2 matrix. Its stationary covariance and its spectral radius need no Lyapunov equation. A function here has the name of
the sampler it tells the truth about; the diffusion itself ends at Var x = ℓ, Cov(x, v) = 0, Var v = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number, positive

__all__ = [
    "PhaseLaw",
    "baoab",
    "baoab_rate",
    "obabo",
    "unadjusted_hmc",
    "unadjusted_hmc_rate",
    "underdamped",
    "underdamped_rate",
]


class PhaseLaw(NamedTuple):
    """Second moments of (x, v) about their means, for each eigenvalue.

    Parameters
    ----------
    position, cross, velocity : (\\*shape)
        Var x, Cov(x, v) and Var v.
    """

    position: Float
    cross: Float
    velocity: Float


def underdamped(variance: ArrayLike, *, step_size: ArrayLike, friction: ArrayLike) -> PhaseLaw:
    """The stationary law of Euler's step.

        D = (γ - hω²)(4 - 2γh + h²ω²)
        Var x = 2γ (2 - γh + h²ω²)/(ω² D),   Cov(x, v) = -2γh/D,   Var v = 4γ/D                         (UND.5)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ = 1/ω².
    step_size : float
        h > 0.
    friction : float
        γ > 0.

    Returns
    -------
    PhaseLaw
        Moments.

    Raises
    ------
    ValueError
        If the step is not stable: hω² < γ and 2γh < 4 + h²ω² are needed, however small h² ω² is.

    Examples
    --------
    >>> import refscore as rs
    >>> end = rs.exact.stationary_law(rs.samplers.underdamped(0.1, friction=2), rs.targets.gaussian([0], 0.36))
    >>> bool(abs(end.cov[0] - underdamped(0.36, step_size=0.1, friction=2)[:2]).max() < 1e-14)
    True
    """
    w, h, g = _letters(variance, step_size, friction)
    slow, fast = g - h * w, 4 - 2 * g * h + h**2 * w
    if not ((slow > 0) & (fast > 0)).all():
        raise ValueError(
            f"step_size is {h} with friction {g}: Euler's step is not stable; "
            f"expected h < γ ℓ = {float(g / w.max()):.6g} and 2γh < 4 + h²/ℓ"
        )
    both = slow * fast
    position = 2 * g * (2 - g * h + h**2 * w) / (w * both)
    return PhaseLaw(position, -2 * g * h / both, 4 * g / both)  # (UND.5)


def baoab(variance: ArrayLike, *, step_size: ArrayLike, friction: ArrayLike) -> PhaseLaw:
    """The stationary law of BAOAB.

        Var x = 1/ω²,   Cov(x, v) = 0,   Var v = 1 - h²ω²/4,   whatever γ > 0                           (UND.6)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ = 1/ω².
    step_size : float
        h > 0, below 2√ℓ.
    friction : float
        γ > 0.

    Returns
    -------
    PhaseLaw
        Moments.

    Raises
    ------
    ValueError
        If hω ≥ 2.

    References
    ----------
    Leimkuhler & Matthews (2013), Robust and efficient configurational molecular sampling via Langevin dynamics.

    Examples
    --------
    >>> [float(v) for v in baoab(0.25, step_size=0.5, friction=1.0)]
    [0.25, 0.0, 0.75]
    """
    w, h, _ = _letters(variance, step_size, friction)
    _stable(h, w)
    return PhaseLaw(1 / w, np.zeros_like(w), 1 - 0.25 * h**2 * w)  # (UND.6)


def obabo(variance: ArrayLike, *, step_size: ArrayLike, friction: ArrayLike) -> PhaseLaw:
    """The stationary law of OBABO, and of the leapfrog step with friction and noise anywhere outside of it.

        Var x = 1/(ω² (1 - h²ω²/4)),   Cov(x, v) = 0,   Var v = 1,   whatever γ > 0                      (UND.7)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ = 1/ω².
    step_size : float
        h > 0, below 2√ℓ.
    friction : float
        γ > 0.

    Returns
    -------
    PhaseLaw
        Moments.

    Raises
    ------
    ValueError
        If hω ≥ 2.

    Examples
    --------
    >>> [float(v) for v in obabo(0.25, step_size=0.5, friction=1.0)]  # 0.25/0.75
    [0.3333333333333333, 0.0, 1.0]
    """
    w, h, _ = _letters(variance, step_size, friction)
    _stable(h, w)
    return PhaseLaw(1 / (w * (1 - 0.25 * h**2 * w)), np.zeros_like(w), np.ones_like(w))  # (UND.7)


def unadjusted_hmc(variance: ArrayLike, *, step_size: ArrayLike) -> Float:
    """The stationary variance of unadjusted HMC with any number of leapfrog steps.

        Var x = ℓ/(1 - h²/(4ℓ))                                                                       (HMC.4)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ.
    step_size : float
        h > 0, below 2√ℓ.

    Returns
    -------
    (\\*shape)
        Var x.

    Raises
    ------
    ValueError
        If h ≥ 2√ℓ.

    Notes
    -----
    With L steps for which sin Lθ = 0, cos θ = 1 - h²/(2ℓ), it never gets there: x' = ± x, and no noise comes in.

    Examples
    --------
    Langevin's, with ε = h²:

    >>> import refscore as rs
    >>> end = rs.exact.stationary_law(rs.samplers.langevin(0.36), rs.targets.gaussian([0], 0.25))
    >>> bool(abs(end.cov[0, 0] - unadjusted_hmc(0.25, step_size=0.6)) < 1e-15)
    True
    """
    ell, h = positive(variance, "variance"), number(step_size, "step_size", positive)
    _stable(h, 1 / ell)
    value: Float = ell / (1 - h**2 / (4 * ell))  # (HMC.4)
    return value


def unadjusted_hmc_rate(variance: ArrayLike, *, step_size: ArrayLike, n_steps: int) -> Float:
    """By how much unadjusted HMC multiplies the mean in one step of L leapfrog steps.

        ρ = |cos Lθ|,   cos θ = 1 - h²/(2ℓ)                                                           (HMC.5)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ.
    step_size : float
        h > 0, below 2√ℓ.
    n_steps : int
        L.

    Returns
    -------
    (\\*shape)
        ρ; 1 where the trajectory closes, L θ a multiple of π.

    Raises
    ------
    ValueError
        If h ≥ 2√ℓ.

    Examples
    --------
    >>> import refscore as rs
    >>> rate = rs.exact.contraction_rate(rs.samplers.unadjusted_hmc(0.6, n_steps=3), rs.targets.gaussian([0], 0.25))
    >>> bool(abs(rate - unadjusted_hmc_rate(0.25, step_size=0.6, n_steps=3)) < 1e-15)
    True
    """
    ell, h = positive(variance, "variance"), number(step_size, "step_size", positive)
    _stable(h, 1 / ell)
    angle = 2 * np.arcsin(0.5 * h / np.sqrt(ell))  # cos θ = 1 - 2 sin²(θ/2)
    value: Float = np.abs(np.cos(n_steps * angle))  # (HMC.5)
    return value


def underdamped_rate(variance: ArrayLike, *, step_size: ArrayLike, friction: ArrayLike) -> Float:
    """The spectral radius of Euler's step: how much of the start is left by a step, in the long run.

        ρ = max |roots of μ² - (2 - γh) μ + 1 - γh + h²ω²|                                              (UND.8)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ = 1/ω².
    step_size : float
        h > 0.
    friction : float
        γ ≥ 0.

    Returns
    -------
    (\\*shape)
        ρ; 1 or more where the step is not stable.

    Examples
    --------
    >>> import refscore as rs
    >>> rate = rs.exact.contraction_rate(rs.samplers.underdamped(0.1, friction=2), rs.targets.gaussian([0], 0.36))
    >>> bool(abs(rate - underdamped_rate(0.36, step_size=0.1, friction=2)) < 1e-14)
    True
    """
    w, h, g = _letters(variance, step_size, friction)
    return _radius(2 - g * h + 0 * w, 1 - g * h + h**2 * w)  # (UND.8)


def baoab_rate(variance: ArrayLike, *, step_size: ArrayLike, friction: ArrayLike) -> Float:
    """The spectral radius of BAOAB, and of OBABO: the same matrix up to a change of coordinates.

        ρ = max |roots of μ² - (1 + c)(1 - h²ω²/2) μ + c|,   c = e^(-γh)                                (UND.9)

    Parameters
    ----------
    variance : (\\*shape)
        ℓ = 1/ω².
    step_size : float
        h > 0.
    friction : float
        γ ≥ 0.

    Returns
    -------
    (\\*shape)
        ρ; √c = e^(-γh/2) where the roots are complex, and 1 or more from hω = 2.

    Examples
    --------
    >>> import refscore as rs
    >>> rate = rs.exact.contraction_rate(rs.samplers.obabo(0.1, friction=2), rs.targets.gaussian([0], 0.36))
    >>> bool(abs(rate - baoab_rate(0.36, step_size=0.1, friction=2)) < 1e-14)
    True
    """
    w, h, g = _letters(variance, step_size, friction)
    c = np.exp(-g * h)
    return _radius((1 + c) * (1 - 0.5 * h**2 * w), c + 0 * w)  # (UND.9)


def _letters(variance: ArrayLike, step_size: ArrayLike, friction: ArrayLike) -> tuple[Float, float, float]:
    w: Float = np.asarray(1 / positive(variance, "variance"), dtype=np.float64)
    return w, number(step_size, "step_size", positive), number(friction, "friction", not_negative)


def _stable(h: float, w: Float) -> None:
    if not (h**2 * w < 4).all():
        raise ValueError(
            f"step_size is {h}; expected below 2√ℓ = {float(2 / np.sqrt(w.max())):.6g}, where it is stable"
        )


def _radius(trace: Float, determinant: Float) -> Float:
    """The largest |root| of μ² - trace μ + determinant."""
    half = 0.5 * np.abs(trace)
    inside = half**2 - determinant
    value: Float = np.where(inside > 0, half + np.sqrt(np.maximum(inside, 0)), np.sqrt(np.maximum(determinant, 0)))
    return value
