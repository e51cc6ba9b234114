"""models/mlp_energy.py against autograd, complex step and ball arithmetic from the definition."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import GELU, SILU, SIN, SOFTPLUS, TANH, MLPEnergy, Network, network
from tests.derivations import assert_derivatives
from tests.models.mlp_definitions import net


def model(widths, activation=SILU, seed=0):
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    return MLPEnergy(network(widths, np.random.default_rng(seed).uniform(size=p), activation))


def points(*shape, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=shape)


def definition(energy):  # (MEN.1)
    widths, activation = energy.network.widths, energy.network.activation.name
    return lambda theta, x, ns: -1 * net(theta, x, widths, activation, ns)[0]


@pytest.mark.parametrize("activation", [TANH, SOFTPLUS, SILU, GELU, SIN], ids=lambda a: a.name)
@pytest.mark.parametrize("hidden", [(4,), (3, 4), (2, 3, 2)])
def test_every_derivative_for_each_depth_and_activation(hidden, activation):  # (MEN.1), (MEN.2), (MEN.3)
    energy = model((2, *hidden, 1), activation)
    assert_derivatives(energy, *points(3, 2), log_prob=definition(energy))


@pytest.mark.parametrize("widths", [(1, 3, 1), (4, 3, 1), (4, 3, 2, 1)])
def test_every_derivative_in_other_dimensions(widths):
    energy = model(widths)
    assert_derivatives(energy, *points(2, widths[0]), log_prob=definition(energy))


def test_an_affine_energy_has_no_curvature():
    energy = MLPEnergy(Network([[[2.0, -1.0]]], [[3.0]]))
    x, v = points(3, 2)
    assert_array_equal(energy.log_prob([1, 1]), -4.0)
    assert_array_equal(energy(x), [[-2.0, 1.0]] * 3)
    for second in (energy.jacobian(x), energy.trace(x), energy.hvp(x, v)):
        assert not second.any()
    for third in (energy.trace_parameters(x), energy.quadratic_parameters(x, v)):
        assert_array_equal(third, np.zeros(3))
    assert_array_equal(energy.vjp_parameters(x, v), [*-v.sum(0), 0])


@pytest.mark.parametrize("hidden", [(4,), (4, 3)])
@pytest.mark.parametrize("batch", [(1,), (2, 3), (200,)])
def test_batches_of_any_shape(batch, hidden):
    energy = model((2, *hidden, 1))
    x, v = points(*batch, 2)
    for method in (energy, energy.log_prob, energy.jacobian, energy.trace):
        whole = method(x)
        for index in list(np.ndindex(batch))[:7]:
            np.testing.assert_allclose(whole[index], method(x[index]), rtol=1e-13, atol=1e-15)
    assert energy.hvp(x, v).shape == x.shape
    total = sum(energy.trace_parameters(x[index]) for index in np.ndindex(batch))
    np.testing.assert_allclose(energy.trace_parameters(x), total, rtol=1e-11, atol=1e-13)


def test_no_samples():
    energy, x = model((2, 4, 1)), np.zeros((0, 2))
    assert energy.log_prob(x).shape == (0,)
    assert energy.jacobian(x).shape == (0, 2, 2)
    assert energy.trace(x).shape == (0,)
    assert not energy.trace_parameters(x).any()


def test_it_is_a_frozen_value():
    energy = model((2, 3, 1))
    assert repr(energy) == "MLPEnergy(Network(2-3-1, silu))"
    assert energy.d == 2
    with pytest.raises(AttributeError):
        energy.network = energy.network
    with pytest.raises(ValueError, match=r"network has 2 outputs; expected one, the energy"):
        MLPEnergy(Network([np.ones((2, 3))], [np.ones(2)]))


def test_bad_arguments_are_refused():
    energy, x = model((2, 3, 1)), np.zeros((4, 2))
    one = (energy, energy.log_prob, energy.jacobian, energy.trace, energy.trace_parameters)
    two = (energy.hvp, energy.vjp, energy.jvp, energy.vjp_parameters, energy.quadratic_parameters)
    for call in (*one, *(lambda y, f=f: f(y, y) for f in two)):
        with pytest.raises(ValueError, match=r"x has shape \(4, 3\); expected \(\*batch, 2\)"):
            call(np.zeros((4, 3)))
        with pytest.raises(ValueError, match=r"x has 8 values that are not finite"):
            call(x + np.nan)
    for call in two:
        with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(4, 2\), the shape of x"):
            call(x, np.zeros(2))
    with pytest.raises(ValueError, match=r"weight has shape \(\); expected \(4,\), the shape of the batch of x"):
        energy.log_prob_parameters(x, 1.0)
