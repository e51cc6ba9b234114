"""Score entropy (Lou, Meng & Ermon 2024): ratios of probabilities, compared as positive numbers are.

A ratio r_n(x) = p(x_n)/p(x) is positive, and a squared error does not keep a model so. The Bregman divergence of
-log does,

    D(r, s) = s - r log s + r (log r - 1) ≥ 0,   0 at s = r only                                      (CNC.8)

and, like the square, it can be had without r, from a sum over neighbours or from a kernel (CNC.3):

    E Σ_n D(r_n, s_n) = E ℓ + E Σ_n r_n (log r_n - 1)                                                  (CNC.9)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from refscore.arrays import Float, positive
from refscore.objectives.concrete import kernel_ratios
from refscore.objectives.neighbourhoods import StateScore, pulled_back, states, table, table_of

__all__ = [
    "denoising_score_entropy",
    "denoising_score_entropy_gradient",
    "score_entropy",
    "score_entropy_gradient",
]


def score_entropy(score: StateScore, x: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """Implicit score entropy on a finite state space, per sample.

        ℓ(x) = Σ_n s_n(x) - Σ_{(y, n): y_n = x} log s_n(y)                                            (CNC.10)

    Parameters
    ----------
    score : callable
        s > 0, from states (K,) to (K, m): the model of p(x_n)/p(x).
    x : (\\*batch,) array_like of int
        Data, states 0 … K-1.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If `x` or `neighbours` has an entry that is no state, or the score is not positive.

    Notes
    -----
    All neighbours count alike. Not to be confused with c = p(x_n)/p(x) - 1 of ``objectives.concrete``, nor with log s,
    which networks return.

    References
    ----------
    Lou, Meng & Ermon (2024), Discrete diffusion modeling by estimating the ratios of the data distribution, section 3.

    Examples
    --------
    The mean over a uniform law is Σ (s - log s), least at s = 1:

    >>> import numpy as np
    >>> from refscore.objectives import ring_neighbours
    >>> s = np.array([[1.0, 2.0], [0.5, 1.0], [4.0, 1.0]])
    >>> values = score_entropy(lambda x: s[x], [0, 1, 2], neighbours=ring_neighbours(3))
    >>> bool(abs(values.sum() - (s - np.log(s)).sum()) < 1e-14)
    True
    """
    near = table(neighbours)
    x, s = states(x, "x", len(near)), positive(table_of(score, near), "score(x)")
    value: Float = (s.sum(-1) - pulled_back(np.log(s), near))[x]  # (CNC.10)
    return value


def score_entropy_gradient(score: StateScore, x: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`score_entropy` in the score itself, entry by entry.

        ∂ℓ/∂s_n(y) = [x = y] - [x = y_n]/s_n(y)                                                       (CNC.11)

    Parameters
    ----------
    score : callable
        As for :func:`score_entropy`.
    x : (\\*batch,) array_like of int
        As for :func:`score_entropy`.
    neighbours : (K, m) array_like of int
        As for :func:`score_entropy`.

    Returns
    -------
    (K, m)
        For a table of ratios, the gradient in its parameters; another model pulls it back.
    """
    near = table(neighbours)
    s = positive(table_of(score, near), "score(x)")
    count = np.bincount(states(x, "x", len(near)).ravel(), minlength=len(near))
    value: Float = count[:, None] - count[near] / s  # (CNC.11)
    return value


def denoising_score_entropy(
    score: StateScore, x0: ArrayLike, x: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> Float:
    """Denoising score entropy, per sample.

        ℓ = Σ_n D(r_n, s_n(x)),   r_n = q(x_n|x0)/q(x|x0)                                             (CNC.12)

    Parameters
    ----------
    score : callable
        s > 0, from states (K,) to (K, m).
    x0, x : (\\*batch,) array_like of int
        Clean data, and what the kernel made of them.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state.
    kernel : (K, K)
        q(x|x0), a row for each x0.

    Returns
    -------
    (\\*batch,)
        ℓ ≥ 0. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a shape does not fit, x cannot come from x0, or the score is not positive.

    Notes
    -----
    The paper's weights, the rates of the forward process, are 1 here.

    Examples
    --------
    >>> import numpy as np
    >>> from refscore.objectives import ring_neighbours
    >>> q, near = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]), ring_neighbours(3)
    >>> denoising_score_entropy(lambda x: np.full((3, 2), 0.5), [0], [0], neighbours=near, kernel=q)
    array([0.])
    """
    noisy, ratio = kernel_ratios(x0, x, neighbours=neighbours, kernel=kernel)
    s = positive(table_of(score, table(neighbours)), "score(x)")[noisy]
    value: Float = (s - ratio - xlogy(ratio, s) + xlogy(ratio, ratio)).sum(-1)  # (CNC.12)
    return value


def denoising_score_entropy_gradient(
    score: StateScore, x0: ArrayLike, x: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`denoising_score_entropy` in the score itself.

        ∂ℓ/∂s_n(y) = [x = y] (1 - r_n/s_n(x))                                                         (CNC.13)

    Parameters
    ----------
    score : callable
        As for :func:`denoising_score_entropy`.
    x0, x : (\\*batch,) array_like of int
        As for :func:`denoising_score_entropy`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_score_entropy`.
    kernel : (K, K)
        As for :func:`denoising_score_entropy`.

    Returns
    -------
    (K, m)
        For a table of ratios, the gradient in its parameters; another model pulls it back.
    """
    noisy, ratio = kernel_ratios(x0, x, neighbours=neighbours, kernel=kernel)
    s = positive(table_of(score, table(neighbours)), "score(x)")
    value: Float = np.zeros_like(s)
    np.add.at(value, noisy, 1 - ratio / s[noisy])  # (CNC.13)
    return value
