"""Activation functions with three derivatives, accurate in both tails, and a quick form for training.

With s = 1/(1 + e⁻ᵃ) the logistic function, r = 1 - s, and N, n the standard normal's distribution function and density:

    tanh      φ = tanh a        φ' = sech² a        φ'' = -2 φ φ'             φ''' = φ' (6 φ² - 2)      (ACT.1)
    softplus  φ = log(1 + eᵃ)   φ' = s              φ'' = s r                 φ''' = s r (r - s)        (ACT.2)
    SiLU      φ = a s           φ' = s (1 + a r)    φ'' = s r (2 + a (r - s)) φ''' = s r (3 (r - s) + a (1 - 6 s r))
                                                                                                      (ACT.3)
    GELU      φ = a N           φ' = N + a n        φ'' = n (2 - a²)          φ''' = n a (a² - 4)       (ACT.4)
    sin       φ = sin a         φ' = cos a          φ'' = -sin a              φ''' = -cos a             (ACT.5)

`derivatives` is for models: each factor above is relatively accurate for every a, so r is computed as s(-a), never as
1 - s. `forward` is for training: in place, in the dtype of its buffers, from the fewest passes
over memory, with an absolute error of a few u |a|, where u is the dtype's unit roundoff.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from refscore.arrays import Float, as_float64

__all__ = ["GELU", "SILU", "SIN", "SOFTPLUS", "TANH", "Activation", "Array", "Derivatives", "Forward"]

HEIGHT = 1 / math.sqrt(2 * math.pi)  # of the normal density; no NumPy scalar, which would make float32 into float64

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


def _logistic(a: Float) -> Float:
    """s = 1/(1 + e⁻ᵃ), relatively accurate where 1 - s(-a) is not."""
    with np.errstate(over="ignore"):  # e^∞ gives s = 0
        value: Float = 1 / (1 + np.exp(-a))
    return value


def _normal(a: Float) -> tuple[Float, Float]:
    """Distribution function and density of N(0, 1), both relatively accurate.

    e^(-a²/2) has the relative error of a², and a² is large: so a is split, and the square of the high half is exact.
    """
    high = np.rint(a * 2.0**16) / 2.0**16
    bell: Float = np.exp(-0.5 * high * high) * np.exp(-0.5 * (a - high) * (a + high))
    below: Float = 0.5 * bell * special.erfcx(np.abs(a) * math.sqrt(0.5))
    return np.where(a < 0, below, 1 - below), HEIGHT * bell


def _tanh(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    phi: Float = np.tanh(a)
    if order < 1:
        return (phi,)
    near = np.clip(a, -400, 400)
    first: Float = 4 * _logistic(2 * near) * _logistic(-2 * near)  # (ACT.1)
    return (phi, first, -2 * phi * first, first * (6 * phi * phi - 2))[: order + 1]  # (ACT.1)


def _softplus(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    phi: Float = np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))  # (ACT.2)
    if order < 1:
        return (phi,)
    s = _logistic(a)
    if order < 2:
        return phi, s
    curve: Float = s * _logistic(-a)
    return (phi, s, curve, -curve * np.tanh(a / 2))[: order + 1]  # (ACT.2)


def _silu(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    s = _logistic(a)
    if order < 1:
        return (a * s,)
    r = _logistic(-a)
    first: Float = s * (1 + a * r)  # (ACT.3)
    if order < 2:
        return a * s, first
    curve, tilt = s * r, -np.tanh(a / 2)  # s r and r - s
    second, third = curve * (2 + a * tilt), curve * (3 * tilt + a * (1 - 6 * curve))  # (ACT.3)
    return (a * s, first, second, third)[: order + 1]


def _gelu(a: ArrayLike, order: int = 3) -> tuple[Float, ...]:
    a = as_float64(a, "a")
    near = np.clip(a, -40, 40)
    cdf, density = _normal(near)
    if order < 1:
        return (a * cdf,)
    first: Float = cdf + near * density  # (ACT.4)
    if order < 2:
        return a * cdf, first
    square = near * near
    second, third = density * (2 - square), density * near * (square - 4)  # (ACT.4)
    return (a * cdf, first, second, third)[: order + 1]


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
    special.ndtr(a, out=scratch)
    if slope is not None:
        with np.errstate(over="ignore"):  # e^-∞ is 0
            np.multiply(a, a, out=slope)
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= a
        slope *= HEIGHT
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
