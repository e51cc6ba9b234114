"""Conditional denoising score matching, and the condition dropout of classifier-free guidance.

With pairs (x0, y) in the place of samples, denoising regresses on the same target, and the model that sees y learns the
score of the noised conditional,

    s*(x, σ, y) = ∇ₓ log p_σ(x | y)                                                                   (CSM.3)

Replacing y by a token ∅ for some samples trains the unconditional score beside it, in one model. Expectation, variance
and minimiser on a joint Gaussian stand in ``refscore.exact.conditional``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift, of_shape, positive, samples
from refscore.models.conditional_affine import ParametricConditionalScore
from refscore.objectives.multilevel import level_weight

__all__ = ["classifier_free", "classifier_free_gradient", "conditional", "conditional_gradient"]

Weight = Callable[[Float], ArrayLike] | ArrayLike


def conditional(
    score: Callable[[Float, Float, Float], Float],
    x0: ArrayLike,
    condition: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Weight = np.square,
) -> Float:
    """Conditional denoising score matching with a noise level for each sample, per sample.

        ℓ = ½ λ(σ) |s(x0 + σ ε, σ, y) + ε/σ|²                                                         (CSM.4)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d), the levels, of the shape of `sigma`, and the conditions to (\\*batch, d).
    x0 : (\\*batch, d)
        Clean data, in the data's unit.
    condition : (\\*batch, c)
        y, what is known about each sample.
    noise : (\\*batch, d)
        Standard normal noise ε.
    sigma : () or (\\*batch,)
        Noise level of each sample, in the data's unit; σ > 0.
    weight : callable or array_like
        λ ≥ 0: a function of σ, or its values, () or of the shape of `sigma`. The default is λ = σ².

    Returns
    -------
    (\\*batch,)
        ℓ, without unit for λ = σ². Never averaged.

    Raises
    ------
    ValueError
        If a level is not positive, a weight is negative, or a shape does not go with `x0`.

    Notes
    -----
    The condition enters the model and nothing else: it is not noised, and the target does not see it. Not to be
    confused with the conditional score of the kernel, -ε/σ, in whose name "conditional" means given x0.

    References
    ----------
    Batzolis et al. (2021), Conditional image generation with score-based diffusion models, theorem 1.

    Examples
    --------
    For y = x0 the condition tells everything: s = -(x - y)/σ² is exact, and nothing is left.

    >>> conditional(lambda x, sigma, y: -(x - y) / sigma**2, [[3.0]], [[3.0]], [[0.5]], 2.0)
    array([0.])
    """
    _, _, level, residual = _residual(score, x0, condition, noise, sigma)
    value: Float = 0.5 * level_weight(weight, level) * (residual**2).sum(-1)  # (CSM.4)
    return value


def conditional_gradient(
    score: ParametricConditionalScore,
    x0: ArrayLike,
    condition: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    weight: Weight = np.square,
) -> Float:
    """Gradient of the batch sum of :func:`conditional` in the parameters of `score`.

        ∂ℓ/∂θ = λ(σ) (s(x, σ, y) + ε/σ)ᵀ ∂s(x, σ, y)/∂θ,   x = x0 + σ ε                               (CSM.5)

    Parameters
    ----------
    score : ParametricConditionalScore
        The model, :class:`~refscore.models.conditional_affine.ConditionalAffineScore` or another with
        `vjp_parameters`.
    x0 : (\\*batch, d)
        As for :func:`conditional`.
    condition : (\\*batch, c)
        As for :func:`conditional`.
    noise : (\\*batch, d)
        As for :func:`conditional`.
    sigma : () or (\\*batch,)
        As for :func:`conditional`.
    weight : callable or array_like
        As for :func:`conditional`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, y, level, residual = _residual(score, x0, condition, noise, sigma)
    return score.vjp_parameters(x, level, y, level_weight(weight, level)[..., None] * residual)  # (CSM.5)


