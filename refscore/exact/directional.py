"""The truth about score matching on spheres and simplices.

The objectives are polynomials in quantities whose moments are known:

* the von Mises-Fisher score κ μ on the sphere: powers of t = μ·z, by quotients of Bessel functions;
* the Dirichlet score on the simplex with the weight Π u_j: products of powers of the shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ive, poch

from refscore.arrays import Float, integer, number, positive, samples

__all__ = [
    "Cosines",
    "simplex_expectation",
    "simplex_minimiser",
    "simplex_variance",
    "sphere_expectation",
    "sphere_minimiser",
    "sphere_variance",
    "von_mises_fisher_cosines",
]


@final
@dataclass(frozen=True, slots=True)
class Cosines:
    """Moments of t = μ·z, the cosine between a direction μ and a unit vector z.

    Parameters
    ----------
    d : int
        Dimension of the space.
    first : float
        E t.
    off : float
        E (1 - t²).
    crossed : float
        E t (1 - t²).
    off_square : float
        E (1 - t²)².
    """

    d: int
    first: float
    off: float
    crossed: float
    off_square: float


def von_mises_fisher_cosines(kappa: float, d: int) -> Cosines:
    """Moments of t = μ·z for z ~ vMF(μ, κ), density ∝ e^(κ μ·z) on the unit sphere.

        E t = R_1,   E (1 - t²) = (d - 1) R_1/κ,   E t (1 - t²) = (d - 1) R_2/κ,
        E (1 - t²)² = (d² - 1) R_2/κ²,   R_j = I_{d/2-1+j}(κ)/I_{d/2-1}(κ)                            (SPH.5)

    Parameters
    ----------
    kappa : float
        κ > 0.
    d : int
        Dimension of the space, at least 2.

    Returns
    -------
    Cosines
        The moments.

    Raises
    ------
    ValueError
        If `kappa` is not positive.

    Examples
    --------
    For d = 3, coth κ - 1/κ:

    >>> found = von_mises_fisher_cosines(2.0, 3)
    >>> abs(found.first - (1 / np.tanh(2) - 0.5)) < 1e-15
    np.True_
    """
    k, d = number(kappa, "kappa", positive), integer(d, "d", 2)
    base = d / 2 - 1
    one, two = (float(ive(base + j, k) / ive(base, k)) for j in (1, 2))
    return Cosines(d, one, (d - 1) * one / k, (d - 1) * two / k, (d * d - 1) * two / k**2)  # (SPH.5)


def sphere_expectation(kappa: float, data: Cosines) -> float:
    """E of ``objectives.sphere`` for the score κ μ, with g = 1.

        E ℓ = ½ κ² E(1 - t²) - (d - 1) κ E t                                                          (SPH.6)

    Parameters
    ----------
    kappa : float
        κ of the model, about the direction μ that t is measured from.
    data : Cosines
        Moments of t = μ·z of the data.

    Returns
    -------
    float
        E ℓ.

    Examples
    --------
    At the data's own κ it is -½ E |P ∇ log p|² = -½ κ² E(1 - t²):

    >>> data = von_mises_fisher_cosines(2.0, 3)
    >>> abs(sphere_expectation(2.0, data) + 2 * data.off) < 1e-14
    True
    """
    k = number(kappa, "kappa")
    return 0.5 * k**2 * data.off - (data.d - 1) * k * data.first  # (SPH.6)


def sphere_variance(kappa: float, data: Cosines) -> float:
    """Variance of one sample of ``objectives.sphere`` for the score κ μ, with g = 1.

        Var ℓ = ¼ κ⁴ E(1 - t²)² - (d - 1) κ³ E t(1 - t²) + (d - 1)² κ² [1 - E(1 - t²)] - (E ℓ)²       (SPH.7)

    Parameters
    ----------
    kappa : float
        As for :func:`sphere_expectation`.
    data : Cosines
        As for :func:`sphere_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Examples
    --------
    >>> sphere_variance(0.0, von_mises_fisher_cosines(2.0, 3))
    0.0
    """
    k, n = number(kappa, "kappa"), data.d - 1
    square = 0.25 * k**4 * data.off_square - n * k**3 * data.crossed + n**2 * k**2 * (1 - data.off)
    return square - sphere_expectation(k, data) ** 2  # (SPH.7)


def sphere_minimiser(data: Cosines) -> float:
    """The κ that minimises :func:`sphere_expectation`, for data of any law.

        κ = (d - 1) E t / E(1 - t²)                                                                   (SPH.8)

    Parameters
    ----------
    data : Cosines
        As for :func:`sphere_expectation`.

    Returns
    -------
    float
        κ; of von Mises-Fisher data their own.

    Notes
    -----
    Not to be confused with the maximum-likelihood κ, the root of I_{d/2}(κ)/I_{d/2-1}(κ) = E t.

    References
    ----------
    Mardia, Kent & Laha (2016), Score matching estimators for directional distributions, arXiv 1604.08470.

    Examples
    --------
    >>> round(sphere_minimiser(von_mises_fisher_cosines(0.75, 4)), 12)
    0.75
    """
    return (data.d - 1) * data.first / data.off  # (SPH.8)


def simplex_expectation(model: ArrayLike, data: ArrayLike) -> float:
    """E of ``objectives.simplex`` for a Dirichlet model on Dirichlet data, with the weight Π u_j.

        ℓ = Π_j u_j [Σ_i (½ c_i² + c_i)/u_i - ½ C² - (3 d - 2) C],   c = 2 α - 1,   C = Σ c_i         (SIM.7)

    Parameters
    ----------
    model, data : (d,)
        α of the model and of the data, > 0; the density of u is ∝ Π u_j^(α_j - 1).

    Returns
    -------
    float
        E ℓ, with the weight ``orthant_product(1)``.

    Raises
    ------
    ValueError
        If the shapes differ, or an α is not positive.

    Examples
    --------
    A uniform law on two shares, by hand: c = (1, 1), ℓ = 1.5 - 10 u_1 u_2.

    >>> round(simplex_expectation([1, 1], [1, 1]), 12), round(1.5 - 10 / 6, 12)
    (-0.166666666667, -0.166666666667)
    """
    weights, constant, alpha = _dirichlet(model, data)
    one = np.ones(len(alpha))
    eye = np.eye(len(alpha))
    parts = [w * _product_moment(alpha, one - e) for w, e in zip(weights, eye, strict=True)]
    return float(sum(parts) - constant * _product_moment(alpha, one))  # (SIM.7)


def simplex_variance(model: ArrayLike, data: ArrayLike) -> float:
    """Variance of one sample of ``objectives.simplex`` for a Dirichlet model on Dirichlet data, weight Π u_j.

        E Π_j u_j^k_j = Π_j (α_j)_{k_j} / (Σ α_j)_{Σ k_j},   (α)_k = α (α + 1) ⋯ (α + k - 1)          (SIM.8)

    Parameters
    ----------
    model, data : (d,)
        As for :func:`simplex_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    ValueError
        If the shapes differ, or an α is not positive.

    Examples
    --------
    ℓ = 1.5 - 10 v with v = u_1 u_2, E v = 1/6, E v² = 1/30:

    >>> round(simplex_variance([1, 1], [1, 1]), 12), round(100 * (1 / 30 - 1 / 36), 12)
    (0.555555555556, 0.555555555556)
    """
    weights, constant, alpha = _dirichlet(model, data)
    two, eye = np.full(len(alpha), 2.0), np.eye(len(alpha))
    square = constant**2 * _product_moment(alpha, two)
    for w, e in zip(weights, eye, strict=True):
        square -= 2 * constant * w * _product_moment(alpha, two - e)
        square += sum(w * v * _product_moment(alpha, two - e - f) for v, f in zip(weights, eye, strict=True))
    return float(square - simplex_expectation(model, data) ** 2)


def simplex_minimiser(data: ArrayLike) -> Float:
    """The α that minimises :func:`simplex_expectation`: the data's own.

        c_i + 1 = α_i (C + 3 d - 2) / (Σ α_j + d - 1), solved by c = 2 α - 1                          (SIM.9)

    Parameters
    ----------
    data : (d,)
        α of the data, > 0.

    Returns
    -------
    (d,)
        α.

    Raises
    ------
    ValueError
        If an α is not positive.

    Examples
    --------
    >>> simplex_minimiser([0.5, 2])
    array([0.5, 2. ])
    """
    return positive(samples(data, "data"), "data").copy()  # (SIM.9)


def _dirichlet(model: ArrayLike, data: ArrayLike) -> tuple[Float, float, Float]:
    """What stands before g/u_i and before -g in (SIM.7), and α of the data."""
    alpha = positive(samples(data, "data"), "data")
    c = 2 * positive(samples(model, "model", alpha.shape[-1]), "model") - 1
    if alpha.ndim != 1 or c.ndim != 1:
        raise ValueError(f"model and data have shapes {c.shape} and {alpha.shape}; expected (d,)")
    total = c.sum()
    return 0.5 * c**2 + c, float(0.5 * total**2 + (3 * len(c) - 2) * total), alpha


def _product_moment(alpha: Float, power: Float) -> float:
    return float(np.prod(poch(alpha, power)) / poch(alpha.sum(), power.sum()))  # (SIM.8)
