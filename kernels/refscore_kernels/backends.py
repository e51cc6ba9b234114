"""How a chunk of steps is taken: by the reference, by the portable twin in NumPy, or compiled.

Each gives a function advance(y, k, end): y (V, d, N), the state and the memory with a chain in each column, after the
steps k … end - 1, in its place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from refscore.noise import tape
from refscore.samplers import Multistep, Sampler
from refscore.samplers.multistep import advance
from refscore.samplers.replay import Score
from refscore_kernels import portable
from refscore_kernels.asking import block_score
from refscore_kernels.cpu.compiling import block_of, kernels
from refscore_kernels.plan import Plan
from refscore_kernels.portable.noise import round_keys
from refscore_kernels.prepare import Prepared
from refscore_kernels.program import program
from refscore_kernels.state import Address

__all__ = [
    "LANES",
    "Advance",
    "Backend",
    "compiled",
    "cpu",
    "kernel_of",
    "known",
    "numpy",
    "reference",
    "spread",
    "tables",
    "width_of",
]

Array = NDArray[np.floating[Any]]
Dtype = type[np.floating[Any]]
Advance = Callable[[Array, int, int], None]
Backend = Literal["cpu", "portable", "reference"]
"""Compiled by Numba; the same bits from NumPy alone; or refscore's own steps."""

LANES = 4096  # of the portable twin at a time: its temporaries stay in cache; no bit depends on it
BLOCK = 2**15  # bytes of a block of lanes: it stays next to the core


def known(backend: str, dtype: Any) -> None:
    """Refuse what there is no backend for.

    Parameters
    ----------
    backend : str
        One of Backend.
    dtype : np.float64 or np.float32
        Of the numbers; "reference" has float64 only.

    Raises
    ------
    ValueError
        If it is another.
    """
    if backend not in get_args(Backend):
        raise ValueError(f"backend is {backend!r}; expected one of {', '.join(map(repr, get_args(Backend)))}")
    if dtype not in (np.float64, np.float32):
        raise ValueError(f"dtype is {dtype!r}; expected np.float64 or np.float32")
    if backend == "reference" and dtype is not np.float64:
        raise ValueError("dtype is np.float32; expected np.float64 with backend='reference'")


def reference(sampler: Sampler | Multistep, score: Score, address: Address) -> Advance:
    """The reference's own step, on its own noise.

    Parameters
    ----------
    sampler : Sampler or Multistep
        Whose step.
    score : callable
        s(x, α, σ).
    address : Address
        Of the noise.

    Returns
    -------
    callable
        advance(y, k, end).
    """
    seed, stream, chain = address

    def go(y: Array, k: int, end: int) -> None:
        x, *memory = (v.T for v in y)
        for j in range(k, end):
            z = tape(
                seed, sampler.draws, len(x), x.shape[1], stream=stream, first_step=j * sampler.draws, first_chain=chain
            )
            noise = None if not len(z) else z[0] if len(z) == 1 else z
            x, found = advance(sampler, score, x, tuple(memory), j, noise)
            memory = list(found)
        after = np.stack([x, *memory])  # a memory may be a view of y: all is read before it is written
        y[:] = after.transpose(0, 2, 1)

    return go


def numpy(plan: Plan, ready: Prepared, address: Address, dtype: Dtype) -> Advance:
    """The portable twin; a score without a kernel is called between its parts.

    Parameters
    ----------
    plan : Plan
        What the steps do.
    ready : Prepared
        The score.
    address : Address
        Of the noise.
    dtype : np.float64 or np.float32
        Of the numbers.

    Returns
    -------
    callable
        advance(y, k, end).
    """
    loop = portable.steps.simple if plan.simple else portable.steps.linear
    numbers, keys, place = tables(plan, dtype), round_keys(address.seed), (address.first_chain, 0, address.stream)
    score = block_score(plan, ready)

    def go(y: Array, k: int, end: int) -> None:
        for lo in range(0, y.shape[2], LANES if ready.name else y.shape[2]):
            part = y[:, :, lo : lo + LANES] if ready.name else y
            loop(score, portable.noise.fill, part, numbers, (place[0] + lo, *place[1:]), (k, end), keys)

    return go


