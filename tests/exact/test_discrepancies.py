"""exact/discrepancies.py against the textbook formulas at 120 digits, from far apart to one last bit apart."""

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import erf
from scipy.stats import chi2

import refscore as rs
from refscore.exact import fisher, kl, wasserstein2

U = 2.0**-53


def high(matrix):
    return mpmath.matrix(matrix.tolist())


def root(matrix):
    values, vectors = mpmath.eigsy(matrix)
    return vectors * mpmath.diag([mpmath.sqrt(v) for v in values]) * vectors.T


def textbook(p, q):
    """W2, KL and Fisher divergence by traces, logarithms and inverses."""
    with mpmath.workdps(120):
        s1, s2, shift = high(p.cov), high(q.cov), high(p.mean[:, None]) - high(q.mean[:, None])
        inverse1, inverse2 = s1**-1, s2**-1
        between = root(root(s1) * s2 * root(s1))
        bures = sum((s1 + s2 - 2 * between)[i, i] for i in range(p.d))
        w2 = mpmath.sqrt(abs((shift.T * shift)[0] + bures))
        logs = mpmath.log(mpmath.det(s2) / mpmath.det(s1))
        trace = sum((inverse2 * s1)[i, i] for i in range(p.d))
        divergence = (trace - p.d + logs + (shift.T * inverse2 * shift)[0]) / 2
        gap = inverse2 - inverse1
        bend = gap * s1 * gap
        f = sum(bend[i, i] for i in range(p.d)) + (shift.T * inverse2 * inverse2 * shift)[0]
        return float(w2), float(divergence), float(f)


def pair(seed, d, condition, distance, shift=0.0):
    """Two covariances of that condition number, apart by `distance` relative to each of their directions."""
    rng = np.random.default_rng(seed)  # inputs only; any will do
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0] * np.sqrt(np.geomspace(1.0, 1 / condition, d))
    bend = rng.normal(size=(d, d))
    first, second = basis @ basis.T, basis @ (np.eye(d) + distance / (2 * d) * (bend + bend.T)) @ basis.T
    mean = rng.normal(size=d)
    cov1, cov2 = 0.5 * (first + first.T), 0.5 * (second + second.T)
    return rs.targets.gaussian(mean, cov1), rs.targets.gaussian(mean + shift * basis.sum(1), cov2)


@pytest.mark.parametrize("distance", [1e-15, 1e-12, 1e-8, 1e-4, 0.3])
@pytest.mark.parametrize("condition", [1.0, 1e4, 1e8])
@pytest.mark.parametrize("d", [1, 3, 6])
def test_relative_accuracy_at_any_distance(d, condition, distance):  # (W.1) (W.2) (KL.1) (FI.1)
    """The differences Σ₂ - Σ₁ of close floats are exact, so what is lost is the condition of the whitening, not digits
    to cancellation: 1e-15 apart the textbook formulas have none left."""
    p, q = pair(d, d, condition, distance, shift=0.1 * distance)
    for got, wanted in zip((wasserstein2(p, q), kl(p, q), fisher(p, q)), textbook(p, q), strict=True):
        assert abs(got - wanted) <= 32 * d**2 * U * condition * wanted


@pytest.mark.parametrize("condition", [1.0, 1e6, 1e12])
def test_wasserstein_of_nearly_equal_laws_is_accurate_to_the_last_bit_of_their_size(condition):
    for seed in range(6):
        p, q = pair(seed, 4, condition, 1e-13)
        size = np.sqrt(np.trace(p.cov))
        assert abs(wasserstein2(p, q) - textbook(p, q)[0]) <= U * size


def test_wasserstein_of_different_laws_is_accurate_at_any_condition():
    for seed in range(6):
        p, _ = pair(seed, 4, 1e12, 0.0)
        q, _ = pair(seed + 50, 4, 1e10, 0.0, shift=1.0)
        assert abs(wasserstein2(p, q) - textbook(p, q)[0]) <= 1024 * U * np.sqrt(np.trace(p.cov))


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_one_dimension(m1, m2, v1, v2):
    p, q = rs.targets.gaussian([m1], v1), rs.targets.gaussian([m2], v2)
    spread = (v1 - v2) / (np.sqrt(v1) + np.sqrt(v2))
    np.testing.assert_allclose(wasserstein2(p, q), np.hypot(m1 - m2, spread), rtol=32 * U)
    score = [(1 / v2 - 1 / v1), (m1 - m2) / v2]
    np.testing.assert_allclose(fisher(p, q), (score[0] ** 2) * v1 + score[1] ** 2, rtol=32 * U, atol=1e-300 + 64 * U)


@given(st.floats(-0.999, 50))
@example(-0.4999)
@example(0.4999)
@example(-0.3)
@example(1e-9)
@example(-1e-300)
def test_the_excess_of_e_over_its_logarithm(e):  # (KL.1): KL(N(0, 1 + e) ‖ N(0, 1)) = ½ (e - log(1 + e))
    with mpmath.workdps(80):
        v = 1 + e
        exact = float((mpmath.mpf(v) - 1 - mpmath.log(v)) / 2)
    got = kl(rs.targets.gaussian([0.0], v), rs.targets.gaussian([0.0], 1.0))
    assert abs(got - exact) <= 16 * U * exact


