"""models/of_target.py on a density whose derivatives autograd takes from log p."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import TargetScore


def log_density(x):
    return -0.25 * x[0] ** 4 + x[0] * x[1] ** 2 - x[1] ** 2 * x[2] - 0.5 * anp.dot(x, x)


class Quartic:
    """∇ log p and ∇² log p by autograd, one sample after the other."""

    def _each(self, f, x):
        x = np.asarray(x)
        out = [f(x[i]) for i in np.ndindex(x.shape[:-1])]
        return np.reshape(out, x.shape[:-1] + np.shape(out[0]))

    def score(self, x):
        return self._each(autograd.grad(log_density), x)

    def score_jacobian(self, x):
        return self._each(autograd.hessian(log_density), x)

    def score_trace(self, x):
        return np.trace(self.score_jacobian(x), axis1=-2, axis2=-1)

    def hvp(self, x, v):
        return (self.score_jacobian(x) @ np.asarray(v)[..., None])[..., 0]


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_each_method_is_the_targets(batch):
    model, target = TargetScore(Quartic()), Quartic()
    rng = np.random.default_rng(0)
    x, v = rng.integers(-4, 5, (*batch, 3)) / 2, rng.integers(-4, 5, (*batch, 3)) / 2
    assert_array_equal(model(x), target.score(x))
    assert_array_equal(model.jacobian(x), target.score_jacobian(x))
    assert_array_equal(model.trace(x), target.score_trace(x))
    assert_array_equal(model.vjp(x, v), np.einsum("...i,...ij->...j", v, target.score_jacobian(x)))


def test_shapes_are_checked_before_the_target_sees_them():
    model = TargetScore(Quartic())
    with pytest.raises(ValueError, match=r"v has shape \(3,\); expected \(2, 3\), the shape of x"):
        model.vjp(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(ValueError, match=r"x has shape \(\)"):
        model(1.0)
