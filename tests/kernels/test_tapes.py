"""Tapes: the normals of ``refscore.noise``, bit for bit, however they are made."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk

NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="compiled kernels need Numba")
BACKENDS = ["portable", pytest.param("cpu", marks=NUMBA)]
SHAPES = [(3, 300, 2), (2, 7, 1), (2, 5, 5), (1, 2, 64), (2, 3, 1031), (1, 1, 3), (1, 400, 30), (5, 0, 2), (0, 4, 2)]
WHERE: dict[str, Any] = {"stream": 3, "first_step": 2**32 - 9, "first_chain": 2**32 - 500}


@pytest.mark.parametrize("backend", ["reference", *BACKENDS])
@pytest.mark.parametrize("shape", SHAPES)
def test_tapes_are_those_of_the_reference(backend: Any, shape: tuple[int, int, int]) -> None:
    found = rk.tape(2**64 - 5, *shape, backend=backend, **WHERE)
    assert found.shape == shape
    assert found.tobytes() == rs.noise.tape(2**64 - 5, *shape, **WHERE).tobytes()


@NUMBA
@pytest.mark.parametrize("shape", SHAPES)
def test_compiled_tapes_in_float32_are_portable(shape: tuple[int, int, int]) -> None:
    found, twin = (rk.tape(9, *shape, backend=b, dtype=np.float32, **WHERE) for b in ("cpu", "portable"))
    assert found.dtype == np.float32
    assert found.tobytes() == twin.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_tape_may_be_cut_anywhere(backend: Any, dtype: Any) -> None:
    how: dict[str, Any] = {"backend": backend, "dtype": dtype}
    whole = rk.tape(4, 6, 50, 7, **how)
    assert (rk.tape(4, 2, 50, 7, first_step=4, **how) == whole[4:]).all()
    assert (rk.tape(4, 6, 20, 7, first_chain=30, **how) == whole[:, 30:]).all()
    assert (rk.tape(4, 6, (5, 10), 7, threads=2, **how).reshape(whole.shape) == whole).all()
    assert (rk.tape(4, 6, 50, 3, **how) == whole[:, :, :3]).all()
    assert rk.tape(4, 6, (), 7, **how).shape == (6, 7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_normals_go_where_they_are_wanted(backend: Any) -> None:
    out = np.empty((2, 40, 6))
    assert rk.tape(4, 2, 40, 6, out=out, backend=backend) is out
    assert (out == rs.noise.tape(4, 2, 40, 6)).all()


def test_the_noise_of_a_run_is_its_tape() -> None:
    how = {"dtype": np.float32, "first_chain": 8, "stream": 1, "backend": "portable"}
    start, noise = np.zeros((30, 3)), rk.tape(5, 1, 30, 3, **how)
    still = rs.targets.gaussian(np.zeros(3), 1e30)
    found = rk.run(rs.samplers.langevin(1.0), still, start, seed=5, steps=1, **how)
    assert (found.x == noise[0]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"d": 0}, "d is 0; expected 1 <= d"),
        ({"steps": -1}, "steps is -1"),
        ({"batch": (2, -1)}, "batch is -1"),
        ({"first_step": 2**32 - 1}, "expected first_step"),
        ({"first_chain": 2**32 - 3}, "expected first_chain"),
        ({"threads": 0}, "threads is 0"),
        ({"backend": "gpu"}, "backend is 'gpu'"),
        ({"dtype": np.float16}, "dtype is"),
        ({"backend": "reference", "dtype": np.float32}, "expected np.float64"),
        ({"out": np.empty((2, 4, 4))}, r"out is float64 of shape \(2, 4, 4\); expected contiguous float64"),
        ({"out": np.empty((2, 4, 3), np.float32)}, "out is float32"),
        ({"out": np.empty((4, 2, 3)).transpose(1, 0, 2)}, "expected contiguous"),
        ({"out": [1.0]}, "out is list"),
    ],
)
def test_wrong_calls(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rk.tape(**{"seed": 1, "steps": 2, "batch": 4, "d": 3, "backend": "portable"} | wrong)


def test_a_count_is_an_integer() -> None:
    with pytest.raises(TypeError, match="steps"):
        rk.tape(1, 2.0, 4, 3, backend="portable")  # type: ignore[arg-type]
