"""fit/optimiser.py: the pure step and the step in place are one."""

import numpy as np

from refscore.fit import Optimiser


def test_the_pure_step_writes_to_nothing():
    def advance(theta, gradient, slots, scratch, k):
        np.add(slots[0], gradient, out=slots[0])
        np.subtract(theta, slots[0] * (k + 1), out=theta)

    optimiser = Optimiser("sums", 1, advance)
    theta = np.array([1.0, 2.0], np.float32)
    slots = optimiser.init(theta)
    after, slots_after = optimiser.step(theta, np.ones(2, np.float32), slots, 2)
    assert theta.tolist() == [1, 2]
    assert slots[0].tolist() == [0, 0]
    assert after.tolist() == [-2, -1]
    assert slots_after[0].tolist() == [1, 1]
    assert after.dtype == slots_after[0].dtype == np.float32
    assert repr(optimiser) == "sums"
