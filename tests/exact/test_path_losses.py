"""exact/path_losses.py: means and variances by exact nodes in every prediction; no gradient at the minimiser."""

from types import SimpleNamespace

import autograd
import autograd.numpy as anp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import refscore as rs
from refscore import objectives, predictions
from refscore.exact import expectation, path_losses
from refscore.exact.on_mixtures import over_data_and_noise
from refscore.models import AffineScore, LevelAffineScore
from tests.cubature import U, gauss_hermite, problems, product, sigma_points

ULPS = 256  # the sums have up to a few hundred terms, each of some ten operations
ALPHAS = st.sampled_from([0.25, 0.75, 1.0, 2.0])
DOTS = (-0.5, 1.5)
NAMES = ["score", "noise", "data", "v", "velocity"]


def setting(name, score, x0, noise, a, b):
    """A prediction made of the score, its target, and its factor."""
    rates = DOTS if name == "velocity" else ()
    convert = (lambda s, x, *_: s) if name == "score" else getattr(predictions, f"score_to_{name}")
    target = getattr(objectives, f"{name}_target")(x0, noise, *(rates or (a, b)))
    c = 1.0 if name == "score" else getattr(objectives, f"{name}_factor")(a, b, *rates)
    return (lambda x, t: convert(score(x), x, a, b, *rates)), target, float(c)


def size_of(problem, reach, noise, a, b, c, name):
    """Size of the residual's terms in the score's unit, then of the prediction: x itself enters through k x too."""
    x = a * reach + b * np.abs(noise)
    terms = problem.magnitude(x) + np.abs(noise) / b
    if name in ("data", "v", "velocity"):
        scale = {"data": 1, "v": (a**2 + b**2) / b + b, "velocity": abs(DOTS[0]) + a * abs(DOTS[1]) / b}[name]
        terms = terms + scale * (x + b * np.abs(noise)) / a / abs(c) + scale * b**2 * terms / a / abs(c)
    return terms


@given(problems(), ALPHAS)
@pytest.mark.parametrize("name", NAMES)
def test_expectation_in_every_prediction(name, problem, a):  # (PATHL.7), (PATHL.8), (WGT.1)
    score, b = AffineScore(problem.matrix, problem.centre), problem.sigma
    (z, noise), weights = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, reach = problem.place(z)
    predict, target, c = setting(name, score, x0, noise, a, b)
    loss = objectives.path(predict, x0, noise, 0, alpha=a, sigma=b, target=target, weight=3)
    weight = float(objectives.reweighted(3, c, 1))
    found = path_losses.path_expectation(score, problem, alpha=a, sigma=b, weight=weight)
    size = 0.5 * weight * (size_of(problem, reach, noise, a, b, c, name) ** 2).sum(-1)
    assert abs(found - weights @ loss) <= ULPS * U * (weights @ size)


@settings(max_examples=40)
@given(problems(max_dim=2), ALPHAS)
@pytest.mark.parametrize("name", NAMES)
def test_variance_in_every_prediction(name, problem, a):  # (PATHL.9)
    score, b = AffineScore(problem.matrix, problem.centre), problem.sigma
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0, reach = problem.place(z)
    predict, target, c = setting(name, score, x0, noise, a, b)
    loss = objectives.path(predict, x0, noise, 0, alpha=a, sigma=b, target=target)
    exact = weights @ (loss - weights @ loss) ** 2
    found = path_losses.path_variance(score, problem, alpha=a, sigma=b, weight=c**2)
    size = 0.5 * c**2 * (size_of(problem, reach, noise, a, b, c, name) ** 2).sum(-1)
    assert abs(found - exact) <= ULPS * U * (weights @ size**2)


@given(problems(), ALPHAS)
def test_gradient_vanishes_at_the_minimiser(problem, a):  # (PATHL.10)
    b = problem.sigma
    best = path_losses.path_minimiser(problem, alpha=a, sigma=b)
    model = LevelAffineScore(best.matrix, best.centre)  # told t = 1 it is that score
    (z, noise), _ = product(sigma_points(problem.d), sigma_points(problem.d))
    x0, _ = problem.place(z)
    target = objectives.score_target(x0, noise, a, b)
    gradient = objectives.path_gradient(model, x0, noise, 1, alpha=a, sigma=b, target=target)
    x = np.abs(a * (x0 - problem.mean)) + b * np.abs(noise)
    terms = x @ np.abs(best.matrix) + np.abs(noise) / b
    reach = x + 2 * np.abs(best.centre)
    bound = np.concatenate([(terms.T @ reach).ravel(), terms.sum(0) @ np.abs(best.matrix) + terms.sum(0)])
    bound *= np.linalg.cond(a**2 * problem.cov + b**2 * np.eye(problem.d))
    assert (np.abs(gradient) <= 64 * problem.d * U * bound).all()


