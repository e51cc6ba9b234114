"""exact/vlb.py: means and variances of the terms by exact nodes; the best variance has no slope left."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

import refscore as rs
from refscore import objectives
from refscore.exact import vlb
from refscore.models import AffineScore
from tests.cubature import U, gauss_hermite, problems, product

BETAS = np.array([0.0625, 0.25, 0.5, 0.5])
ULPS = 1024


@settings(max_examples=40)
@given(problems(max_dim=2))
@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("v", [-2.0, 0.5])
def test_expectation_and_variance(v, k, problem):  # (VLB.19)
    score = AffineScore(problem.matrix, problem.centre)
    path = rs.paths.DiscreteVP(BETAS)
    alpha, sigma = float(path.alpha(k / 4)), float(path.sigma(k / 4))
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0, reach = problem.place(z)
    x = alpha * x0 + sigma * noise
    loss = objectives.vlb_term(-sigma * score(x), np.full_like(x, v), x0, x, k, betas=BETAS)
    mean = weights @ loss
    magnitude = reach + np.abs(noise) + problem.magnitude(alpha * reach + sigma * np.abs(noise))
    size = (magnitude**2).sum(-1) * np.exp(-v) + problem.d * (1 + abs(v))
    assert abs(vlb.vlb_term_expectation(score, problem, k, v, betas=BETAS) - mean) <= ULPS * U * (weights @ size)
    found = vlb.vlb_term_variance(score, problem, k, v, betas=BETAS)
    assert abs(found - weights @ (loss - mean) ** 2) <= ULPS * U * (weights @ size**2)


@given(problems())
def test_prior(problem):
    (z,), weights = product(gauss_hermite(problem.d, 2))
    x0, reach = problem.place(z)
    exact = weights @ objectives.vlb_prior(x0, betas=BETAS)
    found = vlb.vlb_prior_expectation(problem, betas=BETAS)
    assert abs(found - exact) <= 256 * U * (1 + weights @ (reach**2).sum(-1))


@given(problems())
@pytest.mark.parametrize("k", [2, 3, 4])
def test_minimiser(k, problem):  # (VLB.20)
    best, v = vlb.vlb_term_minimiser(problem, k, betas=BETAS)
    least = vlb.vlb_term_expectation(best, problem, k, v, betas=BETAS)
    for step in (-0.125, 0.125):
        assert vlb.vlb_term_expectation(best, problem, k, v + step, betas=BETAS) > least
    other = best.unpack(best.pack() + 0.125)
    assert vlb.vlb_term_expectation(other, problem, k, v, betas=BETAS) > least
    # In expectation over Gaussian data the mean of the squares is d σ_θ² (Var of x_{k-1} given x_k): r plus it is 1.
    small = float(np.exp(objectives.small_log_variance(k, betas=BETAS)))
    keep = 1 - BETAS[k - 1]
    before = np.prod(1 - BETAS[: k - 1])
    values = np.linalg.eigvalsh(problem.cov)
    variance = before * values + 1 - before  # of x_{k-1}
    left = variance * BETAS[k - 1] / (keep * variance + BETAS[k - 1])  # ... given x_k
    assert abs(np.exp(v) - left.mean()) <= 4096 * U * np.linalg.cond(problem.cov) * left.mean()
    assert np.exp(v) > small


def test_refusals():
    data, score = SimpleNamespace(mean=[0], cov=[[1]]), AffineScore([[1]], [0])
    for function in (vlb.vlb_term_expectation, vlb.vlb_term_variance):
        with pytest.raises(ValueError, match=r"k is 1; expected 2 <= k <= 4"):
            function(score, data, 1, 0.0, betas=BETAS)
        with pytest.raises(ValueError, match=r"log_variance has shape \(2,\); expected a single number"):
            function(score, data, 2, [0.0, 0.0], betas=BETAS)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        vlb.vlb_term_variance(score, rs.targets.mixture(weights=[1], means=[[0]]), 2, 0.0, betas=BETAS)
