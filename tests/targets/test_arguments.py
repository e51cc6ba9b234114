"""targets/arguments.py: weights, units and blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.targets.arguments import as_weights, by_blocks, choose, observation, scalars


@given(counts=st.lists(st.integers(0, 1000), min_size=1, max_size=40).map(lambda c: np.array([*c, 1])))
def test_weights_made_by_division_are_taken(counts):
    as_weights(counts / counts.sum(), len(counts), "means")


def test_weights_a_little_off_are_not():
    for excess in (2.0**-46, -(2.0**-46)):
        with pytest.raises(ValueError, match=r"weights sum to 1 [+-]1.42e-14; expected 1, so divide them by their sum"):
            as_weights([0.5, 0.5 + excess], 2, "means")


@given(
    counts=st.lists(st.integers(0, 5), max_size=5).flatmap(lambda c: st.permutations([*c, 1])),
    k=st.integers(0, 2**53 - 1),
)
def test_choosing_is_the_inverse_of_the_distribution_function(counts, k):
    weights, u = np.array(counts) / sum(counts), k * 2.0**-53
    (chosen,) = choose(weights, u, np.zeros(1))
    assert weights[chosen] > 0
    assert u < weights[: chosen + 1].sum() + 2.0**-52
    assert u >= weights[:chosen].sum() - 2.0**-52


@given(exponent=st.integers(-1000, 1000), ratio=st.floats(2.0**-20, 2.0**20))
def test_an_observation_in_units_near_one_is_the_same(exponent, ratio):
    alpha, sigma = np.ldexp(1.0, exponent), np.ldexp(ratio, exponent)
    x, a, b = observation(np.ldexp([[3.0, 1.0]], exponent), alpha, sigma, 2)
    assert 0.5 <= max(a, b) < 1
    assert b / a == ratio
    np.testing.assert_array_equal(x / a, [[3.0, 1.0]])


def test_levels_fit_the_batch_or_are_refused():
    x = np.zeros((2, 3, 4))
    for level in (0.5, np.ones((2, 3))):
        rows, a, b = observation(x, level, 1.0, 4)
        assert (rows.shape, a.shape, b.shape) == ((6, 4), (6, 1), (6, 1))
    for bad in (np.ones(3), np.ones((3, 2)), np.ones((2, 3, 1))):
        with pytest.raises(ValueError, match=r"alpha has shape .*; expected \(\) or the batch shape \(2, 3\)"):
            observation(x, bad, 1.0, 4)
        with pytest.raises(ValueError, match=r"sigma has shape .*; expected \(\) or the batch shape \(2, 3\)"):
            observation(x, 1.0, bad, 4)
    with pytest.raises(ValueError, match=r"sigma has shape \(1,\); expected a single number"):
        scalars(1, [1])
    with pytest.raises(ValueError, match="sigma has 1 value that is not finite"):
        scalars(1, np.inf)


@pytest.mark.parametrize(
    ("alpha", "sigma", "message"),
    [
        (-1, 1, "alpha is -1.0; expected alpha >= 0"),
        (1, -1, "sigma is -1.0; expected sigma >= 0"),
        (0, 0, "alpha and sigma are both 0"),
    ],
)
def test_levels_that_cannot_be(alpha, sigma, message):
    with pytest.raises(ValueError, match=message):
        scalars(alpha, sigma)
    with pytest.raises(ValueError, match=message):
        observation([1.0], alpha, sigma, 1)


def test_one_sample_without_signal_and_noise_is_one_too_many():
    with pytest.raises(ValueError, match="alpha and sigma are both 0"):
        observation([[1.0], [2.0]], [1.0, 0.0], [1.0, 0.0], 1)


@given(n=st.integers(0, 7), size=st.integers(1, 2**17))
def test_blocks_are_one_call(n, size):
    rows = np.arange(3.0 * n).reshape(n, 3)
    seen = []

    def function(a, b):
        seen.append(len(a))
        return a @ b.T.sum(1)[:, None] if len(a) > 10 else (a * 2 + b)[:, None, :]

    value = by_blocks(function, size, rows, rows)
    np.testing.assert_array_equal(value, 3 * rows[:, None, :])
    assert sum(seen) == n
    assert max(seen, default=0) <= max(1, 2**16 // size)
