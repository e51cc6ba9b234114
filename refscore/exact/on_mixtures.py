"""What each objective is worth on a mixture in one or two dimensions, for any score model: by quadrature, with errors.

A function here has the name of the objective it tells the truth about, and returns its expectation and the variance of
one sample. The integrals are over x alone, also where an objective draws more than x:

* noise: given the component k and x = x0 + σ ε the noise is Gaussian, so that the residual s(x) + ε/σ is, and with
  C_k = Σ_k + σ² I

      s(x) + ε/σ ~ N(s(x) + C_k⁻¹ (x - μ_k), Σ_k C_k⁻¹ / σ²)   given x, k                             (QDR.4)

  of which ½ |r|² has the mean (EXPECT.4) and the variance (VAR.4);
* projections: what they add to the variance is linear in three sums of squares of H, which are integrated, see
  ``refscore.exact.projections``.

For an objective that is not here, and for how a variance is put together (QDR.5): ``refscore.exact.truth``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from refscore import objectives
from refscore.arrays import Float, integer, number, of_shape, positive
from refscore.exact.boxes import Owners
from refscore.exact.projections import Projection, Squares
from refscore.exact.quadrature import Expectation, expectation
from refscore.exact.truth import Truth, given_x, over_data, over_data_and_noise, over_data_and_signs
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

Score = Callable[[Float], Float]


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

    return given_x(given, noised, rtol=rtol)


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
