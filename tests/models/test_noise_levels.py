"""models/noise_levels.py: a level is found at its own value and after roundings to float32, and nothing else is."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models.noise_levels import NoiseLevels
from refscore.schedules import geometric


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_every_level_is_found(n):
    sigmas = geometric(n=n, sigma_min=0.01, sigma_max=50)
    levels = NoiseLevels(sigmas)
    assert_array_equal(levels.index(sigmas), np.arange(n))
    assert_array_equal(levels.index(sigmas.astype(np.float32)), np.arange(n))
    assert_array_equal(levels.index(sigmas[:, None][::-1]), np.arange(n)[::-1, None])
    assert [int(levels.index(sigma)) for sigma in sigmas] == list(range(n))
    assert levels.index(sigmas[0]).shape == ()


@pytest.mark.parametrize("factor", [1 + 2e-6, 1 - 2e-6, 1.5, 1e9, 1e-9])
def test_nothing_else_is(factor):
    levels = NoiseLevels(geometric(n=10, sigma_min=0.01, sigma_max=50))
    for sigma in levels.values:
        with pytest.raises(ValueError, match=r"none of the 10 levels; the nearest is sigmas\[\d\] = "):
            levels.index(sigma * factor)


def test_the_nearest_is_named():
    levels = NoiseLevels([100.0, 10.0, 1.0])
    for sigma, nearest in ((1e9, 0), (32.0, 0), (31.0, 1), (3.2, 1), (3.1, 2), (1e-9, 2)):  # by the ratio
        with pytest.raises(ValueError, match=rf"the nearest is sigmas\[{nearest}\]"):
            levels.index(sigma)
    with pytest.raises(ValueError, match=r"sigma\[1, 0\] is 2.0, none of the 3 levels; the nearest is sigmas\[2\]"):
        levels.index([[1.0, 10.0], [2.0, 3.0]])


def test_levels_closer_than_float32_are_told_apart():
    sigmas = np.array([1.0, 1.0 - 2.0**-40, 1.0 - 2.0**-39])
    assert_array_equal(NoiseLevels(sigmas).index(sigmas), [0, 1, 2])


def test_it_is_a_frozen_value():
    levels = NoiseLevels([4, 2, 1])
    assert repr(levels) == "NoiseLevels(3 from 4 to 1)"
    with pytest.raises(ValueError, match="read-only"):
        levels.values[0] = 5
    with pytest.raises(ValueError, match=r"sigmas has shape \(0,\)"):
        NoiseLevels([])
