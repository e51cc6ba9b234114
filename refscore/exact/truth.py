"""Expectation and variance of one sample of any objective on a mixture, by quadrature.

Three ways to say what an objective draws: x alone (:func:`over_data`), x and normals on the line
(:func:`over_data_and_noise`), x and random signs (:func:`over_data_and_signs`); or its mean and variance given x, where
these are known (:func:`given_x`). Both parts of the variance are expectations of squares, with m = E ℓ from a first
quadrature, so that no two large numbers are subtracted:

    Var ℓ = E (E[ℓ given x] - m)² + E Var[ℓ given x]                                                  (QDR.5)

For objectives by name see ``refscore.exact.on_mixtures``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from refscore.arrays import Float, integer, of_shape
from refscore.exact.boxes import Owners
from refscore.exact.quadrature import Expectation, expectation_given_component, with_noise
from refscore.targets import Gaussian, Mixture

__all__ = ["Truth", "given_x", "over_data", "over_data_and_noise", "over_data_and_signs"]

UNRESOLVED = 2.0**-80  # of E ℓ²: a variance that rounding of ℓ can make


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


def given_x(
    given: Callable[[Float, Owners], tuple[Float, Float]], mixture: Mixture | Gaussian, *, rtol: float = 1e-10
) -> Truth:
    """Expectation and variance of an objective that draws more than x, from its mean and variance given x.

        Var ℓ = E (E[ℓ given x] - m)² + E Var[ℓ given x],   m = E ℓ                                   (QDR.5)

    Parameters
    ----------
    given : callable
        From points (n, d) and their components (n,) to the mean and the variance of ℓ there, (n,) and (n,).
    mixture : Mixture or Gaussian
        The law of x, d ≤ 2.
    rtol : float
        As for :func:`~refscore.exact.expectation`.

    Returns
    -------
    Truth
        E ℓ and Var ℓ.
    """

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
    return given_x(lambda x, _: (loss(x), np.zeros(len(x))), mixture, rtol=rtol)


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

    return given_x(given, mixture, rtol=rtol)
