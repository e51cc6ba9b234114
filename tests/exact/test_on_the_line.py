"""Distances on the line against Gaussians in closed form, brute quadrature, and the linear programme of transport."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linprog
from scipy.stats import norm

import refscore as rs
from refscore.exact import on_the_line as line

P = rs.targets.mixture([0.8, 0.2], [[3], [-3]], [1, 0.25])
Q = rs.targets.mixture([0.5, 0.3, 0.2], [[2.5], [-3.5], [0]], [2, 0.5, 9])
FAR = rs.targets.mixture([0.5, 0.5], [[7], [-7]])


def density(law, x):
    return float(sum(w * norm.pdf(x, m, s**0.5) for w, m, s in zip(law.weights, law.means[:, 0], law.covs[:, 0, 0])))


def below(law, x):
    return float(sum(w * norm.cdf(x, m, s**0.5) for w, m, s in zip(law.weights, law.means[:, 0], law.covs[:, 0, 0])))


def brute(f):
    edges = np.linspace(-35, 35, 141)
    return sum(quad(f, a, b, epsabs=1e-13, limit=200)[0] for a, b in itertools.pairwise(edges))


def test_total_variation_is_half_the_integral():
    expected = 0.5 * brute(lambda x: abs(density(P, x) - density(Q, x)))
    assert line.total_variation(P, Q) == pytest.approx(expected, abs=1e-10)
    assert line.total_variation(Q, P) == pytest.approx(expected, abs=1e-10)


def test_total_variation_of_gaussians_and_of_shifted_weights():
    one, two = rs.targets.gaussian([0.0], 1.0), rs.targets.gaussian([1e-6], 1.0)
    assert line.total_variation(one, two) == pytest.approx(1e-6 / np.sqrt(2 * np.pi), rel=1e-9)
    assert line.total_variation(one, one) == 0
    heavier = rs.targets.mixture([0.8, 0.2], [[7], [-7]])
    assert line.total_variation(FAR, heavier) == pytest.approx(0.3 * (1 - 2 * norm.cdf(-7)), abs=1e-15)


def test_wasserstein1_is_the_integral_of_the_difference():
    expected = brute(lambda x: abs(below(P, x) - below(Q, x)))
    assert line.wasserstein1(P, Q) == pytest.approx(expected, abs=1e-10)
    shifted = rs.targets.mixture(P.weights, P.means + 1e-3, P.covs[:, 0, 0])
    assert line.wasserstein1(P, shifted) == pytest.approx(1e-3, abs=1e-14)


def test_wasserstein2_of_gaussians_and_shifts():
    for mean, std in ((0.5, 1.0), (-2.0, 3.0), (1e-3, 1.0), (0.0, 0.05)):
        found = line.wasserstein2(rs.targets.gaussian([0.0], 1.0), rs.targets.gaussian([mean], std**2))
        assert found == pytest.approx(np.hypot(mean, std - 1), abs=1e-12)
    shifted = rs.targets.mixture(P.weights, P.means + 1e-3, P.covs[:, 0, 0])
    assert line.wasserstein2(P, shifted) == pytest.approx(1e-3, abs=1e-12)


def test_wasserstein2_between_modes_of_different_weights_is_that_of_transport():
    # A lattice of both laws, and the linear programme that defines the distance: no quantile, no coupling is assumed.
    heavier = rs.targets.mixture([0.7, 0.3], [[2], [-2]], 0.16)
    lighter = rs.targets.mixture([0.4, 0.6], [[2], [-2]], 0.16)
    x = np.linspace(-4, 4, 61)
    p, q = (np.array([density(law, v) for v in x]) for law in (heavier, lighter))
    p, q = p / p.sum(), q / q.sum()
    n = len(x)
    rows = np.concatenate([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
    cost = (x[:, None] - x) ** 2
    found = linprog(cost.ravel(), A_eq=rows[:-1], b_eq=np.concatenate([p, q])[:-1], method="highs").fun
    width = x[1] - x[0]
    assert line.wasserstein2(heavier, lighter) ** 2 == pytest.approx(found, abs=width**2)
    assert line.wasserstein2(heavier, lighter, per_scale=12) == pytest.approx(
        line.wasserstein2(heavier, lighter), abs=1e-9
    )


def test_distances_are_ordered():
    w1, w2 = line.wasserstein1(P, Q), line.wasserstein2(P, Q)
    assert abs(float(P.mean[0] - Q.mean[0])) <= w1 <= w2


def test_masses_and_quantiles():
    assert line.mass(P, 40, np.inf) == pytest.approx(0.8 * norm.sf(37), rel=1e-10)
    assert line.mass(P, -np.inf, np.inf) == 1
    assert line.mass(P, -1, 2) == pytest.approx(below(P, 2) - below(P, -1), abs=1e-15)
    for u in (1e-12, 0.2, 0.7, 0.999):
        assert below(Q, line.quantile(Q, u)) == pytest.approx(u, rel=1e-12)


def test_what_is_refused():
    plane = rs.targets.gaussian([0.0, 1.0], 1.0)
    with pytest.raises(ValueError, match="q has dimension 2; expected 1"):
        line.total_variation(P, plane)
    with pytest.raises(ValueError, match="law has dimension 2"):
        line.cdf(plane, 0.0)
    with pytest.raises(ValueError, match="low is 1 and high is 0"):
        line.mass(P, 1, 0)
    with pytest.raises(ValueError, match=r"probability is 1\.0"):
        line.quantile(P, 1.0)
