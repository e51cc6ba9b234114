"""What functions of ``refscore.exact`` are given: laws of some kind, and errors of steps."""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float

__all__ = ["broadcast_errors", "hold_kind"]


def hold_kind(value: object, name: str, *kinds: type, hint: str = "") -> None:
    """Refuse an argument of another type than a function is about.

    Parameters
    ----------
    value : object
        As given.
    name : str
        Of the argument.
    *kinds : type
        What it may be.
    hint : str
        Where else to look.

    Raises
    ------
    TypeError
        If it is none of them.

    Examples
    --------
    >>> from refscore.targets import Gaussian, Mixture
    >>> hold_kind([0.0, 1.0], "q", Gaussian, Mixture)
    Traceback (most recent call last):
        ...
    TypeError: q is a list; expected one of Gaussian, Mixture
    """
    if not isinstance(value, kinds):
        listed = ", ".join(kind.__name__ for kind in kinds)
        expected = f"a {listed}" if len(kinds) == 1 else f"one of {listed}"
        raise TypeError(f"{name} is a {type(value).__name__}; expected {expected}{hint}")


def broadcast_errors(error: Float, shape: tuple[int, ...]) -> Float:
    """Errors of the steps, one for each step and eigenvalue.

    Parameters
    ----------
    error : ndarray
        δ, as given.
    shape : tuple of int
        (n, \\*shape).

    Returns
    -------
    (n, \\*shape)
        δ.

    Raises
    ------
    ValueError
        If it does not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> broadcast_errors(np.zeros(3), (2, 1))
    Traceback (most recent call last):
        ...
    ValueError: error has shape (3,); expected one that broadcasts with (2, 1), steps before eigenvalues
    """
    try:
        value: Float = np.broadcast_to(error, shape)
    except ValueError:
        raise ValueError(
            f"error has shape {np.shape(error)}; expected one that broadcasts with {shape}, steps before eigenvalues"
        ) from None
    return value
