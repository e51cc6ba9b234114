"""The state of a training run, all of it: what a run can be resumed from to the bit.

On disk it is one ``.npz`` file without pickled objects, which is written beside its name and then moved there in one
go: at every moment the name holds a whole checkpoint, the old one or the new one.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, SupportsIndex, final

import numpy as np
from numpy.typing import NDArray

from refscore.arrays import Float, integer
from refscore.models.activations import Array

__all__ = ["State", "differences", "load", "save"]

FORMAT = 1  # of the file; raised when a field is added or changes its meaning


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class State:
    """A training run between two steps.

    Parameters
    ----------
    step : int
        Steps done, and the number k of the next one.
    theta : (p,)
        θ, float32 or float64.
    slots : tuple of (p,)
        What the optimiser carries along.
    mean : (p,) or None
        θ̄, the running mean of θ, where one is kept.
    losses, gradient_norms : (step,)
        L_k and |g_k| at each step, |g| before clipping.
    configuration : mapping of str to str
        What a run must share with this one to be its continuation, in words.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """

    step: int
    theta: Array
    slots: tuple[Array, ...]
    mean: Array | None
    losses: Float
    gradient_norms: Float
    configuration: Mapping[str, str]

    def __post_init__(self) -> None:
        step, theta = integer(self.step, "step", 0), _kept(self.theta)
        if theta.ndim != 1 or theta.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"theta has shape {theta.shape} and dtype {theta.dtype}; expected (p,), float32 or float64"
            )
        like_theta = {f"slots[{i}]": slot for i, slot in enumerate(self.slots)}
        if self.mean is not None:
            like_theta["mean"] = self.mean
        for name, array in like_theta.items():
            if array.shape != theta.shape or array.dtype != theta.dtype:
                raise ValueError(
                    f"{name} has shape {array.shape} and dtype {array.dtype}; expected {theta.shape} and {theta.dtype},"
                    " those of theta"
                )
        for name, array in (("losses", self.losses), ("gradient_norms", self.gradient_norms)):
            if array.shape != (step,) or array.dtype != np.float64:
                raise ValueError(
                    f"{name} has shape {array.shape} and dtype {array.dtype}; expected ({step},), one float64 a step"
                )
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "theta", theta)
        object.__setattr__(self, "slots", tuple(_kept(slot) for slot in self.slots))
        object.__setattr__(self, "mean", None if self.mean is None else _kept(self.mean))
        object.__setattr__(self, "losses", _kept(self.losses))
        object.__setattr__(self, "gradient_norms", _kept(self.gradient_norms))
        object.__setattr__(self, "configuration", MappingProxyType(dict(self.configuration)))

    def __repr__(self) -> str:
        last = f", last loss {self.losses[-1]:.6g}" if self.step else ""
        return f"State(step {self.step}, {self.theta.size} parameters of {self.theta.dtype}{last})"


def save(path: str | os.PathLike[str], state: State) -> None:
    """Write a checkpoint, all of it or nothing.

    Parameters
    ----------
    path : str or path
        The file; one that is there is replaced.
    state : State
        What to write.

    Raises
    ------
    OSError
        If it cannot be written; what was there is still there.
    """
    target = Path(path)
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "step": np.array(state.step),
        "theta": state.theta,
        **{f"slot_{i}": slot for i, slot in enumerate(state.slots)},
        **({} if state.mean is None else {"mean": state.mean}),
        "losses": state.losses,
        "gradient_norms": state.gradient_norms,
        "configuration": np.array(json.dumps(dict(state.configuration))),
    }
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> State:
    """Read a checkpoint.

    Parameters
    ----------
    path : str or path
        A file that :func:`save` wrote.

    Returns
    -------
    State
        As it was, to the bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no checkpoint, or one of another format. Pickled objects are never read.

    Examples
    --------
    >>> import tempfile
    >>> state = State(2, np.array([0.1, 0.2]), (), None, np.array([3.0, 1.0]), np.ones(2), {"seed": "0"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/run.npz", state)
    ...     load(f"{folder}/run.npz")
    State(step 2, 2 parameters of float64, last loss 1)
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no checkpoint: {error}") from None
    found = arrays.get("format")
    if found is None or found.shape != () or int(found) != FORMAT:
        raise ValueError(f"{path} has format {'none' if found is None else found}; expected {FORMAT}")
    slots = sorted((name for name in arrays if name.startswith("slot_")), key=lambda name: int(name[5:]))
    try:
        return State(
            step=int(arrays["step"]),
            theta=arrays["theta"],
            slots=tuple(arrays[name] for name in slots),
            mean=arrays.get("mean"),
            losses=arrays["losses"],
            gradient_norms=arrays["gradient_norms"],
            configuration=json.loads(str(arrays["configuration"])),
        )
    except KeyError as error:
        raise ValueError(f"{path} is no checkpoint: it has no {error}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no checkpoint: {error}") from None


def differences(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """Where two configurations differ, one line each.

    Parameters
    ----------
    found, expected : mapping of str to str
        That of a checkpoint, and that of this run.

    Returns
    -------
    list of str
        Empty if they are the same.

    Examples
    --------
    >>> differences({"seed": "0", "batch": "all 9"}, {"seed": "1", "batch": "all 9"})
    ['seed: 0 in the checkpoint, 1 now']
    """
    names = [*expected, *(name for name in found if name not in expected)]
    return [
        f"{name}: {found.get(name, 'nothing')} in the checkpoint, {expected.get(name, 'nothing')} now"
        for name in names
        if found.get(name) != expected.get(name)
    ]


def _kept(array: SupportsIndex | NDArray[Any]) -> Any:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy
