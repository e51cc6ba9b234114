"""What the reasons of known deviations say about 1 - exp(-B) near the data, computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refscore.conformance.expected import read_expected
from validation.peers import table

HERE = Path(table.__file__).parent


def single(value: np.ndarray) -> np.ndarray:
    """exp rounded once to float32, as torch's is; numpy's is off by one more unit."""
    return np.exp(value.astype(np.float64)).astype(np.float32)


def lost(t: np.ndarray, beta: tuple[float, float], *, power: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Relative error of (1 - exp(-B))^power at the same t, in float32 and in float64."""
    few = t.astype(np.float32)
    small = np.float32(-0.5) * few**2 * np.float32(beta[1] - beta[0]) - few * np.float32(beta[0])
    rate = 0.5 * t**2 * (beta[1] - beta[0]) + t * beta[0]
    wide = 0.5 * few.astype(np.float64) ** 2 * (beta[1] - beta[0]) + few.astype(np.float64) * beta[0]
    found = (1 - single(small)).astype(np.float64) ** power / (-np.expm1(-wide)) ** power - 1
    return np.abs(found), np.abs((1 - np.exp(-rate)) ** power / (-np.expm1(-rate)) ** power - 1)


def reasons(name: str) -> str:
    (found,) = {e.reason for e in read_expected(str(HERE / name)) if "cancels" in e.reason and "float32" in e.reason}
    return found


def per_cent(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f} %"


@pytest.mark.parametrize("name", ["dpm_solver_samplers.toml", "score_sde_functions.toml"])
def test_rates_from_one_tenth_to_twenty(name: str) -> None:
    reason, beta = reasons(name), (0.1, 20.0)
    here = lost(np.array([1e-5]), beta)
    most = lost(np.geomspace(1e-5, 1e-3, 200_001), beta)[0].max()
    assert f"σ is off by {here[1][0]:.0e} at t = 1e-5" in reason
    assert f"in float32 by {per_cent(here[0][0], 1)} there" in reason
    assert f"by up to {per_cent(most, 1)} from there to t = 1e-3" in reason
    twice = lost(np.array([1e-5]), beta, power=1.0)[0][0]
    assert twice == pytest.approx(2 * here[0][0], rel=0.01)  # σ of sub-VP


def test_the_exponent_of_flow_matching() -> None:
    reason = reasons("flow_matching_samplers.toml")
    here = lost(np.array([1e-6]), (1.0, 1.0))
    most = lost(np.geomspace(1e-6, 1e-4, 200_001), (1.0, 1.0))[0].max()
    assert f"off by {here[1][0]:.0e} at T = 1e-6" in reason
    assert f"in float32 by {per_cent(here[0][0], 1)} there" in reason
    assert f"by up to {per_cent(most, 1)} from there to T = 1e-4" in reason


def test_rates_of_sbi_from_its_first_time_on() -> None:
    reason, beta = reasons("sbi_functions.toml"), (0.01, 10.0)
    here = lost(np.array([1e-3]), beta)[0][0]
    most = lost(np.geomspace(1e-3, 1.0, 400_001), beta)[0].max()
    assert f"sigma is off by {per_cent(here, 2)} at its own t_min of 1e-3" in reason
    assert f"by up to {per_cent(most, 1)} above it" in reason
