"""JAX on the CPU: the whole step, noise included, in one `jit`; `jacfwd` under `vmap` and `jit` for the trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from validation.benchmarks.problems import (
    DECAY1,
    DECAY2,
    EPSILON,
    RATE,
    UPDATES,
    Array,
    Forward,
    Trace,
    Training,
    layers,
)
from validation.benchmarks.process import Work

__all__ = ["forward", "trace_jacfwd", "training"]


def training(problem: Training) -> Work:
    """Draws, loss, gradient and Adam in one compiled function, called in a loop; buffers are donated."""
    jax = _jax(problem)
    jnp = jax.numpy
    net, data, sigmas, n = _network(problem), jnp.asarray(problem.data), jnp.asarray(problem.sigmas), problem.batch

    def loss(theta: Any, x0: Any, noise: Any, sigma: Any) -> Any:
        score = net(theta, x0 + sigma * noise) / sigma
        return (0.5 * sigma[:, 0] ** 2 * ((score + noise / sigma) ** 2).sum(-1)).mean()

    def update(state: Any, x0: Any, noise: Any, sigma: Any) -> Any:
        theta, m, v, t = state
        value, gradient = jax.value_and_grad(loss)(theta, x0, noise, sigma)
        t = t + 1
        m = jax.tree.map(lambda a, g: DECAY1 * a + (1 - DECAY1) * g, m, gradient)
        v = jax.tree.map(lambda a, g: DECAY2 * a + (1 - DECAY2) * g * g, v, gradient)
        one, two = RATE / (1 - DECAY1**t), 1 / (1 - DECAY2**t)
        theta = jax.tree.map(lambda p, a, b: p - one * a / (jnp.sqrt(two * b) + EPSILON), theta, m, v)
        return (theta, m, v, t), value, gradient

    def step(state: Any, key: Any) -> Any:
        key, at, level, normal = jax.random.split(key, 4)
        x0 = data[jax.random.randint(at, (n,), 0, len(data))]
        sigma = sigmas[jax.random.randint(level, (n,), 0, len(sigmas))][:, None]
        state, value, _ = update(state, x0, jax.random.normal(normal, x0.shape, x0.dtype), sigma)
        return state, key, value

    def start() -> Any:
        theta = _layers(problem)
        zero = jax.tree.map(jnp.zeros_like, theta)
        return theta, zero, jax.tree.map(jnp.zeros_like, theta), jnp.zeros((), problem.dtype)

    def answer() -> Sequence[Array]:
        state, once, found = start(), jax.jit(update), []
        for k in range(UPDATES):
            x0, noise, sigma = problem.draws(k)
            state, value, gradient = once(state, x0, noise, sigma[:, None])
            if k == 0:
                found = [np.asarray(value), _flat(gradient)]
        return [*found, _flat(state[0])]

    compiled = jax.jit(step, donate_argnums=(0, 1))
    now = [start(), jax.random.key(0)]

    def run(repeats: int) -> None:
        state, key = now
        for _ in range(repeats):
            state, key, _ = compiled(state, key)
        now[:] = jax.block_until_ready(state), key

    return Work(run, answer)


def forward(problem: Forward) -> Work:
    """Compiled."""
    jax = _jax(problem)
    compiled, theta, x = jax.jit(_network(problem)), _layers(problem), jax.numpy.asarray(problem.x)
    return _called(lambda: compiled(theta, x))


def trace_jacfwd(problem: Trace) -> Work:
    """Forward mode for the whole Jacobian, vectorised over the points, compiled."""
    jax = _jax(problem)
    net = _network(problem)

    def trace(theta: Any, point: Any) -> Any:
        return jax.numpy.trace(jax.jacfwd(net, argnums=1)(theta, point))

    compiled, theta, x = jax.jit(jax.vmap(trace, (None, 0))), _layers(problem), jax.numpy.asarray(problem.x)
    return _called(lambda: compiled(theta, x))


def _called(compute: Callable[[], Any]) -> Work:
    def run(repeats: int) -> None:
        for _ in range(repeats):
            compute().block_until_ready()

    return Work(run, lambda: [np.asarray(compute())])


def _jax(problem: Training | Forward | Trace) -> Any:
    import jax

    jax.config.update("jax_enable_x64", problem.dtype == "float64")
    return jax


def _network(problem: Training | Forward | Trace) -> Callable[[Any, Any], Any]:
    jax = _jax(problem)
    phi = {"silu": jax.nn.silu, "tanh": jax.numpy.tanh, "softplus": jax.nn.softplus}[problem.activation]

    def net(theta: Any, u: Any) -> Any:
        for weight, bias in theta[:-1]:
            u = phi(u @ weight.T + bias)
        weight, bias = theta[-1]
        return u @ weight.T + bias

    return net


def _layers(problem: Training | Forward | Trace) -> list[tuple[Any, Any]]:
    jnp = _jax(problem).numpy
    return [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers(problem.theta, problem.widths)]


def _flat(theta: Any) -> Array:
    return np.concatenate([np.ravel(part) for layer in theta for part in layer])
