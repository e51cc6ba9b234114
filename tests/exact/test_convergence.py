"""exact/convergence.py: coupled runs by replay on quadrature nodes, orders, and what is refused."""

import itertools

import numpy as np
import pytest

import refscore as rs
from refscore.exact.convergence import strong_difference

P = rs.targets.gaussian([0.7], 0.36)
PATH = rs.paths.VP()


def test_two_steps_against_one_on_nodes_that_integrate_quadratics():
    times = np.array([0.9, 0.8, 0.5])
    coarse, fine = (rs.samplers.euler_maruyama(PATH, t) for t in (times[::2], times))
    nodes = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    score = rs.samplers.noisy_score(P)
    z = nodes[:, 1:].T[..., None]
    joined = (np.sqrt(0.1) * z[0] + np.sqrt(0.3) * z[1]) / np.sqrt(0.4)
    one = rs.samplers.replay(coarse, score, nodes[:, :1], joined[None])
    two = rs.samplers.replay(fine, score, nodes[:, :1], z)
    expected = np.sqrt(((one - two) ** 2).mean())
    assert strong_difference(coarse, fine, P, times=times) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("make", "order"), [(rs.samplers.euler_ode, 1), (rs.samplers.heun_ode, 2)])
def test_without_noise_it_is_the_order_of_the_ode(make, order):
    runs = [make(PATH, np.linspace(0.9, 0.1, n + 1)) for n in (32, 64, 128, 256, 512)]
    far = [strong_difference(one, two, P) for one, two in itertools.pairwise(runs)]
    assert rs.exact.observed_order(far) == pytest.approx(order, abs=0.02)


def test_what_is_refused():
    one, three = (rs.samplers.euler_ode(PATH, np.linspace(0.9, 0.1, n + 1)) for n in (1, 3))
    with pytest.raises(ValueError, match="coarse has 1 steps and fine has 3"):
        strong_difference(one, three, P)
    two = rs.samplers.euler_maruyama(PATH, [0.9, 0.5, 0.1])
    with pytest.raises(ValueError, match="coarse draws 0 and fine 1"):
        strong_difference(one, two, P)
    with pytest.raises(ValueError, match="times has 2 entries; expected 3"):
        strong_difference(rs.samplers.euler_maruyama(PATH, [0.9, 0.1]), two, P, times=[1.0, 0.0])
