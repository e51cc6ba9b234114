"""Serving noise to code that draws it inside: the draws are intercepted and come from a tape."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from refscore.conformance.recorders.tape import Tape, WrongDraws

__all__ = ["INTERCEPTED", "OutOfReach", "Tape", "WrongDraws", "serve"]

INTERCEPTED = ("numpy", "torch")


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
