"""objectives/boundaries.py: distances by brute force over the boundary, gradients by autograd of the definition."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.objectives import (
    Boundary,
    ball_distance,
    box_distance,
    capped,
    orthant_least,
    orthant_product,
    polyhedron_distance,
)

RNG = np.random.default_rng(0)
INSIDE = RNG.uniform(0.05, 0.95, (40, 2))
SHAPES = {
    "box": (
        box_distance([0, -1], [1, 2]),
        lambda x: anp.min(anp.array([x[0], 1 - x[0], x[1] + 1, 2 - x[1]])),
    ),
    "triangle": (
        polyhedron_distance([[2, 0], [0, 3], [-1, -1]], [0, 0, -2]),
        lambda x: anp.minimum(anp.minimum(x[0], x[1]), (2 - x[0] - x[1]) / anp.sqrt(2.0)),
    ),
    "ball": (ball_distance([0.25, 0.5], 2), lambda x: 2 - anp.sqrt((x[0] - 0.25) ** 2 + (x[1] - 0.5) ** 2)),
    "capped ball": (
        capped(ball_distance([0.25, 0.5], 2), 1.5),
        lambda x: anp.minimum(1.5, 2 - anp.sqrt((x[0] - 0.25) ** 2 + (x[1] - 0.5) ** 2)),
    ),
    "least": (orthant_least(0.75), lambda x: anp.minimum(anp.minimum(x[0], x[1]) ** 2, 0.75**2)),
    "product": (orthant_product(0.5), lambda x: anp.minimum((x[0] * x[1]) ** 2, 0.25)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients_are_those_of_the_definition(name):  # (TRU.5) – (TRU.8), (SIM.5), (SIM.6)
    g, formula = SHAPES[name]
    assert_allclose(g(INSIDE), [formula(x) for x in INSIDE], rtol=1e-14, atol=0)
    assert_allclose(g.gradient(INSIDE), [autograd.grad(formula)(x) for x in INSIDE], rtol=1e-14, atol=0)
    assert g(INSIDE.reshape(4, 10, 2)).shape == (4, 10)
    assert g.gradient(INSIDE[0]).shape == (2,)


def test_a_distance_is_that_of_the_nearest_boundary_point():
    corners = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    edges = [a + np.linspace(0, 1, 2001)[:, None] * (b - a) for a, b in zip(corners, np.roll(corners, -1, 0))]
    points = np.concatenate(edges)
    nearest = np.sqrt(((INSIDE[:, None] - points) ** 2).sum(-1)).min(1)
    assert (np.abs(SHAPES["triangle"][0](INSIDE) - nearest) <= 2e-3).all()  # the points are 10⁻³ apart


def test_the_gradient_of_a_distance_has_length_one():
    for name in ("box", "triangle", "ball"):
        assert_allclose((SHAPES[name][0].gradient(INSIDE) ** 2).sum(-1), 1, rtol=1e-14)


def test_the_centre_of_a_ball_has_no_direction():
    assert ball_distance([0, 0], 1).gradient([0.0, 0.0]).tolist() == [0, 0]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"g\(x\) is -1.0; expected g\(x\) >= 0"):
        box_distance([0], [1])([2.0])
    with pytest.raises(ValueError, match=r"upper - lower has a value of 0.0; expected upper - lower > 0"):
        box_distance([0, 1], [1, 1])
    with pytest.raises(ValueError, match=r"lower has shape \(\); expected \(d,\)"):
        box_distance(0, 1)
    with pytest.raises(ValueError, match=r"the length of a normal has a value of 0.0"):
        polyhedron_distance([[0, 0], [1, 0]], [0, 0])
    with pytest.raises(ValueError, match=r"normals has shape \(2,\); expected \(m, d\)"):
        polyhedron_distance([1, 0], [0])
    with pytest.raises(ValueError, match=r"offsets has shape \(2,\); expected \(1,\), the shape of the normals"):
        polyhedron_distance([[1, 0]], [0, 0])
    with pytest.raises(ValueError, match=r"radius is 0.0; expected radius > 0"):
        ball_distance([0], 0)
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\); expected \(\*batch, 2\)"):
        ball_distance([0, 0], 1)([[0, 0, 0]])
    with pytest.raises(ValueError, match=r"g\(x\) has shape \(1, 2\); expected \(1,\), the shape of the batch of x"):
        Boundary("x", lambda x: x, lambda x: x)([[1, 2]])
    with pytest.raises(TypeError, match="function is 1; expected a function"):
        Boundary("x", 1, abs)
