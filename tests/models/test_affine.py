"""models/affine.py against autograd from the definition; on dyadic numbers nothing rounds, so equality is asked."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import problems
from tests.derivations import assert_derivatives

BATCHES = [(), (3,), (2, 3)]


def points(d, batch, seed=0):
    return np.random.default_rng(seed).integers(-8, 9, (*batch, d)) / 4.0


def definition(theta, x):  # (AFF.1), one sample
    d = len(x)
    return -anp.dot(theta[: d * d].reshape(d, d), x - theta[d * d :])


@given(problems())
@pytest.mark.parametrize("batch", BATCHES)
def test_value_and_derivatives_in_x(batch, problem):  # (AFF.1), (AFF.2)
    score = AffineScore(problem.matrix, problem.centre)
    x, v, theta = points(problem.d, batch), points(problem.d, batch, 1), score.pack()
    for index in np.ndindex(batch):
        jacobian = autograd.jacobian(lambda y: definition(theta, y))(x[index])
        assert_array_equal(score(x)[index], definition(theta, x[index]))
        assert_array_equal(score.jacobian(x)[index], jacobian)
        assert_array_equal(score.trace(x)[index], np.trace(jacobian))
        assert_array_equal(score.vjp(x, v)[index], v[index] @ jacobian)
    assert score(x).shape == x.shape
    assert score.jacobian(x).shape == (*x.shape, problem.d)
    assert score.trace(x).shape == batch


@given(problems())
@pytest.mark.parametrize("batch", BATCHES)
def test_derivatives_in_the_parameters(batch, problem):  # (AFF.3), (AFF.4), (AFF.5)
    score = AffineScore(problem.matrix, problem.centre)
    x, v = points(problem.d, batch), points(problem.d, batch, 1)

    def total(of_sample):
        return autograd.grad(lambda theta: sum(of_sample(theta, x[i], v[i]) for i in np.ndindex(batch)))(score.pack())

    def jacobian(theta, y):
        return autograd.jacobian(lambda z: definition(theta, z))(y)

    assert_array_equal(score.vjp_parameters(x, v), total(lambda theta, y, w: anp.dot(w, definition(theta, y))))
    assert_array_equal(score.trace_parameters(x), total(lambda theta, y, w: anp.trace(jacobian(theta, y))))
    assert_array_equal(
        score.quadratic_parameters(x, v), total(lambda theta, y, w: anp.dot(w, anp.dot(jacobian(theta, y), w)))
    )


@given(problems())
def test_level_score_is_the_affine_score_over_sigma(problem):  # (AFF.6)
    score = LevelAffineScore(problem.matrix, problem.centre)
    sigma = 2.0 ** np.arange(problem.d)  # a batch of d samples of dimension d: a wrong axis would broadcast
    x, v = points(problem.d, (problem.d,)), points(problem.d, (problem.d,), 1)
    for i, level in enumerate(sigma):
        assert_array_equal(score(x, sigma)[i], AffineScore(problem.matrix / level, problem.centre)(x[i]))
        assert_array_equal(score(x, level), score.at(level)(x))
        assert_array_equal(score.magnitude(x, sigma)[i], score.at(level).magnitude(x[i]))

    def total(theta):
        return sum(anp.dot(v[i], definition(theta, x[i])) / sigma[i] for i in range(problem.d))

    assert_array_equal(score.vjp_parameters(x, sigma, v), autograd.grad(total)(score.pack()))


@pytest.mark.parametrize("kind", [AffineScore, LevelAffineScore])
def test_pack_and_unpack(kind):
    score = kind([[1, 2], [3, 4]], [5, 6])
    assert_array_equal(score.pack(), [1, 2, 3, 4, 5, 6])
    back = score.unpack([6, 5, 4, 3, 2, 1])
    assert type(back) is kind
    assert_array_equal(back.matrix, [[6, 5], [4, 3]])
    assert_array_equal(back.centre, [2, 1])
    with pytest.raises(ValueError, match=r"theta has shape \(5,\); expected \(6,\)"):
        score.unpack(np.zeros(5))


@pytest.mark.parametrize("kind", [AffineScore, LevelAffineScore])
def test_it_is_a_frozen_value(kind):
    matrix = np.eye(2)
    score = kind(matrix, [0, 0])
    matrix[0, 0] = 7.0
    assert score.matrix[0, 0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        score.matrix[0, 0] = 2.0
    with pytest.raises(AttributeError):
        score.matrix = matrix
    assert repr(score) == f"{kind.__name__}(matrix (2, 2), centre (2,))"
    assert score.d == 2


def test_magnitude_bounds_the_score():
    score = AffineScore([[1, -2], [-3, 4]], [-1, 1])
    assert_array_equal(score.magnitude([[1.0, -1.0]]), [[6.0, 14.0]])


@pytest.mark.parametrize("kind", [AffineScore, LevelAffineScore])
@pytest.mark.parametrize(
    ("matrix", "centre", "error", "message"),
    [
        (np.eye(3), [0, 0], ValueError, r"matrix has shape \(3, 3\); expected \(2, 2\)"),
        ([1, 2], [0, 0], ValueError, r"matrix has shape \(2,\); expected \(2, 2\)"),
        ([[1.0]], 0.0, ValueError, r"centre has shape \(\); expected \(d,\)"),
        ([[1.0]], [[0.0]], ValueError, r"centre has shape \(1, 1\); expected \(d,\)"),
        (np.zeros((0, 0)), [], ValueError, r"centre has shape \(0,\); expected \(d,\)"),
        ([[np.nan]], [0], ValueError, "matrix has 1 value that is not finite"),
        ([[1.0]], [np.inf], ValueError, "centre has 1 value that is not finite"),
        ([[1j]], [0], TypeError, "matrix has dtype complex128"),
        ([[1.0]], np.zeros(1, np.float16), TypeError, "centre has dtype float16"),
    ],
)
def test_bad_parameters_are_refused(kind, matrix, centre, error, message):
    with pytest.raises(error, match=message):
        kind(matrix, centre)


def test_bad_arguments_are_refused():
    score, level = AffineScore(np.eye(2), [0, 0]), LevelAffineScore(np.eye(2), [0, 0])
    x = np.zeros((4, 2))
    for call in (
        score,
        score.jacobian,
        score.trace,
        score.trace_parameters,
        score.magnitude,
        lambda y: score.vjp(y, y),
        lambda y: score.vjp_parameters(y, y),
        lambda y: score.quadratic_parameters(y, y),
        lambda y: level(y, 1.0),
        lambda y: level.vjp_parameters(y, 1.0, y),
        lambda y: level.magnitude(y, 1.0),
    ):
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match=r"x has shape \(\); expected \(\*batch, 2\)"):
            call(1.0)
        with pytest.raises(ValueError, match=r"x has 8 values that are not finite"):
            call(x + np.nan)
    for call in (
        score.vjp,
        score.vjp_parameters,
        score.quadratic_parameters,
        lambda y, w: level.vjp_parameters(y, 1, w),
    ):
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            call(x, np.zeros(2))
    for call in (level, level.magnitude, lambda y, s: level.vjp_parameters(y, s, y)):
        with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(4,\) of x"):
            call(x, np.ones(2))
        with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma > 0"):
            call(x, -1)
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\)"):
        level.at([1.0, 2.0])


def test_every_derivative_by_three_routes():
    matrix, centre = np.array([[2.0, 0.3, -1.0], [-0.7, 1.1, 0.2], [0.4, 0.0, 3.0]]), np.array([0.1, -0.4, 2.0])
    x, v = np.random.default_rng(0).normal(size=(2, 4, 3))

    def score(theta, x, ns):
        return -1 * (theta[:9].reshape(3, 3) @ (x - theta[9:]))

    assert_derivatives(AffineScore(matrix, centre), x, v, score=score)
    levels = np.array([0.01, 0.5, 3.0, 50.0])
    over_sigma = LevelAffineScore(matrix, centre)
    assert_derivatives(over_sigma, x, v, score=lambda theta, x, s, ns: score(theta, x, ns) / s, sigma=levels)
