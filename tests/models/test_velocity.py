"""models/velocity.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineVelocity
from tests.objectives import rational

SIZES = [(1, 1), (1, 3), (2, 2), (3, 3), (3, 2)]
TIMES = np.array([0.0, 0.5, 1.0, -2.0])


def velocity(k, d):
    return AffineVelocity(rational.quarters(k, k, d, d), rational.quarters(k + 9, k, d))


@pytest.mark.parametrize(("k", "d"), SIZES)
def test_value_is_the_definition(k, d):  # (FM.1)
    u, x = velocity(k, d), rational.quarters(0, 4, d)
    value = u(x, TIMES)
    for row, point, t in zip(value, x, TIMES, strict=True):
        for a in range(d):
            total = Fraction(0)
            for j in range(k):
                inner = rational.dot(rational.fractions(u.matrices[j, a]), rational.fractions(point))
                total += Fraction(t) ** j * (inner + Fraction(u.constants[j, a]))
            assert row[a] == total
    assert_array_equal(u(x[1], 0.5), value[1])
    assert_array_equal(u(x.reshape(2, 2, d), TIMES.reshape(2, 2)), value.reshape(2, 2, d))


@pytest.mark.parametrize(("k", "d"), SIZES)
def test_at_one_time_it_is_a_matrix_and_a_constant(k, d):
    u, x = velocity(k, d), rational.quarters(0, 4, d)
    matrix, constant = u.at(-0.5)
    assert_array_equal(x @ matrix.T + constant, u(x, -0.5))


@pytest.mark.parametrize(("k", "d"), SIZES)
@pytest.mark.parametrize("t", [0.5, TIMES], ids=["one", "each"])
def test_gradient_is_autograds(t, k, d):  # (FM.2)
    u, x, v = velocity(k, d), rational.quarters(0, 4, d), rational.quarters(1, 4, d)
    each = np.broadcast_to(t, (4,))[:, None]

    def total(theta):
        matrices, constants = anp.reshape(theta[: k * d * d], (k, d, d)), anp.reshape(theta[k * d * d :], (k, d))
        return sum(anp.sum(v * each**j * (anp.dot(x, matrices[j].T) + constants[j])) for j in range(k))

    assert_array_equal(u.vjp_parameters(x, t, v), autograd.grad(total)(u.pack()))


def test_parameters_go_round():
    u = velocity(3, 2)
    again = u.unpack(u.pack())
    assert_array_equal(again.matrices, u.matrices)
    assert_array_equal(again.constants, u.constants)
    assert repr(u) == "AffineVelocity(matrices (3, 2, 2), constants (3, 2))"


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"constants has shape \(2,\); expected \(k, d\)"):
        AffineVelocity(np.eye(2)[None], [0, 0])
    with pytest.raises(ValueError, match=r"matrices has shape \(2, 2\); expected \(1, 2, 2\)"):
        AffineVelocity(np.eye(2), [[0, 0]])
    with pytest.raises(ValueError, match=r"t has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        velocity(1, 2)(np.zeros((3, 2)), [0, 1])
    with pytest.raises(ValueError, match=r"v has shape \(3, 1\); expected \(3, 2\)"):
        velocity(1, 2).vjp_parameters(np.zeros((3, 2)), 0, np.zeros((3, 1)))
