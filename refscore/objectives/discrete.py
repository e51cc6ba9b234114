"""The losses of discrete levels as the first codes had them: DDPM's simple loss and SMLD's.

Both draw an index k and tell the network k, not the level. They are losses of continuous time at these levels,

    DDPM    ½ |ε̂ - ε|²  at α_k = √ᾱ_k, σ_k = √(1 - ᾱ_k):  the noise with weight 1                     (DDPM.1)
    SMLD    ½ σ_k² |s + ε/σ_k|²:  the score with weight σ²                                            (DDPM.2)

so ``path_expectation`` with weight σ_k², and ``multilevel``, of ``refscore.exact`` tell their means. Levels are counted
from 1, as both papers do; codes count from 0, and their label is k - 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, lift, of_shape, positive, read_only, samples
from refscore.models.protocol import ParametricLevelScore
from refscore.paths import DiscreteVP

__all__ = ["Index", "ddpm", "ddpm_gradient", "smld", "smld_gradient", "step_index"]

Index = NDArray[np.signedinteger[Any]]


def ddpm(
    predict: Callable[[Float, Index], Float], x0: ArrayLike, noise: ArrayLike, k: ArrayLike, *, betas: ArrayLike
) -> Float:
    """DDPM's simple loss, per sample.

        ℓ = ½ |ε̂(√ᾱ_k x0 + √(1 - ᾱ_k) ε, k) - ε|²                                                    (DDPM.3)

    Parameters
    ----------
    predict : callable
        ε̂, from (\\*batch, d) and the indices, of the shape of `k`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data and standard normal noise ε.
    k : () or (\\*batch,)
        Integers from 1, next to the data, to N.
    betas : (N,)
        β_1, …, β_N, each in (0, 1).

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged.

    Raises
    ------
    TypeError
        If `k` are no integers.
    ValueError
        If an index is not among 1 to N, or a shape does not go with `x0`.

    Notes
    -----
    Not to be confused with the paper's and the codes' |·|² without ½: score_sde has this with ``reduce_mean=False`` and
    2/d times it with ``True``, Ho's and OpenAI's codes have 2/d times it. The index in these codes is k - 1.

    References
    ----------
    Ho et al. (2020), Denoising diffusion probabilistic models, eq. 14.

    Examples
    --------
    β = 0.36 and then 0.75 leave ᾱ = 0.64 and 0.16; the second level sees 0.4 x0 + √0.84 ε:

    >>> seen = []
    >>> network = lambda x, k: seen.append(round(float(x[0]), 12)) or 0 * x
    >>> float(ddpm(network, [1.0], [0.0], 2, betas=[0.36, 0.75])), seen
    (0.0, [0.4])
    >>> float(ddpm(network, [1.0], [2.0], 2, betas=[0.36, 0.75])), 0.5 * 2**2
    (2.0, 2.0)
    """
    _, _, residual = _ddpm_residual(predict, x0, noise, k, betas)
    value: Float = 0.5 * (residual**2).sum(-1)  # (DDPM.3)
    return value


def ddpm_gradient(
    predict: ParametricLevelScore, x0: ArrayLike, noise: ArrayLike, k: ArrayLike, *, betas: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`ddpm` in the parameters of `predict`.

        ∂ℓ/∂θ = (ε̂ - ε)ᵀ ∂ε̂/∂θ                                                                      (DDPM.4)

    Parameters
    ----------
    predict : ParametricLevelScore
        A model whose output is ε̂ and which is told k, with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`ddpm`.
    k : () or (\\*batch,)
        Integers from 1 to N.
    betas : (N,)
        β_1, …, β_N.

    Returns
    -------
    (p,)
        In the order of ``predict.pack()``.
    """
    x, index, residual = _ddpm_residual(predict, x0, noise, k, betas)
    return predict.vjp_parameters(x, index, residual)  # (DDPM.4)


