"""models/features.py: features from their Hessians, and odd arguments."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import Features, features_by_hessian, monomials


def test_features_by_their_hessians():  # (EXF.6)
    ready, draw = monomials(2, 2), np.random.default_rng(0)
    x, v = draw.integers(-4, 5, (4, 2)) / 2, draw.integers(-4, 5, (4, 2)) / 2  # halves: nothing rounds
    hessians = np.array([np.zeros((2, 2)), np.zeros((2, 2)), [[2, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 2]]])
    asked = []

    def hessian(y):
        asked.append(len(y))
        return np.tile(hessians, (len(y), 1, 1, 1))

    own = features_by_hessian(2, 5, ready.value, ready.gradient, hessian)
    assert_array_equal(own.product(x, v), ready.product(x, v))
    assert_array_equal(own.laplacian(x), ready.laplacian(x))
    assert set(asked) == {1}  # one sample at a time
    assert own.product(x[:0], v[:0]).shape == (0, 5, 2)
    assert own.laplacian(x[:0]).shape == (0, 5)


def test_a_lopsided_hessian_is_multiplied_from_the_left():
    own = features_by_hessian(2, 1, np.sin, np.sin, lambda y: np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert_array_equal(own.product(np.ones((1, 2)), np.array([[1.0, 10.0]])), [[[21.0, 43.0]]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Features(1, 1, np.sin, np.cos, np.cos, 3), TypeError, "laplacian is 3; expected a function"),
        (lambda: Features(1, 0, np.sin, np.cos, np.cos, np.cos), ValueError, "k is 0; expected at least 1"),
        (lambda: Features(1.0, 1, np.sin, np.cos, np.cos, np.cos), TypeError, r"d is 1\.0, of type float"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_it_is_a_frozen_value():
    features = monomials(2, 2)
    with pytest.raises(AttributeError):
        features.k = 3
    assert repr(features) == "Features(5 in dimension 2)"
