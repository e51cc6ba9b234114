"""fit/ema.py against weighted means in rational numbers or 50 digits, and against torch."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import noise
from refscore.fit import debiased, ema_step, half_life, warmed_up
from refscore.fit.ema import decay_of

U = 2.0**-53


def test_one_step_is_exact_on_dyadic_numbers():  # (EMA.1)
    mean, theta = np.array([4.0, -8.0]), np.array([12.0, 8.0])
    after = ema_step(mean, theta, 0.75)
    assert after.tolist() == [0.75 * 4 + 0.25 * 12, 0.75 * -8 + 0.25 * 8]
    assert mean.tolist() == [4, -8]
    scratch = np.empty(2)
    assert ema_step(mean, theta, 0.75, out=scratch) is mean
    assert np.array_equal(mean, after)
    assert theta.tolist() == [12, 8]


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=8))
def test_the_plain_form_unrolled(values):  # (EMA.2)
    mean = np.array([16.0])
    for k, value in enumerate(values):
        mean = ema_step(mean, np.array([float(value)]), decay_of(0.75)(k))
    d, n = Fraction(3, 4), len(values)
    expected = d**n * 16 + (1 - d) * sum(d ** (n - 1 - i) * value for i, value in enumerate(values))
    assert Fraction(mean[0]) == expected


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10_000))
def test_the_debiased_decay(d, k):  # (EMA.3)
    with mp.workdps(60):
        d_ = mp.mpf(d)
        before = sum(d_**i for i in range(k)) if k < 50 else (1 - d_**k) / (1 - d_)
        expected = d_ * before / (1 + d_ * before)  # the newest has weight 1 of Σ dⁱ
        # log d is rounded relative to itself, twice; expm1 and the quotient are within 1 each
        assert abs(debiased(d)(k) - expected) <= 16 * U * expected + 2.0**-1074


def test_the_debiased_mean_is_a_weighted_mean():  # (EMA.3)
    theta, d = noise.tape(0, 100, (), 3), 0.97
    mean = np.full(3, 1e6)
    for k, value in enumerate(theta):
        mean = ema_step(mean, value, debiased(d)(k))
    weights = d ** np.arange(99.0, -1, -1)
    # the first step leaves 1e6 - 1e6 in place of 0: a rounding of 1e6, which then fades; the rest is 8 roundings a step
    bound = U * (1e6 * weights[0] / weights.sum() * 2 + 8 * np.abs(theta).max() / (1 - d))
    assert np.abs(mean - weights @ theta / weights.sum()).max() <= bound


def test_warmed_up():  # (EMA.4): the count of updates starts with 1, as in score_sde
    assert [warmed_up(0.9999)(k) for k in range(4)] == [min(0.9999, (1 + n) / (10 + n)) for n in range(1, 5)]
    assert warmed_up(0.9)(10**6) == 0.9


@given(st.floats(1, 1e6), st.floats(0.01, 1), st.integers(0, 10**6))
def test_half_life(h, ramp, k):  # (EMA.5)
    with mp.workdps(50):
        expected = 0 if k == 0 else mp.mpf(0.5) ** (1 / min(mp.mpf(h), mp.mpf(ramp) * k))
        # the exponent is rounded 3 times; it counts by its size, |log₂ d| log 2 d < 1 since x 2^-x < 1
        assert abs(half_life(h, ramp=ramp)(k) - expected) <= 8 * U


def test_after_one_half_life_a_half_is_left():
    mean = np.array([1.0])
    for k in range(10_000, 10_100):
        mean = ema_step(mean, np.zeros(1), half_life(100)(k))
    assert abs(mean[0] - 0.5) <= 3 * 100 * U


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decay_of(1.0), "decay is 1.0; expected 0 <= decay < 1"),
        (lambda: decay_of(-0.5), "decay is -0.5"),
        (lambda: debiased(1.0), "decay is 1.0"),
        (lambda: warmed_up(2.0), "decay is 2.0"),
        (lambda: half_life(0.0), "steps is 0.0; expected steps > 0"),
        (lambda: half_life(5.0, ramp=0.0), "ramp is 0.0"),
        (lambda: decay_of(lambda k: 1.5)(3), r"is 1.5 at step 3; expected a decay in \[0, 1\]"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_names():
    names = [str(decay_of(0.9)), str(debiased(0.9)), str(warmed_up(0.9)), str(half_life(100))]
    assert names == ["0.9", "debiased(0.9)", "warmed_up(0.9)", "half_life(100.0, ramp=0.05)"]


@pytest.mark.peer
def test_torch_averages_begin_with_the_first_step():
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    theta = noise.tape(0, 20, (), 3)
    module = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    averaged = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    mean = np.zeros(3)
    for k, value in enumerate(theta):
        with torch.no_grad():
            module.weight.copy_(torch.tensor(value)[None])
        averaged.update_parameters(module)
        mean = ema_step(mean, value, decay_of(lambda k: 0.9 if k else 0.0)(k))
    found = averaged.module.weight.detach().numpy()[0]
    assert np.abs(found - mean).max() <= 8 * U * np.abs(theta).max() / (1 - 0.9)
