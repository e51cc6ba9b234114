"""Finite-difference denoising (FD-DSM, Pang et al. 2020): denoising of an energy without its gradient in x.

Half a square is the mean of half the squares of its projections, ½ E (vᵀ r)² = ½ |r|² for E[v vᵀ] = I. So denoising
needs the slope of log p along v only, and two neighbours give that:

    [L(h) - L(-h)] / (2h) = vᵀ s + (h²/6) L‴ + …,   L(h) = log p(x + h v)                               (FDD.1)

The step is h here, since ε is the noise. Rounding divides by h, not by its square as in
``objectives.finite_difference``, so that the step may be smaller and two thirds of the digits stay:

    error(h) ≈ a h² + u |log p| / h,   least at h = (u |log p| / (2a))^⅓,   a = |L‴|/6                 (FDD.2)

Expectation, variance and minimiser for quadratic energies stand in ``refscore.exact.finite_difference_denoising``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, number, of_shape, positive, samples
from refscore.models.protocol import ParametricLogDensity

__all__ = ["finite_difference_denoising", "finite_difference_denoising_gradient"]


def finite_difference_denoising(
    log_prob: Callable[[Float], Float],
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: float,
    projection: ArrayLike,
    *,
    epsilon: float,
) -> Float:
    """Finite-difference denoising of a log density, per sample.

        ℓ = (1/m) Σ_j ½ {[L_j(h) - L_j(-h)] / (2h) + v_jᵀ ε/σ}²,   L_j(h) = log p(x0 + σ ε + h v_j)     (FDD.3)

    Parameters
    ----------
    log_prob : callable
        log p up to a constant in x, from (\\*batch, d) to (\\*batch,); it is called 2m times.
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    sigma : float
        Noise level, in the data's unit; σ > 0.
    projection : (m, \\*batch, d)
        v_1 … v_m for each sample, with E[v vᵀ] = I.
    epsilon : float
        h > 0, the step along v, in the data's unit for a v without one.

    Returns
    -------
    (\\*batch,)
        ℓ ≥ 0, in 1/unit². The mean over projections, never over the batch.

    Raises
    ------
    ValueError
        If `sigma` or `epsilon` is not one positive number, `projection` has not m ≥ 1 vectors for each sample, or what
        `log_prob` returns has not the shape of the batch.

    Notes
    -----
    Not to be confused with the authors' code (``dsm_fd``), which is σ⁴ times this, with steps of length |h v| = h √d
    and σ ε for its noise. Not to be confused with denoising itself: one projection of d tells of a d-th of the
    residual, and the variance is that much larger.

    References
    ----------
    Pang, Xu, Li, Song, Ermon & Zhu (2020), Efficient learning of generative models via finite-difference score
    matching (FD-DSM).

    Examples
    --------
    For a quadratic log density, and with all sign vectors, it is denoising, whatever h is:

    >>> from refscore.models import QuadraticEnergy
    >>> from refscore.objectives import denoising
    >>> model, x0, noise = QuadraticEnergy([[2, 0.5], [0.5, 1]], [1, 0]), [3.0, -1.0], [0.5, -2.0]
    >>> signs = [[1, 1], [1, -1], [-1, 1], [-1, -1]]
    >>> found = finite_difference_denoising(model.log_prob, x0, noise, 0.5, signs, epsilon=0.25)
    >>> float(found), float(denoising(model, x0, noise, 0.5))
    (8.0078125, 8.0078125)
    """
    x, level, z, v, h = _checked(x0, noise, sigma, projection, epsilon)
    total: Float = np.zeros(x.shape[:-1])
    for w in v:
        total = total + 0.5 * _residual(log_prob, x, z, level, w, h) ** 2
    value: Float = total / len(v)  # (FDD.3)
    return value


def finite_difference_denoising_gradient(
    model: ParametricLogDensity,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: float,
    projection: ArrayLike,
    *,
    epsilon: float,
) -> Float:
    """Gradient of the batch sum of :func:`finite_difference_denoising` in the parameters of `model`.

        ∂ℓ/∂θ = (1/m) Σ_j ρ_j [∂L_j(h)/∂θ - ∂L_j(-h)/∂θ] / (2h),   ρ_j the braces of (FDD.3)          (FDD.4)

    Parameters
    ----------
    model : ParametricLogDensity
        The model, with `log_prob` and `log_prob_parameters`; no derivative in x is asked for.
    x0, noise : (\\*batch, d)
        As for :func:`finite_difference_denoising`.
    sigma : float
        As for :func:`finite_difference_denoising`.
    projection : (m, \\*batch, d)
        As for :func:`finite_difference_denoising`.
    epsilon : float
        As for :func:`finite_difference_denoising`.

    Returns
    -------
    (p,)
        In the order of ``model.pack()``.
    """
    x, level, z, v, h = _checked(x0, noise, sigma, projection, epsilon)
    parts = []
    for w in v:
        weight = _residual(model.log_prob, x, z, level, w, h) / (2 * h)
        parts.append(model.log_prob_parameters(x + h * w, weight))  # (FDD.4)
        parts.append(model.log_prob_parameters(x - h * w, -weight))  # (FDD.4)
    value: Float = np.sum(parts, axis=0) / len(v)
    return value


def _checked(
    x0: ArrayLike, noise: ArrayLike, sigma: float, projection: ArrayLike, epsilon: float
) -> tuple[Float, Float, Float, Float, float]:
    """The noised points, the level, the noise, the projections and the step."""
    x0 = samples(x0, "x0")
    z = of_shape(noise, "noise", x0.shape, "x0")
    level = lift(sigma, x0, "sigma", positive)
    if level.ndim:
        raise ValueError(f"sigma has shape {level.shape[:-1]}; expected one noise level")
    v = as_float64(projection, "projection")
    if v.shape[1:] != x0.shape or v.ndim == 0 or len(v) == 0:
        raise ValueError(
            f"projection has shape {v.shape}; expected (m, {', '.join(map(str, x0.shape))}), m >= 1 projections for "
            f"each sample of x0 with shape {x0.shape}"
        )
    return x0 + level * z, level, z, v, number(epsilon, "epsilon", positive)


def _residual(log_prob: Callable[[Float], Float], x: Float, z: Float, level: Float, v: Float, h: float) -> Float:
    """ρ: the slope of log p along v less that of the kernel, (\\*batch,)."""
    right, left = (of_shape(log_prob(x + step * v), "log_prob(x)", x.shape[:-1], "the batch of x0") for step in (h, -h))
    value: Float = (right - left) / (2 * h) + (v * z).sum(-1) / level  # (FDD.1)
    return value
