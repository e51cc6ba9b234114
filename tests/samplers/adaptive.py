"""What every adaptive method has to pass: its accepted steps are the fixed method on the grid that they make."""

import itertools

import numpy as np

import refscore as rs
from tests.samplers.laws import SPANS, TARGET, VALUES, VECTORS

PATH, FIRST, LAST = SPANS["VP"]
X = np.array([[1.0, -2.0], [0.5, 3.0], [-2.0, 0.1]])


def timed(x, t, path=PATH):
    """The noisy score of TARGET at a time for each sample."""
    alpha, sigma = (np.asarray(f(t))[..., None] for f in (path.alpha, path.sigma))
    return -((x - alpha * TARGET.mean) @ VECTORS / (alpha**2 * VALUES + sigma**2)) @ VECTORS.T


def accepted(states):
    """Which attempts moved which sample: (n, *batch)."""
    return np.array([after.t < before.t for before, after in itertools.pairwise(states)])


def realised(states, i):
    """The grid that sample i made, and the attempts that made it."""
    moved = np.flatnonzero(accepted(states)[:, i])
    return [float(states[0].t[i]), *(float(states[k + 1].t[i]) for k in moved)], moved


def check_nothing_is_skipped(states, last):
    """Each grid goes down from the first time to the last, and a state changes only with its time."""
    moved = accepted(states)
    for i in range(moved.shape[1]):
        grid, _ = realised(states, i)
        assert grid[0] == states[0].t[i]
        assert grid[-1] == last
        assert (np.diff(grid) < 0).all()
    for k, (before, after) in enumerate(itertools.pairwise(states)):
        np.testing.assert_array_equal(after.x[~moved[k]], before.x[~moved[k]])
        np.testing.assert_array_equal(after.previous[~moved[k]], before.previous[~moved[k]])
        np.testing.assert_array_equal(after.t[~moved[k]], before.t[~moved[k]])
        still = ~moved[k] & (before.t > last)
        assert (after.h[still] < before.h[still]).all()  # a rejected step is tried shorter
    assert rs.samplers.adaptive_run(lambda state, z: state, states[-1], t_stop=last) == [states[-1]]
