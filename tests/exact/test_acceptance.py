"""exact/acceptance.py: from the definition by quadrature, from the steps themselves, published limits."""

import mpmath
import numpy as np
import pytest
from scipy.stats import norm

import refscore as rs
from refscore.exact import acceptance
from refscore.samplers import hmc_step, leapfrog, mala_step, metropolis_step

LINE = rs.targets.gaussian([0.0], 1.0)


def change(step, x, z):
    """log a of a step, read off its decisions by bisection in log u."""
    low, high = np.full(len(x), -60.0), np.zeros(len(x))
    for _ in range(60):
        middle = (low + high) / 2
        _, accepted = step(x, z, np.exp(middle))
        low, high = np.where(accepted, middle, low), np.where(accepted, high, middle)
    return high


def by_polar_quadrature(step):
    """E min(1, a) over x, z ~ N(0, 1): -log a is g(angle) r²/2, and over the radius E is 1/(1 + g)."""
    n = 200_000
    angle = (np.arange(n) + 0.5) * np.pi / n
    g = -2 * change(step, np.cos(angle)[:, None], np.sin(angle)[:, None])
    return (1 / (1 + np.maximum(g, 0))).mean()


@pytest.mark.parametrize("eps", [0.3, 1.5, 6.0])
def test_mala_by_its_own_decisions(eps):  # (MALA.5) (MALA.6)
    found = by_polar_quadrature(lambda x, z, u: mala_step(LINE.score, LINE.log_prob, x, z, u, step_size=eps))
    assert abs(found - acceptance.mala(1.0, step_size=eps)) < 2e-8


def test_random_walk_by_its_own_decisions():
    found = by_polar_quadrature(lambda x, z, u: metropolis_step(lambda y: y, LINE.log_prob, x, z, u, factor=1.7))
    assert abs(found - acceptance.random_walk(1.0, step_size=1.7**2)) < 2e-8


def test_hmc_by_its_own_decisions():
    found = by_polar_quadrature(lambda x, z, u: hmc_step(LINE.score, LINE.log_prob, x, z, u, step_size=1.3, n_steps=4))
    assert abs(found - acceptance.hmc(1.0, step_size=1.3, n_steps=4)) < 2e-8


@pytest.mark.parametrize("h", [1e-3, 0.4, 1.0, 1.99, 2.5])
@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_delta_from_the_matrix_of_the_trajectory(h, n):  # |√κ - 1/√κ| from the singular values, in 40 digits
    with mpmath.workdps(40):
        kick, drift = mpmath.matrix([[1, 0], [-mpmath.mpf(h) / 2, 1]]), mpmath.matrix([[1, mpmath.mpf(h)], [0, 1]])
        matrix = (kick * drift * kick) ** n
        trace = sum(matrix[i, j] ** 2 for i in range(2) for j in range(2))
        delta = float(mpmath.sqrt(trace - 2))
    assert abs(acceptance.hmc_delta(1.0, step_size=h, n_steps=n) - delta) <= 1e-12 * delta
    x, v = leapfrog(np.negative, np.eye(2)[:, :1], np.eye(2)[:, 1:], step_size=h, n_steps=n)
    assert abs((x**2).sum() + (v**2).sum() - 2 - delta**2) <= 1e-12 * (2 + delta**2)


@pytest.mark.parametrize("h", [0.3, 1.0, 1.9])
@pytest.mark.parametrize("n", [1, 3, 7])
def test_hmc_as_it_is_usually_written(h, n):
    angle, chi2 = np.arccos(1 - h**2 / 2), 1 / (1 - h**2 / 4)
    both = 2 * np.cos(n * angle) ** 2 + np.sin(n * angle) ** 2 * (chi2 + 1 / chi2)
    kappa = both / 2 + np.sqrt(max(both**2 / 4 - 1, 0))
    assert abs(acceptance.hmc(1.0, step_size=h, n_steps=n) - 4 / np.pi * np.arctan(kappa**-0.5)) < 1e-12


