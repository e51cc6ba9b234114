"""samplers/sphere.py: the geodesic equation, the circle, rotations, arguments."""

import numpy as np
import pytest
from scipy.linalg import expm

import refscore as rs
from refscore.samplers import sphere_langevin_step
from refscore.samplers.sphere import geodesic
from tests.samplers.laws import U

Z = rs.noise.tape(1, 2, 50, 4)
X = Z[0] / np.linalg.norm(Z[0], axis=-1, keepdims=True)
EXPONENTS = np.array([[0.0, 1.0, 0.3, 0], [-1.0, 0, 0, 0.2], [-0.3, 0, 0, 0], [0, -0.2, 0, 0]])


def test_geodesic_is_a_rotation():  # (SPL.2): exp of the generator v xᵀ - x vᵀ
    v = Z[1] - (X * Z[1]).sum(-1, keepdims=True) * X
    expected = [expm(np.outer(w, p) - np.outer(p, w)) @ p for p, w in zip(X, v)]
    np.testing.assert_allclose(geodesic(X, v), expected, atol=1e-14)


def test_a_tiny_or_no_velocity():
    v = 1e-170 * (Z[1] - (X * Z[1]).sum(-1, keepdims=True) * X)
    np.testing.assert_allclose(geodesic(X, v), X, atol=2 * U)
    np.testing.assert_allclose(geodesic(X, 0 * v), X, atol=2 * U)


def test_the_step_turns_with_the_sphere():  # (SPL.1)
    turn = expm(EXPONENTS)
    one = sphere_langevin_step(np.sin, X, Z[1], step_size=0.3)
    other = sphere_langevin_step(lambda y: np.sin(y @ turn) @ turn.T, X @ turn.T, Z[1] @ turn.T, step_size=0.3)
    np.testing.assert_allclose(one @ turn.T, other, atol=1e-14)


def test_radial_parts_do_not_count():
    one = sphere_langevin_step(np.sin, X, Z[1], step_size=0.3)
    other = sphere_langevin_step(lambda y: np.sin(y) + 5 * y, X, Z[1] - 3 * X, step_size=0.3)
    np.testing.assert_allclose(one, other, atol=1e-14)
    np.testing.assert_allclose((one**2).sum(-1), 1, atol=4 * U)


def test_norms_do_not_drift():
    x = X
    for k in range(200):
        x = sphere_langevin_step(np.sin, x, np.roll(Z[1], k, 0), step_size=0.5)
    np.testing.assert_allclose((x**2).sum(-1), 1, atol=4 * U)


def test_the_retraction_is_another_step():
    v = 0.5 * Z[1] - 0.5 * (X * Z[1]).sum(-1, keepdims=True) * X
    got = sphere_langevin_step(np.zeros_like, X, Z[1], step_size=0.25)
    retracted = (X + v) / np.linalg.norm(X + v, axis=-1, keepdims=True)
    assert np.abs(got - retracted).max() > 0.05


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"x has a row with \|x\|² = 4; expected unit vectors"):
        sphere_langevin_step(np.zeros_like, [[2.0, 0.0]], [[0.0, 1.0]], step_size=0.1)
    with pytest.raises(ValueError, match="expected it tangential"):
        geodesic([[1.0, 0.0]], [[0.5, 1.0]])
    with pytest.raises(ValueError, match=r"d ≥ 2"):
        sphere_langevin_step(np.zeros_like, [[1.0]], [[1.0]], step_size=0.1)