@given(problems(), ALPHAS)
def test_the_minimiser_is_the_score_of_the_noised_data(problem, a):
    # By the perturbed Gaussian of refscore.targets, which has its own factorisation.
    b = problem.sigma
    best = path_losses.path_minimiser(problem, alpha=a, sigma=b)
    noised = rs.targets.gaussian(problem.mean, problem.cov).perturb(a, b)
    x = noised.mean + np.concatenate([np.eye(problem.d), -2 * np.eye(problem.d)])
    condition = np.linalg.cond(a**2 * problem.cov + b**2 * np.eye(problem.d))
    size = (np.abs(x) + np.abs(noised.mean)) @ np.abs(best.matrix)
    assert (np.abs(best(x) - noised.score(x)) <= 64 * problem.d * U * condition * size.max()).all()


@given(problems(), ALPHAS)
def test_every_step_away_costs(problem, a):
    b = problem.sigma
    best = path_losses.path_minimiser(problem, alpha=a, sigma=b)
    least = path_losses.path_expectation(best, problem, alpha=a, sigma=b)
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = rng.integers(-4, 5, best.pack().size) / 8 * (1 + np.abs(best.pack()))
        if step.any():
            other = best.unpack(best.pack() + step)
            assert path_losses.path_expectation(other, problem, alpha=a, sigma=b) > least


@given(problems(max_dim=2))
@pytest.mark.parametrize("sigma_data", [0.5, 2.0])
def test_edm(sigma_data, problem):  # (EDML.4)
    score, b = AffineScore(problem.matrix, problem.centre), problem.sigma
    (z, noise), weights = product(gauss_hermite(problem.d, 3), gauss_hermite(problem.d, 3))
    x0, reach = problem.place(z)
    loss = objectives.edm(lambda x, s: x + b**2 * score(x), x0, noise, b, sigma_data=sigma_data)
    mean = weights @ loss
    weight = 2 * (1 / b**2 + 1 / sigma_data**2) * b**4
    terms = size_of(problem, reach, noise, 1, b, b**2, "data")
    size = 0.5 * weight * (terms**2).sum(-1)
    assert abs(path_losses.edm_expectation(score, problem, b, sigma_data=sigma_data) - mean) <= ULPS * U * (
        weights @ size
    )
    found = path_losses.edm_variance(score, problem, b, sigma_data=sigma_data)
    assert abs(found - weights @ (loss - mean) ** 2) <= ULPS * U * (weights @ size**2)
    best = path_losses.edm_minimiser(problem, b)
    assert np.array_equal(best.matrix, path_losses.path_minimiser(problem, alpha=1, sigma=b).matrix)


def test_the_likelihood_weight_is_its_own_integral_over_uniform_levels():
    # ∫ ½ g² E|s + ε/σ|² dt = Z · E over times of (WGT.16) of ½ E|σ s + ε|²: Gauss-Legendre in t and in u.
    path, p = rs.paths.VP(), rs.targets.gaussian([1.0], 4.0)
    low, high = 0.05, 0.95
    score = AffineScore([[0.5]], [0.25])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t = 0.5 * (low + high) + 0.5 * (high - low) * nodes
    one = sum(
        0.5 * (high - low) * w * path_losses.path_expectation(
            score, p, alpha=float(path.alpha(s)), sigma=float(path.sigma(s)), weight=float(path.diffusion(s) ** 2)
        )
        for s, w in zip(t, weights, strict=True)
    )  # fmt: skip
    drawn = objectives.likelihood_time(0.5 + 0.5 * nodes, path, low, high)
    z = objectives.likelihood_normaliser(path, low, high)
    other = z * sum(
        0.5 * w * path_losses.path_expectation(
            score, p, alpha=float(path.alpha(s)), sigma=float(path.sigma(s)), weight=float(path.sigma(s) ** 2)
        )
        for s, w in zip(drawn, weights, strict=True)
    )  # fmt: skip
    assert abs(one - other) <= 1e-12 * one


