"""exact/recursions.py: the recursion itself by moments over nodes, and relations between its coefficients.

That the recursions are those of the samplers is tested beside the samplers, where both routes meet."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.samplers import large_variance, small_variance

U = 2.0**-53
VALUES = np.array([1e-4, 0.25, 1.0, 30.0])
PATH, TIMES = rs.paths.VP(), np.linspace(0.9, 0.05, 33)


def test_a_recursion_is_its_steps():  # (REC.1), mean and variance from the nodes ±1 of state and noise
    recursion = recursions.Recursion([[0.5], [-2.0]], [[1.0], [0.25]], [[4.0], [9.0]])
    mean, variance = recursion.law([3.0], start_mean=[1.0], start_variance=[4.0])
    x, z1, z2 = (v.ravel() for v in np.meshgrid(*[[-1.0, 1.0]] * 3))
    state = 0.5 * (1 + 2 * x) + 3.0 + 2 * z1
    state = -2.0 * state + 0.75 + 3 * z2
    assert mean[0] == state.mean()
    assert variance[0] == state.var()


def test_ddim_at_eta_one_is_ancestral_with_the_small_variance():  # (REC.8) (REC.9)
    one = recursions.ddim(VALUES, PATH, TIMES, eta=1.0)
    other = recursions.ancestral_vp(VALUES, PATH, TIMES, noise=small_variance)
    for name in ("factor", "pull", "noise"):
        # √(σ_s² - q) cancels down to a² σ_s³..., and q to τ ≥ 0.06: a factor 1/0.06 on some roundings
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=2e-13, atol=2e-15)


def test_the_slope_is_that_of_the_variance():  # (REC.2): Euler's factor by a difference of log V, through (REC.10)
    h = 1e-4
    recursion = recursions.euler_ode(VALUES, PATH, [0.5, 0.4])

    def log_variance(t):
        return np.log(PATH.alpha(t) ** 2 * VALUES + PATH.sigma(t) ** 2)

    near, far = log_variance(0.5 + h) - log_variance(0.5 - h), log_variance(0.5 + 2 * h) - log_variance(0.5 - 2 * h)
    slope = 0.5 * (8 * near - far) / (12 * h)
    np.testing.assert_allclose(recursion.factor[0], 1 - 0.1 * slope, atol=1e-10)  # u/h, and h⁴ of the fifth derivative


@pytest.mark.parametrize(
    ("make", "mean_is_exact"),
    [
        (recursions.ddim, True),
        (lambda v, p, t: recursions.ancestral_vp(v, p, t, noise=large_variance), True),
        (recursions.euler_maruyama, False),
        (recursions.reverse_diffusion, False),
        (recursions.euler_ode, False),
        (recursions.heun_ode, False),
    ],
    ids=["ddim", "ancestral", "EM", "RD", "euler", "heun"],
)
def test_which_samplers_keep_the_mean(make, mean_is_exact):
    recursion = make(VALUES, PATH, np.linspace(0.9, 0.05, 5))
    mean, _ = recursion.law(1.0, start_mean=float(PATH.alpha(0.9)), start_variance=1.0)
    gap = np.abs(mean - float(PATH.alpha(0.05))).max()
    assert (gap <= 16 * U) if mean_is_exact else (gap > 1e-4)


@pytest.mark.parametrize("make", [recursions.euler_maruyama, recursions.euler_ode, recursions.heun_ode])
def test_thousands_of_eigenvalues_cost_no_matrix(make):
    recursion = make(np.geomspace(1e-6, 1e3, 3072), PATH, TIMES)
    assert recursion.law(0.0)[1].shape == (3072,)
    assert repr(recursion) == "Recursion(32 steps, eigenvalues of shape (3072,))"


def test_eigenvalues_of_any_shape():
    flat = recursions.heun_ode(VALUES, PATH, TIMES).law(0.5)[0]
    square = recursions.heun_ode(VALUES.reshape(2, 2), PATH, TIMES).law(0.5)[0]
    np.testing.assert_array_equal(square.ravel(), flat)
    assert recursions.heun_ode(0.25, PATH, TIMES).law(0.5)[0].shape == ()
