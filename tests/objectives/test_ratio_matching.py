"""objectives/ratio_matching.py: the definition in fractions, the identity by enumeration, gradients by autograd."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import QuadraticEnergy
from refscore.objectives import hamming_neighbours, ratio_matching, ratio_matching_gradient
from tests.objectives import polynomials as poly
from tests.objectives.polynomials import U

BITS = np.array([[x >> i & 1 for i in range(3)] for x in range(8)], dtype=float)
MODEL = [3, 1, 4, 1, 5, 9, 2, 6]
DATA = [2, 7, 1, 8, 2, 8, 1, 8]
NEAR = hamming_neighbours(3)


def index(x):
    return np.asarray(x) @ [1, 2, 4]


def turned(p):
    """The probability that each bit is the other one, given the rest, in fractions."""
    return [[Fraction(p[n], p[x] + p[n]) for n in NEAR[x]] for x in range(8)]


def test_value_is_the_definition_in_fractions():  # (RTM.1) (RTM.3)
    values = ratio_matching(lambda x: np.log(np.array(MODEL))[index(x).astype(int)], BITS)
    for value, q in zip(values, turned(MODEL), strict=True):
        expected = float(sum(r**2 for r in q))
        assert abs(value - expected) <= 16 * U * expected


def test_explicit_is_the_objective_up_to_a_constant():  # (RTM.2), exactly
    q, p, total = turned(MODEL), turned(DATA), sum(DATA)
    mean = lambda f: sum(Fraction(DATA[x], total) * f(x) for x in range(8))  # noqa: E731
    explicit = mean(lambda x: sum((a - b) ** 2 for a, b in zip(q[x], p[x], strict=True)))
    assert explicit == mean(lambda x: sum(a**2 for a in q[x])) - mean(lambda x: sum(b**2 for b in p[x]))


def test_gradient_is_autograds():  # (RTM.4)
    model = poly.family(3)

    def total(theta):
        value = 0.0
        for x in BITS:
            for i in range(3):
                other = x.copy()
                other[i] = 1 - other[i]
                gap = poly.log_density(theta, other) - poly.log_density(theta, x)
                value = value + 1 / (1 + anp.exp(-gap)) ** 2
        return value

    got = ratio_matching_gradient(model, BITS)
    assert np.abs(got - poly.gradient(total, model)).max() <= 256 * U * 24 * (1 + np.abs(model.theta).sum())
    assert_array_equal(ratio_matching_gradient(model, BITS.reshape(2, 4, 3)), got)


def test_both_ways_to_write_a_bit():
    """A machine on ±1 is one on 0, 1 with other weights."""
    matrix, centre = np.array([[1.0, 0.5, -0.25], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), np.array([0.5, 0.25, -1.0])
    signed, plain = QuadraticEnergy(matrix, centre), QuadraticEnergy(4 * matrix, (centre + 1) / 2)
    one = ratio_matching(signed.log_prob, 2 * BITS - 1, states=(-1, 1))
    assert np.abs(one - ratio_matching(plain.log_prob, BITS)).max() <= 64 * U
    assert one.shape == (8,)
    assert ratio_matching(plain.log_prob, BITS[0]).shape == ()


def test_ratios_neither_overflow_nor_vanish():
    far = lambda x: 800.0 * x[..., 0]  # noqa: E731 - e^800 is no float
    assert ratio_matching(far, [[0.0], [1.0]]).tolist() == [1.0, 0.0]
    tiny = ratio_matching(lambda x: 300.0 * x[..., 0], [[1.0]]).item()
    assert abs(tiny - np.exp(-600)) <= 1e-12 * np.exp(-600)  # 300 is rounded by up to 300 u, squared


def test_independent_bits_are_best_at_their_mean():
    pull = autograd.grad(lambda a: 0.25 / (1 + anp.exp(-a)) ** 2 + 0.75 / (1 + anp.exp(a)) ** 2)
    assert abs(pull(np.log(3.0))) <= 4 * U


def test_bad_arguments_are_refused():
    model = QuadraticEnergy([[1]], [0])
    for function in (
        lambda x, **k: ratio_matching(model.log_prob, x, **k),
        lambda x, **k: ratio_matching_gradient(model, x, **k),
    ):
        with pytest.raises(ValueError, match=r"x has a value of 0.5; expected 0.0 or 1.0"):
            function([[0.5]])
        with pytest.raises(ValueError, match=r"x has a value of 0.0; expected -1.0 or 1.0"):
            function([[0]], states=(-1, 1))
        with pytest.raises(ValueError, match=r"states is \(1, 1\); expected two different numbers"):
            function([[1]], states=(1, 1))
    with pytest.raises(ValueError, match=r"log_prob\(x\) has shape \(1, 1\); expected \(1,\), the shape of the batch"):
        ratio_matching(lambda x: x, [[1]])
