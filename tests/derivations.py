"""Three derivations of every derivative of a model, from its definition written once for any arithmetic.

* autograd, from the definition: all derivatives;
* complex step: those of first order, Im f(x + ihv)/h with h so small that nothing is subtracted;
* ball arithmetic: all of them as coefficients of power series in t, f(θ + tδ, x + tv), with a proven error radius.
  Mixed derivatives come by polarisation: with c_k(v) = D^k f[v, …, v]/k!,

      D²f[a, b] = c₂(a + b) − c₂(a) − c₂(b),    D³f[a, b, b] = c₃(b + a) − c₃(b − a) − 2 c₃(a).

The bound needs no choice: it is the radius that the same series have when they are computed with 53 bits, a proven
bound on the error of one float64 evaluation of the definition. Another order of the same sums may round elsewhere,
hence `FACTOR` of it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import autograd
import autograd.numpy as anp
import flint
import numpy as np
import scipy.special
from autograd.scipy import special as autograd_special

FACTOR = 4.0
PRECISE = 200  # bits
TINY = 1e-300
STEP = 1e-150  # of the complex step: its square is far below every rounding

Definition = Callable[..., Any]


# --- the definition's arithmetic -------------------------------------------------------------------------------------

AUTOGRAD = SimpleNamespace(
    exp=anp.exp, log=anp.log, sin=anp.sin, cos=anp.cos, sqrt=anp.sqrt, tanh=anp.tanh, erf=autograd_special.erf,
    softplus=lambda a: anp.logaddexp(0.0, a), sigmoid=lambda a: 0.5 * (1 + anp.tanh(0.5 * a)),
    sum=anp.sum, concatenate=anp.concatenate, array=anp.array,
)  # fmt: skip
COMPLEX = SimpleNamespace(
    exp=np.exp, log=np.log, sin=np.sin, cos=np.cos, sqrt=np.sqrt, tanh=np.tanh, erf=scipy.special.erf,
    softplus=lambda a: np.log1p(np.exp(-np.where(np.real(a) < 0, -a, a))) + np.where(np.real(a) < 0, 0, a),
    sigmoid=lambda a: 0.5 * (1 + np.tanh(0.5 * a)), sum=np.sum, concatenate=np.concatenate, array=np.array,
)  # fmt: skip


class Series:
    """A power series with balls for coefficients; a scalar to NumPy, where flint's own would be a sequence."""

    __slots__ = ("series",)

    def __init__(self, series: Any) -> None:
        self.series = series

    def __add__(self, other: Any) -> Series:
        return Series(self.series + _series(other))

    def __sub__(self, other: Any) -> Series:
        return Series(self.series - _series(other))

    def __rsub__(self, other: Any) -> Series:
        return Series(_series(other) - self.series)

    def __mul__(self, other: Any) -> Series:
        return Series(self.series * _series(other))

    def __truediv__(self, other: Any) -> Series:
        return Series(self.series / _series(other))

    def __rtruediv__(self, other: Any) -> Series:
        return Series(_series(other) / self.series)

    def __neg__(self) -> Series:
        return Series(-self.series)

    def __pow__(self, exponent: int) -> Series:
        return self if exponent == 1 else self * self ** (exponent - 1)

    __radd__ = __add__
    __rmul__ = __mul__


def _series(entry: Any) -> Any:
    if isinstance(entry, Series):
        return entry.series
    return flint.arb_series([entry if isinstance(entry, flint.arb) else flint.arb(float(entry))])


def _each(name: str) -> Callable[[Any], Any]:
    return np.frompyfunc(lambda entry: Series(getattr(_series(entry), name)()), 1, 1)


BALLS = SimpleNamespace(
    exp=_each("exp"), log=_each("log"), sin=_each("sin"), cos=_each("cos"), sqrt=_each("sqrt"), erf=_each("erf"),
    tanh=lambda a: 1 - 2 / (_each("exp")(2 * a) + 1),
    softplus=lambda a: _each("log")(1 + _each("exp")(a)), sigmoid=lambda a: 1 / (1 + _each("exp")(-1 * a)),
    sum=np.sum, concatenate=np.concatenate, array=lambda entries: np.array(entries, dtype=object),
)  # fmt: skip


