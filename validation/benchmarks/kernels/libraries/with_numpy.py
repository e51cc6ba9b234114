"""NumPy as its good users write it: no loop over chains, BLAS where there is a product, buffers that are there already.

A mixture's exponents come from |x - μ|² = |x|² - 2 x·μ + |μ|², which loses digits far from the origin but is one
matrix product. Chains are rows (n, d), as most people have them, or columns (d, n), where sums over few coordinates or
components run along memory and are faster. SFC64 is NumPy's fastest generator of normals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from validation.benchmarks.kernels.problems import CHECKED, Array, Chains, Normals, Points
from validation.benchmarks.process import Work

__all__ = ["columns", "density", "differences", "normals_pcg64", "normals_sfc64", "rows"]

Score = Callable[[Array, int, Array], object]
CHUNK = 4096  # points at a time, so that exponents stay in cache


def rows(problem: Chains) -> Work:
    """Chains are rows."""
    return _chains(problem, problem.start, _rows, False)


def columns(problem: Chains) -> Work:
    """Chains are columns."""
    return _chains(problem, np.ascontiguousarray(problem.start.T), _columns, True)


def differences(problem: Chains) -> Work:
    """Chains are rows, and all the differences x - μ are formed: simple, accurate, and K d numbers a chain."""
    return _chains(problem, problem.start, _differences, False)


def _chains(problem: Chains, start: Array, make: Callable[[Chains, Array], Score], turned: bool) -> Work:
    table, rng, number = problem.tables, np.random.Generator(np.random.SFC64(0)), problem.number

    def stepper(x: Array) -> Callable[[int, Array], None]:
        score, g = make(problem, x), np.empty_like(x)

        def step(k: int, z: Array) -> None:
            q = k % len(table.b)
            score(x, q, g)
            np.multiply(g, table.b[q], out=g)
            np.multiply(z, table.c[q], out=z)
            np.add(x, g, out=x)
            np.add(x, z, out=x)

        return step

    def answer() -> list[Array]:
        few = problem.fewer.start
        x = np.ascontiguousarray(few.T) if turned else few.copy()
        step = stepper(x)
        for k, z in enumerate(problem.noise[:CHECKED]):
            step(k, np.ascontiguousarray(z.T) if turned else z)
        return [np.ascontiguousarray(x.T) if turned else x]

    x, z = start.copy(), np.empty_like(start)
    step = stepper(x)

    def run(repeats: int) -> None:
        for _ in range(repeats):
            if problem.method == "reverse":
                x[:] = start
            for k in range(problem.steps):
                rng.standard_normal(out=z, dtype=number)
                step(k, z)

    return Work(run, answer)


def _rows(problem: Chains, like: Array) -> Score:
    if not problem.components:
        minus = -problem.matrix.astype(problem.dtype)
        return lambda x, q, g: np.matmul(x, minus, out=g)  # noqa: ARG005  one level
    means, table, half = problem.means.astype(problem.dtype), problem.tables, problem.number(0.5)
    across, far = np.ascontiguousarray(means.T), half * (means * means).sum(1)
    n = len(like)
    e, t = np.empty((n, len(means)), problem.dtype), np.empty_like(like)
    one, two = np.empty((n, 1), problem.dtype), np.empty(n, problem.dtype)

    def score(x: Array, q: int, g: Array) -> None:
        np.matmul(x, across, out=e)
        np.einsum("ni,ni->n", x, x, out=two)
        np.multiply(two, half, out=two)
        np.subtract(e, far, out=e)
        np.subtract(e, two[:, None], out=e)
        np.multiply(e, table.precision[q], out=e)
        np.add(e, table.log_weight[q], out=e)
        np.max(e, axis=1, keepdims=True, out=one)
        np.subtract(e, one, out=e)
        np.exp(e, out=e)
        np.sum(e, axis=1, keepdims=True, out=one)
        np.divide(e, one, out=e)
        np.multiply(e, table.precision[q], out=e)
        np.matmul(e, means, out=g)
        np.sum(e, axis=1, keepdims=True, out=one)
        np.multiply(one, x, out=t)
        np.subtract(g, t, out=g)

    return score


def _columns(problem: Chains, like: Array) -> Score:
    if not problem.components:
        minus = -problem.matrix.astype(problem.dtype)
        return lambda x, q, g: np.matmul(minus, x, out=g)  # noqa: ARG005
    means, table, half = problem.means.astype(problem.dtype), problem.tables, problem.number(0.5)
    back, far = np.ascontiguousarray(means.T), half * (means * means).sum(1)[:, None]
    n = like.shape[1]
    e, t, one = np.empty((len(means), n), problem.dtype), np.empty_like(like), np.empty(n, problem.dtype)
    precision, log_weight = table.precision[:, :, None], table.log_weight[:, :, None]

    def score(x: Array, q: int, g: Array) -> None:
        np.matmul(means, x, out=e)
        np.multiply(x, x, out=t)
        np.sum(t, axis=0, out=one)
        np.multiply(one, half, out=one)
        np.subtract(e, far, out=e)
        np.subtract(e, one, out=e)
        np.multiply(e, precision[q], out=e)
        np.add(e, log_weight[q], out=e)
        np.max(e, axis=0, out=one)
        np.subtract(e, one, out=e)
        np.exp(e, out=e)
        np.sum(e, axis=0, out=one)
        np.divide(e, one, out=e)
        np.multiply(e, precision[q], out=e)
        np.matmul(back, e, out=g)
        np.sum(e, axis=0, out=one)
        np.multiply(one, x, out=t)
        np.subtract(g, t, out=g)

    return score


def _differences(problem: Chains, like: Array) -> Score:
    means, table, half = problem.means.astype(problem.dtype), problem.tables, problem.number(0.5)
    away = np.empty((len(like), len(means), problem.d), problem.dtype)
    e = np.empty(away.shape[:2], problem.dtype)

    def score(x: Array, q: int, g: Array) -> None:
        np.subtract(means, x[:, None], out=away)
        np.einsum("nki,nki->nk", away, away, out=e)
        np.multiply(e, -half * table.precision[q], out=e)
        np.add(e, table.log_weight[q], out=e)
        np.subtract(e, e.max(1, keepdims=True), out=e)
        np.exp(e, out=e)
        np.divide(e, e.sum(1, keepdims=True), out=e)
        np.multiply(e, table.precision[q], out=e)
        np.einsum("nk,nki->ni", e, away, out=g)

    return score


def normals_sfc64(problem: Normals) -> Work:
    """`Generator.standard_normal` of SFC64."""
    return _normals(problem, np.random.SFC64(0))


def normals_pcg64(problem: Normals) -> Work:
    """`default_rng().standard_normal`."""
    return _normals(problem, np.random.PCG64(0))


def _normals(problem: Normals, bits: Any) -> Work:
    rng, number = np.random.Generator(bits), np.float32 if problem.dtype == "float32" else np.float64
    out = np.empty((problem.n, problem.d), number)

    def run(repeats: int) -> None:
        for _ in range(repeats):
            rng.standard_normal(out=out, dtype=number)

    return Work(run, lambda: [rng.standard_normal(out.shape, dtype=number)])


def density(problem: Points) -> Work:
    """Chunks of points, by matrix products about the mean of the components."""
    chains = problem.chains
    points = chains.start

    def of(x: Array) -> list[Array]:
        number, mean = chains.number, chains.means.mean(0)
        table, centre, means = chains.tables, mean.astype(problem.dtype), (chains.means - mean).astype(problem.dtype)
        precision, across = table.precision[0], np.ascontiguousarray(means.T)
        log_weight = table.log_weight[0] - number(0.5 * problem.d * np.log(2 * np.pi))
        far = number(0.5) * (means * means).sum(1)
        log, s = np.empty(len(x), number), np.empty_like(x)
        buffer, away = np.empty((CHUNK, len(means)), number), np.empty((CHUNK, problem.d), number)
        for lo in range(0, len(x), CHUNK):
            part = slice(lo, min(lo + CHUNK, len(x)))
            y, e = away[: part.stop - lo], buffer[: part.stop - lo]
            np.subtract(x[part], centre, out=y)
            np.matmul(y, across, out=e)
            e -= far
            e -= number(0.5) * np.einsum("ni,ni->n", y, y)[:, None]
            e *= precision
            e += log_weight
            top = e.max(1)
            e -= top[:, None]
            np.exp(e, out=e)
            total = e.sum(1)
            log[part] = top + np.log(total)
            e *= precision
            e /= total[:, None]
            y *= -e.sum(1)[:, None]
            y += e @ means
            s[part] = y
        return [log, s]

    return Work(lambda repeats: [of(points) for _ in range(repeats)], lambda: of(points[:512]))
