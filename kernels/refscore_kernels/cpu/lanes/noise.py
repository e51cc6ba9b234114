"""Normals for a block of lanes: row 2j and 2j + 1 come from group j, of four rows in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from refscore_kernels.elementary import normals_32, normals_64, philox, u4, u8, unit_64


def ten(keys: Any) -> Any:
    """The round keys as a tuple, which stays in registers."""
    k = keys
    return (
        k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7], k[8], k[9],
        k[10], k[11], k[12], k[13], k[14], k[15], k[16], k[17], k[18], k[19],
    )  # fmt: skip


def of_chains(z: Any, row: Any, group: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> Any:
    """The lane up to which a group's rows from `row` on are filled, here none; compiled: noise_tiles.normals."""
    return 0


def of_groups(z: Any, row: Any, group: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> Any:
    """The same for lanes that are groups of one chain, from `group` on; compiled: noise_tiles.normals."""
    return 0


def of_uniforms(u: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> Any:
    """The lane up to which u is filled, here none; compiled: noise_tiles.uniforms."""
    return 0


def fill_64(z: Any, d: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """z[:d, :n]: the normals of n chains from `chain` on; z has an even number of rows."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for j in range((d + 1) // 2):
        g = u8(j)
        for l in range(of_chains(z, 2 * j, j, n, chain, step, stream, keys), n):
            w0, w1, w2, w3 = philox(c + u8(l), g, s, t, k)
            z0, z1 = normals_64(w0, w1, w2, w3)
            z[2 * j, l] = z0
            z[2 * j + 1, l] = z1


def fill_32(z: Any, d: Any, n: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """z[:d, :n] in float32: four rows a group; z has a multiple of four rows."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for j in range((d + 3) // 4):
        g = u8(j)
        for l in range(of_chains(z, 4 * j, j, n, chain, step, stream, keys), n):
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
    for l in range(of_uniforms(u, n, chain, step, stream, keys), n):
        w0, w1, _, _ = philox(c + u8(l), g, s, t, k)
        u[l] = unit_64((w0 << u8(32)) | w1)


fill = fill_64


def run_normals(z: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """Rows of normals: z[k, i, l] for chain + l, dimension i, step + k."""
    for k in range(z.shape[0]):
        fill(z[k], z.shape[1], z.shape[2], chain, step + k, stream, keys)


def across_64(rows: Any, n: Any, group: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """rows[:2, :n]: the normals of n groups of one chain, from `group` on."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for l in range(of_groups(rows, 0, group, n, chain, step, stream, keys), n):
        w0, w1, w2, w3 = philox(c, u8(group) + u8(l), s, t, k)
        z0, z1 = normals_64(w0, w1, w2, w3)
        rows[0, l] = z0
        rows[1, l] = z1


def across_32(rows: Any, n: Any, group: Any, chain: Any, step: Any, stream: Any, keys: Any) -> None:
    """rows[:4, :n] in float32."""
    k, c, s, t = ten(keys), u8(chain), u8(step), u8(stream)
    for l in range(of_groups(rows, 0, group, n, chain, step, stream, keys), n):
        w0, w1, w2, w3 = philox(c, u8(group) + u8(l), s, t, k)
        z0, z1 = normals_32(u4(w0), u4(w1))
        z2, z3 = normals_32(u4(w2), u4(w3))
        rows[0, l] = z0
        rows[1, l] = z1
        rows[2, l] = z2
        rows[3, l] = z3


across = across_64


def turned(rows: Any, d: Any, n: Any, flat: Any, at: Any) -> None:
    """flat[at + l d + i] = rows[i, l]; two or four rows are written side by side."""
    part = flat[at:]
    if d == 2:
        for l in range(n):
            j = u8(2) * u8(l)
            part[j] = rows[0, l]
            part[j + u8(1)] = rows[1, l]
    elif d == 4:
        for l in range(n):
            j = u8(4) * u8(l)
            part[j] = rows[0, l]
            part[j + u8(1)] = rows[1, l]
            part[j + u8(2)] = rows[2, l]
            part[j + u8(3)] = rows[3, l]
    else:
        for l in range(n):
            j = u8(d) * u8(l)
            for i in range(d):
                part[j + u8(i)] = rows[i, l]


def run_tape(out: Any, first: Any, first_step: Any, stream: Any, span: Any, keys: Any) -> None:
    """out (steps, chains, d): rows of d normals from span[0] to span[1] - 1, lanes along what there is more of."""
    chains, d, wide = out.shape[1], out.shape[2], 16 // out.itemsize
    groups, flat = (d + wide - 1) // wide, out.reshape(out.size)
    row, end, width = span
    along = groups >= 16 or groups > chains
    rows = np.empty((wide if along else d + 3, width + 8), out.dtype)  # a stride that is no power of 2
    while row < end:
        step = row // chains
        chain = first + row - step * chains
        if along:
            for g in range(0, groups, width):
                n, at = min(width, groups - g), row * d + g * wide
                across(rows, n, g, chain, first_step + step, stream, keys)
                whole = min(n, d // wide - g)
                turned(rows, wide, whole, flat, at)
                for i in range(d - (g + whole) * wide if whole < n else 0):
                    flat[at + whole * wide + i] = rows[i, whole]
            row += 1
        else:
            n = min(width, end - row, (step + 1) * chains - row)
            fill(rows, d, n, chain, first_step + step, stream, keys)
            turned(rows, d, n, flat, row * d)
            row += n
