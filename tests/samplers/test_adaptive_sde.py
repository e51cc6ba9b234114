"""samplers/adaptive_sde.py: the paper's algorithm, weak order 2, accepted steps on their own grid, the noise."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

import refscore as rs
from refscore.exact.recursions import Recursion
from refscore.samplers import (
    adaptive_run,
    adaptive_sde_step,
    adaptive_start,
    improved_euler,
    improved_euler_step,
    predictable_sde_step,
)
from tests.samplers.adaptive import FIRST, LAST, PATH, X, accepted, check_nothing_is_skipped, realised, timed
from tests.samplers.laws import SPANS, TARGET, U, check_law, check_order
from tests.samplers.solvers import levels

TAPE = rs.noise.tape(1, 900, 3, 2)


def coefficients(values, path, t):
    f, alpha, sigma = path.drift_rate(t), path.alpha(t), path.sigma(t)
    g2, total = path.diffusion(t) ** 2, alpha**2 * values + sigma**2
    return f + g2 / total, -g2 * alpha / total, np.sqrt(g2)


def recursion(values, path, times):
    """x'' along an eigenvector: b(x, t) = p_t x + q_t m."""
    rows = []
    for t, s in itertools.pairwise(times):
        (p_t, q_t, g_t), (p_s, q_s, g_s), h = coefficients(values, path, t), coefficients(values, path, s), t - s
        c, b, n = 1 - h * p_t, -h * q_t, np.sqrt(h) * g_t
        rows.append(
            (
                0.5 * (c + 1 - h * p_s * c),
                0.5 * (b - h * p_s * b - h * q_s),
                (0.5 * (n - h * p_s * n + np.sqrt(h) * g_s)) ** 2,
            )
        )
    return Recursion(*(np.array(column) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize("name", SPANS)
def test_the_law_is_that_along_the_eigenvectors(name):  # (ASD.1)
    check_law(improved_euler, recursion, SPANS[name])


@pytest.mark.parametrize("name", ["VP", "EDM", "Cosine"])
def test_weak_order(name):
    check_order(improved_euler, SPANS[name], 2)


def test_one_attempt_in_the_letters_of_the_paper():
    """Algorithm 1 with f, g and a score that bends, sample by sample."""
    path, eps_rel, eps_abs, theta, r, end = rs.paths.VP(), 0.1, 0.05, 0.8, 0.7, 0.2

    def score(x, t):
        return np.sin(x + np.asarray(t)[..., None])

    before = rs.noise.tape(2, 1, 3, 2)[0]
    state = adaptive_start(X, t=[0.9, 0.9, 0.4], h=[0.02, 0.3, 0.5])._replace(previous=before)
    found = adaptive_sde_step(
        score, state, TAPE[0], path=path, t_stop=end, rtol=eps_rel, atol=eps_abs, safety=theta, exponent=r
    )
    seen = set()
    for i in range(3):
        x, z, t = X[i], TAPE[0, i], state.t[i]
        h = min(t - end, state.h[i])
        f, g = lambda y, at: path.drift_rate(at) * y, path.diffusion
        low = x - h * f(x, t) + h * g(t) ** 2 * score(x, t) + np.sqrt(h) * g(t) * z
        other = x - h * f(low, t - h) + h * g(t - h) ** 2 * score(low, t - h) + np.sqrt(h) * g(t - h) * z
        high = 0.5 * (low + other)
        delta = np.maximum(eps_abs, eps_rel * np.maximum(abs(low), abs(before[i])))
        e2 = np.linalg.norm((low - high) / delta) / np.sqrt(2)
        seen.add(bool(e2 <= 1))
        np.testing.assert_allclose(found.x[i], high if e2 <= 1 else x, rtol=1e-13)
        np.testing.assert_allclose(found.previous[i], low if e2 <= 1 else before[i], rtol=1e-13)
        assert abs(found.t[i] - (t - h if e2 <= 1 else t)) <= U
        assert abs(found.h[i] / (theta * h * e2**-r) - 1) <= 1e-12
    assert seen == {True, False}


def run(x, tape, tol, rows=slice(None), **options):
    def step(state, z):
        return adaptive_sde_step(timed, state, z, path=PATH, t_stop=LAST, rtol=tol, atol=tol, **options)

    return adaptive_run(step, adaptive_start(x, t=FIRST, h=0.01), t_stop=LAST, noise=tape)


def test_accepted_steps_are_the_fixed_method_on_their_grid():
    states = run(X, TAPE, 0.02)
    check_nothing_is_skipped(states, LAST)
    assert not accepted(states).all()
    for i in range(3):
        times, moved = realised(states, i)
        score = rs.samplers.noisy_score(TARGET)
        fixed = rs.samplers.replay(improved_euler(PATH, times), score, X[i], TAPE[moved, i])
        # some 20 roundings a step, and the drift's stiffness forgets them
        np.testing.assert_allclose(states[-1].x[i], fixed, atol=len(times) * 200 * U)


def test_samples_do_not_see_each_other():
    together = run(X, TAPE, 0.05)
    for i in range(3):
        alone = run(X[i : i + 1], TAPE[:, i : i + 1], 0.05)
        np.testing.assert_allclose(together[-1].x[i], alone[-1].x[0], rtol=1e-9)  # rounding of products of other shapes
        bare = run(X[i], TAPE[:, i], 0.05)
        np.testing.assert_allclose(bare[-1].x, alone[-1].x[0], rtol=1e-9)
        assert len(bare) == len(alone)


def test_without_noise_error_and_steps_follow_the_tolerance():
    """z = 0 is the mean of the reverse SDE, E[x_s | x_t]: errors go with the tolerance, steps with its root."""
    (a_t, s_t), (a_s, s_s) = levels(PATH, FIRST), levels(PATH, LAST)
    upper, lower = a_t**2 * TARGET.cov + s_t**2 * np.eye(2), a_s**2 * TARGET.cov + s_s**2 * np.eye(2)
    exact = a_s * TARGET.mean + a_t / a_s * (X - a_t * TARGET.mean) @ np.linalg.solve(upper, lower)
    runs = [run(X, np.zeros((4000, 3, 2)), tol, exponent=0.5) for tol in (1e-4, 1e-5)]
    coarse, fine = (np.abs(states[-1].x - exact).max() for states in runs)
    assert fine < 10 * 1e-5
    assert abs(np.log10(coarse / fine) - 1) < 0.1
    few, many = (accepted(states).sum() for states in runs)
    assert abs(np.log10(many / few) - 0.5) < 0.03


def test_the_noise_that_is_accepted_is_not_normal():
    """No drift, g² = 2t: E is √h (g(t) - g(s)) |z|/2 over ε_abs, and what is accepted is a truncated normal."""
    n, t, h, atol = 4001, 2.0, 1.0, 0.2
    z = norm.ppf((np.arange(n) + 0.5) / n)[:, None]
    start = adaptive_start(np.zeros((n, 1)), t=t, h=h)
    options = {"path": rs.paths.EDM(), "t_stop": 0.5, "rtol": 0.0, "atol": atol}
    after = adaptive_sde_step(lambda x, at: 0 * x, start, z, **options)
    moved = after.t < t
    cut = 2 * atol / (np.sqrt(h) * (2 - np.sqrt(2)))
    np.testing.assert_array_equal(moved, np.abs(z[:, 0]) <= cut)
    share = 1 - 2 * cut * norm.pdf(cut) / (2 * norm.cdf(cut) - 1)
    scale = 0.5 * (2 + np.sqrt(2)) * np.sqrt(h)
    assert abs((after.x[moved, 0] ** 2).mean() / scale**2 - share) <= 2e-3  # the quantiles' own error
    assert share < 0.3  # of the variance that the step should have


def test_without_rejection_a_step_is_the_fixed_method_and_its_length_knows_no_noise_of_its_own():  # (ASD.3)
    def step(state, z):
        return predictable_sde_step(timed, state, z, path=PATH, t_stop=LAST, rtol=0.05, atol=0.05, growth=1.5)

    states = adaptive_run(step, adaptive_start(X, t=FIRST, h=0.01), t_stop=LAST, noise=TAPE)
    check_nothing_is_skipped(states, LAST)
    for i in range(3):
        times, moved = realised(states, i)
        assert (moved == np.arange(len(moved))).all()
        fixed = rs.samplers.replay(improved_euler(PATH, times), rs.samplers.noisy_score(TARGET), X[i], TAPE[moved, i])
        np.testing.assert_allclose(states[-1].x[i], fixed, atol=len(times) * 200 * U)
        lengths = -np.diff(times)
        assert (lengths[1:] <= 1.5 * lengths[:-1] + 8 * U).all()
    other = adaptive_start(X, t=FIRST, h=0.01)
    for k in range(5):
        assert (step(other, TAPE[k]).t == step(other, -3 * TAPE[k]).t).all()
        other = step(other, TAPE[k])


def test_both_have_the_same_step_where_it_is_accepted():
    start = adaptive_start(X, t=FIRST, h=0.01)
    options = {"path": PATH, "t_stop": LAST, "rtol": 10.0}
    one, two = (f(timed, start, TAPE[0], **options) for f in (adaptive_sde_step, predictable_sde_step))
    for part, other in zip(one[:3], two[:3], strict=True):
        np.testing.assert_array_equal(part, other)
    np.testing.assert_allclose(two.h, 0.02, rtol=1e-12)  # growth; E is small
    assert (one.h > 0.02).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"noise has shape \(3,\); expected \(3, 2\), the shape of state.x"):
        adaptive_sde_step(timed, adaptive_start(X, t=FIRST, h=0.01), np.zeros(3), path=PATH, t_stop=LAST)
    with pytest.raises(ValueError, match=r"growth is 0.0; expected growth > 0"):
        predictable_sde_step(timed, adaptive_start(X, t=FIRST, h=0.01), X, path=PATH, t_stop=LAST, growth=0.0)
    with pytest.raises(ValueError, match="expected s < t"):
        improved_euler_step(timed, X, 0.1, 0.5, X, path=PATH)