def test_commuting_covariances_are_differences_of_roots():
    first, second = np.array([1e-6, 0.3, 4.0]), np.array([2e-6, 0.3, 9.0])
    basis = np.linalg.qr(np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]))[0]
    covs = [(basis * v) @ basis.T for v in (first, second)]
    p, q = (rs.targets.gaussian(np.zeros(3), 0.5 * (c + c.T)) for c in covs)
    np.testing.assert_allclose(wasserstein2(p, q), np.linalg.norm(np.sqrt(first) - np.sqrt(second)), rtol=1e-14)


def test_axioms():
    p, q = pair(1, 4, 100.0, 0.5, shift=1.0)
    assert wasserstein2(p, p) == kl(p, p) == fisher(p, p) == 0.0
    assert abs(wasserstein2(p, q) - wasserstein2(q, p)) <= 64 * U * wasserstein2(p, q)
    middle = rs.targets.gaussian(0.5 * (p.mean + q.mean), 0.5 * (p.cov + q.cov))
    assert wasserstein2(p, q) <= wasserstein2(p, middle) + wasserstein2(middle, q)


def test_fisher_is_twice_explicit_score_matching():  # its mean over nodes that integrate quadratics exactly
    p, q = pair(2, 3, 10.0, 0.5, shift=1.0)
    nodes = p.sample(np.sqrt(3) * np.concatenate([np.eye(3), -np.eye(3)]))
    values = ((p.score(nodes) - q.score(nodes)) ** 2).sum(-1)
    np.testing.assert_allclose(fisher(p, q), values.mean(), rtol=1e-12)


@pytest.mark.parametrize("function", [wasserstein2, kl, fisher])
def test_dimensions_have_to_agree(function):
    with pytest.raises(ValueError, match="p has dimension 1 and q has 2"):
        function(rs.targets.gaussian([0.0]), rs.targets.gaussian([0.0, 0.0]))


def crossings(m, v):
    """Total variation of N(0, 1) and N(m, v), from Φ at the roots of the difference of log densities, in 50 digits."""
    with mpmath.workdps(50):
        m, v = mpmath.mpf(m), mpmath.mpf(v)
        a, b, c = v - 1, 2 * m, -(m**2) - v * mpmath.log(v)
        roots = [-c / b] if a == 0 else [(-b + sign * mpmath.sqrt(b * b - 4 * a * c)) / (2 * a) for sign in (-1, 1)]
        gaps = [mpmath.ncdf(x) - mpmath.ncdf((x - m) / mpmath.sqrt(v)) for x in sorted(roots)]
        return float(abs(gaps[0]) if len(gaps) == 1 else (abs(gaps[0]) + abs(gaps[1] - gaps[0]) + abs(gaps[1])) / 2)


@pytest.mark.parametrize(
    ("m", "v"),
    [
        (1.0, 1.0),
        (0.0, 4.0),
        (2.0, 0.01),
        (-3.0, 1e4),
        (1e-7, 1.0),
        (0.0, 1 + 2**-30),
        (2**-40, 1 - 2**-41),
        (50.0, 2.0),
    ],
)
def test_total_variation_on_the_line_is_phi_at_the_crossings(m, v):
    p, q = rs.targets.gaussian([0.0], 1.0), rs.targets.gaussian([m], v)
    assert rs.exact.total_variation(p, q) == pytest.approx(crossings(m, v), rel=2e-13)
    assert rs.exact.total_variation(q, p) == pytest.approx(crossings(m, v), rel=2e-13)


def test_total_variation_of_equal_covariances_and_of_scaled_ones():
    cov = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 0.7]])
    p, q = rs.targets.gaussian([0.0, 1.0, 2.0], cov), rs.targets.gaussian([0.4, 1.0, 1.7], cov)
    length = np.sqrt((q.mean - p.mean) @ np.linalg.solve(cov, q.mean - p.mean))
    assert rs.exact.total_variation(p, q) == pytest.approx(erf(length / np.sqrt(8)), rel=1e-14)
    # N(0, Σ) and N(0, cΣ) cross on an ellipsoid: a difference of two χ² probabilities.
    for c in (1 + 1e-6, 1.5, 20.0):
        wide = rs.targets.gaussian(p.mean, c * cov)
        at = 3 * np.log(c) / (1 - 1 / c)
        assert rs.exact.total_variation(p, wide) == pytest.approx(chi2.cdf(at, 3) - chi2.cdf(at / c, 3), rel=1e-9)


def test_total_variation_in_the_plane_is_an_integral():
    p = rs.targets.gaussian([0.0, 0.0], [[1.0, 0.3], [0.3, 0.5]])
    q = rs.targets.gaussian([0.5, -0.2], [[0.6, -0.2], [-0.2, 0.9]])
    x = np.linspace(-8, 8, 1601)  # kinks cost the square of the spacing
    points = np.stack(np.meshgrid(x, x), -1)
    expected = 0.5 * np.abs(np.exp(p.log_prob(points)) - np.exp(q.log_prob(points))).sum() * 1e-4
    assert rs.exact.total_variation(p, q) == pytest.approx(expected, abs=1e-5)
    assert rs.exact.total_variation(p, p) == 0


def test_total_variation_in_high_dimension_is_one_and_never_more():
    p, q = rs.targets.gaussian(np.zeros(400), 1.0), rs.targets.gaussian(np.zeros(400), 4.0)
    assert 1 - 1e-12 < rs.exact.total_variation(p, q) < 1 + 1e-14
