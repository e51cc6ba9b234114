"""Rounding where there is almost nothing to round: exact zeros, and differences that have cancelled."""

from __future__ import annotations

import numpy as np

from refscore.arrays import Float

__all__ = ["exp_in_dtype", "where_zero"]


def where_zero(size: Float) -> Float:
    """A size of 2⁻²⁴ where it would be 0: nothing rounds at an exact 0, but an error there should still be a number."""
    return np.where(size == 0, 2.0**-24, size)


def exp_in_dtype(exponent: Float) -> Float:
    """The exponential in the dtype of its argument, rounded correctly; NumPy's own in float32 is not, by up to 2.5 ulp.

    Where 1 − exp(·) has cancelled, one ulp of the exponential is all that is left to tell one code from another.
    """
    return np.asarray(np.exp(exponent.astype(np.float64)).astype(exponent.dtype))
