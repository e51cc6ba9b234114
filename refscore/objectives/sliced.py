"""Sliced score matching (Song et al. 2019): the trace, and the whole objective, seen through random projections.

For a random v with E[v vᵀ] = I and any square matrix M,

    E vᵀ M v = tr M                                                                                   (SSM.1)

so that both objectives here have the expectation of ``objectives.implicit`` in v, sample by sample. Each projection
costs one vector-Jacobian product in place of the d of the exact trace. The second one projects the trace only and
takes |s|² as it is; it is called variance reduced, and mostly but not always deserves the name, see
``refscore.exact.variances``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, samples
from refscore.models.protocol import ParametricScore, ScoreModel, differentiable

__all__ = ["sliced", "sliced_gradient", "sliced_variance_reduced", "sliced_variance_reduced_gradient"]


def sliced(score: ScoreModel, x: ArrayLike, projection: ArrayLike) -> Float:
    """Sliced score matching, per sample.

        ℓ = (1/m) Σ_j [v_jᵀ J(x) v_j + ½ (v_jᵀ s(x))²]                                                (SSM.2)

    Parameters
    ----------
    score : ScoreModel
        s, with its `vjp`.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, d)
        v_1 … v_m for each sample, with E[v vᵀ] = I: standard normal, random signs, or uniform on the sphere of radius
        √d.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². The mean over projections, never over the batch.

    Raises
    ------
    ValueError
        If `projection` has not m ≥ 1 vectors for each sample, or what `score` or its `vjp` returns has not the shape
        of `x`.

    Notes
    -----
    Not to be confused with projections on the unit sphere (the authors' ``sliced_score_estimation``): E[v vᵀ] = I/d
    there, and the value is d times too small.

    References
    ----------
    Song, Garg, Shi & Ermon (2019), Sliced score matching, section 3 (SSM).

    Examples
    --------
    The mean over all sign vectors is the implicit objective, exactly:

    >>> from refscore.models import AffineScore
    >>> from refscore.objectives import implicit
    >>> s, x = AffineScore([[2, 0.5], [0, 1]], [1, 0]), [3.0, -1.0]
    >>> float(sliced(s, x, [[1, 1], [1, -1], [-1, 1], [-1, -1]])), float(implicit(s, x))
    (3.625, 3.625)
    """
    x, s, v = _checked(score, x, projection)
    value: Float = (_quadratic(score, x, v) + 0.5 * ((v * s).sum(-1) ** 2)).mean(0)  # (SSM.2)
    return value


def sliced_variance_reduced(score: ScoreModel, x: ArrayLike, projection: ArrayLike) -> Float:
    """Sliced score matching with the exact norm of s, per sample.

        ℓ = (1/m) Σ_j v_jᵀ J(x) v_j + ½ |s(x)|²                                                       (SSM.3)

    Parameters
    ----------
    score : ScoreModel
        s, with its `vjp`.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, d)
        As for :func:`sliced`.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². The mean over projections, never over the batch.

    Raises
    ------
    ValueError
        As for :func:`sliced`.

    Notes
    -----
    Not to be confused with a control variate with a fitted coefficient: this is the coefficient 1, and with Gaussian
    projections it has the larger variance wherever ¼ |s|⁴ + sᵀ J s < 0 on average (VAR.9).

    References
    ----------
    Song, Garg, Shi & Ermon (2019), Sliced score matching, section 3 (SSM-VR).

    Examples
    --------
    >>> from refscore.models import AffineScore
    >>> s, x = AffineScore([[2, 0.5], [0, 1]], [1, 0]), [3.0, -1.0]
    >>> v = [[1, 1], [1, -1]]
    >>> float(sliced_variance_reduced(s, x, v))  # ½ [(-2 - ½ - 1) + (-2 + ½ - 1)] + ½ (3.5² + 1²)
    3.625
    """
    x, s, v = _checked(score, x, projection)
    value: Float = _quadratic(score, x, v).mean(0) + 0.5 * (s**2).sum(-1)  # (SSM.3)
    return value


def sliced_gradient(score: ParametricScore, x: ArrayLike, projection: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`sliced` in the parameters of `score`.

        ∂ℓ/∂θ = (1/m) Σ_j [∂(v_jᵀ J v_j)/∂θ + (v_jᵀ s) v_jᵀ ∂s/∂θ]                                    (SSM.4)

    Parameters
    ----------
    score : ParametricScore
        The model, :class:`~refscore.models.AffineScore` or another with `quadratic_parameters` and `vjp_parameters`.
    x : (\\*batch, d)
        As for :func:`sliced`.
    projection : (m, \\*batch, d)
        As for :func:`sliced`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, s, v = _checked(score, x, projection)
    projected = ((v * s).sum(-1, keepdims=True) * v).mean(0)
    return _quadratic_gradient(score, x, v) + score.vjp_parameters(x, projected)  # (SSM.4)


def sliced_variance_reduced_gradient(score: ParametricScore, x: ArrayLike, projection: ArrayLike) -> Float:
    """Gradient of the batch sum of :func:`sliced_variance_reduced` in the parameters of `score`.

        ∂ℓ/∂θ = (1/m) Σ_j ∂(v_jᵀ J v_j)/∂θ + sᵀ ∂s/∂θ                                                 (SSM.5)

    Parameters
    ----------
    score : ParametricScore
        The model, :class:`~refscore.models.AffineScore` or another with `quadratic_parameters` and `vjp_parameters`.
    x : (\\*batch, d)
        As for :func:`sliced`.
    projection : (m, \\*batch, d)
        As for :func:`sliced`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, s, v = _checked(score, x, projection)
    return _quadratic_gradient(score, x, v) + score.vjp_parameters(x, s)  # (SSM.5)


def _checked(score: ScoreModel, x: ArrayLike, projection: ArrayLike) -> tuple[Float, Float, Float]:
    """The samples, the score there and the projections, each of its right shape."""
    differentiable(score, "vjp")
    x = samples(x, "x")
    v = as_float64(projection, "projection")
    if v.shape[1:] != x.shape or v.ndim == 0 or len(v) == 0:
        raise ValueError(
            f"projection has shape {v.shape}; expected (m, {', '.join(map(str, x.shape))}), m >= 1 projections for each"
            f" sample of x with shape {x.shape}"
        )
    return x, of_shape(score(x), "score(x)", x.shape, "x"), v


def _quadratic(score: ScoreModel, x: Float, v: Float) -> Float:
    """vᵀ J(x) v for each projection, (m, \\*batch); one product with the Jacobian at a time."""
    products = [(of_shape(score.vjp(x, w), "score.vjp(x, v)", x.shape, "x") * w).sum(-1) for w in v]
    return np.stack(products)


def _quadratic_gradient(score: ParametricScore, x: Float, v: Float) -> Float:
    """Gradient of the batch sum of the mean of vᵀ J(x) v over the projections, (p,)."""
    total: Float = np.sum([score.quadratic_parameters(x, w) for w in v], axis=0) / len(v)
    return total
