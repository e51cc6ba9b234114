"""Compiled corrections have the bits of the portable twin: any width, any number of threads, any cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import backends
from tests.kernels.laws import start, targets
from tests.kernels.test_predictor_corrector import ORDERS, PREDICTORS, by_sample, made

numba = pytest.importorskip("numba", reason="compiled kernels need Numba")

LAWS = targets()
CASES = [
    pytest.param(law, dtype, marks=() if (law, dtype) == ("gaussian", np.float64) else pytest.mark.slow)
    for law in LAWS
    for dtype in (np.float64, np.float32)
]


@pytest.mark.parametrize(("law", "dtype"), CASES)
def test_compiled_is_portable_bit_for_bit(law: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    how: dict[str, Any] = {"seed": 2**33 + 1, "stream": 2, "first_chain": 11, "dtype": dtype}
    for order, predictor in ((order, predictor) for order in ORDERS for predictor in PREDICTORS):
        sampler, x = made(order, predictor), 50 * start()
        truth = rk.run(sampler, LAWS[law], x, backend="portable", **how)
        assert np.isfinite(truth.x).all()
        found = [rk.run(sampler, LAWS[law], x, threads=threads, **how) for threads in (1, 2)]
        found.append(rk.run(sampler, LAWS[law], rk.run(sampler, LAWS[law], x, steps=5, **how), **how))
        for width in (1, 7, 1000):
            with monkeypatch.context() as patch:
                patch.setattr(backends, "width_of", lambda rows, size, width=width: width)
                found.append(rk.run(sampler, LAWS[law], x, **how))
        for state in found:
            assert state.x.tobytes() == truth.x.tobytes()


def test_a_function_of_python_and_a_block_function_are_corrected_too() -> None:
    @numba.njit(error_model="numpy")
    def pull(x, g, alpha, sigma):  # type: ignore[no-untyped-def]
        v = -1 / (alpha * alpha + sigma * sigma)
        for i in range(x.shape[0]):
            for lane in range(x.shape[1]):
                g[i, lane] = v * x[i, lane]

    sampler = rs.samplers.predictor_corrector(
        rs.paths.VE(), np.linspace(1, 0.1, 6), predictor=PREDICTORS["reverse"], corrector=by_sample
    )
    law = rs.targets.gaussian(np.zeros(5), 1.0)
    truth = rk.run(sampler, law, start(), seed=1, backend="reference").x
    found = rk.run(sampler, pull, start(), seed=1)
    assert found.x.tobytes() == rk.run(sampler, pull, start(), seed=1, backend="portable").x.tobytes()
    asked = rk.run(sampler, rs.samplers.noisy_score(law), start(), seed=1)
    for x in (found.x, asked.x):
        assert np.abs(x - truth).max() < 1e-12 * np.abs(truth).max()
