"""Functions of refscore_kernels.elementary as vector instructions: they are called with values that write themselves.

A :class:`Traced` stands where an array or a number would; each operation on it is one instruction, never contracted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir

from refscore_kernels import elementary

__all__ = ["exponential"]

KINDS = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "i8": np.int64}
TYPES = {np.float32: ir.FloatType(), np.float64: ir.DoubleType(), np.int32: ir.IntType(32), np.int64: ir.IntType(64)}


class Kind:
    """What f4, f8, i4 or i8 is to a traced function: a number becomes one of the type, a traced value is one."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __call__(self, value: Any) -> Any:
        """The value."""
        return value if isinstance(value, Traced) else self.kind(value)


class Traced:
    """Vectors of LLVM's, of one type, that are treated alike: their instructions alternate, so that none waits long.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    values : list of llvmlite.ir.Value
        The vectors.
    """

    __array_ufunc__ = None  # a number of NumPy before an operator leaves it to the vectors

    def __init__(self, builder: Any, values: list[Any]) -> None:
        self.builder, self.values, self.type = builder, values, values[0].type

    def _all(self, other: Any) -> list[Any]:
        if isinstance(other, Traced):
            return other.values
        number = int(other) if isinstance(self.type.element, ir.IntType) else float(other)
        return [ir.Constant(self.type, [number] * self.type.count)] * len(self.values)

    def _each(self, name: str, a: Any, b: Any) -> Traced:
        emit = getattr(self.builder, name if isinstance(self.type.element, ir.IntType) else f"f{name}")
        return Traced(self.builder, [emit(*pair) for pair in zip(self._all(a), self._all(b))])

    def __add__(self, other: Any) -> Traced:
        return self._each("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self._each("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return self._each("sub", self, other)

    def __mul__(self, other: Any) -> Traced:
        return self._each("mul", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self._each("mul", other, self)

    def __lshift__(self, other: Any) -> Traced:
        return Traced(self.builder, [self.builder.shl(*pair) for pair in zip(self.values, self._all(other))])

    def view(self, kind: Kind) -> Traced:
        """The same bits as numbers of another type."""
        other = ir.VectorType(TYPES[kind.kind], self.type.count)
        return Traced(self.builder, [self.builder.bitcast(value, other) for value in self.values])


@cache
def _functions() -> dict[str, Any]:
    names = {**vars(elementary), **{name: Kind(kind) for name, kind in KINDS.items()}}
    for name, function in vars(elementary).items():
        if isinstance(function, FunctionType):
            names[name] = FunctionType(function.__code__, names, name)
    return names


def exponential(builder: Any, x: list[Any]) -> list[Any]:
    """(ELM.1) of vectors of exponents not above 0: e^x, and 0 from LOWEST down.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    x : list of llvmlite.ir.Value
        Vectors.

    Returns
    -------
    list of llvmlite.ir.Value
        Of the same type.
    """
    kind = x[0].type
    bits = 32 if isinstance(kind.element, ir.FloatType) else 64
    function: Callable[[Traced], Traced] = _functions()[f"exponential_{bits}"]
    lowest = ir.Constant(kind, [float(getattr(elementary, f"LOWEST_{bits}"))] * kind.count)
    nothing = ir.Constant(kind, [0.0] * kind.count)
    over = [builder.fcmp_ordered(">", value, lowest) for value in x]
    inside = [builder.select(*each, lowest) for each in zip(over, x)]
    return [builder.select(*each, nothing) for each in zip(over, function(Traced(builder, inside)).values)]
