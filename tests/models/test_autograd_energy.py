"""models/autograd_energy.py: right energies by three derivations; autograd's real faults reproduced and caught."""

import subprocess
import sys

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

import refscore as rs
from refscore.models import AutogradEnergy, QuadraticEnergy
from tests.derivations import assert_derivatives

X = np.array([[1.0, 2.0], [0.3, -1.0], [0.5, 0.7]])
V = np.array([[0.4, -1.1], [1.3, 0.2], [-0.6, 0.9]])


def units(theta, x):
    """Two soft units and a well: softplus of two planes, and |x|²/2 for each sample."""
    return (
        anp.sum(anp.logaddexp(0, anp.dot(x, theta[:4].reshape(2, 2)) + theta[4:]), axis=1) + anp.sum(x**2, axis=1) / 2
    )


def units_log_prob(theta, x, ns):
    return -1 * (ns.sum(ns.softplus(x @ theta[:4].reshape(2, 2) + theta[4:])) + ns.sum(x**2) / 2)


def quartic(theta, x):
    return theta[0] * anp.sum((x - theta[1:3]) ** 2, axis=1) ** 2


def quartic_log_prob(theta, x, ns):
    return -1 * (theta[0] * ns.sum((x - theta[1:3]) ** 2) ** 2)


@pytest.mark.parametrize(
    ("energy", "log_prob", "theta"),
    [(units, units_log_prob, [0.3, -0.7, 1.1, 0.2, 0.5, -0.4]), (quartic, quartic_log_prob, [0.3, 0.1, -0.4])],
)
def test_every_derivative(energy, log_prob, theta):  # (AGE.1) to (AGE.4)
    model = AutogradEnergy(energy, theta)
    assert model.check(X) is model
    assert_derivatives(model, X, V, log_prob=log_prob)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_shapes_and_agreement_with_a_model_by_hand(batch):
    hand = QuadraticEnergy([[2.0, 1.0], [0.0, 1.0]], [1.0, -1.0])

    def energy(theta, x):
        offset = x - theta[4:]
        return anp.sum(offset * anp.dot(offset, theta[:4].reshape(2, 2)), axis=1) / 2

    model = AutogradEnergy(energy, hand.pack())
    draw = np.random.default_rng(0)
    x, v = draw.integers(-8, 9, (*batch, 2)) / 4, draw.integers(-8, 9, (*batch, 2)) / 4  # quarters: nothing rounds
    pairs = [
        (model(x), hand(x)),
        (model.log_prob(x), hand.log_prob(x)),
        (model.jacobian(x), hand.jacobian(x)),
        (model.trace(x), hand.trace(x)),
        (model.hvp(x, v), hand.hvp(x, v)),
        (model.vjp(x, v), hand.vjp(x, v)),
        (model.jvp(x, v), hand.jvp(x, v)),
        (model.log_prob_parameters(x, x[..., 0]), hand.log_prob_parameters(x, x[..., 0])),
        (model.vjp_parameters(x, v), hand.vjp_parameters(x, v)),
        (model.trace_parameters(x), hand.trace_parameters(x)),
        (model.quadratic_parameters(x, v), hand.quadratic_parameters(x, v)),
        (rs.objectives.implicit_gradient(model, x), rs.objectives.implicit_gradient(hand, x)),
    ]
    for got, expected in pairs:
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)


def test_derivatives_that_vanish_raise_no_warning():  # autograd warns of an output independent of its input
    plane = AutogradEnergy(lambda theta, x: 3 * x[:, 0], [2.0]).check(X)
    assert not plane.jacobian(X).any()
    assert not plane.trace(X).any()
    assert not plane.vjp_parameters(X, V).any()
    assert not plane.quadratic_parameters(X, V).any()
    assert not plane.trace_parameters(X).any()
    assert not plane.log_prob_parameters(X, X[:, 0]).any()
    without = AutogradEnergy(lambda theta, x: anp.sum(x**4, axis=1), []).check(X)
    assert without.pack().shape == without.trace_parameters(X).shape == (0,)


# --- faults of autograd, as they are ---------------------------------------------------------------------------------


def keepdims(theta, x):
    return anp.linalg.norm(x, axis=1, keepdims=True)[:, 0]


