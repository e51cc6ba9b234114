"""Compiled proposals and decisions have the bits of the portable twin, and its counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore_kernels as rk
from refscore_kernels import metropolis
from tests.kernels.laws import start, targets

pytest.importorskip("numba", reason="compiled kernels need Numba")

LAWS = targets()
CASES = [
    pytest.param(law, dtype, marks=() if (law, dtype) == ("isotropic_mixture", np.float64) else pytest.mark.slow)
    for law in LAWS
    for dtype in (np.float64, np.float32)
]


@pytest.mark.parametrize(("law", "dtype"), CASES)
def test_compiled_is_portable_bit_for_bit(law: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    how: dict[str, Any] = {"seed": 2**33 + 1, "steps": 12, "stream": 2, "first_chain": 11, "dtype": dtype}
    for sampler in (rk.Mala(0.1), rk.Hmc(0.3, 4)):
        truth = rk.run(sampler, LAWS[law], start(), backend="portable", **how)
        found = [rk.run(sampler, LAWS[law], start(), threads=threads, **how) for threads in (1, 2)]
        half = rk.run(sampler, LAWS[law], start(), **how | {"steps": 5})
        found.append(rk.run(sampler, LAWS[law], half, **how | {"steps": 7}))
        for width in (1, 7, 64, 1000):
            with monkeypatch.context() as patch:
                patch.setattr(metropolis, "width_of", lambda rows, size, width=width: width)
                found.append(rk.run(sampler, LAWS[law], start(), **how))
        assert 0 < truth.accepted.mean() < 12
        for state in found:
            assert state.x.tobytes() == truth.x.tobytes()
            assert (state.accepted == truth.accepted).all()
