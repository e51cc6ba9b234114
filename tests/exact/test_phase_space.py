"""exact/phase_space.py: fixed points of 2×2 matrices in rational arithmetic, spectral radii, stability."""

from fractions import Fraction as F

import numpy as np
import pytest

import refscore as rs
from refscore.exact import phase_space

CASES = [(F(1, 2), F(1, 4), F(3, 2)), (F(3), F(1, 8), F(1, 4)), (F(1, 100), F(1, 1000), F(5))]


def fixed_point_gap(law, matrix, noise):
    """C - M C Mᵀ - Q in exact arithmetic."""
    (a, b), (c, d) = matrix
    x, xv, v = law
    new = (
        a * a * x + 2 * a * b * xv + b * b * v + noise[0],
        a * c * x + (a * d + b * c) * xv + b * d * v + noise[1],
        c * c * x + 2 * c * d * xv + d * d * v + noise[2],
    )
    return [n - o for n, o in zip(new, law)]


@pytest.mark.parametrize(("ell", "h", "gamma"), CASES)
def test_euler_in_rational_arithmetic(ell, h, gamma):  # (UND.5)
    w = 1 / ell
    both = (gamma - h * w) * (4 - 2 * gamma * h + h * h * w)
    law = (2 * gamma * (2 - gamma * h + h * h * w) / (w * both), -2 * gamma * h / both, 4 * gamma / both)
    assert fixed_point_gap(law, ((1, h), (-h * w, 1 - gamma * h)), (0, 0, 2 * gamma * h)) == [0, 0, 0]
    found = phase_space.underdamped(float(ell), step_size=float(h), friction=float(gamma))
    np.testing.assert_allclose(found, [float(v) for v in law], rtol=1e-14)


@pytest.mark.parametrize(("ell", "h", "_"), CASES)
@pytest.mark.parametrize("keep", [F(1, 3), F(9, 10)])
def test_splittings_in_rational_arithmetic(ell, h, _, keep):  # (UND.6) (UND.7), c² = keep² for any c
    w = 1 / ell

    def times(p, q):
        return tuple(tuple(sum(p[i][k] * q[k][j] for k in range(2)) for j in range(2)) for i in range(2))

    kick, half, drift = ((1, 0), (-h * w / 2, 1)), ((1, h / 2), (0, 1)), ((1, h), (0, 1))
    rub = ((1, 0), (0, keep))
    after = times(kick, half)
    matrix = times(after, times(rub, times(half, kick)))
    fresh = 1 - keep * keep
    column = (after[0][1], after[1][1])
    noise = tuple(fresh * p * q for p, q in ((column[0], column[0]), (column[0], column[1]), (column[1], column[1])))
    assert fixed_point_gap((ell, F(0), 1 - h * h * w / 4), matrix, noise) == [0, 0, 0]
    inner = times(kick, times(drift, kick))
    matrix = times(rub, times(inner, rub))
    column = (keep * 0 + times(rub, inner)[0][1], times(rub, inner)[1][1])
    noise = [fresh * p * q for p, q in ((column[0], column[0]), (column[0], column[1]), (column[1], column[1]))]
    noise[2] += fresh
    assert fixed_point_gap((ell / (1 - h * h * w / 4), F(0), F(1)), matrix, noise) == [0, 0, 0]
    found = phase_space.baoab(float(ell), step_size=float(h), friction=1.0)
    np.testing.assert_allclose(found, [float(ell), 0, float(1 - h * h * w / 4)], rtol=1e-15)
    found = phase_space.obabo(float(ell), step_size=float(h), friction=1.0)
    np.testing.assert_allclose(found, [float(ell / (1 - h * h * w / 4)), 0, 1], rtol=1e-15)


@pytest.mark.parametrize("ell", [0.05, 0.36, 4.0])
@pytest.mark.parametrize(("h", "gamma"), [(0.1, 0.5), (0.1, 20.0), (0.4, 4.0), (0.4, 0.0)])
def test_rates(ell, h, gamma):  # (UND.8) (UND.9)
    target = rs.targets.gaussian([0.0], ell)
    for make, rate in (
        (rs.samplers.underdamped, phase_space.underdamped_rate),
        (rs.samplers.baoab, phase_space.baoab_rate),
        (rs.samplers.obabo, phase_space.baoab_rate),
    ):
        found = rs.exact.contraction_rate(make(h, friction=gamma), target)
        assert abs(rate(ell, step_size=h, friction=gamma) - found) <= 1e-7 * found  # a double root moves by √u


@pytest.mark.parametrize("n", [1, 3, 8])
def test_unadjusted_hmc(n):  # (HMC.4) (HMC.5)
    target, h = rs.targets.gaussian([0.0], 0.4), 0.5
    sampler = rs.samplers.unadjusted_hmc(h, n_steps=n)
    end = rs.exact.stationary_law(sampler, target).cov[0, 0]
    assert abs(end - phase_space.unadjusted_hmc(0.4, step_size=h)) <= 1e-14
    rate = phase_space.unadjusted_hmc_rate(0.4, step_size=h, n_steps=n)
    assert abs(rate - rs.exact.contraction_rate(sampler, target)) <= 1e-14


def test_beyond_stability():
    with pytest.raises(ValueError, match=r"Euler's step is not stable; expected h < γ ℓ = 0\.25"):
        phase_space.underdamped(0.5, step_size=0.26, friction=0.5)
    for form in (phase_space.baoab, phase_space.obabo):
        with pytest.raises(ValueError, match="expected below 2√ℓ = 1, where it is stable"):
            form(0.25, step_size=1.0, friction=1.0)
    with pytest.raises(ValueError, match="2√ℓ"):
        phase_space.unadjusted_hmc(0.25, step_size=1.0)
    assert phase_space.underdamped_rate(0.5, step_size=0.26, friction=0.5) > 1
    assert phase_space.baoab_rate(0.25, step_size=1.1, friction=1.0) > 1


def test_what_the_splittings_are_praised_for_by_order():
    """Stationary errors in h: Euler 1, OBABO 2 in the position, BAOAB none."""
    h = np.array([0.1, 0.05, 0.025, 0.0125])
    euler = [abs(phase_space.underdamped(0.5, step_size=v, friction=2.0).position - 0.5) for v in h]
    obabo = [abs(phase_space.obabo(0.5, step_size=v, friction=2.0).position - 0.5) for v in h]
    assert abs(rs.exact.observed_order(euler) - 1) < 0.02
    assert abs(rs.exact.observed_order(obabo) - 2) < 0.02
