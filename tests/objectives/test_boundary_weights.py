"""objectives/boundary_weights.py: values and slopes against mpmath, to the last digits; what is refused."""

import mpmath
import numpy as np
import pytest

from refscore.objectives import Weight, capped_weight, log_weight, power_weight, saturating_weight

U = 2.0**-53
POINTS = [1e-300, 1e-12, 0.25, 1.0, 3.5, 40.0]
TRUTHS = [
    (power_weight(1), lambda x: x, lambda x: 1),  # (NNG.6)
    (power_weight(2.5), lambda x: x ** mpmath.mpf(2.5), lambda x: mpmath.mpf(2.5) * x ** mpmath.mpf(1.5)),
    (log_weight(), lambda x: mpmath.log(1 + x), lambda x: 1 / (1 + x)),  # (NNG.7)
    (saturating_weight(), lambda x: 1 - mpmath.exp(-x), lambda x: mpmath.exp(-x)),  # (NNG.8)
    (capped_weight(2), lambda x: min(x, 2), lambda x: int(x < 2)),  # (NNG.9)
    (capped_weight(2, 2), lambda x: min(x * x, 2), lambda x: 2 * x if x * x < 2 else 0),
]


@pytest.mark.parametrize(("h", "value", "slope"), TRUTHS, ids=lambda v: repr(v) if isinstance(v, Weight) else "")
def test_values_and_slopes_to_the_last_digits(h, value, slope):
    with mpmath.workdps(700):
        for point in POINTS:
            for got, truth in ((h(np.array([point])), value), (h.slope(np.array([point])), slope)):
                expected = float(truth(mpmath.mpf(point)))
                assert abs(got.item() - expected) <= 4 * U * abs(expected)


@pytest.mark.parametrize("h", [t[0] for t in TRUTHS], ids=repr)
def test_all_vanish_at_the_boundary_with_a_finite_slope(h):
    assert h(np.zeros(1)) == 0
    assert np.isfinite(h.slope(np.zeros(1))).all()


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"exponent is 0.5; expected at least 1"):
        power_weight(0.5)
    with pytest.raises(ValueError, match=r"exponent is 0.5; expected at least 1"):
        capped_weight(1, 0.5)
    with pytest.raises(ValueError, match=r"cap is 0.0; expected cap > 0"):
        capped_weight(0)
    with pytest.raises(TypeError, match="derivative is 2; expected a function"):
        Weight("x", abs, 2)


def test_a_weight_prints_what_it_is():
    assert repr(capped_weight(2, 3)) == "Weight(min(x^3, 2))"