def keepdims_of_a_difference(theta, x):
    return anp.linalg.norm(x - theta[:2], axis=1, keepdims=True)[:, 0]


def with_roots(theta, x):
    return anp.sqrt(anp.sum((x - theta[:2]) ** 2, axis=1, keepdims=True))[:, 0]


def test_the_fault_is_in_autograd():  # if this fails, a new autograd is cured, and the guards may be reconsidered
    assert autograd.grad(lambda x: anp.sum(keepdims([], x)))(X).shape == (3, 3, 2)
    theta = np.array([0.25, -0.5])
    wrong = autograd.grad(lambda x: anp.sum(keepdims_of_a_difference(theta, x)))(X)
    offset = X - theta
    right = offset / np.sqrt((offset**2).sum(1, keepdims=True))
    assert wrong.shape == right.shape  # and no error
    assert np.abs(wrong - right).max() > 0.5


def test_a_gradient_of_the_wrong_shape():
    message = r"the gradient of energy in x has shape \(3, 3, 2\); expected \(3, 2\): autograd's linalg.norm.*sqrt\(sum"
    model = AutogradEnergy(keepdims, [])
    for call in (model, model.jacobian, model.trace, lambda x: model.hvp(x, V), model.check):
        with pytest.raises(ValueError, match=message):
            call(X)


def test_a_wrong_gradient_of_the_right_shape():
    model = AutogradEnergy(keepdims_of_a_difference, [0.25, -0.5])
    assert model(X).shape == X.shape  # nothing to be seen
    with pytest.raises(
        ValueError, match=r"model\(x\)·v is .*difference quotients of log_prob.*linalg.norm.*keepdims=True"
    ):
        model.check(X)
    AutogradEnergy(with_roots, [0.25, -0.5]).check(X)  # what the message recommends


def test_a_wrong_gradient_in_theta_only():
    def energy(theta, x):
        lengths = anp.linalg.norm(anp.outer(theta, np.array([1.0, 2.0])) - 0.1, axis=1, keepdims=True)
        return anp.sum(x**2, axis=1) * anp.sum(lengths)

    with pytest.raises(ValueError, match=r"log_prob_parameters.*is not the slope"):
        AutogradEnergy(energy, np.arange(6) / 4).check(X)


def test_a_wrong_derivative_of_second_order_only():
    square = primitive(lambda x: x**2)
    defvjp(
        square, lambda ans, x: lambda g: g * 2 * np.array(getattr(x, "_value", x))
    )  # its slope is a constant to autograd
    model = AutogradEnergy(lambda theta, x: anp.sum(square(x) * x[:, ::-1], axis=1), [])
    with pytest.raises(ValueError, match=r"hvp\(x, v\) is .* quotients of model\(x\)"):
        model.check(X)


def test_no_derivative():
    with pytest.raises(NotImplementedError, match=r"the gradient of energy in x needs .* VJP of vector_norm"):
        AutogradEnergy(lambda theta, x: anp.linalg.vector_norm(x, axis=1), [])(X)


def test_no_slope_at_zero():
    model = AutogradEnergy(lambda theta, x: anp.linalg.norm(x, axis=1), [])
    with pytest.raises(ValueError, match=r"the gradient of energy in x is not finite at index \(1, 0\).*no slope at 0"):
        model([[1.0, 2.0], [0.0, 0.0]])


# --- faults of the energy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("energy", "shape"),
    [
        (lambda theta, x: anp.sum(x**2), r"\(\)"),
        (lambda theta, x: anp.sum(x**2, axis=0), r"\(2,\)"),
        (lambda theta, x: anp.sum(x**2, axis=1, keepdims=True), r"\(3, 1\)"),
        (lambda theta, x: 1.0, r"\(\)"),
    ],
)
def test_an_energy_of_another_shape(energy, shape):
    model = AutogradEnergy(energy, [])
    for call in (model, model.log_prob):
        with pytest.raises(
            ValueError, match=rf"energy\(theta, x\) has shape {shape}; expected \(3,\), one energy for each"
        ):
            call(X)


