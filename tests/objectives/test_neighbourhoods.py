"""objectives/neighbourhoods.py: the tables by their definition, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.objectives import hamming_neighbours, ring_neighbours
from refscore.objectives.neighbourhoods import pulled_back, states, table, table_of


@pytest.mark.parametrize("d", [1, 2, 5])
def test_neighbours_of_bits_differ_in_one(d):
    near = hamming_neighbours(d)
    bits = np.array([[x >> i & 1 for i in range(d)] for x in range(2**d)])
    for x in range(2**d):
        for i in range(d):
            assert_array_equal(bits[near[x, i]] != bits[x], np.arange(d) == i)


@pytest.mark.parametrize("k", [3, 4, 7])
def test_on_a_ring_back_follows_forth(k):
    near = ring_neighbours(k)
    assert_array_equal(near[near[:, 0], 1], np.arange(k))
    assert len(set(near[:, 0])) == k


def test_what_is_pulled_back_is_sorted_by_the_neighbour():
    near, values = np.array([[1, 1], [2, 0], [0, 1]]), np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0]])
    expected = [sum(values[x, n] for x in range(3) for n in range(2) if near[x, n] == y) for y in range(3)]
    assert_array_equal(pulled_back(values, near), expected)


def test_bad_arguments_are_refused():
    for wrong in ([0, 1], np.zeros((0, 2), int), np.zeros((2, 0), int)):
        with pytest.raises(ValueError, match=r"neighbours has shape .*; expected \(K, m\)"):
            table(wrong)
    with pytest.raises(TypeError, match="neighbours has dtype float64; expected integers"):
        table([[0.0]])
    with pytest.raises(TypeError, match="x has dtype bool; expected integers"):
        states([True], "x", 2)
    with pytest.raises(ValueError, match=r"x has a value of -1; expected states 0 … 2"):
        states([0, -1], "x", 3)
    with pytest.raises(ValueError, match=r"k is 2; expected at least 3"):
        ring_neighbours(2)
    with pytest.raises(ValueError, match=r"d is 0; expected at least 1"):
        hamming_neighbours(0)
    with pytest.raises(ValueError, match=r"score\(x\) has shape \(3,\); expected \(3, 2\), the shape of neighbours"):
        table_of(lambda x: 0.0 * x, ring_neighbours(3))
