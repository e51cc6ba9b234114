"""Compiled kernels give the bits of the portable twins: any width, any number of threads, both types of number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import backends
from tests.kernels.laws import samplers, start, targets

numba = pytest.importorskip("numba", reason="compiled kernels need Numba")

FORMS, LAWS = samplers(), targets()
SLOW = pytest.mark.slow


def cases() -> list[Any]:
    """Each kind of score with steps of both forms in both types; those that `make test` compiles first."""
    quick = {
        *(("langevin", law, np.float64) for law in LAWS),
        ("langevin", "isotropic_mixture", np.float32),
        ("obabo", "gaussian", np.float64),
    }
    every = [
        (name, law, dtype)
        for name in ("langevin", "obabo", "pndm")
        for law in LAWS
        for dtype in (np.float64, np.float32)
    ]
    return [
        pytest.param(
            name, law, dtype, marks=() if (name, law, dtype) in quick else SLOW, id=f"{name}-{law}-{dtype.__name__}"
        )
        for name, law, dtype in every
    ]


@pytest.mark.parametrize(("name", "law", "dtype"), cases())
def test_compiled_is_portable_bit_for_bit(name: str, law: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, steps = FORMS[name]
    how: dict[str, Any] = {"seed": 2**33 + 1, "steps": steps, "stream": 2, "first_chain": 11, "dtype": dtype}
    truth = rk.run(sampler, LAWS[law], start(), backend="portable", **how)
    assert np.isfinite(truth.x).all()
    found = [rk.run(sampler, LAWS[law], start(), **how), rk.run(sampler, LAWS[law], start(), threads=2, **how)]
    for width in (1, 7, 64, 1000):
        monkeypatch.setattr(backends, "width_of", lambda rows, size, width=width: width)
        found.append(rk.run(sampler, LAWS[law], start(), **how))
    for state in found:
        for a, b in zip((state.x, *state.memory), (truth.x, *truth.memory), strict=True):
            assert a.tobytes() == b.tobytes()


def test_a_basis_for_all_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    from refscore_kernels import prepare

    monkeypatch.setattr(prepare, "MOST", 0)
    assert prepare.prepare(LAWS["gaussian"], np.ones((1, 2)), np.float64).name == "basis_gaussian"
    sampler = rs.samplers.euler_maruyama(rs.paths.VP(), np.linspace(1, 0.1, 6))
    found, twin, truth = (
        rk.run(sampler, LAWS["gaussian"], start(), seed=1, backend=b) for b in ("cpu", "portable", "reference")
    )
    assert found.x.tobytes() == twin.x.tobytes()
    assert np.abs(found.x - truth.x).max() < 1e-12


@pytest.mark.parametrize("law", [pytest.param(law, marks=() if law == "isotropic_mixture" else SLOW) for law in LAWS])
def test_densities_have_the_same_bits(law: str) -> None:
    x = 3 * start(333)
    for dtype in (np.float64, np.float32):
        found = rk.log_prob_and_score(LAWS[law], x, dtype=dtype, threads=2)
        twin = rk.log_prob_and_score(LAWS[law], x, dtype=dtype, backend="portable")
        assert found.log_prob.tobytes() == twin.log_prob.tobytes()
        assert found.score.tobytes() == twin.score.tobytes()


def test_a_users_block_function_gives_the_bits_of_its_python() -> None:
    @numba.njit(error_model="numpy")
    def pull(x, g, alpha, sigma):  # type: ignore[no-untyped-def]
        v = -1 / (alpha * alpha + 2 * sigma * sigma)
        for i in range(x.shape[0]):
            for lane in range(x.shape[1]):
                g[i, lane] = v * x[i, lane]

    sampler = rs.samplers.reverse_diffusion(rs.paths.VP(), np.linspace(1, 0.1, 6))
    found, twin, truth = (rk.run(sampler, pull, start(), seed=1, backend=b) for b in ("cpu", "portable", "reference"))
    assert found.x.tobytes() == twin.x.tobytes()
    assert np.abs(found.x - truth.x).max() < 1e-13


def test_contracted_steps_are_near_and_their_noise_is_the_same() -> None:
    law, how = LAWS["isotropic_mixture"], {"seed": 1, "steps": 20}
    exact = rk.run(FORMS["langevin"][0], law, start(), **how)  # type: ignore[arg-type]
    near = rk.run(FORMS["langevin"][0], law, start(), contract=True, **how)  # type: ignore[arg-type]
    assert 0 < np.abs(near.x - exact.x).max() < 1e-12
