"""objectives/implicit.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import implicit, implicit_gradient
from tests.cubature import problems
from tests.objectives import rational


@given(problems())
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value_is_the_definition(batch, problem):  # (ISM.2)
    x = rational.quarters(0, *batch, problem.d)
    value = implicit(AffineScore(problem.matrix, problem.centre), x)
    assert value.shape == batch
    for i in np.ndindex(batch):
        s = rational.score(problem.matrix, problem.centre, x[i])
        assert value[i] == rational.trace(problem.matrix) + rational.dot(s, s) / 2


@given(problems())
def test_gradient_is_autograds(problem):  # (ISM.3)
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x = rational.quarters(0, 3, d)

    def total(theta):
        def s(y):
            return -anp.dot(anp.reshape(theta[: d * d], (d, d)), y - theta[d * d :])

        return sum(anp.trace(autograd.jacobian(s)(y)) + 0.5 * anp.dot(s(y), s(y)) for y in x)

    assert_array_equal(implicit_gradient(score, x), autograd.grad(total)(score.pack()))
    assert_array_equal(implicit_gradient(score, x.reshape(3, 1, d)), implicit_gradient(score, x))


class Cubic:
    """s(x) = (x_1² x_2, x_1 - x_2³): a trace that depends on x, and no symmetric Jacobian."""

    def __call__(self, x):
        return np.stack([x[..., 0] ** 2 * x[..., 1], x[..., 0] - x[..., 1] ** 3], axis=-1)

    def trace(self, x):
        return 2 * x[..., 0] * x[..., 1] - 3 * x[..., 1] ** 2


def test_the_trace_is_taken_at_each_sample():
    # By hand at (1, 2): s = (2, -7), tr J = 4 - 12; at (-1, 1): s = (1, -2), tr J = -2 - 3.
    assert_array_equal(implicit(Cubic(), [[1, 2], [-1, 1]]), [-8 + 26.5, -5 + 2.5])


def test_bad_arguments_are_refused():
    score = AffineScore(np.eye(2), [0, 0])
    for function in (implicit, implicit_gradient):
        with pytest.raises(ValueError, match=r"x has shape \(\); expected \(\*batch, d\)"):
            function(score, 1.0)
        with pytest.raises(ValueError, match=r"x has 1 value that is not finite"):
            function(score, [[0, np.inf]])


def test_a_trace_that_would_broadcast_is_refused():
    class OneTrace(Cubic):
        def trace(self, x):
            return np.array(0.0)

    with pytest.raises(
        ValueError, match=r"score.trace\(x\) has shape \(\); expected \(3,\), the shape of the batch of x"
    ):
        implicit(OneTrace(), np.zeros((3, 2)))


def test_a_plain_function_is_refused_with_what_is_missing():
    with pytest.raises(TypeError, match="score has no method trace; expected a model with its derivatives"):
        implicit(lambda x: -x, [[1.0, 2.0]])
