"""The truth about ratio matching: everything by enumeration of d bits.

Expectations are in the explicit form, from the data's own conditional probabilities, so that they share nothing with
the objective but the numbering of states, that of ``objectives.hamming_neighbours``: bit 0 counts 1.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, of_shape, positive
from refscore.exact.finite import law, spread
from refscore.objectives.neighbourhoods import Table, hamming_neighbours

__all__ = [
    "ratio_matching_expectation",
    "ratio_matching_minimiser",
    "ratio_matching_variance",
]


def ratio_matching_expectation(model: ArrayLike, probabilities: ArrayLike) -> float:
    """E of ``objectives.ratio_matching``, in the explicit form.

        E ℓ = E Σ_i (q_i - p_i)² + E Σ_i p_i²                                                         (RTM.6)

    Parameters
    ----------
    model : (2^d,)
        q > 0 of every state, up to a constant factor.
    probabilities : (2^d,)
        p > 0 of every state, with sum 1.

    Returns
    -------
    float
        E ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or the probabilities do not sum to 1.

    Examples
    --------
    A fair coin under a model of 3 : 1, ½ (¼)² + ½ (¾)²:

    >>> ratio_matching_expectation([1, 3], [0.5, 0.5]), 0.5 * 0.25**2 + 0.5 * 0.75**2
    (0.3125, 0.3125)
    """
    p = law(probabilities)
    best, own = ratio_matching_minimiser(p), ratio_matching_minimiser(of_shape(model, "model", p.shape, "p"))
    return float(p @ ((own - best) ** 2 + best**2).sum(-1))  # (RTM.6)


def ratio_matching_minimiser(probabilities: ArrayLike) -> Float:
    """The conditional probabilities that minimise ratio matching: the data's own.

        p_i(x) = p(x^(i)) / (p(x) + p(x^(i)))                                                         (RTM.5)

    Parameters
    ----------
    probabilities : (2^d,)
        p > 0 of every state; a constant factor does not matter.

    Returns
    -------
    (2^d, d)
        p_i(x), the probability that bit i is the other one given the rest.

    Raises
    ------
    ValueError
        If their number is no power of two, or one is not positive.

    Examples
    --------
    >>> ratio_matching_minimiser([1, 3])
    array([[0.75],
           [0.25]])
    """
    p = positive(as_float64(probabilities, "probabilities"), "probabilities")
    turned = p[_cube(p)]
    value: Float = turned / (p[:, None] + turned)  # (RTM.5)
    return value


def ratio_matching_variance(model: ArrayLike, probabilities: ArrayLike) -> float:
    """Variance of one sample of ``objectives.ratio_matching``.

        Var ℓ = Σ_x p(x) (ℓ(x) - E ℓ)²                                                                (RTM.7)

    Parameters
    ----------
    model : (2^d,)
        As for :func:`ratio_matching_expectation`.
    probabilities : (2^d,)
        As for :func:`ratio_matching_expectation`.

    Returns
    -------
    float
        Var ℓ.

    Raises
    ------
    ValueError
        If a shape does not fit, or the probabilities do not sum to 1.

    Examples
    --------
    >>> ratio_matching_variance([1, 3], [0.5, 0.5]), (0.25 * (0.75**2 - 0.25**2) ** 2)
    (0.0625, 0.0625)
    """
    p = law(probabilities)
    values = (ratio_matching_minimiser(of_shape(model, "model", p.shape, "probabilities")) ** 2).sum(-1)
    return spread(values, p)  # (RTM.7)


def _cube(p: Float) -> Table:
    """The neighbours of d bits, for 2^d states."""
    d = len(p).bit_length() - 1 if p.ndim == 1 else 0
    if d < 1 or len(p) != 2**d:
        raise ValueError(f"probabilities has shape {p.shape}; expected (2^d,)")
    return hamming_neighbours(d)
