"""The observed order of convergence, from errors at a few step counts, with its sign and its uncertainty.

If e(h) = C h^p (1 + c h + …) with h = 1/n, the slope between two step counts misses p by a known function of h, and two
slopes extrapolate to h = 0. That is the difference between 0.9 and 0.999, and between a bug and the next order's term.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64

__all__ = ["Order", "observed_order", "order_of"]


class Order(NamedTuple):
    """An observed order of convergence.

    Parameters
    ----------
    value : float
        p, with its sign.
    uncertainty : float
        How far the two last extrapolations are apart.
    """

    value: float
    uncertainty: float


def observed_order(errors: ArrayLike, steps: ArrayLike | None = None) -> float:
    """Signed order of convergence from at least three errors: the value of :func:`order_of`, without its uncertainty.

        p_i = log(e_i / e_{i+1}) / log(n_{i+1} / n_i)                                                  (ORD.1)
        p = (L_i p_{i+1} - L_{i+1} p_i) / (L_i - L_{i+1}),   L_i = (h_i - h_{i+1}) / log(h_i / h_{i+1})   (ORD.2)

    Parameters
    ----------
    errors : (k,)
        Positive errors, k ≥ 3.
    steps : (k,), optional
        Step counts n_i, increasing; default 1, 2, 4, …

    Returns
    -------
    float
        p; negative if the errors grow.

    Raises
    ------
    ValueError
        If there are fewer than three errors, one is not positive, or the step counts do not increase.

    Notes
    -----
    Doubling the steps gives p = 2 p_{i+1} - p_i. Not to be confused with |p|, which some suites report: a method that
    diverges at rate 2 then passes for one of order 2.

    Examples
    --------
    >>> round(observed_order([h + h**2 for h in (0.1, 0.05, 0.025)]), 3)
    1.002
    >>> observed_order([1.0, 4.0, 16.0])
    -2.0
    """
    e, n = _checked(errors, steps, 3)
    return float(_extrapolated(e, n)[-1])


def order_of(errors: ArrayLike, steps: ArrayLike | None = None) -> Order:
    """Signed order of convergence with an uncertainty, from at least four errors.

        p = (L_i p_{i+1} - L_{i+1} p_i) / (L_i - L_{i+1}),   uncertainty = |p - the one before|          (ORD.3)

    Parameters
    ----------
    errors : (k,)
        Positive errors, k ≥ 4.
    steps : (k,), optional
        Step counts n_i, increasing; default 1, 2, 4, …

    Returns
    -------
    Order
        ``value`` and ``uncertainty``. The uncertainty is the error of the extrapolation before the last, so it is
        cautious as long as the errors are above rounding.

    Raises
    ------
    ValueError
        If there are fewer than four errors, one is not positive, or the step counts do not increase.

    Examples
    --------
    >>> steps = [10, 30, 60, 100]
    >>> found = order_of([(1 / n) ** 2 * (1 + 1 / n) for n in steps], steps)
    >>> round(found.value, 3), found.uncertainty < 0.003
    (2.0, True)
    """
    e, n = _checked(errors, steps, 4)
    p = _extrapolated(e, n)
    return Order(float(p[-1]), float(abs(p[-1] - p[-2])))  # (ORD.3)


def _checked(errors: ArrayLike, steps: ArrayLike | None, least: int) -> tuple[Float, Float]:
    e = as_float64(errors, "errors")
    if e.ndim != 1 or len(e) < least:
        raise ValueError(f"errors has shape {e.shape}; expected (k,) with k ≥ {least}")
    if not (e > 0).all():
        k = int(np.argmax(e <= 0))
        raise ValueError(f"errors[{k}] is {e[k]}; expected it positive (0 is an exact method, or one lost in rounding)")
    n = as_float64(2.0 ** np.arange(len(e)) if steps is None else steps, "steps")
    if n.shape != e.shape or not (n > 0).all() or not (np.diff(n) > 0).all():
        raise ValueError(f"steps is {n}; expected {len(e)} increasing step counts, one for each error")
    return e, n


def _extrapolated(errors: Float, steps: Float) -> Float:
    h = 1 / steps
    ratio = np.log(h[:-1] / h[1:])
    slope = np.log(errors[:-1] / errors[1:]) / ratio  # (ORD.1)
    at = (h[:-1] - h[1:]) / ratio  # the slope over [h', h] is that of the derivative at the logarithmic mean of h, h'
    value: Float = (at[:-1] * slope[1:] - at[1:] * slope[:-1]) / (at[:-1] - at[1:])  # (ORD.2)
    return value
