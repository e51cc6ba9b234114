"""Distances on the plane: formulas of Gaussians, laws that differ along one line only, adaptive quadrature."""

import numpy as np
import pytest
from scipy.stats import norm

import refscore as rs
from refscore.exact import on_the_line, on_the_plane

P = rs.targets.mixture([0.8, 0.2], [[1.5, 1.0], [-1.0, -1.5]], [[[0.5, 0.2], [0.2, 0.75]], [[1.0, 0.0], [0.0, 0.4]]])
Q = rs.targets.mixture([0.5, 0.5], [[1.0, 1.0], [-1.5, -1.0]], [[[0.6, -0.1], [-0.1, 0.5]], [[0.9, 0.1], [0.1, 0.5]]])
ONE = rs.targets.mixture([0.8, 0.2], [[2.0], [-2.0]], [1.0, 0.25])
TWO = rs.targets.mixture([0.5, 0.5], [[1.5], [-2.5]], [2.0, 0.5])
C, S = np.cos(0.4), np.sin(0.4)
TURN = np.array([[C, -S], [S, C]])


def beside(p, variance=0.5):
    """p along one line, N(0, variance) across it."""
    covs = np.array([TURN @ np.diag([v, variance]) @ TURN.T for v in p.covs[:, 0, 0]])
    return rs.targets.mixture(p.weights, np.outer(p.means[:, 0], TURN[:, 0]), 0.5 * (covs + covs.transpose(0, 2, 1)))


def split(p, times=100):
    """The same law with more components than are taken one by one."""
    return rs.targets.mixture(
        np.repeat(p.weights / times, times), np.repeat(p.means, times, 0), np.repeat(p.covs, times, 0)
    )


@pytest.mark.parametrize("weight", [0.5, 0.6, 0.75])
def test_a_line_with_one_crossing_by_closed_form(weight):
    """∫ |w N(v; 0, 1) - (1 - w) N(v; 1, 1)| dv = 2 (D(r) of both sides) - the whole, r = ½ + log(w/(1 - w))."""
    v = np.linspace(-9, 10, 48)
    line = weight * norm.pdf(v) - (1 - weight) * norm.pdf(v - 1)
    fine = v[0] + (v[1] - v[0]) * np.arange(8 * 47 + 1) / 8
    seen = weight * norm.pdf(fine) - (1 - weight) * norm.pdf(fine - 1)
    found = on_the_plane._absolute(line[None], v, seen[None], fine, 1e-16)
    r = 0.5 + np.log(weight / (1 - weight))
    left, right = (weight * cdf(r) - (1 - weight) * cdf(r - 1) for cdf in (norm.cdf, norm.sf))
    assert found == pytest.approx([left - right], abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1e-3, 1.0, 30.0])
def test_gaussians(shift):
    p = rs.targets.gaussian([shift, -1.0], [[0.5, 0.2], [0.2, 0.75]])
    q = rs.targets.gaussian([0.0, -1.0], [[0.75, 0.0], [0.0, 0.5]])
    assert on_the_plane.total_variation(p, q) == pytest.approx(rs.exact.total_variation(p, q), abs=1e-11)
    assert on_the_plane.kl(p, q) == pytest.approx(rs.exact.kl(p, q), rel=1e-10)


def test_laws_that_differ_along_one_line_are_as_far_apart_as_there():
    p, q = beside(ONE), beside(TWO)
    assert on_the_plane.total_variation(p, q) == pytest.approx(on_the_line.total_variation(ONE, TWO), abs=1e-11)
    along = rs.exact.expectation(lambda x: ONE.log_prob(x) - TWO.log_prob(x), ONE)
    assert on_the_plane.kl(p, q) == pytest.approx(float(along.value), rel=1e-10)
    for law, same in ((p, ONE), (q, TWO)):
        assert on_the_line.total_variation(on_the_plane.projected(law, TURN[:, 0]), same) <= 1e-14


