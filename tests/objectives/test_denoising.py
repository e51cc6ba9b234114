"""objectives/denoising.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import denoising, denoising_gradient
from tests.cubature import U, problems
from tests.objectives import rational


def rational_loss(problem, x0, noise, sigma):
    sigma, noise = Fraction(sigma), rational.fractions(noise)
    x = [a + sigma * e for a, e in zip(rational.fractions(x0), noise, strict=True)]
    residual = [s + e / sigma for s, e in zip(rational.score(problem.matrix, problem.centre, x), noise, strict=True)]
    return rational.dot(residual, residual) / 2


@given(problems())
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value_is_the_definition(batch, problem):  # (DSM.3)
    x0, noise = rational.quarters(0, *batch, problem.d), rational.quarters(1, *batch, problem.d)
    value = denoising(AffineScore(problem.matrix, problem.centre), x0, noise, problem.sigma)
    assert value.shape == batch
    for i in np.ndindex(batch):
        assert value[i] == rational_loss(problem, x0[i], noise[i], problem.sigma)


@given(problems())
@pytest.mark.parametrize("sigma", [1e-6, 0.3, 7.7])
def test_rounding_stays_within_its_bound(sigma, problem):
    score = AffineScore(problem.matrix, problem.centre)
    x0, noise = rational.quarters(0, 4, problem.d), rational.quarters(1, 4, problem.d)
    size = 0.5 * ((score.magnitude(np.abs(x0) + sigma * np.abs(noise)) + np.abs(noise) / sigma) ** 2).sum(-1)
    for got, one, z, bound in zip(denoising(score, x0, noise, sigma), x0, noise, size, strict=True):
        # x takes 2 roundings, x - b one, the product with A d, the sum of both terms 2; squared, and d to sum.
        error = abs(Fraction(got) - rational_loss(problem, one, z, sigma))
        assert error <= (3 * problem.d + 10) * U * bound


@given(problems())
def test_gradient_is_autograds(problem):  # (DSM.4)
    score, d, sigma = AffineScore(problem.matrix, problem.centre), problem.d, problem.sigma
    x0, noise = rational.quarters(0, 2, 3, d), rational.quarters(1, 2, 3, d)

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return 0.5 * anp.sum((-anp.dot(x0 + sigma * noise - b, a.T) + noise / sigma) ** 2)

    assert_array_equal(denoising_gradient(score, x0, noise, sigma), autograd.grad(total)(score.pack()))


@pytest.mark.parametrize("function", [denoising, denoising_gradient])
def test_bad_arguments_are_refused(function):
    score, x0 = AffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    for sigma in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"sigma is {sigma}; expected sigma > 0"):
            function(score, x0, x0, sigma)
    with pytest.raises(ValueError, match=r"sigma has 1 value that is not finite"):
        function(score, x0, x0, float("nan"))
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected one noise level \(multilevel takes"):
        function(score, x0, x0, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"noise has shape \(2,\); expected \(3, 2\), the shape of x0"):
        function(score, x0, np.zeros(2), 1.0)
    with pytest.raises(TypeError, match=r"x0 has dtype float16"):
        function(score, x0.astype(np.float16), x0, 1.0)


def test_a_score_that_would_broadcast_is_refused():
    with pytest.raises(ValueError, match=r"score\(x\) has shape \(3,\); expected \(3, 2\), the shape of x"):
        denoising(lambda x: x[:, 0], np.zeros((3, 2)), np.zeros((3, 2)), 1.0)
