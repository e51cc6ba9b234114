"""Loops over a tile of lanes, written as LLVM's vectors: sums stay in registers from the first term to the last.

A tile is 256 bytes of lanes: 32 of float64, 64 of float32. LLVM's vectoriser takes sums through memory after every few
terms; what is emitted here does not. Each lane adds its own terms, one after the other, each operation rounded by
itself unless ``contract`` is asked for, so no bit depends on the width of the vectors, which is that of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

__all__ = ["BYTES", "INDEX", "Emitter"]

BYTES = 256  # of a tile's row
VECTORS = (("+avx512f", (64, 4)), ("+avx", (32, 2)))  # bytes of a vector and how many: four rows of sums fit registers
NARROW = 16, 2
INDEX, PLACE = ir.IntType(64), ir.IntType(32)


class Emitter:
    """Writes vector code for one function.

    Parameters
    ----------
    context, builder : Numba's
        As an intrinsic gets them.
    number : Numba type
        float64 or float32.
    contract : bool
        Whether products and sums may be rounded together.
    """

    def __init__(self, context: Any, builder: Any, number: Any, contract: bool) -> None:
        self.context, self.builder = context, builder
        features = context.codegen().magic_tuple()[2].split(",")
        bytes_of_vector, self.columns = next((v for feature, v in VECTORS if feature in features), NARROW)
        self.number, self.size = context.get_value_type(number), number.bitwidth // 8
        self.lanes, self.width = BYTES // self.size, bytes_of_vector // self.size
        self.vector = ir.VectorType(self.number, self.width)
        self.flags = ("contract",) if contract else ()

    def pieces(self, columns: int) -> range:
        """Where each group of so many vectors of a tile begins."""
        return range(0, self.lanes, self.width * columns)

    def array(self, kind: Any, value: Any) -> Any:
        """An argument as Numba's structure: data, shape, strides."""
        return self.context.make_array(kind)(self.context, self.builder, value)

    def row(self, array: Any, i: Any) -> Any:
        """Where row i of an array (m, n) begins; of one of one dimension, its number i."""
        stride = self.builder.extract_value(array.strides, 0)
        start = self.builder.bitcast(array.data, ir.IntType(8).as_pointer())
        return self.builder.bitcast(
            self.builder.gep(start, [self.builder.mul(i, stride)]), array.data.type.pointee.as_pointer()
        )

    def at(self, start: Any, offset: Any) -> Any:
        """The number there."""
        return self.builder.load(self.builder.gep(start, [offset]))

    def load(self, start: Any, offset: Any) -> Any:
        """The vector there."""
        return self.builder.load(self._vector_at(start, offset), align=self.size)

    def store(self, value: Any, start: Any, offset: Any) -> None:
        """Put a vector there."""
        self.builder.store(value, self._vector_at(start, offset), align=self.size)

    def _vector_at(self, start: Any, offset: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(start, [offset]), self.vector.as_pointer())

    def everywhere(self, value: Any) -> Any:
        """A number in all lanes of a vector."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, value, ir.Constant(PLACE, 0))
        return self.builder.shuffle_vector(
            first, nothing, ir.Constant(ir.VectorType(PLACE, self.width), [0] * self.width)
        )

    def constant(self, value: float) -> Any:
        """The same, of a constant."""
        return ir.Constant(self.vector, [value] * self.width)

    def add(self, a: Any, b: Any) -> Any:
        """a + b."""
        return self.builder.fadd(a, b, flags=self.flags)

    def subtract(self, a: Any, b: Any) -> Any:
        """a - b."""
        return self.builder.fsub(a, b, flags=self.flags)

    def multiply(self, a: Any, b: Any) -> Any:
        """a b."""
        return self.builder.fmul(a, b, flags=self.flags)

    def sums(self, begun: list[Any], first: Any, last: Any, terms: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
        """Vectors that begin as `begun` and become terms(j, sums) for j = first … last - 1."""
        builder = self.builder
        before, loop, after = builder.block, builder.append_basic_block("term"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("<", first, last), loop, after)
        builder.position_at_end(loop)
        j = builder.phi(INDEX)
        sums = [builder.phi(self.vector) for _ in begun]
        found = terms(j, sums)
        following = builder.add(j, INDEX(1))
        j.add_incoming(first, before)
        j.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, last), loop, after)
        builder.position_at_end(after)
        ended = []
        for s, start, value in zip(sums, begun, found):
            s.add_incoming(start, before)
            s.add_incoming(value, loop)
            end = builder.phi(self.vector)
            end.add_incoming(start, before)
            end.add_incoming(value, loop)
            ended.append(end)
        return ended
