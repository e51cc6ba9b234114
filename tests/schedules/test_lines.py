"""schedules/lines.py: equal distances, exact ends."""

from fractions import Fraction

import numpy as np

from refscore.schedules.lines import line, with_ends


def test_a_line_keeps_the_digits_of_its_smaller_end():
    first, last = Fraction(1e8), Fraction(1e-8)
    exact = [float(first + Fraction(i, 999) * (last - first)) for i in range(1000)]
    np.testing.assert_allclose(line(1e8, 1e-8, 1000), exact, rtol=4e-16)
    np.testing.assert_allclose(line(1e-8, 1e8, 1000), exact[::-1], rtol=4e-16)
    assert line(2.0, 1.0, 1).tolist() == [2.0]


def test_the_first_end_counts_for_one():
    assert with_ends(np.array([0.1]), 3, 1).tolist() == [3]