def smld(
    score: Callable[[Float, Index], Float], x0: ArrayLike, noise: ArrayLike, k: ArrayLike, *, sigmas: ArrayLike
) -> Float:
    """The loss of score matching with Langevin dynamics (NCSN), per sample.

        ℓ = ½ σ_k² |s(x0 + σ_k ε, k) + ε/σ_k|²                                                        (DDPM.5)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) and the indices, of the shape of `k`, to (\\*batch, d).
    x0, noise : (\\*batch, d)
        Clean data and standard normal noise ε.
    k : () or (\\*batch,)
        Integers from 1 to L: the first level is the largest.
    sigmas : (L,)
        σ_1 > … > σ_L > 0.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged.

    Raises
    ------
    TypeError
        If `k` are no integers.
    ValueError
        If an index is not among 1 to L, the levels do not descend, or a shape does not go with `x0`.

    Notes
    -----
    ``objectives.multilevel`` with the default weight, for a network that is told the index. In codes the label is
    k - 1; score_sde counts from the small levels when it samples, and from the large ones here.

    References
    ----------
    Song & Ermon (2019), Generative modeling by estimating gradients of the data distribution, eq. 5 and 6.

    Examples
    --------
    >>> import refscore as rs
    >>> s = lambda x, k: -x
    >>> mine = smld(s, [1.0], [0.5], 2, sigmas=[4, 2, 1])
    >>> float(mine), float(rs.objectives.multilevel(s, [1.0], [0.5], 2.0))
    (6.125, 6.125)
    """
    _, _, residual, level = _smld_residual(score, x0, noise, k, sigmas)
    value: Float = 0.5 * ((level * residual) ** 2).sum(-1)  # (DDPM.5)
    return value


def smld_gradient(
    score: ParametricLevelScore, x0: ArrayLike, noise: ArrayLike, k: ArrayLike, *, sigmas: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`smld` in the parameters of `score`.

        ∂ℓ/∂θ = σ_k² (s + ε/σ_k)ᵀ ∂s/∂θ                                                               (DDPM.6)

    Parameters
    ----------
    score : ParametricLevelScore
        A model of the score which is told k, with `vjp_parameters`.
    x0, noise : (\\*batch, d)
        As for :func:`smld`.
    k : () or (\\*batch,)
        Integers from 1 to L.
    sigmas : (L,)
        σ_1 > … > σ_L.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, index, residual, level = _smld_residual(score, x0, noise, k, sigmas)
    return score.vjp_parameters(x, index, level**2 * residual)  # (DDPM.6)


def step_index(k: ArrayLike, n: int, x: Float, least: int = 1) -> Index:
    """Hold indices of levels to integers from `least` to `n`, one or one for each sample.

    Parameters
    ----------
    k : () or (\\*batch,)
        The indices.
    n : int
        The last one.
    x : (\\*batch, d)
        The samples they belong to.
    least : int
        The first one.

    Returns
    -------
    () or (\\*batch,)
        `k` as an array of integers.

    Raises
    ------
    TypeError
        If they are no integers.
    ValueError
        If one is outside, or the shape is another.

    Examples
    --------
    >>> step_index(0, 1000, np.zeros((4, 2)))
    Traceback (most recent call last):
        ...
    ValueError: k is 0; expected 1 <= k <= 1000: codes that count from 0 have k - 1
    """
    index = np.asarray(k)
    if index.dtype.kind not in "iu":
        raise TypeError(f"k has dtype {index.dtype}; expected integers")
    lift(index, x, "k")
    outside = (index < least) | (index > n)
    if outside.any():
        hint = ": codes that count from 0 have k - 1" if least == 1 else ""
        raise ValueError(f"k is {int(index[outside].flat[0])}; expected {least} <= k <= {n}{hint}")
    return index.astype(np.int64)


def _pair(x0: ArrayLike, noise: ArrayLike) -> tuple[Float, Float]:
    x0 = samples(x0, "x0")
    return x0, of_shape(noise, "noise", x0.shape, "x0")


def _ddpm_residual(
    predict: Callable[[Float, Index], Float], x0: ArrayLike, noise: ArrayLike, k: ArrayLike, betas: ArrayLike
) -> tuple[Float, Index, Float]:
    x0, noise = _pair(x0, noise)
    path = DiscreteVP(betas)
    n = path.betas.size
    index = step_index(k, n, x0)
    x = lift(path.alpha(index / n), x0) * x0 + lift(path.sigma(index / n), x0) * noise  # (DDPM.1)
    return x, index, of_shape(predict(x, index), "predict(x, k)", x.shape, "x") - noise


def _smld_residual(
    score: Callable[[Float, Index], Float], x0: ArrayLike, noise: ArrayLike, k: ArrayLike, sigmas: ArrayLike
) -> tuple[Float, Index, Float, Float]:
    x0, noise = _pair(x0, noise)
    levels = read_only(positive(sigmas, "sigmas"), "sigmas")
    if levels.ndim != 1 or levels.size == 0 or not (np.diff(levels) < 0).all():
        raise ValueError(f"sigmas has shape {levels.shape}; expected (L,), descending")
    index = step_index(k, levels.size, x0)
    level = lift(levels[index - 1], x0)
    x = x0 + level * noise
    return x, index, of_shape(score(x, index), "score(x, k)", x.shape, "x") + noise / level, level  # (DDPM.2)
