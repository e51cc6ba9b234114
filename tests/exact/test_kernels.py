"""exact/kernels.py against nodes that are exact for each kernel, over data and noise."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import roots_jacobi

from refscore.exact import expectations, minimisers, variances
from refscore.exact.kernels import (
    denoising_kernel_expectation,
    denoising_kernel_minimiser,
    denoising_kernel_on_mixture,
    denoising_kernel_variance,
    kernel_covariance,
)
from refscore.models import AffineScore
from refscore.objectives.denoising_kernel import denoising_kernel, denoising_kernel_gradient
from refscore.objectives.kernels import (
    GaussianKernel,
    IsotropicKernel,
    LaplaceKernel,
    StudentKernel,
)
from refscore.targets import gaussian, mixture
from tests.cubature import U, gauss_hermite, problems, product, sphere

DEGREES = 10.0


def laplace_nodes(kernel, d):
    """δ = ±b e with e exponential: Gauss-Laguerre, exact up to degree 5 on either side, so also for the sign."""
    e, w = np.polynomial.laguerre.laggauss(3)
    points, weights = np.concatenate([e, -e]) * kernel.scale, np.concatenate([w, w]) / 2
    return (
        np.array(list(itertools.product(points, repeat=d))),
        np.prod(list(itertools.product(weights, repeat=d)), axis=1),
    )


def student_nodes(kernel, d):
    """Directions, and |δ|²/(ν τ²) = β/(1 - β) with β of a Beta law: Gauss-Jacobi, exact for β^j up to (1 - β)^-2."""
    t, w = roots_jacobi(6, DEGREES / 2 - 3, d / 2 - 1)
    beta = 0.5 * (1 + t)
    w = w * (1 - beta) ** 2
    radius = kernel.scale * np.sqrt(DEGREES * beta / (1 - beta))
    directions, each = sphere(d)
    unit = directions / np.sqrt(d)
    return (radius[:, None, None] * unit).reshape(-1, d), np.outer(w / w.sum(), each).ravel()


KERNELS = {
    "isotropic": (lambda d: IsotropicKernel(0.5), lambda k, d: (0.5 * gauss_hermite(d, 3)[0], gauss_hermite(d, 3)[1])),
    "gaussian": (
        lambda d: GaussianKernel(np.array([[1.0, -0.5], [-0.5, 0.75]])[:d, :d]),
        lambda k, d: (k.offset(gauss_hermite(d, 3)[0]), gauss_hermite(d, 3)[1]),
    ),
    "laplace": (lambda d: LaplaceKernel(0.5), laplace_nodes),
    "student": (lambda d: StudentKernel(0.5, DEGREES), student_nodes),
}
every = pytest.mark.parametrize("name", KERNELS)


@settings(max_examples=30)
@given(problems(max_dim=2))
@every
def test_expectation_and_variance(name, problem):  # (KER.8) to (KER.14)
    make, nodes = KERNELS[name]
    kernel, d = make(problem.d), problem.d
    score = AffineScore(problem.matrix, problem.centre)
    (z, delta), weights = product(gauss_hermite(d, 3), nodes(kernel, d))
    x0, reach = problem.place(z)
    loss = denoising_kernel(score, x0, delta, kernel)
    target = np.abs(kernel.score(delta))
    size = 0.5 * ((problem.magnitude(reach + np.abs(delta)) + target) ** 2).sum(-1)
    mean = weights @ loss
    assert abs(denoising_kernel_expectation(score, problem, kernel) - mean) <= 256 * U * (weights @ size)
    exact = weights @ (loss - mean) ** 2
    assert abs(denoising_kernel_variance(score, problem, kernel) - exact) <= 1024 * U * (weights @ size**2)
    spread = np.einsum("n,ni,nj->ij", weights, delta, delta) - kernel_covariance(kernel, d)
    assert np.abs(spread).max() <= 64 * U * 4


@every
def test_the_minimiser(name):  # (KER.11): the gradient over data and noise is zero, and more everywhere else
    make, nodes = KERNELS[name]
    kernel, p = make(2), gaussian([1, 3], [[2, 0.6], [0.6, 0.5]])
    best = denoising_kernel_minimiser(p, kernel)
    (z, delta), weights = product(gauss_hermite(2, 3), nodes(kernel, 2))
    x0 = p.mean + z @ np.linalg.cholesky(p.cov).T
    each = [w * denoising_kernel_gradient(best, a, b, kernel) for a, b, w in zip(x0, delta, weights, strict=True)]
    assert np.abs(np.sum(each, axis=0)).max() <= 256 * U * np.abs(each).sum()
    least = denoising_kernel_expectation(best, p, kernel)
    for step in np.eye(6) / 8:
        for theta in (best.pack() + step, best.pack() - step):
            assert denoising_kernel_expectation(best.unpack(theta), p, kernel) > least + 1e-4


@every
def test_on_a_mixture(name):  # (KER.15)
    kernel = KERNELS[name][0](1)
    p, s = gaussian([1], 2), AffineScore([[1.5]], [0.5])
    found = denoising_kernel_on_mixture(s, p, kernel)
    for part, exact in zip(found, (denoising_kernel_expectation, denoising_kernel_variance), strict=True):
        assert abs(part.value - exact(s, p, kernel)) <= part.error + 64 * U * part.value
    # The expectation of an affine score sees two moments of the data only.
    q = mixture([0.25, 0.75], [[-2], [1]], [0.5, 2])
    found = denoising_kernel_on_mixture(s, q, kernel).expectation
    assert abs(found.value - denoising_kernel_expectation(s, q, kernel)) <= found.error + 64 * U * found.value


def test_the_isotropic_kernel_is_denoising():
    p, s = gaussian([1, 3], [[2, 0.6], [0.6, 0.5]]), AffineScore([[1.5, -0.5], [0.25, 2]], [0.5, -1])
    kernel = IsotropicKernel(0.5)
    for name, found in (("expectations", denoising_kernel_expectation), ("variances", denoising_kernel_variance)):
        exact = {"expectations": expectations, "variances": variances}[name].denoising(s, p, 0.5)
        assert abs(found(s, p, kernel) - exact) <= 64 * U * exact
    a, b = denoising_kernel_minimiser(p, kernel).pack(), minimisers.denoising(p, 0.5).pack()
    assert np.abs(a - b).max() <= 64 * U


def test_refusals():
    s, p = AffineScore([[1]], [0]), gaussian([0])
    with pytest.raises(ValueError, match=r"degrees is 2\.0; expected more than 2: the variance is infinite"):
        denoising_kernel_expectation(s, p, StudentKernel(1, 2))
    with pytest.raises(ValueError, match=r"degrees is 4\.0; expected more than 4: the fourth moment is infinite"):
        denoising_kernel_variance(s, p, StudentKernel(1, 4))
    with pytest.raises(ValueError, match="d is 1; expected 2, the dimension of the kernel"):
        denoising_kernel_expectation(s, p, GaussianKernel(np.eye(2)))
    with pytest.raises(ValueError, match="mixture has d = 2; expected 1"):
        denoising_kernel_on_mixture(lambda x: x, gaussian([0, 0]), LaplaceKernel(1))
