"""fit/adam.py against Algorithm 1 in 50 digits, as the paper prints it, and against torch."""

import tracemalloc

import mpmath as mp
import numpy as np
import pytest

from refscore import noise
from refscore.fit import adam, adamw, cosine

U = 2.0**-53
SETTINGS = [
    {"rate": 0.01},
    {"rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.0},
    {"rate": cosine(0.1, 50, end=0.01), "beta1": 0.0, "beta2": 0.9999, "epsilon": 1e-3},
]


def gradients(n, p=5):
    return noise.tape(3, n, (), p) * [1.0, 1e-7, 1e7, 1.0, 0.3] + [0, 0, 0, 5.0, -0.3]


def algorithm_1(g, theta, rate, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    """One parameter, at 50 digits, and a first-order bound on the rounding errors of any evaluation in binary64.

    m and v are sums of terms that are each rounded at most 4 times a step; their later errors are discounted with them.
    """
    with mp.workdps(50):
        beta1, beta2, epsilon, decay = (mp.mpf(value) for value in (beta1, beta2, epsilon, weight_decay))
        theta, m, v, error_m, error_v, error = mp.mpf(theta), mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(0)
        for k, one in enumerate(g):
            t, eta, one = k + 1, mp.mpf(rate(k) if callable(rate) else rate), mp.mpf(one)
            theta, error = theta * (1 - eta * decay), error + 3 * U * abs(theta)
            error_m = beta1 * error_m + 4 * U * (beta1 * abs(m) + (1 - beta1) * abs(one))
            error_v = beta2 * error_v + 4 * U * (beta2 * v + (1 - beta2) * one**2)
            m, v = beta1 * m + (1 - beta1) * one, beta2 * v + (1 - beta2) * one**2
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            below = mp.sqrt(v_hat) + epsilon
            step = eta * m_hat / below
            theta -= step
            error += eta * error_m / (1 - beta1**t) / below + abs(step) * (error_v / (2 * v) + 24 * U) + U * abs(theta)
        return theta, error


def run(optimiser, theta, sequence):
    slots = optimiser.init(theta)
    for k, g in enumerate(sequence):
        theta, slots = optimiser.step(theta, g, slots, k)
    return theta


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("decay", [None, 0.25])
def test_the_algorithm_of_the_paper(settings, decay):  # (ADA.1), (ADA.2), (ADA.3), (ADA.4)
    optimiser = adam(**settings) if decay is None else adamw(**settings, weight_decay=decay)
    start, sequence = np.array([1.0, -1.0, 0.0, 2.0, 0.5]), gradients(40)
    found = run(optimiser, start, sequence)
    for i in range(5):
        expected, bound = algorithm_1(sequence[:, i], start[i], **settings, weight_decay=decay or 0.0)
        assert abs(mp.mpf(found[i]) - expected) <= bound
        assert bound < 1e-13


@pytest.mark.parametrize("epsilon", [0.0, 1e-8, 1.0])
def test_a_constant_gradient_makes_equal_steps(epsilon):  # closed form, far beyond the memory of both means
    g, n = np.array([1e-9, -3.0, 1e12, 0.7]), 5000
    optimiser, theta = adam(2.0**-10, epsilon=epsilon), np.zeros(4)
    slots, scratch = optimiser.init(theta), np.empty(4)
    for k in range(n):
        optimiser.advance(theta, g, slots, scratch, k)
    expected = -n * 2.0**-10 * g / (np.abs(g) + epsilon)
    assert np.abs(theta / expected - 1).max() <= (n + 32) * U * 2


def test_bias_corrections_near_one():
    # 1 - β^t with β = 1 - 2^-40: t 2^-40 to first order; by cancellation 13 bits would be left.
    optimiser, theta = adam(0.5, beta1=1 - 2.0**-40, beta2=1 - 2.0**-40, epsilon=0.0), np.zeros(1)
    slots = optimiser.init(theta)
    for k in range(3):
        theta, slots = optimiser.step(theta, np.array([3.0]), slots, k)
    assert abs(theta[0] / -1.5 - 1) < 16 * U


@pytest.mark.parametrize("optimiser", [adam(), adamw()])
def test_a_step_in_place_has_the_bits_of_the_pure_one_and_allocates_nothing(optimiser):
    theta = noise.normals(0, 0, 100_000).astype(np.float32)
    slots, scratch, pure = optimiser.init(theta), np.empty_like(theta), (theta, optimiser.init(theta))
    g = noise.normals(1, 0, 100_000).astype(np.float32)
    before = g.copy()
    for k in range(3):
        pure = optimiser.step(pure[0], g, pure[1], k)
        tracemalloc.start()
        optimiser.advance(theta, g, slots, scratch, k)
        assert tracemalloc.get_traced_memory()[1] < 10_000  # bytes; one array would be 400 000
        tracemalloc.stop()
    assert np.array_equal(theta, pure[0])
    assert all(np.array_equal(a, b) for a, b in zip(slots, pure[1]))
    assert np.array_equal(g, before)
    assert theta.dtype == np.float32


def test_names_tell_settings_apart():
    assert repr(adam(0.1)) == "adam(0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)"
    assert repr(adamw(0.1)) == "adamw(0.1, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": 0.0}, "rate is 0.0; expected rate > 0"),
        ({"beta1": 1.0}, "beta1 is 1.0; expected 0 <= beta1 < 1"),
        ({"beta2": -0.1}, "beta2 is -0.1; expected beta2 >= 0"),
        ({"epsilon": -1.0}, "epsilon is -1.0"),
    ],
)
@pytest.mark.parametrize("make", [adam, adamw])
def test_refusals(make, wrong, message):
    with pytest.raises(ValueError, match=message):
        make(**wrong)


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match="weight_decay is -1"):
        adamw(weight_decay=-1.0)


def test_a_rate_that_goes_wrong_is_told_at_its_step():
    optimiser = adam(lambda k: 1.0 - k)
    with pytest.raises(ValueError, match=r"is -1.0 at step 2; expected a number >= 0"):
        optimiser.step(np.zeros(1), np.ones(1), optimiser.init(np.zeros(1)), 2)


@pytest.mark.peer
@pytest.mark.parametrize("decay", [None, 0.25])
def test_torch_makes_the_same_steps(decay):
    import torch

    start, sequence = np.array([1.0, -1.0, 0.0, 2.0, 0.5]), gradients(40)
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    theirs = (
        torch.optim.Adam([theta], lr=0.01) if decay is None else torch.optim.AdamW([theta], lr=0.01, weight_decay=decay)
    )
    for g in sequence:
        theta.grad = torch.tensor(g)
        theirs.step()
    ours = run(adam(0.01) if decay is None else adamw(0.01, weight_decay=decay), start, sequence)
    for i in range(5):
        _, bound = algorithm_1(sequence[:, i], start[i], 0.01, weight_decay=decay or 0.0)
        assert abs(ours[i] - theta[i].item()) <= 2 * bound  # each within it of the exact value
