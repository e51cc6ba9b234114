"""samplers/multistep.py: the memory goes in and out; the law of x is exact; what is refused."""

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import Multistep, replay
from refscore.samplers.multistep import empty
from tests.exact.test_maps import START
from tests.samplers.laws import TARGET, U

SCORE = rs.samplers.noisy_score(TARGET)
X = rs.noise.tape(1, 1, 3, 2)[0]


def ball(score, x, memory, k, noise):
    m, older = memory
    new = 0.5 * m - 0.2 * older + 0.1 * (k + 1) * score(x, 1.0, 0.0)
    new = new if noise is None else new + 0.3 * noise
    return x + new, (new, m)


def sampler(n_steps=4, draws=1, init=lambda x: (0.3 * x + 1.0, x), step=ball):
    return Multistep("ball", n_steps, draws, 1.0, None, None, init, step)


def test_it_is_the_loop():  # (MST.1)
    z = rs.noise.tape(2, 4, 3, 2)
    x, memory = X, (0.3 * X + 1.0, X)
    for k in range(4):
        x, memory = ball(SCORE, x, memory, k, z[k])
    np.testing.assert_array_equal(replay(sampler(), SCORE, X, z), x)


@pytest.mark.parametrize("draws", [0, 1])
def test_the_law_is_that_of_the_whole_run_seen_from_outside(draws):
    found = rs.exact.law(sampler(draws=draws), TARGET, START)
    black_box = rs.exact.probe(lambda x, z: replay(sampler(draws=draws), SCORE, x, z if draws else None), 2, 4 * draws)
    # some 10 roundings a step in numbers of size 10
    assert rs.exact.wasserstein2(found, black_box.push(START)) <= 4 * 10 * 10 * U


def test_a_step_gets_all_its_draws():
    """Two vectors a step: the tape is (n, draws, *batch, d), and the law counts both."""
    two = rs.samplers.obabo(0.4, friction=1.3)
    z = rs.noise.tape(2, 8, 3, 2).reshape(4, 2, 3, 2)
    x, v = X, np.zeros_like(X)
    for row in z:
        x, v = rs.samplers.obabo_step(TARGET.score, x, v, row, step_size=0.4, friction=1.3)
    np.testing.assert_array_equal(replay(two, SCORE, X, z), x)
    np.testing.assert_array_equal(replay(two, SCORE, X[0], z[:, :, 0]), x[0])

    def run(y, noise):
        return replay(two, SCORE, y, noise.reshape(4, 2, *y.shape))

    black_box = rs.exact.probe(run, 2, 8)
    assert rs.exact.wasserstein2(rs.exact.law(two, TARGET, START, steps=4), black_box.push(START)) <= 4 * 10 * 10 * U
    with pytest.raises(ValueError, match=r"noise has shape \(4, 3, 2\); expected \(n, 2, 3, 2\), 2 vectors a step"):
        replay(two, SCORE, X, z[:, 0])


def test_equal_steps_by_repeated_squaring():
    def still(score, x, memory, k, noise):
        return ball(score, x, memory, 0, noise)

    many = rs.exact.law(sampler(None, step=still), TARGET, START, steps=7)
    one_by_one = rs.exact.law(sampler(7, step=still), TARGET, START)
    np.testing.assert_allclose(many.cov, one_by_one.cov, rtol=64 * U)
    np.testing.assert_allclose(many.mean, one_by_one.mean, rtol=64 * U)


def test_a_step_map_has_the_pair_as_its_state():
    found = rs.exact.step_map(sampler(), SCORE, 0, 2)
    assert found.matrix.shape == (6, 6)
    np.testing.assert_allclose(
        found.noises[0][:, :2], 0.3 * np.eye(6)[:, :2] + 0.3 * np.eye(6, k=-2)[:, :2], atol=4 * U
    )
    np.testing.assert_array_equal(found.noises[0][:, 2:], np.zeros((6, 4)))


def test_two_runs_do_not_see_each_other():
    one = sampler(draws=0, init=empty(2))
    first = replay(one, SCORE, X)
    replay(one, SCORE, X + 1)
    np.testing.assert_array_equal(replay(one, SCORE, X), first)


def test_a_memory_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"the memory of ball has shape \(2,\); expected \(3, 2\), the shape of x"):
        replay(sampler(draws=0, init=lambda x: (x[0],)), SCORE, X)
    with pytest.raises(ValueError, match="step 0 of ball remembers 0 arrays; expected 2, as many as before"):
        replay(sampler(draws=0, step=lambda s, x, m, k, z: (x, ())), SCORE, X)
    with pytest.raises(ValueError, match=r"the memory after step 0 of ball has shape \(2,\); expected \(3, 2\)"):
        replay(sampler(draws=0, step=lambda s, x, m, k, z: (x, (x, x[0]))), SCORE, X)
    with pytest.raises(ValueError, match=r"the state after step 0 of ball has shape \(2,\); expected \(3, 2\)"):
        replay(sampler(draws=0, step=lambda s, x, m, k, z: (x[0], m)), SCORE, X)


def test_it_says_what_it_is():
    assert repr(sampler(None)) == "Multistep(ball: any number of equal steps, one noise vector a step)"
    assert repr(sampler(1, 3)) == "Multistep(ball: 1 step, 3 noise vectors a step)"


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="draws is -1"):
        sampler(draws=-1)
    with pytest.raises(ValueError, match="n_steps is 0"):
        sampler(0)
