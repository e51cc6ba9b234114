"""fit/rates.py against recursions in 50 digits, and against torch's schedulers."""

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore.fit import StepFunction, constant, cosine, exponential, step_decay, warm_up
from refscore.fit.rates import of_step

U = 2.0**-53
positive = st.floats(1e-6, 1e3)


@given(positive, st.floats(0, 1e3), st.integers(1, 500), st.integers(0, 1000))
def test_cosine(rate, end, n, k):  # (RAT.3)
    with mp.workdps(50):
        expected = mp.mpf(end) + (mp.mpf(rate) - mp.mpf(end)) * mp.cos(mp.pi * min(k, n) / (2 * n)) ** 2
        # one rounding each of the difference, π k/n (twice), the cosine, the sum, two products and the last sum
        assert abs(cosine(rate, n, end=end)(k) - expected) <= U * (abs(rate - end) * 10 + expected)


def test_the_ends_of_a_cosine_are_met():
    assert cosine(0.3, 7, end=0.1)(0) == 0.1 + 0.5 * (0.3 - 0.1) * 2
    assert cosine(0.3, 7, end=0.1)(7) == cosine(0.3, 7, end=0.1)(70) == 0.1


@given(positive, st.floats(0.5, 1.0), st.integers(1, 20), st.integers(0, 200))
def test_powers(rate, factor, every, k):  # (RAT.4), (RAT.5)
    with mp.workdps(50):
        exact = mp.mpf(rate) * mp.mpf(factor) ** (mp.mpf(k) / every)
        # k/n is rounded, which counts (k/n) |log c| times; pow and the product are within 2 roundings
        assert abs(exponential(rate, factor, every)(k) - exact) <= U * exact * (4 + k / every)
        at_once = mp.mpf(rate)
        for _ in range(k // every):
            at_once *= mp.mpf(factor)
        assert abs(step_decay(rate, factor, every)(k) - at_once) <= U * at_once * 4


@given(positive, st.integers(1, 50), st.integers(0, 100))
def test_warm_up(rate, n, k):  # (RAT.2)
    assert warm_up(rate, n)(k) == (rate if k >= n - 1 else (k + 1) / n * rate)
    assert warm_up(step_decay(rate, 0.5, 3), n)(k) == min(1.0, (k + 1) / n) * step_decay(rate, 0.5, 3)(k)


def test_numbers_and_functions_are_rates():
    assert constant(0.5)(9) == of_step(0.5, "rate")(3) == 0.5  # (RAT.1)
    own = StepFunction("mine", lambda k: 1 / (1 + k))
    assert of_step(own, "rate") is own
    assert repr(warm_up(own, 3)) == "warm_up(mine, 3)"


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_value_that_is_no_rate_is_refused_at_its_step(value):
    with pytest.raises(ValueError, match=r"mine is .* at step 4; expected a number >= 0"):
        StepFunction("mine", lambda k: value)(4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: constant(0.0), ValueError, "rate is 0.0; expected rate > 0"),
        (lambda: constant([1.0]), ValueError, r"rate has shape \(1,\); expected a single number"),
        (lambda: constant("fast"), TypeError, "rate has dtype"),
        (lambda: cosine(1.0, 0), ValueError, "n_steps is 0; expected at least 1"),
        (lambda: cosine(1.0, 9, end=-1.0), ValueError, "end is -1.0"),
        (lambda: warm_up(1.0, 2.5), TypeError, "n_steps is 2.5, of type float; expected an integer"),
        (lambda: exponential(1.0, 0.0), ValueError, "factor is 0.0"),
        (lambda: step_decay(1.0, 0.5, 0), ValueError, "every is 0"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.peer
def test_torch_has_the_same_rates():
    import torch

    def theirs(scheduler, n, **settings):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        schedule, rates = scheduler(optimiser, **settings), []
        for _ in range(n):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return rates

    lr = torch.optim.lr_scheduler
    pairs = [
        (cosine(0.3, 20, end=0.1), theirs(lr.CosineAnnealingLR, 21, T_max=20, eta_min=0.1)),
        (exponential(0.3, 0.9), theirs(lr.ExponentialLR, 20, gamma=0.9)),
        (step_decay(0.3, 0.5, 4), theirs(lr.StepLR, 20, step_size=4, gamma=0.5)),
    ]
    for ours, expected in pairs:  # torch multiplies the last rate, so its roundings add up: 8 a step
        assert all(abs(ours(k) - rate) <= 8 * (k + 1) * U * 0.3 for k, rate in enumerate(expected))
