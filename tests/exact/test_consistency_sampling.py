"""exact/consistency_sampling.py: an inexact function, told and probed; the fixed point as a limit."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import consistency_sampling as truth
from refscore.samplers import consistency_multistep, consistency_step
from tests.samplers.laws import SPANS, TARGET, VALUES, VECTORS, U, by_recursion, marginal

ERRORS = np.array([[0.1, -0.05], [0.02, 0.3], [-0.2, 0.01]])


def levels(path, t):
    return float(path.alpha(t)), float(path.sigma(t))


def inexact(path, times, errors):
    """f with a factor (1 + δ) along each eigenvector at each level, and the exact mean."""
    end = levels(path, times[-1])
    table = {levels(path, t): 1 + row for t, row in zip(times[:-1], errors, strict=True)}

    def f(x, alpha, sigma):
        right = rs.exact.flow_map(TARGET, start=(alpha, sigma), stop=end)
        away = right(x) - end[0] * TARGET.mean
        return end[0] * TARGET.mean + (away @ VECTORS * table[alpha, sigma]) @ VECTORS.T

    return f


@pytest.mark.parametrize("name", SPANS)
def test_the_recursion_is_the_law_of_the_sampler(name):  # (CSA.2)
    path, first, last = SPANS[name]
    times, start = np.linspace(first, last, 4), marginal(path, first)
    law = rs.exact.law(consistency_multistep(inexact(path, times, ERRORS), path, times), TARGET, start)
    expected = by_recursion(truth.consistency_multistep(VALUES, path, times, error=ERRORS), start)
    np.testing.assert_allclose(law.cov, expected.cov, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(law.mean, expected.mean, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", SPANS)
def test_the_first_order_is_the_slope(name):  # (CSA.3), by the complex step in the errors
    path, first, last = SPANS[name]
    times = np.linspace(first, last, 4)
    alpha, sigma = path.alpha(times)[:, None], path.sigma(times)[:, None]
    h = 1e-20
    v = (alpha**2 * VALUES + sigma**2).astype(complex)
    at = v[0]
    for k in range(3):
        at = at * v[-1] / v[k] * (1 + 1j * h * ERRORS[k]) ** 2
        if k < 2:
            a = alpha[k + 1] / alpha[-1]
            at = a**2 * at + sigma[k + 1] ** 2 - a**2 * sigma[-1] ** 2
    slope = at.imag / h / v[-1].real
    found = truth.first_order_error(VALUES, path, times, error=ERRORS)
    np.testing.assert_allclose(found, slope, rtol=256 * U, atol=16 * U)


@pytest.mark.parametrize(("name", "t"), [("EDM", 1.0), ("VP", 0.4), ("Flow", 0.5)])
def test_the_fixed_point_is_where_many_steps_end(name, t):  # (CSA.4) (CSA.5)
    path, _, last = SPANS[name]
    (a, s), (least, floor) = levels(path, t), levels(path, last)
    right = rs.exact.flow_map(TARGET, start=(a, s), stop=(least, floor))
    matrix = right.matrix + np.array([[0.01, -0.02], [0.03, 0.02]])
    wrong = rs.exact.AffineMap(matrix, right.noises, right.constant + 0.1)

    def step(score, x, k, noise):
        noisy = a / least * x + np.sqrt(s**2 - (a / least * floor) ** 2) * noise
        return wrong(noisy)

    many = rs.samplers.Sampler("one level", None, 1, 1.0, None, None, step)
    law = rs.exact.law(many, TARGET, steps=2**12)
    found = truth.consistency_fixed_point(wrong, alpha=a, sigma=s, alpha_min=least, sigma_min=floor)
    np.testing.assert_allclose(found.cov, law.cov, rtol=1e-12)
    np.testing.assert_allclose(found.mean, law.mean, rtol=1e-12)


def test_the_exact_function_is_its_own_fixed_point_and_an_error_is_magnified():  # (CSA.4)
    p, floor = rs.targets.gaussian([2.0], 4.0), 0.1
    for sigma in (0.3, 1.0, 10.0):
        right = rs.exact.consistency.GaussianConsistency(p, floor).at(sigma)
        at = {"sigma": sigma, "sigma_min": floor}
        exact = truth.consistency_fixed_point(right, **at)
        magnified = (4 + sigma**2) / (sigma**2 - floor**2)
        assert abs(exact.cov[0, 0] / (4 + floor**2) - 1) <= 32 * U * magnified
        assert abs(exact.mean[0] - 2) <= 32 * U * magnified * 2
        for delta in (1e-3, -1e-3):
            r = (1 + delta) * right.matrix
            wrong = rs.exact.AffineMap(r, right.noises, 2.0 - r[0] * 2.0)
            found = float(truth.consistency_fixed_point(wrong, **at).cov[0, 0])
            closed = float(r[0, 0] ** 2 * (sigma**2 - floor**2) / (1 - r[0, 0] ** 2))
            assert abs(found / closed - 1) <= 64 * U * magnified
            w = 2 * delta + delta**2
            e = w / (1 / magnified - (1 - 1 / magnified) * w)
            assert abs(found / (4 + floor**2) - 1 - e) <= 64 * U * magnified


def test_the_step_with_its_own_level_is_the_fixed_point_of_the_sampler():
    """One level for ever through `consistency_step`, state above instead of below: the same law, noised."""
    p = rs.targets.gaussian([2.0], 4.0)
    f = rs.exact.consistency.GaussianConsistency(p, 0.1).at(1.0)

    def step(score, x, k, noise):
        return consistency_step(f, x, noise, alpha_s=1.0, sigma_s=1.0, sigma_min=0.1)

    above = rs.exact.stationary_law(rs.samplers.Sampler("one level", None, 1, 1.0, None, None, step), p)
    np.testing.assert_allclose(above.cov, [[5.0]], rtol=1e-13)
    np.testing.assert_allclose(above.mean, [2.0], rtol=1e-13)


def test_what_cannot_be_is_refused():
    one = rs.exact.AffineMap([[2.0]], np.zeros((0, 1, 1)), [0.0])
    with pytest.raises(ValueError, match="stretch some direction by 2; expected below 1"):
        truth.consistency_fixed_point(one, sigma=1.0, sigma_min=0.1)
    with pytest.raises(ValueError, match="expected a level above it"):
        truth.consistency_fixed_point(one, sigma=0.1, sigma_min=0.1)
