"""models/ready_features.py: each feature by three derivations, monomials exactly, and odd arguments."""

import itertools
import math

import autograd
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import ExponentialFamily, fourier_features, monomials, radial_features
from tests.derivations import assert_derivatives

DRAW = np.random.default_rng(0)
CENTRES, LENGTHS, OMEGA = DRAW.normal(size=(4, 3)), np.array([0.5, 1.0, 2.0, 0.25]), DRAW.normal(size=(2, 3))


def powers(degree):
    """All α of total degree 1 to `degree` in three variables, in the documented order."""
    found = [a for a in itertools.product(range(degree + 1), repeat=3) if 1 <= sum(a) <= degree]
    return sorted(found, key=lambda a: (sum(a), [-i for i in a]))


def test_monomials_by_autograd():  # (EXF.7); nothing rounds in small whole numbers
    features, (a, b, c) = monomials(3, 3), np.array(powers(3), dtype=float).T
    x, v = np.array([[2.0, -3.0, 5.0], [-1.0, 4.0, 3.0]]), np.array([[1.0, 2.0, -3.0], [7.0, -2.0, 4.0]])
    gradient = autograd.jacobian(lambda y: y[0] ** a * y[1] ** b * y[2] ** c)
    hessian = autograd.jacobian(gradient)
    assert_array_equal(features.gradient(x), [gradient(y) for y in x])
    assert_array_equal(features.product(x, v), [hessian(y) @ w for y, w in zip(x, v)])
    assert_array_equal(features.laplacian(x), [np.trace(hessian(y), axis1=1, axis2=2) for y in x])


def bumps(theta, x, ns):
    return sum(theta[k] * ns.exp(-0.5 * ns.sum(((x - CENTRES[k]) / LENGTHS[k]) ** 2)) for k in range(4))


def waves(theta, x, ns):
    return ns.sum(theta[:2] * ns.cos(OMEGA @ x)) + ns.sum(theta[2:] * ns.sin(OMEGA @ x))


@pytest.mark.parametrize(
    ("features", "definition"), [(radial_features(CENTRES, LENGTHS), bumps), (fourier_features(OMEGA), waves)]
)
def test_each_feature_by_three_derivations(features, definition):  # (EXF.8) to (EXF.11)
    x, v = DRAW.normal(size=(2, 3)), DRAW.normal(size=(2, 3))
    for theta in np.eye(4):  # of the family with one feature only, so that each stands for itself
        assert_derivatives(ExponentialFamily(features, theta), x, v, log_prob=definition)


def test_monomials_of_small_integers_are_exact():
    features = monomials(3, 5)
    assert features.k == math.comb(8, 5) - 1
    x = np.array([[2.0, -3.0, 5.0], [0.0, 1.0, -1.0]])  # with a 0, where x**(α - 1) by division would fail
    expected = [[math.prod(int(c) ** p for c, p in zip(y, a)) for a in powers(5)] for y in x]
    assert_array_equal(features.value(x), expected)
    order = powers(5).index((2, 0, 1))  # x²z: gradient (2xz, 0, x²), Hessian rows (2z, 0, 2x), 0, (2x, 0, 0)
    assert_array_equal(features.gradient(x)[0, order], [20, 0, 4])
    assert_array_equal(features.product(x, np.array([[1.0, 10.0, 100.0]] * 2))[0, order], [10 + 400, 0, 4])
    assert features.laplacian(x)[0, order] == 10


def test_bumps_vanish_far_away_without_overflow():
    features = radial_features([[0.0, 1.0]], 1e-3)
    x = np.array([[1e200, 1e300], [-1e200, 0.0]])
    for method in (
        features.value,
        features.gradient,
        features.laplacian,
        lambda y: features.product(y, np.ones((2, 2))),
    ):
        assert not method(x).any()


def test_one_length_scale_for_all():
    x = DRAW.normal(size=(3, 3))
    assert_array_equal(radial_features(CENTRES, 2).value(x), radial_features(CENTRES, [2, 2, 2, 2]).value(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: monomials(0, 2), ValueError, "d is 0; expected at least 1"),
        (lambda: monomials(2, 0), ValueError, "degree is 0; expected at least 1"),
        (lambda: monomials(2, 2.0), TypeError, r"degree is 2\.0, of type float; expected an integer"),
        (lambda: radial_features([0.0], 1), ValueError, r"centres has shape \(1,\); expected \(k, d\)"),
        (
            lambda: radial_features(CENTRES, [1, 2]),
            ValueError,
            r"length_scale has shape \(2,\); expected \(\) or \(4,\)",
        ),
        (lambda: radial_features(CENTRES, 0), ValueError, r"length_scale is 0\.0; expected length_scale > 0"),
        (lambda: fourier_features([[1, 0], [0, 0]]), ValueError, r"frequencies\[1\] is 0; expected none"),
        (lambda: fourier_features(np.zeros((0, 2))), ValueError, r"frequencies has shape \(0, 2\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_later_changes_of_an_argument_change_nothing():
    centres = np.zeros((1, 2))
    bump = radial_features(centres, 1.0)
    centres[0] = 5.0
    assert bump.value(np.zeros((1, 2)))[0, 0] == 1.0
