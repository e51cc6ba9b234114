"""Features of an exponential family: k functions φ of x with their first two derivatives, by hand.

The Hessians of k features of n samples are n k d² numbers, and no formula of score matching needs them all: only their
products with a vector, n k d, and their traces, n k. So these are what a family of features offers.

Ready made ones stand in :mod:`refscore.models.ready_features`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from refscore.arrays import Float, integer

__all__ = ["Features", "features_by_hessian"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Features:
    """k functions of x with their derivatives, each as a function of a batch (n, d).

    Parameters
    ----------
    d : int
        Dimension of x.
    k : int
        Number of features. Without a constant: the score does not see one.
    value : callable
        φ, from x (n, d) to (n, k).
    gradient : callable
        ∇φ_k, from x (n, d) to (n, k, d).
    product : callable
        ∇²φ_k v, from x (n, d) and v (n, d) to (n, k, d).
    laplacian : callable
        Δφ_k = tr ∇²φ_k, from x (n, d) to (n, k).

    Raises
    ------
    ValueError
        If `d` or `k` is below 1.
    TypeError
        If one of the four is not callable.

    Examples
    --------
    One feature, φ = x³:

    >>> import numpy as np
    >>> from refscore.models import monomials
    >>> cube = Features(
    ...     d=1,
    ...     k=1,
    ...     value=lambda x: x**3,
    ...     gradient=lambda x: 3 * x[:, None] ** 2,
    ...     product=lambda x, v: (6 * x * v)[:, None],
    ...     laplacian=lambda x: 6 * x,
    ... )
    >>> x = np.array([[2.0], [1.0]])
    >>> np.array_equal(cube.gradient(x), monomials(1, 3).gradient(x)[:, 2:])
    True
    """

    d: int
    k: int
    value: Callable[[Float], Float]
    gradient: Callable[[Float], Float]
    product: Callable[[Float, Float], Float]
    laplacian: Callable[[Float], Float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "d", integer(self.d, "d", 1))
        object.__setattr__(self, "k", integer(self.k, "k", 1))
        for name in ("value", "gradient", "product", "laplacian"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} is {getattr(self, name)!r}; expected a function")

    def __repr__(self) -> str:
        return f"Features({self.k} in dimension {self.d})"


def features_by_hessian(
    d: int,
    k: int,
    value: Callable[[Float], Float],
    gradient: Callable[[Float], Float],
    hessian: Callable[[Float], Float],
) -> Features:
    """Features from their Hessians, one sample at a time, so that only one sample's (k, d, d) is held.

        ∇²φ_k v = Σ_j (∇²φ_k)_ij v_j,   Δφ_k = Σ_i (∇²φ_k)_ii                                         (EXF.6)

    Parameters
    ----------
    d, k : int
        As for :class:`Features`.
    value, gradient : callable
        As for :class:`Features`.
    hessian : callable
        ∇²φ_k, from x (n, d) to (n, k, d, d).

    Returns
    -------
    Features
        With the product and the trace of `hessian`.

    Examples
    --------
    The feature x_1 x_2, whose Hessian is constant:

    >>> import numpy as np
    >>> pair = features_by_hessian(
    ...     2,
    ...     1,
    ...     value=lambda x: x[:, :1] * x[:, 1:],
    ...     gradient=lambda x: x[:, None, ::-1],
    ...     hessian=lambda x: np.tile([[0.0, 1.0], [1.0, 0.0]], (len(x), 1, 1, 1)),
    ... )
    >>> pair.product(np.array([[2.0, 3.0]]), np.array([[5.0, 7.0]]))
    array([[[7., 5.]]])
    """

    def product(x: Float, v: Float) -> Float:
        rows = [hessian(x[i : i + 1])[0] @ v[i] for i in range(len(x))]  # (EXF.6)
        return np.array(rows).reshape(len(x), k, d)

    def laplacian(x: Float) -> Float:
        rows = [np.trace(hessian(x[i : i + 1])[0], axis1=1, axis2=2) for i in range(len(x))]  # (EXF.6)
        return np.array(rows).reshape(len(x), k)

    return Features(d, k, value, gradient, product, laplacian)
