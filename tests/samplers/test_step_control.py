"""samplers/step_control.py: the error norm, accept and reject by hand, shapes, what is refused."""

import numpy as np
import pytest

from refscore.samplers import Adaptive, adaptive_run, adaptive_start
from refscore.samplers.step_control import attempt, scaled_error


def test_the_error_in_the_letters_of_the_paper():  # (STC.1)
    low, high, before = np.array([[1.0, -4.0, 0.0]]), np.array([[1.5, -3.0, 0.1]]), np.array([[-3.0, 2.0, 0.0]])
    delta = [max(0.05, 0.1 * 3), max(0.05, 0.1 * 4), 0.05]
    expected = np.sqrt(np.mean([(0.5 / delta[0]) ** 2, (1 / delta[1]) ** 2, (0.1 / delta[2]) ** 2]))
    assert abs(scaled_error(low, high, before, rtol=0.1, atol=0.05)[0] - expected) <= 1e-15 * expected


def pair(error):
    """A method whose solutions differ by `error` at the place of each sample, on steps of the asked length."""

    def solve(x, t, h, rows):
        s = np.where(h >= t, 0.0, t - h)
        return x + 1.0, x + 1.0 + np.asarray(error)[rows, None], s, t - s

    return solve


OPTIONS = {"t_stop": 0.0, "rtol": 0.0, "atol": 0.5, "safety": 0.9, "exponent": 0.5}


def test_accept_and_reject_by_hand():  # (STC.2)
    start = adaptive_start([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]], t=1.0, h=[0.25, 0.25, 2.0])
    after = attempt(start, pair([0.125, 2.0, 0.5]), **OPTIONS)
    np.testing.assert_array_equal(after.x, [[1.125, 1.125], [0.0, 0.0], [1.5, 1.5]])
    np.testing.assert_array_equal(after.previous, [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(after.t, [0.75, 1.0, 0.0])
    np.testing.assert_allclose(after.h, [0.9 * 0.25 * 2, 0.9 * 0.25 / 2, 0.9], rtol=1e-15)
    again = attempt(after, pair([0.125, 0.125, 0.125]), **OPTIONS)
    np.testing.assert_array_equal(again.x[2], after.x[2])  # arrived
    assert again.t[2] == 0
    assert again.h[2] == after.h[2]
    assert again.t[1] == 1 - after.h[1]


def test_no_difference_lengthens_the_step_and_overflows_nothing():
    after = attempt(adaptive_start([[0.0]], t=1.0, h=0.25), pair([0.0]), **{**OPTIONS, "exponent": 1.0})
    assert after.t[0] == 0.75
    assert 1e90 < after.h[0] < np.inf


def test_any_batch_shape():
    for shape in ((), (2,), (2, 3)):
        start = adaptive_start(np.zeros((*shape, 2)), t=1.0, h=0.25)
        after = attempt(start, pair(np.full(max(1, int(np.prod(shape))), 0.125)), **OPTIONS)
        assert after.x.shape == (*shape, 2)
        assert after.t.shape == after.h.shape == shape
        assert (after.t == 0.75).all()


def test_a_state_is_not_written_to():
    start = adaptive_start(np.zeros((2, 1)), t=1.0, h=0.25)
    for part in start:
        part.setflags(write=False)
    attempt(start, pair([0.1, 0.1]), **OPTIONS)


def test_the_run_ends_when_all_have_arrived_or_says_that_they_have_not():
    start = adaptive_start(np.zeros((2, 1)), t=[1.0, 0.5], h=0.25)
    asked = []

    def step(state, noise):
        asked.append(noise)
        return Adaptive(state.x, state.previous, np.maximum(state.t - 0.25, 0.0), state.h)

    assert len(adaptive_run(step, start, t_stop=0.0)) == 5
    assert asked == [None] * 4
    with pytest.raises(ArithmeticError, match=r"1 samples have not arrived after 3 attempts; the last is at t = 0.25"):
        adaptive_run(step, start, t_stop=0.0, attempts=3)
    with pytest.raises(ArithmeticError, match="2 samples have not arrived after 1 attempts"):
        adaptive_run(step, start, t_stop=0.0, noise=np.zeros((1, 2, 1)))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"h is 0.0; expected h > 0"):
        adaptive_start([[0.0]], t=1.0, h=0.0)
    with pytest.raises(ValueError, match=r"t has shape \(3,\); expected \(\) or the batch shape \(2,\)"):
        adaptive_start(np.zeros((2, 3)), t=np.ones(3), h=0.1)
    start = adaptive_start(np.zeros((2, 1)), t=1.0, h=0.25)
    for name, value in (("atol", 0.0), ("rtol", -1.0), ("safety", 0.0), ("exponent", 0.0)):
        with pytest.raises(ValueError, match=name):
            attempt(start, pair([0.1, 0.1]), **{**OPTIONS, name: value})
    with pytest.raises(ValueError, match=r"state.t has shape \(\); expected \(2,\)"):
        attempt(start._replace(t=np.array(1.0)), pair([0.1, 0.1]), **OPTIONS)
