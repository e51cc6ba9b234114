"""Generalised score matching of non-negative data: a weight h that vanishes at 0 stands in for the boundary.

On R_+^d the density of the data need not vanish at 0, and plain score matching is then biased: integration by parts
leaves a boundary term. Weighing each coordinate's residual by h(x_j), with h(0) = 0, removes it,

    ½ E Σ_j h(x_j) (s_j - ∂_j log p)² = E ℓ + ½ E Σ_j h(x_j) (∂_j log p)²                              (NNG.3)

if h(x_j) p(x) s_j(x) vanishes at 0 and at infinity. The last term does not contain the model. The diagonal of J, not
its trace, is what the weights act on. Its expectation, variance and minimiser in one dimension stand in
``refscore.exact.half_line``.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, of_shape, samples
from refscore.models.protocol import ParametricScore, ScoreModel
from refscore.objectives.boundary_weights import Weight
from refscore.objectives.diagonals import diagonal, diagonal_parameters

__all__ = ["nonnegative", "nonnegative_gradient"]


def nonnegative(score: ScoreModel, x: ArrayLike, *, h: Weight) -> Float:
    """Generalised score matching on R_+^d, per sample.

        ℓ = Σ_j [½ h(x_j) s_j² + h(x_j) J_jj + h'(x_j) s_j]                                           (NNG.4)

    Parameters
    ----------
    score : ScoreModel
        s, with its `jacobian`, of which the diagonal is taken.
    x : (\\*batch, d)
        Data, x ≥ 0, in the data's unit.
    h : Weight
        The weight, called as h(x) and h.slope(x): :func:`~refscore.objectives.power_weight` or another.

    Returns
    -------
    (\\*batch,)
        ℓ, in h/unit². Never averaged: a reduction is the caller's.

    Raises
    ------
    ValueError
        If a value of `x` or of h is negative, or a shape does not go with `x`.

    Notes
    -----
    Hyvärinen (2007) has h = x²; Yu, Drton and Shojaie (2019) general h. Not to be confused with weighing the whole by
    h: h' s_j is a term of its own. Not to be confused with score matching of log x, which is h = x² with another
    boundary term.

    References
    ----------
    Hyvärinen (2007), Some extensions of score matching, Computational Statistics & Data Analysis 51, section 3.

    Yu, Drton & Shojaie (2019), Generalized score matching for non-negative data, JMLR 20.

    Examples
    --------
    Exponential data with rate θ and h = x: ℓ = ½ θ² x - θ, least at θ = 1/x, the maximum-likelihood estimate.

    >>> from refscore.models import ExponentialFamily, monomials
    >>> from refscore.objectives import power_weight
    >>> theta, x = 0.5, 3.0
    >>> s = ExponentialFamily(monomials(1, 1), [-theta])
    >>> float(nonnegative(s, [x], h=power_weight(1))), 0.5 * theta**2 * x - theta
    (-0.125, -0.125)
    """
    x, weight, slope = _weights(x, h)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    value: Float = (0.5 * weight * s**2 + weight * diagonal(score, x) + slope * s).sum(-1)  # (NNG.4)
    return value


def nonnegative_gradient(score: ParametricScore, x: ArrayLike, *, h: Weight) -> Float:
    """Gradient of the batch sum of :func:`nonnegative` in the parameters of `score`.

        ∂ℓ/∂θ = Σ_j [(h(x_j) s_j + h'(x_j)) ∂s_j/∂θ + h(x_j) ∂J_jj/∂θ]                                (NNG.5)

    Parameters
    ----------
    score : ParametricScore
        The model, with `vjp_parameters` and `quadratic_parameters`.
    x : (\\*batch, d)
        As for :func:`nonnegative`.
    h : Weight
        As for :func:`nonnegative`.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.
    """
    x, weight, slope = _weights(x, h)
    s = of_shape(score(x), "score(x)", x.shape, "x")
    return diagonal_parameters(score, x, weight) + score.vjp_parameters(x, weight * s + slope)  # (NNG.5)


def _weights(x: ArrayLike, h: Weight) -> tuple[Float, Float, Float]:
    """The points, h and h' there."""
    x = not_negative(samples(x, "x"), "x")
    weight = not_negative(of_shape(h(x), "h(x)", x.shape, "x"), "h(x)")
    return x, weight, of_shape(h.slope(x), "h.slope(x)", x.shape, "x")
