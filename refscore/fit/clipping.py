"""Gradient clipping by the norm of the whole gradient: a step that is too long keeps its direction.

g ← g min(1, c / |g|),   |g|² = Σ_i g_i² over all parameters                                      (CLP.1)
"""

from __future__ import annotations

import numpy as np

from refscore.arrays import number, positive
from refscore.models.activations import Array

__all__ = ["clip", "norm_of"]


def norm_of(gradient: Array) -> float:
    """The Euclidean norm |g| of a gradient.

    Parameters
    ----------
    gradient : (p,)
        Of float32 or float64.

    Returns
    -------
    float
        |g|; infinite if its square overflows in the dtype of `gradient`, not a number if a component is not.

    Examples
    --------
    >>> import numpy as np
    >>> norm_of(np.array([3.0, 4.0]))
    5.0
    """
    return float(np.sqrt(np.float64(gradient @ gradient)))


def clip(gradient: Array, limit: float, *, norm: float | None = None, out: Array | None = None) -> Array:
    """The gradient, shortened to a length where it is longer.

        g ← g min(1, c / |g|)                                                                         (CLP.1)

    Parameters
    ----------
    gradient : (p,)
        g.
    limit : float
        c > 0.
    norm : float, optional
        |g|, where it is known already.
    out : (p,), optional
        Where a shortened gradient is written.

    Returns
    -------
    (p,)
        `gradient` itself where it is short enough.

    Notes
    -----
    Not to be confused with torch's ``clip_grad_norm_``, which divides by |g| + 1e-6 and so ends a little below c; nor
    with clipping each component, nor with clipping by the norm of each layer, which both turn the gradient.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> clip(np.array([3.0, 4.0]), 1.0), clip(np.array([3.0, 4.0]), 7.0)
    (array([0.6, 0.8]), array([3., 4.]))
    """
    limit, norm = number(limit, "limit", positive), norm_of(gradient) if norm is None else norm
    return gradient if norm <= limit else np.multiply(gradient, limit / norm, out=out)  # (CLP.1)
