"""The truth about concrete score matching: everything by enumeration of a finite state space.

Expectations are in the explicit form, from the data's own ratios, and share no sum with the objectives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, positive
from refscore.exact.finite import law, noised, positive_law, ratios, spread
from refscore.objectives.concrete import concrete, denoising_concrete
from refscore.objectives.neighbourhoods import table

__all__ = [
    "concrete_expectation",
    "concrete_minimiser",
    "concrete_variance",
    "denoising_concrete_expectation",
    "denoising_concrete_minimiser",
    "denoising_concrete_variance",
]


def concrete_expectation(score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike) -> float:
    """E of ``objectives.concrete``, in the explicit form: ½ E Σ_n (c_n - c_n^p)² - ½ E Σ_n (c_n^p)², (CNC.2).

    Parameters
    ----------
    score : (K, m)
        The model's c of every state.
    probabilities : (K,)
        p > 0 of every state, with sum 1.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.

    Returns
    -------
    float
        E ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or the probabilities do not sum to 1.

    Examples
    --------
    >>> concrete_expectation([[0.0], [0.0]], [0.25, 0.75], neighbours=[[1], [0]])
    0.0
    """
    p, best = law(probabilities), concrete_minimiser(probabilities, neighbours=neighbours)
    c = of_shape(score, "score", best.shape, "neighbours")
    return float(p @ (0.5 * (c - best) ** 2 - 0.5 * best**2).sum(-1))  # (CNC.2)


def concrete_minimiser(probabilities: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """The concrete score of a law, which minimises ``objectives.concrete``: (CNC.1).

    Parameters
    ----------
    probabilities : (K,)
        p > 0 of every state; a constant factor does not matter.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.

    Returns
    -------
    (K, m)
        p(x_n)/p(x) - 1.

    Raises
    ------
    ValueError
        If a shape does not fit, or a probability is not positive.

    Examples
    --------
    >>> concrete_minimiser([1, 3], neighbours=[[1], [0]])
    array([[ 2.        ],
           [-0.66666667]])
    """
    p, near = positive_law(probabilities, neighbours)
    value: Float = (p[near] - p[:, None]) / p[:, None]  # (CNC.1)
    return value


def concrete_variance(score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike) -> float:
    """Variance of one sample of ``objectives.concrete``, by enumeration.

    Parameters
    ----------
    score : (K, m)
        As for :func:`concrete_expectation`.
    probabilities : (K,)
        p ≥ 0 of every state, with sum 1.
    neighbours : (K, m) array_like of int
        As for :func:`concrete_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or the probabilities do not sum to 1.

    Examples
    --------
    With c = (1, 0): ℓ(0) = 1.5 - 0 and ℓ(1) = 0 - 1.

    >>> concrete_variance([[1.0], [0.0]], [0.5, 0.5], neighbours=[[1], [0]]), 0.25 * 2.5**2
    (1.5625, 1.5625)
    """
    p, c = law(probabilities), as_float64(score, "score")
    return spread(concrete(lambda x: c[x], np.arange(len(p)), neighbours=neighbours), p)


def denoising_concrete_expectation(
    score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> float:
    """E of ``objectives.denoising_concrete``: the explicit form for p̃, and what the kernel adds.

        E ℓ = ½ E Σ_n (c_n - c_n^p̃)² + ½ E Σ_n {r_n² - (p̃(x_n)/p̃(x))²},   r_n = q(x_n|x0)/q(x|x0)      (CNC.14)

    Parameters
    ----------
    score : (K, m)
        The model's c of every state.
    probabilities : (K,)
        As for :func:`denoising_concrete_minimiser`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_concrete_minimiser`.
    kernel : (K, K)
        q > 0, as for :func:`denoising_concrete_minimiser`.

    Returns
    -------
    float
        E ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or a probability of the kernel is not positive.

    Examples
    --------
    >>> half = [[0.5, 0.5], [0.5, 0.5]]
    >>> denoising_concrete_expectation([[1.0], [2.0]], [1, 0], neighbours=[[1], [0]], kernel=half)  # ½ (½ + 2)
    1.25
    """
    p, q = noised(probabilities, kernel)
    near, noisy, ratio = table(neighbours), p @ q, ratios(q, neighbours)
    best = noisy[near] / noisy[:, None]
    c = of_shape(score, "score", near.shape, "neighbours")
    joint = p[:, None] * q
    spread = (joint[..., None] * (ratio**2 - best**2)).sum()
    return float(0.5 * (noisy @ ((c - (best - 1)) ** 2).sum(-1) + spread))  # (CNC.14)


def denoising_concrete_minimiser(probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike) -> Float:
    """The concrete score of the noisy law p̃ = Σ p(x0) q(·|x0), which minimises ``objectives.denoising_concrete``.

    Parameters
    ----------
    probabilities : (K,)
        p ≥ 0 of every clean state, with sum 1.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.
    kernel : (K, K)
        q(x|x0), a row for each x0, with sum 1.

    Returns
    -------
    (K, m)
        p̃(x_n)/p̃(x) - 1.

    Raises
    ------
    ValueError
        If a shape does not fit, or p̃ is 0 somewhere.

    Examples
    --------
    >>> denoising_concrete_minimiser([1, 0], neighbours=[[1], [0]], kernel=[[0.75, 0.25], [0.25, 0.75]])
    array([[-0.66666667],
           [ 2.        ]])
    """
    p, q = noised(probabilities, kernel)
    return concrete_minimiser(p @ q, neighbours=neighbours)


def denoising_concrete_variance(
    score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> float:
    """Variance of one sample of ``objectives.denoising_concrete``, over x0 and x, by enumeration.

    Parameters
    ----------
    score : (K, m)
        As for :func:`denoising_concrete_expectation`.
    probabilities : (K,)
        As for :func:`denoising_concrete_expectation`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_concrete_expectation`.
    kernel : (K, K)
        As for :func:`denoising_concrete_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or a probability of the kernel is not positive.

    Examples
    --------
    >>> half = [[0.5, 0.5], [0.5, 0.5]]
    >>> denoising_concrete_variance([[1.0], [2.0]], [1, 0], neighbours=[[1], [0]], kernel=half)  # ¼ (2 - ½)²
    0.5625
    """
    p, q = noised(probabilities, kernel)
    c, (clean, noisy) = as_float64(score, "score"), np.indices(positive(q, "kernel").shape)
    values = denoising_concrete(lambda x: c[x], clean, noisy, neighbours=neighbours, kernel=q)
    return spread(values.ravel(), (p[:, None] * q).ravel())
