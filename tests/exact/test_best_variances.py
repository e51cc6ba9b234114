"""exact/best_variances.py: against Bayes' rule for (x_s, x_t), and as the least of the divergence they are best in."""

import itertools
from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.exact.best_variances import best_variance, best_variances, mean_square_score
from refscore.samplers import ancestral_vp, large_variance, learned_fraction, learned_variance, small_variance
from tests.samplers.laws import SPANS, TARGET, VALUES, U, marginal

DIAGONAL = rs.targets.gaussian([0.7, -1.0], [0.25, 4.0])


def conditional(target, a_t, s_t, a_s, s_s):
    """Cov[x_s | x_t] of the joint Gaussian: no score and no Tweedie."""
    upper, lower, a = a_t**2 * target.cov + s_t**2 * np.eye(2), a_s**2 * target.cov + s_s**2 * np.eye(2), a_t / a_s
    return lower - a**2 * lower @ np.linalg.solve(upper, lower)


def steps(name, times):
    path = SPANS[name][0]
    for t, s in itertools.pairwise(times):
        yield tuple(float(f(at)) for at in (t, s) for f in (path.alpha, path.sigma))


@pytest.mark.parametrize("name", ["VP", "EDM", "Flow"])
def test_the_variances_are_those_of_the_conditional_law(name):  # (BVA.1) (BVA.3) (LRN.2) (LRN.4)
    for target in (TARGET, DIAGONAL):
        for at in steps(name, [0.9, 0.5, 0.3]):
            expected = np.diag(conditional(target, *at))
            scale = 64 * U * (at[2] ** 2 * target.cov.max() + at[3] ** 2)
            np.testing.assert_allclose(best_variances(target)(*at), expected, atol=scale)
            np.testing.assert_allclose(best_variance(target)(*at), expected.mean(), atol=scale)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_every_step_is_exact_where_the_shape_allows(n):
    path, first, last = SPANS["VP"]
    times = np.linspace(first, last, n + 1)
    round_one = rs.targets.gaussian([0.7, -1.0], 0.3)
    for target, variance in ((round_one, best_variance(round_one)), (DIAGONAL, best_variances(DIAGONAL))):
        ends = [target.perturb(float(path.alpha(t)), float(path.sigma(t))) for t in (first, last)]
        law = rs.exact.law(ancestral_vp(path, times, variance=variance), target, ends[0])
        assert rs.exact.wasserstein2(law, ends[1]) <= 1e-13


def test_the_mean_of_the_steps_is_kept_on_any_gaussian():
    """One number for both eigenvectors: neither variance is right after a step, but their sum is."""
    path, first, _ = SPANS["VP"]
    law = rs.exact.law(ancestral_vp(path, [first, 0.5], variance=best_variance(TARGET)), TARGET, marginal(path, first))
    exact = marginal(path, 0.5)
    assert abs(np.trace(law.cov) - np.trace(exact.cov)) <= 1e-13
    assert np.abs(law.cov - exact.cov).max() > 1e-3


def test_the_law_along_the_eigenvectors_with_a_variance_for_each():
    path, first, last = SPANS["VP"]

    def each(a_t, s_t, a_s, s_s):
        upper, lower = a_t**2 * VALUES + s_t**2, a_s**2 * VALUES + s_s**2
        return lower - (a_t / a_s) ** 2 * lower**2 / upper

    _, variance = recursions.ancestral_vp(VALUES, path, np.linspace(first, last, 5), noise=each).law(
        0.0, start_variance=float(path.alpha(first)) ** 2 * VALUES + float(path.sigma(first)) ** 2
    )
    np.testing.assert_allclose(
        variance, float(path.alpha(last)) ** 2 * VALUES + float(path.sigma(last)) ** 2, rtol=1e-13
    )


