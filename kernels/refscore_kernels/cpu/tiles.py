"""Matrix times a tile of lanes, as vector instructions: sums that stay in registers from the first term to the last.

A tile is 256 bytes of lanes, number j at [j, :]: 32 lanes of float64, 64 of float32. LLVM's vectoriser takes the sums
of a matrix product through memory after every few terms; these loops, written as its vectors, do not. Each lane adds
its own terms, one after the other, each product and each sum rounded by itself unless ``contract`` is asked for, so no
bit depends on the width of the vectors, which is that of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["BYTES", "rows_of_tile"]

BYTES = 256  # of a tile's row
VECTORS = (("+avx512f", (64, 4)), ("+avx", (32, 2)))  # bytes of a vector and how many: four rows of sums fit registers
NARROW = 16, 2
INDEX, PLACE = ir.IntType(64), ir.IntType(32)


def rows_of_tile(count: int, contract: bool) -> Callable[..., Any]:
    """A compiled function (y, x, a, b, i, d): rows i … i + count - 1 of y = b + a x for a tile.

        y[i, l] = (b[i] + a[i, 0] x[0, l]) + a[i, 1] x[1, l] + …,   d terms, in turn                     (FWD.5)

    y, x, a and b are of one dimension and one type; y and x hold a tile's rows one behind the other, a rows of d.

    Parameters
    ----------
    count : int
        How many rows at a time: each number of x that is loaded is used as often.
    contract : bool
        Whether a product and a sum may be rounded together.

    Returns
    -------
    intrinsic
        For functions that Numba compiles.
    """

    @intrinsic
    def rows(_, y, x, a, b, i, d):  # type: ignore[no-untyped-def]  # noqa: ARG001  Numba looks at the names
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            features = context.codegen().magic_tuple()[2].split(",")
            vector = next((v for feature, v in VECTORS if feature in features), NARROW)
            _emit(context, builder, signature.args[0], args, (count, *vector, contract))
            return context.get_dummy_value()

        return types.void(y, x, a, b, types.int64, types.int64), emit

    value: Callable[..., Any] = rows
    return value


def _emit(context: Any, builder: Any, array: Any, args: Any, shape: tuple[int, int, int, bool]) -> None:
    """Loops over j for `columns` vectors of the tile at a time, with `count` rows of sums."""
    count, bytes_of_vector, columns, contract = shape
    number, size = context.get_value_type(array.dtype), array.dtype.bitwidth // 8
    lanes, width = BYTES // size, bytes_of_vector // size
    vector = ir.VectorType(number, width)
    flags = ("contract",) if contract else ()
    y, x, a, b = (context.make_array(array)(context, builder, value).data for value in args[:4])
    i, d = args[4:]

    def number_at(start: Any, offset: Any) -> Any:
        return builder.load(builder.gep(start, [offset]))

    def vector_at(start: Any, offset: Any) -> Any:
        return builder.bitcast(builder.gep(start, [offset]), vector.as_pointer())

    def everywhere(value: Any) -> Any:
        nothing = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(nothing, value, ir.Constant(PLACE, 0))
        return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(PLACE, width), [0] * width))

    places = [builder.add(i, INDEX(r)) for r in range(count)]
    matrix = [builder.gep(a, [builder.mul(place, d)]) for place in places]
    begun = [everywhere(number_at(b, place)) for place in places]
    for piece in range(0, lanes, width * columns):
        before, loop, after = builder.block, builder.append_basic_block("term"), builder.append_basic_block("row")
        builder.branch(loop)
        builder.position_at_end(loop)
        j = builder.phi(INDEX)
        sums = [[builder.phi(vector) for _ in range(columns)] for _ in range(count)]
        offset = builder.add(builder.mul(j, INDEX(lanes)), INDEX(piece))
        given = [builder.load(vector_at(x, builder.add(offset, INDEX(c * width))), align=size) for c in range(columns)]
        added = []
        for r in range(count):
            weight = everywhere(number_at(matrix[r], j))
            row = [
                builder.fadd(s, builder.fmul(weight, h, flags=flags), flags=flags) for s, h in zip(sums[r], given)
            ]  # (FWD.5)
            added.append(row)
            for s, value in zip(sums[r], row):
                s.add_incoming(begun[r], before)
                s.add_incoming(value, loop)
        following = builder.add(j, INDEX(1))
        j.add_incoming(INDEX(0), before)
        j.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, d), loop, after)
        builder.position_at_end(after)
        for place, row in zip(places, added):
            for c, value in enumerate(row):
                to = builder.add(builder.mul(place, INDEX(lanes)), INDEX(piece + c * width))
                builder.store(value, vector_at(y, to), align=size)
