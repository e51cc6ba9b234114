"""objectives/conditional.py: multilevel for each condition, dropout sample by sample, gradients by autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import ConditionalAffineScore, LevelAffineScore
from refscore.objectives import (
    classifier_free,
    classifier_free_gradient,
    conditional,
    conditional_gradient,
    multilevel,
)
from tests.objectives import rational

LEVELS = np.array([0.5, 2.0, 0.25])
WEIGHTS = {"default": {}, "one": {"weight": 1}, "callable": {"weight": lambda sigma: 3 * sigma}}
DROP, NULL = np.array([True, False, True]), np.array([0.25, -1.0])


def case(d=3, c=2):
    s = ConditionalAffineScore(rational.quarters(2, d, d), rational.quarters(3, d), rational.quarters(4, d, c))
    return s, rational.quarters(0, 3, d), rational.quarters(5, 3, c), rational.quarters(1, 3, d)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_it_is_multilevel_at_each_condition(weight):  # (CSM.4)
    s, x0, y, noise = case()
    value = conditional(s, x0, y, noise, LEVELS, **WEIGHTS[weight])
    for i, level in enumerate(LEVELS):
        at = LevelAffineScore(s.matrix, s.centre + s.gain @ y[i])
        assert value[i] == multilevel(at, x0[i], noise[i], level, **WEIGHTS[weight])


@pytest.mark.parametrize("weight", WEIGHTS)
def test_gradient_is_autograds(weight):  # (CSM.5)
    s, x0, y, noise = case()
    each = LEVELS[:, None]
    factor = {"default": each**2, "one": 1.0, "callable": 3 * each}[weight]

    def total(theta):
        a, b, w = anp.reshape(theta[:9], (3, 3)), theta[9:12], anp.reshape(theta[12:], (3, 2))
        x = x0 + each * noise
        residual = -anp.dot(x - b - anp.dot(y, w.T), a.T) / each + noise / each
        return 0.5 * anp.sum(factor * residual**2)

    found = conditional_gradient(s, x0, y, noise, LEVELS, **WEIGHTS[weight])
    assert_array_equal(found, autograd.grad(total)(s.pack()))


@pytest.mark.parametrize("weight", WEIGHTS)
def test_dropout_replaces_whole_conditions(weight):  # (CFG.1)
    s, x0, y, noise = case()
    replaced = np.stack([NULL, y[1], NULL])
    keywords = {"drop": DROP, "null": NULL, **WEIGHTS[weight]}
    exact = conditional(s, x0, replaced, noise, LEVELS, **WEIGHTS[weight])
    assert_array_equal(classifier_free(s, x0, y, noise, LEVELS, **keywords), exact)
    gradient = conditional_gradient(s, x0, replaced, noise, LEVELS, **WEIGHTS[weight])
    assert_array_equal(classifier_free_gradient(s, x0, y, noise, LEVELS, **keywords), gradient)


def test_without_dropout_it_is_conditional():
    s, x0, y, noise = case()
    found = classifier_free(s, x0, y, noise, LEVELS, drop=np.zeros(3, bool), null=NULL)
    assert_array_equal(found, conditional(s, x0, y, noise, LEVELS))


def test_the_condition_is_neither_noised_nor_changed():
    seen = []
    _, x0, y, noise = case()
    conditional(lambda x, sigma, given: seen.append(given) or x, x0, y, noise, LEVELS)
    assert_array_equal(seen[0], y)
    before = y.copy()
    classifier_free(lambda x, sigma, given: x, x0, y, noise, LEVELS, drop=DROP, null=NULL)
    assert_array_equal(y, before)


def test_batches_of_any_shape():
    s, x0, y, noise = case()
    whole = conditional(s, x0, y, noise, LEVELS)
    assert_array_equal(conditional(s, x0[None], y[None], noise[None], LEVELS[None]), whole[None])
    assert conditional(s, x0[1], y[1], noise[1], 2.0) == whole[1]


@pytest.mark.parametrize("function", [conditional, conditional_gradient])
def test_bad_arguments_are_refused(function):
    s, x0, y, noise = case()
    with pytest.raises(
        ValueError, match=r"condition has shape \(2, 2\); expected \(\*batch, c\) with the batch shape \(3,\)"
    ):
        function(s, x0, y[:2], noise, LEVELS)
    with pytest.raises(
        ValueError, match=r"condition has shape \(3,\); expected \(\*batch, c\) with the batch shape \(3,\)"
    ):
        function(s, x0, y[:, 0], noise, LEVELS)
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 3\)"):
        function(s, x0, y, noise[:, :1], LEVELS)
    with pytest.raises(ValueError, match=r"sigma has a value of 0.0; expected sigma > 0"):
        function(s, x0, y, noise, [0, 1, 1])
    with pytest.raises(ValueError, match=r"score\(x, sigma, condition\) has shape \(3, 2\); expected \(3, 3\)"):
        function(lambda x, sigma, given: given, x0, y, noise, LEVELS)


@pytest.mark.parametrize("function", [classifier_free, classifier_free_gradient])
def test_bad_masks_are_refused(function):
    s, x0, y, noise = case()
    with pytest.raises(TypeError, match=r"drop has dtype float64; expected bool"):
        function(s, x0, y, noise, LEVELS, drop=[0.1, 0.0, 0.0], null=NULL)
    with pytest.raises(ValueError, match=r"drop has shape \(\); expected \(3,\), the batch shape of condition"):
        function(s, x0, y, noise, LEVELS, drop=True, null=NULL)
    with pytest.raises(ValueError, match=r"null has shape \(1,\); expected \(2,\), the shape of one condition"):
        function(s, x0, y, noise, LEVELS, drop=DROP, null=[0.0])
