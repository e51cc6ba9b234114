"""arrays.py: what is held to a dtype, a shape or a sign, and what the message says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refscore.arrays import as_float64, integer, lift, not_negative, number, of_shape, positive, read_only, samples

CHECKS = [
    as_float64,
    read_only,
    positive,
    not_negative,
    number,
    samples,
    lambda value, name: of_shape(value, name, (1,), "x"),
    lambda value, name: lift(value, np.zeros((1, 2)), name, positive),
]
every_check = pytest.mark.parametrize("check", CHECKS)


@every_check
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([np.nan], ValueError, r"sigma has 1 value that is not finite \(the first at index \(0,\) is nan\)"),
        ([1, -np.inf, np.nan], ValueError, r"sigma has 2 values that are not finite \(the first at index \(1,\) is -i"),
        (1j, TypeError, "sigma has dtype complex128; expected integers, float32 or float64"),
        (np.float16(1), TypeError, "sigma has dtype float16"),
        (True, TypeError, "sigma has dtype bool"),
        ("1", TypeError, "sigma has dtype <U1"),
        (None, TypeError, "sigma has dtype object"),
        ([[1, 2], [3]], ValueError, "sigma is not an array"),
    ],
)
def test_every_check_refuses_what_is_no_real_number(check, value, error, message):
    with pytest.raises(error, match=message):
        check(value, "sigma")


@pytest.mark.parametrize("value", [1, [1, 2], np.float32(0.1), np.uint8(7), np.arange(6).reshape(2, 3), []])
def test_what_is_accepted_keeps_its_value(value):
    array = as_float64(value, "x")
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.asarray(value))


def test_float64_is_not_copied_but_for_read_only():
    x = np.ones(3)
    assert as_float64(x, "x") is x
    assert samples(x, "x") is x
    copy = read_only(x, "x")
    x[0] = 2
    assert copy[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = 3
    with pytest.raises(ValueError, match=r"x has shape \(3,\); expected \(4,\)"):
        read_only(x, "x", (4,))


# ---- shapes


@given(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), st.integers(1, 3))
def test_an_added_axis_multiplies_each_sample_by_its_own(batch, d):
    t, x = 2.0 + np.arange(np.prod(batch, dtype=int)).reshape(batch), np.ones((*batch, d))
    np.testing.assert_array_equal(lift(t, x) * x, np.stack([t] * d, axis=-1))
    np.testing.assert_array_equal(lift(3.0, x) * x, np.full(x.shape, 3.0))


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 1), (1, 2), (2, 3)])
def test_a_level_is_for_all_samples_or_for_each(shape):
    # (3,) is the axis trap: it would broadcast against (2, 3).
    with pytest.raises(
        ValueError, match=r"sigma has shape .*; expected \(\) or the batch shape \(2,\) of x with shape"
    ):
        lift(np.ones(shape), np.zeros((2, 3)), "sigma", positive)


def test_lift_leaves_what_is_not_to_be_checked():
    assert np.isinf(lift(np.inf, np.zeros((2, 3))))
    assert lift(np.float32([1, 2]), np.zeros((2, 3))).dtype == np.float32
    assert lift([1, 2], np.zeros((2, 3)), "t", as_float64).dtype == np.float64


@pytest.mark.parametrize("value", [3.0, np.zeros((4, 0))])
def test_samples_need_an_event_axis(value):
    with pytest.raises(ValueError, match=r"x0 has shape .*; expected \(\*batch, d\)"):
        samples(value, "x0")


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1)])
def test_samples_of_another_dimension_are_refused(shape):
    with pytest.raises(ValueError, match=r"noise has shape .*; expected \(\*batch, 3\)"):
        samples(np.ones(shape), "noise", 3)


def test_samples_may_be_none_at_all():
    assert samples(np.zeros((0, 3)), "x", 3).shape == (0, 3)
    assert samples([1, 2], "x").shape == (2,)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (3, 1)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"score\(x\) has shape .*; expected \(1, 3\), the shape of x"):
        of_shape(np.ones(shape), "score(x)", (1, 3), "x")


# ---- signs


@pytest.mark.parametrize(("value", "told"), [(0, "is 0.0"), (-1, "is -1.0"), ([1, 0, 2], "has a value of 0.0")])
def test_positive(value, told):
    with pytest.raises(ValueError, match=f"^sigma {told}; expected sigma > 0$"):
        positive(value, "sigma")


@pytest.mark.parametrize(("value", "told"), [(-1, "is -1.0"), ([[1, 0], [-0.5, 2]], "has a value of -0.5")])
def test_not_negative(value, told):
    with pytest.raises(ValueError, match=f"^eta {told}; expected eta >= 0$"):
        not_negative(value, "eta")


@pytest.mark.parametrize("value", [5e-324, [1, 1e308], [], np.ones((2, 0))])
def test_signs_that_are_right(value):
    np.testing.assert_array_equal(positive(value, "sigma"), value)
    np.testing.assert_array_equal(not_negative(value, "sigma"), value)
    assert not_negative([0, -0.0], "eta").tolist() == [0, 0]


# ---- single numbers


def test_numbers():
    assert number(np.float32(0.5), "s") == 0.5
    assert type(number(np.array(3), "s")) is float
    assert number(-1, "s") == -1
    assert number(0, "s", not_negative) == 0
    with pytest.raises(ValueError, match=r"s has shape \(1,\); expected a single number"):
        number([0.5], "s")
    with pytest.raises(ValueError, match=r"s is 0.0; expected s > 0"):
        number(0, "s", positive)
    with pytest.raises(ValueError, match=r"s is -0.5; expected s >= 0"):
        number(-0.5, "s", not_negative)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_integers_of_numpy_are_integers(value):
    assert integer(value, "n", 3) == 3
    assert type(integer(value, "n")) is int


def test_integers_have_no_end():
    assert integer(-(10**30), "n") == -(10**30)


@pytest.mark.parametrize("wrong", [1.5, 2.0, "3", None, False, np.True_, np.float64(3), np.array(3.0), [3]])
def test_what_is_no_integer(wrong):
    with pytest.raises(TypeError, match=rf"steps is .*, of type {type(wrong).__name__}; expected an integer"):
        integer(wrong, "steps")


def test_an_integer_below_the_least():
    with pytest.raises(ValueError, match="n is 0; expected at least 1"):
        integer(0, "n", 1)
