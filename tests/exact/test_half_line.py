"""exact/half_line.py: moments against mpmath, expectations and variances against quadrature, minimisers."""

import mpmath
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from refscore.exact.half_line import (
    gamma_moments,
    nonnegative_expectation,
    nonnegative_minimiser,
    nonnegative_variance,
    truncated_normal_moments,
)
from refscore.models import AffineScore
from refscore.objectives import nonnegative, nonnegative_gradient, power_weight
from tests.cubature import U

LAWS = {
    "truncated normal": (
        truncated_normal_moments(0.5, 1.25, 12),
        stats.truncnorm(-0.4, np.inf, loc=0.5, scale=1.25).pdf,
    ),
    "half normal": (truncated_normal_moments(0, 1, 12), stats.halfnorm.pdf),
    "gamma": (gamma_moments(2.5, 2, 12), stats.gamma(2.5, scale=0.5).pdf),
    "exponential": (gamma_moments(1, 0.8, 12), stats.expon(scale=1.25).pdf),
}
SCORE = AffineScore([[0.75]], [-1.25])


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (2.0, 0.5), (-1.5, 2.0), (40.0, 1.0)])
def test_moments_of_a_truncated_normal(mean, std):  # (NNG.10)
    with mpmath.workdps(40):
        density = lambda x: mpmath.exp(-(((x - mpmath.mpf(mean)) / std) ** 2) / 2)  # noqa: E731
        cuts = [0, max(mean, 0) / 2 + std / 2, max(mean, 0) + std, max(mean, 0) + 6 * std, max(mean, 0) + 40 * std]
        total = mpmath.quad(density, cuts)
        for k, got in enumerate(truncated_normal_moments(mean, std, 6)):
            exact = mpmath.quad(lambda x, k=k: x**k * density(x), cuts) / total
            loss = 1 + (mean / std) ** 2 if mean < 0 else 1  # digits that the recursion subtracts away
            assert abs(got - float(exact)) <= 32 * (k + 1) * loss**k * U * float(exact)


def test_moments_of_a_gamma_law():  # (NNG.11)
    for k, got in enumerate(gamma_moments(2.5, 4, 6)):
        exact = mpmath.gamma(2.5 + k) / mpmath.gamma(2.5) / mpmath.mpf(4) ** k
        assert abs(got - float(exact)) <= 16 * U * float(exact)


def mean(density, function):
    parts = [
        quad(lambda x: density(x) * function(x), a, b, epsabs=0, epsrel=1e-11, limit=200) for a, b in ((0, 4), (4, 90))
    ]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("exponent", [1, 2, 3])
@pytest.mark.parametrize("name", LAWS)
def test_expectation_and_variance_are_those_of_the_objective(name, exponent):  # (NNG.12) (NNG.13)
    moments, density = LAWS[name]
    value = lambda x: nonnegative(SCORE, [x], h=power_weight(exponent)).item()  # noqa: E731
    first, second = mean(density, value), mean(density, lambda x: value(x) ** 2)
    expectation = nonnegative_expectation(SCORE, moments, exponent=exponent)
    variance = nonnegative_variance(SCORE, moments, exponent=exponent)
    assert abs(expectation - first[0]) <= first[1] + 64 * U * np.sqrt(second[0])
    assert abs(variance - (second[0] - first[0] ** 2)) <= second[1] + 2 * abs(first[0]) * first[1] + 1e-13 * second[0]


@pytest.mark.parametrize("exponent", [1, 2, 3])
@pytest.mark.parametrize("name", ["truncated normal", "half normal", "gamma"])
def test_the_mean_gradient_vanishes_at_the_minimiser(name, exponent):  # (NNG.14)
    moments, density = LAWS[name]
    best, h = nonnegative_minimiser(moments, exponent=exponent), power_weight(exponent)
    for entry in (0, 1):
        pull = mean(density, lambda x, e=entry: nonnegative_gradient(best, [x], h=h)[e] + 1)  # 1, so that quad ends
        assert abs(pull[0] - 1) <= pull[1] + 1e-11


@pytest.mark.parametrize("exponent", [1, 2])
def test_truncated_normal_data_have_their_own_parameters(exponent):
    best = nonnegative_minimiser(truncated_normal_moments(0.5, 1.25, 6), exponent=exponent)
    assert abs(best.matrix.item() - 1 / 1.25**2) <= 1e-12
    assert abs(best.centre.item() - 0.5) <= 1e-12


def test_exponential_data_have_a_constant_score():
    """Then A = 0: no centre is best, or one far away where A is rounding."""
    with pytest.raises(ValueError, match="the best score is constant: A = 0"):
        nonnegative_minimiser(gamma_moments(1, 1, 4), exponent=1)


def test_bad_arguments_are_refused():
    moments = gamma_moments(2, 1, 3)
    for function, count in ((nonnegative_expectation, 5), (nonnegative_variance, 9)):
        with pytest.raises(ValueError, match=rf"moments has shape \(4,\); expected at least {count} of them"):
            function(SCORE, moments, exponent=2)
        with pytest.raises(ValueError, match=r"score has dimension 2; expected 1"):
            function(AffineScore(np.eye(2), [0, 0]), moments, exponent=1)
        with pytest.raises(ValueError, match=r"exponent is 0; expected at least 1"):
            function(SCORE, moments, exponent=0)
    with pytest.raises(ValueError, match=r"std is 0.0; expected std > 0"):
        truncated_normal_moments(0, 0, 2)
    with pytest.raises(ValueError, match=r"rate is -1.0; expected rate > 0"):
        gamma_moments(1, -1, 2)
