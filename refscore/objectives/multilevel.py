"""Denoising score matching over noise levels (NCSN, Song & Ermon 2019): one model s(x, σ) for every σ.

Each sample has a level of its own, and the weight λ(σ) decides how much the levels count. At the optimum s(x, σ) is
about as large as 1/σ, so λ = σ² brings all levels to one size:

    σ² ½ |s + ε/σ|² = ½ |σ s + ε|²                                                                    (MSM.1)

Its expectation on Gaussian data, its variance and its minimiser stand under the same name in ``refscore.exact``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, lift, not_negative, of_shape, positive, samples
from refscore.models.protocol import ParametricLevelScore

__all__ = ["level_weight", "multilevel", "multilevel_gradient"]


def multilevel(
    score: Callable[[Float, Float], Float],
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = np.square,
) -> Float:
    """Denoising score matching with a noise level for each sample, per sample.

        ℓ = ½ λ(σ) |s(x0 + σ ε, σ) + ε/σ|²                                                            (MSM.2)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) and the levels, of the shape of `sigma`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data, in the data's unit, and standard normal noise ε.
    sigma : () or (\\*batch,)
        Noise level of each sample, in the data's unit; σ > 0.
    weight : callable or array_like
        λ ≥ 0: a function of σ, or its values, () or of the shape of `sigma`. The default is λ = σ².

    Returns
    -------
    (\\*batch,)
        ℓ, without unit for λ = σ². Never averaged: neither over the samples nor over the levels.

    Raises
    ------
    ValueError
        If a level is not positive, a weight is negative, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with NCSN's ℓ(σ), which is this for λ = 1, nor with λ as log signal-to-noise ratio.
    Conditioning on the index of a level, as NCSN's code does, is the caller's: `score` is given σ.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, eq. 5 and 6.

    Examples
    --------
    The exact score of noised N(0, 1) data leaves ½ / (1 + σ²), here by the nodes x0, ε = ±1:

    >>> import numpy as np
    >>> x0, noise = np.array([[1.0], [1.0], [-1.0], [-1.0]]), np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> exact = lambda x, sigma: -x / (1 + sigma**2)
    >>> [float(multilevel(exact, x0, noise, sigma).mean()) for sigma in (1.0, 3.0)], [0.5 / (1 + 1), 0.5 / (1 + 9)]
    ([0.25, 0.05], [0.25, 0.05])
    """
    _, level, residual = _residual(score, x0, noise, sigma)
    value: Float = 0.5 * level_weight(weight, level) * (residual**2).sum(-1)  # (MSM.2)
    return value


def multilevel_gradient(
    score: ParametricLevelScore,
    x0: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = np.square,
) -> Float:
    """Gradient of the batch sum of :func:`multilevel` in the parameters of `score`.

        ∂ℓ/∂θ = λ(σ) (s(x, σ) + ε/σ)ᵀ ∂s(x, σ)/∂θ,   x = x0 + σ ε                                     (MSM.3)

    Parameters
    ----------
    score : ParametricLevelScore
        The model, :class:`~refscore.models.LevelAffineScore` or another with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`multilevel`.
    sigma : () or (\\*batch,)
        Noise level of each sample, in the data's unit; σ > 0.
    weight : callable or array_like
        As for :func:`multilevel`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, level, residual = _residual(score, x0, noise, sigma)
    return score.vjp_parameters(x, level, level_weight(weight, level)[..., None] * residual)  # (MSM.3)


def level_weight(weight: Callable[[Float], ArrayLike] | ArrayLike, sigma: Float) -> Float:
    """λ(σ): the values of `weight` at the levels.

    Parameters
    ----------
    weight : callable or array_like
        A function of σ, or its values, () or of the shape of `sigma`.
    sigma : (\\*levels,)
        Noise levels.

    Returns
    -------
    (\\*levels,)
        λ(σ).

    Raises
    ------
    ValueError
        If a value is negative, or the shape is neither () nor that of `sigma`.

    Examples
    --------
    >>> import numpy as np
    >>> level_weight(np.square, np.array([1.0, 3.0])), level_weight(2, np.array([1.0, 3.0]))
    (array([1., 9.]), array([2., 2.]))
    """
    value = not_negative(weight(sigma) if callable(weight) else weight, "weight")
    if value.shape not in ((), sigma.shape):
        raise ValueError(f"weight has shape {value.shape}; expected () or {sigma.shape}, the shape of sigma")
    return np.broadcast_to(value, sigma.shape)


def _residual(
    score: Callable[[Float, Float], Float], x0: ArrayLike, noise: ArrayLike, sigma: ArrayLike
) -> tuple[Float, Float, Float]:
    """The noised points, their levels, and s there minus the score of the kernel."""
    x0 = samples(x0, "x0")
    noise = of_shape(noise, "noise", x0.shape, "x0")
    level = positive(sigma, "sigma")
    lifted = lift(level, x0, "sigma")
    x = x0 + lifted * noise
    return x, level, of_shape(score(x, level), "score(x, sigma)", x.shape, "x") + noise / lifted
