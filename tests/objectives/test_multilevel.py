"""objectives/multilevel.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import LevelAffineScore
from refscore.objectives import denoising, multilevel, multilevel_gradient
from tests.cubature import problems
from tests.objectives import rational

WEIGHTS = {
    "default": ({}, lambda sigma: sigma**2),
    "one": ({"weight": 1}, lambda sigma: 1),
    "callable": ({"weight": lambda sigma: 3 * sigma}, lambda sigma: 3 * sigma),
}


@given(problems())
@pytest.mark.parametrize("weight", WEIGHTS)
def test_value_is_the_definition(weight, problem):  # (MSM.2)
    keyword, exact = WEIGHTS[weight]
    d = problem.d
    sigma = problem.sigma * 2.0 ** np.arange(d)  # d samples of dimension d: a wrong axis would broadcast
    x0, noise = rational.quarters(0, d, d), rational.quarters(1, d, d)
    value = multilevel(LevelAffineScore(problem.matrix, problem.centre), x0, noise, sigma, **keyword)
    assert value.shape == (d,)
    for i in range(d):
        level, z = Fraction(sigma[i]), rational.fractions(noise[i])
        x = [a + level * e for a, e in zip(rational.fractions(x0[i]), z, strict=True)]
        s = rational.score(problem.matrix, problem.centre, x)
        residual = [a / level + e / level for a, e in zip(s, z, strict=True)]
        assert value[i] == exact(level) * rational.dot(residual, residual) / 2


@given(problems())
@pytest.mark.parametrize("weight", WEIGHTS)
def test_gradient_is_autograds(weight, problem):  # (MSM.3)
    keyword, exact = WEIGHTS[weight]
    d = problem.d
    sigma = problem.sigma * 2.0 ** np.arange(d)
    x0, noise = rational.quarters(0, 2, d, d), rational.quarters(1, 2, d, d)
    levels = np.stack([sigma, sigma[::-1]])

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        each = levels[..., None]
        residual = -anp.dot(x0 + each * noise - b, a.T) / each + noise / each
        return 0.5 * anp.sum(exact(each) * residual**2)

    score = LevelAffineScore(problem.matrix, problem.centre)
    assert_array_equal(multilevel_gradient(score, x0, noise, levels, **keyword), autograd.grad(total)(score.pack()))


def test_one_level_for_all_is_denoising_times_the_weight():
    score = LevelAffineScore([[1, 2], [0, 1]], [1, -1])
    x0, noise = rational.quarters(0, 5, 2), rational.quarters(1, 5, 2)
    assert_array_equal(multilevel(score, x0, noise, 0.5), 0.25 * denoising(score.at(0.5), x0, noise, 0.5))
    assert_array_equal(multilevel(score, x0, noise, np.full(5, 0.5)), multilevel(score, x0, noise, 0.5))
    assert multilevel(score, x0[0], noise[0], 0.5).shape == ()


def test_the_weight_may_be_values():
    score = LevelAffineScore([[1]], [0])
    x0, noise, sigma = np.ones((3, 1)), np.ones((3, 1)), np.array([1.0, 2.0, 4.0])
    assert_array_equal(multilevel(score, x0, noise, sigma, weight=sigma**2), multilevel(score, x0, noise, sigma))


def test_the_score_is_given_the_levels_as_they_came():
    seen = []

    def score(x, sigma):
        seen.append(sigma)
        return x

    multilevel(score, np.zeros((2, 3)), np.zeros((2, 3)), [1, 2])
    multilevel(score, np.zeros((2, 3)), np.zeros((2, 3)), 3)
    assert [s.shape for s in seen] == [(2,), ()]


@pytest.mark.parametrize("function", [multilevel, multilevel_gradient])
def test_bad_arguments_are_refused(function):
    score, x0 = LevelAffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"sigma has a value of -2.0; expected sigma > 0"):
        function(score, x0, x0, [1, -2, 1])
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(3,\) of x"):
        function(score, x0, x0, [1, 2])
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 2\), the shape of x0"):
        function(score, x0, x0[:, :1], 1)
    with pytest.raises(ValueError, match=r"weight has shape \(2,\); expected \(\) or \(3,\), the shape of sigma"):
        function(score, x0, x0, [1, 2, 3], weight=[1, 2])
    with pytest.raises(ValueError, match=r"weight has a value of -1.0; expected weight >= 0"):
        function(score, x0, x0, [1, 2, 3], weight=lambda sigma: -np.ones_like(sigma))
    with pytest.raises(ValueError, match=r"weight has 3 values that are not finite"):
        function(score, x0, x0, [1, 2, 3], weight=lambda sigma: sigma * np.nan)


def test_a_score_that_would_broadcast_is_refused():
    with pytest.raises(ValueError, match=r"score\(x, sigma\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        multilevel(lambda x, sigma: sigma[:, None], np.zeros((3, 2)), np.zeros((3, 2)), np.ones(3))
