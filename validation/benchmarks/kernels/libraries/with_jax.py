"""JAX on the CPU: a scan over the steps in one `jit`, noise included; and what is built on it, blackjax and diffrax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from validation.benchmarks.kernels.problems import MALA_STEP, STEP, T_END, T_START, Array, Chains, Normals, Points
from validation.benchmarks.process import Work

__all__ = ["blackjax_mala", "blackjax_sgld", "density", "density_products", "diffrax_euler", "normals", "scan"]

Score = Callable[[Any, Any, Any], Any]


def scan(problem: Chains) -> Work:
    """All chains in one array."""
    jax = _jax(problem)
    score, table = _score(problem), problem.tables

    def step(x: Any, row: Any, z: Any) -> Any:
        precision, log_weight, b, c = row
        return x + b * score(x, precision, log_weight) + c * z

    def answer() -> list[Array]:
        x, once = jax.numpy.asarray(problem.fewer.start), jax.jit(step)
        for k, z in enumerate(problem.noise):
            x = once(x, tuple(a[k % len(a)] for a in table), z)
        return [np.asarray(x)]

    def body(state: Any, row: Any) -> Any:
        x, key = state
        key, use = jax.random.split(key)
        return (step(x, row, jax.random.normal(use, x.shape, x.dtype)), key), None

    if len(table.b) == 1:
        only = tuple(a[0] for a in table)
        whole = jax.jit(lambda s: jax.lax.scan(lambda c, _: body(c, only), s, None, length=problem.steps)[0])
    else:
        rows = tuple(jax.numpy.asarray(a) for a in table)
        whole = jax.jit(lambda s: jax.lax.scan(body, s, rows)[0])
    return _scanned(problem, jax, whole, answer)


def _scanned(problem: Chains, jax: Any, whole: Any, answer: Callable[[], list[Array]]) -> Work:
    """Runs that go on from the last, or, on a grid, begin again."""
    first = jax.numpy.asarray(problem.start)
    now = [(first, jax.random.key(0))]

    def run(repeats: int) -> None:
        state = now[0]
        for _ in range(repeats):
            state = whole((first, state[1]) if problem.method == "reverse" else state)
        now[0] = jax.block_until_ready(state)

    return Work(run, answer)


def blackjax_sgld(problem: Chains) -> Work:
    """`blackjax.sgld` with the whole score, which is unadjusted Langevin, one chain under `vmap`."""
    jax = _jax(problem)
    import blackjax
    from blackjax.util import generate_gaussian_noise

    score, only = _score(problem), tuple(a[0] for a in problem.tables)
    kernel = blackjax.sgld(lambda x, _: score(x, *only[:2]))
    size = problem.number(STEP / 2)
    step = jax.vmap(lambda key, x: kernel.step(key, x, None, size))

    def answer() -> list[Array]:
        x, once = jax.numpy.asarray(problem.fewer.start), jax.jit(step)
        for k, z in enumerate(problem.noise):
            keys = jax.random.split(jax.random.key(k), len(x))
            own = jax.vmap(generate_gaussian_noise)(keys, x)  # the noise of this step, taken back
            x = once(keys, x) + only[3] * (z - own)
        return [np.asarray(x)]

    def body(state: Any, _: Any) -> Any:
        x, key = state
        key, use = jax.random.split(key)
        return (step(jax.random.split(use, problem.n), x), key), None

    whole = jax.jit(lambda s: jax.lax.scan(body, s, None, length=problem.steps)[0])
    return _scanned(problem, jax, whole, answer)


def blackjax_mala(problem: Chains) -> Work:
    """`blackjax.mala` on the log density, whose gradient it takes, one chain under `vmap`."""
    jax = _jax(problem)
    import blackjax

    log_density = _log_density(problem)
    kernel = blackjax.mala(log_density, problem.number(MALA_STEP / 2))
    begin = jax.vmap(kernel.init)

    def body(state: Any, _: Any) -> Any:
        x, key = state
        key, use = jax.random.split(key)
        x, told = jax.vmap(kernel.step)(jax.random.split(use, problem.n), x)
        return (x, key), told.is_accepted

    counted = jax.jit(lambda s: jax.lax.scan(body, s, None, length=problem.steps))
    whole = jax.jit(lambda s: jax.lax.scan(lambda c, _: (body(c, _)[0], None), s, None, length=problem.steps)[0])
    first = (begin(jax.numpy.asarray(problem.start)), jax.random.key(0))

    def answer() -> list[Array]:
        (state, _), accepted = counted(first)
        return [np.asarray(accepted).mean(0), (np.asarray(state.position) ** 2).sum(1)]

    now = [first]

    def run(repeats: int) -> None:
        for _ in range(repeats):
            now[0] = whole(now[0])
        jax.block_until_ready(now[0])

    return Work(run, answer)


def diffrax_euler(problem: Chains) -> Work:
    """`diffrax.Euler` on the equation, one chain under `vmap`, with the fastest of its Brownian paths."""
    jax = _jax(problem)
    import diffrax
    import lineax

    jnp, score, number = jax.numpy, _score(problem), problem.number
    reverse, variances = problem.method == "reverse", jnp.asarray(problem.variances.astype(problem.dtype))
    log_w = jnp.asarray(np.log(problem.weights).astype(problem.dtype)) if problem.components else None
    h = number((T_START - T_END) / problem.steps if reverse else STEP)

    def drift(t: Any, x: Any, _: Any) -> Any:  # in time s = T_START - t from 0 on
        level = number(T_START) - t if reverse else number(0)
        spread = variances + level**2
        terms = (1 / spread, log_w - number(0.5 * problem.d) * jnp.log(spread)) if problem.components else (None, None)
        return (2 * level if reverse else number(0.5)) * score(x, *terms)

    def diffusion(t: Any, x: Any, _: Any) -> Any:
        g = jnp.sqrt(2 * (number(T_START) - t)) if reverse else number(1)
        return lineax.DiagonalLinearOperator(jnp.full(x.shape, g, x.dtype))

    forward: Any = diffrax.ForwardMode

    def solved(x: Any, path: Any, steps: int) -> Any:
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, path))
        grid = diffrax.StepTo(ts=jnp.arange(steps + 1, dtype=x.dtype) * h)
        return diffrax.diffeqsolve(
            terms, diffrax.Euler(), grid.ts[0], grid.ts[-1], None, x, stepsize_controller=grid, max_steps=steps + 1,
            adjoint=forward(), saveat=diffrax.SaveAt(t1=True),
        ).ys[0]  # fmt: skip

    class Given(diffrax.AbstractPath):  # type: ignore[misc]
        sums: Any
        t0 = 0.0
        t1 = float("inf")

        def evaluate(self, t0: Any, t1: Any = None, left: bool = True, use_levy: bool = False) -> Any:  # noqa: ARG002
            first, last = (jnp.round(t / h).astype(int) for t in (t0, t1))
            return self.sums[last] - self.sums[first]

    def answer() -> list[Array]:
        steps, given = len(problem.noise), cast(Any, Given)
        sums = np.concatenate([np.zeros_like(problem.noise[:1]), problem.noise.cumsum(0)]) * np.sqrt(h)
        x = jax.vmap(lambda y, w: solved(y, given(w), steps))(problem.fewer.start, sums.transpose(1, 0, 2))
        return [np.asarray(x)]

    def whole(state: Any) -> Any:
        x, key = state
        key, use = jax.random.split(key)

        def one(y: Any, own: Any) -> Any:
            shape = jax.ShapeDtypeStruct((problem.d,), y.dtype)
            path = diffrax.UnsafeBrownianPath(shape, own, levy_area=diffrax.BrownianIncrement)
            return solved(y, path, problem.steps)

        return jax.vmap(one)(x, jax.random.split(use, problem.n)), key

    return _scanned(problem, jax, jax.jit(whole), answer)


def normals(problem: Normals) -> Work:
    """`jax.random.normal` in a `jit`."""
    jax = _jax(problem)
    draw = jax.jit(lambda key: jax.random.normal(key, (problem.n, problem.d), problem.dtype))
    keys = jax.random.split(jax.random.key(0), 64)

    def run(repeats: int) -> None:
        for k in range(repeats):
            draw(keys[k % 64]).block_until_ready()

    return Work(run, lambda: [np.asarray(draw(keys[0]))])


def density(problem: Points) -> Work:
    """`value_and_grad` of the log density, under `vmap`."""
    jax = _jax(problem)
    return _evaluated(problem, jax, jax.jit(jax.vmap(jax.value_and_grad(_log_density(problem.chains)))))


def density_products(problem: Points) -> Work:
    """By matrix products, written by hand, all points at once."""
    jax = _jax(problem)
    chains, table = problem.chains, problem.chains.tables
    means = jax.numpy.asarray(chains.means.astype(problem.dtype))
    precision, log_weight = table.precision[0], _normalised(chains)

    def of(x: Any) -> Any:
        e = x @ means.T - 0.5 * (means * means).sum(1) - 0.5 * (x * x).sum(1, keepdims=True)
        e = e * precision + log_weight
        log = jax.nn.logsumexp(e, axis=1)
        p = jax.numpy.exp(e - log[:, None]) * precision
        return log, p @ means - p.sum(1, keepdims=True) * x

    return _evaluated(problem, jax, jax.jit(of))


def _evaluated(problem: Points, jax: Any, of: Any) -> Work:
    points = jax.numpy.asarray(problem.chains.start)

    def run(repeats: int) -> None:
        for _ in range(repeats):
            jax.block_until_ready(of(points))

    return Work(run, lambda: [np.asarray(a) for a in of(points[:512])])


def _jax(problem: Chains | Normals | Points) -> Any:
    import jax

    jax.config.update("jax_enable_x64", problem.dtype == "float64")
    return jax


def _score(problem: Chains) -> Score:
    """s(x, 1/σ², log w - ½ d log σ²) for one chain (d,) or many (n, d)."""
    jax = _jax(problem)
    jnp = jax.numpy
    if not problem.components:
        minus = -jnp.asarray(problem.matrix.astype(problem.dtype))
        return lambda x, *_: x @ minus
    means = jnp.asarray(problem.means.astype(problem.dtype))
    half = 0.5 * (means * means).sum(1)

    def score(x: Any, precision: Any, log_weight: Any) -> Any:
        e = (x @ means.T - half - 0.5 * (x * x).sum(-1, keepdims=True)) * precision + log_weight
        p = jax.nn.softmax(e, axis=-1) * precision
        return p @ means - p.sum(-1, keepdims=True) * x

    return score


def _log_density(problem: Chains) -> Callable[[Any], Any]:
    """Of a mixture at one point."""
    jax = _jax(problem)
    means, precision = jax.numpy.asarray(problem.means.astype(problem.dtype)), problem.tables.precision[0]
    log_weight = _normalised(problem)
    return lambda x: jax.nn.logsumexp(log_weight - 0.5 * precision * ((x - means) ** 2).sum(-1))


def _normalised(problem: Chains) -> Array:
    return np.asarray(problem.tables.log_weight[0] - problem.number(0.5 * problem.d * np.log(2 * np.pi)))
