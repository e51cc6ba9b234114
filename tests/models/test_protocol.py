"""models/protocol.py: what is held to a shape, and what the message says."""

import numpy as np
import pytest

from refscore.models.protocol import noise_level, of_shape, samples


def test_good_values_pass_as_float64():
    x = samples([[1, 2]], "x", 2)
    assert x.dtype == np.float64
    assert of_shape(np.float32([3]), "trace", (1,), "the batch of x").dtype == np.float64
    assert noise_level(2, x).shape == ()
    assert noise_level([2], x).shape == (1, 1)


@pytest.mark.parametrize("value", [3.0, np.zeros((4, 0))])
def test_samples_need_an_event_axis(value):
    with pytest.raises(ValueError, match=r"x0 has shape .*; expected \(\*batch, d\)"):
        samples(value, "x0")


@pytest.mark.parametrize("sigma", [0.0, -1.0, [1.0, 0.0]])
def test_levels_are_positive(sigma):
    with pytest.raises(ValueError, match=r"sigma is .*; expected a positive noise level"):
        noise_level(sigma, np.zeros((2, 3)))


@pytest.mark.parametrize("sigma", [float("nan"), float("inf")])
def test_levels_are_finite(sigma):
    with pytest.raises(ValueError, match=r"sigma has 1 value that is not finite"):
        noise_level(sigma, np.zeros((2, 3)))


def test_levels_belong_to_samples():
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected \(\) or the batch shape \(2,\) of x"):
        noise_level(np.ones(3), np.zeros((2, 3)))
