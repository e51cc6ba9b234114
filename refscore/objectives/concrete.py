"""Concrete score matching (Meng et al. 2022): for states without slopes, relative differences to the neighbours.

The concrete score of a law p at a state x with neighbours x_1 … x_m is

    c_n(x) = p(x_n)/p(x) - 1                                                                          (CNC.1)

which needs no normaliser and, where every state can be reached through neighbours, determines p. As with the slope of
a log density, the square against it can be had without it; a sum over neighbours takes the place of the divergence,

    ½ E Σ_n (c_n - c_n^p)² = E ℓ + ½ E Σ_n (c_n^p)²                                                    (CNC.2)

or, with x̃ drawn from q(·|x0), by regressing on the score of the kernel: its mean given x̃ is that of the marginal,

    E[q(x̃_n|x0)/q(x̃|x0) given x̃] = p̃(x̃_n)/p̃(x̃),   p̃ = Σ_x0 p(x0) q(·|x0)                           (CNC.3)

Expectation, variance and minimiser by enumeration stand under the same name in ``refscore.exact.concrete``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, of_shape
from refscore.objectives.neighbourhoods import StateScore, Table, pulled_back, states, table, table_of

__all__ = ["concrete", "concrete_gradient", "denoising_concrete", "denoising_concrete_gradient", "kernel_ratios"]


def concrete(score: StateScore, x: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """Concrete score matching on a finite state space, per sample.

        ℓ(x) = Σ_n [½ c_n(x)² + c_n(x)] - Σ_{(y, n): y_n = x} c_n(y)                                  (CNC.4)

    Parameters
    ----------
    score : callable
        c, from states (K,) to (K, m); it is asked for all states, since the last sum is over others than x.
    x : (\\*batch,) array_like of int
        Data, states 0 … K-1.
    neighbours : (K, m) array_like of int
        x_1 … x_m of every state: :func:`~refscore.objectives.ring_neighbours` or another table.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If `x` or `neighbours` has an entry that is no state, or the score another shape than `neighbours`.

    Notes
    -----
    The paper has twice this. Not to be confused with -2 Σ_n c_n(x_n): the second sum runs over those whose neighbour is
    x, in *their* order. Not to be confused with p(x_n)/p(x), the ratio of ``objectives.score_entropy``.

    References
    ----------
    Meng, Choi, Song & Ermon (2022), Concrete score matching: generalized score estimation for discrete data, eq. 5.

    Examples
    --------
    The mean over a uniform law is ½ Σ c², least at c = 0, for a table of any numbers:

    >>> import numpy as np
    >>> from refscore.objectives import ring_neighbours
    >>> c = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]])
    >>> values = concrete(lambda x: c[x], [0, 1, 2], neighbours=ring_neighbours(3))
    >>> float(values.sum()), float(0.5 * (c**2).sum())
    (7.625, 7.625)
    """
    near = table(neighbours)
    x, c = states(x, "x", len(near)), table_of(score, near)
    value: Float = ((0.5 * c**2 + c).sum(-1) - pulled_back(c, near))[x]  # (CNC.4)
    return value


def concrete_gradient(score: StateScore, x: ArrayLike, *, neighbours: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`concrete` in the score itself, entry by entry.

        ∂ℓ/∂c_n(y) = [x = y] (c_n(y) + 1) - [x = y_n]                                                 (CNC.5)

    Parameters
    ----------
    score : callable
        As for :func:`concrete`.
    x : (\\*batch,) array_like of int
        As for :func:`concrete`.
    neighbours : (K, m) array_like of int
        As for :func:`concrete`.

    Returns
    -------
    (K, m)
        For a table of scores, the gradient in its parameters; another model pulls it back.
    """
    near = table(neighbours)
    count = np.bincount(states(x, "x", len(near)).ravel(), minlength=len(near))
    value: Float = count[:, None] * (table_of(score, near) + 1) - count[near]  # (CNC.5)
    return value


