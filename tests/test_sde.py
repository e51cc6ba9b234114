"""sde.py: the three processes carry one law, seen on a Gaussian, and the published coefficients."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refscore.paths import EDM, VE, VP, Cosine, CustomPath, DiscreteVP, Flow, SubVP, VETransition
from refscore.sde import flow_drift, forward_sde, reverse_drift
from tests.paths.definitions import CASES, IDS

MEAN, VARIANCE = 0.7, 0.25
every_path = pytest.mark.parametrize("case", CASES, ids=IDS)


def law(case, t):
    """Mean and variance of x_t for x0 ~ N(MEAN, VARIANCE), and their slopes, in 50 digits."""

    def mean(r):
        return case.alpha(r) * mp.mpf(MEAN)

    def variance(r):
        return case.alpha(r) ** 2 * mp.mpf(VARIANCE) + case.sigma(r) ** 2

    t = mp.mpf(t)
    return [float(v) for v in (mean(t), variance(t), case.slope(mean, t), case.slope(variance, t))]


def affine(drift, mean, variance):
    """The slope of a drift in x and its value at the mean, with the exact score there."""
    x = np.array([[mean], [mean + 1.0]])
    at_mean, beside = drift(-(x - mean) / variance, x)[:, 0]
    return beside - at_mean, at_mean


@every_path
def test_the_forward_law(case):  # (SDE.1): m' = f m, c' = 2 f c + g²
    for t in (0.125, 0.3, 0.77):
        t *= case.path.t_max
        mean, variance, mean_dot, variance_dot = law(case, t)
        drift, diffusion = forward_sde([[mean]], t, path=case.path)
        assert_allclose(drift[0, 0], mean_dot, rtol=1e-14)
        rate = forward_sde([[1.0]], t, path=case.path)[0][0, 0]
        size = abs(2 * rate * variance) + diffusion**2
        assert_allclose(2 * rate * variance + diffusion**2, variance_dot, rtol=0, atol=1e-14 * size)


@every_path
def test_the_reverse_law(case):  # (SDE.2), run down: -c' = -2 A c + g²
    for t in (0.125, 0.3, 0.77):
        t *= case.path.t_max
        mean, variance, mean_dot, variance_dot = law(case, t)
        slope, at_mean = affine(lambda s, x, t=t: reverse_drift(s, x, t, path=case.path), mean, variance)
        squared = forward_sde([[0.0]], t, path=case.path)[1] ** 2
        assert_allclose(at_mean, mean_dot, rtol=1e-14)
        assert_allclose(
            2 * slope * variance - squared, variance_dot, rtol=0, atol=1e-13 * (squared + abs(variance_dot))
        )


@every_path
def test_the_law_of_the_flow(case):  # (SDE.3): c' = 2 A c, without noise
    for t in (0.125, 0.3, 0.77):
        t *= case.path.t_max
        mean, variance, mean_dot, variance_dot = law(case, t)
        slope, at_mean = affine(lambda s, x, t=t: flow_drift(s, x, t, path=case.path), mean, variance)
        squared = forward_sde([[0.0]], t, path=case.path)[1] ** 2
        assert_allclose(at_mean, mean_dot, rtol=1e-14)
        assert_allclose(2 * slope * variance, variance_dot, rtol=0, atol=1e-13 * (squared + abs(variance_dot)))


X = np.array([[0.5, -1.0, 2.0], [300.0, 0.0, 1e-5], [3.0, 4.0, 5.0]])
SCORE = np.array([[1.0, -0.5, 0.25], [-2.0, 3.0, 1e5], [0.0, 1.0, -1.0]])
TIMES = np.array([0.001, 0.5, 0.9])  # as many as there are dimensions, on purpose


def test_each_sample_has_its_own_time():
    for path in (VP(), SubVP(), VE(), VETransition(), EDM(), Cosine(), Flow(), DiscreteVP([0.1, 0.2])):
        drift, diffusion = forward_sde(X, TIMES, path=path)
        assert diffusion.shape == (3,)
        for k, t in enumerate(TIMES):
            one = forward_sde(X[k], t, path=path)
            assert_allclose(drift[k], one[0], rtol=4e-15)
            assert_allclose(diffusion[k], one[1], rtol=4e-15)
            for drift_of in (reverse_drift, flow_drift):
                whole = drift_of(SCORE, X, TIMES, path=path)
                assert_allclose(whole[k], drift_of(SCORE[k], X[k], t, path=path), rtol=1e-14)


def test_published_coefficients():  # Song et al. (2021), eq. 32, 30, 12
    t, beta = 0.5, 10.05
    drift, diffusion = forward_sde(X, t, path=VP())
    assert_allclose(drift, -beta / 2 * X, rtol=1e-15)
    assert_allclose(diffusion, np.sqrt(beta), rtol=1e-15)
    assert_allclose(reverse_drift(SCORE, X, t, path=VP()), -beta / 2 * X - beta * SCORE, rtol=1e-14)
    assert_allclose(flow_drift(SCORE, X, t, path=VP()), -beta / 2 * (X + SCORE), rtol=1e-14)
    drift, diffusion = forward_sde(X, t, path=VE())
    assert_array_equal(drift, 0 * X)
    assert_allclose(diffusion, np.sqrt(0.5 * 2 * np.log(5000)), rtol=4e-15)
    _, diffusion = forward_sde(X, t, path=SubVP())
    assert_allclose(diffusion**2, beta * (1 - np.exp(-2 * (0.1 * t + 19.9 * t**2 / 2))), rtol=4e-15)


def test_lists_and_integers():
    drift, diffusion = forward_sde([1, 2], 1, path=EDM())
    assert drift.tolist() == [0, 0]
    assert diffusion == np.sqrt(2)
    assert flow_drift([1, 2], [1, 2], 3, path=EDM()).tolist() == pytest.approx([-3, -6], rel=4e-16)


@pytest.mark.parametrize("path", [Flow(), Cosine()])
def test_poles_are_refused(path):
    for t in (1.0, TIMES + 0.1):
        with pytest.raises(
            ValueError, match=r"t is 1, where (Flow|Cosine)\(.*\) has no signal left: f = -inf, g = inf"
        ):
            forward_sde(X, t, path=path)
    with pytest.raises(ValueError, match="no signal left"):
        reverse_drift(SCORE, X, 1.0, path=path)
    with pytest.raises(ValueError, match="no signal left"):
        flow_drift(SCORE, X, 1.0, path=path)


def test_a_pole_of_the_diffusion_alone_is_refused():
    path = CustomPath(lambda z: np.exp(-z), lambda z: z**0.25)
    with pytest.raises(ValueError, match=r"t is 0, where .* has a pole: f = -1, g = inf"):
        forward_sde([1.0], 0.0, path=path)


def test_shapes_are_refused():
    with pytest.raises(ValueError, match=r"t has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        forward_sde(X, [0.1, 0.2], path=VP())
    with pytest.raises(ValueError, match=r"t has shape \(3, 1\)"):
        forward_sde(X, TIMES[:, None], path=VP())
    with pytest.raises(ValueError, match=r"score_value has shape \(3,\); expected \(3, 3\)"):
        reverse_drift(SCORE[0], X, 0.5, path=VP())
    with pytest.raises(ValueError, match="score_value has 1 value that is not finite"):
        flow_drift([np.nan], [1.0], 0.5, path=VP())
    with pytest.raises(ValueError, match=r"x has shape \(\)"):
        forward_sde(1.0, 0.5, path=VP())
    with pytest.raises(ValueError, match="outside"):
        forward_sde(X, 1.5, path=VP())
