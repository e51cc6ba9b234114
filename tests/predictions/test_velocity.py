"""The velocity: slope of the line, drift of the flow, and v on a quarter turn."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore import predictions
from refscore.paths import EDM, VE, VP, Cosine, DiscreteVP, Flow, SubVP, VETransition
from refscore.sde import flow_drift
from tests.paths.definitions import CASES

PATHS = [VP(), SubVP(), VE(), VETransition(), EDM(2.0), Cosine(), Cosine(0), Flow(), DiscreteVP([0.1, 0.7, 0.2])]
IDS = [repr(path) for path in PATHS]
X0, NOISE = np.array([[1.5, -2.0], [0.25, 30.0]]), np.array([[0.5, -1.0], [2.0, 0.125]])


def scales(path, t):
    return path.alpha(t), path.sigma(t), path.alpha_dot(t), path.sigma_dot(t)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_the_slope_of_the_line(case):  # (PRED.16), from x_t in 50 digits
    for t in (1e-5, 0.1, 0.45, 0.9):
        x0, noise = mp.mpf(1.5), mp.mpf(-0.625)
        slope = case.slope(lambda r: case.alpha(r) * x0 + case.sigma(r) * noise, t)  # noqa: B023
        x = float(case.alpha(t) * x0 + case.sigma(t) * noise)
        found = predictions.data_to_velocity([1.5], [x], *scales(case.path, t))[0]
        alpha, sigma, alpha_dot, sigma_dot = map(float, scales(case.path, t))
        # ε̂ is won back from a rounded x, which costs |x|/σ; the slopes have the roundings of the path.
        size = abs(alpha_dot) * 1.5 + sigma_dot * (abs(x) + 1.5 * alpha) / sigma
        assert abs(found - float(slope)) <= (8 + 2 * case.ulps) * 2.0**-53 * size


@pytest.mark.parametrize("path", PATHS, ids=IDS)
@pytest.mark.parametrize("form", ["score", "noise", "data", "v"])
def test_it_is_the_drift_of_the_flow(path, form):
    t = np.array([0.3, 0.8])
    alpha, sigma, alpha_dot, sigma_dot = scales(path, t)
    x = alpha[:, None] * X0 + sigma[:, None] * NOISE
    score = predictions.noise_to_score(NOISE, x, alpha, sigma)
    value = score if form == "score" else getattr(predictions, f"score_to_{form}")(score, x, alpha, sigma)
    found = getattr(predictions, f"{form}_to_velocity")(value, x, alpha, sigma, alpha_dot, sigma_dot)
    expected = flow_drift(score, x, t, path=path)
    size = np.abs(path.drift_rate(t))[:, None] * np.abs(x) + path.diffusion(t)[:, None] ** 2 * np.abs(score)
    assert (np.abs(found - expected) <= 2e-13 * size + 1e-13 * np.abs(expected)).all()


def test_on_a_quarter_turn_it_is_v():
    path, angle = Cosine(0), 0.6
    t = angle / (np.pi / 2)
    x = np.cos(angle) * X0 + np.sin(angle) * NOISE
    v = np.cos(angle) * NOISE - np.sin(angle) * X0
    assert_allclose(predictions.data_to_velocity(X0, x, *scales(path, t)), np.pi / 2 * v, rtol=1e-13)


def test_on_the_straight_line_it_is_noise_minus_data():
    x = 0.75 * X0 + 0.25 * NOISE
    for value, form in ((X0, "data"), (NOISE, "noise")):
        found = getattr(predictions, f"{form}_to_velocity")(value, x, *scales(Flow(), 0.25))
        assert_allclose(found, NOISE - X0, rtol=0, atol=1e-13)
