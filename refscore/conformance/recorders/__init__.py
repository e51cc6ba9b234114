"""Serving noise to code that draws it inside: the draws are intercepted and come from a tape."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from refscore.conformance.recorders.tape import Tape, WrongDraws

__all__ = ["INTERCEPTED", "OutOfReach", "Tape", "WrongDraws", "seed_library", "serve"]

INTERCEPTED = ("numpy", "torch")


def seed_library(library: str, seed: int) -> None:
    """Set the global generators of a library, so that a statistical verdict can be repeated.

    Parameters
    ----------
    library : str
        Array library.
    seed : int
        The seed of the run.
    """
    if library == "torch":
        import torch

        torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


class OutOfReach(Exception):
    """The library gives no way to serve its draws."""


def serve(library: str, tape: Tape, function: Callable[..., Any]) -> AbstractContextManager[None]:
    """While the context is open, normal draws of `library` come from `tape`.

    Parameters
    ----------
    library : {"numpy", "torch"}
        Whose random functions are intercepted.
    tape : Tape
        What they return.
    function : callable
        The code under test; NumPy generators it holds are exchanged for the tape's.

    Returns
    -------
    context manager
        Restores everything on the way out, and then reports noise that was never asked for.

    Raises
    ------
    OutOfReach
        If the draws of that library cannot be intercepted.
    """
    if library == "torch":
        from refscore.conformance.recorders.torch import torch_draws

        return torch_draws(tape)
    if library == "numpy":
        from refscore.conformance.recorders.numpy import numpy_draws

        return numpy_draws(tape, function)
    raise OutOfReach(f'draws of {library} cannot be intercepted; declare noise="argument" or noise="internal"')
