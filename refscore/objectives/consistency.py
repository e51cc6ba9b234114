"""Consistency distillation and training: a function that is the same all along a path of the probability flow.

Two levels σ' > σ, and two points on one path: x' = x0 + σ' ε, and x where the flow takes it at σ. The student at x'
is held to the teacher at x, a frozen (or slowly following) copy of itself:

    ℓ = |f(x', σ') - f⁻(x, σ)|²                                                                       (CM.4)

Distillation gets x by a step of an ODE solver with a known denoiser. Training has none, and uses x = x0 + σ ε: Euler's
step with the clean point for the denoiser,

    x' + (σ - σ') (x' - D) / σ' = x0 + σ ε   for D = x0                                               (CM.5)

which is right on average to second order in σ' - σ. No gradient goes through f⁻; with f(x, σ_min) = x at the boundary
the exact solution carries every point to the end of its path, ``refscore.exact.consistency`` for Gaussian data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, number, of_shape, positive, samples
from refscore.models.velocity import ParametricVelocity
from refscore.objectives.multilevel import level_weight

__all__ = [
    "consistency",
    "consistency_gradient",
    "consistency_pseudo_huber",
    "consistency_pseudo_huber_gradient",
    "difference",
    "noised",
]

Function = Callable[[Float, Float], Float]


def consistency(
    student: Function,
    teacher: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Consistency training, per sample.

        ℓ = λ(σ') |f(x0 + σ' ε, σ') - f⁻(x0 + σ ε, σ)|²                                               (CM.6)

    Parameters
    ----------
    student, teacher : callable
        f and f⁻, from (\\*batch, d) and the levels, of the shape of `sigma`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε, the same at both levels.
    sigma_next : () or (\\*batch,)
        σ', the larger level, where the student stands.
    sigma : () or (\\*batch,)
        σ, the smaller one, where the teacher stands; 0 < σ < σ', of the shape of `sigma_next`.
    weight : callable or array_like
        λ ≥ 0: a function of σ', or its values, () or of the shape of `sigma_next`.

    Returns
    -------
    (\\*batch,)
        ℓ, in unit². Never averaged, and without ½.

    Raises
    ------
    ValueError
        If σ' ≤ σ or σ ≤ 0, a weight is negative, or a shape does not go with `x0`.

    Notes
    -----
    "next" counts upwards, as t_{n+1} does in the paper. Not to be confused with the next level of a sampler, which is
    the lower one. The weight is taken at the student's level, as in the official code. With the student as its own
    teacher the value is the same, the gradient is not: see :func:`consistency_gradient`.

    References
    ----------
    Song et al. (2023), Consistency models, eq. 10.

    Examples
    --------
    For data that are one point a, f(x, σ) = a + (x - a) σ_min/σ is exact, and nothing is left:

    >>> f = lambda x, sigma: 3.0 + (x - 3.0) * 0.5 / sigma
    >>> consistency(f, f, [[3.0]], [[0.7]], 2.0, 1.0)
    array([0.])
    """
    _, levels, residual = _trained(student, teacher, x0, noise, sigma_next, sigma)
    value: Float = level_weight(weight, levels) * (residual**2).sum(-1)  # (CM.6)
    return value


