"""objectives/kernels.py: densities, scores, information and draws of each kernel."""

import autograd
import autograd.numpy as anp
import mpmath as mp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from numpy.testing import assert_array_equal
from scipy.special import ndtr

from refscore import noise
from refscore.exact import expectation
from refscore.exact.boxes import grid, integral
from refscore.exact.kernels import _of_normal
from refscore.objectives.kernels import (
    GaussianKernel,
    IsotropicKernel,
    LaplaceKernel,
    StudentKernel,
)
from refscore.targets import mixture
from tests.cubature import U

COV = np.array([[1.0, -0.5], [-0.5, 0.75]])
LINE = {
    "isotropic": IsotropicKernel(0.5),
    "gaussian": GaussianKernel([[0.25]]),
    "laplace": LaplaceKernel(0.5),
    "student": StudentKernel(0.5, 5),
    "cauchy": StudentKernel(0.5, 1),
}
PLANE = {
    "isotropic": IsotropicKernel(0.5),
    "gaussian": GaussianKernel(COV),
    "laplace": LaplaceKernel(0.5),
    "student": StudentKernel(0.5, 5),
}
DENSITIES = {
    "isotropic": lambda x: anp.exp(-2 * anp.sum(x**2)) / (anp.pi / 2) ** (len(x) / 2),
    "gaussian": lambda x: anp.exp(-0.5 * anp.dot(x, anp.dot(np.linalg.inv(COV), x))) / (2 * anp.pi * 0.5**0.5),
    "laplace": lambda x: anp.exp(-2 * anp.sum(anp.abs(x))),
    "student": lambda x: (
        anp.exp(gammaln((5 + len(x)) / 2) - gammaln(2.5))
        * (1 + anp.sum(x**2) / 1.25) ** (-(5 + len(x)) / 2)
        / (1.25 * anp.pi) ** (len(x) / 2)
    ),
}


@pytest.mark.parametrize("name", PLANE)
def test_densities_and_scores(name):  # (KER.2) to (KER.5)
    kernel, density = PLANE[name], DENSITIES[name]
    for x in noise.normals(0, np.arange(20), 2):
        log = np.log(density(x))
        assert abs(kernel.log_prob(x) - log) <= 16 * U * (8 + abs(log))
        slope = autograd.grad(lambda y: anp.log(density(y)))(x)
        assert np.abs(kernel.score(x) - slope).max() <= 64 * U * (1 + np.abs(slope).max())
    x = noise.normals(0, np.arange(6), 2).reshape(2, 3, 2)
    assert_array_equal(kernel.score(x)[1, 2], kernel.score(x[1, 2]))
    assert kernel.log_prob(x).shape == (2, 3)


@pytest.mark.parametrize("name", PLANE)
def test_total_mass_and_information_in_the_plane(name):  # F of (KER.2) to (KER.5)
    kernel = PLANE[name]

    def moments(y, _):  # x = sinh y brings in the tails
        x, jacobian = np.sinh(y), np.cosh(y).prod(1)
        density = np.exp(kernel.log_prob(x)) * jacobian
        return np.stack([density, density * (kernel.score(x) ** 2).sum(1)], axis=1)

    edge = 8.0 if name == "student" else 4.5
    found = integral(moments, grid(np.linspace(-edge, edge, 5), 2), rtol=1e-8)
    assert np.abs(found.value - [1, kernel.information(2)]).max() <= 1e-6


@pytest.mark.parametrize("name", LINE)
def test_information_on_the_line(name):
    kernel = LINE[name]
    if name == "cauchy":
        assert kernel.information(1) == 0.5 / 0.25
    found = expectation(lambda z: kernel.score(_of_normal(kernel, z))[:, 0] ** 2, mixture([1], [[0]]))
    assert abs(found.value - kernel.information(1)) <= found.error


def test_offsets():
    u = noise.uniforms(0, 0, 40).reshape(20, 2)
    delta = LaplaceKernel(0.5).offset(u)
    below = np.where(delta < 0, 0.5 * np.exp(2 * delta), 1 - 0.5 * np.exp(-2 * delta))  # the distribution function
    assert np.abs(below - u).max() <= 8 * U
    tiny = LaplaceKernel(0.5).offset([[2.0**-60, 1 - 2.0**-53]])
    assert np.abs(tiny / [[-0.5 * 59 * np.log(2), 0.5 * 52 * np.log(2)]] - 1).max() <= 4 * U
    z = noise.normals(1, np.arange(20), 2)
    assert_array_equal(IsotropicKernel(0.5).offset(z), 0.5 * z)
    lower = np.linalg.cholesky(COV)
    assert np.abs(GaussianKernel(COV).offset(z) - z @ lower.T).max() <= 8 * U
    delta = StudentKernel(0.5, 5).offset(z, u[:, 0])
    chi2 = 5 * (0.5 * z[:, 0] / delta[:, 0]) ** 2
    assert np.abs(delta[:, 1] * z[:, 0] - delta[:, 0] * z[:, 1]).max() <= 16 * U * 8  # along z
    with mp.workdps(30):
        for value, probability in zip(chi2, u[:, 0], strict=True):
            assert abs(mp.gammainc(2.5, 0, mp.mpf(value) / 2, regularized=True) - mp.mpf(probability)) <= 1e-13


@pytest.mark.parametrize("name", LINE)
def test_offsets_as_functions_of_a_normal(name):  # (KER.15), which other tests rest on
    kernel = LINE[name]
    z = np.array([[-3.0], [-0.5], [0.25], [2.0]])
    delta = _of_normal(kernel, z)
    for a, b in zip(delta.ravel(), z.ravel(), strict=True):
        below = integral(
            lambda y, _: np.exp(kernel.log_prob(np.sinh(y))) * np.cosh(y[:, 0]),
            grid(np.array([-25, -5, 0, np.arcsinh(a)]) if a > 0 else np.array([-25, -5, np.arcsinh(a)]), 1),
            rtol=1e-11,
        )
        assert abs(below.value - ndtr(b)) <= 1e-10 + below.error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: IsotropicKernel(0), "sigma is 0.0; expected sigma > 0"),
        (lambda: LaplaceKernel(-1), "scale is -1.0; expected scale > 0"),
        (lambda: StudentKernel(1, 0), "degrees is 0.0; expected degrees > 0"),
        (lambda: GaussianKernel([1.0]), r"cov has shape \(1,\); expected \(d, d\)"),
        (lambda: GaussianKernel([[1, 2], [2, 1]]), "cov is not symmetric positive definite"),
        (lambda: GaussianKernel([[1, 2], [0, 9]]), "cov is not symmetric positive definite"),
        (lambda: GaussianKernel(COV).information(3), "d is 3; expected 2, the dimension of the kernel"),
        (lambda: GaussianKernel(COV).score([1.0]), r"offset has shape \(1,\); expected \(\*batch, 2\)"),
        (lambda: LaplaceKernel(1).offset([0.0]), r"uniform has values outside \(0, 1\)"),
        (lambda: LaplaceKernel(1).offset([1.0]), r"uniform has values outside \(0, 1\)"),
        (lambda: StudentKernel(1, 1).offset([[1.0]], [[0.5]]), r"uniform has shape \(1, 1\); expected \(1,\)"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
