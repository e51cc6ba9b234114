"""samplers/constrained.py: folding by mirrors one at a time, symmetric kernel, arguments."""

import numpy as np
import pytest

from refscore.samplers import projected_langevin_step, reflected_langevin_step
from refscore.samplers.constrained import projected, reflected, walls

INF = np.inf
POINTS = np.linspace(-23, 19, 421)[:, None]


def mirrored(x, low, high):
    for _ in range(60):
        x = np.where(x < low, 2 * low - x, x)
        x = np.where(x > high, 2 * high - x, x)
    return x


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.5), (-1.0, 3.0), (2.0, INF), (-INF, -1.0), (-INF, INF)])
def test_folding(low, high):  # (CST.4)
    with np.errstate(invalid="ignore"):
        expected = mirrored(POINTS, low, high)
    got = reflected(POINTS, lower=low, upper=high)
    np.testing.assert_allclose(got, expected, atol=1e-13)
    assert ((got >= low) & (got <= high)).all()
    inside = (low <= POINTS) & (high >= POINTS)
    np.testing.assert_array_equal(got[inside], POINTS[inside])


def test_a_box_per_coordinate():  # (CST.3)
    x = np.array([[-1.0, -1.0, 5.0, 5.0]])
    bounds = {"lower": [0.0, -INF, 0.0, 0.0], "upper": [INF, INF, 2.0, INF]}
    np.testing.assert_array_equal(projected(x, **bounds), [[0.0, -1.0, 2.0, 5.0]])
    np.testing.assert_array_equal(reflected(x, **bounds), [[1.0, -1.0, 1.0, 5.0]])


def test_steps():  # (CST.1) (CST.2)
    x, z = np.array([[0.5], [0.5]]), np.array([[-3.0], [0.5]])
    free = x + 0.02 * np.cos(x) + 0.2 * z
    for step, back in ((projected_langevin_step, np.array([[0.0], free[1]])), (reflected_langevin_step, np.abs(free))):
        got = step(np.cos, x, z, step_size=0.04, lower=0, upper=INF)
        np.testing.assert_allclose(got, back, atol=1e-16)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="x has 1 coordinates outside the box"):
        projected_langevin_step(np.negative, [[-1.0]], [[0.0]], step_size=0.1, lower=0, upper=1)
    with pytest.raises(ValueError, match="expected lower < upper"):
        walls(1.0, 1.0, 2)
    with pytest.raises(ValueError, match="expected lower < upper"):
        walls(np.nan, 1.0, 2)
    with pytest.raises(ValueError, match=r"upper has shape \(3,\); expected \(\) or \(2,\)"):
        walls(0.0, [1.0, 1.0, 1.0], 2)
    with pytest.raises(TypeError, match="lower has dtype complex128"):
        walls(1j, 1.0, 2)