def test_total_variation_is_that_of_adaptive_quadrature():
    # ½ ∫ |p - q| = E_p (1 - q/p)⁺, whose kink costs the adaptive rule most of its digits.
    slow = rs.exact.expectation(lambda x: np.maximum(-np.expm1(Q.log_prob(x) - P.log_prob(x)), 0), P, rtol=1e-5)
    found = on_the_plane.total_variation(P, Q)
    assert abs(found - float(slow.value)) <= float(slow.error)
    assert float(slow.error) < 1e-5
    assert found == pytest.approx(on_the_plane.total_variation(Q, P), abs=1e-11)


def test_a_finer_grid_and_other_axes_give_the_same(monkeypatch):
    found = on_the_plane.total_variation(P, Q)
    flipped = [rs.targets.mixture(p.weights, p.means[:, ::-1], p.covs[:, ::-1, ::-1]) for p in (P, Q)]
    assert on_the_plane.total_variation(*flipped) == pytest.approx(found, abs=1e-11)
    monkeypatch.setattr(on_the_plane, "PER_SCALE", 3.7)
    assert on_the_plane.total_variation(P, Q) == pytest.approx(found, abs=1e-11)


def test_many_components_are_taken_together():
    p = rs.targets.mixture([0.8, 0.2], [[1.5, 1.0], [-1.0, -1.5]], [[0.5, 0.75], [1.0, 0.4]])
    assert on_the_plane.total_variation(split(p), p) <= 1e-14
    assert on_the_plane.total_variation(split(p), Q) == pytest.approx(on_the_plane.total_variation(p, Q), abs=1e-11)
    assert on_the_plane.kl(split(p), Q) == pytest.approx(on_the_plane.kl(p, Q), rel=1e-10)
    assert on_the_plane.kl(Q, split(p)) == pytest.approx(on_the_plane.kl(Q, p), rel=1e-9)
    common = beside(ONE)  # with axes of their own
    assert on_the_plane.total_variation(split(common), Q) == pytest.approx(
        on_the_plane.total_variation(common, Q), abs=1e-11
    )


def test_far_and_equal_laws():
    far = rs.targets.mixture(P.weights, P.means + 40, P.covs)
    assert on_the_plane.total_variation(P, far) == pytest.approx(1.0, abs=1e-12)
    assert on_the_plane.total_variation(P, P) == 0
    assert on_the_plane.kl(P, P) == pytest.approx(0.0, abs=1e-15)


def test_expectations():
    found = on_the_plane.expectation(lambda x: np.stack([x[:, 0], x[:, 0] * x[:, 1], np.ones(len(x))], 1), split(P))
    second = P.cov + np.outer(P.mean, P.mean)
    assert found.value == pytest.approx([P.mean[0], second[0, 1], 1.0], abs=1e-12)
    assert on_the_plane.expectation(lambda x: P.score(x) ** 2, P).value == pytest.approx(
        rs.exact.expectation(lambda x: P.score(x) ** 2, P).value, abs=1e-9
    )


def test_what_a_line_sees():
    seen = on_the_plane.projected(P, [0.6, 0.8])
    assert seen.mean[0] == pytest.approx(P.mean @ [0.6, 0.8], abs=1e-15)
    assert seen.cov[0, 0] == pytest.approx(np.array([0.6, 0.8]) @ P.cov @ [0.6, 0.8], abs=1e-14)
    gaussian = on_the_plane.projected(rs.targets.gaussian([1.0, 2.0, 3.0], [1.0, 4.0, 9.0]), [1, 1, 1])
    assert (gaussian.mean[0], gaussian.cov[0, 0]) == pytest.approx((6.0, 14.0), abs=1e-13)


def test_what_is_refused():
    with pytest.raises(ValueError, match="dimension 1; expected 2"):
        on_the_plane.total_variation(ONE, TWO)
    with pytest.raises(ValueError, match="direction is 0"):
        on_the_plane.projected(P, [0, 0])
    with pytest.raises(ValueError, match=r"direction has shape \(3,\)"):
        on_the_plane.projected(P, [0, 0, 1])
    with pytest.raises(ValueError, match="nodes are needed"):
        on_the_plane.total_variation(P, rs.targets.gaussian([0, 0], 1e-8))
    with pytest.raises(ValueError, match="is f smooth"):
        on_the_plane.expectation(lambda x: np.sign(x[:, 0]), P)
