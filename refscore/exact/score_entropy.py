"""The truth about score entropy: everything by enumeration of a finite state space.

Expectations are in the explicit form, from the data's own ratios, and share no sum with the objectives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, positive
from refscore.exact.finite import law, noised, positive_law, ratios, spread
from refscore.objectives.neighbourhoods import table
from refscore.objectives.score_entropy import denoising_score_entropy, score_entropy

__all__ = [
    "denoising_score_entropy_expectation",
    "denoising_score_entropy_minimiser",
    "denoising_score_entropy_variance",
    "score_entropy_expectation",
    "score_entropy_minimiser",
    "score_entropy_variance",
]


def score_entropy_expectation(score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike) -> float:
    """E of ``objectives.score_entropy``, in the explicit form: E Σ_n {s_n - r_n log s_n}, r = p(x_n)/p(x), (CNC.9).

    Parameters
    ----------
    score : (K, m)
        The model's s > 0 of every state.
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
    >>> score_entropy_expectation([[1.0], [1.0]], [0.25, 0.75], neighbours=[[1], [0]])
    1.0
    """
    p, ratio = law(probabilities), score_entropy_minimiser(probabilities, neighbours=neighbours)
    s = positive(of_shape(score, "score", ratio.shape, "neighbours"), "score")
    return float(p @ (s - ratio * np.log(s)).sum(-1))  # (CNC.9)


def score_entropy_minimiser(probabilities: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """The ratios p(x_n)/p(x) of a law, which minimise ``objectives.score_entropy``.

    Parameters
    ----------
    probabilities : (K,)
        p > 0 of every state; a constant factor does not matter.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.

    Returns
    -------
    (K, m)
        The ratios.

    Raises
    ------
    ValueError
        If a shape does not fit, or a probability is not positive.

    Examples
    --------
    >>> score_entropy_minimiser([1, 4], neighbours=[[1], [0]])
    array([[4.  ],
           [0.25]])
    """
    p, near = positive_law(probabilities, neighbours)
    value: Float = p[near] / p[:, None]
    return value


def score_entropy_variance(score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike) -> float:
    """Variance of one sample of ``objectives.score_entropy``, by enumeration.

    Parameters
    ----------
    score : (K, m)
        As for :func:`score_entropy_expectation`.
    probabilities : (K,)
        p ≥ 0 of every state, with sum 1.
    neighbours : (K, m) array_like of int
        As for :func:`score_entropy_expectation`.

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
    With s = (3, 1): ℓ(0) = 3 - log 1 and ℓ(1) = 1 - log 3.

    >>> float(score_entropy_variance([[3.0], [1.0]], [0.5, 0.5], neighbours=[[1], [0]]) - 0.25 * (2 + np.log(3)) ** 2)
    0.0
    """
    p, s = law(probabilities), as_float64(score, "score")
    return spread(score_entropy(lambda x: s[x], np.arange(len(p)), neighbours=neighbours), p)


def denoising_score_entropy_expectation(
    score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> float:
    """E of ``objectives.denoising_score_entropy``: the explicit form for p̃, and what the kernel adds.

        E ℓ = E Σ_n {s_n - (p̃(x_n)/p̃(x)) log s_n + r_n (log r_n - 1)},   r_n = q(x_n|x0)/q(x|x0)      (CNC.15)

    Parameters
    ----------
    score : (K, m)
        The model's s > 0 of every state.
    probabilities : (K,)
        As for :func:`denoising_score_entropy_minimiser`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_score_entropy_minimiser`.
    kernel : (K, K)
        q > 0, as for :func:`denoising_score_entropy_minimiser`.

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
    >>> denoising_score_entropy_expectation([[1.0], [1.0]], [1, 0], neighbours=[[1], [0]], kernel=half)
    0.0
    """
    p, q = noised(probabilities, kernel)
    near, noisy, ratio = table(neighbours), p @ q, ratios(q, neighbours)
    s = positive(of_shape(score, "score", near.shape, "neighbours"), "score")
    kept = ((p[:, None] * q)[..., None] * ratio * (np.log(ratio) - 1)).sum()
    return float(noisy @ (s - noisy[near] / noisy[:, None] * np.log(s)).sum(-1) + kept)  # (CNC.15)


def denoising_score_entropy_minimiser(probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike) -> Float:
    """The ratios of the noisy law p̃ = Σ p(x0) q(·|x0), which minimise ``objectives.denoising_score_entropy``.

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
        p̃(x_n)/p̃(x).

    Raises
    ------
    ValueError
        If a shape does not fit, or p̃ is 0 somewhere.

    Examples
    --------
    >>> denoising_score_entropy_minimiser([1, 0], neighbours=[[1], [0]], kernel=[[0.75, 0.25], [0.25, 0.75]])
    array([[0.33333333],
           [3.        ]])
    """
    p, q = noised(probabilities, kernel)
    return score_entropy_minimiser(p @ q, neighbours=neighbours)


def denoising_score_entropy_variance(
    score: ArrayLike, probabilities: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> float:
    """Variance of one sample of ``objectives.denoising_score_entropy``, over x0 and x, by enumeration.

    Parameters
    ----------
    score : (K, m)
        As for :func:`denoising_score_entropy_expectation`.
    probabilities : (K,)
        As for :func:`denoising_score_entropy_expectation`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_score_entropy_expectation`.
    kernel : (K, K)
        As for :func:`denoising_score_entropy_expectation`.

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
    >>> denoising_score_entropy_variance([[1.0], [1.0]], [1, 0], neighbours=[[1], [0]], kernel=half)
    0.0
    """
    p, q = noised(probabilities, kernel)
    s, (clean, noisy) = as_float64(score, "score"), np.indices(positive(q, "kernel").shape)
    values = denoising_score_entropy(lambda x: s[x], clean, noisy, neighbours=neighbours, kernel=q)
    return spread(values.ravel(), (p[:, None] * q).ravel())
