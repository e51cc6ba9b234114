"""objectives/explicit.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import explicit, explicit_gradient
from tests.cubature import problems
from tests.objectives import rational


@given(problems())
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value_is_the_definition(batch, problem):  # (ESM.2)
    score = AffineScore(problem.matrix, problem.centre)
    x, data_score = rational.quarters(0, *batch, problem.d), rational.quarters(1, *batch, problem.d)
    value = explicit(score, x, data_score)
    assert value.shape == batch
    for i in np.ndindex(batch):
        s = rational.score(problem.matrix, problem.centre, x[i])
        residual = [a - b for a, b in zip(s, rational.fractions(data_score[i]), strict=True)]
        assert value[i] == rational.dot(residual, residual) / 2


@given(problems())
def test_gradient_is_autograds(problem):  # (ESM.3)
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x, data_score = rational.quarters(0, 2, 3, d), rational.quarters(1, 2, 3, d)

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return 0.5 * anp.sum((-anp.dot(x - b, a.T) - data_score) ** 2)

    assert_array_equal(explicit_gradient(score, x, data_score), autograd.grad(total)(score.pack()))


def test_lists_and_any_function_will_do():
    assert_array_equal(explicit(lambda x: 2 * x, [[1, 2]], [[1, 1]]), [5.0])


@pytest.mark.parametrize("function", [explicit, explicit_gradient])
def test_bad_arguments_are_refused(function):
    score, x = AffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"data_score has shape \(2,\); expected \(3, 2\), the shape of x"):
        function(score, x, np.zeros(2))
    with pytest.raises(ValueError, match=r"x has shape \(\); expected \(\*batch, d\)"):
        function(score, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"data_score has 1 value that is not finite"):
        function(score, x, [[0, 0], [0, np.nan], [0, 0]])
    with pytest.raises(TypeError, match=r"x has dtype complex128"):
        function(score, 1j * x, x)


def test_a_score_that_would_broadcast_is_refused():
    with pytest.raises(ValueError, match=r"score\(x\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        explicit(lambda x: x[:, :1], np.zeros((3, 2)), np.zeros((3, 2)))
