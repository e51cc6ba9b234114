"""Normals for a block of lanes: row 2j and 2j + 1 come from group j, of four rows in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.elementary import f8, i4, i8, normals_32, normals_64, philox, u4, u8, unit_64


def ten(keys: Any) -> Any:
    """The round keys as a tuple, which stays in registers."""
    k = keys
    return (
        k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7], k[8], k[9],
        k[10], k[11], k[12], k[13], k[14], k[15], k[16], k[17], k[18], k[19],
    )  # fmt: skip


def fill_64(z: Any, d: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """z[:d, :n]: the normals of n chains from `chain` on; z has an even number of rows."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for j in range((d + 1) // 2):
        g = u8(j)
        for l in range(n):
            w0, w1, w2, w3 = philox(c + u8(l), g, s, t, k)
            z0, z1 = normals_64(w0, w1, w2, w3)
            z[2 * j, l] = z0
            z[2 * j + 1, l] = z1


def fill_32(z: Any, d: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """z[:d, :n] in float32: four rows a group; z has a multiple of four rows."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for j in range((d + 3) // 4):
        g = u8(j)
        for l in range(n):
            w0, w1, w2, w3 = philox(c + u8(l), g, s, t, k)
            z0, z1 = normals_32(u4(w0), u4(w1))
            z2, z3 = normals_32(u4(w2), u4(w3))
            z[4 * j, l] = z0
            z[4 * j + 1, l] = z1
            z[4 * j + 2, l] = z2
            z[4 * j + 3, l] = z3


def uniforms_of(u: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """u[:n]: the first uniform of each chain, from group 2³¹ (RNG.3)."""
    k, c, s, t, g = ten(keys), u8(chain), u8(step), u8(stream), u8(2147483648)
    for l in range(n):
        w0, w1, _, _ = philox(c + u8(l), g, s, t, k)
        u[l] = unit_64((w0 << u8(32)) | w1)


fill = fill_64


def run_normals(z: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """Rows of normals: z[k, i, l] for chain + l, dimension i, step + k."""
    for k in range(z.shape[0]):
        fill(z[k], z.shape[1], z.shape[2], chain, step + k, stream, keys)


def where(l: Any, place: Any) -> tuple[Any, Any, Any]:
    """Chain, group and step of block l of a tile: the quotients, of small numbers, are exact in float64."""
    group, chain, step, groups, chains, of_groups, of_chains = place
    m = f8(group) + f8(i4(l))
    q = f8(i4((m + 0.5) * of_groups))
    r = f8(chain) + q
    p = f8(i4((r + 0.5) * of_chains))
    return u8(i8(r - p * chains)), u8(i8(m - q * groups)), u8(i8(p) + step)


def tile_64(rows: Any, n: Any, place: Any, first: Any, stream: Any, k: Any) -> None:
    """rows[:2, :n]: the normals of n blocks in a row, from the one at `place` on."""
    c0, t = u8(first), u8(stream)
    for l in range(n):
        c, g, s = where(l, place)
        w0, w1, w2, w3 = philox(c0 + c, g, s, t, k)
        z0, z1 = normals_64(w0, w1, w2, w3)
        rows[0, l] = z0
        rows[1, l] = z1


def tile_32(rows: Any, n: Any, place: Any, first: Any, stream: Any, k: Any) -> None:
    """rows[:4, :n] in float32."""
    c0, t = u8(first), u8(stream)
    for l in range(n):
        c, g, s = where(l, place)
        w0, w1, w2, w3 = philox(c0 + c, g, s, t, k)
        z0, z1 = normals_32(u4(w0), u4(w1))
        z2, z3 = normals_32(u4(w2), u4(w3))
        rows[0, l] = z0
        rows[1, l] = z1
        rows[2, l] = z2
        rows[3, l] = z3


tile = tile_64


def run_tape(out: Any, first: Any, first_step: Any, stream: Any, span: Any, keys: Any) -> None:
    """out (steps, chains, d): the blocks of 2 normals, or 4, from span[0] to span[1] - 1, in the order they lie in."""
    chains, d, wide = out.shape[1], out.shape[2], 16 // out.itemsize
    groups, k, flat = (d + wide - 1) // wide, ten(keys), out.reshape(out.size)
    begin, end, width = span
    rows = np.empty((wide, width), out.dtype)
    for lo in range(begin, end, width):
        n = min(width, end - lo)
        row = lo // groups
        group, step = lo - row * groups, row // chains
        place = (group, row - step * chains, first_step + step, groups, chains, 1.0 / groups, 1.0 / chains)
        tile(rows, n, place, first, stream, k)
        if d % wide == 0:
            at = lo * wide
            if wide == 2:
                for l in range(n):
                    flat[at + 2 * l] = rows[0, l]
                    flat[at + 2 * l + 1] = rows[1, l]
            else:
                for l in range(n):
                    flat[at + 4 * l] = rows[0, l]
                    flat[at + 4 * l + 1] = rows[1, l]
                    flat[at + 4 * l + 2] = rows[2, l]
                    flat[at + 4 * l + 3] = rows[3, l]
            continue
        at = row * d + group * wide
        for l in range(n):
            left = min(wide, d - group * wide)
            for j in range(left):
                flat[at + j] = rows[j, l]
            at += left
            group = group + 1 if group + 1 < groups else 0
