"""What each objective is worth on a mixture in one or two dimensions, for any score model: by quadrature, with errors.

A function here has the name of the objective it tells the truth about, and returns its expectation and the variance of
one sample. The integrals are over x alone, also where an objective draws more than x:

* noise: given the component k and x = x0 + σ ε the noise is Gaussian, so that the residual s(x) + ε/σ is, and with
  C_k = Σ_k + σ² I

      s(x) + ε/σ ~ N(s(x) + C_k⁻¹ (x - μ_k), Σ_k C_k⁻¹ / σ²)   given x, k                             (QDR.4)

  of which ½ |r|² has the mean (EXPECT.4) and the variance (VAR.4);
* projections: what they add to the variance is linear in three sums of squares of H, which are integrated, see
  ``refscore.exact.projections``.

Both parts of the variance are expectations of squares, with m = E ℓ from a first quadrature:

    Var ℓ = E (E[ℓ given x] - m)² + E Var[ℓ given x]                                                  (QDR.5)

For an objective that is not here: :func:`over_data` and, on the line, :func:`over_data_and_noise`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore import objectives
from refscore.arrays import Float, integer, number, of_shape, positive
from refscore.exact.boxes import Owners
from refscore.exact.projections import Projection, Squares
from refscore.exact.quadrature import Expectation, expectation, expectation_given_component, with_noise
from refscore.models.protocol import ScoreModel
from refscore.objectives.multilevel import level_weight
from refscore.targets import Gaussian, Mixture

__all__ = [
    "Truth",
    "denoising",
    "explicit",
    "implicit",
    "multilevel",
    "over_data",
    "over_data_and_noise",
    "over_data_and_signs",
    "sliced",
    "sliced_variance_reduced",
]

UNRESOLVED = 2.0**-80  # of E ℓ²: a variance that rounding of ℓ can make

Score = Callable[[Float], Float]


class Truth(NamedTuple):
    """What one sample of an objective is on average, and how much it scatters.

    Parameters
    ----------
    expectation : Expectation
        E ℓ and its error.
    variance : Expectation
        Var ℓ and its error.
    """

    expectation: Expectation
    variance: Expectation


def over_data(loss: Callable[[Float], Float], mixture: Mixture | Gaussian, *, rtol: float = 1e-10) -> Truth:
    """Expectation and variance of a function of x alone.

    Parameters
    ----------
    loss : callable
        ℓ, from (n, d) to (n,).
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ.

    Examples
    --------
    ½ |x|² on N(0, I) in two dimensions is exponential, of mean 1 and variance 1:

    >>> import refscore as rs
    >>> found = over_data(lambda x: 0.5 * (x**2).sum(-1), rs.targets.gaussian([0, 0]))
    >>> [round(float(part.value), 9) for part in found]
    [1.0, 1.0]
    """
    return _truth(lambda x, _: (loss(x), np.zeros(len(x))), mixture, rtol)


def over_data_and_noise(
    loss: Callable[[Float, Float], Float], mixture: Mixture | Gaussian, *, rtol: float = 1e-10
) -> Truth:
    """Expectation and variance of a function of x0 and ε ~ N(0, 1), on the line: an integral in two dimensions.

    Parameters
    ----------
    loss : callable
        ℓ, from x0 (n, 1) and ε (n, 1) to (n,).
    mixture : Mixture or Gaussian
        The law of x0, d = 1.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ.

    Raises
    ------
    ValueError
        If d > 1.

    Examples
    --------
    The denoising objective of the zero score is ½ ε²/σ², with mean 2 and variance 8 for σ = ½:

    >>> import refscore as rs
    >>> p = rs.targets.mixture([0.5, 0.5], [[-1], [2]])
    >>> found = over_data_and_noise(lambda x0, noise: rs.objectives.denoising(lambda x: 0 * x, x0, noise, 0.5), p)
    >>> [round(float(part.value), 9) for part in found]
    [2.0, 8.0]
    """
    if mixture.d != 1:
        raise ValueError(f"mixture has d = {mixture.d}; expected 1: with its noise x is in twice as many dimensions")
    return over_data(lambda y: loss(y[:, :1], y[:, 1:]), with_noise(mixture), rtol=rtol)


def over_data_and_signs(
    loss: Callable[[Float, Float], Float],
    mixture: Mixture | Gaussian,
    *,
    n_projections: int = 1,
    rtol: float = 1e-10,
) -> Truth:
    """Expectation and variance of a function of x and m independent vectors of random signs, averaged over them.

    Parameters
    ----------
    loss : callable
        ℓ, from x (n, d) and one projection of each (1, n, d) to (n,).
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    n_projections : int
        m ≥ 1; ℓ is the mean over the m projections of a function of one.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ, with no error beside the quadrature's: the 2^d sign vectors are the whole law.

    Examples
    --------
    >>> import refscore as rs
    >>> from refscore.exact.projections import rademacher_projection
    >>> p, s = rs.targets.gaussian([1, 0]), rs.models.AffineScore([[2, 1], [0, 1]], [1, 0])
    >>> found = over_data_and_signs(lambda x, v: rs.objectives.sliced(s, x, v), p).variance
    >>> bool(abs(found.value - rs.exact.variances.sliced(s, p, projection=rademacher_projection)) <= found.error)
    True
    """
    m = integer(n_projections, "n_projections", 1)
    signs = np.array(list(product([1.0, -1.0], repeat=mixture.d)))

    def given(x: Float, _: Owners) -> tuple[Float, Float]:
        each = np.stack([of_shape(loss(x, np.broadcast_to(v, (1, *x.shape))), "loss", (len(x),), "x") for v in signs])
        return each.mean(0), each.var(0) / m

    return _truth(given, mixture, rtol)


def explicit(score: Score, mixture: Mixture | Gaussian, *, rtol: float = 1e-10) -> Truth:
    """Truth about ``objectives.explicit`` on a mixture.

    Parameters
    ----------
    score : callable
        s, from (n, d) to (n, d).
    mixture : Mixture or Gaussian
        The law p of x, d ≤ 2; ∇ log p is its score.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ, half the Fisher divergence, and Var ℓ.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 4), rs.models.AffineScore([[2]], [0.5])
    >>> round(float(explicit(s, p).expectation.value), 9), rs.exact.expectations.explicit(s, p)
    (6.625, 6.625)
    """
    return over_data(lambda x: objectives.explicit(score, x, mixture.score(x)), mixture, rtol=rtol)


def implicit(score: ScoreModel, mixture: Mixture | Gaussian, *, rtol: float = 1e-10) -> Truth:
    """Truth about ``objectives.implicit`` on a mixture.

    Parameters
    ----------
    score : ScoreModel
        s, with its `trace`.
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ, by (ISM.1) the explicit one minus ½ E |∇ log p|², and Var ℓ.
    """
    return over_data(lambda x: objectives.implicit(score, x), mixture, rtol=rtol)


def sliced(
    score: ScoreModel,
    mixture: Mixture | Gaussian,
    *,
    projection: Projection,
    n_projections: int = 1,
    rtol: float = 1e-10,
) -> Truth:
    """Truth about ``objectives.sliced`` on a mixture, over x and m independent projections: H = J + ½ s sᵀ.

    Parameters
    ----------
    score : ScoreModel
        s, with its `jacobian` and `trace`.
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    projection : callable
        The law of v, from ``refscore.exact.projections``.
    n_projections : int
        How many projections m each sample has, drawn independently.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ, that of :func:`implicit`, and Var ℓ.
    """
    return _projected(score, mixture, 0.5, projection, n_projections, rtol)


def sliced_variance_reduced(
    score: ScoreModel,
    mixture: Mixture | Gaussian,
    *,
    projection: Projection,
    n_projections: int = 1,
    rtol: float = 1e-10,
) -> Truth:
    """Truth about ``objectives.sliced_variance_reduced`` on a mixture: as for :func:`sliced` with H = J.

    Parameters
    ----------
    score : ScoreModel
        s, with its `jacobian` and `trace`.
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    projection : callable
        The law of v, from ``refscore.exact.projections``.
    n_projections : int
        How many projections m each sample has, drawn independently.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ, that of :func:`implicit`, and Var ℓ.
    """
    return _projected(score, mixture, 0.0, projection, n_projections, rtol)


def denoising(score: Score, mixture: Mixture | Gaussian, sigma: float, *, rtol: float = 1e-10) -> Truth:
    """Truth about ``objectives.denoising`` on a mixture, over x0 and ε: (QDR.4) and (QDR.5).

    Parameters
    ----------
    score : callable
        s, from (n, d) to (n, d).
    mixture : Mixture or Gaussian
        The law of the clean x0, d ≤ 2.
    sigma : float
        Noise level, in the data's unit; σ > 0.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ.

    Raises
    ------
    ValueError
        If `sigma` is not one positive number, or d > 2.

    Examples
    --------
    >>> import refscore as rs
    >>> p, s = rs.targets.gaussian([1], 9), rs.models.AffineScore([[2]], [0.5])
    >>> round(float(denoising(s, p, 0.5).expectation.value), 9), rs.exact.expectations.denoising(s, p, 0.5)
    (19.0, 19.0)
    """
    level = number(sigma, "sigma", positive)
    noised = mixture.perturb(1.0, level)
    means, covs = (noised.mean[None], noised.cov[None]) if isinstance(noised, Gaussian) else (noised.means, noised.covs)
    inverse = np.linalg.inv(covs)
    clean = mixture.cov[None] if isinstance(mixture, Gaussian) else mixture.covs
    cov = clean @ inverse / level**2

    def given(x: Float, k: Owners) -> tuple[Float, Float]:
        s = of_shape(score(x), "score(x)", x.shape, "x")
        mean = s + np.einsum("nij,nj->ni", inverse[k], x - means[k])  # (QDR.4)
        value = 0.5 * ((mean**2).sum(-1) + np.trace(cov[k], axis1=1, axis2=2))
        return value, 0.5 * (cov[k] ** 2).sum((1, 2)) + np.einsum("ni,nij,nj->n", mean, cov[k], mean)

    return _truth(given, noised, rtol)


def multilevel(
    score: Callable[[Float, Float], Float],
    mixture: Mixture | Gaussian,
    sigma: ArrayLike,
    *,
    weight: Callable[[Float], ArrayLike] | ArrayLike = np.square,
    rtol: float = 1e-10,
) -> Truth:
    """Truth about ``objectives.multilevel`` at each level: λ(σ) times E and λ(σ)² times Var of :func:`denoising`.

    Parameters
    ----------
    score : callable
        s, from (n, d) and levels (n,) to (n, d).
    mixture : Mixture or Gaussian
        The law of the clean x0, d ≤ 2.
    sigma : (\\*levels,)
        Noise levels, in the data's unit; σ > 0.
    weight : callable or array_like
        λ, as for the objective.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ at each level, (\\*levels,).
    """
    levels = positive(sigma, "sigma")
    found = [
        denoising(lambda x, level=level: score(x, np.full(len(x), level)), mixture, level, rtol=rtol)  # type: ignore[misc]
        for level in levels.ravel().tolist()
    ]
    scale = level_weight(weight, levels)
    numbers = np.array([[part.value, part.error] for truth in found for part in truth])
    numbers = numbers.reshape(len(found), 2, 2).transpose(1, 2, 0).reshape(2, 2, *levels.shape)
    mean, variance = numbers
    return Truth(Expectation(*(scale * mean)), Expectation(*(scale**2 * variance)))


def _projected(
    score: ScoreModel, mixture: Mixture | Gaussian, half: float, projection: Projection, n_projections: int, rtol: float
) -> Truth:
    """Truth about tr J + ½ |s|² through projections of J + half s sᵀ."""
    m = integer(n_projections, "n_projections", 1)
    mean, variance = implicit(score, mixture, rtol=rtol)

    def sums(x: Float) -> Float:
        s, jacobian = score(x), score.jacobian(x)
        h = 0.5 * (jacobian + np.swapaxes(jacobian, 1, 2)) + half * s[:, :, None] * s[:, None, :]
        diagonal = np.diagonal(h, axis1=1, axis2=2)
        off = h[:, ~np.eye(h.shape[1], dtype=bool)]
        spread = diagonal - diagonal.mean(1, keepdims=True)
        return np.stack([(off**2).sum(1), (diagonal**2).sum(1), (spread**2).sum(1)], axis=1)

    value, error = expectation(sums, mixture, rtol=rtol)
    given, off_by = (projection(Squares(mixture.d, *map(float, part))) / m for part in (value, error))
    return Truth(mean, Expectation(variance.value + given, variance.error + off_by))  # (QDR.5)


def _truth(given: Callable[[Float, Owners], tuple[Float, Float]], mixture: Mixture | Gaussian, rtol: float) -> Truth:
    """From mean and variance of ℓ given x and its component."""

    def first(x: Float, k: Owners) -> Float:
        value, _ = given(x, k)
        return np.stack([value, value**2], axis=1)

    both = expectation_given_component(first, mixture, rtol=rtol)
    mean, square = both.value
    error = both.error[0]

    def squares(x: Float, k: Owners) -> Float:
        value, variance = given(x, k)
        total: Float = (value - mean) ** 2 + variance  # (QDR.5)
        return total

    # What is below the square of the rounding of ℓ is 0.
    variance = expectation_given_component(squares, mixture, rtol=rtol, atol=float(UNRESOLVED * square))
    return Truth(Expectation(mean, error), Expectation(variance.value, variance.error + error**2))
