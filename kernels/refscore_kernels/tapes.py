"""``refscore.noise.tape``, compiled: the normals of a whole run as one array, with the same bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from refscore import noise
from refscore.arrays import integer
from refscore_kernels import backends
from refscore_kernels.portable.noise import fill, round_keys

__all__ = ["tape"]

Array = NDArray[np.floating[Any]]
WIDTH = 256  # lanes at a time; no bit depends on it


def tape(
    seed: SupportsIndex,
    steps: SupportsIndex,
    batch: SupportsIndex | Sequence[SupportsIndex],
    d: SupportsIndex,
    *,
    stream: SupportsIndex = 0,
    first_step: SupportsIndex = 0,
    first_chain: SupportsIndex = 0,
    dtype: type[np.floating[Any]] = np.float64,
    backend: backends.Backend = "cpu",
    threads: SupportsIndex = 1,
    out: Array | None = None,
) -> Array:
    """All the normals of a run, those that ``refscore.noise.tape`` gives and :func:`run` uses.

        z₀ = ± √(-log u(A)) (cos φ - sin φ),   z₁ = ± √(-log u(A)) (cos φ + sin φ)                    (RNG.5)

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    steps : int
        How many steps; 0 gives an empty tape.
    batch : int or tuple of int
        Shape of the batch, whose chains are numbered in C order; () is one chain without batch axis.
    d : int
        Dimension, at least 1.
    stream : int
        0 <= stream < 2**32.
    first_step, first_chain : int
        Where the tape starts.
    dtype : np.float64 or np.float32
        Of the normals; those of float32 are others, not those of float64 rounded.
    backend : "cpu", "portable" or "reference"
        Compiled; the same bits from NumPy alone; or ``refscore.noise.tape`` itself, in float64 only.
    threads : int
        How many, for "cpu". No bit depends on it.
    out : (steps, \\*batch, d), optional
        C-contiguous, of `dtype`: where the normals go, so that nothing is allocated.

    Returns
    -------
    (steps, \\*batch, d)
        Normals; `out`, if it was given.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described here.

    Examples
    --------
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> bool((rk.tape(7, 3, 5, 2, backend="portable") == rs.noise.tape(7, 3, 5, 2)).all())
    True
    """
    backends.known(backend, dtype)
    key, use = _within(seed, "seed", 2**64), _within(stream, "stream", 2**32)
    n_steps, begin, width = (
        _within(steps, "steps", 2**32 + 1),
        _within(first_step, "first_step", 2**32),
        _within(d, "d", 2**32, 1),
    )
    shape = tuple(_within(n, "batch", 2**32 + 1) for n in (batch if isinstance(batch, Sequence) else (batch,)))
    n_chains, chain, n_threads = (
        math.prod(shape),
        _within(first_chain, "first_chain", 2**32),
        _within(threads, "threads", 2**31, 1),
    )
    if begin + n_steps > 2**32:
        raise ValueError(f"steps is {n_steps} from first_step {begin}; expected first_step + steps <= 2**32")
    if chain + n_chains > 2**32:
        raise ValueError(f"batch {shape} is {n_chains} chains from {chain}; expected first_chain + chains <= 2**32")
    z = _place(out, (n_steps, *shape, width), dtype)
    rows = z.reshape(n_steps, n_chains, width)  # a view: z is contiguous
    functions = backends.compiled(dtype is np.float32, False) if backend == "cpu" and z.size else None
    if backend == "reference":
        rows[:] = noise.tape(key, n_steps, n_chains, width, stream=use, first_step=begin, first_chain=chain)
    elif functions is None:
        for k, row in enumerate(rows):
            fill(row.T, chain, begin + k, use, round_keys(key))
    else:
        kernel, keys = functions["run_tape"], round_keys(key)
        backends.spread(
            lambda span: kernel(rows, chain, begin, use, (*span, WIDTH), keys),
            n_steps * n_chains,
            WIDTH,
            n_threads,
        )
    return z


def _place(out: Array | None, shape: tuple[int, ...], dtype: type[np.floating[Any]]) -> Array:
    if out is None:
        return np.empty(shape, dtype)
    if not (isinstance(out, np.ndarray) and out.shape == shape and out.dtype == dtype and out.flags.carray):
        said = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"out is {said}; expected contiguous {np.dtype(dtype)} of shape {shape}")
    return out


def _within(value: Any, name: str, below: int, least: int = 0) -> int:
    number = integer(value, name)
    if not least <= number < below:
        raise ValueError(f"{name} is {number}; expected {least} <= {name} < {below}")
    return number
