"""Callbacks of replay: moments in rationals, thinning by its definition, states that nobody changes, ArviZ's layout."""

from fractions import Fraction

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import Moments, Running, Trajectory, moments, several, thinned


def exact(rows):
    """Mean and scatter in rational numbers."""
    rows = [[Fraction(float(v)) for v in row] for row in rows]
    n, d = len(rows), len(rows[0])
    mean = [sum(row[i] for row in rows) / n for i in range(d)]
    scatter = [[sum((row[i] - mean[i]) * (row[j] - mean[j]) for row in rows) for j in range(d)] for i in range(d)]
    return np.array(mean, dtype=float), np.array(scatter, dtype=float)


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("cuts", [(1,), (3, 4, 20), (10, 20, 30)])
def test_merged_moments_are_those_of_all_states(offset, cuts):
    rows = rs.noise.tape(3, 1, 37, 3)[0] * [1, 10, 0.1] + offset
    parts = [moments(part) for part in np.split(rows, cuts)]
    found = parts[0]
    for part in parts[1:]:
        found = found.merge(part)
    mean, scatter = exact(rows)
    assert found.count == 37
    assert found.mean == pytest.approx(mean, rel=1e-14, abs=1e-14)
    # the mean is known to u times its size: that moves the scatter by n times the square, and nothing more
    assert np.abs(found.scatter - scatter).max() <= 1e-13 * np.abs(scatter).max() + 1e-6 * (offset > 0)
    assert found.cov == pytest.approx(found.scatter / 37)
    swapped = parts[-1].merge(parts[0])
    assert swapped.cov == pytest.approx(parts[0].merge(parts[-1]).cov, rel=1e-12, abs=1e-12)


def test_running_moments_see_batch_and_steps():
    tape = rs.noise.tape(4, 9, 6, 2)
    kept = Running()
    assert kept.value is None
    for k, x in enumerate(tape):
        kept(k, x)
    mean, scatter = exact(tape.reshape(-1, 2))
    assert kept.value.count == 54
    assert kept.value.mean == pytest.approx(mean, abs=1e-14)
    assert kept.value.scatter == pytest.approx(scatter, rel=1e-12)


def test_moments_are_read_only_and_hold_their_shapes():
    found = moments([[1.0, 2.0]])
    assert found.cov.tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="read-only"):
        found.mean[0] = 1
    with pytest.raises(ValueError, match="scatter has shape"):
        Moments(1, [0.0], [[1.0, 0.0]])
    with pytest.raises(ValueError, match="other has dimension 1; expected 2"):
        found.merge(moments([[1.0]]))
    with pytest.raises(ValueError, match="at least one state"):
        moments(np.zeros((0, 2)))


@pytest.mark.parametrize(("every", "first"), [(1, 0), (3, 0), (2, 5), (4, 3)])
def test_thinning(every, first):
    kept = Trajectory()
    look = thinned(kept, every=every, first=first)
    for k in range(20):
        look(k, np.full((1, 1), float(k)))
    expected = list(range(first, 20))[every - 1 :: every]
    assert kept.steps == expected
    assert kept.states.ravel().tolist() == expected


def test_what_is_no_callback_and_no_state():
    for make in (lambda c: thinned(c, every=1), several):
        with pytest.raises(TypeError, match="callback is None; expected a callable callback"):
            make(None)
    kept = Trajectory()
    kept(0, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"x has shape \(3,\); expected \(2, 3\), the shape of the states before"):
        kept(1, np.zeros(3))
    with pytest.raises(TypeError, match="x has dtype complex128"):
        Trajectory()(0, np.zeros((2, 3), complex))
    assert kept.steps == [0]


def test_moments_of_no_states():
    with pytest.raises(ValueError, match="count is 0"):
        Moments(0, np.zeros(1), np.zeros((1, 1)))
    with pytest.raises(
        TypeError, match="other is None; expected Moments, which a Running has once it has seen a state"
    ):
        moments([[1.0]]).merge(Running().value)


def test_what_thinning_refuses():
    with pytest.raises(ValueError, match="every"):
        thinned(Trajectory(), every=0)
    with pytest.raises(ValueError, match="first"):
        thinned(Trajectory(), every=1, first=-1)


def test_states_are_copies_and_replay_is_the_same_with_callbacks():
    p = rs.targets.gaussian([0.0, 1.0], 1.0)
    sampler, score = rs.samplers.langevin(step_size=0.2), rs.samplers.noisy_score(p)
    x, z = rs.noise.tape(1, 1, 3, 2)[0], rs.noise.tape(2, 7, 3, 2)
    kept, again = Trajectory(), Trajectory()
    last = rs.samplers.replay(sampler, score, x, z, callback=several(kept, again))
    assert np.array_equal(kept.states, again.states)
    assert np.array_equal(last, rs.samplers.replay(sampler, score, x, z))
    assert np.array_equal(kept.states[-1], last)
    state = np.zeros((1, 1))
    kept = Trajectory()
    for k in range(3):
        state[...] = k
        kept(k, state)
    assert kept.states.ravel().tolist() == [0, 1, 2]


def test_the_layout_of_arviz():
    kept = Trajectory()
    for k in range(4):
        kept(k, np.arange(6.0).reshape(3, 2) + 100 * k)
    found = kept.posterior("theta")
    assert list(found) == ["theta"]
    assert found["theta"].shape == (3, 4, 2)
    assert found["theta"][2, 1].tolist() == [104, 105]  # chain 2, draw 1
    with pytest.raises(ValueError, match="no state was kept"):
        Trajectory().posterior()


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore")
def test_arviz_reads_it():
    arviz = pytest.importorskip("arviz")
    kept = Trajectory()
    for k in range(50):
        kept(k, rs.noise.tape(5, 50, 4, 2)[k])
    found = kept.posterior()
    data = arviz.from_dict(posterior=found) if arviz.__version__ < "1" else arviz.from_dict({"posterior": found})
    assert dict(data.posterior.sizes) == {"chain": 4, "draw": 50, "x_dim_0": 2}
    assert np.array_equal(data.posterior["x"].values, found["x"])
