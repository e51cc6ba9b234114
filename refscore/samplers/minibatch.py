"""Scores from a minibatch: stochastic gradient Langevin dynamics, and the noise that a minibatch adds.

The score of a posterior is a sum over N data, s(x) = s_0(x) + Σ_i g_i(x). A minibatch B of n of them gives

    ŝ(x) = s_0(x) + (N/n) Σ_{i in B} g_i(x),   E ŝ = s                                                 (SGL.1)

The mean is right, the chain is not: ŝ has a covariance V, and a step gains (ε²/4) V that no limit law knows of. On
Gaussians the end is known exactly, (SGL.5). Decreasing step sizes let it vanish, control variates make V small.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, integer, of_shape, samples
from refscore.samplers.langevin import langevin_step

__all__ = ["control_variate_score", "minibatch_score", "minibatch_score_cov", "sgld_step"]

Prior = Callable[[Float], ArrayLike]
Terms = Callable[[Float, NDArray[np.intp]], ArrayLike]
"""terms(x, index): g_i(x) for each index, from (\\*batch, d) and (\\*batch, n) to (\\*batch, n, d)."""


def minibatch_score(prior: Prior, terms: Terms, x: ArrayLike, index: ArrayLike, *, size: int) -> Float:
    """The unbiased estimate of a posterior's score from a minibatch.

        ŝ(x) = s_0(x) + (N/n) Σ_{i in B} g_i(x)                                                       (SGL.1)

    Parameters
    ----------
    prior : callable
        s_0, from (\\*batch, d) to (\\*batch, d).
    terms : callable
        g, from x (\\*batch, d) and index (\\*batch, n) to (\\*batch, n, d): the gradient of each log likelihood.
    x : (\\*batch, d)
        State.
    index : (\\*batch, n) of int
        The minibatch of each sample, from 0 to N - 1.
    size : int
        N, how many data there are.

    Returns
    -------
    (\\*batch, d)
        ŝ.

    Raises
    ------
    ValueError
        If an index is not below N, or a shape is another.

    Notes
    -----
    Not to be confused with the mean over the minibatch, (1/n) Σ g_i: without N it is the score of a posterior that saw
    one datum.

    References
    ----------
    Welling & Teh (2011), Bayesian learning via stochastic gradient Langevin dynamics, eq. 4.

    Examples
    --------
    The mean over all minibatches of two of three data is the sum over the three:

    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> terms = lambda x, index: y[index][..., None] - x[..., None, :]
    >>> x, pairs = np.zeros((3, 1)), [[0, 1], [0, 2], [1, 2]]
    >>> float(minibatch_score(np.zeros_like, terms, x, pairs, size=3).mean()), float(y.sum())
    (9.0, 9.0)
    """
    x = samples(x, "x")
    chosen, count = _index(index, x, size), integer(size, "size", 1)
    each = _terms(terms, x, chosen)
    scale = count / chosen.shape[-1]
    value: Float = of_shape(prior(x), "prior(x)", x.shape, "x") + scale * each.sum(-2)  # (SGL.1)
    return value


def control_variate_score(
    prior: Prior, terms: Terms, x: ArrayLike, index: ArrayLike, *, size: int, centre: ArrayLike, total: ArrayLike
) -> Float:
    """The minibatch score with the terms at a fixed point as control variates.

        ŝ(x) = s_0(x) + Σ_i g_i(x̂) + (N/n) Σ_{i in B} [g_i(x) - g_i(x̂)]                               (SGL.4)

    Parameters
    ----------
    prior : callable
        s_0, from (\\*batch, d) to (\\*batch, d).
    terms : callable
        g, as for :func:`minibatch_score`.
    x : (\\*batch, d)
        State.
    index : (\\*batch, n) of int
        The minibatch of each sample, from 0 to N - 1.
    size : int
        N, how many data there are.
    centre : (d,)
        x̂, for instance the mode.
    total : (d,)
        Σ_i g_i(x̂) over all data, computed once.

    Returns
    -------
    (\\*batch, d)
        ŝ; without variance where x = x̂, and everywhere where g_i(x) - g_i(x̂) is the same for all i.

    Raises
    ------
    ValueError
        If an index is not below N, or a shape is another.

    References
    ----------
    Baker, Fearnhead, Fox & Nemeth (2019), Control variates for stochastic gradient MCMC.

    Examples
    --------
    For the mean of a Gaussian, g_i = y_i - x, one datum tells as much as all:

    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> terms = lambda x, index: y[index][..., None] - x[..., None, :]
    >>> x, parts = np.full((3, 1), 0.5), [[0], [1], [2]]
    >>> control_variate_score(np.zeros_like, terms, x, parts, size=3, centre=[3.0], total=[0.0]).ravel()
    array([7.5, 7.5, 7.5])
    """
    x = samples(x, "x")
    d = x.shape[-1]
    chosen, count = _index(index, x, size), integer(size, "size", 1)
    fixed = np.broadcast_to(of_shape(centre, "centre", (d,), "one sample"), x.shape)
    change = _terms(terms, x, chosen) - _terms(terms, fixed, chosen)
    known = of_shape(prior(x), "prior(x)", x.shape, "x") + of_shape(total, "total", (d,), "one sample")
    value: Float = known + count / chosen.shape[-1] * change.sum(-2)  # (SGL.4)
    return value


def minibatch_score_cov(each: ArrayLike, n: int, *, replacement: bool = False) -> Float:
    """The covariance of a minibatch score at a point, over all minibatches.

        V = (N²/n) S with replacement,   V = (N²/n) (N - n)/(N - 1) S without                         (SGL.2)

    with S = (1/N) Σ (g_i - ḡ)(g_i - ḡ)ᵀ.

    Parameters
    ----------
    each : (\\*batch, N, d)
        g_i(x) of all data.
    n : int
        Size of a minibatch; at most N without replacement.
    replacement : bool
        Whether an index may come twice.

    Returns
    -------
    (\\*batch, d, d)
        V = Cov ŝ(x).

    Raises
    ------
    ValueError
        If n is not from 1 to N without replacement, or less than 1 with it.

    Examples
    --------
    The three minibatches of two of three data:

    >>> y = np.array([[1.0], [2.0], [6.0]])
    >>> sums = 1.5 * np.array([3.0, 7.0, 8.0])
    >>> round(float(minibatch_score_cov(y, 2)[0, 0] - sums.var()), 12)
    0.0
    """
    g = as_float64(each, "each")
    if g.ndim < 2 or g.shape[-2] == 0:
        raise ValueError(f"each has shape {g.shape}; expected (*batch, N, d) with N ≥ 1")
    size, count = g.shape[-2], integer(n, "n", 1)
    if not replacement and count > size:
        raise ValueError(f"n is {count}; expected at most N = {size} without replacement")
    offset = g - g.mean(-2, keepdims=True)
    spread = np.swapaxes(offset, -1, -2) @ offset / size
    thinned = 1.0 if replacement else (size - count) / max(size - 1, 1)
    value: Float = size**2 / count * thinned * spread  # (SGL.2)
    return value


def sgld_step(
    prior: Prior,
    terms: Terms,
    x: ArrayLike,
    noise: ArrayLike,
    index: ArrayLike,
    *,
    size: int,
    step_size: ArrayLike,
) -> Float:
    """One step of stochastic gradient Langevin dynamics.

        x' = x + (ε/2) ŝ(x) + √ε z                                                                    (SGL.3)

    Parameters
    ----------
    prior : callable
        s_0, from (\\*batch, d) to (\\*batch, d).
    terms : callable
        g, as for :func:`minibatch_score`.
    x, noise : (\\*batch, d)
        State, and standard normal z.
    index : (\\*batch, n) of int
        The minibatch of each sample, from 0 to N - 1.
    size : int
        N, how many data there are.
    step_size : float
        ε > 0, in squared units of x.

    Returns
    -------
    (\\*batch, d)
        x'.

    Raises
    ------
    ValueError
        If `step_size` is not positive, an index is not below N, or a shape is another.

    References
    ----------
    Welling & Teh (2011), Bayesian learning via stochastic gradient Langevin dynamics, eq. 4.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> terms = lambda x, index: y[index][..., None] - x[..., None, :]
    >>> sgld_step(np.negative, terms, [[1.0]], [[2.0]], [[2]], size=3, step_size=0.25)  # 1 + (15 - 1)/8 + 1
    array([[3.75]])
    """

    def estimate(y: Float) -> Float:
        return minibatch_score(prior, terms, y, index, size=size)

    return langevin_step(estimate, x, noise, step_size=step_size)  # (SGL.3)


def _index(index: ArrayLike, x: Float, size: int) -> NDArray[np.intp]:
    array = np.asarray(index)
    if array.dtype.kind not in "iu":
        raise TypeError(f"index has dtype {array.dtype}; expected integers")
    if array.ndim == 0 or array.shape[:-1] != x.shape[:-1] or array.shape[-1] == 0:
        raise ValueError(f"index has shape {array.shape}; expected ({', '.join(map(str, (*x.shape[:-1], 'n')))})")
    if ((array < 0) | (array >= size)).any():
        raise ValueError(f"index has values from {array.min()} to {array.max()}; expected them in 0 … {size - 1}")
    return array.astype(np.intp)


def _terms(terms: Terms, x: Float, index: NDArray[np.intp]) -> Float:
    wanted = (*index.shape, x.shape[-1])
    return of_shape(terms(x, index), "terms(x, index)", wanted, "index, with the dimension of x")
