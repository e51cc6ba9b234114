"""A path from the user's own α(t) and σ(t).

Where no derivative is given it is found by a complex step,

    h'(t) = Im h(t + iη) / η + O(η²),   η = 1e-100                                                    (CUS.1)

which subtracts nothing and so is exact to rounding, if the function is analytic and lets complex numbers through. g
comes from the variance, whose derivative is finite where σ ∝ √t has none:

    g² = (σ²)' - 2 f σ²                                                                               (CUS.2)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import Float, as_float64, number, positive
from refscore.paths.protocol import path_log_snr, path_times

__all__ = ["CustomPath"]

_Function = Callable[[Any], Any]


@final
@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class CustomPath:
    """The path x_t = α(t) x0 + σ(t) ε with the user's own functions, checked when it is made.

    Parameters
    ----------
    alpha, sigma : callable
        α and σ, from an array of times to an array of its shape or one number; not negative, with log(α/σ) falling.
    alpha_dot, sigma_dot : callable, optional
        Their derivatives. Without one, the function must let complex numbers through, as plain NumPy arithmetic does;
        ``abs``, ``np.interp`` and comparisons do not.
    t_max : float
        The end of time.

    Attributes
    ----------
    t_max : float
        As given.

    Raises
    ------
    ValueError
        If a function fails on an array, returns another shape, or something negative or not finite; if log(α/σ) does
        not fall; if a derivative is not that of its function, or is missing where complex numbers do not get through.

    Notes
    -----
    As accurate as its functions: ``np.sqrt(1 - np.exp(-b))`` has lost all digits at t = 1e-16, and
    ``np.sqrt(-np.expm1(-b))`` none. α and σ are compared with their derivatives at 16 times inside (0, t_max), not
    everywhere.

    References
    ----------
    Squire & Trapp (1998), Using complex variables to estimate derivatives of real functions, for (CUS.1).

    Examples
    --------
    The cosine path without an offset, by its own two functions:

    >>> from refscore.paths import Cosine
    >>> path = CustomPath(lambda t: np.cos(np.pi / 2 * t), lambda t: np.sin(np.pi / 2 * t))
    >>> bool(abs(path.sigma_dot(0.3) - Cosine(s=0).sigma_dot(0.3)) < 1e-15)
    True
    >>> bool(abs(path.time(0.0) - 0.5) < 1e-15)
    True
    """

    t_max: float
    _alpha: _Function
    _sigma: _Function
    _alpha_dot: _Function | None
    _sigma_dot: _Function | None

    def __init__(
        self,
        alpha: _Function,
        sigma: _Function,
        *,
        alpha_dot: _Function | None = None,
        sigma_dot: _Function | None = None,
        t_max: float = 1.0,
    ) -> None:
        object.__setattr__(self, "t_max", number(t_max, "t_max", positive))
        for name, function in (("alpha", alpha), ("sigma", sigma), ("alpha_dot", alpha_dot), ("sigma_dot", sigma_dot)):
            if not (callable(function) or (function is None and name.endswith("_dot"))):
                raise TypeError(f"{name} is {function!r}; expected a function of t")
            object.__setattr__(self, f"_{name}", function)
        inside = 0.5 * self.t_max * (1 - np.cos(np.pi * (np.arange(16) + 0.5) / 16))
        _accept_fall(self, np.concatenate([[0.0], inside, [self.t_max]]))
        _accept_derivative(self.alpha, self.alpha_dot, "alpha", inside, self.t_max, alpha_dot is not None)
        _accept_derivative(self.sigma, self.sigma_dot, "sigma", inside, self.t_max, sigma_dot is not None)

    def __repr__(self) -> str:
        names = (getattr(f, "__name__", repr(f)) for f in (self._alpha, self._sigma))
        return "CustomPath(alpha={}, sigma={}, t_max={:g})".format(*names, self.t_max)

    @property
    def prior_scale(self) -> float:
        """σ(t_max)."""
        return float(self.sigma(self.t_max))

    def alpha(self, t: ArrayLike) -> Float:
        """α(t), shape of `t`."""
        return _not_negative(self._alpha, path_times(t, self.t_max), "alpha")

    def sigma(self, t: ArrayLike) -> Float:
        """σ(t), shape of `t`."""
        return _not_negative(self._sigma, path_times(t, self.t_max), "sigma")

    def alpha_dot(self, t: ArrayLike) -> Float:
        """α'(t), as given or by (CUS.1)."""
        return _derivative(self._alpha, self._alpha_dot, path_times(t, self.t_max), "alpha")

    def sigma_dot(self, t: ArrayLike) -> Float:
        """σ'(t), as given or by (CUS.1); +inf where the difference quotient grows without end."""
        return _derivative(self._sigma, self._sigma_dot, path_times(t, self.t_max), "sigma")

    def log_snr(self, t: ArrayLike) -> Float:
        """λ = log α - log σ, ±inf where one of them is 0."""
        with np.errstate(divide="ignore"):
            value: Float = np.log(self.alpha(t)) - np.log(self.sigma(t))  # (PATH.2)
        return value

    def time(self, log_snr: ArrayLike) -> Float:
        """The last float t at which λ(t) is at least the given value, by bisection over the floats themselves."""
        levels = path_log_snr(log_snr, self.log_snr(self.t_max), self.log_snr(0.0))
        # Floats ≥ 0 are ordered as the integers of their bits, so 63 halvings find the last one, also near t = 0.
        low = np.zeros(levels.shape, np.int64)
        high = np.full(levels.shape, np.float64(self.t_max).view(np.int64) + 1)
        for _ in range(63):
            middle = low + (high - low) // 2
            above = self.log_snr(middle.view(np.float64)) >= levels
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return low.view(np.float64)

    def drift_rate(self, t: ArrayLike) -> Float:
        """f = α'/α, -inf where α is 0, (PATH.3)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value: Float = self.alpha_dot(t) / self.alpha(t)  # (PATH.3)
        return _a_number(value, t, "drift_rate")

    def diffusion(self, t: ArrayLike) -> Float:
        """g by (CUS.2); by (PATH.4) where σ' was given."""
        variance = self.sigma(t) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            if self._sigma_dot is None:
                variance_dot = _complex_step(lambda z: self._sigma(z) ** 2, path_times(t, self.t_max), "sigma")
            else:
                variance_dot = 2 * self.sigma(t) * self.sigma_dot(t)
            squared = variance_dot - 2 * self.drift_rate(t) * variance  # (CUS.2)
        value: Float = np.sqrt(np.maximum(_a_number(squared, t, "diffusion"), 0.0))
        return value


