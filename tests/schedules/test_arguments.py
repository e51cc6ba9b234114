"""The arguments of schedules."""

from fractions import Fraction

import numpy as np
import pytest

from refscore.schedules.arguments import count, line, number, with_ends


def test_integers_of_numpy_are_integers():
    assert count(np.int64(3), "n") == 3
    assert type(count(np.int64(3), "n")) is int


@pytest.mark.parametrize("wrong", [1.5, "3", None, False, np.float64(3)])
def test_what_is_no_count(wrong):
    with pytest.raises(TypeError, match=r"steps is .*; expected an integer"):
        count(wrong, "steps")


def test_numbers():
    assert number(np.float32(0.5), "s") == 0.5
    with pytest.raises(ValueError, match=r"s has shape \(1,\); expected a single number"):
        number([0.5], "s")
    with pytest.raises(TypeError, match="s has dtype"):
        number("0.5", "s")


def test_a_line_keeps_the_digits_of_its_smaller_end():
    first, last = Fraction(1e8), Fraction(1e-8)
    exact = [float(first + Fraction(i, 999) * (last - first)) for i in range(1000)]
    np.testing.assert_allclose(line(1e8, 1e-8, 1000), exact, rtol=4e-16)
    np.testing.assert_allclose(line(1e-8, 1e8, 1000), exact[::-1], rtol=4e-16)
    assert line(2.0, 1.0, 1).tolist() == [2.0]


def test_the_first_end_counts_for_one():
    assert with_ends(np.array([0.1]), 3, 1).tolist() == [3]
