"""A target seen as a score model: the perfect model of its own distribution.

Its Jacobian is the Hessian of log p, symmetric, so that a product from the left is a Hessian-vector product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

from numpy.typing import ArrayLike

from refscore.arrays import Float, of_shape, samples

__all__ = ["Differentiable", "TargetScore"]


class Differentiable(Protocol):
    """A distribution that knows the first two derivatives of its log density."""

    def score(self, x: ArrayLike, /) -> Float:
        """∇ log p(x), (\\*batch, d)."""

    def score_jacobian(self, x: ArrayLike, /) -> Float:
        """The Hessian of log p at `x`, (\\*batch, d, d)."""

    def score_trace(self, x: ArrayLike, /) -> Float:
        """The Laplacian of log p at `x`, (\\*batch,)."""

    def hvp(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """The Hessian of log p at `x` times `v`, (\\*batch, d)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class TargetScore:
    """The exact score of a target, in the form of a :class:`~refscore.models.protocol.ScoreModel`.

        s = ∇ log p,   J = ∇² log p,   vᵀ J = (J v)ᵀ                                                  (AFF.7)

    Parameters
    ----------
    target : Differentiable
        A Gaussian, a mixture, or anything with `score`, `score_jacobian`, `score_trace` and `hvp`.

    Examples
    --------
    The explicit objective of a perfect model is zero:

    >>> import refscore as rs
    >>> p = rs.targets.mixture(weights=[0.8, 0.2], means=[[5, 5], [-5, -5]])
    >>> x = [[1.0, 1.0], [-4.0, 0.0]]
    >>> rs.objectives.explicit(TargetScore(p), x, p.score(x))
    array([0., 0.])
    """

    target: Differentiable

    def __call__(self, x: ArrayLike) -> Float:
        """s(x), (\\*batch, d)."""
        return self.target.score(samples(x, "x"))

    def jacobian(self, x: ArrayLike) -> Float:
        """J(x), (\\*batch, d, d)."""
        return self.target.score_jacobian(samples(x, "x"))

    def trace(self, x: ArrayLike) -> Float:
        """tr J(x), (\\*batch,)."""
        return self.target.score_trace(samples(x, "x"))

    def vjp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """vᵀ J(x), (\\*batch, d), for `v` of the shape of `x`."""
        x = samples(x, "x")
        return self.target.hvp(x, of_shape(v, "v", x.shape, "x"))  # (AFF.7)

    def jvp(self, x: ArrayLike, v: ArrayLike) -> Float:
        """J(x) v, (\\*batch, d), the same as `vjp`: J is symmetric."""
        return self.vjp(x, v)
