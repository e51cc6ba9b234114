"""Consistency distillation: the solver that takes the student's point to the teacher's, with a known model of the data.

On EDM's path the probability flow is dx/dσ = (x - D(x, σ))/σ. One step of a solver for it, from σ' down to σ, replaces
the sample that ``objectives.consistency`` draws; the rest is the same. ``refscore.exact.consistency`` has the exact
step for Gaussian data, with which nothing is left of the loss.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, of_shape
from refscore.models.velocity import ParametricVelocity
from refscore.objectives.consistency import difference, noised
from refscore.objectives.multilevel import level_weight

__all__ = ["consistency_distillation", "consistency_distillation_gradient", "euler_solver", "heun_solver"]

Function = Callable[[Float, Float], Float]
Solver = Callable[[Function, Float, Float, Float], Float]


def consistency_distillation(
    student: Function,
    teacher: Function,
    denoiser: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    solver: Solver,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Consistency distillation, per sample: the teacher stands where one solver step takes the student's point.

        ℓ = λ(σ') |f(x', σ') - f⁻(Φ(x', σ', σ), σ)|²,   x' = x0 + σ' ε                                (CM.10)

    Parameters
    ----------
    student, teacher : callable
        f and f⁻, as for :func:`consistency`.
    denoiser : callable
        D, the known model of the data, from (\\*batch, d) and levels to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.
    solver : callable
        Φ: :func:`euler_solver`, :func:`heun_solver`, or an exact flow, from D, x', σ' and σ to x.
    weight : callable or array_like
        As for :func:`consistency`.

    Returns
    -------
    (\\*batch,)
        ℓ, in unit².

    Raises
    ------
    ValueError
        As for :func:`consistency`, and if the solver returns another shape.

    References
    ----------
    Song et al. (2023), Consistency models, eq. 6 and 7.

    Examples
    --------
    With Euler's step and the clean point for a denoiser this is consistency training, (CM.5):

    >>> f, x0 = lambda x, sigma: x / (1 + sigma), [[1.0], [2.0]]
    >>> clean = lambda x, sigma: x0
    >>> consistency_distillation(f, f, clean, x0, [[2.0], [1.0]], 3.0, 1.0, solver=euler_solver)
    array([0.0625, 0.0625])
    >>> from refscore.objectives.consistency import consistency
    >>> consistency(f, f, x0, [[2.0], [1.0]], 3.0, 1.0)
    array([0.0625, 0.0625])
    """
    _, levels, residual = _distilled(student, teacher, denoiser, x0, noise, sigma_next, sigma, solver)
    value: Float = level_weight(weight, levels) * (residual**2).sum(-1)  # (CM.10)
    return value


def consistency_distillation_gradient(
    student: ParametricVelocity,
    teacher: Function,
    denoiser: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    solver: Solver,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Gradient of the batch sum of :func:`consistency_distillation` in the parameters of `student`, (CM.7) at its x.

    Parameters
    ----------
    student : ParametricVelocity
        The model.
    teacher, denoiser : callable
        f⁻ and D, constants.
    x0, noise : (\\*batch, d)
        As for :func:`consistency_distillation`.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.
    solver : callable
        As for :func:`consistency_distillation`.
    weight : callable or array_like
        As for :func:`consistency`.

    Returns
    -------
    (p,)
        In the order of ``student.pack()``.
    """
    x, levels, residual = _distilled(student, teacher, denoiser, x0, noise, sigma_next, sigma, solver)
    return student.vjp_parameters(x, levels, 2 * level_weight(weight, levels)[..., None] * residual)  # (CM.7)


def euler_solver(denoiser: Function, x: Float, sigma_next: Float, sigma: Float) -> Float:
    """One step of Euler's method down the probability flow of EDM's path.

        x + (σ - σ') (x - D(x, σ')) / σ'                                                              (CM.11)

    Parameters
    ----------
    denoiser : callable
        D.
    x : (\\*batch, d)
        Points at σ'.
    sigma_next, sigma : () or (\\*batch,)
        From σ' down to σ.

    Returns
    -------
    (\\*batch,  d)
        Points at σ.

    Examples
    --------
    >>> import numpy as np
    >>> euler_solver(lambda x, sigma: 0 * x, np.array([4.0]), np.array(2.0), np.array(0.5))
    array([1.])
    """
    upper, lower = lift(sigma_next, x, "sigma_next"), lift(sigma, x, "sigma")
    value: Float = x + (lower - upper) * _slope(denoiser, x, sigma_next)  # (CM.11)
    return value


def heun_solver(denoiser: Function, x: Float, sigma_next: Float, sigma: Float) -> Float:
    """One step of Heun's method down the probability flow of EDM's path: Euler's, then the mean of both slopes.

        x + ½ (σ - σ') (d' + d),   d' = (x - D(x, σ'))/σ',   d = (y - D(y, σ))/σ at Euler's y          (CM.12)

    Parameters
    ----------
    denoiser : callable
        D.
    x : (\\*batch, d)
        Points at σ'.
    sigma_next, sigma : () or (\\*batch,)
        From σ' down to σ.

    Returns
    -------
    (\\*batch, d)
        Points at σ.

    References
    ----------
    Karras et al. (2022), algorithm 1; Song et al. (2023) distil with it.

    Examples
    --------
    >>> import numpy as np
    >>> heun_solver(lambda x, sigma: 0 * x, np.array([4.0]), np.array(2.0), np.array(0.5))
    array([1.])
    """
    upper, lower = lift(sigma_next, x, "sigma_next"), lift(sigma, x, "sigma")
    first = _slope(denoiser, x, sigma_next)
    second = _slope(denoiser, x + (lower - upper) * first, sigma)
    value: Float = x + 0.5 * (lower - upper) * (first + second)  # (CM.12)
    return value


def _slope(denoiser: Function, x: Float, sigma: Float) -> Float:
    value: Float = (x - of_shape(denoiser(x, sigma), "denoiser(x, sigma)", x.shape, "x")) / lift(sigma, x, "sigma")
    return value


def _distilled(
    student: Function,
    teacher: Function,
    denoiser: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    solver: Solver,
) -> tuple[Float, Float, Float]:
    x0, noise, upper, lower = noised(x0, noise, sigma_next, sigma)
    x = x0 + lift(upper, x0, "sigma_next") * noise
    below = of_shape(solver(denoiser, x, upper, lower), "solver(denoiser, x, sigma_next, sigma)", x.shape, "x")
    return x, upper, difference(student, teacher, x, upper, below, lower)
