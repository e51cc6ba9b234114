"""What a score model is: a function from x to s(x) that also knows its derivatives.

An objective asks only for what its formula needs. Explicit and denoising score matching call the score and nothing
else, so any function will do; the implicit one needs the trace of the Jacobian, the sliced ones a product with it,
and a gradient in the parameters needs the three derivatives of :class:`ParametricScore`.

The functions at the end hold arguments, and what a foreign score returns, to their shapes. NumPy would broadcast a
wrong one without a word.
"""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, lift

__all__ = ["ParametricLevelScore", "ParametricScore", "ScoreModel", "noise_level", "of_shape", "samples"]


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


class ParametricScore(ScoreModel, Protocol):
    """A score model with parameters θ (p,) and the derivatives in them that the objectives are made of."""

    def vjp_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x), the sum over the batch; (p,)."""

    def trace_parameters(self, x: ArrayLike, /) -> Float:
        """Gradient in θ of Σ tr J(x); (p,)."""

    def quadratic_parameters(self, x: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ vᵀ J(x) v; (p,)."""


class ParametricLevelScore(Protocol):
    """A score at each noise level, s(x, σ), with parameters θ (p,)."""

    def __call__(self, x: ArrayLike, sigma: ArrayLike, /) -> Float:
        """s(x, σ), of the shape of `x`; `sigma` is () or (\\*batch,)."""

    def vjp_parameters(self, x: ArrayLike, sigma: ArrayLike, v: ArrayLike, /) -> Float:
        """Gradient in θ of Σ v·s(x, σ), the sum over the batch; (p,)."""


def samples(x: ArrayLike, name: str, d: int | None = None) -> Float:
    """Hold `x` to the shape of samples, event axis last.

    Parameters
    ----------
    x : (\\*batch, d)
        The samples.
    name : str
        What `x` is called, for the error.
    d : int, optional
        The dimension that is expected.

    Returns
    -------
    (\\*batch, d)
        `x` in float64.

    Raises
    ------
    ValueError
        If there is no event axis, or it has another length than `d`.

    Examples
    --------
    >>> samples([[1, 2]], "x", 3)
    Traceback (most recent call last):
        ...
    ValueError: x has shape (1, 2); expected (*batch, 3)
    """
    array = as_float64(x, name)
    if array.ndim == 0 or array.shape[-1] == 0 or (d is not None and array.shape[-1] != d):
        raise ValueError(f"{name} has shape {array.shape}; expected (*batch, {'d' if d is None else d})")
    return array


def of_shape(value: ArrayLike, name: str, shape: tuple[int, ...], whose: str) -> Float:
    """Hold `value` to the shape of something else.

    Parameters
    ----------
    value : array_like
        An argument, or what a score returned.
    name, whose : str
        What it is called, and whose shape it should have, for the error.
    shape : tuple of int
        That shape.

    Returns
    -------
    ndarray
        `value` in float64.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> of_shape([1, 2], "score(x)", (2, 1), "x")
    Traceback (most recent call last):
        ...
    ValueError: score(x) has shape (2,); expected (2, 1), the shape of x
    """
    array = as_float64(value, name)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}, the shape of {whose}")
    return array


def noise_level(sigma: ArrayLike, x: Float, name: str = "sigma") -> Float:
    """Hold σ to positive values, one for all samples or one for each, and give it the event axis of `x`.

    Parameters
    ----------
    sigma : () or (\\*batch,)
        Noise level.
    x : (\\*batch, d)
        The samples it belongs to.
    name : str
        What `sigma` is called, for the error.

    Returns
    -------
    () or (\\*batch, 1)
        σ, ready to multiply `x`.

    Raises
    ------
    ValueError
        If a value is not positive, or the shape is neither () nor the batch shape of `x`.

    Examples
    --------
    >>> noise_level([2.0, 0.0], samples([[1.0], [2.0]], "x"))
    Traceback (most recent call last):
        ...
    ValueError: sigma is 0.0; expected a positive noise level
    """
    array = as_float64(sigma, name)
    if not (array > 0).all():
        raise ValueError(f"{name} is {array.min()}; expected a positive noise level")
    return lift(array, x, name)
