"""Normals and uniforms of many lanes, as intrinsics: (RNG.2) … (RNG.5) as vector instructions, never contracted.

A few vectors are taken at a time, their instructions in alternation, for each waits long for the one before. The last
lanes are taken together with some that are there already, and those get the same bits again; a few lanes are made with
more, which are thrown away, and fewer are left to a loop over them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from refscore_kernels.cpu.traced import Traced, functions
from refscore_kernels.cpu.vectors import INDEX, PLACE, Emitter

__all__ = ["normals", "uniforms"]

Compiled = Callable[..., Any]
GROUP = 2**31  # of uniforms (RNG.3)
FEW = 4  # lanes that cost as much one by one
WORD = ir.IntType(64)


def normals(along: bool) -> Compiled:
    """A compiled function (z, row, group, n, chain, step, stream, keys): normals in z[row : row + 2, :n], or 4 rows.

    Parameters
    ----------
    along : bool
        Whether a lane is a group of one chain; else it is a chain.

    Returns
    -------
    intrinsic
        For functions that Numba compiles; it gives the first lane that is still to do: n, or 0.
    """

    @intrinsic
    def tiled(_, z, row, group, n, chain, step, stream, keys):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
            e = Emitter(context, builder, z.dtype, False)
            to, given = e.array(z, args[0]), e.array(keys, args[7])
            row, group, n, *place = args[1:7]
            rows = [e.row(to, builder.add(row, INDEX(r))) for r in range(16 // e.size)]

            def write(rows: list[Any], lane: Any) -> None:
                counter = [place[0], group, *place[1:]]
                w = _words(e, counter, 1 if along else 0, lane, given)
                for start, value in zip(rows, _normals(e, w), strict=True):
                    _store(e, value, start, lane)

            return _loop(e, n, rows, write)

        return types.int64(z, *6 * (types.int64,), keys), emit

    value: Compiled = tiled
    return value


@intrinsic
def uniforms(_, u, n, chain, step, stream, keys):  # type: ignore[no-untyped-def]  # noqa: ARG001  Numba looks at the names
    """u[:n]: the first uniform of each chain, a lane; the first lane that is still to do is given: n, or 0."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001  the form of an intrinsic
        e = Emitter(context, builder, u.dtype, False)
        to, given = e.array(u, args[0]), e.array(keys, args[5])
        n, chain, step, stream = args[1:5]

        def write(rows: list[Any], lane: Any) -> None:
            w0, w1, _, _ = _words(e, [chain, WORD(GROUP), step, stream], 0, lane, given)
            found = functions()["unit_64"]((w0 << np.uint64(32)) | w1)
            _store(e, found.to(_kind(e)), rows[0], lane)

        return _loop(e, n, [to.data], write)

    return types.int64(u, *4 * (types.int64,), keys), emit


def _kind(e: Emitter) -> Any:
    return np.float32 if e.size == 4 else np.float64


def _at_a_time(e: Emitter) -> int:
    """Vectors of numbers; one of float32 goes with two of words."""
    return e.columns * e.size // 8 or 1


def _loop(e: Emitter, n: Any, rows: list[Any], write: Any) -> Any:
    """write(rows, lane) for every so many lanes, at last for the last n; n, or 0 where there are too few."""
    builder, lanes = e.builder, _at_a_time(e) * e.width
    none, span = INDEX(0), INDEX(lanes)
    begin, before, loop, after, copy, done = (
        builder.block, *(builder.append_basic_block(name) for name in ("some", "piece", "whole", "copy", "done"))
    )  # fmt: skip
    buffers = [builder.bitcast(cgutils.alloca_once(builder, e.number, lanes), row.type) for row in rows]
    builder.cbranch(builder.icmp_signed(">=", n, INDEX(FEW)), before, done)
    builder.position_at_end(before)
    less = builder.icmp_signed("<", n, span)
    last = builder.select(less, none, builder.sub(n, span))
    targets = [builder.select(less, *pair) for pair in zip(buffers, rows)]
    builder.branch(loop)
    builder.position_at_end(loop)
    lane = builder.phi(INDEX)
    lane.add_incoming(none, before)
    write(targets, builder.select(builder.icmp_signed("<", lane, last), lane, last))
    following = builder.add(lane, span)
    lane.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, n), loop, after)
    builder.position_at_end(after)
    builder.cbranch(less, copy, done)
    builder.position_at_end(copy)
    for pair in zip(rows, buffers):
        cgutils.raw_memcpy(builder, *pair, n, e.size)
    copied = builder.block
    builder.branch(done)
    builder.position_at_end(done)
    value = builder.phi(INDEX)
    for block, to_do in ((begin, none), (after, n), (copied, n)):
        value.add_incoming(to_do, block)
    return value


def _words(e: Emitter, counter: list[Any], moving: int, lane: Any, keys: Any) -> Any:
    """The words of a piece (RNG.2), from a counter of numbers of which one grows with the lane."""
    builder, count, kind = e.builder, _at_a_time(e), ir.VectorType(WORD, e.width)

    def everywhere(value: Any) -> Any:
        none = ir.Constant(kind, ir.Undefined)
        first = builder.insert_element(none, value, ir.Constant(PLACE, 0))
        return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(PLACE, e.width), [0] * e.width))

    def traced(values: list[Any]) -> Traced:
        return Traced(builder, values, np.uint64)

    words = [traced([everywhere(value)] * count) for value in counter]
    first = everywhere(builder.add(counter[moving], lane))
    lanes = [ir.Constant(kind, list(range(q * e.width, (q + 1) * e.width))) for q in range(count)]
    words[moving] = traced([builder.add(first, each) for each in lanes])
    return functions()["philox"](*words, [traced([everywhere(e.at(keys.data, INDEX(i)))] * count) for i in range(20)])


def _normals(e: Emitter, w: Any) -> Any:
    """Two normals of a lane in float64, four in float32 (RNG.5)."""
    known = functions()
    if e.size == 8:
        return known["normals_64"](*w)
    a, b, c, d = (word.to(np.uint32) for word in w)
    return *known["normals_32"](a, b), *known["normals_32"](c, d)


def _store(e: Emitter, value: Traced, start: Any, lane: Any) -> None:
    for q, each in enumerate(value.values):
        e.store(each, start, e.builder.add(lane, INDEX(q * e.width)))
