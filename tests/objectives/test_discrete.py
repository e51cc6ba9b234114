"""objectives/discrete.py: the losses as the first codes write them, also in 50 digits; gradients by autograd."""

from decimal import Decimal, localcontext

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore.models import LevelAffineScore
from refscore.objectives import ddpm, ddpm_gradient, multilevel, multilevel_gradient, smld, smld_gradient
from tests.cubature import U, problems
from tests.objectives import rational

BETAS = np.linspace(1e-4, 0.02, 1000)
SIGMAS = np.array([8.0, 4.0, 1.0, 0.25])


def root_levels(k):
    """√ᾱ_k and √(1 - ᾱ_k) in 50 digits."""
    with localcontext() as context:
        context.prec = 50
        product = Decimal(1)
        for beta in BETAS[:k]:
            product *= 1 - Decimal(float(beta))
        return product.sqrt(), (1 - product).sqrt()


@pytest.mark.parametrize("k", [1, 2, 500, 1000])
def test_ddpm_is_the_definition(k):  # (DDPM.1), (DDPM.3)
    x0, noise = rational.quarters(0, 3), rational.quarters(1, 3)
    seen = []

    def predict(x, index):
        seen.append((x, index))
        return 0.5 * x

    value = ddpm(predict, x0, noise, k, betas=BETAS)
    alpha, sigma = root_levels(k)
    x = [alpha * Decimal(a) + sigma * Decimal(z) for a, z in zip(x0.tolist(), noise.tolist(), strict=True)]
    (found, index) = seen[0]
    assert index == k
    assert index.shape == ()
    size = np.abs(x0) + np.abs(noise)
    assert (np.abs(found - [float(c) for c in x]) <= 8 * U * size).all()
    exact = sum((c / 2 - Decimal(z)) ** 2 for c, z in zip(x, noise.tolist(), strict=True)) / 2
    assert abs(value - float(exact)) <= 32 * U * (size**2).sum()


def test_each_sample_has_its_own_index():
    x0, noise, k = rational.quarters(0, 3, 3), rational.quarters(1, 3, 3), np.array([1, 1000, 37])
    model = LevelAffineScore([[1, 0, 2], [0.5, 1, 0], [0, 0, 3]], [1, -1, 0])
    together = ddpm(model, x0, noise, k, betas=BETAS)
    assert_array_equal(together, [ddpm(model, x0[i], noise[i], k[i], betas=BETAS) for i in range(3)])
    levels = np.array([1, 4, 2])
    together = smld(model, x0, noise, levels, sigmas=SIGMAS)
    assert_array_equal(together, [smld(model, x0[i], noise[i], levels[i], sigmas=SIGMAS) for i in range(3)])


@given(problems())
def test_gradients_are_autograds(problem):  # (DDPM.4)
    d = problem.d
    x0, noise, k = rational.quarters(0, 2, d), rational.quarters(1, 2, d), np.array([2, 700])
    product = np.cumprod(1 - BETAS)[k - 1][:, None]
    x = np.sqrt(product) * x0 + np.sqrt(1 - product) * noise

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return 0.5 * anp.sum((-anp.dot(x - b, a.T) / k[:, None] - noise) ** 2)

    model = LevelAffineScore(problem.matrix, problem.centre)
    found = ddpm_gradient(model, x0, noise, k, betas=BETAS)
    exact = autograd.grad(total)(model.pack())
    reach = np.abs(x) + np.abs(problem.centre)
    terms = problem.magnitude(np.abs(x)) + np.abs(noise)
    size = np.concatenate([(terms.T @ reach).ravel(), terms.sum(0) @ np.abs(problem.matrix)])
    assert (np.abs(found - exact) <= 1e4 * U * size).all()  # cumprod of 700 factors


@given(problems())
def test_smld_is_multilevel_told_the_index(problem):  # (DDPM.2), (DDPM.5), (DDPM.6)
    d = problem.d
    x0, noise, k = rational.quarters(0, 4, d), rational.quarters(1, 4, d), np.array([4, 1, 3, 2])
    model = LevelAffineScore(problem.matrix, problem.centre)

    def indexed(x, sigma):
        return model(x, k)

    assert_array_equal(smld(model, x0, noise, k, sigmas=SIGMAS), multilevel(indexed, x0, noise, SIGMAS[k - 1]))

    class Indexed:
        def __call__(self, x, sigma):
            return model(x, k)

        def vjp_parameters(self, x, sigma, v):
            return model.vjp_parameters(x, k, v)

    found = smld_gradient(model, x0, noise, k, sigmas=SIGMAS)
    assert_array_equal(found, multilevel_gradient(Indexed(), x0, noise, SIGMAS[k - 1]))

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        level = SIGMAS[k - 1][:, None]
        s = -anp.dot(x0 + level * noise - b, a.T) / k[:, None]
        return 0.5 * anp.sum((level * s + noise) ** 2)

    exact = autograd.grad(total)(model.pack())
    assert (
        np.abs(found - exact) <= 64 * U * (1 + np.abs(exact).max() + (np.abs(x0) + 8 * np.abs(noise)).max() ** 2 * 64)
    ).all()


@pytest.mark.parametrize(
    ("function", "levels"), [(ddpm, "betas"), (ddpm_gradient, "betas"), (smld, "sigmas"), (smld_gradient, "sigmas")]
)
def test_bad_arguments_are_refused(function, levels):
    model, x0 = LevelAffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    good = {"betas": [0.1, 0.2], "sigmas": [2.0, 1.0]}[levels]
    with pytest.raises(ValueError, match=r"k is 0; expected 1 <= k <= 2: codes that count from 0 have k - 1"):
        function(model, x0, x0, 0, **{levels: good})
    with pytest.raises(ValueError, match=r"k is 3; expected 1 <= k <= 2"):
        function(model, x0, x0, [1, 3, 2], **{levels: good})
    with pytest.raises(TypeError, match=r"k has dtype float64; expected integers"):
        function(model, x0, x0, 1.0, **{levels: good})
    with pytest.raises(ValueError, match=r"k has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, x0, x0, [1, 2], **{levels: good})
    with pytest.raises(ValueError, match=r"noise has shape \(2,\); expected \(3, 2\), the shape of x0"):
        function(model, x0, x0[0], 1, **{levels: good})
    if levels == "betas":
        with pytest.raises(ValueError, match=r"betas\[1\] is 1.5; expected a value in \(0, 1\)"):
            function(model, x0, x0, 1, betas=[0.1, 1.5])
    else:
        with pytest.raises(ValueError, match=r"sigmas has shape \(2,\); expected \(L,\), descending"):
            function(model, x0, x0, 1, sigmas=[1.0, 2.0])
        with pytest.raises(ValueError, match=r"sigmas has a value of 0.0; expected sigmas > 0"):
            function(model, x0, x0, 1, sigmas=[1.0, 0.0])


def test_outputs_that_would_broadcast_are_refused():
    zero = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"predict\(x, k\) has shape \(3, 1\); expected \(3, 2\)"):
        ddpm(lambda x, k: x[:, :1], zero, zero, 1, betas=[0.1])
    with pytest.raises(ValueError, match=r"score\(x, k\) has shape \(3, 1\); expected \(3, 2\)"):
        smld(lambda x, k: x[:, :1], zero, zero, 1, sigmas=[1.0])
