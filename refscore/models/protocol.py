"""What a score model is: a function from x to s(x) that also knows its derivatives.

An objective asks only for what its formula needs. Explicit and denoising score matching call the score and nothing
else, so any function will do; the implicit one needs the trace of the Jacobian, the sliced ones a product with it,
and a gradient in the parameters needs the three derivatives of :class:`ParametricScore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float
from refscore.models.activations import Array

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "LevelScore",
    "ParametricLevelScore",
    "ParametricLogDensity",
    "ParametricScore",
    "ScoreModel",
    "Trainable",
    "TrainingWorkspace",
    "differentiable",
]


def differentiable(score: object, *derivatives: str) -> None:
    """Say what is missing where a plain function is given for a model that knows its derivatives.

    Parameters
    ----------
    score : object
        What was given.
    *derivatives : str
        Names of the methods that the formula needs.

    Raises
    ------
    TypeError
        If one of them is not there.

    Examples
    --------
    >>> differentiable(abs, "trace")
    Traceback (most recent call last):
        ...
    TypeError: score has no method trace; expected a model with its derivatives, e.g. AffineScore or TargetScore(target)
    """
    missing = [name for name in derivatives if not callable(getattr(score, name, None))]
    if missing:
        raise TypeError(
            f"score has no method {' or '.join(missing)}; expected a model with its derivatives, e.g. AffineScore or "
            f"TargetScore(target)"
        )


class ScoreModel(Protocol):
    """A score s with its derivatives in x; J_ij = ∂s_i/∂x_j need not be symmetric."""

    def __call__(self, x: ArrayLike, /) -> Float:
        """s(x), (\\*batch, d) to (\\*batch, d)."""

    def jacobian(self, x: ArrayLike, /) -> Float:
        """J(x), (\\*batch, d) to (\\*batch, d, d)."""

    def trace(self, x: ArrayLike, /) -> Float:
        """tr J(x), (\\*batch, d) to (\\*batch,)."""

    def vjp(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """vᵀ J(x), both and the result of shape (\\*batch, d)."""

    def jvp(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """J(x) v, both and the result of shape (\\*batch, d)."""


class ParametricScore(ScoreModel, Protocol):
    """A score model with parameters θ (p,) and the derivatives in them that the objectives are made of."""

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x), the sum over the batch; (p,)."""

    def trace_parameters(self, x: ArrayLike, /) -> Float:
        """Gradient in θ of Σ tr J(x); (p,)."""

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ vᵀ J(x) v; (p,)."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""


class ParametricLogDensity(ParametricScore, Protocol):
    """An energy-based model: a log density up to a constant, of which the score is the gradient and J the Hessian."""

    def log_prob(self, x: ArrayLike, /) -> Float:
        """log p(x) up to a constant in x, minus the energy; (\\*batch, d) to (\\*batch,)."""

    def hvp(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """The Hessian of log p at `x` times `v`, (\\*batch, d): `jvp` and `vjp` in one."""

    def log_prob_parameters(self, x: ArrayLike, weight: ArrayLike, /) -> Float:
        """Gradient in θ of Σ w log p(x), for weights w (\\*batch,); (p,)."""


class LevelScore(Protocol):
    """A score at each noise level, s(x, σ), with its derivatives in x; `sigma` is () or (\\*batch,)."""

    def __call__(self, x: ArrayLike, sigma: ArrayLike, /) -> Float:
        """s(x, σ), (\\*batch, d)."""

    def jacobian(self, x: ArrayLike, sigma: ArrayLike, /) -> Float:
        """J(x, σ), (\\*batch, d, d)."""

    def trace(self, x: ArrayLike, sigma: ArrayLike, /) -> Float:
        """tr J(x, σ), (\\*batch,)."""

    def vjp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, /) -> Float:
        """vᵀ J(x, σ), (\\*batch, d)."""

    def jvp(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, /) -> Float:
        """J(x, σ) v, (\\*batch, d)."""


class ParametricLevelScore(LevelScore, Protocol):
    """A score at each noise level, s(x, σ), with parameters θ (p,)."""

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x, σ), the sum over the batch; (p,)."""

    def trace_parameters(self, x: ArrayLike, sigma: ArrayLike, /) -> Float:
        """Gradient in θ of Σ tr J(x, σ); (p,)."""

    def quadratic_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ vᵀ J(x, σ) v; (p,)."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""


class TrainingWorkspace(Protocol):
    """A model's θ, its gradient and all buffers for batches of up to n samples, in float32 or float64.

    What grows with the network is allocated once; shapes and dtypes are checked, values are not. θ is read at each
    forward pass: an optimiser writes to it in place.
    """

    @property
    def theta(self) -> Array:
        """θ, (p,), in the order of ``model.pack()``; contiguous, to be written to."""

    @property
    def gradient(self) -> Array:
        """Gradient of the last backward pass, (p,); overwritten by the next one."""

    def forward(self, x: Array, sigma: Array | None = None, /) -> Array:
        """s(x), or s(x, σ) for `sigma` () or (m,); a view (m, d), m ≤ n, that lasts until the next call."""

    def backward(self, v: Array, /) -> None:
        """Write the gradient in θ of Σ v·s, for `v` (m, d) of the last forward pass, to `gradient`."""


class Trainable(Protocol):
    """A model that can be trained: θ as one vector, and its own workspace."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""

    def workspace(self, n: int, dtype: type[np.floating[Any]] = np.float64, /) -> TrainingWorkspace:
        """Arrays for batches of up to `n` samples in `dtype`, float32 or float64, starting from this model's θ."""
