"""A noise-conditional score model seen at its noise levels: one more score model.

A level σ is data and not a parameter. So every objective at one level, and its gradient, holds for a model of s(x, σ)
once σ is fixed, with the parameters of the whole model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from numpy.typing import ArrayLike

from refscore.arrays import Float, positive, read_only
from refscore.models.protocol import ParametricLevelScore

__all__ = ["FixedLevel"]


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedLevel:
    """The score s(·, σ) of a noise-conditional model, as a :class:`~refscore.models.protocol.ParametricScore`.

        s(x) = s(x, σ),   with the same θ                                                             (LVL.1)

    Parameters
    ----------
    model : ParametricLevelScore
        The model at every level.
    sigma : () or (\\*batch,)
        The level, in the data's unit; one for each sample if it has axes, and then every `x` must have that batch.

    Raises
    ------
    ValueError
        If a level is not positive.

    Notes
    -----
    Not to be confused with :meth:`LevelAffineScore.at`, whose parameters are those of that one level: the gradient here
    is in the parameters of the whole model.

    Examples
    --------
    Implicit score matching at two levels at once; its gradient by central differences, exact for a quadratic:

    >>> import numpy as np
    >>> from refscore.models import LevelAffineScore
    >>> from refscore.objectives import implicit, implicit_gradient
    >>> s = FixedLevel(LevelAffineScore([[3.0]], [1.0]), [0.5, 2.0])
    >>> x = [[5.0], [5.0]]
    >>> implicit_gradient(s, x).tolist()
    [201.5, -153.0]
    >>> [float(implicit(s.unpack(s.pack() + e / 2), x).sum() - implicit(s.unpack(s.pack() - e / 2), x).sum())
    ...  for e in np.eye(2)]
    [201.5, -153.0]
    """

    model: ParametricLevelScore
    sigma: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", read_only(positive(self.sigma, "sigma"), "sigma"))

    def __repr__(self) -> str:
        level = f"sigma {self.sigma.item():.6g}" if self.sigma.ndim == 0 else f"sigma {self.sigma.shape}"
        return f"FixedLevel({self.model!r}, {level})"

    def __call__(self, x: ArrayLike) -> Float:
        """s(x, σ), (\\*batch, d)."""
        return self.model(x, self.sigma)  # (LVL.1)

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x, σ), (\\*batch, d, d)."""
        return self.model.jacobian(x, self.sigma)

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x, σ), (\\*batch,)."""
        return self.model.trace(x, self.sigma)

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x, σ), (\\*batch, d)."""
        return self.model.vjp(x, self.sigma, v)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x, σ) v, (\\*batch, d)."""
        return self.model.jvp(x, self.sigma, v)

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient in θ of Σ v·s(x, σ), the sum over the batch; (p,)."""
        return self.model.vjp_parameters(x, self.sigma, v)

    def trace_parameters(self, x: ArrayLike) -> Float:
        """Gradient in θ of Σ tr J(x, σ), the sum over the batch; (p,)."""
        return self.model.trace_parameters(x, self.sigma)

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike) -> Float:
        """Gradient in θ of Σ vᵀ J(x, σ) v, the sum over the batch; (p,)."""
        return self.model.quadratic_parameters(x, self.sigma, v)

    def pack(self) -> Float:
        """θ of the whole model, (p,)."""
        return self.model.pack()

    def unpack(self, theta: ArrayLike) -> FixedLevel:
        """The model with parameters `theta` (p,), at the same levels."""
        return FixedLevel(self.model.unpack(theta), self.sigma)
