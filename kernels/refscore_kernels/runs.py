"""The one call: any sampler of refscore on any score, compiled, in chunks of steps.

Noise belongs to a place, (chain, dimension, step), never to a time. So a run may be cut into chunks, its chains spread
over threads, and a state saved and taken up elsewhere: every state has the same bits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refscore.arrays import integer, of_shape, samples
from refscore.samplers import Multistep, Sampler
from refscore.samplers.multistep import first_memory
from refscore.samplers.recording import Callback
from refscore_kernels import backends
from refscore_kernels.backends import Backend
from refscore_kernels.metropolis import Counted, Hmc, Mala, metropolis
from refscore_kernels.prepare import dimension_of, universal
from refscore_kernels.remembered import planned
from refscore_kernels.state import Address, Interrupted, State, save

__all__ = ["run", "warmup"]

Array = NDArray[np.floating[Any]]
Dtype = type[np.floating[Any]]
PERIOD = 0.1  # seconds that a chunk of steps should take: Ctrl-C and callbacks come between chunks
SAVED = 60.0  # seconds between two checkpoints


def run(
    sampler: Sampler | Multistep | Mala | Hmc,
    score: Any,
    start: ArrayLike | State,
    *,
    seed: int,
    steps: int | None = None,
    stream: int = 0,
    first_chain: int = 0,
    backend: Backend = "cpu",
    dtype: Dtype = np.float64,
    threads: int = 1,
    contract: bool = False,
    callback: Callback | None = None,
    every: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> State:
    """Run a sampler from `start` on noise of its own: ``refscore.samplers.replay`` on ``refscore.noise.tape``, faster.

        x_{k+1} = step(s, x_k, k, z_k),   z_k = tape(seed, …)[k]                                        (PLAN.3)

    Parameters
    ----------
    sampler : Sampler, Multistep, Mala or Hmc
        What to run.
    score : Gaussian, Mixture, model or callable
        A target in closed form, a model s(x) or s(x, σ) of refscore, or s(x, α, σ).
    start : (N, d) or State
        Where the chains start, or where an earlier run stopped.
    seed : int
        0 <= seed < 2**64. Step k of chain i takes the normals of (seed, chain first_chain + i, step k, `stream`).
    steps : int, optional
        How many steps; all that are left, if not given.
    stream, first_chain : int
        Where the noise comes from: a worker with the chains from n on takes ``first_chain=n``.
    backend : "cpu", "portable" or "reference"
        Compiled; the same bits from NumPy alone; refscore's own step, a few roundings away, in float64 only.
    dtype : np.float64 or np.float32
        Of states, scores and noise. The normals of float32 are others than those of float64.
    threads : int
        How many, for "cpu". No bit depends on it.
    contract : bool
        Let the compiler round a product and a sum together: faster by a little, and no longer the same bits everywhere.
    callback : callable, optional
        ``callback(k, x)`` with the state after step k, as ``replay`` calls it, between chunks of steps.
    every : int, optional
        Call it after every so many steps and after the last; without it after each chunk, of about a tenth of a second.
    checkpoint : path, optional
        A file of :func:`save`, renewed about every minute, when the run is stopped by Ctrl-C, and at its end.

    Returns
    -------
    State
        Its ``x`` (N, d) are the states after the last step.

    Raises
    ------
    NotLinear
        If there is no kernel for the sampler; ``backend="reference"`` takes any.
    Interrupted
        On Ctrl-C, with the state in it.
    TypeError, ValueError
        If an argument is not what is described here.

    Examples
    --------
    A state is the same wherever the run was cut, and the reference's but for a few roundings:

    >>> import numpy as np
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> target, langevin = rs.targets.gaussian([0.0, 1.0], 0.5), rs.samplers.langevin(0.1)
    >>> whole = rk.run(langevin, target, np.zeros((4, 2)), seed=7, steps=20, backend="portable")
    >>> half = rk.run(langevin, target, np.zeros((4, 2)), seed=7, steps=10, backend="portable")
    >>> bool((rk.run(langevin, target, half, seed=7, steps=10, backend="portable").x == whole.x).all())
    True
    >>> z = rs.noise.tape(7, 20, 4, 2)
    >>> x = rs.samplers.replay(langevin, rs.samplers.noisy_score(target), np.zeros((4, 2)), z)
    >>> bool(abs(x - whole.x).max() < 1e-14)
    True
    """
    address = Address(
        _integer(seed, "seed", 2**64), _integer(stream, "stream", 2**32), _integer(first_chain, "first_chain", 2**32)
    )
    backends.known(backend, dtype)
    state = (
        _going_on(start, sampler, address, dtype)
        if isinstance(start, State)
        else _begun(start, sampler, address, dtype)
    )
    end, pace = _end(sampler, state, steps), None if every is None else _integer(every, "every", 2**63, 1)
    d = dimension_of(score)
    if d not in (None, state.x.shape[1]):
        raise ValueError(f"start has shape {state.x.shape}; expected (N, {d}), the dimension of score")
    advance = _advance(backend, sampler, score, address, dtype, _integer(threads, "threads", 1025, 1), contract)
    y, k, saved = np.stack([state.x.T, *(m.T for m in state.memory)]), state.k, time.monotonic()
    taken = np.zeros(0, np.int64) if state.accepted is None else state.accepted
    try:
        for stop in _chunks(k, end, pace):
            after, count = y.copy(), taken.copy()  # Ctrl-C may come between two parts of the chains
            advance(after, count, k, stop)
            y, taken, k = after, count, stop
            if callback is not None and (pace is None or k % pace == 0 or k == end):
                callback(k - 1, np.ascontiguousarray(y[0].T))
            if checkpoint is not None and (time.monotonic() - saved > SAVED or k == end):
                save(_state(y, taken, k, state), checkpoint)
                saved = time.monotonic()
    except KeyboardInterrupt:
        stopped = _state(y, taken, k, state)
        if checkpoint is not None:
            save(stopped, checkpoint)
        raise Interrupted(stopped) from None
    return _state(y, taken, k, state)


def warmup(
    sampler: Sampler | Multistep | Mala | Hmc,
    score: Any,
    *,
    d: int | None = None,
    dtype: Dtype = np.float64,
    contract: bool = False,
) -> float:
    """Compile what :func:`run` needs for a sampler and a score, or take it from Numba's cache, without running.

    Parameters
    ----------
    sampler : Sampler, Multistep, Mala or Hmc
        What will run.
    score : Gaussian, Mixture, model or callable
        Its score.
    d : int, optional
        The dimension, for a score that is bound to none.
    dtype : np.float64 or np.float32
        Of states, scores and noise.
    contract : bool
        As for :func:`run`.

    Returns
    -------
    float
        Seconds it took. A kernel is compiled once for each kind of score, form of steps and type of number, and kept
        on disk; one for a user's function is compiled in each process.

    Raises
    ------
    ValueError
        If `d` is missing, or as :func:`run`.

    Examples
    --------
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> seconds = rk.warmup(rs.samplers.langevin(0.1), rs.samplers.noisy_score(rs.targets.gaussian([0.0], 1.0)), d=1)
    """
    width = dimension_of(score) if d is None else _integer(d, "d", 2**32, 1)
    if width is None:
        raise ValueError("d is None, and score is bound to no dimension; expected the dimension")
    begin = time.perf_counter()
    run(sampler, score, np.zeros((1, width)), seed=0, steps=1, dtype=dtype, contract=contract)
    return time.perf_counter() - begin


def _advance(
    backend: Backend,
    sampler: Sampler | Multistep | Mala | Hmc,
    score: Any,
    address: Address,
    dtype: Dtype,
    threads: int,
    contract: bool,
) -> Counted:
    if isinstance(sampler, Mala | Hmc):
        return metropolis(sampler, score, address, dtype, threads, contract, backend)
    linear = _linear(backend, sampler, score, address, dtype, threads, contract)
    return lambda y, _, k, end: linear(y, k, end)


def _linear(
    backend: Backend,
    sampler: Sampler | Multistep,
    score: Any,
    address: Address,
    dtype: Dtype,
    threads: int,
    contract: bool,
) -> backends.Advance:
    if backend == "reference":
        return backends.reference(sampler, universal(score), address)
    plan, ready = planned(sampler, score, dtype)
    functions = backends.compiled(dtype is np.float32, contract) if backend == "cpu" and ready.name else None
    if functions is None:
        return backends.numpy(plan, ready, address, dtype)
    return backends.cpu(functions, plan, ready, address, dtype, threads)


def _integer(value: Any, name: str, below: int, least: int = 0) -> int:
    number = integer(value, name)
    if not least <= number < below:
        raise ValueError(f"{name} is {number}; expected {least} <= {name} < {below}")
    return number


def _begun(start: ArrayLike, sampler: Sampler | Multistep | Mala | Hmc, address: Address, dtype: Dtype) -> State:
    x = samples(start, "start")
    if x.ndim != 2 or not x.size:
        raise ValueError(f"start has shape {x.shape}; expected (N, d), a chain in each row")
    if isinstance(sampler, Mala | Hmc):
        return State(0, x.astype(dtype), (), np.zeros(len(x), np.int64), address, sampler.name)
    memory = tuple(m.astype(dtype) for m in first_memory(sampler, x))
    return State(0, x.astype(dtype), memory, None, address, sampler.name)


def _going_on(start: State, sampler: Sampler | Multistep | Mala | Hmc, address: Address, dtype: Dtype) -> State:
    said = {"sampler": sampler.name, "address": address, "dtype": np.dtype(dtype)}
    held = {"sampler": start.sampler, "address": start.address, "dtype": start.x.dtype}
    for name, value in said.items():
        if value != held[name]:
            raise ValueError(f"{name} is {value}; expected {held[name]}, which the state to go on from had")
    memory = tuple(of_shape(m, "start.memory", start.x.shape, "start.x").astype(dtype) for m in start.memory)
    return State(start.k, start.x, memory, start.accepted, address, sampler.name)


def _end(sampler: Sampler | Multistep | Mala | Hmc, state: State, steps: int | None) -> int:
    if steps is None:
        if sampler.n_steps is None:
            raise ValueError(f"steps is None, but {sampler.name} takes any number of steps; expected how many")
        return sampler.n_steps
    end = state.k + _integer(steps, "steps", 2**32)
    if sampler.n_steps is not None and end > sampler.n_steps:
        left = sampler.n_steps - state.k
        raise ValueError(f"steps is {steps}; expected at most {left}, which {sampler.name} has left after {state.k}")
    return end


def _state(y: Array, taken: NDArray[np.int64], k: int, before: State) -> State:
    x, *memory = (np.ascontiguousarray(v.T) for v in y)
    accepted = None if before.accepted is None else taken
    return State(k, x, tuple(memory), accepted, before.address, before.sampler)


def _chunks(k: int, end: int, every: int | None) -> Iterator[int]:
    """Ends of chunks: as many steps as take about PERIOD, and never past a multiple of `every`."""
    size = 1
    while k < end:
        stop = min(end, k + size, end if every is None else (k // every + 1) * every)
        begin = time.perf_counter()
        yield stop
        taken = time.perf_counter() - begin
        size = max(1, min(4 * size, int((stop - k) * PERIOD / max(taken, 1e-9))))
        k = stop
