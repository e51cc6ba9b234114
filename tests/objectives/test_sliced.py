"""objectives/sliced.py against rational arithmetic, the implicit objective and autograd; dyadic, so equality."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import (
    implicit,
    sliced,
    sliced_gradient,
    sliced_variance_reduced,
    sliced_variance_reduced_gradient,
)
from tests.cubature import problems, signs
from tests.objectives import rational

BOTH = [sliced, sliced_variance_reduced]
GRADIENTS = [sliced_gradient, sliced_variance_reduced_gradient]


@settings(max_examples=25)
@given(problems())
@pytest.mark.parametrize("m", [1, 2, 4])
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_value_is_the_definition(batch, m, problem):  # (SSM.2), (SSM.3)
    score = AffineScore(problem.matrix, problem.centre)
    x, v = rational.quarters(0, *batch, problem.d), rational.quarters(1, m, *batch, problem.d)
    value, reduced = sliced(score, x, v), sliced_variance_reduced(score, x, v)
    assert value.shape == reduced.shape == batch
    for i in np.ndindex(batch):
        s = rational.score(problem.matrix, problem.centre, x[i])
        curvature = [rational.quadratic(problem.matrix, v[(j, *i)]) for j in range(m)]
        projected = [rational.dot(rational.fractions(v[(j, *i)]), s) for j in range(m)]
        assert value[i] == sum(q + p**2 / 2 for q, p in zip(curvature, projected, strict=True)) / m
        assert reduced[i] == sum(curvature) / m + rational.dot(s, s) / 2


class Coupled:
    """s(x) = (x_1² x_2, x_1 - x_2³): J depends on x and is not symmetric."""

    def __call__(self, x):
        return np.stack([x[..., 0] ** 2 * x[..., 1], x[..., 0] - x[..., 1] ** 3], axis=-1)

    def trace(self, x):
        return 2 * x[..., 0] * x[..., 1] - 3 * x[..., 1] ** 2

    def vjp(self, x, v):
        first = 2 * x[..., 0] * x[..., 1] * v[..., 0] + v[..., 1]
        return np.stack([first, x[..., 0] ** 2 * v[..., 0] - 3 * x[..., 1] ** 2 * v[..., 1]], axis=-1)


@pytest.mark.parametrize("function", BOTH)
def test_the_mean_over_all_signs_is_the_implicit_objective(function):  # (SSM.1)
    x = rational.quarters(2, 5, 2)
    v = np.broadcast_to(signs(2)[0][:, None, :], (4, 5, 2))
    assert_array_equal(function(Coupled(), x, v), implicit(Coupled(), x))


def test_on_the_unit_sphere_the_value_is_d_times_too_small():
    # s = -x in d = 4: v/2 has unit length, and the mean over all signs is the implicit value over d.
    score, x = AffineScore(np.eye(4), np.zeros(4)), rational.quarters(0, 3, 4)
    unit = np.broadcast_to(signs(4)[0][:, None, :] / 2, (16, 3, 4))
    assert_array_equal(sliced(score, x, unit), implicit(score, x) / 4)


@settings(max_examples=25)
@given(problems())
@pytest.mark.parametrize("m", [1, 2])
def test_gradients_are_autograds(m, problem):  # (SSM.4), (SSM.5)
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x, v = rational.quarters(0, 3, d), rational.quarters(1, m, 3, d)

    def totals(theta):
        def s(y):
            return -anp.dot(anp.reshape(theta[: d * d], (d, d)), y - theta[d * d :])

        def quadratic(y, w):
            return anp.dot(w, autograd.grad(lambda z: anp.dot(w, s(z)))(y)) / m

        pairs = [(x[i], v[j, i]) for i in range(3) for j in range(m)]
        first = sum(quadratic(y, w) for y, w in pairs)
        return anp.array(
            [
                first + sum(0.5 * anp.dot(w, s(y)) ** 2 / m for y, w in pairs),
                first + sum(0.5 * anp.dot(s(y), s(y)) for y in x),
            ]
        )

    exact = autograd.jacobian(totals)(score.pack())
    assert_array_equal(sliced_gradient(score, x, v), exact[0])
    assert_array_equal(sliced_variance_reduced_gradient(score, x, v), exact[1])
    folded = (x.reshape(3, 1, d), v.reshape(m, 3, 1, d))
    assert_array_equal(sliced_gradient(score, *folded), exact[0])
    assert_array_equal(sliced_variance_reduced_gradient(score, *folded), exact[1])


@pytest.mark.parametrize("function", BOTH + GRADIENTS)
@pytest.mark.parametrize("shape", [(3, 2), (2,), (), (1, 2, 3), (0, 3, 2), (5, 1, 2)])
def test_projections_belong_to_samples(function, shape):
    score = AffineScore(np.eye(2), [0, 0])
    with pytest.raises(ValueError, match=r"projection has shape .*; expected \(m, 3, 2\), m >= 1 projections for each"):
        function(score, np.zeros((3, 2)), np.zeros(shape))


@pytest.mark.parametrize("function", BOTH + GRADIENTS)
def test_bad_arguments_are_refused(function):
    score = AffineScore(np.eye(2), [0, 0])
    with pytest.raises(ValueError, match=r"projection has 1 value that is not finite"):
        function(score, np.zeros(2), [[0, np.nan]])
    with pytest.raises(ValueError, match=r"x has shape \(\)"):
        function(score, 1.0, [1.0])


@pytest.mark.parametrize("function", BOTH)
def test_a_product_that_would_broadcast_is_refused(function):
    class Scalar(Coupled):
        def vjp(self, x, v):
            return super().vjp(x, v).sum(-1, keepdims=True)

    with pytest.raises(ValueError, match=r"score.vjp\(x, v\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        function(Scalar(), np.zeros((3, 2)), np.zeros((1, 3, 2)))


def test_a_plain_function_is_refused_with_what_is_missing():
    with pytest.raises(TypeError, match="score has no method vjp; expected a model with its derivatives"):
        sliced(lambda x: -x, [[1.0, 2.0]], [[[1.0, 1.0]]])
