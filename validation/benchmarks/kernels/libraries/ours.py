"""refscore_kernels, as a user calls it: one run that goes on, or one that is made again from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import refscore_kernels as rk
from validation.benchmarks.kernels.problems import CHECKED, SEED, Chains, Normals, Points
from validation.benchmarks.process import Work

__all__ = ["chains", "contracted", "density", "floor", "mala", "normals", "one_thread"]

Run = Callable[[int], object]


def chains(problem: Chains) -> Work:
    """`rk.run`, every operation rounded by itself."""
    return _chains(problem, problem.threads, False)


def contracted(problem: Chains) -> Work:
    """With products and sums rounded together."""
    return _chains(problem, problem.threads, True)


def one_thread(problem: Chains) -> Work:
    """However many there are."""
    return _chains(problem, 1, False)


def _chains(problem: Chains, threads: int, contract: bool) -> Work:
    law, sampler = problem.law, problem.sampler
    how: dict[str, Any] = {"seed": SEED, "dtype": problem.number, "threads": threads, "contract": contract}

    def answer() -> list[Any]:
        few = problem.fewer.start
        return [rk.run(sampler, law, few, steps=CHECKED, **how).x]

    return Work(_running(problem, sampler, law, how), answer)


def _running(problem: Chains, sampler: Any, law: Any, how: dict[str, Any]) -> Run:
    start = problem.start
    now = [rk.run(sampler, law, start, steps=0, **how)]

    def on(repeats: int) -> None:
        now[0] = rk.run(sampler, law, now[0], steps=repeats * problem.steps, **how)

    def again(repeats: int) -> None:
        for _ in range(repeats):
            rk.run(sampler, law, start, **how)

    return again if problem.method == "reverse" else on


def mala(problem: Chains) -> Work:
    """`rk.Mala`."""
    from validation.benchmarks.kernels.problems import MALA_STEP

    law, sampler = problem.law, rk.Mala(MALA_STEP)
    how: dict[str, Any] = {"seed": SEED, "dtype": problem.number, "threads": problem.threads}

    def answer() -> list[Any]:
        state = rk.run(sampler, law, problem.start, steps=problem.steps, **how)
        assert state.accepted is not None
        return [state.accepted / problem.steps, (state.x**2).sum(1)]

    return Work(_running(problem, sampler, law, how), answer)


def floor(problem: Chains) -> Work:
    """The normals of the steps and nothing else, in the blocks that the steps use."""
    import numba

    from refscore_kernels.backends import compiled, width_of
    from refscore_kernels.portable.noise import round_keys
    from refscore_kernels.prepare import prepare

    functions = compiled(problem.dtype == "float32", False)
    assert functions is not None  # Numba is there
    fill, keys, d, n = functions["fill"], round_keys(SEED), problem.d, problem.n
    rows = prepare(problem.law, np.array([[1.0, 0.0]]), problem.number).rows
    width = width_of(2 * d + rows, np.dtype(problem.dtype).itemsize)

    def only(z: Any, steps: Any, keys: Any) -> None:
        for chain in range(0, n, width):
            for step in range(steps):
                fill(z, d, min(width, n - chain), chain, step, 0, keys)

    kernel, z = numba.njit(only, error_model="numpy"), np.empty((d + 3, width), problem.dtype)
    return Work(lambda repeats: kernel(z, repeats * problem.steps, keys), list)


def normals(problem: Normals) -> Work:
    """`rk.tape` into an array that is there already, step after step."""
    number = np.float32 if problem.dtype == "float32" else np.float64
    out, step = np.empty((1, problem.n, problem.d), number), [0]

    def run(repeats: int) -> None:
        for _ in range(repeats):
            rk.tape(SEED, 1, problem.n, problem.d, first_step=step[0], dtype=number, out=out)
            step[0] += 1

    return Work(run, lambda: [rk.tape(SEED, 1, problem.n, problem.d, dtype=number)])


def density(problem: Points) -> Work:
    """`rk.log_prob_and_score`."""
    chains = problem.chains
    law, points = chains.law, chains.start

    def run(repeats: int) -> None:
        for _ in range(repeats):
            rk.log_prob_and_score(law, points, dtype=chains.number)

    return Work(run, lambda: list(rk.log_prob_and_score(law, points[:512], dtype=chains.number)))
