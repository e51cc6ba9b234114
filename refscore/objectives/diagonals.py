"""The diagonal of a Jacobian and its gradient in the parameters, for objectives that weigh it entry by entry.

Weights that differ between coordinates do not go through the trace. The diagonal is what remains,

    J_jj = ∂s_j/∂x_j = e_jᵀ J e_j                                                                     (NNG.1)

and its gradient in θ is that of quadratic forms, which every parametric model has:

    Σ_j w_j ∂J_jj/∂θ = Σ_j ∂(v_jᵀ J v_j)/∂θ,   v_j = √w_j e_j,   w_j ≥ 0                               (NNG.2)
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, not_negative, of_shape, samples
from refscore.models.protocol import ScoreModel, differentiable

__all__ = ["Quadratic", "diagonal", "diagonal_parameters"]

CHUNK = 2**19  # numbers, 4 MiB: Jacobians are held for so many samples at a time that they stay below it


class Quadratic(Protocol):
    """A model of whose derivatives in θ one is asked for."""

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ vᵀ J(x) v; (p,)."""


def diagonal(score: ScoreModel, x: ArrayLike) -> Float:
    """The diagonal of the Jacobian, ∂s_j/∂x_j (NNG.1).

    Parameters
    ----------
    score : ScoreModel
        s, with its `jacobian`.
    x : (\\*batch, d)
        Where.

    Returns
    -------
    (\\*batch, d)
        J_jj, in 1/unit².

    Raises
    ------
    ValueError
        If what ``score.jacobian`` returns has not the shape (\\*batch, d, d).

    Examples
    --------
    >>> from refscore.models import AffineScore
    >>> diagonal(AffineScore([[2, 5], [7, 3]], [0, 0]), [[1, 1]])
    array([[-2., -3.]])
    """
    differentiable(score, "jacobian")
    x = samples(x, "x")
    d = x.shape[-1]
    rows, step = x.reshape(-1, d), max(1, CHUNK // d**2)
    parts = []
    for start in range(0, max(1, len(rows)), step):
        part = rows[start : start + step]
        found = of_shape(score.jacobian(part), "score.jacobian(x)", (len(part), d, d), "d × d for each sample")
        parts.append(np.diagonal(found, axis1=-2, axis2=-1))  # (NNG.1)
    return np.concatenate(parts).reshape(x.shape)


def diagonal_parameters(score: Quadratic, x: ArrayLike, weight: ArrayLike) -> Float:
    """Gradient of Σ_j w_j J_jj in the parameters, summed over the batch (NNG.2).

    Parameters
    ----------
    score : ParametricScore
        The model, with its `quadratic_parameters`; it is called d times.
    x, weight : (\\*batch, d)
        Where, and w_j ≥ 0 for each entry of the diagonal.

    Returns
    -------
    (p,)
        In the order of ``score.pack()``.

    Raises
    ------
    ValueError
        If a weight is negative.

    Examples
    --------
    With all weights 1 it is the gradient of the trace:

    >>> import numpy as np
    >>> from refscore.models import AffineScore
    >>> s, x = AffineScore([[2, 5], [7, 3]], [0, 0]), [[1, 1], [4, -1]]
    >>> bool((diagonal_parameters(s, x, np.ones((2, 2))) == s.trace_parameters(x)).all())
    True
    """
    differentiable(score, "quadratic_parameters")
    x = samples(x, "x")
    root: Float = np.sqrt(not_negative(of_shape(weight, "weight", x.shape, "x"), "weight"))
    total: Float = np.zeros(())
    for j in range(x.shape[-1]):
        v = np.zeros_like(x)
        v[..., j] = root[..., j]
        total = total + score.quadratic_parameters(x, v)  # (NNG.2)
    return total
