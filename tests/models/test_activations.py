"""models/activations.py against power series in ball arithmetic, in both tails; training forms within u(1 + |a|)."""

import tracemalloc

import flint
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import GELU, SILU, SIN, SOFTPLUS, TANH

ALL = [TANH, SOFTPLUS, SILU, GELU, SIN]
PLACES = np.concatenate(
    [np.linspace(-12.3, 12.1, 97), [-700, -300, -38, -35.3, 35.3, 38, 300, 700], [1e-300, -1e-20, 1e-9, 0, -1e-5]]
)
BITS = 4000  # e^-700 beside 1, and 1e-300 beside e^1e-300


def balls(name, a):
    """φ, φ', φ'', φ''' at a: coefficients of the power series of the definition."""
    x = flint.arb_series([a, 1])
    s = 1 / (1 + (-x).exp())
    series = {
        "tanh": lambda: 1 - 2 / (1 + (2 * x).exp()),
        "softplus": lambda: (1 + x.exp()).log(),
        "silu": lambda: x * s,
        "gelu": lambda: x * (1 + (x / flint.arb(2).sqrt()).erf()) / 2,
        "sin": lambda: x.sin(),
    }[name]()
    return [float((series[k] * factorial).mid()) for k, factorial in enumerate((1, 1, 2, 6))]


def sizes(name, a, truth):
    """The terms of each formula (ACT.1) to (ACT.5), added without their signs."""
    s, r, tilt = 0.5 + 0.5 * np.tanh(a / 2), 0.5 - 0.5 * np.tanh(a / 2), abs(np.tanh(a / 2))
    if name == "tanh":
        return [abs(truth[0]), truth[1], abs(truth[2]), truth[1] * (6 * truth[0] ** 2 + 2)]
    if name == "silu" and abs(a) < 30:
        return [
            abs(truth[0]),
            s * (1 + abs(a) * r),
            s * r * (2 + abs(a) * tilt),
            s * r * (3 * tilt + abs(a) * (1 + 6 * s * r)),
        ]
    if name == "gelu" and abs(a) < 30:
        n = np.exp(-a * a / 2) / np.sqrt(2 * np.pi)
        above = truth[1] - a * n
        return [abs(truth[0]), above + abs(a) * n, n * (2 + a * a), n * abs(a) * (4 + a * a)]
    return [abs(value) for value in truth]  # one term, or one that is all


@pytest.fixture(autouse=True)
def precision():
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = BITS, 4
    yield
    flint.ctx.prec, flint.ctx.cap = before


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_derivatives_are_relatively_accurate_everywhere(activation):  # (ACT.1) to (ACT.5)
    got = activation.derivatives(PLACES)
    for i, a in enumerate(PLACES):
        truth = balls(activation.name, a)
        for k, size in enumerate(sizes(activation.name, a, truth)):
            # Ten roundings, an elementary function counted as two; below 1e-290 the numbers have fewer digits.
            assert abs(got[k][i] - truth[k]) <= 10 * 2.0**-53 * size + 1e-290, (activation, a, k, got[k][i], truth[k])


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_lower_orders_are_the_first_of_all(activation):
    everything = activation.derivatives(PLACES)
    for order in range(4):
        some = activation.derivatives(PLACES, order)
        assert len(some) == order + 1
        for got, expected in zip(some, everything):
            assert_array_equal(got, expected)


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_derivatives_at_the_ends_of_float64(activation):
    finite = activation.derivatives([1.7e308, -1.7e308, 5e-324])
    assert all(np.isfinite(values).all() for values in finite)
    assert activation.derivatives(0.5)[1].shape == ()
    with pytest.raises(ValueError, match="a has 1 value that is not finite"):
        activation.derivatives([0.0, np.nan])
    with pytest.raises(TypeError, match="complex"):
        activation.derivatives([1j])


def buffers(a, dtype):
    value = np.array(a, dtype)
    return value, np.full_like(value, np.nan), np.full_like(value, np.nan)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_forward_in_the_dtype_of_its_buffers(activation, dtype):
    a = np.random.default_rng(0).uniform(-20, 20, (300, 8)).astype(dtype)
    bias = np.array([0, 0.5, -1, 2, -4, 8, -16, 30], dtype)
    total = (a + bias).astype(np.float64)
    phi, slope = activation.derivatives(total, 1)
    got, got_slope, scratch = buffers(a, dtype)
    activation.forward(got, bias, got_slope, scratch)
    # Up to two terms of size |a| and one of size 1; NumPy's vectorised functions are within 4 u each.
    bound = 8 * np.finfo(dtype).eps / 2 * (1 + np.abs(total))
    assert (np.abs(got - phi) <= bound).all()
    assert (np.abs(got_slope - slope) <= bound).all()
    alone = a + bias
    activation.forward(alone, None, None, scratch)
    assert_array_equal(alone, got)  # the bias, and whether the slope is asked for, change no bit


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_forward_tells_of_what_is_not_finite_and_only_of_that(activation):
    value, slope, scratch = buffers([[np.nan, 1e30, -1e30]], np.float32)
    activation.forward(value, None, slope, scratch)
    assert np.isnan(value[0, 0])
    assert np.isnan(slope[0, 0])
    assert np.isfinite(value[0, 1:]).all()


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_forward_allocates_nothing_that_grows(activation):
    value, slope, scratch = buffers(np.zeros((5000, 64)), np.float32)
    bias = np.zeros(64, np.float32)
    activation.forward(value, bias, slope, scratch)
    tracemalloc.start()
    activation.forward(value, bias, slope, scratch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 8192 + 4096  # NumPy's own buffer for the bias, of 8192 numbers; `value` has 320 000


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_the_accurate_form_has_the_digits_of_the_derivatives(activation):
    a, bias = np.linspace(-40, 40, 60).reshape(20, 3), np.array([1.0, 2.0, 3.0])
    phi, slope = activation.derivatives(a + bias, 1)
    for start, added in ((a, bias), (a + bias, None)):
        got, got_slope, scratch = buffers(start, np.float64)
        activation.accurate.forward(got, added, got_slope, scratch)
        assert_array_equal(got, phi)
        assert_array_equal(got_slope, slope)
        activation.accurate.forward(start, added, None, scratch)
        assert_array_equal(start, phi)
    assert activation.accurate.name == activation.name