def denoising_concrete(
    score: StateScore, x0: ArrayLike, x: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> Float:
    """Denoising concrete score matching, per sample.

        ℓ = ½ Σ_n (c_n(x) - [q(x_n|x0)/q(x|x0) - 1])²                                                 (CNC.6)

    Parameters
    ----------
    score : callable
        c, from states (K,) to (K, m).
    x0, x : (\\*batch,) array_like of int
        Clean data, and what the kernel made of them.
    neighbours : (K, m) array_like of int
        As for :func:`concrete`.
    kernel : (K, K)
        q(x|x0), a row for each x0; of the kernel's rows only ratios count.

    Returns
    -------
    (\\*batch,)
        ℓ. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a shape does not fit, or x cannot come from x0.

    Examples
    --------
    >>> import numpy as np
    >>> from refscore.objectives import ring_neighbours
    >>> q, near = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]), ring_neighbours(3)
    >>> denoising_concrete(lambda x: np.zeros((3, 2)), [0, 0], [0, 1], neighbours=near, kernel=q)  # ½(¼+¼), ½(0+1)
    array([0.25, 0.5 ])
    """
    x, c, ratio = _regression(score, x0, x, neighbours, kernel)
    value: Float = 0.5 * ((c[x] - (ratio - 1)) ** 2).sum(-1)  # (CNC.6)
    return value


def denoising_concrete_gradient(
    score: StateScore, x0: ArrayLike, x: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike
) -> Float:
    """Gradient of the batch sum of :func:`denoising_concrete` in the score itself.

        ∂ℓ/∂c_n(y) = [x = y] (c_n(x) - [q(x_n|x0)/q(x|x0) - 1])                                       (CNC.7)

    Parameters
    ----------
    score : callable
        As for :func:`denoising_concrete`.
    x0, x : (\\*batch,) array_like of int
        As for :func:`denoising_concrete`.
    neighbours : (K, m) array_like of int
        As for :func:`denoising_concrete`.
    kernel : (K, K)
        As for :func:`denoising_concrete`.

    Returns
    -------
    (K, m)
        For a table of scores, the gradient in its parameters; another model pulls it back.
    """
    x, c, ratio = _regression(score, x0, x, neighbours, kernel)
    value: Float = np.zeros_like(c)
    np.add.at(value, x, c[x] - (ratio - 1))  # (CNC.7)
    return value


def kernel_ratios(x0: ArrayLike, x: ArrayLike, *, neighbours: ArrayLike, kernel: ArrayLike) -> tuple[Table, Float]:
    """How likely a kernel's neighbours are, q(x_n|x0)/q(x|x0): what a ratio is regressed on (CNC.3).

    Parameters
    ----------
    x0, x : (\\*batch,) array_like of int
        Clean data, and what the kernel made of them.
    neighbours : (K, m) array_like of int
        The neighbours of every state.
    kernel : (K, K)
        q(x|x0) ≥ 0, a row for each x0.

    Returns
    -------
    x : (\\*batch,) ndarray of int
        The noisy states.
    ratio : (\\*batch, m)
        The ratios.

    Raises
    ------
    ValueError
        If a shape does not fit, or q(x|x0) = 0.
    """
    near = table(neighbours)
    k = len(near)
    q = not_negative(of_shape(kernel, "kernel", (k, k), "the states squared"), "kernel")
    clean, noisy = states(x0, "x0", k), states(x, "x", k)
    if clean.shape != noisy.shape:
        raise ValueError(f"x has shape {noisy.shape}; expected {clean.shape}, the shape of x0")
    here = q[clean, noisy]
    if not (here > 0).all():
        worst = np.argmin(here)
        raise ValueError(f"kernel is 0 from state {clean.flat[worst]} to {noisy.flat[worst]}: x cannot come from x0")
    ratio: Float = q[clean[..., None], near[noisy]] / here[..., None]  # (CNC.3)
    return noisy, ratio


def _regression(
    score: StateScore, x0: ArrayLike, x: ArrayLike, neighbours: ArrayLike, kernel: ArrayLike
) -> tuple[Table, Float, Float]:
    noisy, ratio = kernel_ratios(x0, x, neighbours=neighbours, kernel=kernel)
    return noisy, table_of(score, table(neighbours)), ratio
