"""objectives/finite_difference_denoising.py in rational arithmetic, against Taylor's remainder, autograd, rounding."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from refscore import noise as draws
from refscore.models import TANH, MLPEnergy, QuadraticEnergy, network
from refscore.objectives import denoising, denoising_gradient
from refscore.objectives.finite_difference_denoising import (
    finite_difference_denoising,
    finite_difference_denoising_gradient,
)
from tests.cubature import U, problems, signs
from tests.objectives import rational


@settings(max_examples=30)
@given(problems(), st.integers(-3, 3))
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_quadratic_in_rational_arithmetic(batch, problem, power):  # (FDD.1), (FDD.3)
    model, d, h = QuadraticEnergy(problem.matrix, problem.centre), problem.d, 2.0**power
    x0, z, v = rational.quarters(0, *batch, d), rational.quarters(1, *batch, d), rational.quarters(2, 2, *batch, d)
    found = finite_difference_denoising(model.log_prob, x0, z, problem.sigma, v, epsilon=h)
    assert found.shape == batch
    symmetric = 0.5 * (problem.matrix + problem.matrix.T)
    level = Fraction(problem.sigma)
    for i in np.ndindex(batch):
        e = rational.fractions(z[i])
        x = [a + level * b for a, b in zip(rational.fractions(x0[i]), e, strict=True)]
        s = rational.score(symmetric, problem.centre, x)
        residual = [a + b / level for a, b in zip(s, e, strict=True)]
        along = [rational.dot(rational.fractions(v[(j, *i)]), residual) for j in range(2)]
        assert found[i] == sum(a**2 for a in along) / 4  # dyadic numbers: nothing is rounded


@settings(max_examples=25)
@given(problems())
def test_all_signs_give_denoising(problem):  # its mean over projections, and its gradient's
    model, d = QuadraticEnergy(problem.matrix, problem.centre), problem.d
    x0, z = rational.quarters(0, 3, d), rational.quarters(1, 3, d)
    v = np.broadcast_to(signs(d)[0][:, None], (2**d, 3, d))
    found = finite_difference_denoising(model.log_prob, x0, z, problem.sigma, v, epsilon=0.5)
    assert_array_equal(found, denoising(model, x0, z, problem.sigma))
    gradient = finite_difference_denoising_gradient(model, x0, z, problem.sigma, v, epsilon=0.5)
    assert_array_equal(gradient, denoising_gradient(model, x0, z, problem.sigma))


class Quartic:
    """log p = -Σ x⁴/4: the error of the slope is (h²/6) L‴ and no more."""

    def log_prob(self, x):
        return -0.25 * (x**4).sum(-1)


def test_the_error_of_a_quartic_is_taylors():  # (FDD.1)
    x0, z, v = rational.quarters(0, 3, 2), rational.quarters(1, 3, 2), rational.quarters(2, 2, 3, 2)
    h, sigma = 0.25, 0.5
    x = x0 + sigma * z
    along = -(v * x**3).sum(-1) + (v * z).sum(-1) / sigma
    third = -6 * (v**3 * x).sum(-1)
    found = finite_difference_denoising(Quartic().log_prob, x0, z, sigma, v, epsilon=h)
    assert_array_equal(found, (0.5 * (along + h**2 / 6 * third) ** 2).mean(0))


def test_gradient_of_a_network_is_autograds():  # (FDD.4)
    net = network([2, 4, 1], draws.uniforms(0, 0, 17), TANH)
    model = MLPEnergy(net)
    x0, z, v = (
        draws.normals(k, 0, size).reshape(shape)
        for k, size, shape in ((0, 6, (3, 2)), (1, 6, (3, 2)), (2, 12, (2, 3, 2)))
    )
    sigma, h = 0.5, 0.125

    def log_prob(theta, x):
        w1, b1 = anp.reshape(theta[:8], (4, 2)), theta[8:12]
        return -(anp.dot(anp.tanh(anp.dot(x, w1.T) + b1), theta[12:16]) + theta[16])

    def total(theta):
        x = x0 + sigma * z
        slope = (log_prob(theta, x + h * v) - log_prob(theta, x - h * v)) / (2 * h)
        return anp.sum(0.5 * (slope + anp.sum(v * z, axis=-1) / sigma) ** 2) / 2

    theta = model.pack()
    found = finite_difference_denoising(model.log_prob, x0, z, sigma, v, epsilon=h)
    assert abs(found.sum() - total(theta)) <= 64 * U / h * 8 * found.sum()
    gradient = finite_difference_denoising_gradient(model, x0, z, sigma, v, epsilon=h)
    exact = autograd.grad(total)(theta)
    assert np.abs(gradient - exact).max() <= 256 * U / h * np.abs(exact).max() * 8
    folded = [a.reshape(1, 3, 2) for a in (x0, z)]
    assert_array_equal(finite_difference_denoising_gradient(model, *folded, sigma, v[:, None], epsilon=h), gradient)


def test_the_best_step():  # (FDD.2): near it the error is least, of size (u |log p|)^⅔ a^⅓
    model, x0, z, v = Quartic(), np.array([1.25]), np.array([0.5]), np.array([[1.0]])
    x = x0 + 0.5 * z
    exact = 0.5 * (-(x**3) + 1.0) ** 2
    a, energy = 6 * x[0] / 6, 0.25 * x[0] ** 4
    best = (U * energy / (2 * a)) ** (1 / 3)

    def worst(h):  # over neighbouring steps: rounding is erratic
        return max(
            abs(float(finite_difference_denoising(model.log_prob, x0, z, 0.5, v, epsilon=h * c) - exact[0]))
            for c in np.linspace(0.8, 1.25, 40)
        )

    assert worst(best) <= 4 * abs(x[0] ** 3 - 1) * (a * best**2 + 2 * U * energy / best)
    assert worst(best) < worst(100 * best)
    assert worst(best) < worst(best / 100)


FUNCTIONS = [
    lambda *a, **k: finite_difference_denoising(QuadraticEnergy(np.eye(2), [0, 0]).log_prob, *a, **k),
    lambda *a, **k: finite_difference_denoising_gradient(QuadraticEnergy(np.eye(2), [0, 0]), *a, **k),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_refusals(function):
    x0, v = np.zeros((3, 2)), np.zeros((1, 3, 2))
    with pytest.raises(ValueError, match=r"noise has shape \(3, 1\); expected \(3, 2\), the shape of x0"):
        function(x0, x0[:, :1], 0.5, v, epsilon=0.1)
    with pytest.raises(ValueError, match=r"sigma is 0\.0; expected sigma > 0"):
        function(x0, x0, 0.0, v, epsilon=0.1)
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected one noise level"):
        function(x0, x0, [0.5, 1, 2], v, epsilon=0.1)
    with pytest.raises(ValueError, match=r"epsilon is -0\.1; expected epsilon > 0"):
        function(x0, x0, 0.5, v, epsilon=-0.1)
    with pytest.raises(ValueError, match=r"projection has shape \(3, 2\); expected \(m, 3, 2\), m >= 1 projections"):
        function(x0, x0, 0.5, v[0], epsilon=0.1)


def test_a_log_density_that_would_broadcast_is_refused():
    with pytest.raises(ValueError, match=r"log_prob\(x\) has shape \(3, 1\); expected \(3,\), the shape of the batch"):
        finite_difference_denoising(
            lambda x: x[..., :1], np.zeros((3, 2)), np.zeros((3, 2)), 1.0, np.zeros((1, 3, 2)), epsilon=1.0
        )
