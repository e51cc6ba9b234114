"""Where a run stands, in memory and in a file."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Address", "Interrupted", "State", "load", "save"]

Array = NDArray[np.floating[Any]]
VERSION = 1


class Address(NamedTuple):
    """Where the noise of a run comes from.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    stream : int
        0 <= stream < 2**32.
    first_chain : int
        The number of the first chain.
    """

    seed: int
    stream: int = 0
    first_chain: int = 0


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class State:
    """Where a run stands, which is all that it needs to go on: ``run(sampler, score, state, …)``.

    Parameters
    ----------
    k : int
        Steps taken.
    x : (N, d)
        The states of the chains.
    memory : tuple of (N, d)
        What the sampler remembers, () for one without memory.
    accepted : (N,) of int or None
        How many proposals of each chain were accepted, for a sampler that proposes.
    address : Address
        Of the noise.
    sampler : str
        The sampler's name.
    """

    k: int
    x: Array
    memory: tuple[Array, ...]
    accepted: NDArray[np.int64] | None
    address: Address
    sampler: str

    def __repr__(self) -> str:
        n, d = self.x.shape
        return f"State of {self.sampler} after {self.k} steps: {n} chains in dimension {d}, {self.x.dtype}"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came: ``state`` is where the run stands.

    Parameters
    ----------
    state : State
        After the last whole step of all chains.
    """

    def __init__(self, state: State) -> None:
        super().__init__(f"stopped after {state.k} steps; run(…, error.state, …) goes on from there")
        self.state = state


def save(state: State, path: str | os.PathLike[str]) -> None:
    """Write a state to a file, whole or not at all.

    Parameters
    ----------
    state : State
        What to write.
    path : path
        An ``.npz`` file, replaced if it exists.

    Raises
    ------
    OSError
        If it cannot be written; what stood there stays.

    Examples
    --------
    >>> import tempfile
    >>> import refscore as rs
    >>> import refscore_kernels as rk
    >>> target = rs.targets.gaussian([0.0, 1.0], 1.0)
    >>> state = rk.run(rs.samplers.langevin(0.1), target, [[0.0, 0.0]], seed=1, steps=3, backend="portable")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rk.save(state, folder + "/run.npz")
    ...     print(rk.load(folder + "/run.npz"))
    State of langevin after 3 steps: 1 chains in dimension 2, float64
    """
    target = Path(path)
    arrays: dict[str, NDArray[Any]] = {f"memory{i}": m for i, m in enumerate(state.memory)}
    if state.accepted is not None:
        arrays["accepted"] = state.accepted
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                version=np.array(VERSION),
                k=np.array(state.k),
                x=state.x,
                address=np.array(state.address, np.uint64),
                sampler=np.array(state.sampler),
                **arrays,  # type: ignore[arg-type]
            )
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> State:
    """Read a state that :func:`save` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    State
        To go on with.

    Raises
    ------
    ValueError
        If the file holds no state, or one of another version.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as found:
                arrays = dict(found)
        except Exception as error:
            raise ValueError(
                f"path is {os.fspath(path)!r}, which holds no state ({error}); expected a file of save()"
            ) from None
    wanted = {"version", "k", "x", "address", "sampler"}
    if not wanted <= arrays.keys() or int(arrays["version"]) != VERSION:
        raise ValueError(f"path is {os.fspath(path)!r}, with {sorted(arrays)}; expected a state of version {VERSION}")
    memory = tuple(arrays[f"memory{i}"] for i in range(sum(name.startswith("memory") for name in arrays)))
    address = Address(*(int(a) for a in arrays["address"]))
    return State(int(arrays["k"]), arrays["x"], memory, arrays.get("accepted"), address, str(arrays["sampler"]))
