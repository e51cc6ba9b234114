"""The sums of a mixture's score over a tile of lanes, as intrinsics: distances, shares, and what components pull by.

Distances and pulls are made of differences of a point and a mean, so that no digit is lost far from the origin: each
term is three operations or four, and no matrix product does it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from refscore_kernels.cpu.traced import exponential
from refscore_kernels.cpu.vectors import INDEX, Emitter

__all__ = ["alive", "pulls", "shares", "squares"]

Compiled = Callable[..., Any]


def squares(contract: bool) -> Compiled:
    """A compiled function (count, e, x, mu, v, c, k, top, lo): exponents of components k … k + count - 1 for a tile.

    Rows k … of e become c_k - ½ v_k Σ_i (x_i - μ_ki)², or c_k - ½ Σ_i v_ki (x_i - μ_ki)², i in turn; row `top` is the
    largest so far.

    Parameters
    ----------
    contract : bool
        Whether a product and a sum may be rounded together.

    Returns
    -------
    intrinsic
        For functions that Numba compiles; e (rows, lanes), x (d, lanes), mu (K, d), v (K,) or (K, d), c (K,).
    """

    @intrinsic(prefer_literal=True)
    def exponents(_, count, e, x, mu, v, c, k, top, lo):  # type: ignore[no-untyped-def]  # noqa: ARG001
        n_rows, scalar = count.literal_value, v.ndim == 1

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            t = Emitter(context, builder, e.dtype, contract)
            to, given, means, v, c = (t.array(kind, value) for kind, value in zip(signature.args[1:], args[1:6]))
            k, top, lo = args[6:]
            places = [builder.add(k, INDEX(r)) for r in range(n_rows)]
            centres, spread = [t.row(means, place) for place in places], [t.row(v, place) for place in places]
            first, half = builder.icmp_signed("==", k, INDEX(0)), t.constant(-0.5)
            d, largest = builder.extract_value(means.shape, 1), t.row(to, top)
            for piece in t.pieces(t.columns):
                at = [builder.add(lo, INDEX(piece + q * t.width)) for q in range(t.columns)]

                def terms(i: Any, sums: list[Any], at: Any = at) -> list[Any]:
                    row = t.row(given, i)
                    points, found = [t.load(row, place) for place in at], []
                    for r in range(n_rows):
                        m = t.everywhere(t.at(centres[r], i))
                        for q, point in enumerate(points):
                            away = t.subtract(point, m)
                            term = t.multiply(away, away)
                            if not scalar:
                                term = t.multiply(t.everywhere(t.at(spread[r], i)), term)
                            found.append(t.add(sums[r * len(points) + q], term))
                    return found

                found = t.sums([t.constant(0.0)] * (n_rows * t.columns), INDEX(0), d, terms)
                highest = [t.load(largest, place) for place in at]
                for r in range(n_rows):
                    factor = t.multiply(half, t.everywhere(builder.load(spread[r]))) if scalar else half
                    log = t.everywhere(builder.load(t.row(c, places[r])))
                    for q, place in enumerate(at):
                        value = t.add(t.multiply(factor, found[r * t.columns + q]), log)
                        t.store(value, t.row(to, places[r]), place)
                        more = builder.select(builder.fcmp_ordered(">", value, highest[q]), value, highest[q])
                        highest[q] = builder.select(first, value, more) if r == 0 else more
                for place, value in zip(at, highest):
                    t.store(value, largest, place)
            return context.get_dummy_value()

        return types.void(count, e, x, mu, v, c, *3 * (types.int64,)), emit

    value: Compiled = exponents
    return value


def pulls(contract: bool) -> Compiled:
    """A compiled function (count, g, x, w, mu, v, live, many, i, top, lo): `count` rows of a score for a tile.

        g_i = (Σ_k w_k (μ_ki - x_i)) w_top   or   (Σ_k w_k (v_ki (μ_ki - x_i))) w_top,   k = live[0], live[1], …

    Parameters
    ----------
    contract : bool
        Whether a product and a sum may be rounded together.

    Returns
    -------
    intrinsic
        For functions that Numba compiles; g and x (d, lanes), w (rows, lanes), mu (K, d); v (K, d), or (K,) and in w.
    """

    @intrinsic(prefer_literal=True)
    def weighted(_, count, g, x, w, mu, v, live, many, i, top, lo):  # type: ignore[no-untyped-def]  # noqa: ARG001
        n_rows, scalar = count.literal_value, v.ndim == 1

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            t = Emitter(context, builder, g.dtype, contract)
            arrays = [t.array(kind, value) for kind, value in zip(signature.args[1:], args[1:7])]
            to, given, shares, means, v, live = arrays
            many, i, top, lo = args[7:]
            places = [builder.add(i, INDEX(r)) for r in range(n_rows)]
            columns = max(1, min(t.columns, 2 * t.columns // n_rows))  # both x and sums are in registers
            for piece in t.pieces(columns):
                at = [builder.add(lo, INDEX(piece + q * t.width)) for q in range(columns)]
                points = [t.load(t.row(given, place), q) for place in places for q in at]

                def terms(j: Any, sums: list[Any], at: Any = at, points: Any = points) -> list[Any]:
                    k, found = t.at(live.data, j), []
                    row, centre = t.row(shares, k), builder.gep(t.row(means, k), [i])
                    weights = [t.load(row, place) for place in at]
                    for r in range(n_rows):
                        m = t.everywhere(t.at(centre, INDEX(r)))
                        for q, weight in enumerate(weights):
                            pull = t.subtract(m, points[r * columns + q])
                            if not scalar:
                                spread = builder.gep(t.row(v, k), [i])
                                pull = t.multiply(t.everywhere(t.at(spread, INDEX(r))), pull)
                            found.append(t.add(sums[r * columns + q], t.multiply(weight, pull)))
                    return found

                found = t.sums([t.constant(0.0)] * (n_rows * columns), INDEX(0), many, terms)
                scale = [t.load(t.row(shares, top), place) for place in at]
                for r, place in enumerate(places):
                    for q, lane in enumerate(at):
                        t.store(t.multiply(found[r * columns + q], scale[q]), t.row(to, place), lane)
            return context.get_dummy_value()

        return types.void(count, g, x, w, mu, v, live, *4 * (types.int64,)), emit

    value: Compiled = weighted
    return value


def shares(contract: bool) -> Compiled:
    """A compiled function (w, v, live, many, top, lo): what the exponents in w become for a tile.

    Rows k = live[0], live[1], … become e^(w_k - w_top), times v_k where v is (K,); row top + 1 the sum without v; row
    top + 2 its inverse.

    Parameters
    ----------
    contract : bool
        Whether a product and a sum may be rounded together; never in an exponential.

    Returns
    -------
    intrinsic
        For functions that Numba compiles; w (rows, lanes).
    """

    @intrinsic
    def shared(_, w, v, live, many, top, lo):  # type: ignore[no-untyped-def]  # noqa: ARG001
        scalar = v.ndim == 1

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            t = Emitter(context, builder, w.dtype, contract)
            rows, v, live = (t.array(kind, value) for kind, value in zip(signature.args, args[:3]))
            many, top, lo = args[3:]
            largest, total, inverse = (t.row(rows, builder.add(top, INDEX(r))) for r in range(3))
            for piece in t.pieces(t.columns):
                at = [builder.add(lo, INDEX(piece + q * t.width)) for q in range(t.columns)]
                highest = [t.load(largest, place) for place in at]

                def terms(j: Any, sums: list[Any], some: int, at: Any = at, highest: Any = highest) -> list[Any]:
                    which = [t.at(live.data, builder.add(builder.mul(j, INDEX(some)), INDEX(r))) for r in range(some)]
                    places = [t.row(rows, k) for k in which]
                    away = [builder.fsub(t.load(row, a), most) for row in places for a, most in zip(at, highest)]
                    values = exponential(builder, away)
                    for r, (k, row) in enumerate(zip(which, places)):
                        mine = values[r * len(at) : (r + 1) * len(at)]
                        sums = [t.add(s, share) for s, share in zip(sums, mine)]
                        if scalar:
                            factor = t.everywhere(builder.load(t.row(v, k)))
                            mine = [t.multiply(share, factor) for share in mine]
                        for share, place in zip(mine, at):
                            t.store(share, row, place)
                    return sums

                pairs = builder.ashr(many, INDEX(1))
                found = t.sums([t.constant(0.0)] * t.columns, INDEX(0), pairs, partial(terms, some=2))
                found = t.sums(found, builder.mul(pairs, INDEX(2)), many, partial(terms, some=1))
                for place, value in zip(at, found):
                    t.store(value, total, place)
                    t.store(builder.fdiv(t.constant(1.0), value), inverse, place)
            return context.get_dummy_value()

        return types.void(w, v, live, *3 * (types.int64,)), emit

    value: Compiled = shared
    return value


@intrinsic
def alive(_, w, k, top, lowest, lo):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Whether w[k] - w[top] > lowest in any lane of a tile."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = Emitter(context, builder, signature.args[0].dtype, False)
        shares = t.array(signature.args[0], args[0])
        k, top, lowest, lo = args[1:]
        row, largest, found = t.row(shares, k), t.row(shares, top), None
        for piece in t.pieces(1):
            at = builder.add(lo, INDEX(piece))
            over = builder.fcmp_ordered(">", t.subtract(t.load(row, at), t.load(largest, at)), t.everywhere(lowest))
            found = over if found is None else builder.or_(found, over)
        bits = builder.bitcast(found, ir.IntType(t.width))
        return builder.icmp_unsigned("!=", bits, ir.IntType(t.width)(0))

    return types.boolean(w, types.int64, types.int64, w.dtype, types.int64), emit
