"""validation/peers/reverse.py: the equations that general solvers are given are those of the path, by refscore.sde."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import refscore as rs
from refscore.sde import forward_sde, reverse_drift
from validation.peers.reverse import LENGTH, START, STOP, T_START, T_STOP, diffusion_squared, flow, reverse

PATH = rs.paths.Flow()
TARGET = rs.targets.gaussian([0.75, -0.375], [[0.5, 0.125], [0.125, 0.1875]])
X = np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 0.0]])


@pytest.mark.parametrize("t", [T_START, 0.4, T_STOP])
def test_drift_and_noise_are_those_of_the_path(t: float) -> None:
    score = TARGET.perturb(1 - t, t).score(X)
    _, g = forward_sde(X, t, path=PATH)
    assert diffusion_squared(t) == pytest.approx(float(g) ** 2, rel=1e-14)
    assert reverse(score, X, t) == pytest.approx(-reverse_drift(score, X, t, path=PATH), rel=1e-13)
    assert flow(score, X, t) == pytest.approx(0.5 * (reverse(score, X, t) + X / (1 - t)), rel=1e-13)


def test_the_levels_are_those_asked_for() -> None:
    assert START[1] / START[0] == pytest.approx(5.0, rel=1e-14)
    assert STOP[1] / STOP[0] == pytest.approx(0.05, rel=1e-14)
    assert sum(START) == pytest.approx(1.0) == sum(STOP)
    assert pytest.approx(float(PATH.sigma(T_START) - PATH.sigma(T_STOP))) == LENGTH


def test_the_flow_leads_to_the_law_at_the_end() -> None:
    """The exact flow of a Gaussian, by closed form, against the equation integrated in time that runs to the data."""

    def rate(u: float, y: np.ndarray) -> np.ndarray:
        t = T_START - u
        return flow(TARGET.perturb(1 - t, t).score(y.reshape(X.shape)), y.reshape(X.shape), t).ravel()

    found = solve_ivp(rate, (0.0, LENGTH), X.ravel(), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    right = rs.exact.flow_map(TARGET, start=START, stop=STOP)(X)
    assert found.reshape(X.shape) == pytest.approx(right, abs=1e-10)


def test_without_a_score_the_mean_moves_on_a_straight_line() -> None:
    speed = reverse(np.zeros_like(X), (1 - 0.4) * X, 0.4)
    assert speed == pytest.approx(X, rel=1e-15)
