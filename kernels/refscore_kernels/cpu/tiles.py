"""Matrix times a tile of lanes, as intrinsics whose sums stay in registers from the first term to the last.

Networks hold a tile's rows one behind the other; the other scores take lanes lo, lo + 1, … of blocks (rows, lanes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

from refscore_kernels.cpu.vectors import INDEX, Emitter

__all__ = ["rows_of_block", "rows_of_tile"]

Compiled = Callable[..., Any]


def rows_of_tile(count: int, contract: bool) -> Compiled:
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
            e = Emitter(context, builder, signature.args[0].dtype, contract)
            to, given, matrix, bias = (e.array(kind, value).data for kind, value in zip(signature.args, args[:4]))
            i, d = args[4:]
            lanes, places = INDEX(e.lanes), [builder.add(i, INDEX(r)) for r in range(count)]
            weights = [builder.gep(matrix, [builder.mul(place, d)]) for place in places]
            begun = [e.everywhere(e.at(bias, place)) for place in places]
            for piece in e.pieces(e.columns):
                _rows(
                    e,
                    (weights, INDEX(0), d),
                    lambda j, c, piece=piece: e.load(
                        given, builder.add(builder.mul(j, lanes), INDEX(piece + c * e.width))
                    ),
                    lambda r, _: begun[r],
                    lambda r, c, value, piece=piece: e.store(
                        value, to, builder.add(builder.mul(places[r], lanes), INDEX(piece + c * e.width))
                    ),
                )
            return context.get_dummy_value()

        return types.void(y, x, a, b, types.int64, types.int64), emit

    value: Compiled = rows
    return value


def _rows(e: Emitter, matrix: Any, load: Any, begin: Any, store: Any) -> None:
    """Sums over j of matrix[r][j] load(j, c), from begin(r, c) on; then store(r, c, sum)."""
    weights, first, last = matrix
    columns = range(e.columns)

    def terms(j: Any, sums: list[Any]) -> list[Any]:
        given = [load(j, c) for c in columns]
        found = []
        for r, row in enumerate(weights):
            weight = e.everywhere(e.at(row, j))
            found += [e.add(sums[r * len(columns) + c], e.multiply(weight, given[c])) for c in columns]  # (FWD.5)
        return found

    begun = [begin(r, c) for r in range(len(weights)) for c in columns]
    for k, value in enumerate(e.sums(begun, first, last, terms)):
        store(k // len(columns), k % len(columns), value)


def rows_of_block(contract: bool, fresh: bool) -> Compiled:
    """A compiled function (count, y, x, a, i, first, last, lo): `count` rows of y, terms j = first … last - 1 of a x.

    Parameters
    ----------
    contract : bool
        Whether a product and a sum may be rounded together.
    fresh : bool
        Whether the sum begins with its first term; else with what is in y. -0 + t is t, whatever t is.

    Returns
    -------
    intrinsic
        For functions that Numba compiles; x, y and a are of two dimensions.
    """

    @intrinsic(prefer_literal=True)
    def rows(_, count, y, x, a, i, first, last, lo):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            e = Emitter(context, builder, y.dtype, contract)
            to, given, matrix = (e.array(kind, value) for kind, value in zip(signature.args[1:], args[1:4]))
            i, first, last, lo = args[4:]
            places = [builder.add(i, INDEX(r)) for r in range(count.literal_value)]
            weights, targets = [e.row(matrix, place) for place in places], [e.row(to, place) for place in places]
            for piece in e.pieces(e.columns):
                at = [builder.add(lo, INDEX(piece + c * e.width)) for c in range(e.columns)]
                _rows(
                    e,
                    (weights, first, last),
                    lambda j, c, at=at: e.load(e.row(given, j), at[c]),
                    lambda r, c, at=at: e.constant(-0.0) if fresh else e.load(targets[r], at[c]),
                    lambda r, c, value, at=at: e.store(value, targets[r], at[c]),
                )
            return context.get_dummy_value()

        return types.void(count, y, x, a, *4 * (types.int64,)), emit

    value: Compiled = rows
    return value
