"""objectives/sphere.py: the plain Laplacian of the extension that is constant along rays; the identity by cubature."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refscore.models import AffineScore
from refscore.objectives import Boundary, sphere, sphere_gradient
from tests.cubature import U
from tests.cubature import sphere as nodes_of_radius
from tests.objectives import polynomials as poly

RNG = np.random.default_rng(3)


def points(d, n=4):
    z = RNG.normal(size=(n, d))
    return z / np.sqrt((z**2).sum(-1, keepdims=True))


def weight(z):
    return 1 + z[0] * z[1] + z[1] ** 2


G = Boundary(
    "1 + z₁z₂ + z₂²",
    lambda z: 1 + z[..., 0] * z[..., 1] + z[..., 1] ** 2,
    lambda z: np.stack(
        [z[..., 1], z[..., 0] + 2 * z[..., 1], *(0 * z[..., 0] for _ in range(z.shape[-1] - 2))], axis=-1
    ),
)
ONE = Boundary("1", lambda z: np.ones(z.shape[:-1]), np.zeros_like)


def along_rays(function):
    """The function that does not depend on the length of z."""
    return lambda z: function(z / anp.sqrt(anp.dot(z, z)))


def definition(theta, z, g):
    """½ g |∇F|² + g ΔF + ∇g·∇F with F constant along rays: no projection is made."""
    log_density, factor = along_rays(lambda y: poly.log_density(theta, y)), along_rays(g)
    slope, rise = autograd.grad(log_density)(z), autograd.grad(factor)(z)
    laplacian = anp.trace(autograd.hessian(log_density)(z))
    return g(z) * (0.5 * anp.dot(slope, slope) + laplacian) + anp.dot(rise, slope)


@pytest.mark.parametrize("d", [2, 3, 4])
def test_value_is_that_of_the_extension_constant_along_rays(d):  # (SPH.2) (SPH.3)
    model, z = poly.family(d), points(d)
    size = 64 * (1 + np.abs(model.theta).sum()) ** 2
    for g, formula in ((None, lambda y: 1.0 + 0.0 * y[0]), (G, weight)):
        expected = [definition(model.theta, row, formula) for row in z]
        assert np.abs(sphere(model, z, g=g) - expected).max() <= 16 * U * size
    assert_array_equal(sphere(model, z[:, None], g=G)[:, 0], sphere(model, z, g=G))
    assert_array_equal(sphere(model, z), sphere(model, z, g=ONE))


@pytest.mark.parametrize("d", [2, 3])
def test_gradient_is_autograds(d):  # (SPH.4)
    model, z = poly.family(d), points(d)
    size = 64 * (1 + np.abs(model.theta).sum())
    for g, formula in ((None, lambda y: 1.0 + 0.0 * y[0]), (G, weight)):
        expected = poly.gradient(lambda theta, f=formula: sum(definition(theta, row, f) for row in z), model)
        assert np.abs(sphere_gradient(model, z, g=g) - expected).max() <= 64 * U * size
    assert_array_equal(sphere_gradient(model, z[:, None], g=G), sphere_gradient(model, z, g=G))


@pytest.mark.parametrize("g", [ONE, G], ids=["one", "weighted"])
@pytest.mark.parametrize("d", [2, 3])
def test_explicit_is_implicit_up_to_a_constant(d, g):  # (SPH.1): ∫ p {div_S(g P s)} = -∫ g P s·P ∇p, degree 5 at most
    """For a field that is no gradient, too."""
    nodes, measure = nodes_of_radius(d)
    z = nodes / np.sqrt(d)
    score = AffineScore(
        np.array([[2.0, 0.5, -1.0], [-0.25, 1.5, 0.75], [0.5, 0.125, 1.0]])[:d, :d], [0.5, -1.0, 0.25][:d]
    )
    tilt = np.array([0.5, -0.25, 0.125])[:d]
    density = 1 + z @ tilt
    s, along = score(z), (score(z) * z).sum(-1, keepdims=True)
    tangent = s - along * z
    divergence = (measure * density) @ (sphere(score, z, g=g) - 0.5 * g(z) * (tangent**2).sum(-1))
    cross = -(measure * g(z)) @ (tangent @ tilt)
    assert abs(divergence - cross) <= 256 * U * (np.abs(s).max() + 6)
    assert abs(cross) > 0.01


def test_the_radial_part_of_a_score_does_not_count():
    z, score = points(3), AffineScore([[2.0, 0.5, 0.0], [-0.25, 1.5, 0.125], [0.0, 1.0, 3.0]], [0.5, -1.0, 2.0])

    class Lifted:
        """s + 3z, of a density times e^(3|z|²/2), which is constant on the sphere."""

        def __call__(self, y):
            return score(y) + 3 * np.asarray(y)

        def trace(self, y):
            return score.trace(y) + 9

        def vjp(self, y, v):
            return score.vjp(y, v) + 3 * np.asarray(v)

    assert_allclose(sphere(Lifted(), z, g=G), sphere(score, z, g=G), rtol=0, atol=1e-13)


def test_bad_arguments_are_refused():
    score = AffineScore(np.eye(2), [0, 0])
    for function in (sphere, sphere_gradient):
        with pytest.raises(ValueError, match=r"z has a row of length 5; expected unit vectors"):
            function(score, [[1, 0], [3, 4]])
        with pytest.raises(ValueError, match=r"g.gradient\(z\) has shape|∇g\(x\) has shape"):
            function(score, [[1, 0]], g=Boundary("wrong", lambda z: z[..., 0], lambda z: z[..., 0]))
    with pytest.raises(TypeError, match="score has no method trace or vjp"):
        sphere(lambda z: z, [[1.0, 0.0]])
    single = np.array([[0.6, 0.8]], dtype=np.float32)
    assert np.isfinite(sphere(score, single)).all()
