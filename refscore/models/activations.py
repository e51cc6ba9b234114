"""Activation functions with three derivatives, accurate in both tails, and a quick form for training.

With s = 1/(1 + e⁻ᵃ) the logistic function, r = 1 - s, and N, n the standard normal's distribution function and density:

    tanh      φ = tanh a        φ' = sech² a        φ'' = -2 φ φ'             φ''' = φ' (6 φ² - 2)      (ACT.1)
    softplus  φ = log(1 + eᵃ)   φ' = s              φ'' = s r                 φ''' = s r (r - s)        (ACT.2)
    SiLU      φ = a s           φ' = s (1 + a r)    φ'' = s r (2 + a (r - s)) φ''' = s r (3 (r - s) + a (1 - 6 s r))
                                                                                                      (ACT.3)
    GELU      φ = a N           φ' = N + a n        φ'' = n (2 - a²)          φ''' = n a (a² - 4)       (ACT.4)
    sin       φ = sin a         φ' = cos a          φ'' = -sin a              φ''' = -cos a             (ACT.5)

`derivatives` is for models: each factor above is relatively accurate for every a, so s and r are both computed from
e^-|a|, never as 1 - the other. `forward` is for training: in place, in the dtype of its buffers, from the fewest passes
over memory, with an absolute error of a few u |a|, where u is the dtype's unit roundoff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from refscore.arrays import Float, as_float64

__all__ = ["GELU", "SILU", "SIN", "SOFTPLUS", "TANH", "Activation", "Array", "Derivatives", "Forward"]

Array = NDArray[np.floating[Any]]


class Derivatives(Protocol):
    """φ and its derivatives."""

    def __call__(self, a: ArrayLike, order: int = 3, /) -> tuple[Float, ...]:
        """(φ, φ', φ'', φ''')(a) up to `order`, each of the shape of `a`, in float64."""


class Forward(Protocol):
    """φ and φ' in place."""

    def __call__(self, a: Array, bias: Array | None, slope: Array | None, scratch: Array, /) -> None:
        """Replace `a` (n, m) by φ(a + bias), and `slope`, where asked, by φ'(a + bias); `scratch` is overwritten."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Activation:
    """An activation function φ.

    Parameters
    ----------
    name : str
        What it is called.
    derivatives : callable
        ``derivatives(a, order=3)`` gives φ, φ', φ'', φ''' up to `order`: float64, relatively accurate in both tails.
    forward : callable
        ``forward(a, bias, slope, scratch)`` replaces `a` by φ(a + bias) and `slope` by φ'(a + bias).

    Examples
    --------
    The slope of softplus is the logistic function:

    >>> phi, slope, *_ = SOFTPLUS.derivatives([0.0, -800.0])
    >>> slope
    array([0.5, 0. ])
    """

    name: str
    derivatives: Derivatives
    forward: Forward

    def __repr__(self) -> str:
        return f"Activation({self.name})"

    @property
    def accurate(self) -> Activation:
        """The same φ with a `forward` made of `derivatives`: float64, relatively accurate, slower."""

        def forward(a: Array, bias: Array | None, slope: Array | None, _: Array) -> None:
            if bias is not None:
                a += bias
            if slope is None:
                (a[...],) = self.derivatives(a, 0)
            else:
                a[...], slope[...] = self.derivatives(a, 1)

        return Activation(self.name, self.derivatives, forward)


def _logistic(a: Float) -> tuple[Float, Float]:
    """s = 1/(1 + e⁻ᵃ) and r = 1 - s, both relatively accurate."""
    small = np.exp(-np.abs(a))
    large = 1 / (1 + small)
    small *= large
    return np.where(a < 0, small, large), np.where(a < 0, large, small)


def _normal(a: Float) -> tuple[Float, Float]:
    """Distribution function and density of N(0, 1), both relatively accurate.

    e^(-a²/2) has the relative error of a², and a² is large: so a is split, and the square of the high half is exact.
    """
    high = np.rint(a * 2.0**16) / 2.0**16
    bell: Float = np.exp(-0.5 * high * high) * np.exp(-0.5 * (a - high) * (a + high))
    below: Float = 0.5 * bell * special.erfcx(np.abs(a) * np.sqrt(0.5))
    return np.where(a < 0, below, 1 - below), bell / np.sqrt(2 * np.pi)


def _tanh(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    phi: Float = np.tanh(a)
    if order < 1:
        return (phi,)
    s, r = _logistic(2 * np.clip(a, -400, 400))
    first: Float = 4 * s * r  # (ACT.1)
    return (phi, first, -2 * phi * first, first * (6 * phi * phi - 2))[: order + 1]  # (ACT.1)


def _softplus(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    phi: Float = np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))  # (ACT.2)
    if order < 1:
        return (phi,)
    s, r = _logistic(a)
    return (phi, s, s * r, s * r * -np.tanh(a / 2))[: order + 1]  # (ACT.2)


def _silu(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    s, r = _logistic(a)
    if order < 2:
        return (a * s, s * (1 + a * r))[: order + 1]  # (ACT.3)
    curve, tilt = s * r, -np.tanh(a / 2)
    return (
        a * s,
        s * (1 + a * r),
        curve * (2 + a * tilt),
        curve * (3 * tilt + a * (1 - 6 * curve)),
    )[: order + 1]  # (ACT.3)


def _gelu(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    near = np.clip(a, -40, 40)
    cdf, density = _normal(near)
    if order < 2:
        return (a * cdf, cdf + near * density)[: order + 1]  # (ACT.4)
    square = near * near
    return (a * cdf, cdf + near * density, density * (2 - square), density * near * (square - 4))[
        : order + 1
    ]  # (ACT.4)


def _sin(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    sine, cosine = np.sin(a), np.cos(a)
    return (sine, cosine, -sine, -cosine)[: order + 1]  # (ACT.5)


def _tanh_forward(a: Array, bias: Array | None, slope: Array | None, _: Array) -> None:
    if bias is not None:
        a += bias
    np.tanh(a, out=a)
    if slope is not None:
        np.multiply(a, a, out=slope)
        np.subtract(1, slope, out=slope)


def _softplus_forward(a: Array, bias: Array | None, slope: Array | None, scratch: Array) -> None:
    if bias is not None:
        a += bias
    np.multiply(a, 0.5, out=scratch)
    np.tanh(scratch, out=scratch)
    scratch *= 0.5
    if slope is not None:
        np.add(scratch, 0.5, out=slope)
    np.abs(scratch, out=scratch)
    scratch += 0.5  # s(|a|)
    np.log(scratch, out=scratch)
    np.maximum(a, 0, out=a)
    a -= scratch


def _silu_forward(a: Array, bias: Array | None, slope: Array | None, scratch: Array) -> None:
    if bias is not None:
        a += bias
    a *= 0.5
    np.tanh(a, out=scratch)
    if slope is not None:
        np.subtract(1, scratch, out=slope)  # 2 r
    scratch += 1  # 2 s
    a *= scratch
    if slope is not None:
        slope *= a
        slope += scratch
        slope *= 0.5


def _gelu_forward(a: Array, bias: Array | None, slope: Array | None, scratch: Array) -> None:
    if bias is not None:
        a += bias
    np.multiply(a, np.sqrt(0.5), out=scratch)
    special.erf(scratch, out=scratch)
    scratch += 1
    scratch *= 0.5
    if slope is not None:
        np.multiply(a, a, out=slope)
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= a
        slope *= 1 / np.sqrt(2 * np.pi)
        slope += scratch
    a *= scratch


def _sin_forward(a: Array, bias: Array | None, slope: Array | None, _: Array) -> None:
    if bias is not None:
        a += bias
    if slope is not None:
        np.cos(a, out=slope)
    np.sin(a, out=a)


TANH = Activation("tanh", _tanh, _tanh_forward)
SOFTPLUS = Activation("softplus", _softplus, _softplus_forward)
SILU = Activation("silu", _silu, _silu_forward)
GELU = Activation("gelu", _gelu, _gelu_forward)
SIN = Activation("sin", _sin, _sin_forward)
