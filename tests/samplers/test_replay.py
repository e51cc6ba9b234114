"""samplers/replay.py and samplers/arguments.py: the loop, its tape, and what it refuses."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import Sampler, ancestral_vp, heun_ode, langevin, langevin_step, noisy_score, replay
from refscore.samplers.arguments import grid
from tests.samplers.laws import TARGET, U

SCORE = noisy_score(TARGET)
TIMES = np.linspace(0.9, 0.1, 6)
X = rs.noise.tape(1, 1, (4, 3), 2)[0]


def test_it_is_the_loop():  # (RUN.2)
    z = rs.noise.tape(2, 5, (4, 3), 2)
    x = X
    for k in range(5):
        x = langevin_step(TARGET.score, x, z[k], step_size=0.1)
    np.testing.assert_array_equal(replay(langevin(0.1), SCORE, X, z), x)


def test_the_callback_sees_every_state_once():
    seen = []
    z = rs.noise.tape(2, 5, (4, 3), 2)
    end = replay(ancestral_vp(rs.paths.VP(), TIMES), SCORE, X, z, callback=lambda k, x: seen.append((k, x)))
    assert [k for k, _ in seen] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(seen[-1][1], end)
    halfway = replay(ancestral_vp(rs.paths.VP(), TIMES[:3]), SCORE, X, z[:2])
    np.testing.assert_array_equal(seen[1][1], halfway)


def test_a_run_can_stop_and_resume_anywhere():
    z = rs.noise.tape(2, 5, (4, 3), 2)
    whole = replay(ancestral_vp(rs.paths.VP(), TIMES), SCORE, X, z)
    first = replay(ancestral_vp(rs.paths.VP(), TIMES[:4]), SCORE, X, z[:3])
    np.testing.assert_array_equal(replay(ancestral_vp(rs.paths.VP(), TIMES[3:]), SCORE, first, z[3:]), whole)


def test_arguments_are_not_written_to():
    x, z = X.copy(), rs.noise.tape(2, 5, (4, 3), 2)
    x.setflags(write=False)
    z.setflags(write=False)
    replay(ancestral_vp(rs.paths.VP(), TIMES), SCORE, x, z)
    replay(heun_ode(rs.paths.VP(), TIMES), SCORE, x)


def test_the_score_is_asked_at_the_levels_of_the_path():  # (RUN.1)
    asked, path = [], rs.paths.VP()

    def score(x, alpha, sigma):
        asked.append((alpha, sigma))
        return -x

    replay(heun_ode(path, TIMES), score, X)
    wanted = [t for k in range(5) for t in (TIMES[k], TIMES[k + 1])]
    assert asked == [(float(path.alpha(t)), float(path.sigma(t))) for t in wanted]
    assert heun_ode(path, TIMES).start == asked[0]
    assert heun_ode(path, TIMES).stop == asked[-1]


def test_the_noisy_score_is_the_slope_of_the_noisy_density():
    p, x, h = rs.targets.mixture([0.3, 0.7], [[-1.0], [2.0]]), np.array([[0.4]]), 1e-4
    density = p.perturb(0.6, 0.8).log_prob
    near, far = density(x + h) - density(x - h), density(x + 2 * h) - density(x - 2 * h)
    slope = (8 * near - far) / (12 * h)
    assert abs(noisy_score(p)(x, 0.6, 0.8) - slope).max() <= 8 * U / h  # fourth order: h⁴ is below the rounding u/h


def test_clean_data_are_a_level_too():
    np.testing.assert_allclose(SCORE(X, 1.0, 0.0), TARGET.score(X), rtol=16 * U)


def test_a_sampler_without_memory_may_draw_twice_a_step():
    def step(score, x, k, noise):
        return x + 0.1 * score(x, 1.0, 0.0) + noise[0] - 2 * noise[1]

    two = Sampler("two", 3, 2, 1.0, None, None, step)
    assert repr(two) == "Sampler(two: 3 steps, 2 noise vectors a step)"
    z = rs.noise.tape(2, 6, (4, 3), 2).reshape(3, 2, 4, 3, 2)
    x = X
    for one, other in z:
        x = x + 0.1 * TARGET.score(x) + one - 2 * other
    np.testing.assert_array_equal(replay(two, SCORE, X, z), x)
    shrunk = np.eye(2) - 0.1 * np.linalg.inv(TARGET.cov)
    expected = np.zeros((2, 2))
    for _ in range(3):
        expected = shrunk @ expected @ shrunk + 5 * np.eye(2)
    expected = expected + np.linalg.matrix_power(shrunk, 6)
    np.testing.assert_allclose(rs.exact.law(two, TARGET).cov, expected, rtol=32 * U)
    with pytest.raises(ValueError, match=r"expected a tape of shape \(3, 2, 4, 3, 2\), 2 vectors a step"):
        replay(two, SCORE, X)


def test_no_batch_axis_and_integers():
    assert replay(langevin(1), lambda x, a, s: -x, [4, 2], np.zeros((2, 2))).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (None, r"noise is None, but ancestral \(VP\) draws it; expected a tape of shape \(5, 4, 3, 2\)"),
        (np.zeros((4, 4, 3, 2)), r"noise has shape \(4, 4, 3, 2\); expected \(5, 4, 3, 2\)"),
        (np.zeros((5, 3, 2)), r"noise has shape \(5, 3, 2\); expected \(5, 4, 3, 2\)"),
        (np.zeros(()), r"noise has shape \(\); expected \(5, 4, 3, 2\)"),
        (np.full((5, 4, 3, 2), np.nan), "noise has 120 values that are not finite"),
    ],
)
def test_a_tape_that_does_not_fit_is_refused(noise, message):
    with pytest.raises(ValueError, match=message):
        replay(ancestral_vp(rs.paths.VP(), TIMES), SCORE, X, noise)


def test_noise_for_an_ode_is_refused():
    with pytest.raises(ValueError, match=r"noise is given, but heun \(ode\) draws none; expected noise=None"):
        replay(heun_ode(rs.paths.VP(), TIMES), SCORE, X, np.zeros((5, 4, 3, 2)))


def test_a_step_that_loses_the_shape_is_named():
    bad = Sampler("mine", 2, 0, 1.0, None, None, lambda score, x, k, noise: x if k == 0 else x[0])
    with pytest.raises(ValueError, match=r"the state after step 1 of mine has shape \(3, 2\); expected \(4, 3, 2\)"):
        replay(bad, SCORE, X)


def test_a_run_that_diverges_says_where():
    with pytest.raises(ValueError, match="not finite"), np.errstate(over="ignore"):
        replay(langevin(1e100), SCORE, X, np.zeros((9, 4, 3, 2)))


def test_a_sampler_says_what_it_is():
    assert repr(langevin(0.1)) == "Sampler(langevin: any number of equal steps, one noise vector a step)"
    text = repr(heun_ode(rs.paths.EDM(), [2.0, 1.0]))
    assert text == "Sampler(heun (ode): 1 step from (α, σ) = (1, 2) to (1, 1), no noise)"


def test_a_sampler_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="draws is -1"):
        Sampler("fewer", 1, -1, 1.0, None, None, lambda *_: X)
    with pytest.raises(ValueError, match="n_steps is 0"):
        Sampler("none", 0, 1, 1.0, None, None, lambda *_: X)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.5], r"times has shape \(1,\); expected \(n \+ 1,\)"),
        ([[0.5, 0.1]], "times has shape"),
        ([0.1, 0.5], r"times does not descend: times\[0\] = 0.1, times\[1\] = 0.5"),
        ([0.5, 0.5], "times does not descend"),
        ([1.5, 0.5], "outside"),
    ],
)
def test_bad_grids_are_refused(times, message):
    with pytest.raises(ValueError, match=message):
        grid(rs.paths.VP(), times)
