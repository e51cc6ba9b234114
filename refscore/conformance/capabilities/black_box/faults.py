"""Two small samplers to be right, and the mistakes that whole samplers have.

    dx/dt = u(x, t),   x_t = (1 - t) x₀ + t ε,   from t₀ = 31/32 down to t₁ = 1/32

by Heun's method for the flow, and by Euler–Maruyama for its reverse SDE, with f = -1/(1 - t) and g² = 2t/(1 - t).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from refscore.arrays import Float
from refscore.conformance.capability import Fault
from refscore.conformance.recorders.numpy import standard_normal

__all__ = ["FAULTS", "euler_maruyama", "heun", "third_order"]

FIRST, LAST = 31 / 32, 1 / 32
ODE = {"order": 2, "stochastic": False, "start": (1 - FIRST, FIRST), "stop": (1 - LAST, LAST)}
SDE = {**ODE, "order": 1, "stochastic": True}


def _grid(n_steps: int) -> list[float]:
    return [float(t) for t in np.linspace(FIRST, LAST, n_steps + 1)]


def _velocity(exact: Any, x: Float, t: float) -> Float:
    return np.asarray(exact.velocity(x, alpha=1 - t, sigma=t, alpha_dot=-1.0, sigma_dot=1.0))


def heun(exact: Any, x: Float, *, n_steps: int) -> Float:
    """Heun's method on the probability flow: order 2.

    Parameters
    ----------
    exact : ExactModel
        The model.
    x : (n, d) ndarray
        Start states.
    n_steps : int
        Number of steps.

    Returns
    -------
    (n, d) ndarray
        Last states.
    """
    times = _grid(n_steps)
    for t, s in pairwise(times):
        slope = _velocity(exact, x, t)
        ahead = _velocity(exact, x + (s - t) * slope, s)
        x = x + (s - t) * 0.5 * (slope + ahead)
    return x


def euler_maruyama(exact: Any, x: Float, *, n_steps: int) -> Float:
    """Euler–Maruyama on the reverse SDE: weak order 1.

    Parameters
    ----------
    exact : ExactModel
        The model.
    x : (n, d) ndarray
        Start states.
    n_steps : int
        Number of steps.

    Returns
    -------
    (n, d) ndarray
        Last states.
    """
    return _sde(exact, x, n_steps)


def _sde(
    exact: Any,
    x: Float,
    n_steps: int,
    scale: Callable[[float], float] = math.sqrt,
    draw: Callable[[Float], Float] = lambda x: standard_normal(x.shape),
    share: float = 1.0,
) -> Float:
    times = _grid(n_steps)
    for t, s in pairwise(times):
        f, g2 = -1 / (1 - t), 2 * t / (1 - t)
        drift = f * x - share * g2 * exact.score(x, alpha=1 - t, sigma=t)
        x = x + (s - t) * drift + math.sqrt(g2) * scale(t - s) * draw(x)
    return x


def _stage_level(exact: Any, x: Float, *, n_steps: int) -> Float:
    sigmas = [float(sigma) for sigma in np.geomspace(8.0, 0.125, n_steps + 1)]
    for t, s in pairwise(sigmas):  # dx/dσ = ε̂ where α = 1
        slope = exact.noise(x, alpha=1.0, sigma=t)
        x = x + (s - t) * 0.5 * (slope + exact.noise(x + (s - t) * slope, alpha=1.0, sigma=t))
    return x


def third_order(exact: Any, x: Float, *, n_steps: int, share: float = 1.0) -> Float:
    """The third-order multistep method in data prediction and λ = −log σ, α = 1, started with short Heun steps.

        x' = (σ'/σ) x + e^{-λ'} ∫ e^u D(u) du,   D by its quadratic through three points

    Parameters
    ----------
    exact : ExactModel
        The model.
    x : (n, d) ndarray
        Start states.
    n_steps : int
        Number of steps.
    share : float
        What the quadratic term is multiplied with; ½ is the mistake.

    Returns
    -------
    (n, d) ndarray
        Last states.
    """
    sigmas = [float(sigma) for sigma in np.geomspace(8.0, 0.125, n_steps + 1)]
    h = math.log(sigmas[0] / sigmas[1])
    first, second = h - 1 + math.exp(-h), 0.5 * (h**2 - 2 * h + 2 - 2 * math.exp(-h))
    history: list[Float] = []
    for k, (t, s) in enumerate(pairwise(sigmas)):
        history = [np.asarray(exact.data(x, alpha=1.0, sigma=t)), *history[:2]]
        if k < 2:
            for a, b in pairwise(np.geomspace(t, s, 17)):
                slope = exact.noise(x, alpha=1.0, sigma=float(a))
                x = x + (b - a) * 0.5 * (slope + exact.noise(x + (b - a) * slope, alpha=1.0, sigma=float(b)))
            continue
        now, before, earlier = history
        bend = now - 2 * before + earlier  # h² D''
        rise = now - before + 0.5 * bend  # h D'
        x = s / t * x - math.expm1(-h) * now + first / h * rise + share * second / h**2 * bend
    return x


def _stride(exact: Any, x: Float, *, n_steps: int) -> Float:
    stride = 240 // n_steps / 240 * (FIRST - LAST)  # a grid of 240 levels, thinned; the next one taken by the stride
    for t in _grid(n_steps)[:-1]:
        slope = _velocity(exact, x, t)
        x = x - stride * 0.5 * (slope + _velocity(exact, x - stride * slope, t - stride))
    return x


def _odd_nan(exact: Any, x: Float, *, n_steps: int) -> Float:
    out = heun(exact, x, n_steps=n_steps)
    return out if n_steps % 2 == 0 else out * np.nan


def _clipped(exact: Any, x: Float, *, n_steps: int) -> Float:
    times = _grid(n_steps)
    for t, s in pairwise(times):
        data = np.clip(exact.data(x, alpha=1 - t, sigma=t), -1, 1)
        slope = (x - data) / t
        ahead_data = np.clip(exact.data(x + (s - t) * slope, alpha=1 - s, sigma=s), -1, 1)
        x = x + (s - t) * 0.5 * (slope + (x + (s - t) * slope - ahead_data) / s)
    return x


def _stale_level(exact: Any, x: Float, *, n_steps: int) -> Float:
    times = _grid(n_steps)
    for k, (t, s) in enumerate(pairwise(times)):
        told = times[max(k - 1, 0)]
        slope = _velocity(exact, x, told)
        x = x + (s - t) * 0.5 * (slope + _velocity(exact, x + (s - t) * slope, t))
    return x


def _batch_norm(exact: Any, x: Float, *, n_steps: int) -> Float:
    out = heun(exact, x, n_steps=n_steps)
    return np.asarray(out * (1 + 1 / n_steps**2 * (np.abs(out).mean() - 1)))


def _wrong_prediction(exact: Any, x: Float, *, n_steps: int, prediction: str) -> Float:
    times = _grid(n_steps)

    def velocity(x: Float, t: float) -> Float:
        predict = exact.noise if prediction == "noise" else exact.data  # used as if it were the noise
        noise = predict(x, alpha=1 - t, sigma=t)
        return np.asarray(noise - (x - t * noise) / (1 - t), dtype=np.float64)

    for t, s in pairwise(times):
        slope = velocity(x, t)
        x = x + (s - t) * 0.5 * (slope + velocity(x + (s - t) * slope, s))
    return x


FAULTS = (
    Fault(
        "BOX-stage-level",
        "second stage evaluated at the first noise level",
        "order 1 at the cost of order 2: twice the model calls for nothing",
        _stage_level,
        "https://github.com/huggingface/diffusers/issues/8269",
        {**ODE, "start": (1.0, 8.0), "stop": (1.0, 0.125)},
    ),
    Fault(
        "BOX-third-order",
        "the second divided difference stands where the second derivative belongs: a factor 2 is missing",
        "order 2 where three evaluations were to give order 3",
        functools.partial(third_order, share=0.5),
        "https://github.com/LuChengTHU/dpm-solver",
        {**ODE, "order": 3, "start": (1.0, 8.0), "stop": (1.0, 0.125)},
    ),
    Fault(
        "BOX-previous-by-stride",
        "the next level is found by the stride, not on the grid",
        "samples drift off the data whenever the step count does not divide the grid",
        _stride,
        "https://github.com/huggingface/diffusers/issues/11347",
        ODE,
    ),
    Fault(
        "BOX-nan-odd",
        "the last, shorter group of steps is not handled",
        "not a number at some step counts",
        _odd_nan,
        "https://github.com/huggingface/diffusers/issues/9007",
        ODE,
    ),
    Fault(
        "BOX-clips",
        "predictions are clipped to [-1, 1] without a word",
        "data outside the range are squeezed into it",
        _clipped,
        "https://github.com/ermongroup/ddim/issues/5",
        ODE,
    ),
    Fault(
        "BOX-stale-level",
        "the model is told the level of the step before",
        "the model cleans more noise than there is: samples are off and blurred at few steps",
        _stale_level,
        "https://github.com/huggingface/diffusers/issues/14013",
        ODE,
    ),
    Fault(
        "BOX-batch-norm",
        "a norm is taken over the batch",
        "a sample depends on who else is in its batch",
        _batch_norm,
        "https://github.com/yang-song/score_sde_pytorch",
        ODE,
    ),
    Fault(
        "BOX-prediction",
        "the data prediction is used as if it were the noise",
        "one prediction type samples noise",
        _wrong_prediction,
        "https://github.com/huggingface/diffusers/issues/1486",
        {**ODE, "predictions": ("noise", "data")},
    ),
    Fault(
        "BOX-noise-step",
        "noise scaled by the step, not its root",
        "variance is lost: samples are too smooth, and the more steps the smoother",
        lambda exact, x, *, n_steps: _sde(exact, x, n_steps, scale=lambda h: h),
        "https://github.com/google-research/ibc/issues/6",
        SDE,
    ),
    Fault(
        "BOX-flow-drift",
        "half of g² in the drift of the reverse SDE: the flow's drift with the SDE's noise",
        "too much variance, at any number of steps",
        lambda exact, x, *, n_steps: _sde(exact, x, n_steps, share=0.5),
        "https://github.com/deepinv/deepinv/pull/1343",
        SDE,
    ),
    Fault(
        "BOX-shared-noise",
        "one noise vector for the whole batch",
        "samples of a batch are copies of each other",
        lambda exact, x, *, n_steps: _sde(exact, x, n_steps, draw=lambda x: standard_normal((1, x.shape[1]))),
        declared=SDE,
    ),
)
