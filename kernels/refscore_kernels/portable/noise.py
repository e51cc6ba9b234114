"""Normals and uniforms for chains in a row, as rows: dimension i is row i."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refscore_kernels.elementary import normals_32, normals_64, philox, u4, u8, unit_64

__all__ = ["fill", "round_keys", "uniforms"]

Array = NDArray[np.floating[Any]]
Keys = NDArray[np.uint64]


def round_keys(seed: int) -> Keys:
    """The ten pairs of keys that Philox4x32-10 uses for a seed, in a row."""
    low, high = seed % 2**32, seed // 2**32
    pairs = [((low + i * 0x9E3779B9) % 2**32, (high + i * 0xBB67AE85) % 2**32) for i in range(10)]
    return np.array(pairs, np.uint64).ravel()


def fill(z: Array, chain: int, step: int, stream: int, keys: Keys) -> None:
    """z (d, n): the normals of n chains from `chain` on, in float64 or float32."""
    d, n = z.shape
    chains = np.arange(chain, chain + n, dtype=np.uint64)
    ends = np.full(n, step, np.uint64), np.full(n, stream, np.uint64)
    wide = 4 if z.dtype == np.float32 else 2
    for j in range(-(-d // wide)):
        w = philox(chains, np.full(n, j, np.uint64), *ends, keys)
        rows: tuple[Any, ...] = ()
        if wide == 2:
            rows = normals_64(*w)
        else:
            w0, w1, w2, w3 = (u4(word) for word in w)
            rows = (*normals_32(w0, w1), *normals_32(w2, w3))
        for i, row in enumerate(rows[: d - wide * j]):
            z[wide * j + i] = row


def uniforms(n: int, chain: int, step: int, stream: int, keys: Keys) -> NDArray[np.float64]:
    """The first uniform of n chains from `chain` on (n,)."""
    chains = np.arange(chain, chain + n, dtype=np.uint64)
    group, at, use = (np.full(n, c, np.uint64) for c in (2**31, step, stream))
    w0, w1, _, _ = philox(chains, group, at, use, keys)
    value: NDArray[np.float64] = unit_64((w0 << u8(32)) | w1)
    return value
