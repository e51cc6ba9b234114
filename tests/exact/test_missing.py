"""exact/missing.py: means over exact nodes of the objective with exact imputations; minimisers by their slope."""

import itertools

import numpy as np
import pytest
from hypothesis import given

from refscore.exact import expectations, variances
from refscore.exact.missing import (
    missing_marginal_expectation,
    missing_marginal_minimiser,
    missing_marginal_variance,
)
from refscore.models import AffineScore, QuadraticEnergy
from refscore.objectives import LogDensity, missing_marginal, missing_marginal_gradient
from refscore.targets import gaussian, mixture
from tests.cubature import U, gauss_hermite, problems

COV = np.array([[1.0, 0.6, 0.2], [0.6, 1.5, -0.3], [0.2, -0.3, 0.8]])
DATA = gaussian([0.5, -1.0, 0.25], COV)
MODEL = QuadraticEnergy([[2, 0.5, 0], [0.5, 1, 0.25], [0, 0.25, 3]], [1, 0, 0])
PATTERNS = np.array([p for p in itertools.product([True, False], repeat=3) if any(p)])
SHARES = np.array([8, 1, 2, 3, 4, 2, 4]) / 24


def of_pattern(function, model, x, seen):
    """The objective with nodes of the model's conditional law for imputations: the proposal is told so that q/p' is the
    weight of the node, hence means under the conditional law are exact, of polynomials of degree 5 at most."""
    precision, k = model.symmetric, int((~seen).sum())
    steps, shares = gauss_hermite(k, 3) if k else (np.zeros((1, 0)), np.ones(1))
    draws = np.zeros((len(steps), *x.shape))
    inner, across = precision[np.ix_(~seen, ~seen)], precision[np.ix_(~seen, seen)]
    centre = model.centre[~seen] - (x - model.centre)[:, seen] @ np.linalg.solve(inner, across).T
    draws[:, :, ~seen] = centre + (steps @ np.linalg.cholesky(np.linalg.inv(inner)).T)[:, None]
    proposal = model.log_prob(np.where(seen, x, draws)) - np.log(shares)[:, None]
    return function(LogDensity(model), x, np.broadcast_to(seen, x.shape), draws, proposal_log_prob=proposal)


def nodes():
    z, weights = gauss_hermite(3)
    return DATA.mean + z @ np.linalg.cholesky(COV).T, weights


def test_expectation_and_variance_are_those_of_the_objective():  # (MIS.5) (MIS.6) (MIS.7)
    x, weights = nodes()
    values = np.stack([of_pattern(missing_marginal, MODEL, x, seen) for seen in PATTERNS])
    first = SHARES @ values @ weights
    second = SHARES @ (values - first) ** 2 @ weights
    assert abs(missing_marginal_expectation(MODEL, DATA, PATTERNS, SHARES) - first) <= 1e-12
    assert abs(missing_marginal_variance(MODEL, DATA, PATTERNS, SHARES) - second) <= 1e-11


def test_the_mean_gradient_vanishes_at_the_minimiser():  # (MIS.8)
    best, (z, _) = missing_marginal_minimiser(DATA), gauss_hermite(3, 2)  # two nodes an axis: equal weights
    x = DATA.mean + z @ np.linalg.cholesky(COV).T
    for seen in PATTERNS:  # each pattern by itself
        pull = of_pattern(missing_marginal_gradient, best, x, seen)
        assert np.abs(pull).max() <= 1e-12
    value = missing_marginal_expectation(best, DATA, PATTERNS, SHARES)
    theta = best.pack()
    for i in range(12):
        for step in (0.0625, -0.0625):
            other = best.unpack(theta + step * np.eye(12)[i])
            assert missing_marginal_expectation(other, DATA, PATTERNS, SHARES) > value


@given(problems())
def test_with_everything_observed_it_is_the_implicit_objective(problem):
    model = QuadraticEnergy(problem.matrix, problem.centre)
    score, all_seen = AffineScore(model.symmetric, model.centre), np.ones((1, problem.d), bool)
    size = (np.abs(problem.matrix).sum() + 1) ** 2 * (np.abs(problem.cov).sum() + 16)
    data = gaussian(problem.mean, problem.cov)
    got = missing_marginal_expectation(model, data, all_seen, [1])
    assert abs(got - expectations.implicit(score, data)) <= 64 * U * size
    got = missing_marginal_variance(model, data, all_seen, [1])
    assert abs(got - variances.implicit(score, data)) <= 512 * U * size**2


def test_the_minimum_is_minus_half_the_information_of_the_marginals():
    best = missing_marginal_minimiser(DATA)
    informations = [np.trace(np.linalg.inv(COV[np.ix_(s, s)])) for s in PATTERNS]
    assert abs(missing_marginal_expectation(best, DATA, PATTERNS, SHARES) + 0.5 * SHARES @ informations) <= 1e-13


def test_bad_arguments_are_refused():
    for function in (missing_marginal_expectation, missing_marginal_variance):
        with pytest.raises(TypeError, match="patterns has dtype int64; expected bool"):
            function(MODEL, DATA, PATTERNS.astype(np.int64), SHARES)
        with pytest.raises(ValueError, match=r"patterns has shape \(7, 2\); expected \(k, 3\)"):
            function(MODEL, DATA, PATTERNS[:, :2], SHARES)
        with pytest.raises(ValueError, match=r"shares sum to 2.0; expected 1"):
            function(MODEL, DATA, PATTERNS[:2], [1, 1])
        with pytest.raises(ValueError, match=r"shares has shape \(2,\); expected \(7,\), the shape of the patterns"):
            function(MODEL, DATA, PATTERNS, [1, 1])
    with pytest.raises(TypeError):
        missing_marginal_variance(MODEL, mixture([0.5, 0.5], [[0, 0, 0], [1, 1, 1]]), PATTERNS, SHARES)