@cache
def compiled(single: bool, contract: bool, taped: bool = False) -> dict[str, Any] | None:
    """The compiled functions, or None, with one warning, where Numba is not installed.

    Parameters
    ----------
    single : bool
        For float32; else for float64.
    contract : bool
        Whether products and sums may be rounded together.
    taped : bool
        Whether noise is read from a tape.

    Returns
    -------
    dict or None
        Functions by their names.
    """
    try:
        return kernels(single, contract, taped)
    except ModuleNotFoundError as error:
        warnings.warn(
            f"{error}; until then NumPy takes the same steps, to the same bits, slowly", RuntimeWarning, stacklevel=5
        )
        return None


def cpu(
    functions: dict[str, Any], plan: Plan, ready: Prepared, address: Address, dtype: Dtype, threads: int
) -> Advance:
    """Compiled kernels, lanes spread over threads.

    Parameters
    ----------
    functions : dict
        Of :func:`compiled`.
    plan : Plan
        What the steps do.
    ready : Prepared
        The score, with a kernel.
    address : Address
        Of the noise.
    dtype : np.float64 or np.float32
        Of the numbers.
    threads : int
        How many.

    Returns
    -------
    callable
        advance(y, k, end).
    """
    kernel = kernel_of(functions, plan, ready)
    numbers, keys, place = tables(plan, dtype), round_keys(address.seed), (address.first_chain, 0, address.stream)

    def go(y: Array, k: int, end: int) -> None:
        width = width_of(2 * plan.state.shape[1] * y.shape[1] + ready.rows, y.dtype.itemsize)

        def part(span: tuple[int, int]) -> None:
            kernel(ready.params, ready.rows, y, numbers, place, (*span, width, k, end), keys)

        spread(part, y.shape[2], width, threads)

    return go


def kernel_of(functions: dict[str, Any], plan: Plan, ready: Prepared) -> Callable[..., None]:
    """The kernel for a plan and a score.

    Parameters
    ----------
    functions : dict
        Of :func:`compiled`.
    plan : Plan
        What the steps do.
    ready : Prepared
        The score, with a kernel.

    Returns
    -------
    callable
        kernel(params, rows, y, tables, place, span, keys).
    """
    form = "simple" if plan.simple else "linear"
    if ready.written is not None:
        return partial(functions[f"call_{form}"], block_of(ready.written))
    found: Callable[..., None] = functions[f"run_{form}_{ready.name}"]
    return found


def spread(part: Callable[[tuple[int, int]], None], n: int, width: int, threads: int) -> None:
    """Call `part` with (begin, end) for runs of whole blocks of lanes, as many at a time as there are threads.

    Parameters
    ----------
    part : callable
        It frees Python while it works.
    n, width : int
        Lanes, and lanes in a block.
    threads : int
        How many.
    """
    size = -(-n // (threads * width)) * width
    spans = [(begin, min(begin + size, n)) for begin in range(0, n, size)]
    if len(spans) == 1:
        part(spans[0])
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, spans))


def width_of(rows: int, itemsize: int) -> int:
    """Lanes in a block: as many as keep its rows near the core. No bit depends on it.

    Parameters
    ----------
    rows : int
        Rows of a block, of states and of work.
    itemsize : int
        Bytes of a number.

    Returns
    -------
    int
        A multiple of 64 from 64 to 256.
    """
    return min(256, max(64, BLOCK // (rows * itemsize) // 64 * 64))


def tables(plan: Plan, dtype: Dtype) -> tuple[Any, ...]:
    """A plan as the loops take it.

    Parameters
    ----------
    plan : Plan
        What the steps do.
    dtype : np.float64 or np.float32
        Of the numbers.

    Returns
    -------
    tuple
        (level, a, b, c, draws) for a simple plan, else the arrays of the plan and its program.
    """
    if plan.simple:
        noise = plan.noise[:, 0, 0] if plan.draws else np.zeros(len(plan.level))
        rows = (np.ascontiguousarray(row, dtype) for row in (plan.state[:, 0, 0], plan.score[:, 0, 0], noise))
        return (np.ascontiguousarray(plan.level[:, 0]), *rows, plan.draws)
    rest = (plan.point_state, plan.point_score, plan.point_noise, plan.state, plan.score, plan.noise)
    return (plan.level, *(np.ascontiguousarray(row, dtype) for row in rest), plan.by_lengths, program(plan, dtype))
