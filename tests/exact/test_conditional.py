"""exact/conditional.py against cubature of the objectives over (x0, y, ε), and over the dropped conditions."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refscore import exact, objectives, targets
from refscore.models import ConditionalAffineScore
from tests.cubature import U, gauss_hermite, problems, sigma_points

TRUTH = exact.conditional
WEIGHTS = [{}, {"weight": 1}, {"weight": lambda sigma: 3 * sigma}]
P = 0.25


def joint_of(problem):
    """(x0, y) in d + 1 dimensions, y of mean 2: the last row and column carry what y tells."""
    d = problem.d
    factor = np.block([[np.linalg.cholesky(problem.cov), np.zeros((d, 1))], [problem.centre[None], np.ones((1, 1))]])
    law = SimpleNamespace(mean=np.append(problem.mean, 2.0), cov=factor @ factor.T)
    return TRUTH.Pairs(law, d), factor


def place(pairs, factor, z):
    both = pairs.joint.mean + z[:, : pairs.d + 1] @ factor.T
    return both[:, : pairs.d], both[:, pairs.d :], z[:, pairs.d + 1 :]


def model(problem):
    return ConditionalAffineScore(problem.matrix, problem.centre, problem.matrix[:, :1] - 0.5)


def size_of(s, x0, y, noise, sigma):
    reach = np.abs(x0) + sigma * np.abs(noise) + np.abs(s.centre) + np.abs(y) @ np.abs(s.gain).T
    terms = (reach @ np.abs(s.matrix).T + np.abs(noise)) / sigma
    return 0.5 * max(sigma**2, 1, 3 * sigma) * (terms**2).sum(-1)


@pytest.mark.parametrize("keyword", WEIGHTS, ids=["default", "1", "3σ"])
@settings(max_examples=30)
@given(problem=problems())
def test_expectation(keyword, problem):  # (CSM.6)
    s, (pairs, factor) = model(problem), joint_of(problem)
    z, weights = sigma_points(2 * problem.d + 1)
    x0, y, noise = place(pairs, factor, z)
    for sigma in (0.25, 4.0):
        loss = objectives.conditional(s, x0, y, noise, sigma, **keyword)
        found = TRUTH.conditional_expectation(s, pairs, sigma, **keyword)
        assert abs(found - weights @ loss) <= 512 * U * (weights @ size_of(s, x0, y, noise, sigma))


@pytest.mark.parametrize("keyword", WEIGHTS, ids=["default", "1", "3σ"])
@settings(max_examples=20)
@given(problem=problems(max_dim=2))
def test_variance(keyword, problem):
    s, (pairs, factor), sigma = model(problem), joint_of(problem), 0.5
    z, weights = gauss_hermite(2 * problem.d + 1, 3)
    x0, y, noise = place(pairs, factor, z)
    loss = objectives.conditional(s, x0, y, noise, sigma, **keyword)
    found = TRUTH.conditional_variance(s, pairs, sigma, **keyword)
    size = size_of(s, x0, y, noise, sigma)
    assert abs(found - weights @ (loss - weights @ loss) ** 2) <= 1024 * U * (weights @ size**2)


@settings(max_examples=20)
@given(problem=problems(max_dim=2), null=st.sampled_from([2.0, 0.0, -1.0]))
def test_dropout_is_a_mixture_of_tasks(problem, null):  # (CFG.2), (CFG.4)
    s, (pairs, factor), sigma = model(problem), joint_of(problem), 0.5
    z, weights = gauss_hermite(2 * problem.d + 1, 3)
    x0, y, noise = place(pairs, factor, z)
    both = [
        objectives.classifier_free(s, x0, y, noise, sigma, drop=np.full(len(z), drop), null=[null])
        for drop in (False, True)
    ]
    loss, each = np.concatenate(both), np.concatenate([(1 - P) * weights, P * weights])
    keywords = {"probability": P, "null": [null]}
    size = size_of(s, x0, np.maximum(np.abs(y), abs(null)), noise, sigma)
    found = TRUTH.classifier_free_expectation(s, pairs, sigma, **keywords)
    assert abs(found - each @ loss) <= 512 * U * (weights @ size)
    found = TRUTH.classifier_free_variance(s, pairs, sigma, **keywords)
    assert abs(found - each @ (loss - each @ loss) ** 2) <= 1024 * U * (weights @ size**2)


@settings(max_examples=30)
@given(problem=problems(), p=st.sampled_from([0.0, 0.25, 0.75]), null=st.sampled_from([2.0, -1.0]))
def test_the_gradient_at_the_minimiser_is_zero(problem, p, null):  # (CSM.7), (CFG.3)
    pairs, factor = joint_of(problem)
    levels = np.array([0.5, 2.0])
    best = TRUTH.classifier_free_minimiser(pairs, levels, probability=p, null=[null])
    z, _ = sigma_points(2 * problem.d + 1)
    x0, y, noise = place(pairs, factor, z)
    total, scale = 0.0, 0.0
    for sigma in levels:
        for share, drop in ((1 - p, False), (p, True)):
            mask = np.full(len(z), drop)
            gradient = objectives.classifier_free_gradient(best, x0, y, noise, sigma, drop=mask, null=[null])
            total = total + share * gradient / len(z)
            size = size_of(best, x0, np.maximum(np.abs(y), abs(null)), noise, sigma).mean()
            scale += np.sqrt(size) * (1 + np.sqrt((x0**2).sum(-1).mean()) + np.abs(y).max()) * 4
    bound = 512 * U * np.linalg.cond(pairs.joint.cov + np.eye(problem.d + 1)) * scale * (1 + np.abs(best.matrix).max())
    assert np.abs(total).max() <= bound * np.linalg.cond(pairs.joint.cov)


@given(problems(), st.sampled_from([0.5, 2.0]))
def test_at_one_level_it_is_the_score_of_the_joint_gaussian(problem, sigma):  # (CSM.3): a block of the joint score
    pairs, _ = joint_of(problem)
    best = TRUTH.conditional_minimiser(pairs, [sigma])
    d = problem.d
    noisy = pairs.joint.cov + np.diag([sigma**2] * d + [0.0])  # x = x0 + σ ε together with y
    joint = targets.gaussian(pairs.joint.mean, 0.5 * (noisy + noisy.T))
    at = np.append(np.ones(d), -1.0)
    exact_score = joint.score(at)[:d]  # ∇ₓ log p(x | y) = ∇ₓ log p(x, y)
    found = best(at[:d], sigma, at[d:])
    bound = 256 * U * np.linalg.cond(noisy) * (1 + np.abs(exact_score).max() + np.abs(joint.score(at)).max())
    assert np.abs(found - exact_score).max() <= bound * (1 + np.abs(pairs.joint.mean).max())


def test_what_dropout_costs_an_affine_model():
    pairs = TRUTH.Pairs(targets.gaussian([1.0, 2.0], [[4.0, 1.0], [1.0, 1.0]]), 1)
    told = TRUTH.conditional_minimiser(pairs, [1.0])
    mixed = TRUTH.classifier_free_minimiser(pairs, [1.0], probability=0.5, null=[0.0])
    keywords = {"probability": 0.5, "null": [0.0]}
    of_told = TRUTH.classifier_free_expectation(told, pairs, 1.0, **keywords)
    of_mixed = TRUTH.classifier_free_expectation(mixed, pairs, 1.0, **keywords)
    assert of_mixed < of_told
    assert TRUTH.conditional_expectation(told, pairs, 1.0) < TRUTH.conditional_expectation(mixed, pairs, 1.0)


def test_many_levels_at_once():
    pairs = TRUTH.Pairs(targets.gaussian([1.0, 2.0], [[4.0, 1.0], [1.0, 1.0]]), 1)
    s = ConditionalAffineScore([[1.0]], [0.0], [[2.0]])
    every = TRUTH.conditional_expectation(s, pairs, [[0.5, 1.0]])
    assert every.shape == (1, 2)
    assert every[0, 1] == TRUTH.conditional_expectation(s, pairs, 1.0)
    assert TRUTH.classifier_free_variance(s, pairs, [0.5, 1.0], probability=0.5, null=[0.0]).shape == (2,)


def test_bad_arguments_are_refused():
    law = targets.gaussian([1.0, 2.0], [[4.0, 1.0], [1.0, 1.0]])
    pairs, s = TRUTH.Pairs(law, 1), ConditionalAffineScore([[1.0]], [0.0], [[2.0]])
    with pytest.raises(ValueError, match=r"d is 2; expected less than 2, the dimension of \(x0, y\)"):
        TRUTH.Pairs(law, 2)
    with pytest.raises(ValueError, match=r"gain has shape \(1, 2\); expected \(1, 1\), the shape of Cov\(x0, y\)"):
        TRUTH.conditional_expectation(ConditionalAffineScore([[1.0]], [0.0], [[2.0, 1.0]]), pairs, 1.0)
    with pytest.raises(ValueError, match=r"probability is 1.5; expected 0 <= probability <= 1"):
        TRUTH.classifier_free_expectation(s, pairs, 1.0, probability=1.5, null=[0.0])
    with pytest.raises(ValueError, match=r"null has shape \(2,\); expected \(1,\), the shape of one condition"):
        TRUTH.classifier_free_variance(s, pairs, 1.0, probability=0.5, null=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"data.cov is not positive definite"):
        TRUTH.classifier_free_minimiser(pairs, [1.0], probability=1.0, null=[0.0])
    mixture = targets.mixture(weights=[0.5, 0.5], means=[[0.0, 0.0], [1.0, 1.0]], covs=1.0)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        TRUTH.conditional_variance(s, TRUTH.Pairs(mixture, 1), 1.0)
