"""What a training step draws: which samples, and which noise. Each depends on the seed and the step alone.

So a run that is resumed sees what an uninterrupted one sees, and anybody can draw the same numbers for a step. The
address of a draw has the step in the place of the chain, and everything of one step in its dimensions:

    u_k = uniforms(seed, k, n, stream),   z_k = normals(seed, k, n d, stream)                         (LOO.1)

Batches without replacement read the data along one endless row of permutations, one for each epoch e:

    j_i = π_e(q),   n k + i = N e + q,   0 ≤ q < N                                                    (LOO.2)

and batches with replacement take j_i = ⌊N u_i⌋ (LOO.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, SupportsIndex, final

import numpy as np
from numpy.typing import NDArray

from refscore import noise
from refscore.arrays import Float, integer

__all__ = ["Batches", "as_batches", "blocked", "shuffled", "step_normals", "step_uniforms", "with_replacement"]

Integers = NDArray[np.int64]
Arrays = tuple[NDArray[Any], ...]

# Streams of the counter, out of the way of the small numbers that callers give their own noise.
ORDER, CHOICE, NOISE, LEVEL, PROJECTION = range(2**16, 2**16 + 5)
VECTORISED = 4096  # data sets up to this size have the permutations of many epochs made at once
BLOCK_STEPS, BLOCK_NUMBERS = 64, 2**17  # how far ahead is drawn: a call costs as much as a few hundred numbers


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batches:
    """Which samples belong to which step.

    Parameters
    ----------
    name : str
        What it prints as, and what a checkpoint remembers of it.
    size : int
        n, the samples of a step.
    at : callable
        ``at(seed, steps, n_data)``: from steps (B,) to the numbers of the samples (B, n), each in [0, n_data).
    """

    name: str
    size: int
    at: Callable[[int, Integers, int], Integers]

    def __repr__(self) -> str:
        return self.name


def shuffled(size: SupportsIndex) -> Batches:
    """Batches without replacement: every sample once an epoch, in a new order each time.

        j_i = π_e(q),   n k + i = N e + q,   0 ≤ q < N                                                (LOO.2)

    π_e sorts N uniforms of epoch e, so each order is as likely as any other.

    Parameters
    ----------
    size : int
        n ≥ 1.

    Returns
    -------
    Batches
        All of one size: a batch that begins at the end of an epoch ends in the next.

    Notes
    -----
    Not to be confused with loaders that make the last batch of an epoch smaller, or leave its samples out
    (``drop_last``).

    Examples
    --------
    >>> import numpy as np
    >>> order = shuffled(4).at(0, np.arange(3), 6).ravel()  # two epochs of 6 in three batches of 4
    >>> sorted(order[:6].tolist()) == sorted(order[6:].tolist()) == list(range(6))
    True
    """
    n = integer(size, "size", 1)

    def at(seed: int, steps: Integers, n_data: int) -> Integers:
        epoch, place = np.divmod(steps[:, None] * n + np.arange(n), n_data)
        epochs = np.unique(epoch)
        if n_data > VECTORISED:
            orders = np.stack([_order(seed, int(e), n_data) for e in epochs])
        else:
            orders = np.argsort(noise.uniforms(seed, epochs, n_data, stream=ORDER), axis=1, kind="stable")
        chosen: Integers = orders[np.searchsorted(epochs, epoch), place]  # (LOO.2)
        return chosen

    return Batches(f"shuffled({n})", n, at)


def with_replacement(size: SupportsIndex) -> Batches:
    """Batches of independent draws from the data.

        j_i = ⌊N u_i⌋                                                                                 (LOO.3)

    Parameters
    ----------
    size : int
        n ≥ 1.

    Returns
    -------
    Batches
        In which a sample may stand twice; every probability is 1/N to within 2⁻⁵².

    Examples
    --------
    >>> import numpy as np
    >>> with_replacement(3).at(7, np.array([5]), 10).tolist() == [
    ...     [int(10 * u) for u in noise.uniforms(7, 5, 3, stream=CHOICE)]]
    True
    """
    n = integer(size, "size", 1)

    def at(seed: int, steps: Integers, n_data: int) -> Integers:
        chosen: Integers = (n_data * noise.uniforms(seed, steps, n, stream=CHOICE)).astype(np.int64)  # (LOO.3)
        return chosen

    return Batches(f"with_replacement({n})", n, at)


def as_batches(batch: SupportsIndex | Batches | None, n_data: int) -> Batches:
    """What `batch` means for a data set of a given size.

    Parameters
    ----------
    batch : int, Batches or None
        A number n is shuffled(n); None, or n at least the size of the data, is all of the data at every step.
    n_data : int
        N.

    Returns
    -------
    Batches
        Of at most N samples where nothing is drawn twice.

    Examples
    --------
    >>> as_batches(8, 100), as_batches(200, 100), as_batches(None, 100)
    (shuffled(8), all 100, all 100)
    """
    if isinstance(batch, Batches):
        return batch
    if batch is not None and integer(batch, "batch", 1) < n_data:
        return shuffled(batch)

    def everything(_: int, steps: Integers, n_data: int) -> Integers:
        return np.broadcast_to(np.arange(n_data), (len(steps), n_data))

    return Batches(f"all {n_data}", n_data, everything)


def step_uniforms(seed: int, steps: Integers, shape: tuple[int, ...], stream: int) -> Float:
    """Uniforms in (0, 1) for some steps.

        u_k = uniforms(seed, k, n, stream)                                                            (LOO.1)

    Parameters
    ----------
    seed, steps : int, (B,)
        Where.
    shape : tuple of int
        Of what one step draws.
    stream : int
        What for.

    Returns
    -------
    (B, \\*shape)
        Rows that depend on their own step alone.
    """
    return noise.uniforms(seed, steps, int(np.prod(shape)), stream=stream).reshape(len(steps), *shape)  # (LOO.1)


def step_normals(seed: int, steps: Integers, shape: tuple[int, ...], stream: int) -> Float:
    """Standard normals for some steps.

        z_k = normals(seed, k, n d, stream)                                                           (LOO.1)

    Parameters
    ----------
    seed, steps : int, (B,)
        Where.
    shape : tuple of int
        Of what one step draws.
    stream : int
        What for.

    Returns
    -------
    (B, \\*shape)
        Rows that depend on their own step alone.
    """
    return noise.normals(seed, steps, int(np.prod(shape)), stream=stream).reshape(len(steps), *shape)  # (LOO.1)


def blocked(make: Callable[[Integers], Arrays], per_step: int) -> Callable[[int], Arrays]:
    """Serve single steps of what is made for many at once.

    Parameters
    ----------
    make : callable
        From steps (B,) to arrays whose first axis is B; each row depends on its own step alone.
    per_step : int
        How many numbers one step takes, which decides how far ahead is made.

    Returns
    -------
    callable
        From a step to its rows. They last until a step of another block is asked for.

    Examples
    --------
    >>> at = blocked(lambda steps: (steps**2,), 1000)
    >>> [int(at(k)[0]) for k in (3, 1000, 4)]
    [9, 1000000, 16]
    """
    length = max(1, min(BLOCK_STEPS, BLOCK_NUMBERS // per_step))
    held: dict[int, Arrays] = {}

    def at(step: int) -> Arrays:
        number, row = divmod(step, length)
        if number not in held:
            held.clear()
            held[number] = make(np.arange(number * length, (number + 1) * length, dtype=np.int64))
        return tuple(array[row] for array in held[number])

    return at


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, n_data: int) -> Integers:
    """π_e of a large data set, which many blocks read from."""
    return np.argsort(noise.uniforms(seed, epoch, n_data, stream=ORDER), kind="stable")