def by_angles(delta):
    """Two directions: E min(1, a) by a double integral over the sphere in four dimensions, 40 digits not needed."""
    tau = np.arcsinh(np.array(delta) / 2)
    values = np.concatenate([np.expm1(2 * tau), np.expm1(-2 * tau)])
    # w = r (√s (cos a, sin a), √(1-s) (cos b, sin b)) with s uniform, a and b uniform: P(Q < 0) in closed form over s
    n = 4000
    a = (np.arange(n) + 0.5) * np.pi / (2 * n)
    first = values[0] * np.cos(a) ** 2 + values[2] * np.sin(a) ** 2  # q on the plane of the first direction
    second = values[1] * np.cos(a) ** 2 + values[3] * np.sin(a) ** 2
    p, q = first[:, None], second[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = -q / (p - q)  # s p + (1 - s) q = 0
    share = np.where((p < 0) & (q < 0), 1.0, np.where((p >= 0) & (q >= 0), 0.0, np.where(p < 0, 1 - cut, cut)))
    return 2 * share.mean()


@pytest.mark.parametrize("delta", [(0.5, 0.5), (0.1, 2.0), (5.0, 3.0), (0.01, 0.02)])
def test_two_directions(delta):  # (MALA.7)
    assert abs(acceptance.of_deltas(delta) - by_angles(delta)) < 2e-7


def imhof(delta):
    """The integral as Imhof wrote it, over u, in 30 digits."""
    with mpmath.workdps(30):
        tau = [mpmath.asinh(mpmath.mpf(d) / 2) for d in delta]
        values = [mpmath.expm1(s * 2 * t) for t in tau for s in (1, -1)]

        def integrand(u):
            theta = sum(mpmath.atan(v * u) for v in values) / 2
            rho = mpmath.fprod((1 + v * v * u * u) ** mpmath.mpf("0.25") for v in values)
            return mpmath.sin(theta) / (u * rho)

        scale = 1 / max(delta)
        edges = [0, *(scale * mpmath.mpf(10) ** k for k in range(-2, 5)), mpmath.inf]
        return float(1 - 2 / mpmath.pi * mpmath.quad(integrand, edges))


@pytest.mark.parametrize("delta", [(0.5, 0.25, 1.0), (1e-3, 2.0, 0.1, 0.1), (0.3,) * 6])
def test_imhof_in_thirty_digits(delta):
    assert abs(acceptance.of_deltas(delta) - imhof(delta)) < 1e-12


def test_one_direction_is_the_limit_of_two():
    for d in (1e-6, 0.3, 2.0, 50.0):
        alone = 1 - 2 / np.pi * np.arctan(d / 2)
        assert abs(acceptance.of_deltas([d, 1e-12 * d]) - alone) < 1e-11


def test_optimal_scaling_in_many_dimensions():
    """Roberts & Rosenthal: MALA tends to 2 Φ(-l³/8), the random walk to 2 Φ(-l/2)."""
    d = 10**5
    for scale in (0.8, 1.65):
        found = acceptance.mala(np.ones(d), step_size=scale**2 * d ** (-1 / 3))
        assert abs(found - 2 * norm.cdf(-(scale**3) / 8)) < 1e-5
    assert abs(acceptance.random_walk(np.ones(d), step_size=2.38**2 / d) - 0.234) < 1e-3


def test_nothing_moves_and_nothing_is_accepted():
    assert acceptance.of_deltas([0.0, 0.0]) == 1.0
    assert 0 < acceptance.mala(1.0, step_size=1e6) < 1e-8
    with pytest.raises(ValueError, match="beyond stability"):
        acceptance.hmc(1.0, step_size=1e6, n_steps=20)
    with pytest.raises(ValueError, match=r"delta has shape \(1, 1\)"):
        acceptance.of_deltas([[1.0]])
