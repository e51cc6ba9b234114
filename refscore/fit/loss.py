"""What a training loop minimises: for a step k, the objective's values on the batch of that step and their gradient.

    L_k(θ) = (1/n) Σ_i ℓ(x_{k,i}; θ),   g_k = ∂L_k/∂θ                                                 (LOO.8)

It is a function of θ and k and of nothing else, so that a step can be repeated, and a run be resumed, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, integer, read_only
from refscore.fit.digests import digest
from refscore.fit.draws import Arrays, Batches, Integers, blocked
from refscore.models.activations import Array

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Evaluate", "Loss", "Packed", "described", "described_data", "of_objective", "one_step", "rows"]

Evaluate = Callable[[Array, int], tuple[Array, Array]]


class Packed(Protocol):
    """A model whose parameters are one vector θ."""

    def pack(self) -> Float:
        """θ, (p,)."""

    def unpack(self, theta: ArrayLike, /) -> Self:
        """The same kind of model, of the same sizes, with parameters `theta` (p,)."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Loss:
    """An objective with its model and data: what is minimised at step k.

        L_k(θ) = (1/n) Σ_i ℓ(x_{k,i}; θ),   g_k = ∂L_k/∂θ                                             (LOO.8)

    Parameters
    ----------
    model : Packed
        Where θ starts, and the kind of model that it belongs to.
    evaluate : callable
        ``evaluate(theta, k)``: the values ℓ (n,) of the samples of step k, and the gradient (p,) of their mean. Both
        may be memory that the next call overwrites. `theta` is not written to.
    configuration : mapping of str to str
        What a resumed run must share with this one, in words.
    draw : callable, optional
        From a step to the data and noise it uses: the arguments of the objective after the model.
    dtype : dtype
        Of θ and the gradient in training, float32 or float64.

    Notes
    -----
    Not to be confused with an objective, which gives no mean: here the mean is what the step size goes with.

    Examples
    --------
    Your own, here the mean of ½ (θ - y)² over three numbers:

    >>> import numpy as np
    >>> from refscore.models import AffineScore
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> loss = Loss(AffineScore([[1.0]], [0.0]), lambda theta, k: (
    ...     0.5 * (theta[1] - y) ** 2, np.array([0.0, np.mean(theta[1] - y)])))
    >>> loss(np.array([1.0, 3.0]), 0)
    (array([2. , 0.5, 4.5]), array([0., 0.]))
    """

    model: Packed
    evaluate: Evaluate
    configuration: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    draw: Callable[[int], tuple[Any, ...]] | None = None
    dtype: type[np.floating[Any]] = np.float64

    def __post_init__(self) -> None:
        object.__setattr__(self, "configuration", MappingProxyType(dict(self.configuration)))

    def __repr__(self) -> str:
        return f"Loss({', '.join(f'{name}: {value}' for name, value in self.configuration.items()) or self.model})"

    def __call__(self, theta: Array, k: int) -> tuple[Array, Array]:
        """The values (n,) at step `k`, and the gradient (p,) of their mean."""
        return self.evaluate(theta, k)


def of_objective(
    model: Packed,
    value: Callable[..., Float],
    gradient: Callable[..., Float],
    draw_many: Callable[[Integers], Arrays],
    configuration: Mapping[str, str],
    *constants: Any,
) -> Loss:
    """The loss of any objective, in float64, by its per-sample values and its gradient of their sum.

        L_k(θ) = (1/n) Σ_i ℓ(x_{k,i}; θ)                                                              (LOO.8)

    Parameters
    ----------
    model : Packed
        The model, whose `unpack` gives the one at θ.
    value, gradient : callable
        An objective and its gradient, as functions of the model and of what is drawn.
    draw_many : callable
        From steps (B,) to what they draw, arrays whose first axis is B.
    configuration : mapping of str to str
        In words.
    *constants : object
        Further arguments of `value` and `gradient`, after those that are drawn.

    Returns
    -------
    Loss
        Of one step at a time, drawn many steps ahead.
    """
    numbers = sum(array[0].size for array in draw_many(np.zeros(1, np.int64)))
    at = blocked(draw_many, numbers)

    def evaluate(theta: Array, k: int) -> tuple[Array, Array]:
        current, drawn = model.unpack(theta), at(k)
        values = value(current, *drawn, *constants)
        return values, gradient(current, *drawn, *constants) / values.size  # (LOO.8)

    return Loss(model, evaluate, described(model, configuration), one_step(draw_many, *constants))


def one_step(draw_many: Callable[[Integers], Arrays], *constants: Any) -> Callable[[int], tuple[Any, ...]]:
    """What one step draws, for anybody who wants to see it.

    Parameters
    ----------
    draw_many : callable
        From steps (B,) to arrays whose first axis is B.
    *constants : object
        What follows them in the arguments of the objective.

    Returns
    -------
    callable
        From a step to the arguments of the objective after the model.
    """
    return lambda k: (*(array[0] for array in draw_many(np.array([k], np.int64))), *constants)


def described(model: Packed, configuration: Mapping[str, str], dtype: Any = np.float64) -> dict[str, str]:
    """A configuration, with the model, where it starts, and the dtype.

    Parameters
    ----------
    model : Packed
        The model.
    configuration : mapping of str to str
        The rest.
    dtype : dtype
        Of θ in training.

    Returns
    -------
    dict of str to str
        In words.
    """
    return {**configuration, "model": f"{model!r}, {digest(model.pack())}", "dtype": np.dtype(dtype).name}


def rows(data: ArrayLike) -> Float:
    """Hold data to samples, one a row.

    Parameters
    ----------
    data : (N, d)
        N ≥ 1 samples.

    Returns
    -------
    (N, d)
        A private copy in float64.

    Raises
    ------
    ValueError
        If it has another shape.

    Examples
    --------
    >>> rows([1.0, 2.0])
    Traceback (most recent call last):
        ...
    ValueError: data has shape (2,); expected (N, d), one sample a row
    """
    points = read_only(data, "data")
    if points.ndim != 2 or not points.size:
        raise ValueError(f"data has shape {points.shape}; expected (N, d), one sample a row")
    return points


def described_data(objective: str, points: Float, chosen: Batches, seed: int) -> dict[str, str]:
    """The part of a configuration that every loss has.

    Parameters
    ----------
    objective : str
        Its name.
    points : (N, d)
        The data.
    chosen : Batches
        Which of them a step takes.
    seed : int
        Of what a step draws.

    Returns
    -------
    dict of str to str
        In words.
    """
    return {"objective": objective, "data": digest(points), "batch": chosen.name, "seed": str(integer(seed, "seed"))}
