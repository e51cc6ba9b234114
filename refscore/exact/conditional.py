"""What conditional score matching is worth for an affine score and data (x0, y) with known moments.

The condition only moves the centre. So s(x, σ, y) = -A (x - b - W y)/σ on pairs is s(x, σ) = -A (x - b)/σ on the data

    x0 - W y,   of mean μ_x - W μ_y and covariance Σ_xx - W Σ_yx - Σ_xy Wᵀ + W Σ_yy Wᵀ                (CSM.6)

and all truth is that of ``multilevel``. The minimiser takes the regression of x0 on y for its centre. With the noise
the conditional law of a joint Gaussian is N(E[x0 | y], Σ_xx - Σ_xy Σ_yy⁻¹ Σ_yx + σ² I), whose score it is.

Dropping the condition with probability p makes a mixture of two tasks, the conditional one and that at the token ∅:

    E ℓ = (1 - p) E ℓ(y) + p E ℓ(∅)                                                                   (CFG.2)

A model that can tell ∅ from every y solves each by itself. The affine one cannot: it sees (x0, y') with the moments

    E y' = (1 - p) μ_y + p ∅,   Σ_xy' = (1 - p) Σ_xy,   Σ_y'y' = (1 - p) Σ_yy + p (1 - p) (μ_y - ∅)(μ_y - ∅)ᵀ   (CFG.3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_solve

from refscore.arrays import Float, as_float64, integer, not_negative, number, of_shape
from refscore.exact import expectations, minimisers, variances
from refscore.exact.residuals import Moments, Residual, cholesky, moments, normal
from refscore.models.affine import LevelAffineScore
from refscore.models.conditional_affine import ConditionalAffineScore

__all__ = [
    "Pairs",
    "classifier_free_expectation",
    "classifier_free_minimiser",
    "classifier_free_variance",
    "conditional_expectation",
    "conditional_minimiser",
    "conditional_variance",
    "dropped_pairs",
]

Weight = Callable[[Float], ArrayLike] | ArrayLike


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pairs:
    """The joint law of data and condition, by its moments.

    Parameters
    ----------
    joint : Moments
        Mean (d + c,) and covariance (d + c, d + c) of (x0, y), the data first.
    d : int
        Dimension of x0; c ≥ 1 is what is left.

    Raises
    ------
    ValueError
        If there is no condition left, or no law has these moments.
    """

    joint: Moments
    d: int

    def __post_init__(self) -> None:
        d, size = integer(self.d, "d", 1), len(self.joint.mean)
        if d >= size:
            raise ValueError(f"d is {d}; expected less than {size}, the dimension of (x0, y)")
        moments(self.joint, size)

    def __repr__(self) -> str:
        return f"Pairs({self.joint!r}, d {self.d})"

    @property
    def data(self) -> Moments:
        """The law of x0 by itself."""
        return Residual(self.joint.mean[: self.d], self.joint.cov[: self.d, : self.d])

    @property
    def condition(self) -> Moments:
        """The law of y by itself."""
        return Residual(self.joint.mean[self.d :], self.joint.cov[self.d :, self.d :])

    @property
    def cross(self) -> Float:
        """Σ_xy, (d, c)."""
        return self.joint.cov[: self.d, self.d :]

    def less(self, gain: Float) -> Moments:
        """The law of x0 - W y, (CSM.6)."""
        both = np.hstack([np.eye(self.d), -of_shape(gain, "gain", self.cross.shape, "Cov(x0, y)")])
        return Residual(both @ self.joint.mean, both @ self.joint.cov @ both.T)  # (CSM.6)


def conditional_expectation(
    score: ConditionalAffineScore, pairs: Pairs, sigma: ArrayLike, *, weight: Weight = np.square
) -> Float:
    """E of ``objectives.conditional`` at each level: that of ``multilevel`` on x0 - W y, (CSM.6).

    Parameters
    ----------
    score : ConditionalAffineScore
        The model s(x, σ, y) = -A (x - b - W y)/σ.
    pairs : Pairs
        Moments of (x0, y).
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        E ℓ at each level.

    Raises
    ------
    ValueError
        If a level is not positive, a weight is negative, or the dimensions differ.

    Examples
    --------
    At the minimiser for one level, ½ d - ½ σ² tr C⁻¹ is left, C = Cov(x0 | y) + σ² I; here ½ - ½ · 4/(3 + 4):

    >>> import refscore as rs
    >>> pairs = Pairs(rs.targets.gaussian([1.0, 2.0], [[4.0, 1.0], [1.0, 1.0]]), 1)
    >>> best = conditional_minimiser(pairs, [2.0])
    >>> float(conditional_expectation(best, pairs, 2.0)), 0.5 - 0.5 * 4 / 7
    (0.2142857142857143, 0.2142857142857143)
    """
    return expectations.multilevel(_level(score), pairs.less(score.gain), sigma, weight=weight)


def conditional_variance(
    score: ConditionalAffineScore, pairs: Pairs, sigma: ArrayLike, *, weight: Weight = np.square
) -> Float:
    """Var of one sample of ``objectives.conditional`` at each level: that of ``multilevel`` on x0 - W y, (CSM.6).

    Parameters
    ----------
    score : ConditionalAffineScore
        The model.
    pairs : Pairs
        The joint law of (x0, y), a ``Gaussian``.
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        Var ℓ at each level, the level being given.

    Raises
    ------
    TypeError
        If the joint law is a mixture or a finite data set.
    ValueError
        If a level is not positive, a weight is negative, or the dimensions differ.
    """
    normal(pairs.joint)
    return variances.multilevel(_level(score), pairs.less(score.gain), sigma, weight=weight)


def conditional_minimiser(pairs: Pairs, sigma: ArrayLike, *, weight: Weight = np.square) -> ConditionalAffineScore:
    """The score that minimises the mean over the levels of ``conditional_expectation``.

        W = Σ_xy Σ_yy⁻¹,   b = μ_x - W μ_y,   A as ``minimisers.multilevel`` has it for Cov(x0 | y)    (CSM.7)

    Parameters
    ----------
    pairs : Pairs
        Moments of (x0, y); Σ_yy not singular.
    sigma : (n,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    ConditionalAffineScore
        At one level and for Gaussian pairs the exact score of the noised conditional.

    Raises
    ------
    ValueError
        If Σ_yy is singular, or a level is not positive.

    Examples
    --------
    The joint Gaussian's own conditional, x0 | y ~ N(1 + (y - 2), 3):

    >>> import refscore as rs
    >>> pairs = Pairs(rs.targets.gaussian([1.0, 2.0], [[4.0, 1.0], [1.0, 1.0]]), 1)
    >>> best = conditional_minimiser(pairs, [2.0])
    >>> best([[5.0]], 2.0, [[3.0]]), rs.targets.gaussian([2.0], 3.0).perturb(1.0, 2.0).score([[5.0]])
    (array([[-0.42857143]]), array([[-0.42857143]]))
    """
    condition = pairs.condition
    gain: Float = cho_solve((cholesky(condition.cov), True), pairs.cross.T).T  # (CSM.7)
    left = minimisers.multilevel(pairs.less(gain), sigma, weight=weight)
    return ConditionalAffineScore(left.matrix, left.centre, gain)  # (CSM.7)


def dropped_pairs(pairs: Pairs, *, probability: float, null: ArrayLike) -> Pairs:
    """The moments of (x0, y') where y is replaced by ∅ with a probability, (CFG.3).

    Parameters
    ----------
    pairs : Pairs
        Moments of (x0, y).
    probability : float
        p, in [0, 1].
    null : (c,)
        ∅.

    Returns
    -------
    Pairs
        Moments of a law that is not Gaussian unless p is 0 or 1.

    Raises
    ------
    ValueError
        If p is outside [0, 1], or ∅ has another shape than y.
    """
    p, token = _token(pairs, probability, null)
    data, condition = pairs.data, pairs.condition
    cross, apart = (1 - p) * pairs.cross, condition.mean - token
    mean = np.concatenate([data.mean, (1 - p) * condition.mean + p * token])
    own = (1 - p) * condition.cov + p * (1 - p) * np.outer(apart, apart)
    return Pairs(Residual(mean, np.block([[data.cov, cross], [cross.T, own]])), pairs.d)  # (CFG.3)


def classifier_free_expectation(
    score: ConditionalAffineScore,
    pairs: Pairs,
    sigma: ArrayLike,
    *,
    probability: float,
    null: ArrayLike,
    weight: Weight = np.square,
) -> Float:
    """E of ``objectives.classifier_free`` at each level, over the samples that drop their condition too: (CFG.2).

    Parameters
    ----------
    score : ConditionalAffineScore
        The model.
    pairs : Pairs
        Moments of (x0, y).
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    probability : float
        p, in [0, 1], of dropping a condition.
    null : (c,)
        ∅.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        E ℓ at each level.

    Raises
    ------
    ValueError
        If p is outside [0, 1], or as for :func:`conditional_expectation`.
    """
    p, token = _token(pairs, probability, null)
    told = conditional_expectation(score, pairs, sigma, weight=weight)
    value: Float = (1 - p) * told + p * expectations.multilevel(_at(score, token), pairs.data, sigma, weight=weight)
    return value  # (CFG.2)


def classifier_free_variance(
    score: ConditionalAffineScore,
    pairs: Pairs,
    sigma: ArrayLike,
    *,
    probability: float,
    null: ArrayLike,
    weight: Weight = np.square,
) -> Float:
    """Var of one sample of ``objectives.classifier_free`` at each level, over the drawn drop too.

        Var ℓ = (1 - p) Var ℓ(y) + p Var ℓ(∅) + p (1 - p) (E ℓ(y) - E ℓ(∅))²                          (CFG.4)

    Parameters
    ----------
    score : ConditionalAffineScore
        The model.
    pairs : Pairs
        The joint law of (x0, y), a ``Gaussian``.
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    probability : float
        p, in [0, 1], of dropping a condition.
    null : (c,)
        ∅.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    (\\*levels,)
        Var ℓ at each level.

    Raises
    ------
    TypeError
        If the joint law is a mixture or a finite data set.
    ValueError
        If p is outside [0, 1], or as for :func:`conditional_variance`.
    """
    p, token = _token(pairs, probability, null)
    untold, data = _at(score, token), pairs.data
    gap = conditional_expectation(score, pairs, sigma, weight=weight) - expectations.multilevel(
        untold, data, sigma, weight=weight
    )
    within = (1 - p) * conditional_variance(score, pairs, sigma, weight=weight)
    within = within + p * variances.multilevel(untold, data, sigma, weight=weight)
    value: Float = within + p * (1 - p) * gap**2  # (CFG.4)
    return value


def classifier_free_minimiser(
    pairs: Pairs, sigma: ArrayLike, *, probability: float, null: ArrayLike, weight: Weight = np.square
) -> ConditionalAffineScore:
    """The affine score that minimises ``classifier_free_expectation``: (CSM.7) for the moments (CFG.3).

    Parameters
    ----------
    pairs : Pairs
        Moments of (x0, y).
    sigma : (n,)
        Noise levels, in the data's unit; σ > 0.
    probability : float
        p, in [0, 1), of dropping a condition.
    null : (c,)
        ∅.
    weight : callable or array_like
        λ, as for the objective.

    Returns
    -------
    ConditionalAffineScore
        A compromise: for 0 < p it is neither the conditional nor, at ∅, the unconditional score, unless y and x0 are
        uncorrelated.

    Raises
    ------
    ValueError
        If p is 1 or outside [0, 1], or as for :func:`conditional_minimiser`.
    """
    return conditional_minimiser(dropped_pairs(pairs, probability=probability, null=null), sigma, weight=weight)


def _level(score: ConditionalAffineScore) -> LevelAffineScore:
    return LevelAffineScore(score.matrix, score.centre)


def _at(score: ConditionalAffineScore, condition: Float) -> LevelAffineScore:
    """The score at one condition: its centre is moved by W y."""
    return LevelAffineScore(score.matrix, score.centre + score.gain @ condition)


def _token(pairs: Pairs, probability: float, null: ArrayLike) -> tuple[float, Float]:
    p = number(probability, "probability", not_negative)
    if p > 1:
        raise ValueError(f"probability is {p}; expected 0 <= probability <= 1")
    return p, of_shape(as_float64(null, "null"), "null", (len(pairs.joint.mean) - pairs.d,), "one condition")
