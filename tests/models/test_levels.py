"""models/levels.py: every objective at one level, against the affine score of that level and the chain rule."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore import objectives
from refscore.models import AffineScore, FixedLevel, LevelAffineScore
from tests.derivations import assert_derivatives

MODEL = LevelAffineScore([[2.0, 0.5], [-0.25, 1.0]], [0.5, -1.0])  # dyadic numbers: nothing below rounds
X = np.array([[0.5, -1.25], [2.0, 0.75], [-1.0, 0.25]])
V = np.array([[1.0, 0.5], [-0.25, 1.5], [0.75, -1.0]])
SIGMA = np.array([0.125, 2.0, 16.0])
CALLS = {
    "score": lambda s, x, v: s(x),
    "jacobian": lambda s, x, v: s.jacobian(x),
    "trace": lambda s, x, v: s.trace(x),
    "vjp": lambda s, x, v: s.vjp(x, v),
    "jvp": lambda s, x, v: s.jvp(x, v),
    "explicit": objectives.explicit,
    "implicit": lambda s, x, v: objectives.implicit(s, x),
    "sliced": lambda s, x, v: objectives.sliced(s, x, v[None]),
    "sliced_variance_reduced": lambda s, x, v: objectives.sliced_variance_reduced(s, x, v[None]),
    "finite_difference": lambda s, x, v: objectives.finite_difference_score(s, x, v[None], epsilon=0.5),
}
GRADIENTS = {
    "vjp_parameters": lambda s, x, v: s.vjp_parameters(x, v),
    "trace_parameters": lambda s, x, v: s.trace_parameters(x),
    "quadratic_parameters": lambda s, x, v: s.quadratic_parameters(x, v),
    "explicit": objectives.explicit_gradient,
    "implicit": lambda s, x, v: objectives.implicit_gradient(s, x),
    "sliced": lambda s, x, v: objectives.sliced_gradient(s, x, v[None]),
    "sliced_variance_reduced": lambda s, x, v: objectives.sliced_variance_reduced_gradient(s, x, v[None]),
    "finite_difference": lambda s, x, v: objectives.finite_difference_score_gradient(s, x, v[None], epsilon=0.5),
}


def levels(sigma):  # (AFF.6), one sample
    return lambda theta, x, ns: -1 * (theta[:4].reshape(2, 2) @ (x - theta[4:])) / sigma


def in_the_whole(gradient, sigma):
    """From the parameters (A/σ, b) of one level to (A, b)."""
    return np.concatenate([gradient[:4] / sigma, gradient[4:]])


def test_every_derivative():
    assert_derivatives(FixedLevel(MODEL, 0.7), X, V, score=levels(0.7))


@pytest.mark.parametrize("name", CALLS)
def test_values_sample_by_sample(name):
    call = CALLS[name]
    together = call(FixedLevel(MODEL, SIGMA), X, V)
    for i, sigma in enumerate(SIGMA):
        expected = call(AffineScore(MODEL.matrix / sigma, MODEL.centre), X[i], V[i])
        assert_array_equal(together[i], expected)
        assert_array_equal(call(FixedLevel(MODEL, sigma), X, V)[i], expected)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_in_the_parameters_of_the_whole(name):
    call = GRADIENTS[name]
    own = [
        in_the_whole(call(AffineScore(MODEL.matrix / sigma, MODEL.centre), x, v), sigma)
        for x, v, sigma in zip(X, V, SIGMA)
    ]
    assert_array_equal(call(FixedLevel(MODEL, SIGMA), X, V), np.sum(own, axis=0))
    assert_array_equal(call(FixedLevel(MODEL, SIGMA[None]), X[None], V[None]), np.sum(own, axis=0))
    for x, v, sigma, expected in zip(X, V, SIGMA, own):
        assert_array_equal(call(FixedLevel(MODEL, sigma), x, v), expected)


def test_pack_and_unpack():
    fixed = FixedLevel(MODEL, SIGMA)
    assert_array_equal(fixed.pack(), MODEL.pack())
    back = fixed.unpack(np.arange(6))
    assert type(back) is FixedLevel
    assert type(back.model) is LevelAffineScore
    assert_array_equal(back.pack(), np.arange(6))
    assert_array_equal(back.sigma, SIGMA)


def test_it_is_a_frozen_value():
    sigma = np.ones(3)
    fixed = FixedLevel(MODEL, sigma)
    sigma[0] = 7.0
    assert fixed.sigma[0] == 1.0
    with pytest.raises(ValueError, match=r"read-only"):
        fixed.sigma[0] = 2.0
    assert repr(fixed) == "FixedLevel(LevelAffineScore(matrix (2, 2), centre (2,)), sigma (3,))"
    assert repr(FixedLevel(MODEL, 0.5)) == "FixedLevel(LevelAffineScore(matrix (2, 2), centre (2,)), sigma 0.5)"


@pytest.mark.parametrize(
    ("sigma", "error", "message"),
    [
        (0, ValueError, r"sigma is 0.0; expected sigma > 0"),
        ([1, -2], ValueError, r"sigma has a value of -2.0; expected sigma > 0"),
        (np.nan, ValueError, "sigma has 1 value that is not finite"),
        (1j, TypeError, "sigma has dtype complex128"),
    ],
)
def test_bad_levels_are_refused(sigma, error, message):
    with pytest.raises(error, match=message):
        FixedLevel(MODEL, sigma)


def test_levels_of_another_batch_are_refused():
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected \(\) or the batch shape \(2,\) of x"):
        FixedLevel(MODEL, SIGMA)(X[:2])
