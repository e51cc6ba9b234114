"""validation/training/measures.py against closed forms and brute force."""

import numpy as np
import pytest

import refscore as rs
from validation.training import data, measures

LINE = rs.models.AffineScore([[0.5, 0.25], [0.0, 1.0]], [1.0, -2.0])


def test_fisher_divergence_of_an_affine_score_on_a_gaussian():
    gaussian = rs.targets.mixture([1.0], [[0.5, -1.0]], covs=[[[2.0, 0.5], [0.5, 1.0]]])
    found = measures.fisher_by_quadrature(lambda x, sigma: LINE(x), gaussian, 0.75)
    cov = np.array([[2.0, 0.5], [0.5, 1.0]]) + 0.75**2 * np.eye(2)
    exact = rs.exact.expectations.explicit(LINE, rs.targets.gaussian([0.5, -1.0], cov))
    information = np.trace(np.linalg.inv(cov)) / 2
    assert found.divergence == pytest.approx(float(exact), rel=1e-13)  # a quadratic: both quadratures are exact
    assert found.information == pytest.approx(information, rel=1e-13)
    assert found.error < 1e-13
    assert found.relative == found.divergence / found.information


def test_the_exact_score_has_no_divergence():
    target = data.four_modes()
    exact = measures.fisher_by_quadrature(lambda x, sigma: target.perturb(1.0, 0.5).score(x), target, 0.5)
    assert exact.divergence == 0
    points = data.two_moons(50, seed=3)
    noise = rs.noise.normals(0, np.arange(50), 2)
    of_points = rs.targets.empirical(points)
    found = measures.fisher_by_draws(
        lambda x, s: of_points.score(x, alpha=1.0, sigma=s), points, points, 0.2, noise=noise
    )
    assert found.divergence < 1e-25 * found.information


def test_one_point_has_a_known_divergence():  # p_σ = N(c, σ²I), so that s = 0 misses ½ E|ε|²/σ² with the noise given
    noise = rs.noise.normals(0, np.arange(20), 3)
    found = measures.fisher_by_draws(lambda x, s: 0 * x, np.ones((20, 3)), np.ones((20, 3)), 0.5, noise=noise)
    values = 0.5 * (noise**2).sum(-1) / 0.5**2
    assert found.divergence == pytest.approx(values.mean(), rel=1e-12)
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(20), rel=1e-12)


def test_mode_shares_count():
    target = data.four_modes()
    x = np.repeat(target.means, [5, 3, 2, 0], axis=0) + 0.1
    assert [share.share for share in measures.mode_shares(x, target)] == [0.5, 0.3, 0.2, 0.0]
    for share in measures.mode_shares(data.draws(target, 4000, seed=1), target):
        assert share.low <= share.weight <= share.high


def test_nearest_distances_by_brute_force():
    x, points = data.two_moons(40, seed=1), data.two_moons(60, seed=2)
    brute = np.sqrt(((x[:, None] - points) ** 2).sum(-1)).min(-1)
    np.testing.assert_allclose(measures.nearest_distances(x, points), brute, rtol=1e-13)


def test_two_moons_lie_on_their_arcs():
    sharp = data.two_moons(1000, width=0.0, seed=0)
    upper, lower = sharp[::2], np.array([1.0, 0.5]) - sharp[1::2]
    for arc in (upper, lower):
        np.testing.assert_allclose(np.hypot(*arc.T), 1.0, rtol=1e-14)
        assert (arc[:, 1] > 0).all()
        assert (arc[:, 0] > 0.9).any()
        assert (arc[:, 0] < -0.9).any()


def test_digits_are_split_once():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    train, test = data.digits()
    assert train.shape == (1438, 64)
    assert test.shape == (359, 64)
    assert train.min() == 0
    assert train.max() == 1
