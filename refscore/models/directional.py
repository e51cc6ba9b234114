"""The directional check: is each derivative that a model offers the slope of what it is said to be the slope of?

It needs nothing but the model: each method of a :class:`~refscore.models.ParametricLogDensity` is held against
difference quotients of another one, along one fixed direction v in x and one, w, in θ:

    s·v = d/dh log p(x + hv),   J v = d/dh s(x + hv),   tr J = d/dh Σ_i s_i(x + h e_i)                (AGE.5)

and w times each gradient in θ is d/dh, at θ + hw, of what it is the gradient of.

The step is no choice to make: a ladder of steps is extrapolated to 0, and the rung that agrees best with its
neighbours is taken. It says how far it can be trusted, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from refscore.arrays import Float, as_float64, number, positive, samples
from refscore.models.protocol import ParametricLogDensity, differentiable

__all__ = ["check_slopes", "slope"]

RUNGS, ORDERS, NOISY = 16, 5, 5
SAFETY = 8.0  # the docs page measures how much of it is used
USEFUL = 2.0**-10  # a bound above this share of the slopes tells nothing
UNIT = 2.0**-53
NOT_THE_SLOPE = "it is not the slope"


def slope(function: Callable[[float], ArrayLike], reach: float) -> tuple[Float, Float]:
    """The derivative of a function of one number at 0, and how far off it may be.

        T_{j,0} = [f(h_j) - f(-h_j)] / (2 h_j),   h_j = reach/2ʲ                                      (AGE.6)
        T_{j,k} = T_{j,k-1} + (T_{j,k-1} - T_{j-1,k-1}) / (4ᵏ - 1)                                    (AGE.7)
        η = max of h_j |T_{j,0} - T_{j-1,0}| over the shortest steps, plus u max |f|                  (AGE.8)
        e_{j,k} = max(|T_{j,k} - T_{j,k-1}|, |T_{j,k} - T_{j-1,k-1}|) + η/h_j                         (AGE.9)

    The entry with the least e is returned, and 8 e as its bound. At the shortest steps only rounding is left of the
    difference between two quotients, so η is the noise of f, measured.

    Parameters
    ----------
    function : callable
        f, from h () to an array of any shape; each entry is treated by itself.
    reach : float
        The longest step. f has to be smooth on (-reach, reach).

    Returns
    -------
    slope, bound : ndarray, ndarray
        Both of the shape of f(h).

    Notes
    -----
    The bound is an estimate, not a proof: no finite number of values proves anything about a slope. What it was
    worth on thousands of functions is measured in the documentation.

    References
    ----------
    Ridders (1982), Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4.

    Examples
    --------
    >>> import math
    >>> value, bound = slope(lambda h: math.exp(3 + h), 0.1)
    >>> bool(abs(value - math.exp(3)) <= bound < 1e-8)
    True
    """
    steps = number(reach, "reach", positive) * 0.5 ** np.arange(RUNGS)
    quotients, sizes = [], []
    for h in steps:
        above, below = as_float64(function(float(h)), "function(h)"), as_float64(function(-float(h)), "function(-h)")
        quotients.append((above - below) / (2 * h))  # (AGE.6)
        sizes.append(np.maximum(np.abs(above), np.abs(below)))
    rough = [h * np.abs(one - other) for h, one, other in zip(steps[1:], quotients, quotients[1:])]
    noise = np.max(rough[-NOISY:], axis=0) + UNIT * np.max(sizes, axis=0)  # (AGE.8)
    before: list[Float] = []
    best, error = quotients[0], np.full_like(quotients[0], np.inf)
    for h, quotient in zip(steps, quotients):
        row = [quotient]
        for k, left in enumerate(before[:ORDERS], start=1):
            value: Float = row[-1] + (row[-1] - left) / (4.0**k - 1)  # (AGE.7)
            gap = np.maximum(np.abs(value - row[-1]), np.abs(value - left)) + noise / h  # (AGE.9)
            best, error = np.where(gap < error, value, best), np.minimum(gap, error)
            row.append(value)
        before = row
    return best, SAFETY * error


def check_slopes(model: ParametricLogDensity, x: ArrayLike, *, reach: float | None = None) -> None:
    """Hold every derivative of a model against difference quotients (AGE.5), and say which one is wrong.

    Parameters
    ----------
    model : ParametricLogDensity
        A model written by hand, or by anything else.
    x : (\\*batch, d)
        Points, well inside the region where log p is smooth.
    reach : float, optional
        The longest step in x, in the data's unit; a 32nd of the largest number of `x` unless it is given.

    Raises
    ------
    ValueError
        If a derivative differs from the quotients by more than they can be off, or these do not settle.

    Notes
    -----
    A check of one model against itself: where `log_prob` is not what was meant, all of it is wrong alike and passes.

    Examples
    --------
    >>> from refscore.models import QuadraticEnergy
    >>> check_slopes(QuadraticEnergy([[2, 1], [0, 1]], [1, -1]), [[3.0, 0.5], [0.25, 1.0]])
    """
    differentiable(model, "log_prob", "hvp", "log_prob_parameters", "trace_parameters")
    for fault in disagreements(model, samples(x, "x"), reach):
        raise ValueError(fault)


def disagreements(model: ParametricLogDensity, x: Float, reach: float | None) -> Iterator[str]:
    """What is wrong with the derivatives of `model`, one sentence each."""
    v = _direction(x.shape)
    step = _reach(x) if reach is None else number(reach, "reach", positive)
    yield from _compare("model(x)·v", "log_prob", (model(x) * v).sum(-1), lambda h: model.log_prob(x + h * v), step)
    products = {
        "hvp(x, v)": model.hvp(x, v),
        "jvp(x, v)": model.jvp(x, v),
        "vjp(x, v)": model.vjp(x, v),
        "jacobian(x) v": (model.jacobian(x) @ v[..., None])[..., 0],
    }
    for name, product in products.items():
        yield from _compare(name, "model(x)", product, lambda h: model(x + h * v), step)
    axes = np.eye(x.shape[-1])
    yield from _compare(
        "trace(x)", "Σ model(x)_i along axis i", model.trace(x), lambda h: sum(model(x + h * e) @ e for e in axes), step
    )
    yield from _in_parameters(model, x, v)


def _in_parameters(model: ParametricLogDensity, x: Float, v: Float) -> Iterator[str]:
    theta, weight = model.pack(), _direction(x.shape[:-1])
    if theta.size == 0:
        return
    w, step = _direction(theta.shape), _reach(theta)

    def at(h: float) -> ParametricLogDensity:
        return model.unpack(theta + h * w)

    pairs: list[tuple[str, str, Float, Callable[[float], ArrayLike]]] = [
        (
            "log_prob_parameters(x, c)",
            "Σ c log_prob",
            model.log_prob_parameters(x, weight),
            lambda h: (weight * at(h).log_prob(x)).sum(),
        ),
        ("vjp_parameters(x, v)", "Σ v·model(x)", model.vjp_parameters(x, v), lambda h: (v * at(h)(x)).sum()),
        ("trace_parameters(x)", "Σ trace(x)", model.trace_parameters(x), lambda h: at(h).trace(x).sum()),
        (
            "quadratic_parameters(x, v)",
            "Σ v·hvp(x, v)",
            model.quadratic_parameters(x, v),
            lambda h: (v * at(h).hvp(x, v)).sum(),
        ),
    ]
    for name, what, gradient, function in pairs:
        if gradient.shape != theta.shape:
            yield f"{name} has shape {gradient.shape}; expected {theta.shape}, the shape of theta"
        else:
            yield from _compare(f"{name}·w", what, np.asarray(gradient @ w), function, step)


def _compare(
    name: str, what: str, offered: Float, function: Callable[[float], ArrayLike], reach: float
) -> Iterator[str]:
    """One line where `offered` is not the slope of `function`, or cannot be told from it."""
    quotient, bound = slope(function, reach)
    if offered.shape != quotient.shape:
        yield f"{name} has shape {offered.shape}; expected {quotient.shape}, the shape of {what}"
        return
    error = np.abs(offered - quotient)
    worst = np.unravel_index(np.argmax(error / np.maximum(bound, np.finfo(float).tiny)), error.shape)
    where = f" at index {tuple(int(i) for i in worst)}" if worst else ""
    if error[worst] > bound[worst]:
        yield (
            f"{name} is {offered[worst]:.6g}{where}, and difference quotients of {what} give {quotient[worst]:.6g}, "
            f"at most {bound[worst]:.1g} off: {NOT_THE_SLOPE}"
        )
        return
    size = np.abs(quotient).max() + 2.0**-20 * np.abs(function(0.0)).max() / reach
    if bound.max() > USEFUL * size:
        yield (
            f"{name} cannot be checked{where}: difference quotients of {what} with steps up to {reach:.2g} do not "
            f"settle better than {bound.max():.1g} around {quotient[worst]:.6g}; expected points where it is smooth"
        )


def _direction(shape: tuple[int, ...]) -> Float:
    """Numbers between -1 and 1 without a pattern and never 0, the same each time."""
    index = np.arange(1, 1 + int(np.prod(shape)), dtype=np.float64)
    value: Float = np.cos(index * index + 1.0).reshape(shape)
    return value


def _reach(values: Float) -> float:
    """A 32nd of the largest of `values`, or of 1 if all are 0."""
    return float(np.abs(values).max() or 1.0) / 32
