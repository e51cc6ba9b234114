"""Values at equal distances between two ends that are met exactly."""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float

__all__ = ["line", "with_ends"]


def line(first: float, last: float, n: int) -> Float:
    """Give n values at equal distances; `first` alone where n = 1.

    Parameters
    ----------
    first, last : float
        The ends.
    n : int
        How many.

    Returns
    -------
    (n,)
        ((n - 1 - i) first + i last) / (n - 1): the smaller end keeps its digits, which ``linspace`` lets it lose to the
        larger one.

    Examples
    --------
    >>> line(3, 1, 5).tolist()
    [3.0, 2.5, 2.0, 1.5, 1.0]
    """
    i, intervals = np.arange(n), max(n - 1, 1)
    return with_ends(((intervals - i) * first + i * last) / intervals, first, last)


def with_ends(values: Float, first: float, last: float) -> Float:
    """Put the exact ends where rounding has put almost those.

    Parameters
    ----------
    values : (n,)
        A schedule; changed in place.
    first, last : float
        Its ends; the first one counts where n = 1.

    Returns
    -------
    (n,)
        `values`.

    Examples
    --------
    >>> with_ends(np.array([3.0000000000000004, 2.0, 1.0]), 3, 1).tolist()
    [3.0, 2.0, 1.0]
    """
    values[-1] = last
    values[0] = first
    return values