def _line(point: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The entries of point + t · direction, as series in t."""
    pairs = zip(point, direction)
    return np.array([Series(flint.arb_series([flint.arb(float(p)), flint.arb(float(v))])) for p, v in pairs])


class Balls:
    """Coefficients of the definition along lines, each as (middle, radius), to a given precision."""

    def __init__(self, definition: Definition, theta: np.ndarray, x: np.ndarray, bits: int) -> None:
        self.definition, self.theta, self.x, self.bits = definition, theta, x, bits

    def coefficient(self, k: int, in_theta: np.ndarray, in_x: np.ndarray) -> np.ndarray:
        """c_k of every output, along (in_theta, in_x), as an array of balls."""
        before = flint.ctx.prec, flint.ctx.cap
        flint.ctx.prec, flint.ctx.cap = self.bits, k + 1
        try:
            value = np.atleast_1d(self.definition(_line(self.theta, in_theta), _line(self.x, in_x), BALLS))
            return np.array([_series(entry)[k] for entry in value], dtype=object)
        finally:
            flint.ctx.prec, flint.ctx.cap = before


def _sum(balls: Any, bits: int) -> Any:
    before, flint.ctx.prec = flint.ctx.prec, bits
    try:
        return sum(balls, flint.arb(0))
    finally:
        flint.ctx.prec = before


# --- all derivatives of one sample, as balls -------------------------------------------------------------------------


def _of_score(balls: Balls, v: np.ndarray, delta: np.ndarray) -> dict[str, np.ndarray]:
    """From a definition of s."""
    d, zero_x, zero_theta = len(v), np.zeros_like(v), np.zeros_like(delta)
    axes = np.eye(d)

    def mixed(direction: np.ndarray) -> np.ndarray:  # D²s[δ, direction]
        return (
            balls.coefficient(2, delta, direction)
            - balls.coefficient(2, delta, zero_x)
            - balls.coefficient(2, zero_theta, direction)
        )

    jacobian = np.stack([balls.coefficient(1, zero_theta, e) for e in axes], axis=-1)
    along = balls.coefficient(1, zero_theta, v)
    exact_v = np.array([flint.arb(float(entry)) for entry in v], dtype=object)
    return {
        "score": balls.coefficient(0, zero_theta, zero_x),
        "jacobian": jacobian,
        "trace": np.array(_sum(np.diagonal(jacobian), balls.bits), dtype=object),
        "jvp": along,
        "vjp": exact_v @ jacobian,
        "vjp_parameters": np.array(exact_v @ balls.coefficient(1, delta, zero_x), dtype=object),
        "trace_parameters": np.array(_sum((mixed(e)[i] for i, e in enumerate(axes)), balls.bits), dtype=object),
        "quadratic_parameters": np.array(exact_v @ mixed(v), dtype=object),
    }


def _of_log_prob(balls: Balls, v: np.ndarray, delta: np.ndarray) -> dict[str, np.ndarray]:
    """From a definition of log p, one order higher."""
    d, zero_x, zero_theta = len(v), np.zeros_like(v), np.zeros_like(delta)
    axes = np.eye(d)

    def c(k: int, in_theta: np.ndarray, in_x: np.ndarray) -> Any:
        return balls.coefficient(k, in_theta, in_x)[0]

    def third(direction: np.ndarray) -> Any:  # D³ log p[δ, direction, direction]
        return c(3, delta, direction) - c(3, -delta, direction) - 2 * c(3, delta, zero_x)

    second = [c(2, zero_theta, e) for e in axes]
    hessian = np.empty((d, d), dtype=object)
    for i in range(d):
        for j in range(d):
            both = c(2, zero_theta, axes[i] + axes[j])
            hessian[i, j] = 2 * second[i] if i == j else both - second[i] - second[j]
    exact_v = np.array([flint.arb(float(entry)) for entry in v], dtype=object)
    return {
        "log_prob": np.array(c(0, zero_theta, zero_x), dtype=object),
        "score": np.array([c(1, zero_theta, e) for e in axes], dtype=object),
        "jacobian": hessian,
        "trace": np.array(2 * _sum(second, balls.bits), dtype=object),
        "jvp": hessian @ exact_v,
        "vjp": exact_v @ hessian,
        "hvp": hessian @ exact_v,
        "log_prob_parameters": np.array(c(1, delta, zero_x), dtype=object),
        "vjp_parameters": np.array(c(2, delta, v) - c(2, delta, zero_x) - c(2, zero_theta, v), dtype=object),
        "trace_parameters": np.array(_sum((third(e) for e in axes), balls.bits), dtype=object),
        "quadratic_parameters": np.array(third(v), dtype=object),
    }


# --- the comparison --------------------------------------------------------------------------------------------------

PARAMETERS = ("log_prob_parameters", "vjp_parameters", "trace_parameters", "quadratic_parameters")


def assert_derivatives(
    model: Any,
    x: np.ndarray,
    v: np.ndarray,
    *,
    score: Definition | None = None,
    log_prob: Definition | None = None,
    sigma: np.ndarray | None = None,
    seed: int = 0,
) -> None:
    """Hold every method of `model` against three derivations from its definition.

    `x` and `v` are (n, d); the definition is of one sample, ``score(theta, x, ns)`` or ``log_prob(theta, x, ns)``, with
    ``sigma`` before ``ns`` where a level (n,) is given. Batches of shape (n, d), (1, n, d) and () are asked for.
    """
    definition = score if score is not None else log_prob
    assert definition is not None
    theta = np.array(model.pack())
    delta = np.random.default_rng(seed).choice([-1.0, -0.5, 0.5, 1.0], size=theta.size)
    own = [_at(definition, sigma, i) for i in range(len(x))]
    truth, bound = _truth(own, theta, x, v, delta, of_score=score is not None)
    _hold_batches(model, x, v, sigma, delta, truth, bound)
    _hold_autograd(model, x, v, sigma, own, theta, bound, of_score=score is not None)
    _hold_complex_step(model, x, v, sigma, own, theta, delta, bound, of_score=score is not None)
    np.testing.assert_array_equal(model.unpack(theta).pack(), theta)
    changed = model.unpack(theta + 0.125 * delta)
    np.testing.assert_array_equal(changed.pack(), theta + 0.125 * delta)
    np.testing.assert_array_equal(model.pack(), theta)


def _at(definition: Definition, sigma: np.ndarray | None, i: int) -> Definition:
    if sigma is None:
        return definition
    return lambda theta, x, ns: definition(theta, x, float(sigma[i]), ns)


def _truth(
    own: list[Definition], theta: np.ndarray, x: np.ndarray, v: np.ndarray, delta: np.ndarray, *, of_score: bool
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The middles of the precise balls, and `FACTOR` times the radii of the 53-bit ones; batch sums for parameters."""
    derive = _of_score if of_score else _of_log_prob
    middles: dict[str, list[np.ndarray]] = {}
    radii: dict[str, list[np.ndarray]] = {}
    for f, point, direction in zip(own, x, v):
        precise = derive(Balls(f, theta, point, PRECISE), direction, delta)
        rough = derive(Balls(f, theta, point, 53), direction, delta)
        for name, ball in precise.items():
            middles.setdefault(name, []).append(_floats(ball, lambda b: float(b.mid())))
            size = _floats(rough[name], lambda b: float(b.rad()) + 2.0**-52 * abs(float(b.mid())))
            radii.setdefault(name, []).append(FACTOR * size)
    reduce = {name: np.sum if name in PARAMETERS else np.stack for name in middles}
    if not of_score:
        weights = _weights(len(x))
        for values, scale in ((middles, weights), (radii, np.abs(weights))):
            values["log_prob_parameters"] = list(scale * np.array(values["log_prob_parameters"]))
    return (
        {name: np.asarray(reduce[name](values)) for name, values in middles.items()},
        {name: np.asarray(reduce[name](values)) for name, values in radii.items()},
    )


def _weights(n: int) -> np.ndarray:
    """Of the samples, where the protocol has weights: of both signs, exact in few bits."""
    return 1.5 - np.arange(n)


def _floats(balls: np.ndarray, of: Callable[[Any], float]) -> np.ndarray:
    return np.array([of(ball) for ball in np.ravel(balls)]).reshape(np.shape(balls))


def _methods(model: Any, x: np.ndarray, v: np.ndarray, sigma: np.ndarray | None) -> dict[str, Any]:
    level = () if sigma is None else (sigma,)
    calls = {
        "score": lambda: model(x, *level),
        "jacobian": lambda: model.jacobian(x, *level),
        "trace": lambda: model.trace(x, *level),
        "jvp": lambda: model.jvp(x, *level, v),
        "vjp": lambda: model.vjp(x, *level, v),
        "vjp_parameters": lambda: model.vjp_parameters(x, *level, v),
        "trace_parameters": lambda: model.trace_parameters(x, *level),
        "quadratic_parameters": lambda: model.quadratic_parameters(x, *level, v),
    }
    if hasattr(model, "log_prob"):
        calls["log_prob"] = lambda: model.log_prob(x)
        calls["hvp"] = lambda: model.hvp(x, v)
        calls["log_prob_parameters"] = lambda: model.log_prob_parameters(
            x, _weights(x.size // x.shape[-1]).reshape(x.shape[:-1])
        )
    return calls


def _hold(name: str, how: str, got: np.ndarray, expected: np.ndarray, bound: np.ndarray) -> None:
    assert np.shape(got) == np.shape(expected), f"{name} has shape {np.shape(got)}; {how}: {np.shape(expected)}"
    error = np.abs(got - expected)
    worst = np.max(error / np.maximum(bound, TINY))  # the bound is 0 where nothing rounds
    assert np.all(error <= bound), (
        f"{name}: {how} differs by {worst:.3g} bounds; got {got}, expected {expected}, bound {bound}"
    )


def _hold_batches(
    model: Any,
    x: np.ndarray,
    v: np.ndarray,
    sigma: np.ndarray | None,
    delta: np.ndarray,
    truth: dict[str, np.ndarray],
    bound: dict[str, np.ndarray],
) -> None:
    for name, call in _methods(model, x, v, sigma).items():
        got = call()
        if name in PARAMETERS:
            assert np.shape(got) == delta.shape, f"{name} has shape {np.shape(got)}; expected {delta.shape}"
            got = got @ delta
        _hold(name, "ball arithmetic", got, truth[name], bound[name])
    levels = None if sigma is None else sigma[None]
    for name, call in _methods(model, x[None], v[None], levels).items():
        got = call() @ delta if name in PARAMETERS else call()[0]
        _hold(name, "ball arithmetic, batch (1, n)", got, truth[name], bound[name])
    for name, call in _methods(model, x[0], v[0], None if sigma is None else sigma[0]).items():
        if name not in PARAMETERS:
            _hold(name, "ball arithmetic, no batch", call(), truth[name][0], bound[name][0])


def _hold_autograd(
    model: Any,
    x: np.ndarray,
    v: np.ndarray,
    sigma: np.ndarray | None,
    own: list[Definition],
    theta: np.ndarray,
    bound: dict[str, np.ndarray],
    *,
    of_score: bool,
) -> None:
    got = {name: call() for name, call in _methods(model, x, v, sigma).items()}
    samples = range(len(x))

    def s(i: int, theta: Any, y: Any) -> Any:
        if of_score:
            return own[i](theta, y, AUTOGRAD)
        return autograd.grad(lambda z: own[i](theta, z, AUTOGRAD))(y)

    def jacobian(i: int, theta: Any, y: Any) -> Any:
        return autograd.jacobian(lambda z: s(i, theta, z))(y)

    by_autograd = {
        "score": np.stack([s(i, theta, x[i]) for i in samples]),
        "jacobian": np.stack([jacobian(i, theta, x[i]) for i in samples]),
    }
    totals = {
        "vjp_parameters": lambda t: sum(anp.dot(v[i], s(i, t, x[i])) for i in samples),
        "trace_parameters": lambda t: sum(anp.trace(jacobian(i, t, x[i])) for i in samples),
        "quadratic_parameters": lambda t: sum(anp.dot(v[i], anp.dot(jacobian(i, t, x[i]), v[i])) for i in samples),
    }
    if not of_score:
        by_autograd["log_prob"] = np.array([own[i](theta, x[i], AUTOGRAD) for i in samples])
        weights = _weights(len(x))
        totals["log_prob_parameters"] = lambda t: sum(weights[i] * own[i](t, x[i], AUTOGRAD) for i in samples)
    by_autograd |= {name: autograd.grad(total)(theta) for name, total in totals.items()}
    for name, value in by_autograd.items():  # δ has entries of size ½ and more: twice its bound holds for each entry
        _hold(name, "autograd", got[name], value, 2 * bound[name])


def _hold_complex_step(
    model: Any,
    x: np.ndarray,
    v: np.ndarray,
    sigma: np.ndarray | None,
    own: list[Definition],
    theta: np.ndarray,
    delta: np.ndarray,
    bound: dict[str, np.ndarray],
    *,
    of_score: bool,
) -> None:
    got = {name: call() for name, call in _methods(model, x, v, sigma).items()}
    step = 1j * STEP
    in_x = np.stack([own[i](theta + 0j, x[i] + step * v[i], COMPLEX) for i in range(len(x))]).imag / STEP
    in_theta = np.stack([own[i](theta + step * delta, x[i] + 0j, COMPLEX) for i in range(len(x))]).imag / STEP
    if of_score:
        _hold("jvp", "complex step", got["jvp"], in_x, bound["jvp"])
        _hold(
            "vjp_parameters",
            "complex step",
            got["vjp_parameters"] @ delta,
            np.sum(v * in_theta),
            bound["vjp_parameters"],
        )
    else:
        along = np.sum(got["score"] * v, axis=-1)
        _hold("score", "complex step", along, in_x, np.sum(bound["score"] * np.abs(v), axis=-1))
        _hold(
            "log_prob_parameters",
            "complex step",
            got["log_prob_parameters"] @ delta,
            np.sum(_weights(len(x)) * in_theta),
            bound["log_prob_parameters"],
        )
