"""exact/orders.py on errors whose order is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.exact import observed_order, order_of

U = 2.0**-53


@given(st.floats(-4, 4), st.floats(1e-6, 1e6), st.lists(st.integers(2, 5), min_size=3, max_size=3))
def test_a_pure_power_is_found_exactly(p, constant, factors):  # (ORD.1), any step counts, any sign
    steps = np.cumprod([3.0, *factors])
    found = order_of(constant * steps**-p, steps)
    # a logarithm of a ratio of two rounded powers, over log 2 at the least, twice extrapolated
    assert abs(found.value - p) <= 64 * U * (1 + abs(p))
    assert found.uncertainty <= 128 * U * (1 + abs(p))


@given(st.integers(1, 3), st.floats(-1, 1), st.floats(-1, 1))
def test_the_next_term_is_extrapolated_away(p, c, d):  # (ORD.2): what is left is of second order in h
    steps = np.array([40.0, 60.0, 100.0, 200.0])
    h = 1 / steps
    found = order_of(h**p * (1 + c * h + d * h**2), steps)
    assert abs(found.value - p) <= 8 * h[1] * h[2]
    assert abs(found.value - p) <= found.uncertainty + 8 * h[2] * h[3]  # (ORD.3)


def test_the_uncertainty_is_the_last_change():  # (ORD.3)
    errors, steps = [5.0, 2.1, 0.9, 0.5], [10, 20, 30, 60]
    change = observed_order(errors, steps) - observed_order(errors[:3], steps[:3])
    assert abs(order_of(errors, steps).uncertainty - abs(change)) <= 64 * U
    assert abs(change) > 0.1


def test_doubling_is_two_p2_minus_p1():
    slopes = np.log2([5.0 / 2.1, 2.1 / 0.9])
    assert abs(observed_order([5.0, 2.1, 0.9]) - (2 * slopes[1] - slopes[0])) <= 16 * U


def test_the_sign_is_kept():
    assert observed_order([1.0, 4.0, 16.0]) == -2.0


def test_a_slope_alone_would_be_outside():
    """Why extrapolate: at 40 to 160 steps the plain slope of h + 3 h² is 1.026."""
    errors = [1 / n + 3 / n**2 for n in (40, 80, 160)]
    assert np.log2(errors[1] / errors[2]) > 1.02
    assert abs(observed_order(errors, [40, 80, 160]) - 1) < 0.002


@pytest.mark.parametrize(
    ("errors", "steps", "message"),
    [
        ([1.0, 0.5], None, r"errors has shape \(2,\); expected \(k,\) with k ≥ 3"),
        ([1.0, 0.0, 0.5], None, r"errors\[1\] is 0.0; expected it positive"),
        ([1.0, -0.5, 0.5], None, r"errors\[1\] is -0.5"),
        ([1.0, 0.5, 0.25], [1, 2], "expected 3 increasing step counts"),
        ([1.0, 0.5, 0.25], [4, 2, 1], "expected 3 increasing step counts"),
        ([1.0, 0.5, float("nan")], None, "errors has 1 value that is not finite"),
    ],
)
def test_bad_errors_are_refused(errors, steps, message):
    with pytest.raises(ValueError, match=message):
        observed_order(errors, steps)


def test_an_uncertainty_needs_four():
    with pytest.raises(ValueError, match="k ≥ 4"):
        order_of([1.0, 0.5, 0.25])
