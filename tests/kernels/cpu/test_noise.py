"""Noise as vector instructions has the bits of the portable twin: whole pieces, what is less, counters of two words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore_kernels.portable.noise as portable
from refscore_kernels.backends import compiled

pytest.importorskip("numba", reason="compiled kernels need Numba")

KEYS = portable.round_keys(2**40 + 7)
SIZES = (1, 3, 4, 7, 31, 32, 33, 64, 131)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("contract", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_normals_of_any_lanes(dtype: Any, contract: bool) -> None:
    run = compiled(dtype == np.float32, contract)["run_normals"]
    for n in SIZES:
        for chain in (0, 2**32 - n, 2**32 - n // 2 - 1):
            found, twin = np.zeros((3, 12, n), dtype), np.zeros((3, 12, n), dtype)
            run(found, chain, 5, 3, KEYS)
            for k in range(3):
                portable.fill(twin[k], chain, 5 + k, 3, KEYS)
            assert found.tobytes() == twin.tobytes()
            assert len(np.unique(found)) > 30 * n


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_uniforms_of_any_lanes(dtype: Any) -> None:
    run = compiled(dtype == np.float32, False)["uniforms_of"]
    for n in SIZES:
        for chain in (0, 2**32 - n, 2**32 - n // 2 - 1):
            found = np.zeros(n, dtype)
            run(found, n, chain, 5, 3, KEYS)
            assert found.tobytes() == portable.uniforms(n, chain, 5, 3, KEYS).astype(dtype).tobytes()


def test_nothing_is_written_beyond_the_last_lane() -> None:
    for single, dtype in ((False, np.float64), (True, np.float32)):
        for n in SIZES:
            block = np.full((4, n + 5), 7, dtype)
            compiled(single, False)["fill"](block, 4, n, 11, 5, 3, KEYS)
            assert (block[:, n:] == 7).all()
            assert not (block[:, :n] == 7).any()
