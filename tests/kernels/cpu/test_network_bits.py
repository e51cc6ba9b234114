"""Compiled networks have the bits of the portable twin: depth, width, activation, type, threads, cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import backends, forward
from tests.kernels.nets import ACTIVATIONS, SIGMAS, plain, points, told

pytest.importorskip("numba", reason="compiled kernels need Numba")

WIDTHS = ([3, 3], [3, 1, 3], [3, 4, 3], [3, 9, 17, 3], [3, 64, 33, 7, 16, 3])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_have_the_same_bits(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for activation in ACTIVATIONS:
        for widths in WIDTHS:
            model = plain(widths, activation)
            for n in (1, 32, 131):
                how: dict[str, Any] = {"dtype": dtype}
                twin = rk.network_score(model, points(n), backend="portable", **how)
                assert np.isfinite(twin).all()
                assert rk.network_score(model, points(n), **how).tobytes() == twin.tobytes()
                assert rk.network_score(model, points(n), threads=2, **how).tobytes() == twin.tobytes()
        for name, model in told(activation).items():
            twin = rk.network_score(model, points(), 1.5, backend="portable", dtype=dtype)
            for width in (1, 7, 64, 1000):
                monkeypatch.setattr(forward, "WIDTH", width)
                assert rk.network_score(model, points(), 1.5, dtype=dtype).tobytes() == twin.tobytes(), name


def test_a_lane_that_is_lost_takes_no_other_with_it() -> None:
    x = points(40)
    x[[3, 35]] = 1e300
    with np.errstate(all="ignore"):
        found = rk.network_score(plain([3, 9, 3]), x)
        twin = rk.network_score(plain([3, 9, 3]), x, backend="portable")
    np.testing.assert_array_equal(found, twin)
    kept = np.delete(np.arange(40), [3, 35])
    assert found[kept].tobytes() == rk.network_score(plain([3, 9, 3]), x[kept]).tobytes()


@pytest.mark.parametrize(
    ("form", "dtype"),
    [
        ("simple", np.float64),
        pytest.param("simple", np.float32, marks=pytest.mark.slow),
        pytest.param("linear", np.float64, marks=pytest.mark.slow),
        pytest.param("linear", np.float32, marks=pytest.mark.slow),
    ],
)
def test_runs_have_the_same_bits(form: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times = np.array([4.0, 1.5, 0.3])
    sampler = {
        "simple": rs.samplers.annealed(SIGMAS, step_size=0.05, steps_per_level=3),
        "linear": rs.samplers.heun_ode(rs.paths.EDM(), times),
    }[form]
    for name, model in told().items():
        how: dict[str, Any] = {"seed": 2**33 + 1, "stream": 2, "first_chain": 11, "dtype": dtype}
        twin = rk.run(sampler, model, points(), backend="portable", **how)
        assert np.isfinite(twin.x).all()
        found = [rk.run(sampler, model, points(), **how), rk.run(sampler, model, points(), threads=2, **how)]
        found.append(rk.run(sampler, model, rk.run(sampler, model, points(), steps=1, **how), **how))
        for width in (1, 7, 64, 1000):
            with monkeypatch.context() as patch:
                patch.setattr(backends, "width_of", lambda rows, size, width=width: width)
                found.append(rk.run(sampler, model, points(), **how))
        assert all(state.x.tobytes() == twin.x.tobytes() for state in found), name


@pytest.mark.slow
def test_contraction_stays_within_roundings() -> None:
    x, model = points(), plain([3, 9, 17, 3])
    found, exact = rk.network_score(model, x, contract=True), rk.network_score(model, x)
    assert 0 < np.abs(found - exact).max() < 1e-13 * np.abs(exact).max()