def _call(function: _Function, t: NDArray[Any], name: str) -> NDArray[Any]:
    try:
        value = np.asarray(function(t))
    except Exception as error:
        kind = "a complex array" if np.iscomplexobj(t) else "an array"
        raise ValueError(f"{name} does not accept {kind} of times ({type(error).__name__}: {error})") from error
    if value.shape not in ((), t.shape):
        raise ValueError(f"{name} returned shape {value.shape} for times of shape {t.shape}; expected the same")
    return np.broadcast_to(value, t.shape)


def _not_negative(function: _Function, t: Float, name: str) -> Float:
    value = np.array(as_float64(_call(function, t, name), f"{name}(t)"))[()]
    if (value < 0).any():
        where = t[value < 0].flat[0]
        raise ValueError(f"{name}({where:g}) is {value[value < 0].flat[0]:g}; expected no negative value")
    return value


def _derivative(function: _Function, given: _Function | None, t: Float, name: str) -> Float:
    if given is None:
        return _complex_step(function, t, name)
    with np.errstate(divide="ignore"):
        value = _call(given, t, f"{name}_dot")
    infinite = np.isinf(value)
    finite = as_float64(np.where(infinite, value.dtype.type(0), value), f"{name}_dot(t)")
    return np.where(infinite, value, finite)[()]


def _complex_step(function: _Function, t: Float, name: str) -> Float:
    slopes = [_call(function, t + 1j * eta, name).imag / eta for eta in (2.0**-332, 2.0**-334)]  # (CUS.1)
    # Powers of two, so the two agree to rounding. They differ only at a branch point: σ ∝ t^p at t = 0 has the slope
    # p η^(p-1), which grows without end for p < 1 and goes to 0 for p > 1.
    first, second = (np.asarray(s, np.float64) for s in slopes)
    branch = np.abs(second - first) > 1e-6 * np.abs(first)
    limit = np.where(np.abs(second) > np.abs(first), np.copysign(np.inf, second), 0.0)
    return np.where(branch, limit, second)[()]


def _a_number(value: Float, t: ArrayLike, name: str) -> Float:
    if np.isnan(value).any():
        where = float(np.broadcast_to(np.asarray(t, np.float64), value.shape)[np.isnan(value)].flat[0])
        raise ValueError(
            f"{name} is 0/0 or 0·inf at t = {where:g}; stay away from that time, or leave sigma_dot to the complex step"
        )
    return value


def _accept_fall(path: CustomPath, t: Float) -> None:
    levels = path.log_snr(t)
    with np.errstate(invalid="ignore"):
        falling = np.diff(levels) < 0
    if not falling.all():
        k = int(np.argmin(falling))
        raise ValueError(
            f"log(alpha/sigma) is {levels[k]:.6g} at t = {t[k]:g} and {levels[k + 1]:.6g} at t = {t[k + 1]:g}; "
            "expected it to fall strictly from the data at t = 0 to the prior"
        )


def _accept_derivative(
    function: Callable[[Float], Float],
    derivative: Callable[[Float], Float],
    name: str,
    t: Float,
    t_max: float,
    given: bool,
) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            slope = derivative(t)
    except ValueError as error:
        raise error if given else ValueError(f"{error}; give {name}_dot") from error
    h = 1e-4 * np.minimum(t, t_max - t)
    near, far = function(t + h) - function(t - h), function(t + 2 * h) - function(t - 2 * h)
    differences = (8 * near - far) / (12 * h)
    # Fourth-order differences: 1e-6 is far above their truncation, and the second term is their rounding.
    wrong = ~(np.abs(slope - differences) <= 1e-6 * np.abs(differences) + 64 * 2.0**-53 * function(t) / h)
    if wrong.any():
        k = int(np.argmax(wrong))
        what = f"{name}_dot is" if given else f"the complex step through {name} gives"
        advice = (
            "expected the derivative" if given else f"not every operation in it lets complex t through: give {name}_dot"
        )
        raise ValueError(
            f"{what} {slope[k]:.6g} at t = {t[k]:g}, where differences give {differences[k]:.6g}; {advice}"
        )
