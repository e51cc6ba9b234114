"""HIPS autograd: NumPy differentiated by operator overloading, Adam as in `autograd.misc.optimizers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from validation.benchmarks.problems import DECAY1, DECAY2, EPSILON, RATE, UPDATES, Array, Trace, Training, layers
from validation.benchmarks.process import Work

__all__ = ["trace_loop", "training"]


def training(problem: Training) -> Work:
    """`value_and_grad` of the loss in the list of layers, flattened for Adam."""
    import autograd
    from autograd.misc import flatten

    net, data, sigmas, n = _network(problem), problem.data, problem.sigmas, problem.batch
    rng = np.random.default_rng(0)
    theta0, unflatten = flatten(layers(problem.theta, problem.widths))

    def loss(theta: Any, x0: Array, noise: Array, sigma: Array) -> Any:
        score = net(unflatten(theta), x0 + sigma * noise) / sigma
        return autograd.numpy.mean(0.5 * sigma[:, 0] ** 2 * autograd.numpy.sum((score + noise / sigma) ** 2, -1))

    value_and_gradient = autograd.value_and_grad(loss)

    def update(state: Any, x0: Array, noise: Array, sigma: Array) -> Any:
        theta, m, v, t = state
        value, gradient = value_and_gradient(theta, x0, noise, sigma)
        t = t + 1
        m = (1 - DECAY1) * gradient + DECAY1 * m
        v = (1 - DECAY2) * gradient**2 + DECAY2 * v
        theta = theta - RATE * (m / (1 - DECAY1**t)) / (np.sqrt(v / (1 - DECAY2**t)) + EPSILON)
        return (theta, m, v, t), value, gradient

    def start() -> Any:
        return theta0, np.zeros_like(theta0), np.zeros_like(theta0), 0

    def answer() -> Sequence[Array]:
        state, found = start(), []
        for k in range(UPDATES):
            x0, noise, sigma = problem.draws(k)
            state, value, gradient = update(state, x0, noise, sigma[:, None])
            if k == 0:
                found = [np.asarray(value), gradient]
        return [*found, state[0]]

    now = [start()]

    def run(repeats: int) -> None:
        for _ in range(repeats):
            x0 = data[rng.integers(len(data), size=n)]
            sigma = sigmas[rng.integers(len(sigmas), size=n), None]
            now[0], _, _ = update(now[0], x0, rng.standard_normal(x0.shape, x0.dtype), sigma)

    return Work(run, answer)


def trace_loop(problem: Trace) -> Work:
    """One `elementwise_grad` for each dimension."""
    import autograd

    net, theta, x = _network(problem), layers(problem.theta, problem.widths), problem.x

    def trace() -> Array:
        slopes = (autograd.elementwise_grad(lambda z, i=i: net(theta, z)[:, i])(x)[:, i] for i in range(problem.d))
        value: Array = sum(slopes)
        return value

    return Work(lambda repeats: [trace() for _ in range(repeats)], lambda: [trace()])


def _network(problem: Training | Trace) -> Callable[[Any, Any], Any]:
    import autograd.numpy as anp

    phi = {
        "silu": lambda a: a / (1 + anp.exp(-a)),
        "tanh": anp.tanh,
        "softplus": lambda a: anp.logaddexp(0, a),
    }[problem.activation]

    def net(theta: Any, u: Any) -> Any:
        for weight, bias in theta[:-1]:
            u = phi(anp.dot(u, weight.T) + bias)
        weight, bias = theta[-1]
        return anp.dot(u, weight.T) + bias

    return net