def consistency_gradient(
    student: ParametricVelocity,
    teacher: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Gradient of the batch sum of :func:`consistency` in the parameters of `student`; the teacher is a constant.

        ∂ℓ/∂θ = 2 λ (f(x', σ') - f⁻(x, σ))ᵀ ∂f(x', σ')/∂θ                                             (CM.7)

    Parameters
    ----------
    student : ParametricVelocity
        The model, :class:`~refscore.models.boundary.ConsistencyModel` or another with `vjp_parameters`.
    teacher : callable
        f⁻; it may be the student itself.
    x0, noise : (\\*batch, d)
        As for :func:`consistency`.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.
    weight : callable or array_like
        As for :func:`consistency`.

    Returns
    -------
    (p,)
        In the order of ``student.pack()``.
    """
    x, levels, residual = _trained(student, teacher, x0, noise, sigma_next, sigma)
    return student.vjp_parameters(x, levels, 2 * level_weight(weight, levels)[..., None] * residual)  # (CM.7)


def consistency_pseudo_huber(
    student: Function,
    teacher: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    c: float,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Consistency training with the pseudo-Huber distance, per sample.

        ℓ = λ(σ') (√(|r|² + c²) - c),   r = f(x0 + σ' ε, σ') - f⁻(x0 + σ ε, σ)                        (CM.8)

    Parameters
    ----------
    student, teacher : callable
        As for :func:`consistency`.
    x0, noise : (\\*batch, d)
        As for :func:`consistency`.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.
    c : float
        Where the square turns into a length, in the data's unit; c > 0. Song & Dhariwal use 0.00054 √d.
    weight : callable or array_like
        As for :func:`consistency`; improved training has the values 1/(σ' - σ).

    Returns
    -------
    (\\*batch,)
        ℓ, in the data's unit.

    Raises
    ------
    ValueError
        If `c` is not positive, or as for :func:`consistency`.

    Notes
    -----
    Not to be confused with Huber's own function, which is a square and then a straight line, nor with the sum of this
    over dimensions: here |r| is the length of the whole vector.

    References
    ----------
    Song & Dhariwal (2024), Improved techniques for training consistency models, eq. 7 and section 3.3.

    Examples
    --------
    A right triangle of sides |r| = 4 and c = 3:

    >>> consistency_pseudo_huber(lambda x, s: x, lambda x, s: 0 * x, [[2.0]], [[1.0]], 2.0, 1.0, c=3.0)
    array([2.])
    """
    corner = number(c, "c", positive)
    _, levels, residual = _trained(student, teacher, x0, noise, sigma_next, sigma)
    square = (residual**2).sum(-1)
    value: Float = level_weight(weight, levels) * (square / (np.sqrt(square + corner**2) + corner))  # (CM.8)
    return value


def consistency_pseudo_huber_gradient(
    student: ParametricVelocity,
    teacher: Function,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma_next: ArrayLike,
    sigma: ArrayLike,
    *,
    c: float,
    weight: Callable[[Float], ArrayLike] | ArrayLike = 1.0,
) -> Float:
    """Gradient of the batch sum of :func:`consistency_pseudo_huber` in the parameters of `student`.

        ∂ℓ/∂θ = λ rᵀ ∂f(x', σ')/∂θ / √(|r|² + c²)                                                     (CM.9)

    Parameters
    ----------
    student : ParametricVelocity
        The model.
    teacher : callable
        f⁻, a constant.
    x0, noise : (\\*batch, d)
        As for :func:`consistency`.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.
    c : float
        As for :func:`consistency_pseudo_huber`.
    weight : callable or array_like
        As for :func:`consistency`.

    Returns
    -------
    (p,)
        In the order of ``student.pack()``.
    """
    corner = number(c, "c", positive)
    x, levels, residual = _trained(student, teacher, x0, noise, sigma_next, sigma)
    length = np.sqrt((residual**2).sum(-1, keepdims=True) + corner**2)
    pull = level_weight(weight, levels)[..., None] * residual / length
    return student.vjp_parameters(x, levels, pull)  # (CM.9)


def noised(
    x0: ArrayLike, noise: ArrayLike, sigma_next: ArrayLike, sigma: ArrayLike
) -> tuple[Float, Float, Float, Float]:
    """Hold the arguments of a consistency objective to their shapes and signs.

    Parameters
    ----------
    x0, noise : (\\*batch, d)
        As for :func:`consistency`.
    sigma_next, sigma : () or (\\*batch,)
        As for :func:`consistency`.

    Returns
    -------
    x0, noise, sigma_next, sigma : ndarray
        In float64.

    Raises
    ------
    ValueError
        If a level is not positive or σ' ≤ σ, or a shape does not go with `x0`.
    """
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    upper = positive(sigma_next, "sigma_next")
    lift(upper, x0, "sigma_next")
    lower = of_shape(positive(sigma, "sigma"), "sigma", upper.shape, "sigma_next")
    if not (upper > lower).all():
        raise ValueError("sigma_next has a value that is not above sigma; expected the student at the noisier level")
    return x0, noise, upper, lower


def _trained(
    student: Function, teacher: Function, x0: ArrayLike, noise: ArrayLike, sigma_next: ArrayLike, sigma: ArrayLike
) -> tuple[Float, Float, Float]:
    x0, noise, upper, lower = noised(x0, noise, sigma_next, sigma)
    x = x0 + lift(upper, x0, "sigma_next") * noise
    return x, upper, difference(student, teacher, x, upper, x0 + lift(lower, x0, "sigma") * noise, lower)


def difference(student: Function, teacher: Function, x: Float, upper: Float, below: Float, lower: Float) -> Float:
    """The student at its point minus the teacher at its own, f(x', σ') - f⁻(x, σ).

    Parameters
    ----------
    student, teacher : callable
        f and f⁻.
    x, upper : (\\*batch, d), () or (\\*batch,)
        x' and σ'.
    below, lower : (\\*batch, d), () or (\\*batch,)
        x and σ.

    Returns
    -------
    (\\*batch, d)
        The difference.
    """
    held = of_shape(teacher(below, lower), "teacher(x, sigma)", x.shape, "x0")
    value: Float = of_shape(student(x, upper), "student(x, sigma_next)", x.shape, "x0") - held  # (CM.4)
    return value
