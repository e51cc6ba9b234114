"""Normals for a block of lanes: row 2j and 2j + 1 come from group j, of four rows in float32."""

from __future__ import annotations

from typing import Any

from refscore_kernels.elementary import normals_32, normals_64, philox, u4, u8, unit_64


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
