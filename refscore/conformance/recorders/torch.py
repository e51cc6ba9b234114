"""Intercept torch's normal draws below Python, at the operator, so that every way to ask for them is seen.

``torch.randn``, ``randn_like``, ``Tensor.normal_``, ``torch.normal``, distributions and draws inside library code all
reach an operator that torch tags as seeded; that is where the tape steps in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from refscore.conformance.recorders.tape import Tape, WrongDraws

__all__ = ["torch_draws"]


@contextmanager
def torch_draws(tape: Tape) -> Iterator[None]:
    """While open, torch's standard normals come from `tape`.

    Parameters
    ----------
    tape : Tape
        What the draws return.

    Yields
    ------
    None
        The context.

    Raises
    ------
    WrongDraws
        If something else than normals is drawn, or the tape is not used up.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Served(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if torch.Tag.nondeterministic_seeded not in func.tags:
                return func(*args, **kwargs)
            name = str(func)  # e.g. aten.normal_.default
            if not name.startswith(("aten.randn", "aten.normal")):
                raise WrongDraws(f"draws with {name.split('.')[1]}; the algorithm draws standard normals")
            with torch.random.fork_rng(devices=[]):  # runs the operator once for its result's shape, dtype and layout
                out = func(*args, **kwargs)
            z = torch.as_tensor(tape.draw(tuple(out.shape)), dtype=out.dtype, device=out.device)
            mean, std = _location_scale(name, args, kwargs)
            out.copy_(mean + std * z)
            return out

    with Served():
        yield
    tape.finish(tape.asked)


def _location_scale(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    if not name.startswith("aten.normal"):
        return 0.0, 1.0
    rest = args[1:] if name.startswith(("aten.normal_.", "aten.normal_functional")) else args
    mean = rest[0] if rest else kwargs.get("mean", 0.0)
    std = rest[1] if len(rest) > 1 else kwargs.get("std", 1.0)
    return mean, std
