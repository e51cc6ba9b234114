"""Explicit score matching: the Fisher divergence itself, for whoever knows the score of the data.

On real data nobody does, which is why the other objectives exist; each of them has this one's expectation up to a
constant that does not contain the model. With s_data = ∇ log p,

    ½ E |s(x) - ∇ log p(x)|²  ≥  0,   and 0 only where s = ∇ log p almost everywhere                  (ESM.1)

Its expectation on Gaussian data, its variance and its minimiser stand under the same name in ``refscore.exact``.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import ParametricScore

__all__ = ["explicit", "explicit_gradient"]


def explicit(score: Callable[[Float], Float], x: ArrayLike, data_score: ArrayLike) -> Float:
    """Explicit score matching, per sample.

        ℓ = ½ |s(x) - s_data|²                                                                        (ESM.2)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d).
    x : (\\*batch, d)
        Data, in the data's unit.
    data_score : (\\*batch, d)
        The data's own score at `x`, its values and not a function; in 1/unit.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If `data_score`, or what `score` returns, has not the shape of `x`.

    Notes
    -----
    Not to be confused with the Fisher divergence without ½, nor with the Fisher-Rao distance between parameters.

    References
    ----------
    Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, eq. 2.

    Examples
    --------
    N(0, 1) against N(1, 1): the scores differ by 1 everywhere, and so do the slopes of log p - log q = ½ - x.

    >>> explicit(lambda x: -x, [[0.0], [5.0]], [[1.0], [-4.0]])
    array([0.5, 0.5])
    """
    x = samples(x, "x")
    residual = of_shape(score(x), "score(x)", x.shape, "x") - of_shape(data_score, "data_score", x.shape, "x")
    value: Float = 0.5 * (residual**2).sum(-1)  # (ESM.2)
    return value


def explicit_gradient(score: ParametricScore, x: ArrayLike, data_score: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`explicit` in the parameters of `score`.

        ∂ℓ/∂θ = (s(x) - s_data)ᵀ ∂s(x)/∂θ                                                             (ESM.3)

    Parameters
    ----------
    score : ParametricScore
        The model, :class:`~refscore.models.AffineScore` or another with `vjp_parameters`.
    x, data_score : (\\*batch, d)
        As for :func:`explicit`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x = samples(x, "x")
    residual = of_shape(score(x), "score(x)", x.shape, "x") - of_shape(data_score, "data_score", x.shape, "x")
    return score.vjp_parameters(x, residual)  # (ESM.3)
