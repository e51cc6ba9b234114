"""validation/benchmarks/problems.py: inputs that are the same for all."""

from __future__ import annotations

import numpy as np

from validation.benchmarks.problems import Trace, Training, initial, layers


def test_initial_parameters_are_those_of_torchs_linear_layers() -> None:
    widths = (3, 64, 5)
    theta = initial(widths)
    assert theta.shape == (3 * 64 + 64 + 64 * 5 + 5,)
    (first, bias), (second, _) = layers(theta, widths)
    assert first.shape == (64, 3)
    assert second.shape == (5, 64)
    assert np.shares_memory(second, theta)
    for array, fan_in in ((first, 3), (bias, 3), (second, 64)):
        bound = fan_in**-0.5
        assert np.abs(array).max() < bound
        assert np.abs(array).max() > 0.8 * bound


def test_a_training_step_has_modes_levels_and_noise() -> None:
    problem = Training("silu", 200, "float32")
    x0, noise, sigma = problem.draws(1)
    assert {array.dtype for array in (x0, noise, sigma, problem.theta)} == {np.dtype("float32")}
    assert set(np.unique(sigma)) == set(problem.sigmas)
    assert {tuple(mode) for mode in np.sign(x0)} == {(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)}
    assert not np.array_equal(noise, problem.draws(2)[1])
    assert np.array_equal(noise, Training("silu", 200, "float32").draws(1)[1])


def test_a_trace_is_of_a_network_from_d_to_d() -> None:
    problem = Trace(64, 256, 2, 7)
    assert problem.widths == (64, 256, 256, 64)
    assert problem.x.shape == (7, 64)
