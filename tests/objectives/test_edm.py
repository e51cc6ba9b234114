"""objectives/edm.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import LevelAffineScore
from refscore.objectives import edm, edm_gradient, multilevel_gradient
from tests.cubature import U, problems
from tests.objectives import rational


@given(problems())
@pytest.mark.parametrize("sigma_data", [0.5, 2.0])
def test_value_is_the_definition(sigma_data, problem):  # (EDML.1), (EDML.2)
    d = problem.d
    sigma = problem.sigma * 2.0 ** np.arange(d)
    x0, noise = rational.quarters(0, d, d), rational.quarters(1, d, d)
    value = edm(LevelAffineScore(problem.matrix, problem.centre), x0, noise, sigma, sigma_data=sigma_data)
    for i in range(d):
        level, data = Fraction(sigma[i]), Fraction(sigma_data)
        clean = rational.fractions(x0[i])
        x = [a + level * e for a, e in zip(clean, rational.fractions(noise[i]), strict=True)]
        residual = [
            p / level - c for p, c in zip(rational.score(problem.matrix, problem.centre, x), clean, strict=True)
        ]
        weight = (level**2 + data**2) / (level * data) ** 2
        assert value[i] == weight * rational.dot(residual, residual)


@given(problems())
def test_gradient_is_autograds(problem):  # (EDML.3)
    d = problem.d
    sigma = np.stack([problem.sigma * 2.0 ** np.arange(d)] * 2)
    x0, noise = rational.quarters(0, 2, d, d), rational.quarters(1, 2, d, d)

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        residual = -anp.dot(x0 + sigma[..., None] * noise - b, a.T) / sigma[..., None] - x0
        return anp.sum((1 / sigma**2 + 1 / 0.25)[..., None] * residual**2)

    model = LevelAffineScore(problem.matrix, problem.centre)
    found = edm_gradient(model, x0, noise, sigma, sigma_data=0.5)
    assert_array_equal(found, autograd.grad(total)(model.pack()))


@given(problems())
def test_a_model_of_the_score_through_its_factor(problem):
    # ∂/∂θ of λ |x + σ² s - x0|² by autograd, against twice the multilevel gradient with the weight λ σ⁴.
    d, sigma = problem.d, np.array([0.5, 2.0, 4.0])
    x0, noise = rational.quarters(0, 3, d), rational.quarters(1, 3, d)
    level = sigma[:, None]
    weight = 1 / sigma**2 + 4

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        x = x0 + level * noise
        residual = x + level**2 * (-anp.dot(x - b, a.T) / level) - x0
        return anp.sum(weight[:, None] * residual**2)

    model = LevelAffineScore(problem.matrix, problem.centre)
    found = 2 * multilevel_gradient(model, x0, noise, sigma, weight=weight * sigma**4)
    assert_array_equal(found, autograd.grad(total)(model.pack()))


def test_one_level_for_all_and_one_sample():
    model = LevelAffineScore([[1, 2], [0, 1]], [1, -1])
    x0, noise = rational.quarters(0, 5, 2), rational.quarters(1, 5, 2)
    one = edm(model, x0, noise, 0.5, sigma_data=0.5)
    assert_array_equal(one, edm(model, x0, noise, np.full(5, 0.5), sigma_data=0.5))
    assert edm(model, x0[0], noise[0], 0.5, sigma_data=0.5) == one[0]


def test_the_weight_is_the_papers_at_the_ends():
    for sigma in (0.002, 80.0):
        found = edm(lambda x, s: 0 * x, [[1.0]], [[0.0]], sigma, sigma_data=0.5)
        exact = (Fraction(sigma) ** 2 + Fraction(1, 4)) / (Fraction(sigma) / 2) ** 2
        assert abs(Fraction(float(found[0])) - exact) <= 8 * Fraction(U) * exact


@pytest.mark.parametrize("function", [edm, edm_gradient])
def test_bad_arguments_are_refused(function):
    model, x0 = LevelAffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"sigma has a value of 0.0; expected sigma > 0"):
        function(model, x0, x0, [1, 0, 1], sigma_data=0.5)
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, x0, x0, [1, 2], sigma_data=0.5)
    with pytest.raises(ValueError, match=r"sigma_data is 0.0; expected sigma_data > 0"):
        function(model, x0, x0, 1, sigma_data=0)
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 2\), the shape of x0"):
        function(model, x0, x0[:, :1], 1, sigma_data=0.5)


def test_a_denoiser_that_would_broadcast_is_refused():
    zero = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"denoiser\(x, sigma\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        edm(lambda x, sigma: x[:, :1], zero, zero, 1, sigma_data=1)
