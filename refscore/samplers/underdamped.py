"""Underdamped Langevin dynamics: a position and a velocity, with friction and noise on the velocity alone.

    dx = v dt,   dv = s(x) dt - γ v dt + √(2γ) dw                                                     (UND.1)

has p(x) N(v; 0, I) as its stationary law. Euler's step has weak order 1 and a bias of order h. The splittings take the
exact flows of three parts in turn: A (dx = v dt), B (dv = s dt), O (friction and noise, an Ornstein-Uhlenbeck process).
A palindrome of them has weak order 2. Order matters: on Gaussians BAOAB has the exact law of x at every step size,
OBABO that of v. The laws in closed form are in ``refscore.exact.phase_space``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, number, of_shape, positive, samples
from refscore.samplers.multistep import Memory, Multistep, empty
from refscore.samplers.replay import Score

__all__ = ["baoab", "baoab_step", "obabo", "obabo_step", "underdamped", "underdamped_step"]

PlainScore = Callable[[Float], ArrayLike]
Phase = tuple[Float, Float]


def underdamped_step(
    score: PlainScore,
    x: ArrayLike,
    velocity: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    friction: ArrayLike,
) -> Phase:
    """One Euler-Maruyama step of underdamped Langevin dynamics.

        x' = x + h v,   v' = v + h (s(x) - γ v) + √(2γh) z                                             (UND.2)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, velocity, noise : (\\*batch, d)
        Position, velocity, and standard normal z.
    step_size : float
        h > 0, a time: in units of x, since velocities have variance 1.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    x, velocity : (\\*batch, d)
        x', v'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, `friction` is negative, or a shape is not that of `x`.

    Notes
    -----
    Not to be confused with the step size ε of overdamped Langevin, a squared length: h² plays its part. Nor with the
    semi-implicit step, which moves x by the new velocity.

    Examples
    --------
    >>> import numpy as np
    >>> underdamped_step(np.negative, [[1.0]], [[2.0]], [[1.0]], step_size=0.5, friction=1)
    (array([[2.]]), array([[1.5]]))
    """
    x, v, z = _phase(x, velocity, noise)
    h, gamma = number(step_size, "step_size", positive), number(friction, "friction", not_negative)
    kick = h * (_at(score, x) - gamma * v) + np.sqrt(2 * gamma * h) * z
    return x + h * v, v + kick  # (UND.2)


def baoab_step(
    score: PlainScore,
    x: ArrayLike,
    velocity: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    friction: ArrayLike,
) -> Phase:
    """One BAOAB step: half a kick, half a drift, friction and noise over h, half a drift, half a kick.

        v₁ = v + (h/2) s(x),   x₁ = x + (h/2) v₁,   v₂ = e^(-γh) v₁ + √(1 - e^(-2γh)) z
        x' = x₁ + (h/2) v₂,   v' = v₂ + (h/2) s(x')                                                    (UND.3)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, velocity, noise : (\\*batch, d)
        Position, velocity, and standard normal z.
    step_size : float
        h > 0, a time.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    x, velocity : (\\*batch, d)
        x', v'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, `friction` is negative, or a shape is not that of `x`.

    Notes
    -----
    The last score is the first one of the next step: a code of one's own may keep it.

    References
    ----------
    Leimkuhler & Matthews (2013), Rational construction of stochastic numerical methods for molecular sampling.

    Examples
    --------
    Without friction it is one leapfrog step:

    >>> import numpy as np
    >>> from refscore.samplers import leapfrog
    >>> baoab_step(np.negative, [[1.0]], [[2.0]], [[7.0]], step_size=0.5, friction=0)
    (array([[1.875]]), array([[1.28125]]))
    >>> leapfrog(np.negative, [[1.0]], [[2.0]], step_size=0.5, n_steps=1)
    (array([[1.875]]), array([[1.28125]]))
    """
    x, v, z = _phase(x, velocity, noise)
    h, gamma = number(step_size, "step_size", positive), number(friction, "friction", not_negative)
    v = v + 0.5 * h * _at(score, x)
    x = x + 0.5 * h * v
    v = _rubbed(v, z, gamma * h)
    x = x + 0.5 * h * v
    return x, v + 0.5 * h * _at(score, x)  # (UND.3)


def obabo_step(
    score: PlainScore,
    x: ArrayLike,
    velocity: ArrayLike,
    noise: ArrayLike,
    *,
    step_size: ArrayLike,
    friction: ArrayLike,
) -> Phase:
    """One OBABO step: friction and noise over h/2, a leapfrog step, friction and noise over h/2.

        v₁ = e^(-γh/2) v + √(1 - e^(-γh)) z_1,   v₂ = v₁ + (h/2) s(x),   x' = x + h v₂
        v₃ = v₂ + (h/2) s(x'),   v' = e^(-γh/2) v₃ + √(1 - e^(-γh)) z_2                                 (UND.4)

    Parameters
    ----------
    score : callable
        s = ∇log p, from (\\*batch, d) to (\\*batch, d).
    x, velocity : (\\*batch, d)
        Position and velocity.
    noise : (2, \\*batch, d)
        Standard normal z_1 and z_2.
    step_size : float
        h > 0, a time.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    x, velocity : (\\*batch, d)
        x', v'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, `friction` is negative, or a shape is another.

    References
    ----------
    Bussi & Parrinello (2007), Accurate sampling using Langevin dynamics.

    Examples
    --------
    With much friction the velocity is drawn anew, and x moves by ULA's step with √ε = h: 1 - 0.125 + 0.5 · 1.

    >>> import numpy as np
    >>> obabo_step(np.negative, [[1.0]], [[2.0]], [[[1.0]], [[3.0]]], step_size=0.5, friction=1000)
    (array([[1.375]]), array([[3.]]))
    """
    x = samples(x, "x")
    v = of_shape(velocity, "velocity", x.shape, "x")
    z = of_shape(noise, "noise", (2, *x.shape), "two vectors like x")
    h, gamma = number(step_size, "step_size", positive), number(friction, "friction", not_negative)
    v = _rubbed(v, z[0], 0.5 * gamma * h) + 0.5 * h * _at(score, x)
    x = x + h * v
    return x, _rubbed(v + 0.5 * h * _at(score, x), z[1], 0.5 * gamma * h)  # (UND.4)


def underdamped(step_size: ArrayLike, *, friction: ArrayLike) -> Multistep:
    """Underdamped Langevin at the data, s(x, 1, 0), by Euler's step (UND.2), as a :class:`Multistep` from rest.

    Parameters
    ----------
    step_size : float
        h > 0, a time.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    Multistep
        Of any number of equal steps; its memory is the velocity, 0 at first.

    Raises
    ------
    ValueError
        If `step_size` is not positive, or `friction` is negative.

    Examples
    --------
    >>> import refscore as rs
    >>> law = rs.exact.law(underdamped(0.1, friction=2), rs.targets.gaussian([0.7], 0.36), steps=2000)
    >>> truth = rs.exact.phase_space.underdamped(0.36, step_size=0.1, friction=2).position
    >>> bool(abs(law.cov[0, 0] - truth) < 1e-13)
    True
    """
    return _bound("underdamped langevin, euler", underdamped_step, 1, step_size, friction)


def baoab(step_size: ArrayLike, *, friction: ArrayLike) -> Multistep:
    """Underdamped Langevin at the data, s(x, 1, 0), by BAOAB (UND.3), as a :class:`Multistep` from rest.

    Parameters
    ----------
    step_size : float
        h > 0, a time.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    Multistep
        Of any number of equal steps; its memory is the velocity, 0 at first.

    Raises
    ------
    ValueError
        If `step_size` is not positive, or `friction` is negative.

    Examples
    --------
    On a Gaussian the variance of x ends where it should, at any step below 2√ℓ:

    >>> import refscore as rs
    >>> law = rs.exact.law(baoab(1.0, friction=2), rs.targets.gaussian([0.7], 0.36), steps=2000)
    >>> round(float(law.cov[0, 0]), 13)
    0.36
    """
    return _bound("underdamped langevin, baoab", baoab_step, 1, step_size, friction)


def obabo(step_size: ArrayLike, *, friction: ArrayLike) -> Multistep:
    """Underdamped Langevin at the data, s(x, 1, 0), by OBABO (UND.4), as a :class:`Multistep` from rest.

    Parameters
    ----------
    step_size : float
        h > 0, a time.
    friction : float
        γ ≥ 0, per time.

    Returns
    -------
    Multistep
        Of any number of equal steps with two noise vectors each; its memory is the velocity, 0 at first.

    Raises
    ------
    ValueError
        If `step_size` is not positive, or `friction` is negative.

    Examples
    --------
    On a Gaussian the variance of x ends at ℓ/(1 - h²/(4ℓ)):

    >>> import refscore as rs
    >>> law = rs.exact.law(obabo(0.6, friction=2), rs.targets.gaussian([0.7], 0.36), steps=2000)
    >>> round(float(law.cov[0, 0]), 13), round(0.36 / (1 - 0.36 / 1.44), 13)
    (0.48, 0.48)
    """
    return _bound("underdamped langevin, obabo", obabo_step, 2, step_size, friction)


def _bound(name: str, one: Callable[..., Phase], draws: int, step_size: ArrayLike, friction: ArrayLike) -> Multistep:
    h, gamma = number(step_size, "step_size", positive), number(friction, "friction", not_negative)

    def step(score: Score, x: Float, memory: Memory, k: int, noise: Float | None) -> tuple[Float, Memory]:  # noqa: ARG001
        moved, v = one(lambda y: score(y, 1.0, 0.0), x, memory[0], noise, step_size=h, friction=gamma)
        return moved, (v,)

    return Multistep(name, None, draws, 1.0, None, None, empty(1), step)


def _phase(x: ArrayLike, velocity: ArrayLike, noise: ArrayLike) -> tuple[Float, Float, Float]:
    x = samples(x, "x")
    return x, of_shape(velocity, "velocity", x.shape, "x"), of_shape(noise, "noise", x.shape, "x")


def _at(score: PlainScore, x: Float) -> Float:
    return of_shape(score(x), "score(x)", x.shape, "x")


def _rubbed(v: Float, z: Float, rate: float) -> Float:
    """Friction and noise over a time in units of 1/γ, exactly."""
    value: Float = np.exp(-rate) * v + np.sqrt(-np.expm1(-2 * rate)) * z
    return value