def test_the_gradient_of_another_prediction_is_the_scores_reweighted():
    # path_gradient of the score with weight c² against autograd through the conversion to v.
    a, b, x0, noise = 0.75, 0.5, np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.5, 1.0], [-1.0, 2.0]])
    model = LevelAffineScore([[1.5, -0.5], [0.25, 2]], [0.5, -1])
    x = a * x0 + b * noise

    def total(theta):
        s = -anp.dot(x - theta[4:], anp.reshape(theta[:4], (2, 2)).T)
        v = -a * b * s - b * (x + b**2 * s) / a
        return 0.5 * anp.sum((v - (a * noise - b * x0)) ** 2)

    target, weight = objectives.score_target(x0, noise, a, b), objectives.v_factor(a, b) ** 2
    found = objectives.path_gradient(model, x0, noise, 1, alpha=a, sigma=b, target=target, weight=weight)
    exact = autograd.grad(total)(model.pack())
    assert np.abs(found - exact).max() <= 64 * U * np.abs(exact).max()


@pytest.mark.parametrize("name", ["score", "noise", "data", "v"])
def test_mixtures_in_every_prediction(name):
    # A score that bends; the loss over (x0, ε) as an integral in two dimensions, through the conversion itself.
    p, a, b = rs.targets.mixture([0.25, 0.75], [[-2], [1]], [0.5, 2]), 0.75, 0.5
    score = rs.models.TargetScore(rs.targets.mixture([0.5, 0.5], [[-1], [1]]))

    def loss(x0, noise):
        predict, target, _ = setting(name, score, x0, noise, a, b)
        return objectives.path(predict, x0, noise, 0, alpha=a, sigma=b, target=target, weight=3)

    exact = over_data_and_noise(loss, p, rtol=1e-8)
    weight = float(objectives.reweighted(3, setting(name, score, [[0.0]], [[0.0]], a, b)[2], 1))
    found = path_losses.path_on_mixture(score, p, alpha=a, sigma=b, weight=weight)
    for one, other in zip(found, exact, strict=True):
        assert abs(one.value - other.value) <= one.error + other.error
        assert one.error <= 1e-8 * one.value


def test_the_perfect_score_of_a_mixture_leaves_the_posterior_variance():
    p, a, b = rs.targets.mixture([0.25, 0.75], [[-2], [1]], [0.5, 2]), 0.75, 0.5
    noised = p.perturb(a, b)
    found = path_losses.path_on_mixture(noised.score, p, alpha=a, sigma=b, weight=b**4 / a**2).expectation

    def half_variance(x):
        return 0.5 * p.posterior_covariance(x, alpha=a, sigma=b)[:, 0, 0]

    exact = expectation(half_variance, noised)
    assert abs(found.value - exact.value) <= found.error + exact.error


def test_bad_arguments_are_refused():
    data, score = SimpleNamespace(mean=[0], cov=[[1]]), AffineScore([[1]], [0])
    for function in (path_losses.path_expectation, path_losses.path_variance):
        with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
            function(score, data, alpha=1, sigma=0)
        with pytest.raises(ValueError, match=r"alpha is -1.0; expected alpha >= 0"):
            function(score, data, alpha=-1, sigma=1)
        with pytest.raises(ValueError, match=r"weight is -1.0; expected weight >= 0"):
            function(score, data, alpha=1, sigma=1, weight=-1)
        with pytest.raises(ValueError, match=r"data.mean has shape \(2,\); expected \(1,\)"):
            function(score, SimpleNamespace(mean=[0, 0], cov=np.eye(2)), alpha=1, sigma=1)
    with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma > 0"):
        path_losses.path_minimiser(data, alpha=1, sigma=-1)
    line = rs.targets.mixture(weights=[1], means=[[0]])
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        path_losses.path_on_mixture(line.score, line, alpha=0, sigma=1)
    with pytest.raises(ValueError, match=r"weight is -1.0; expected weight >= 0"):
        path_losses.path_on_mixture(line.score, line, alpha=1, sigma=1, weight=-1)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        path_losses.path_variance(score, rs.targets.mixture(weights=[1], means=[[0]]), alpha=1, sigma=1)
    with pytest.raises(ValueError, match=r"sigma_data is 0.0; expected sigma_data > 0"):
        path_losses.edm_expectation(score, data, 1, sigma_data=0)
