"""Known closed forms of estimators: at them the gradient of the objective over a sample vanishes."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from refscore.models import ExponentialFamily, Features
from refscore.objectives import implicit_gradient, nonnegative_gradient, power_weight
from tests.cubature import U

SAMPLE = np.array([0.25, 0.5, 0.75, 1.25, 2.0, 4.5])[:, None]


def gamma_family(alpha, beta):
    """θ = (α - 1, -β) of log x and x."""
    features = Features(
        d=1,
        k=2,
        value=lambda x: np.concatenate([np.log(x), x], axis=1),
        gradient=lambda x: np.stack([1 / x, np.ones_like(x)], axis=1),
        product=lambda x, v: np.stack([-v / x**2, 0 * v], axis=1),
        laplacian=lambda x: np.concatenate([-1 / x**2, 0 * x], axis=1),
    )
    return ExponentialFamily(features, [alpha - 1, -beta])


def test_with_the_square_of_x_gamma_is_fitted_by_moments():
    mean, variance = SAMPLE.mean(), SAMPLE.var()
    model = gamma_family(mean**2 / variance, mean / variance)
    pull = nonnegative_gradient(model, SAMPLE, h=power_weight(2))
    assert np.abs(pull).max() <= 256 * U * (SAMPLE**2).sum()


def test_with_x_gamma_is_fitted_by_two_means():
    mean, inverse = SAMPLE.mean(), (1 / SAMPLE).mean()
    alpha = 1 / (1 - 1 / (mean * inverse))
    pull = nonnegative_gradient(gamma_family(alpha, alpha / mean), SAMPLE, h=power_weight(1))
    assert np.abs(pull).max() <= 256 * U * (SAMPLE + 1 / SAMPLE).sum()


def test_with_x_the_exponential_rate_is_that_of_maximum_likelihood():
    model = gamma_family(1, 1 / SAMPLE.mean())
    assert abs(nonnegative_gradient(model, SAMPLE, h=power_weight(1))[1]) <= 64 * U * len(SAMPLE)


def power_family(theta, p):
    """log p(x) = -θ |x|^p."""
    features = Features(
        d=1,
        k=1,
        value=lambda x: -(np.abs(x) ** p),
        gradient=lambda x: (-p * np.sign(x) * np.abs(x) ** (p - 1))[:, None],
        product=lambda x, v: (-p * (p - 1) * np.abs(x) ** (p - 2) * v)[:, None],
        laplacian=lambda x: -p * (p - 1) * np.abs(x) ** (p - 2),
    )
    return ExponentialFamily(features, [theta])


@pytest.mark.parametrize("p", [1.6, 2, 3, 4])
def test_the_rate_of_a_power(p):
    x = SAMPLE - 1
    theta = (p - 1) * (np.abs(x) ** (p - 2)).sum() / (p * (np.abs(x) ** (2 * p - 2)).sum())
    assert abs(implicit_gradient(power_family(theta, p), x)) <= 256 * U * (1 + np.abs(x).max()) ** (2 * p)


@pytest.mark.parametrize(
    ("p", "known"), [(2, 1), (3, 0.82136), (4, 0.68542), (6, 0.55348), (8, 0.49218), (1.6, 0.62389)]
)
def test_the_known_efficiency_of_a_power(p, known):
    """Of score matching against maximum likelihood, whose variance of log θ is p a sample."""
    model = power_family(1.0, p)
    scale = 2 * math.gamma(1 + 1 / p)
    # Substituted x = y^5, since |x|^(2p-4) is not smooth at 0.
    over = lambda f: quad(lambda y: 10 * y**4 * np.exp(-(y ** (5 * p))) * f(y**5) / scale, 1e-6, 2.5, limit=200)[0]  # noqa: E731
    square = over(lambda x: implicit_gradient(model, [x])[0] ** 2)
    bend = over(lambda x: p**2 * x ** (2 * p - 2))
    assert abs(p / (square / bend**2) - known) <= 2e-5
