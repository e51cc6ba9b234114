"""Finite-difference score matching (Pang et al. 2020): sliced score matching without a single derivative in x.

Along a projection v the log density is a function of one variable, and two neighbours give both of its derivatives:

    [L(ε) - 2 L(0) + L(-ε)] / ε² = vᵀ J v + (ε²/12) L⁗ + …,   L(h) = log p(x + h v)                    (FDS.1)
    [L(ε) - L(-ε)] / (2ε)        = vᵀ s + (ε²/6) L‴ + …                                                (FDS.2)

so the objective is ``objectives.sliced`` up to O(ε²), and exactly that where log p is quadratic. A model that is a
field s and no density has the same without its Jacobian, from s at the two neighbours.

ε has a floor. Each value of log p is rounded by up to u |log p|, and the second difference divides that by ε²:

    error(ε) ≈ a ε² + 4 u |log p| / ε²,   least at ε = (4 u |log p| / a)^¼,   a = |L⁗/12 + vᵀs L‴/6|    (FDS.3)

About half of the digits are left there, at ε ≈ 10⁻⁴ in float64 and 0.02 in float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, number, of_shape, positive, samples
from refscore.models.protocol import ParametricLogDensity, ParametricScore

__all__ = [
    "finite_difference",
    "finite_difference_gradient",
    "finite_difference_score",
    "finite_difference_score_gradient",
]


def finite_difference(
    log_prob: Callable[[Float], Float], x: ArrayLike, projection: ArrayLike, *, epsilon: float
) -> Float:
    """Finite-difference score matching of a log density, per sample.

        ℓ = (1/m) Σ_j {[L_j(ε) - 2 L_j(0) + L_j(-ε)] / ε² + ½ ([L_j(ε) - L_j(-ε)] / (2ε))²},
        L_j(h) = log p(x + h v_j)                                                                     (FDS.4)

    Parameters
    ----------
    log_prob : callable
        log p up to a constant in x, from (\\*batch, d) to (\\*batch,); it is called 2m + 1 times.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, d)
        v_1 … v_m for each sample, with E[v vᵀ] = I: standard normal, random signs, or uniform on the sphere of radius
        √d.
    epsilon : float
        ε > 0, the step along v, in the data's unit for a v without one.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². The mean over projections, never over the batch.

    Raises
    ------
    ValueError
        If `epsilon` is not one positive number, `projection` has not m ≥ 1 vectors for each sample, or what `log_prob`
        returns has not the shape of the batch.

    Notes
    -----
    Not to be confused with the paper's ε, the length of the step: there |v| = ε, and the authors' code multiplies by d.
    That is this with |v| = √d and ε/√d in the place of ε. The ⅛ there is ½ (1/(2ε))² ε².

    References
    ----------
    Pang, Xu, Li, Song, Ermon & Zhu (2020), Efficient learning of generative models via finite-difference score
    matching, section 4 (FD-SSM).

    Examples
    --------
    For a quadratic log density it is sliced score matching, whatever ε is:

    >>> from refscore.models import QuadraticEnergy
    >>> from refscore.objectives import sliced
    >>> model, x, v = QuadraticEnergy([[2, 0.5], [0.5, 1]], [1, 0]), [3.0, -1.0], [[1, 1], [1, -1]]
    >>> float(finite_difference(model.log_prob, x, v, epsilon=0.5)), float(sliced(model, x, v))
    (3.125, 3.125)
    """
    x, v, h = _checked(x, projection, epsilon)
    centre = _log_prob(log_prob, x)
    total: Float = np.zeros(x.shape[:-1])
    for w in v:
        right, left = _log_prob(log_prob, x + h * w), _log_prob(log_prob, x - h * w)
        curvature = ((right - centre) + (left - centre)) / h**2  # (FDS.1)
        slope = (right - left) / (2 * h)  # (FDS.2)
        total = total + (curvature + 0.5 * slope**2)
    value: Float = total / len(v)  # (FDS.4)
    return value


def finite_difference_gradient(
    model: ParametricLogDensity, x: ArrayLike, projection: ArrayLike, *, epsilon: float
) -> Float:
    """Gradient of the batch sum of :func:`finite_difference` in the parameters of `model`.

        ∂ℓ/∂θ = (1/m) Σ_j [w₊ ∂L_j(ε)/∂θ + w₀ ∂L_j(0)/∂θ + w₋ ∂L_j(-ε)/∂θ],
        w± = 1/ε² ± δ_j/(2ε),   w₀ = -2/ε²,   δ_j = [L_j(ε) - L_j(-ε)] / (2ε)                          (FDS.5)

    Parameters
    ----------
    model : ParametricLogDensity
        The model, with `log_prob` and `log_prob_parameters`; no derivative in x is asked for.
    x : (\\*batch, d)
        As for :func:`finite_difference`.
    projection : (m, \\*batch, d)
        As for :func:`finite_difference`.
    epsilon : float
        As for :func:`finite_difference`.

    Returns
    -------
    (p,)
        In the order of ``model.pack()``.
    """
    x, v, h = _checked(x, projection, epsilon)
    batch = x.shape[:-1]
    total = model.log_prob_parameters(x, np.full(batch, -2 * len(v) / h**2))
    for w in v:
        slope = (_log_prob(model.log_prob, x + h * w) - _log_prob(model.log_prob, x - h * w)) / (2 * h)  # (FDS.2)
        total = total + model.log_prob_parameters(x + h * w, 1 / h**2 + slope / (2 * h))  # (FDS.5)
        total = total + model.log_prob_parameters(x - h * w, 1 / h**2 - slope / (2 * h))  # (FDS.5)
    value: Float = total / len(v)
    return value


def finite_difference_score(
    score: Callable[[Float], Float], x: ArrayLike, projection: ArrayLike, *, epsilon: float
) -> Float:
    """Finite-difference score matching of a field that needs no density, per sample.

        ℓ = (1/m) Σ_j {v_jᵀ [s(x + ε v_j) - s(x - ε v_j)] / (2ε) + ½ (v_jᵀ [s(x + ε v_j) + s(x - ε v_j)] / 2)²}
                                                                                                      (FDS.6)

    Parameters
    ----------
    score : callable
        s, from (\\*batch, d) to (\\*batch, d); it is called 2m times, and never at x itself.
    x : (\\*batch, d)
        Data, in the data's unit.
    projection : (m, \\*batch, d)
        As for :func:`finite_difference`.
    epsilon : float
        ε > 0, the step along v, in the data's unit for a v without one.

    Returns
    -------
    (\\*batch,)
        ℓ, in 1/unit². The mean over projections, never over the batch.

    Raises
    ------
    ValueError
        As for :func:`finite_difference`; what `score` returns is held to the shape of `x`.

    Notes
    -----
    Not to be confused with ½ (vᵀ s(x))² in the second term, which needs a third value of s and is as good, O(ε²): the
    mean of the two neighbours is the authors' choice. Not to be confused with their reduced form, ½ |[s₊ + s₋]/2|² in
    that place, nor with the sum of the squares of the entries v_i [s₊ + s₋]_i / 2 (``anneal_ESM_scorenet``), which
    lacks the products of two dimensions.

    References
    ----------
    Pang, Xu, Li, Song, Ermon & Zhu (2020), Efficient learning of generative models via finite-difference score
    matching, and the authors' code.

    Examples
    --------
    For an affine score it is sliced score matching, whatever ε is; this one is no gradient of a density:

    >>> from refscore.models import AffineScore
    >>> from refscore.objectives import sliced
    >>> s, x, v = AffineScore([[2, 0.5], [0, 1]], [1, 0]), [3.0, -1.0], [[1, 1], [1, -1]]
    >>> float(finite_difference_score(s, x, v, epsilon=0.5)), float(sliced(s, x, v))
    (3.625, 3.625)
    """
    x, v, h = _checked(x, projection, epsilon)
    total: Float = np.zeros(x.shape[:-1])
    for w in v:
        right, left = (_score(score, x + step * w) for step in (h, -h))
        total = total + (w * (right - left)).sum(-1) / (2 * h) + 0.5 * _middle(w, right, left) ** 2
    value: Float = total / len(v)  # (FDS.6)
    return value


def finite_difference_score_gradient(
    score: ParametricScore, x: ArrayLike, projection: ArrayLike, *, epsilon: float
) -> Float:
    """Gradient of the batch sum of :func:`finite_difference_score` in the parameters of `score`.

        ∂ℓ/∂θ = (1/m) Σ_j [(μ_j/2 + 1/(2ε)) v_jᵀ ∂s(x + ε v_j)/∂θ + (μ_j/2 - 1/(2ε)) v_jᵀ ∂s(x - ε v_j)/∂θ],
        μ_j = v_jᵀ [s(x + ε v_j) + s(x - ε v_j)] / 2                                                  (FDS.7)

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters`; no derivative in x is asked for.
    x : (\\*batch, d)
        As for :func:`finite_difference_score`.
    projection : (m, \\*batch, d)
        As for :func:`finite_difference_score`.
    epsilon : float
        As for :func:`finite_difference_score`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, v, h = _checked(x, projection, epsilon)
    parts = []
    for w in v:
        right, left = (_score(score, x + step * w) for step in (h, -h))
        half = 0.5 * _middle(w, right, left)[..., None]
        parts.append(score.vjp_parameters(x + h * w, (half + 1 / (2 * h)) * w))  # (FDS.7)
        parts.append(score.vjp_parameters(x - h * w, (half - 1 / (2 * h)) * w))  # (FDS.7)
    value: Float = np.sum(parts, axis=0) / len(v)
    return value


def _checked(x: ArrayLike, projection: ArrayLike, epsilon: float) -> tuple[Float, Float, float]:
    """The samples, the projections and the step, each of its right shape."""
    x = samples(x, "x")
    v = as_float64(projection, "projection")
    if v.shape[1:] != x.shape or v.ndim == 0 or len(v) == 0:
        raise ValueError(
            f"projection has shape {v.shape}; expected (m, {', '.join(map(str, x.shape))}), m >= 1 projections for each"
            f" sample of x with shape {x.shape}"
        )
    return x, v, number(epsilon, "epsilon", positive)


def _log_prob(log_prob: Callable[[Float], Float], x: Float) -> Float:
    return of_shape(log_prob(x), "log_prob(x)", x.shape[:-1], "the batch of x")


def _score(score: Callable[[Float], Float], x: Float) -> Float:
    return of_shape(score(x), "score(x)", x.shape, "x")


def _middle(v: Float, right: Float, left: Float) -> Float:
    """μ: the mean of vᵀ s at the two neighbours, (\\*batch,)."""
    value: Float = 0.5 * (v * (right + left)).sum(-1)
    return value
