"""fit/sgd.py on quadratics, in rational numbers that floats hold exactly, and against torch."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refscore import noise
from refscore.fit import cosine, nesterov, sgd

quarters = st.integers(1, 3).map(lambda n: n / 4)


def power(matrix, n, vector):
    for _ in range(n):
        vector = [sum(a * b for a, b in zip(row, vector)) for row in matrix]
    return vector


@given(quarters, quarters, st.integers(0, 3).map(lambda n: n / 4), st.booleans())
def test_the_recursion_on_a_quadratic(a, eta, mu, ahead):  # (SGD.1), (SGD.2), (SGD.3)
    optimiser = nesterov(eta, momentum=mu) if ahead else sgd(eta, momentum=mu)
    theta = np.array([16.0])
    slots = optimiser.init(theta)
    for k in range(6):
        theta, slots = optimiser.step(theta, a * theta, slots, k)
    a, eta, mu = Fraction(a), Fraction(eta), Fraction(mu)
    first = [1 - eta * a * (1 + mu), -eta * mu**2] if ahead else [1 - eta * a, -eta * mu]
    expected = power([first, [a, mu]], 6, [Fraction(16), Fraction(0)])
    assert Fraction(theta[0]) == expected[0]  # at most 2 + 6 * 6 bits: nothing rounds
    assert not slots or Fraction(slots[0][0]) == expected[1]


def test_momentum_of_zero_is_the_plain_step_and_carries_nothing():
    assert sgd(0.5).n_slots == 0
    theta, g = np.array([1.0]), np.array([3.0])
    one, _ = sgd(0.5).step(theta, g, (), 0)
    two, _ = nesterov(0.5, momentum=0.0).step(theta, g, (np.zeros(1),), 0)
    assert one == two == -0.5


def test_the_rate_of_old_gradients_is_that_of_the_step():
    # b = 1, then b = 1/2 + 0: torch's convention uses the new rate for the old gradient.
    optimiser = sgd(lambda k: [1.0, 0.25][k], momentum=0.5)
    theta, slots = np.zeros(1), (np.zeros(1),)
    theta, slots = optimiser.step(theta, np.ones(1), slots, 0)
    theta, slots = optimiser.step(theta, np.zeros(1), slots, 1)
    assert theta == -1 - 0.25 * 0.5


def test_nesterov_is_the_gradient_at_a_point_ahead():
    # The form with a velocity: y = x + μ w, w ← μ w - η ∇f(y), x ← x + w. Then θ = x + μ w is y.
    eta, mu, h = 0.25, 0.5, np.array([1.0, 0.5])
    optimiser, theta = nesterov(eta, momentum=mu), np.array([8.0, -4.0])
    slots = optimiser.init(theta)
    x, w = theta.copy(), np.zeros(2)
    for k in range(8):
        theta, slots = optimiser.step(theta, h * theta, slots, k)
        w = mu * w - eta * h * (x + mu * w)
        x = x + w
        assert np.array_equal(theta, x + mu * w)


@pytest.mark.parametrize("make", [sgd, nesterov])
@pytest.mark.parametrize(("momentum", "message"), [(1.0, "momentum is 1.0; expected 0 <= "), (-0.5, "-0.5")])
def test_refusals(make, momentum, message):
    with pytest.raises(ValueError, match=message):
        make(0.1, momentum=momentum)


def test_names():
    assert repr(sgd(0.1)) == "sgd(0.1, momentum=0.0)"
    assert repr(nesterov(cosine(0.1, 9), momentum=0.9)) == "nesterov(cosine(0.1, 9, end=0.0), momentum=0.9)"


@pytest.mark.peer
@pytest.mark.parametrize("ahead", [False, True])
def test_torch_makes_the_same_steps(ahead):
    import torch

    sequence = noise.tape(3, 30, (), 4)
    theta = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.SGD([theta], lr=0.125, momentum=0.9, nesterov=ahead)
    optimiser, mine = (nesterov if ahead else sgd)(0.125, momentum=0.9), np.zeros(4)
    slots = optimiser.init(mine)
    for k, g in enumerate(sequence):
        theta.grad = torch.tensor(g)
        theirs.step()
        mine, slots = optimiser.step(mine, g, slots, k)
    # Each step rounds b and θ a few times, at a size of Σ|g| / (1 - μ): 8 roundings a step cover both programs.
    size = 0.125 * np.abs(sequence).sum(0) / (1 - 0.9)
    assert (np.abs(mine - theta.detach().numpy()) <= 8 * 30 * 2.0**-53 * size).all()
