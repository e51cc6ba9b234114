"""objectives/projections.py: lengths, angles, equivariance, second moments, and exact expectations over each law."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from refscore import noise
from refscore.models import AffineScore
from refscore.objectives import implicit, sliced, sliced_variance_reduced
from refscore.objectives.projections import gaussian, orthogonal, rademacher, sphere, unit_sphere
from tests.cubature import U, icosahedron, problems

ALL = [gaussian, rademacher, sphere, unit_sphere, lambda z: orthogonal(z[None])[0]]


@pytest.mark.parametrize("law", ALL)
def test_second_moments(law):  # (PRJ.1) to (PRJ.5)
    z = noise.normals(0, np.arange(200_000), 3)
    v = law(z)
    assert v.shape == z.shape
    moment = v.T @ v / len(v) * (3 if law is unit_sphere else 1)
    assert np.abs(moment - np.eye(3)).max() <= 6 * np.sqrt(2 / len(v))  # Var v_i² ≤ 2, Var v_i v_j ≤ 1; 2e-8 a test


def test_lengths_and_directions():
    z = noise.normals(0, np.arange(50), 4)
    assert_array_equal(gaussian(z), z)
    assert_array_equal(rademacher(z), np.sign(z))
    v = sphere(z)
    assert np.abs((v**2).sum(1) - 4).max() <= 4 * 12 * U
    assert np.abs(v * np.linalg.norm(z, axis=1, keepdims=True) - 2 * z).max() <= 16 * U * np.abs(z).max()
    assert np.abs(unit_sphere(z) - v / 2).max() <= 4 * U


@pytest.mark.parametrize("d", [1, 2, 3, 8])
@pytest.mark.parametrize("m", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_blocks_are_orthogonal(batch, m, d):  # (PRJ.5)
    z = noise.normals(m, 0, m * int(np.prod(batch)) * d).reshape(m, *batch, d)
    v = orthogonal(z)
    assert v.shape == z.shape
    for start in range(0, m, d):
        block = np.moveaxis(v[start : start + d], 0, -2)
        r = block.shape[-2]
        assert np.abs(block @ np.swapaxes(block, -1, -2) - d * np.eye(r)).max() <= 32 * d * U
        # Gram and Schmidt: z_j has no part along later directions, and a positive one along its own.
        parts = np.moveaxis(z[start : start + d], 0, -2) @ np.swapaxes(block, -1, -2)
        assert np.abs(np.triu(parts, 1)).max() <= 64 * d * U * np.abs(z).max()
        assert (np.diagonal(parts, axis1=-2, axis2=-1) > 0).all()


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_rotated_normals_give_rotated_bases(m):
    """With the rotation invariance of normals this is Haar's law; the signs that LAPACK picks would break it."""
    z = noise.normals(3, 0, m * 20 * 3).reshape(m, 20, 3)
    for g in icosahedron():
        assert np.abs(orthogonal(z @ g.T) - orthogonal(z) @ g.T).max() <= 1e-12
    assert np.abs(orthogonal(-z) + orthogonal(z)).max() <= 1e-12


@settings(max_examples=25)
@given(problems())
@pytest.mark.parametrize("function", [sliced, sliced_variance_reduced])
def test_a_whole_basis_gives_the_implicit_objective(function, problem):
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x = noise.normals(4, np.arange(5), d)
    for blocks in (1, 2):
        v = orthogonal(noise.normals(5, 0, blocks * d * 5 * d).reshape(blocks * d, 5, d))
        size = d * (np.abs(problem.matrix).sum() + (problem.magnitude(np.abs(x)) ** 2).sum(-1))
        assert (np.abs(function(score, x, v) - implicit(score, x)) <= 64 * U * size).all()


@settings(max_examples=10)
@given(problems())
@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("function", [sliced, sliced_variance_reduced])
def test_parts_of_a_basis_give_it_on_average(function, m, problem):
    # The icosahedron's rotations average polynomials up to degree 5 as Haar's law does.
    matrix = np.zeros((3, 3))
    matrix[: problem.d, : problem.d] = problem.matrix
    score, x = AffineScore(matrix, [0.5, 1, -2]), np.array([[1.0, -2.0, 0.5]])
    each = [function(score, x, np.sqrt(3) * g[:m, None]) for g in icosahedron()]
    size = 3 * np.abs(matrix).sum() + 9 * (score(x) ** 2).sum() + 1
    assert abs(np.mean(each) - implicit(score, x)[0]) <= 64 * U * size


def test_refusals():
    for law in (gaussian, rademacher, sphere, unit_sphere):
        with pytest.raises(ValueError, match=r"normal has shape \(\); expected \(\*batch, d\)"):
            law(1.0)
        with pytest.raises(ValueError, match="not finite"):
            law([np.nan])
    for law in (sphere, unit_sphere):
        with pytest.raises(ValueError, match="normal has a row of zeros"):
            law([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match=r"normal has shape \(3,\); expected \(m, \*batch, d\)"):
        orthogonal([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="linearly dependent"):
        orthogonal([[0.0, 0.0], [1.0, 0.0]])
