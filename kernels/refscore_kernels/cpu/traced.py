"""Functions of refscore_kernels.elementary as vector instructions: they are called with values that write themselves.

A :class:`Traced` stands where an array or a number would; each operation on it is one instruction, never contracted.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from refscore_kernels import elementary

__all__ = ["Traced", "exponential", "functions"]

KINDS = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "i8": np.int64, "u4": np.uint32, "u8": np.uint64}
TYPES = {kind: ir.IntType(8 * np.dtype(kind).itemsize) for kind in KINDS.values()}
TYPES |= {np.float32: ir.FloatType(), np.float64: ir.DoubleType()}


class Kind:
    """What f4, f8, i4, i8, u4 or u8 is to a traced function: numbers and traced values become those of the type."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __call__(self, value: Any) -> Any:
        """The value."""
        return value.to(self.kind) if isinstance(value, Traced) else self.kind(value)


class Traced:
    """Vectors of LLVM's, of one type, that are treated alike: their instructions alternate, so that none waits long.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions go.
    values : list of llvmlite.ir.Value
        The vectors.
    kind : type
        NumPy's of a lane: LLVM's integers have no sign of their own.
    """

    __array_ufunc__ = None  # a number of NumPy before an operator leaves it to the vectors

    def __init__(self, builder: Any, values: list[Any], kind: Any) -> None:
        self.builder, self.values, self.type, self.kind = builder, values, values[0].type, kind

    def _all(self, other: Any) -> list[Any]:
        if isinstance(other, Traced):
            return other.values
        number = int(other) if isinstance(self.type.element, ir.IntType) else float(other)
        return [ir.Constant(self.type, [number] * self.type.count)] * len(self.values)

    def _bits(self, name: str, a: Any, b: Any) -> Traced:
        emit = getattr(self.builder, name)
        return Traced(self.builder, [emit(*pair) for pair in zip(self._all(a), self._all(b))], self.kind)

    def _each(self, name: str, a: Any, b: Any) -> Traced:
        return self._bits(name if isinstance(self.type.element, ir.IntType) else f"f{name}", a, b)

    def __add__(self, other: Any) -> Traced:
        return self._each("add", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self._each("add", other, self)

    def __sub__(self, other: Any) -> Traced:
        return self._each("sub", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self._each("sub", other, self)

    def __mul__(self, other: Any) -> Traced:
        return self._each("mul", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self._each("mul", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self._each("div", self, other)

    def __neg__(self) -> Traced:
        return Traced(self.builder, [self.builder.fneg(value) for value in self.values], self.kind)

    def __lshift__(self, other: Any) -> Traced:
        return self._bits("shl", self, other)

    def __rshift__(self, other: Any) -> Traced:
        return self._bits("lshr", self, other)  # of words without a sign

    def __and__(self, other: Any) -> Traced:
        return self._bits("and_", self, other)

    def __or__(self, other: Any) -> Traced:
        return self._bits("or_", self, other)

    def __ror__(self, other: Any) -> Traced:
        return self._bits("or_", other, self)

    def __xor__(self, other: Any) -> Traced:
        return self._bits("xor", self, other)

    def _vector(self, kind: Any) -> Any:
        return ir.VectorType(TYPES[kind], self.type.count)

    def view(self, kind: Kind) -> Traced:
        """The same bits as numbers of another type."""
        to = self._vector(kind.kind)
        return Traced(self.builder, [self.builder.bitcast(value, to) for value in self.values], kind.kind)

    def to(self, kind: Any) -> Traced:
        """The same numbers in another type: words lose their upper half, what becomes float32 is rounded."""
        old, new = np.dtype(self.kind), np.dtype(kind)
        if TYPES[self.kind] == TYPES[kind]:
            return Traced(self.builder, self.values, kind)
        if new.kind != "f":
            name = "trunc"
        elif old.kind == "f":
            name = "fptrunc"
        else:
            name = "uitofp" if old.kind == "u" else "sitofp"
        emit, vector = getattr(self.builder, name), self._vector(kind)
        return Traced(self.builder, [emit(value, vector) for value in self.values], kind)

    def sqrt(self) -> Traced:
        """√, rounded once."""
        name = f"llvm.sqrt.v{self.type.count}f{8 * np.dtype(self.kind).itemsize}"
        root = cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(self.type, [self.type]), name)
        return Traced(self.builder, [self.builder.call(root, [value]) for value in self.values], self.kind)


@cache
def functions() -> dict[str, Any]:
    """The functions of refscore_kernels.elementary by their names, for traced values.

    Returns
    -------
    dict
        Callables.
    """
    names = {**vars(elementary), **{name: Kind(kind) for name, kind in KINDS.items()}}
    names["np"] = SimpleNamespace(sqrt=Traced.sqrt)
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
    bits, number = (32, np.float32) if isinstance(kind.element, ir.FloatType) else (64, np.float64)
    lowest = ir.Constant(kind, [float(getattr(elementary, f"LOWEST_{bits}"))] * kind.count)
    nothing = ir.Constant(kind, [0.0] * kind.count)
    over = [builder.fcmp_ordered(">", value, lowest) for value in x]
    inside = [builder.select(*each, lowest) for each in zip(over, x)]
    found = functions()[f"exponential_{bits}"](Traced(builder, inside, number)).values
    return [builder.select(*each, nothing) for each in zip(over, found)]
