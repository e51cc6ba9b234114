"""exact/curvature_propagation.py: quadrature over x, and all signs of all units."""

import numpy as np

from refscore import noise
from refscore.exact import expectation, on_mixtures
from refscore.exact.curvature_propagation import curvature_propagation_form, curvature_propagation_on_mixture
from refscore.exact.projections import gaussian_projection, rademacher_projection, squares
from refscore.models import TANH, MLPEnergy, network
from refscore.objectives.curvature_propagation import (
    curvature_propagation,
    curvature_propagation_plain,
    one_and_all,
    roots,
)
from refscore.targets import mixture
from tests.cubature import gauss_hermite, product, signs

P = mixture([0.25, 0.75], [[-2], [1]], [0.5, 2])
MODEL = MLPEnergy(network([1, 2, 2, 1], noise.uniforms(0, 0, 13), TANH))


def test_truth_on_the_line_by_all_signs():  # (CPR.7)
    v, _ = signs(4)
    for function, factor, m in ((curvature_propagation, roots, 1), (curvature_propagation_plain, one_and_all, 3)):

        def moments(x, function=function):
            each = np.stack([function(MODEL, x, np.broadcast_to(w, (1, len(x), 4))) for w in v])
            return np.stack([each.mean(0), each.var(0), each.mean(0) ** 2], axis=1)

        (first, given, square), error = expectation(moments, P, rtol=1e-8)
        found = curvature_propagation_on_mixture(
            MODEL, P, projection=rademacher_projection, n_projections=m, factor=factor, rtol=1e-8
        )
        slack = error.sum() * (2 + 2 * abs(first))
        assert abs(found.expectation.value - first) <= found.expectation.error + slack
        assert abs(found.variance.value - (square - first**2 + given / m)) <= found.variance.error + slack
        assert abs(found.expectation.value - on_mixtures.implicit(MODEL, P).expectation.value) <= slack


def test_normal_noise_by_nodes():
    # Four normals: ℓ² is of degree 4 in them, and three nodes each are exact.
    blocks, w = product(*[gauss_hermite(1, 3)] * 4)
    v = np.concatenate(blocks, axis=1)
    x = np.array([0.75])
    each = np.array([curvature_propagation(MODEL, x, row[None]) for row in v])
    form = curvature_propagation_form(MODEL, x)
    exact = gaussian_projection(squares(form))
    assert abs(w @ (each - w @ each) ** 2 - exact) <= 1e-14 * (1 + w @ each**2)
    assert form.shape == (4, 4)
    assert curvature_propagation_form(MODEL, [[[0.75]]]).shape == (1, 1, 4, 4)
