"""models/conditional_affine.py against rational arithmetic and autograd; dyadic numbers, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import ConditionalAffineScore, LevelAffineScore
from tests.objectives import rational

LEVELS = np.array([0.5, 1.0, 4.0, 0.125])


def model(d, c):
    return ConditionalAffineScore(rational.quarters(2, d, d), rational.quarters(3, d), rational.quarters(4, d, c))


@pytest.mark.parametrize(("d", "c"), [(1, 1), (3, 1), (2, 3)])
def test_value_is_the_definition(d, c):  # (CSM.1)
    s, x, y = model(d, c), rational.quarters(0, 4, d), rational.quarters(1, 4, c)
    value = s(x, LEVELS, y)
    for i, level in enumerate(LEVELS):
        moved = [
            Fraction(s.centre[a]) + rational.dot(rational.fractions(s.gain[a]), rational.fractions(y[i]))
            for a in range(d)
        ]
        found = rational.score(s.matrix, [float(m) for m in moved], x[i])
        assert list(value[i]) == [f / Fraction(level) for f in found]
    assert_array_equal(s(x[2], 4.0, y[2]), value[2])


@pytest.mark.parametrize(("d", "c"), [(1, 1), (3, 1), (2, 3)])
@pytest.mark.parametrize("sigma", [0.5, LEVELS], ids=["one", "each"])
def test_gradient_is_autograds(sigma, d, c):  # (CSM.2)
    s, x, y, v = model(d, c), rational.quarters(0, 4, d), rational.quarters(1, 4, c), rational.quarters(5, 4, d)
    each = np.broadcast_to(sigma, (4,))[:, None]

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d : d * d + d]
        w = anp.reshape(theta[d * d + d :], (d, c))
        return anp.sum(v * -anp.dot(x - b - anp.dot(y, w.T), a.T) / each)

    assert_array_equal(s.vjp_parameters(x, sigma, y, v), autograd.grad(total)(s.pack()))


def test_without_gain_the_condition_is_not_seen():
    x, y = rational.quarters(0, 4, 2), rational.quarters(1, 4, 3)
    s = ConditionalAffineScore([[1, 2], [0, 1]], [1, -1], np.zeros((2, 3)))
    assert_array_equal(s(x, LEVELS, y), LevelAffineScore(s.matrix, s.centre)(x, LEVELS))


def test_parameters_go_round():
    s = model(2, 3)
    again = s.unpack(s.pack())
    for name in ("matrix", "centre", "gain"):
        assert_array_equal(getattr(again, name), getattr(s, name))
    assert repr(s) == "ConditionalAffineScore(matrix (2, 2), centre (2,), gain (2, 3))"


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"gain has shape \(1, 2\); expected \(2, c\)"):
        ConditionalAffineScore(np.eye(2), [0, 0], [[1, 2]])
    with pytest.raises(
        ValueError, match=r"condition has shape \(4, 2\); expected \(4, 3\), the shape of the batch of x"
    ):
        model(2, 3)(np.zeros((4, 2)), 1, np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        model(2, 3)(np.zeros((4, 2)), 0, np.zeros((4, 3)))