def classifier_free(
    score: Callable[[Float, Float, Float], Float],
    x0: ArrayLike,
    condition: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    drop: ArrayLike,
    null: ArrayLike,
    weight: Weight = np.square,
) -> Float:
    """Training for classifier-free guidance, per sample: ``conditional`` with some conditions replaced by a token.

        ℓ = ½ λ(σ) |s(x0 + σ ε, σ, y') + ε/σ|²,   y' = ∅ where dropped, else y                        (CFG.1)

    Parameters
    ----------
    score : callable
        As for :func:`conditional`.
    x0 : (\\*batch, d)
        As for :func:`conditional`.
    condition : (\\*batch, c)
        As for :func:`conditional`.
    noise : (\\*batch, d)
        As for :func:`conditional`.
    sigma : () or (\\*batch,)
        As for :func:`conditional`.
    drop : (\\*batch,) of bool
        Which samples lose their condition, all of it; drawn with the drop probability by the caller.
    null : (c,)
        ∅, a condition that stands for none.
    weight : callable or array_like
        As for :func:`conditional`.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged.

    Raises
    ------
    TypeError
        If `drop` is not boolean.
    ValueError
        As for :func:`conditional`, and if `drop` or `null` have not the shapes of the batch and of y.

    Notes
    -----
    Not to be confused with dropout of single entries of y, nor with one draw for the whole batch, which has the same
    mean and more variance. Where ∅ is a possible y, the model at ∅ mixes both tasks.

    References
    ----------
    Ho & Salimans (2022), Classifier-free diffusion guidance, algorithm 1.

    Examples
    --------
    >>> s = lambda x, sigma, y: -(x - y) / sigma**2
    >>> x0, y, noise = [[3.0], [3.0]], [[3.0], [3.0]], [[0.0], [0.0]]
    >>> classifier_free(s, x0, y, noise, 1.0, drop=[False, True], null=[1.0])  # the second: ½ (3 - 1)²
    array([0., 2.])
    """
    return conditional(score, x0, _dropped(condition, drop, null), noise, sigma, weight=weight)  # (CFG.1)


def classifier_free_gradient(
    score: ParametricConditionalScore,
    x0: ArrayLike,
    condition: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
    *,
    drop: ArrayLike,
    null: ArrayLike,
    weight: Weight = np.square,
) -> Float:
    """Gradient of the batch sum of :func:`classifier_free` in the parameters of `score`: (CSM.5) with y' for y.

    Parameters
    ----------
    score : ParametricConditionalScore
        The model.
    x0 : (\\*batch, d)
        As for :func:`conditional`.
    condition : (\\*batch, c)
        As for :func:`conditional`.
    noise : (\\*batch, d)
        As for :func:`conditional`.
    sigma : () or (\\*batch,)
        As for :func:`conditional`.
    drop : (\\*batch,) of bool
        As for :func:`classifier_free`.
    null : (c,)
        ∅, a constant: a learned token gets no gradient here.
    weight : callable or array_like
        As for :func:`conditional`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    return conditional_gradient(score, x0, _dropped(condition, drop, null), noise, sigma, weight=weight)


def _dropped(condition: ArrayLike, drop: ArrayLike, null: ArrayLike) -> Float:
    y = samples(condition, "condition")
    mask = np.asarray(drop)
    if mask.dtype != np.bool_:
        raise TypeError(f"drop has dtype {mask.dtype}; expected bool, True where the condition is dropped")
    if mask.shape != y.shape[:-1]:
        raise ValueError(f"drop has shape {mask.shape}; expected {y.shape[:-1]}, the batch shape of condition")
    token = of_shape(null, "null", y.shape[-1:], "one condition")
    return np.where(mask[..., None], token, y)  # (CFG.1)


def _residual(
    score: Callable[[Float, Float, Float], Float],
    x0: ArrayLike,
    condition: ArrayLike,
    noise: ArrayLike,
    sigma: ArrayLike,
) -> tuple[Float, Float, Float, Float]:
    """The noised points, their conditions and levels, and s there minus the score of the kernel."""
    x0 = samples(x0, "x0")
    y = as_float64(condition, "condition")
    if y.shape[:-1] != x0.shape[:-1] or y.ndim != x0.ndim:
        raise ValueError(
            f"condition has shape {y.shape}; expected (*batch, c) with the batch shape {x0.shape[:-1]} of x0"
        )
    noise = of_shape(noise, "noise", x0.shape, "x0")
    level = positive(sigma, "sigma")
    lifted = lift(level, x0, "sigma")
    x = x0 + lifted * noise
    value = of_shape(score(x, level, y), "score(x, sigma, condition)", x.shape, "x")
    return x, y, level, value + noise / lifted
