"""A run on a given noise tape: the compiled steps with noise, and if need be scores, that come from outside.

:func:`refscore_kernels.run` draws its noise by address. Here it is an argument, as in ``refscore.samplers.replay``:
that of a test vector, of another program or of the conformance suite. A score that is a function of Python is asked
between compiled parts: a step with J scores is taken J + 1 times, and each time it shows where it asks for the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import as_float64, integer
from refscore.samplers import Multistep, Sampler
from refscore.samplers.multistep import first_memory
from refscore.samplers.replay import Score
from refscore_kernels import backends, portable
from refscore_kernels.asking import asked, block_score
from refscore_kernels.backends import Backend
from refscore_kernels.plan import Plan, plan_of
from refscore_kernels.prepare import Prepared, prepare, universal
from refscore_kernels.state import Address, State

__all__ = ["replay"]

Array = NDArray[np.floating[Any]]
Dtype = type[np.floating[Any]]
NO_KEYS = np.zeros(0, np.uint64)


def replay(
    sampler: Sampler | Multistep,
    score: Any,
    start: ArrayLike | State,
    noise: ArrayLike | None = None,
    *,
    backend: Backend = "cpu",
    dtype: Dtype = np.float64,
    threads: int = 1,
    contract: bool = False,
) -> State:
    """Run a sampler on a noise tape by the kernels' steps: ``refscore.samplers.replay``, compiled.

        x_{k+1} = step(s, x_k, k, z_k),   k = 0 … K - 1                                                 (PLAN.4)

    Parameters
    ----------
    sampler : Sampler or Multistep
        What to run.
    score : Gaussian, Mixture, model or callable
        As for :func:`refscore_kernels.run`.
    start : (N, d) or State
        Where the chains start; of a State, its x and its memory, and the steps go on from its k.
    noise : (K, N, d), (K, draws, N, d) or None
        z_k; None for a sampler that draws none, which takes all its steps.
    backend : "cpu" or "portable"
        Compiled, or the same bits from NumPy alone.
    dtype : np.float64 or np.float32
        Of states, scores and noise.
    threads : int
        How many, for "cpu" and a score that has a kernel.
    contract : bool
        Let the compiler round a product and a sum together.

    Returns
    -------
    State
        After the last step; its address says nothing.

    Raises
    ------
    NotLinear
        If there is no kernel for the sampler.
    TypeError, ValueError
        If an argument is not what is described here.

    Examples
    --------
    On the tape of a seed it is the run of that seed, bit for bit:

    >>> import numpy as np
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> target, langevin = rs.targets.gaussian([0.0, 1.0], 0.5), rs.samplers.langevin(0.1)
    >>> run = rk.run(langevin, target, np.zeros((4, 2)), seed=7, steps=20, backend="portable")
    >>> again = rk.replay(langevin, target, np.zeros((4, 2)), rs.noise.tape(7, 20, 4, 2), backend="portable")
    >>> bool((again.x == run.x).all())
    True
    """
    backends.known(backend, dtype)
    if backend == "reference":
        raise ValueError("backend is 'reference'; expected 'cpu' or 'portable' (refscore.samplers.replay is it)")
    n_threads = integer(threads, "threads")
    if n_threads < 1:
        raise ValueError(f"threads is {n_threads}; expected at least 1")
    plan = plan_of(sampler)
    first = 0 if not isinstance(start, State) else start.k
    if isinstance(start, State):
        states = [start.x, *start.memory]
    else:
        x = as_float64(start, "start")
        if x.ndim != 2 or not x.size:
            raise ValueError(f"start has shape {x.shape}; expected (N, d), a chain in each row")
        states = [x, *first_memory(sampler, x)]
    y = np.stack([np.ascontiguousarray(v.T, dtype) for v in states])
    tape, end = _tape(noise, plan, y, first, dtype)
    ready = prepare(score, plan.levels, dtype)
    functions = backends.compiled(dtype is np.float32, contract, taped=True) if backend == "cpu" else None
    if functions is None:
        _portable(plan, ready, y, tape, (first, end), dtype)
    elif ready.name:
        _compiled(functions, plan, ready, y, tape, (first, end), n_threads)
    else:
        _between(functions, plan, universal(score), y, tape, (first, end))
    x, *memory = (np.ascontiguousarray(v.T) for v in y)
    return State(end, x, tuple(memory), None, Address(0), sampler.name)


def _tape(noise: ArrayLike | None, plan: Plan, y: Array, first: int, dtype: Dtype) -> tuple[Array, int]:
    """The tape (K draws, d, N), with step 0 first, and where the run ends."""
    d, n = y.shape[1:]
    if noise is None:
        if plan.draws or plan.n_steps is None:
            raise ValueError(f"noise is None; expected (K, {n}, {d}): {plan.name} draws noise or has no last step")
        return np.zeros((1, d, n), dtype), plan.n_steps
    z = as_float64(noise, "noise")
    wanted = (n, d) if plan.draws == 1 else (plan.draws, n, d)
    if not plan.draws or z.shape[1:] != wanted:
        raise ValueError(f"noise has shape {z.shape}; expected (K, {', '.join(map(str, wanted))}) for {plan.name}")
    end = first + len(z)
    if plan.n_steps is not None and end > plan.n_steps:
        raise ValueError(f"noise has {len(z)} steps; expected at most {plan.n_steps - first} for {plan.name}")
    rows = np.ascontiguousarray(z.reshape(-1, n, d).transpose(0, 2, 1), dtype)
    return rows, end


def _places(first: int) -> tuple[int, int, int]:
    """(chain, offset, stream): the tape begins with the first step of this run."""
    return (0, -first, 0)


def _portable(plan: Plan, ready: Prepared, y: Array, tape: Array, steps: tuple[int, int], dtype: Dtype) -> None:
    def fill(z: Array, chain: int, step: int, stream: int, _: Any) -> None:  # noqa: ARG001  as the drawn one
        z[:] = tape[step]

    loop = portable.steps.simple if plan.simple else portable.steps.linear
    score = block_score(plan, ready)
    loop(score, fill, y, backends.tables(plan, dtype), _places(steps[0]), steps, NO_KEYS)


def _compiled(
    functions: dict[str, Any], plan: Plan, ready: Prepared, y: Array, tape: Array, steps: tuple[int, int], threads: int
) -> None:
    kernel = backends.kernel_of(functions, plan, ready)
    width = backends.width_of(2 * plan.state.shape[1] * y.shape[1] + ready.rows, y.dtype.itemsize)
    numbers, place = backends.tables(plan, y.dtype.type), _places(steps[0])
    backends.spread(
        lambda span: kernel(ready.params, ready.rows, y, numbers, place, (*span, width, *steps), tape),
        y.shape[2],
        width,
        threads,
    )


def _between(
    functions: dict[str, Any], plan: Plan, score: Score, y: Array, tape: Array, steps: tuple[int, int]
) -> None:
    """Each step as often as it has scores, and once more: the answers so far show where the next one is asked."""
    d, n = y.shape[1:]
    numbered = replace(plan, level=np.where(plan.level < 0, -1, np.arange(plan.level.shape[1])))
    kernel = functions[f"run_{'simple' if plan.simple else 'linear'}_answered"]
    numbers, place = backends.tables(numbered, y.dtype.type), _places(steps[0])
    answers, points = (np.zeros((plan.level.shape[1], d, n), y.dtype) for _ in range(2))
    for k in range(*steps):
        span = (0, n, n, k, k + 1)
        for j, level in enumerate(plan.level[k % len(plan.level)].tolist()):
            if level < 0:
                break
            kernel((answers, points), 0, y.copy(), numbers, place, span, tape)
            answers[j] = asked(score, plan, level, points[j])
        kernel((answers, points), 0, y, numbers, place, span, tape)
