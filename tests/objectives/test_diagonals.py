"""objectives/diagonals.py against autograd, in chunks and in any batch shape."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import diagonals
from refscore.objectives.diagonals import diagonal, diagonal_parameters
from tests.objectives import polynomials as poly


def test_diagonal_is_that_of_the_jacobian_however_it_is_divided(monkeypatch):  # (NNG.1)
    model, x = poly.family(3), np.random.default_rng(0).integers(-8, 9, (2, 5, 3)) / 4
    whole = diagonal(model, x)
    assert_array_equal(whole, np.diagonal(model.jacobian(x), axis1=-2, axis2=-1))
    for chunk in (1, 18, 27):
        monkeypatch.setattr(diagonals, "CHUNK", chunk)
        assert_array_equal(diagonal(model, x), whole)
    assert_array_equal(diagonal(model, x[0, 0]), whole[0, 0])
    assert diagonal(model, x[:0]).shape == (0, 5, 3)


def test_weights_are_those_of_the_entries():  # (NNG.2)
    x, w = np.zeros((2, 2)), np.array([[4.0, 9.0], [0.0, 1.0]])
    assert_array_equal(diagonal_parameters(AffineScore(np.eye(2), [0, 0]), x, w), [-4, 0, 0, -10, 0, 0])


def test_bad_arguments_are_refused():
    score = AffineScore(np.eye(2), [0, 0])
    with pytest.raises(ValueError, match=r"weight has a value of -1.0; expected weight >= 0"):
        diagonal_parameters(score, [[1, 1]], [[1, -1]])
    with pytest.raises(TypeError, match="score has no method quadratic_parameters"):
        diagonal_parameters(lambda x: x, [[1, 1]], [[1, 1]])
    flat = SimpleNamespace(jacobian=lambda x: np.eye(2))
    with pytest.raises(ValueError, match=r"score.jacobian\(x\) has shape \(2, 2\); expected \(1, 2, 2\)"):
        diagonal(flat, [[1.0, 1.0]])
