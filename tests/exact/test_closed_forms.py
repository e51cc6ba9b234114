"""exact/closed_forms.py: sums and powers against the recursions they solve."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.exact.closed_forms import langevin_variance, telescoped_variance
from refscore.samplers import large_variance, small_variance

U = 2.0**-53
VALUES = np.array([1e-4, 0.25, 1.0, 30.0])
PATH, TIMES = rs.paths.VP(), np.linspace(0.9, 0.05, 33)


@pytest.mark.parametrize("steps", [0, 1, 50])
def test_langevin_in_closed_form(steps):  # (REC.3) (REC.4)
    _, v = recursions.langevin(VALUES, step_size=1e-4, steps=steps).law(0.0, start_variance=2.0)
    closed = langevin_variance(VALUES, step_size=1e-4, steps=steps, start_variance=2.0)
    np.testing.assert_allclose(closed, v, rtol=8 * (steps + 8) * U)


@pytest.mark.parametrize("noise", [small_variance, large_variance])
def test_ancestral_sums(noise):  # (REC.5) (REC.8)
    _, v = recursions.ancestral_vp(VALUES, PATH, TIMES, noise=noise).law(0.0, start_variance=2.0)
    alpha, sigma = PATH.alpha(TIMES), PATH.sigma(TIMES)
    q = noise(alpha[:-1], sigma[:-1], alpha[1:], sigma[1:])
    closed = telescoped_variance(VALUES, q, alphas=alpha, sigmas=sigma, start_variance=2.0)
    np.testing.assert_allclose(closed, v, rtol=32 * 12 * U)


def test_reverse_diffusion_sums_where_alpha_is_one():  # (REC.5) (REC.7)
    sigmas = rs.paths.EDM().sigma(np.geomspace(40, 0.01, 40))
    _, v = recursions.reverse_diffusion(VALUES, rs.paths.EDM(), sigmas).law(0.0, start_variance=1600.0)
    q = -np.diff(sigmas**2)
    closed = telescoped_variance(VALUES, q, alphas=np.ones(40), sigmas=sigmas, start_variance=1600.0)
    np.testing.assert_allclose(closed, v, rtol=40 * 16 * U)
