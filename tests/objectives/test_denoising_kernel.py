"""objectives/denoising_kernel.py: identities with implicit and explicit at the noised law; definition; autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from refscore import noise
from refscore.exact import expectation
from refscore.exact.kernels import _of_normal, denoising_kernel_on_mixture
from refscore.exact.quadrature import with_noise
from refscore.models import TANH, AffineScore, MLPScore, network
from refscore.objectives import denoising, denoising_gradient, explicit, implicit
from refscore.objectives.denoising_kernel import denoising_kernel, denoising_kernel_gradient
from refscore.objectives.kernels import GaussianKernel, IsotropicKernel, LaplaceKernel, StudentKernel
from refscore.targets import mixture
from tests.cubature import U, problems
from tests.objectives import rational

LINE = {
    "isotropic": IsotropicKernel(0.5),
    "gaussian": GaussianKernel([[0.25]]),
    "laplace": LaplaceKernel(0.5),
    "student": StudentKernel(0.5, 5),
    "cauchy": StudentKernel(0.5, 1),
}
P = mixture([0.25, 0.75], [[-2], [1]], [0.5, 2])
NET = MLPScore(network([1, 6, 6, 1], noise.uniforms(0, 0, 61), TANH))


@pytest.mark.parametrize("name", LINE)
def test_denoising_is_implicit_at_the_noised_law(name):  # (KER.1) with (ISM.1): ½ F(k) apart
    kernel = LINE[name]
    left = denoising_kernel_on_mixture(NET, P, kernel, rtol=1e-8).expectation
    right = expectation(lambda y: implicit(NET, y[:, :1] + _of_normal(kernel, y[:, 1:])), with_noise(P), rtol=1e-8)
    assert abs(left.value - right.value - kernel.information(1) / 2) <= left.error + right.error < 1e-6


@pytest.mark.parametrize("name", LINE)
def test_denoising_is_explicit_at_the_noised_law_plus_a_constant(name):  # (KER.1)
    kernel = LINE[name]
    normal = mixture([1], [[0]])

    def score_of_noised(x):
        """∇ log q by one more quadrature: q = E p(x - δ), q' = E p'(x - δ), at all x at once."""

        def inner(z):
            y = x[None] - _of_normal(kernel, z)[:, None]
            density = np.exp(P.log_prob(y))
            return np.stack([density, density * P.score(y)[..., 0]], axis=-1)

        value = expectation(inner, normal, rtol=1e-9, atol=1e-13).value
        return (value[:, 1] / value[:, 0])[:, None]

    # Outer nodes: over x in steps of the trapezoidal rule, which converges geometrically for a smooth q.
    h = 1 / 8
    x = np.arange(-9, 11, h)[:, None]

    def inner(z):
        return np.exp(P.log_prob(x[None] - _of_normal(kernel, z)[:, None]))

    q = expectation(inner, normal, rtol=1e-9, atol=1e-13).value
    target = score_of_noised(x)
    missing = abs(1 - h * q.sum())
    right = h * (q @ explicit(NET, x, target))
    information = h * (q @ target[:, 0] ** 2)
    left = denoising_kernel_on_mixture(NET, P, kernel, rtol=1e-8).expectation.value
    constant = (kernel.information(1) - information) / 2
    reach = {"cauchy": 0.05, "student": 1e-4}.get(name, 1e-6)  # heavy tails leave the grid: bounded scores times mass
    assert missing <= reach
    assert abs(left - right - constant) <= 10 * missing + 1e-6


@given(problems())
def test_the_isotropic_kernel_is_denoising(problem):
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x0, z = rational.quarters(0, 3, d), rational.quarters(1, 3, d)
    kernel = IsotropicKernel(problem.sigma)
    delta = kernel.offset(z)
    assert_array_equal(denoising_kernel(score, x0, delta, kernel), denoising(score, x0, z, problem.sigma))
    assert_array_equal(
        denoising_kernel_gradient(score, x0, delta, kernel), denoising_gradient(score, x0, z, problem.sigma)
    )


@settings(max_examples=25)
@given(problems())
@pytest.mark.parametrize("kernel", [LaplaceKernel(0.25), StudentKernel(0.5, 3)])
def test_value_and_gradient(kernel, problem):  # (KER.6), (KER.7)
    score, d = AffineScore(problem.matrix, problem.centre), problem.d
    x0, delta = rational.quarters(0, 3, d), rational.quarters(1, 3, d)
    target = kernel.score(delta)

    def values(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return 0.5 * anp.sum((-anp.dot(x0 + delta - b, a.T) - target) ** 2, axis=1)

    exact = values(score.pack())
    size = 1 + (problem.magnitude(np.abs(x0 + delta)) + np.abs(target)) ** 2
    assert (np.abs(denoising_kernel(score, x0, delta, kernel) - exact) <= 16 * U * size.sum(-1)).all()
    gradient = autograd.grad(lambda theta: anp.sum(values(theta)))(score.pack())
    found = denoising_kernel_gradient(score, x0, delta, kernel)
    assert np.abs(found - gradient).max() <= 64 * U * (1 + size.sum() * (8 + np.abs(problem.matrix).sum()))


def test_refusals():
    with pytest.raises(ValueError, match=r"offset has shape \(1,\); expected \(1, 1\), the shape of x0"):
        denoising_kernel(NET, [[1.0]], [1.0], LaplaceKernel(1))
    with pytest.raises(ValueError, match=r"score\(x\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        denoising_kernel(lambda x: x[:, :1], np.zeros((3, 2)), np.zeros((3, 2)), LaplaceKernel(1))
