"""Stationary laws, gaps and mixing times: closed forms on Gaussians, and many digits between two wells."""

import mpmath
import numpy as np
import pytest

import refscore as rs
from refscore.exact import chapman_kolmogorov as ck
from refscore.exact import mixing
from refscore.exact import on_the_line as line

LANGEVIN = rs.samplers.langevin(step_size=0.4)


@pytest.mark.parametrize(("eps", "ell"), [(0.4, 1.0), (1.0, 0.5), (0.1, 2.0), (3.0, 0.8)])
def test_langevin_on_a_gaussian(eps, ell):
    p, sampler = rs.targets.gaussian([0.7], ell), rs.samplers.langevin(step_size=eps)
    found = mixing.stationary(sampler, p)
    assert line.total_variation(found.law, rs.targets.gaussian([0.7], ell / (1 - eps / (4 * ell)))) < 1e-10
    assert mixing.spectral_gap(sampler, p).value == pytest.approx(1 - abs(1 - eps / (2 * ell)), rel=1e-8)


def test_the_stationary_law_is_where_the_sampler_ends():
    p = rs.targets.mixture([0.7, 0.3], [[1.5], [-1.5]], [0.5, 1])
    late = ck.law(LANGEVIN, p, steps=400).law
    assert line.total_variation(late, mixing.stationary(LANGEVIN, p).law) < 1e-9


def by_many_digits(p, nodes):
    """1 - λ_2 of the matrix of two wells by inverse iteration in 60 digits, from I - P as it stands."""
    chain = mixing._chain(rs.samplers.langevin(step_size=0.4), p, nodes)
    with mpmath.workdps(60):
        n = len(chain.x)
        matrix = mpmath.matrix(n, n)
        for i in range(n):
            row = [
                mpmath.exp(
                    -((mpmath.mpf(float(chain.x[j])) - mpmath.mpf(float(chain.kernel.mean[i]))) ** 2)
                    / mpmath.mpf("0.8")
                )
                for j in range(n)
            ]
            total = mpmath.fsum(row)
            for j in range(n):
                matrix[i, j] = (1 if i == j else 0) - row[j] / total
        shifted = matrix.copy()
        for i in range(n):
            shifted[i, i] += mpmath.mpf("1e-30")
        y, value = mpmath.matrix([mpmath.mpf(float(v)) for v in chain.x]), mpmath.mpf(0)
        for _ in range(12):
            # The constant function has eigenvalue 0: it is taken out by differences from its own solution.
            y = y - mpmath.matrix([y[0]] * n)
            z = mpmath.lu_solve(shifted, y)
            z = z - mpmath.matrix([z[0]] * n)
            value = y[n - 1] / z[n - 1]
            y = z / mpmath.norm(z)
        return float(value), mixing._slowest(chain)


def test_a_tiny_gap_has_its_digits():
    p = rs.targets.mixture([0.8, 0.2], [[5.5], [-5.5]])
    expected, found = by_many_digits(p, 40)
    assert expected < 1e-5
    assert found == pytest.approx(expected, rel=1e-10)


def test_the_gap_falls_with_the_barrier():
    gaps = [
        mixing.spectral_gap(LANGEVIN, rs.targets.mixture([0.5, 0.5], [[r], [-r]]), rtol=1e-6).value for r in (2, 3, 4)
    ]
    assert gaps[0] > gaps[1] > gaps[2] > 0
    # Between two laws with the same barrier the distance falls by exp(-gap) a step, at last.
    p = rs.targets.mixture([0.8, 0.2], [[2], [-2]])
    limit, gap = mixing.stationary(LANGEVIN, p).law, mixing.spectral_gap(LANGEVIN, p).value
    far = [line.total_variation(ck.law(LANGEVIN, p, steps=k).law, limit) for k in (400, 500)]
    assert np.log(far[0] / far[1]) / 100 == pytest.approx(-np.log1p(-gap), rel=1e-4)


@pytest.mark.parametrize("distance", [0.25, 0.01])
def test_mixing_times_of_a_gaussian(distance):
    p, start = rs.targets.gaussian([0.0], 1.0), rs.targets.empirical([[5.0]])
    limit = rs.targets.gaussian([0.0], 1 / 0.9)

    def far(k):  # from a point the law after k steps is N(5 · 0.8ᵏ, (1 - 0.64ᵏ)/0.9)
        return line.total_variation(rs.targets.gaussian([5 * 0.8**k], (1 - 0.64**k) / 0.9), limit)

    found = mixing.mixing_time(LANGEVIN, p, start, distance=distance)
    assert far(found) <= distance < far(found - 1)


def test_mixing_times_of_two_wells_counted_and_extrapolated():
    p, start = rs.targets.mixture([0.5, 0.5], [[2.5], [-2.5]]), rs.targets.gaussian([2.5], 1.0)
    found = mixing.mixing_time(LANGEVIN, p, start, distance=0.1)
    limit = mixing.stationary(LANGEVIN, p).law
    before, after = (line.total_variation(ck.law(LANGEVIN, p, start, steps=k).law, limit) for k in (found - 1, found))
    assert after <= 0.1 < before
    doublings = mixing.DOUBLINGS
    try:
        mixing.DOUBLINGS = 4
        assert abs(mixing.mixing_time(LANGEVIN, p, start, distance=0.1) - found) <= 1
    finally:
        mixing.DOUBLINGS = doublings


def test_the_start_may_be_there_already():
    p = rs.targets.gaussian([0.0], 1.0)
    assert mixing.mixing_time(LANGEVIN, p, rs.targets.gaussian([0.0], 1.1)) == 1


def test_what_is_refused():
    p = rs.targets.gaussian([0.0], 1.0)
    with pytest.raises(ValueError, match="expected equal steps"):
        mixing.stationary(rs.samplers.annealed([2, 1], step_size=0.1, steps_per_level=1), p)
    with pytest.raises(ValueError, match=r"distance is 1\.0"):
        mixing.mixing_time(LANGEVIN, p, p, distance=1.0)
    with pytest.raises(ValueError, match="start reaches beyond the nodes"):
        mixing.mixing_time(LANGEVIN, p, rs.targets.gaussian([50.0], 1.0))
