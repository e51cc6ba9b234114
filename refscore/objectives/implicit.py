"""Implicit score matching (Hyvärinen 2005): the Fisher divergence without the data's score.

Integration by parts moves the derivative from the unknown density to the model. If p s vanishes at infinity,

    ½ E |s - ∇ log p|² = E [tr J + ½ |s|²] + ½ F(p),   F(p) = E |∇ log p|²                            (ISM.1)

and F(p), the Fisher information of p, does not contain the model. Its expectation on Gaussian data, its variance and
its minimiser stand under the same name in ``refscore.exact``.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples
from refscore.models.protocol import ParametricScore, ScoreModel, differentiable

__all__ = ["implicit", "implicit_gradient"]


def implicit(score: ScoreModel, x: ArrayLike) -> Float:
    """Implicit score matching, per sample.

        ℓ = tr J(x) + ½ |s(x)|²                                                                       (ISM.2)

    Parameters
    ----------
    score : ScoreModel
        s, with its `trace`.
    x : (\\*batch, d)
        Data, in the data's unit.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit²; negative near the minimum. Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If what `score` or its `trace` returns has not the shape that goes with `x`.

    Notes
    -----
    Not to be confused with 2 tr J + |s|², the same without ½, nor with the Hyvärinen score of forecasting, which is
    that for one sample. Not to be confused with ``objectives.sliced`` with one projection: equal in expectation only.

    References
    ----------
    Hyvärinen (2005), Estimation of non-normalized statistical models by score matching, eq. 4.

    Examples
    --------
    With J by central differences, exact for an affine score:

    >>> import numpy as np
    >>> from refscore.models import AffineScore
    >>> s, x = AffineScore([[2, 0.5], [0, 1]], [1, 0]), np.array([3.0, -1.0])
    >>> divergence = sum((s(x + e / 2) - s(x - e / 2)) @ e for e in np.eye(2))
    >>> float(divergence + 0.5 * s(x) @ s(x)), float(implicit(s, x))
    (3.625, 3.625)
    """
    differentiable(score, "trace")
    x = samples(x, "x")
    s = of_shape(score(x), "score(x)", x.shape, "x")
    trace = of_shape(score.trace(x), "score.trace(x)", x.shape[:-1], "the batch of x")
    value: Float = trace + 0.5 * (s**2).sum(-1)  # (ISM.2)
    return value


def implicit_gradient(score: ParametricScore, x: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`implicit` in the parameters of `score`.

        ∂ℓ/∂θ = ∂(tr J)/∂θ + sᵀ ∂s/∂θ                                                                 (ISM.3)

    Parameters
    ----------
    score : ParametricScore
        The model, :class:`~refscore.models.AffineScore` or another with `trace_parameters` and `vjp_parameters`.
    x : (\\*batch, d)
        As for :func:`implicit`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x = samples(x, "x")
    s = of_shape(score(x), "score(x)", x.shape, "x")
    return score.trace_parameters(x) + score.vjp_parameters(x, s)  # (ISM.3)