@pytest.mark.parametrize(
    "energy",
    [
        lambda theta, x: anp.sum((x - anp.mean(x, axis=0)) ** 2, axis=1),
        lambda theta, x: anp.sum(x**2, axis=1) / len(x),
        lambda theta, x: anp.sum(x**2) * anp.ones(len(x)),
        lambda theta, x: anp.sum(x**2, axis=1) - anp.sum(x[:1] ** 2),
    ],
)
def test_an_energy_that_sees_the_other_samples(energy):
    with pytest.raises(ValueError, match=r"the energy of sample \d is .* alone and .* among 3 samples"):
        AutogradEnergy(energy, []).check(X)


def subtract_in_place(theta, x):
    x -= 1.0
    return anp.sum(x**2, axis=1)


def assign(theta, x):
    x[0] = 1.0
    return anp.sum(x**2, axis=1)


def scale_theta(theta, x):
    theta *= 2
    return anp.sum(x**2, axis=1) * theta[0]


@pytest.mark.parametrize("energy", [subtract_in_place, assign, scale_theta])
def test_an_energy_that_writes_into_its_arguments(energy):
    model, x = AutogradEnergy(energy, [1.0]), X.copy()
    with pytest.raises(ValueError, match=r"energy writes into its arguments \(.*read-only\)"):
        model.log_prob(x)
    with pytest.raises(ValueError, match="energy writes into its arguments"):
        model.check(x)
    np.testing.assert_array_equal(x, X)
    assert x.flags.writeable
    with pytest.raises(ValueError, match=r"writes into its arguments \(.*item assignment\)"):
        AutogradEnergy(assign, [])(X)


def test_an_energy_outside_autograd():
    for energy in (lambda theta, x: anp.ones(len(x)), lambda theta, x: np.array([1.0, 2.0, 3.0])):
        with pytest.raises(ValueError, match="does not depend on x as far as autograd can see"):
            AutogradEnergy(energy, [])(X)


def test_other_errors_of_the_energy_are_its_own():
    with pytest.raises(ValueError, match="no such thing"):
        AutogradEnergy(lambda theta, x: (_ for _ in ()).throw(ValueError("no such thing")), [])(X)
    with pytest.raises(ValueError, match=r"energy\(theta, x\) has 3 values that are not finite"):
        AutogradEnergy(lambda theta, x: anp.inf + 0 * x[:, 0], []).log_prob(X)


def test_points_where_it_cannot_be_told():
    with pytest.raises(ValueError, match=r"cannot be checked.*expected points where it is smooth$"):  # no false cause
        AutogradEnergy(lambda theta, x: x[:, 0] + 1e-2 * np.sin(1e9 * getval(x)[:, 0]), []).check(X)
    for x in (X[:1], X[0], [X[0], X[0]]):
        with pytest.raises(ValueError, match=r"holds one point; expected two or more that differ"):
            AutogradEnergy(units, np.ones(6)).check(x)


# --- the value -------------------------------------------------------------------------------------------------------


def test_it_is_a_frozen_value():
    theta = np.ones(6)
    model = AutogradEnergy(units, theta)
    theta[0] = 7.0
    assert model.theta[0] == 1.0
    model.pack()[0] = 3.0
    assert model.pack()[0] == 1.0
    with pytest.raises(AttributeError):
        model.theta = theta
    assert repr(model) == "AutogradEnergy(units, theta (6,))"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: AutogradEnergy(units, [[1.0]]), ValueError, r"theta has shape \(1, 1\); expected \(p,\)"),
        (lambda: AutogradEnergy(units, [np.nan]), ValueError, "theta has 1 value that is not finite"),
        (lambda: AutogradEnergy(3, [1.0]), TypeError, r"energy is 3; expected a function energy\(theta, x\)"),
        (
            lambda: AutogradEnergy(units, np.ones(6)).unpack(np.ones(5)),
            ValueError,
            r"theta has shape \(5,\); expected \(6,\)",
        ),
        (lambda: AutogradEnergy(units, np.ones(6)).hvp(X, V[0]), ValueError, r"v has shape \(2,\); expected \(3, 2\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_autograd_is_loaded_when_it_is_used():
    code = "import sys, refscore; refscore.models.AutogradEnergy; assert 'autograd' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