def test_the_mixture_by_the_variance_of_its_posterior():
    """E tr Cov[x0 | x_t] by Tweedie's covariance instead of the square of the score."""
    p, a, s = rs.targets.mixture([0.3, 0.7], [[-1.0], [2.0]], [0.25, 0.5]), 0.6, 0.8
    noisy = p.perturb(a, s)
    curvature = rs.exact.expectation(lambda x: noisy.score_trace(x), noisy).value
    assert abs(mean_square_score(p, a, s) + curvature) <= 1e-9
    unknown = (s**2 / a**2) * (1 + s**2 * curvature)
    at = (a, s, 0.8, 0.6)
    tau = large_variance(*at) / s**2
    assert abs(best_variance(p)(*at) - (small_variance(*at) + (tau * 0.8) ** 2 * unknown)) <= 1e-9


def test_no_other_variance_is_nearer():
    """The mean divergence of the conditional law from the step is ½ (Σ*/Σ - 1 - log Σ*/Σ) per dimension more."""
    at = next(steps("VP", [0.6, 0.4]))
    exact = rs.targets.gaussian(np.zeros(2), conditional(TARGET, *at))
    best = float(best_variance(TARGET)(*at))

    def divergence(variance):
        return rs.exact.kl(exact, rs.targets.gaussian(np.zeros(2), variance))

    least = divergence(best)
    for factor in (0.5, 0.99, 1.01, 2.0):
        assert abs(divergence(factor * best) - least - (1 / factor - 1 + np.log(factor))) <= 1e-13


def test_where_the_best_fraction_lies():
    """In [0, 1] for data no wider than N(0, 1) under α² + σ² = 1, above 1 for wider ones."""
    at = next(steps("VP", [0.6, 0.4]))
    for variance, low, high in ((1e-12, -1e-9, 1e-9), (0.5, 0, 1), (1.0, 1 - 1e-12, 1 + 1e-12), (4.0, 1, np.inf)):
        v = learned_fraction(best_variance(rs.targets.gaussian([0.0], variance))(*at), *at)
        assert low <= v <= high
    assert abs(learned_variance(v, *at) - best_variance(rs.targets.gaussian([0.0], 4.0))(*at)) <= 16 * U


def test_the_faults_are_seen():
    at = next(steps("VP", [0.6, 0.4]))
    right = best_variance(TARGET)(*at)
    gamma, (a_t, s_t, a_s, _) = mean_square_score(TARGET, *at[:2]), at
    step = large_variance(*at) * a_s / a_t
    for wrong in (
        small_variance(*at) + step**2 * (1 - s_t * gamma) / s_t**2,
        small_variance(*at) + step * (1 - s_t**2 * gamma) / s_t**2,
        large_variance(*at) + step**2 * (1 - s_t**2 * gamma) / s_t**2,
        small_variance(*at) + step**2 * (1 - s_t**2 * 2 * gamma) / s_t**2,  # summed over d, not averaged
    ):
        assert abs(wrong - right) > 1e-3


def test_bad_arguments_are_named():
    wide = rs.targets.mixture([0.5, 0.5], np.zeros((2, 3)))
    with pytest.raises(ValueError, match="dimension"):
        mean_square_score(wide, 0.6, 0.8)
    with pytest.raises(ValueError, match=r"alpha is 0.0; expected alpha > 0"):
        mean_square_score(TARGET, 0.0, 1.0)


@pytest.mark.parametrize("variance", [best_variance(TARGET), best_variances(DIAGONAL)], ids=["one", "each"])
def test_levels_the_other_way_round_are_named(variance):
    with pytest.raises(ValueError, match=r"the step goes up: from σ/α = 0\.75 to 1\.33333; expected less noise at s"):
        variance(0.8, 0.6, 0.6, 0.8)
    with pytest.raises(ValueError, match=r"alpha_s is 0\.0; expected alpha_s > 0"):
        variance(0.6, 0.8, 0.0, 1.0)


def test_partial_is_a_variance_of_the_sampler():
    sampler = ancestral_vp(rs.paths.VP(), [0.9, 0.1], variance=partial(learned_variance, 0.5))
    assert sampler.draws == 1
