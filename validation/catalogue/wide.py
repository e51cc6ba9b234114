"""The reference in extended precision: the same code, with NumPy's 80-bit floats where it asks for float64.

A formula made of array operations only does not know how wide its numbers are. What the two runs differ by is the
rounding error of the float64 run, to eleven bits.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import refscore
from refscore.conformance.capability import Case, Function
from validation.catalogue.networks import widened_model

__all__ = ["WIDE", "run_wide"]

WIDE = np.finfo(np.longdouble).nmant >= 63  # some platforms have no wider float


class _Wider(types.ModuleType):
    """NumPy, in which float64 means longdouble."""

    float64 = np.longdouble

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@contextmanager
def _widened() -> Iterator[None]:
    names = [m.name for m in pkgutil.walk_packages(refscore.__path__, "refscore.")]
    core = [n for n in names if not n.startswith(("refscore.conformance", "refscore.examples", "refscore.__main__"))]
    modules = [module for module in map(importlib.import_module, core) if hasattr(module, "np")]
    for module in modules:
        vars(module)["np"] = _Wider("numpy")
    try:
        yield
    finally:
        for module in modules:
            vars(module)["np"] = np


def run_wide(case: Case, reference: Function) -> tuple[Any, ...]:
    """The expected outputs of a case, computed in extended precision.

    Parameters
    ----------
    case : Case
        Its arguments are exact in both precisions.
    reference : callable
        Made of array operations only.

    Returns
    -------
    tuple of ndarray
        In longdouble.

    Raises
    ------
    TypeError
        If an output is not, since then nothing would be measured.
    """

    def wide(*arguments: Any, **keywords: Any) -> Any:
        return reference(*map(_cast, arguments), **{name: _cast(value) for name, value in keywords.items()})

    with _widened():
        outputs = case.expect(wide)
    if any(np.asarray(output).dtype != np.longdouble for output in outputs):
        raise TypeError(f"{case.name}: the reference went through float64 on the way")
    return outputs


def _cast(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.longdouble)
    if isinstance(value, float):
        return np.longdouble(value)
    return widened_model(value) if hasattr(value, "cast") else value
