"""All twenty conversions against the definition; what Tweedie's formula says of a Gaussian; what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from refscore import predictions
from refscore.paths import VP
from tests.predictions.exact import FORMS, PAIRS, U, call, convert_exactly, size

every_pair = pytest.mark.parametrize(("a", "b"), PAIRS, ids=[f"{a}_to_{b}" for a, b in PAIRS])
scale = st.floats(-6, 3).map(lambda e: 10.0**e)
number = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-100)  # no underflow in a product


def test_all_twenty_are_there():
    assert sorted(predictions.__all__) == sorted(f"{a}_to_{b}" for a, b in PAIRS)


@every_pair
@given(value=number, x=number, alpha=scale, sigma=scale, alpha_dot=scale, sigma_dot=scale)
def test_against_the_definition(a, b, value, x, alpha, sigma, alpha_dot, sigma_dot):
    scales = (alpha, sigma, -alpha_dot, sigma_dot)  # nowhere α² + σ² = 1
    found = call(a, b, [value], [x], scales)[0]
    exact = convert_exactly(a, b, value, x, scales)
    assert abs(float(exact - float(found))) <= 12 * U * size(a, b, value, x, scales)


@every_pair
def test_round_trip(a, b):
    # A power of two in each place, so nothing is rounded: there and back is the same bits.
    value, x = np.array([[0.5, -3.0], [0.0, 8.0]]), np.array([[2.0, 0.25], [1.0, -4.0]])
    for scales in ((0.5, 0.5, -1.0, 1.0), (0.25, 0.25, -0.5, 0.5), (2.0, 2.0, -4.0, 4.0)):
        assert_array_equal(call(b, a, call(a, b, value, x, scales), x, scales), value)


@pytest.mark.parametrize("c", FORMS)
@every_pair
def test_any_detour_leads_to_the_same_place(a, b, c):
    if c in (a, b):
        return
    t = 0.3
    scales = (VP().alpha(t), VP().sigma(t), VP().alpha_dot(t), VP().sigma_dot(t))
    value, x = np.array([0.7, -1.2, 1e-5]), np.array([-0.4, 2.0, 3.0])
    between = call(a, c, value, x, scales)
    difference = np.abs(call(c, b, between, x, scales) - call(a, b, value, x, scales))
    # The roundings of the straight way, of the second leg, and of the first leg carried on by the second.
    legs = size(a, b, value, x, scales) + size(c, b, between, x, scales)
    assert (difference <= 12 * U * (legs + size(c, b, size(a, c, value, x, scales), 0 * x, scales))).all()


def test_tweedie_on_a_gaussian():
    # (x0, ε, x) is jointly normal; the regressions of x0 and ε on x, by covariances and not by a score.
    m, c, alpha, sigma = 0.7, 0.25, 0.6, 1.5
    x = np.array([-2.0, 0.42, 0.0, 5.0])
    variance = alpha**2 * c + sigma**2
    data = m + alpha * c / variance * (x - alpha * m)
    noise = sigma / variance * (x - alpha * m)
    score = -(x - alpha * m) / variance
    assert_allclose(predictions.score_to_data(score, x, alpha, sigma), data, rtol=1e-14)
    assert_allclose(predictions.score_to_noise(score, x, alpha, sigma), noise, rtol=1e-14)
    assert_allclose(predictions.noise_to_data(noise, x, alpha, sigma), data, rtol=1e-14)
    assert_allclose(predictions.data_to_score(data, x, alpha, sigma), score, rtol=1e-13, atol=1e-15)
    assert_allclose(predictions.score_to_v(score, x, alpha, sigma), alpha * noise - sigma * data, rtol=1e-14)


def test_v_is_minus_the_data_at_the_prior_and_the_noise_at_the_data():  # Salimans & Ho (2022)
    x = np.array([1.5])
    assert predictions.v_to_data([-2.0], x, 0, 1) == 2.0
    assert predictions.v_to_noise([-2.0], x, 1, 0) == -2.0
    assert predictions.v_to_data([7.0], x, 1, 0) == 1.5
    assert predictions.data_to_v([2.0], x, 0, 1) == -2.0
    assert predictions.noise_to_v([2.0], x, 1, 0) == 2.0


@every_pair
def test_each_sample_has_its_own_scales(a, b):
    rng = np.arange(1.0, 10.0).reshape(3, 3)  # batch = d on purpose
    value, x = rng - 5, 7 - rng**1.5
    scales = [np.array(s) for s in ([0.9, 0.5, 0.1], [0.1, 0.6, 2.0], [-0.1, -1.0, -3.0], [2.0, 0.5, 1.0])]
    whole = call(a, b, value, x, scales)
    assert whole.shape == x.shape
    for k in range(3):
        assert_array_equal(whole[k], call(a, b, value[k], x[k], [s[k] for s in scales]))
    grid = call(a, b, np.stack([value, x]), np.stack([x, value]), [np.stack([s, s]) for s in scales])
    assert_array_equal(grid[0], whole)


@every_pair
def test_lists_and_integers(a, b):
    found = call(a, b, [[1, 2]], [[3, 4]], (1, 2, -1, 1))
    assert found.dtype == np.float64
    assert_array_equal(found, call(a, b, np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), (1.0, 2.0, -1.0, 1.0)))


DIVIDES_BY_ALPHA = {("score", b) for b in ("data", "v", "velocity")} | {("noise", b) for b in ("data", "v", "velocity")}
DIVIDES_BY_SIGMA = {("data", b) for b in FORMS if b != "data"} | {(a, "score") for a in FORMS if a != "score"}


@every_pair
def test_division_by_zero_is_refused(a, b):
    for name, zero, pairs in (
        ("alpha", (0, 0.5, -1, 1), DIVIDES_BY_ALPHA),
        ("sigma", (0.5, 0, -1, 1), DIVIDES_BY_SIGMA),
        ("alpha", ([0.5, 0.0], 0.5, -1, 1), DIVIDES_BY_ALPHA),
    ):
        if (a, b) in pairs:
            with pytest.raises(ValueError, match=f"{name} is 0 somewhere"):
                call(a, b, [[1.0], [1.0]], [[2.0], [2.0]], zero)
        else:
            assert np.isfinite(call(a, b, [[1.0], [1.0]], [[2.0], [2.0]], zero)).all()
    if a == "v":
        with pytest.raises(ValueError, match="is 0 somewhere"):
            call(a, b, [1.0], [2.0], (0, 0, -1, 1))
    if a == "velocity":
        with pytest.raises(ValueError, match="w = alpha \\* sigma_dot - alpha_dot \\* sigma is 0"):
            call(a, b, [1.0], [2.0], (0.5, 0.5, 1, 1))


@every_pair
def test_wrong_arguments_are_refused(a, b):
    good = (0.5, 0.5, -1, 1)
    with pytest.raises(ValueError, match=r"value has shape \(2,\); expected \(1,\), the shape of x"):
        call(a, b, [1.0, 2.0], [1.0], good)
    with pytest.raises(ValueError, match=r"x has shape \(\)"):
        call(a, b, 1.0, 1.0, good)
    with pytest.raises(ValueError, match=r"alpha has shape \(3,\); expected \(\) or the batch shape \(2,\)"):
        call(a, b, np.ones((2, 3)), np.ones((2, 3)), (np.full(3, 0.5), *good[1:]))
    with pytest.raises(ValueError, match=r"sigma has shape \(2, 1\)"):
        call(a, b, np.ones((2, 3)), np.ones((2, 3)), (0.5, np.full((2, 1), 0.5), *good[2:]))
    with pytest.raises(ValueError, match=r"alpha is -0\.5; expected alpha >= 0"):
        call(a, b, [1.0], [1.0], (-0.5, *good[1:]))
    with pytest.raises(ValueError, match=r"sigma is -0\.5; expected sigma >= 0"):
        call(a, b, [1.0], [1.0], (0.5, -0.5, *good[2:]))
    with pytest.raises(ValueError, match="value has 1 value that is not finite"):
        call(a, b, [np.inf], [1.0], good)
    with pytest.raises(TypeError, match="x has dtype complex128"):
        call(a, b, [1.0], [1j], good)
    if "velocity" in (a, b):
        with pytest.raises(ValueError, match="sigma_dot has 1 value that is not finite"):
            call(a, b, [1.0], [1.0], (0.5, 0.5, -1, np.inf))
