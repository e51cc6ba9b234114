"""The truth about generalised score matching on the half-line, for affine scores with h = x^a.

The objective is a polynomial in x, so it is the moments of the data that count; those of truncated normal, gamma and
exponential data are at hand. On a product of half-lines, with a diagonal A, the coordinates add up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx

from refscore.arrays import Float, as_float64, integer, number, positive
from refscore.models.affine import AffineScore

__all__ = [
    "gamma_moments",
    "nonnegative_expectation",
    "nonnegative_minimiser",
    "nonnegative_variance",
    "truncated_normal_moments",
]


def truncated_normal_moments(mean: float, std: float, order: int) -> Float:
    """Moments of N(μ, σ²) given x > 0.

        m_0 = 1,   m_1 = μ + σ φ(μ/σ)/Φ(μ/σ),   m_{k+1} = μ m_k + k σ² m_{k-1}                        (NNG.10)

    Parameters
    ----------
    mean : float
        μ, of the normal before it is truncated.
    std : float
        σ > 0.
    order : int
        The highest moment, at least 1.

    Returns
    -------
    (order + 1,)
        m_0 … m_order.

    Raises
    ------
    ValueError
        If `std` is not positive.

    Notes
    -----
    For μ < 0 the recursion subtracts, and loses about log₁₀ (μ/σ)² digits a step.

    Examples
    --------
    The half-normal: √(2/π), 1, 2 √(2/π).

    >>> truncated_normal_moments(0, 1, 3) / np.array([1, (2 / np.pi) ** 0.5, 1, 2 * (2 / np.pi) ** 0.5])
    array([1., 1., 1., 1.])
    """
    mu, sigma, top = number(mean, "mean"), number(std, "std", positive), integer(order, "order", 1)
    hazard = np.sqrt(2 / np.pi) / erfcx(-mu / (np.sqrt(2) * sigma))
    moments = [1.0, mu + sigma * hazard]
    for k in range(1, top):
        moments.append(mu * moments[k] + k * sigma**2 * moments[k - 1])  # (NNG.10)
    return np.array(moments)


def gamma_moments(shape: float, rate: float, order: int) -> Float:
    """Moments of the gamma distribution, of the exponential one for shape 1.

        m_k = α (α + 1) ⋯ (α + k - 1) / β^k                                                           (NNG.11)

    Parameters
    ----------
    shape, rate : float
        α > 0 and β > 0; the mean is α/β.
    order : int
        The highest moment, at least 1.

    Returns
    -------
    (order + 1,)
        m_0 … m_order.

    Raises
    ------
    ValueError
        If one of the two is not positive.

    Examples
    --------
    >>> gamma_moments(1, 2, 3)
    array([1.  , 0.5 , 0.5 , 0.75])
    """
    alpha, beta = number(shape, "shape", positive), number(rate, "rate", positive)
    k = np.arange(integer(order, "order", 1))
    return np.concatenate([[1.0], np.cumprod((alpha + k) / beta)])  # (NNG.11)


def nonnegative_expectation(score: AffineScore, moments: ArrayLike, *, exponent: int) -> float:
    """E of ``objectives.nonnegative`` in one dimension, with h = x^a.

        E ℓ = ½ A² m_{a+2} - A² b m_{a+1} + (½ A² b² - (a + 1) A) m_a + a A b m_{a-1}                 (NNG.12)

    Parameters
    ----------
    score : AffineScore
        The model s(x) = -A (x - b), d = 1.
    moments : (a + 3,) or longer
        m_0, m_1, … of the data on [0, ∞): :func:`truncated_normal_moments` or :func:`gamma_moments`.
    exponent : int
        a ≥ 1.

    Returns
    -------
    float
        E ℓ.

    Raises
    ------
    ValueError
        If the score is not of dimension 1, or there are too few moments.

    Examples
    --------
    At the model of the data it is -½ E h (∂ log p)²; for N(0, 1) given x > 0 and h = x that is -½ E x³:

    >>> m = truncated_normal_moments(0, 1, 3)
    >>> round(nonnegative_expectation(AffineScore([[1]], [0]), m, exponent=1) + 0.5 * float(m[3]), 12)
    0.0
    """
    terms = _polynomial(score, exponent)
    return float(terms @ _enough(moments, len(terms)))  # (NNG.12)


def nonnegative_variance(score: AffineScore, moments: ArrayLike, *, exponent: int) -> float:
    """Variance of one sample of ``objectives.nonnegative`` in one dimension, with h = x^a.

        Var ℓ = Σ_{jk} c_j c_k m_{j+k} - (E ℓ)²,   ℓ = Σ_k c_k x^k (NNG.12)                           (NNG.13)

    Parameters
    ----------
    score : AffineScore
        As for :func:`nonnegative_expectation`.
    moments : (2 a + 5,) or longer
        m_0, m_1, … of the data.
    exponent : int
        a ≥ 1.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    ValueError
        If the score is not of dimension 1, or there are too few moments.

    Examples
    --------
    With s = 0 there is nothing to vary:

    >>> nonnegative_variance(AffineScore([[0]], [1]), gamma_moments(1, 1, 6), exponent=1)
    0.0
    """
    terms = _polynomial(score, exponent)
    square = np.convolve(terms, terms)
    found = _enough(moments, len(square))
    return float(square @ found - (terms @ found[: len(terms)]) ** 2)  # (NNG.13)


def nonnegative_minimiser(moments: ArrayLike, *, exponent: int) -> AffineScore:
    """The affine score that minimises :func:`nonnegative_expectation`, for data of any law on [0, ∞).

        A = [(a + 1) m_a² - a m_{a-1} m_{a+1}] / (m_a m_{a+2} - m_{a+1}²)
        A b = (A m_{a+1} - a m_{a-1}) / m_a                                                           (NNG.14)

    Parameters
    ----------
    moments : (a + 3,) or longer
        m_0, m_1, … of the data.
    exponent : int
        a ≥ 1.

    Returns
    -------
    AffineScore
        The minimiser; of truncated normal data 1/σ² and μ.

    Raises
    ------
    ValueError
        If there are too few moments, or the best A is 0, where no b is best.

    Examples
    --------
    >>> best = nonnegative_minimiser(truncated_normal_moments(1, 2, 4), exponent=2)
    >>> round(float(best.matrix[0, 0]), 12), round(float(best.centre[0]), 12)
    (0.25, 1.0)
    """
    a = integer(exponent, "exponent", 1)
    below, m, above, far = _enough(moments, a + 3)[a - 1 :]
    matrix = ((a + 1) * m**2 - a * below * above) / (m * far - above**2)  # (NNG.14)
    if matrix == 0:
        raise ValueError("the best score is constant: A = 0, and no centre is best")
    centre = (matrix * above - a * below) / (m * matrix)
    return AffineScore(np.array([[matrix]]), np.array([centre]))  # (NNG.14)


def _polynomial(score: AffineScore, exponent: int) -> Float:
    """Coefficients c_0 … c_{a+2} of ℓ in x."""
    a = integer(exponent, "exponent", 1)
    if score.d != 1:
        raise ValueError(f"score has dimension {score.d}; expected 1")
    slope, centre = score.matrix[0, 0], score.centre[0]
    constant = 0.5 * (slope * centre) ** 2 - (a + 1) * slope
    terms = [a * slope * centre, constant, -(slope**2) * centre, 0.5 * slope**2]
    return np.concatenate([np.zeros(a - 1), terms])


def _enough(moments: ArrayLike, count: int) -> Float:
    found = as_float64(moments, "moments")
    if found.ndim != 1 or len(found) < count:
        raise ValueError(f"moments has shape {found.shape}; expected at least {count} of them, from m_0 on")
    return found[:count]
