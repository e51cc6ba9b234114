"""Intercept NumPy's normal draws: the module's functions, new generators, and generators the code already holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from refscore.arrays import Float
from refscore.conformance.recorders.tape import Tape, WrongDraws

__all__ = ["numpy_draws", "standard_normal"]


def standard_normal(shape: tuple[int, ...]) -> Float:
    """Draw as other people's code does, from NumPy's global state: for examples and faults that are to be intercepted.

    Parameters
    ----------
    shape : tuple of int
        Shape of the draw.

    Returns
    -------
    ndarray
        What NumPy gives, or the tape while one is served.
    """
    return np.random.standard_normal(shape)


@contextmanager
def numpy_draws(tape: Tape, function: Callable[..., Any]) -> Iterator[None]:
    """While open, NumPy's standard normals come from `tape`.

    Parameters
    ----------
    tape : Tape
        What the draws return.
    function : callable
        The code under test: generators among its globals and in its closure are exchanged too.

    Yields
    ------
    None
        The context.

    Raises
    ------
    WrongDraws
        If something else than normals is drawn, or the tape is not used up.
    """
    served = _generator(tape)
    with ExitStack() as stack:
        for name, stand_in in (
            ("default_rng", lambda *_: served),
            ("Generator", lambda *_: served),
            ("RandomState", lambda *_: served),
            ("randn", served.randn),
            ("standard_normal", served.standard_normal),
            ("normal", served.normal),
            ("rand", served.other("rand")),
            ("uniform", served.other("uniform")),
            ("random", served.other("random")),
        ):
            stack.enter_context(mock.patch.object(np.random, name, stand_in))
        names = getattr(function, "__globals__", {})
        held = {n: served for n, v in names.items() if isinstance(v, (_GENERATOR, _RANDOM_STATE))}
        stack.enter_context(mock.patch.dict(names, held))
        for cell in getattr(function, "__closure__", None) or ():
            if isinstance(cell.cell_contents, (_GENERATOR, _RANDOM_STATE)):
                stack.callback(setattr, cell, "cell_contents", cell.cell_contents)
                cell.cell_contents = served
        yield
    tape.finish(tape.asked)


_GENERATOR, _RANDOM_STATE = np.random.Generator, np.random.RandomState


def _shape(size: Any) -> tuple[int, ...]:
    return () if size is None else tuple(int(n) for n in np.atleast_1d(size))


def _generator(tape: Tape) -> Any:
    class Served:
        """Looks like a generator, and has normals only."""

        def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Float:
            values = np.asarray(tape.draw(_shape(size) if out is None else out.shape), dtype=dtype)
            if out is None:
                return values
            out[...] = values
            return np.asarray(out)

        def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Float:
            shape = np.broadcast_shapes(np.shape(loc), np.shape(scale)) if size is None else _shape(size)
            return np.asarray(loc + scale * tape.draw(shape))

        def randn(self, *shape: int) -> Float:
            return tape.draw(shape)

        def other(self, name: str) -> Callable[..., Any]:
            def refuse(*_: Any, **__: Any) -> Any:
                raise WrongDraws(f"draws with {name}; the algorithm draws standard normals")

            return refuse

        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name.startswith("_"):
                raise AttributeError(name)
            return self.other(name)

    return Served()
