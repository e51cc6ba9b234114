"""models/network.py against autograd and against ball arithmetic, from the definition for one sample."""

from itertools import pairwise

import autograd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import refscore as rs
from refscore.models import GELU, SILU, SIN, SOFTPLUS, TANH, Network, network
from refscore.models.network import STRETCH, layers
from tests.derivations import AUTOGRAD, FACTOR, Balls
from tests.models.mlp_definitions import net as definition

ALL = [TANH, SOFTPLUS, SILU, GELU, SIN]
WIDTHS = [(3, 2), (2, 5, 1), (1, 4, 3, 2), (2, 3, 3, 3, 4)]


def problem(widths, activation, n, *, gains, dtype=np.float64, seed=0):
    """A network, its arguments, and one direction for each of θ, u and the gains; all exact in `dtype`."""
    rng = np.random.default_rng(seed)
    draw = lambda *shape: rng.uniform(-1.5, 1.5, shape).astype(dtype).astype(np.float64)  # noqa: E731
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    base = network(widths, np.full(p, 0.5), activation).unpack(draw(p))
    scale = [draw(n, width) for width in widths[1:-1]] if gains else None
    return base, draw(n, widths[0]), draw(n, widths[-1]), scale, (draw(p), draw(n, widths[0]))


def one(widths, activation, gains):
    """The definition for one sample, of θ and of (u, g_1, …) in one vector."""

    def value(theta, x, ns):
        rows, start = [], widths[0]
        for width in widths[1:-1] if gains else ():
            rows.append(x[start : start + width])
            start += width
        return definition(theta, x[: widths[0]], widths, activation.name, ns, rows if gains else None)

    return value


def in_one(u, gains):
    return np.concatenate([u, *(gains or [])], axis=1)


def radius(balls):
    return np.array([FACTOR * (float(b.rad()) + 2.0**-52 * abs(float(b.mid()))) for b in balls])


def middle(balls):
    return np.array([float(b.mid()) for b in balls])


def held(got, f, theta, x, in_theta, in_x, v, *, bits=53):
    """Hold Σ (one derivative of v·net along directions) to the 200-bit ball, within the radius that `bits` give."""
    truth, bound = 0.0, 0.0
    for i in range(len(x)):
        precise = Balls(f, theta, x[i], 200).coefficient(1, in_theta, in_x[i])
        rough = Balls(f, theta, x[i], bits).coefficient(1, in_theta, in_x[i])
        truth += v[i] @ middle(precise)
        bound += np.abs(v[i]) @ (radius(rough) + 2 * len(x) * 2.0**-bits * np.abs(middle(precise)))
    assert abs(got - truth) <= bound, (got, truth, abs(got - truth) / bound)


@pytest.mark.parametrize("gains", [False, True])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_value_and_gradients_within_the_radius_of_balls(activation, widths, gains):  # (NET.1), (NET.3), (NET.4)
    base, u, v, scale, (in_theta, in_u) = problem(widths, activation, 3, gains=gains)
    f, theta, x = one(widths, activation, gains), base.pack(), in_one(u, scale)
    value = base(u, scale)
    for i in range(len(u)):
        still = np.zeros_like(theta), np.zeros_like(x[i])
        truth = middle(Balls(f, theta, x[i], 200).coefficient(0, *still))
        assert (np.abs(value[i] - truth) <= radius(Balls(f, theta, x[i], 53).coefficient(0, *still))).all()
    of_theta, of_u, of_gains = base.pullback(u, v, scale)
    assert len(of_gains) == (len(widths) - 2 if gains else 0)
    nothing = np.zeros_like(x)
    held(of_theta @ in_theta, f, theta, x, in_theta, nothing, v)
    moved = nothing.copy()
    moved[:, : widths[0]] = in_u
    held(np.sum(of_u * in_u), f, theta, x, np.zeros_like(theta), moved, v)
    start = widths[0]
    for slope in of_gains:
        moved = nothing.copy()
        moved[:, start : start + slope.shape[1]] = np.linspace(-1, 1, slope.size).reshape(slope.shape)
        held(np.sum(slope * moved[:, start : start + slope.shape[1]]), f, theta, x, np.zeros_like(theta), moved, v)
        start += slope.shape[1]


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_every_entry_of_the_gradient_against_autograd(activation):
    widths = (2, 4, 3, 2)
    base, u, v, scale, _ = problem(widths, activation, 4, gains=True)
    f, x = one(widths, activation, True), in_one(u, scale)

    def total(theta, points):
        return sum(v[i] @ f(theta, points[i], AUTOGRAD) for i in range(len(u)))

    in_theta, in_x = (autograd.grad(total, k)(base.pack(), x) for k in (0, 1))
    of_theta, of_u, of_gains = base.pullback(u, v, scale)
    for got, expected in ((of_theta, in_theta), (in_one(of_u, of_gains), in_x)):
        # Each entry is a sum of at most 50 products of numbers below 20: the bound is on their size, not on the entry.
        assert np.abs(got - expected).max() <= 50 * 2.0**-53 * (20 + np.abs(expected).max())


@given(st.sampled_from([(), (1,), (2, 3), (0,), (2, 0)]))
def test_batches_are_rows(batch):
    base, _, _, _, _ = problem((2, 4, 4, 3), SILU, 1, gains=False)
    rng = np.random.default_rng(1)
    u, v, scale = rng.normal(size=(*batch, 2)), rng.normal(size=(*batch, 3)), rng.normal(size=(2, *batch, 4))
    value = base(u, list(scale))
    assert value.shape == (*batch, 3)
    of_theta, of_u, of_gains = base.pullback(u, v, list(scale))
    assert of_theta.shape == (base.p,)
    assert of_u.shape == u.shape
    assert [g.shape for g in of_gains] == [(*batch, 4)] * 2
    flat = base.pullback(u.reshape(-1, 2), v.reshape(-1, 3), [g.reshape(-1, 4) for g in scale])
    assert_array_equal(of_u.reshape(-1, 2), flat[1])
    assert_array_equal(of_theta, flat[0])
    assert_array_equal(value.reshape(-1, 3), base(u.reshape(-1, 2), [g.reshape(-1, 4) for g in scale]))


def test_more_rows_than_one_stretch():
    n = 2 * STRETCH + 3
    base, u, v, scale, _ = problem((2, 4, 3), TANH, n, gains=True)
    of_theta, of_u, of_gains = base.pullback(u, v, scale)
    parts = [slice(0, STRETCH), slice(STRETCH, 2 * STRETCH), slice(2 * STRETCH, n)]
    some = [base.pullback(u[part], v[part], [g[part] for g in scale]) for part in parts]
    assert_array_equal(base(u, scale), np.concatenate([base(u[part], [g[part] for g in scale]) for part in parts]))
    assert_array_equal(of_theta, some[0][0] + some[1][0] + some[2][0])
    assert_array_equal(of_u, np.concatenate([s[1] for s in some]))
    assert_array_equal(of_gains[0], np.concatenate([s[2][0] for s in some]))


def test_the_tail_of_one_neuron_keeps_its_digits():
    deep = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]], SILU)
    (expected,) = SILU.derivatives([[-40.0]], 0)
    assert_array_equal(deep([[-40.0]]), expected)  # -1.7e-16: the form for training gives 0 or twice that


def test_parameters_in_the_order_of_torch():
    base = Network([[[1, 2], [3, 4], [5, 6]], [[10, 20, 30]]], [[7, 8, 9], [40]])
    assert_array_equal(base.pack(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40])
    assert base.widths == (2, 3, 1)
    assert base.p == 13
    again = base.unpack(2 * base.pack())
    assert_array_equal(again.weights[1], [[20, 40, 60]])
    assert_array_equal(again.biases[0], [14, 16, 18])
    assert again.activation is base.activation
    assert repr(base) == "Network(2-3-1, silu)"
    with pytest.raises(ValueError, match="read-only"):
        base.weights[0][0, 0] = 1


def test_initial_values_are_uniform_up_to_the_fan_in():  # (NET.2)
    widths = (4, 16, 1)
    draws = rs.noise.uniforms(7, 0, 4 * 16 + 16 + 16 + 1)
    base = network(widths, draws)
    weights, biases = layers(draws, widths)
    for got, raw in zip((*base.weights, *base.biases), (*weights, *biases)):
        fan_in = 4 if got.shape[0] == 16 else 16
        assert_array_equal(got, (2 * raw - 1) / np.sqrt(fan_in))  # exact: the fan-ins are squares of powers of two
    assert abs(np.var(base.weights[0]) * 3 * 4 - 1) < 0.5  # U(-c, c) has variance c²/3, and c² = 1/4


def test_what_is_refused():
    good = Network([[[1.0, 2.0]]], [[0.0]])
    for weights, biases, said in [
        ([], [], "0 weights and 0 biases"),
        ([[[1.0]]], [], "1 weights and 0 biases"),
        ([[1.0]], [[0.0]], r"weights\[0\] has shape \(1,\); expected \(n_1, n_0\)"),
        ([[[1.0]], [[1.0, 2.0]]], [[0.0], [0.0]], r"weights\[1\] has shape \(1, 2\); expected \(n_2, 1\)"),
        ([[[1.0]]], [[0.0, 1.0]], r"biases\[0\] has shape \(2,\); expected \(1,\)"),
        ([[[np.nan]]], [[0.0]], r"weights\[0\] has 1 value that is not finite"),
    ]:
        with pytest.raises(ValueError, match=said):
            Network(weights, biases)
    with pytest.raises(ValueError, match=r"u has shape \(3,\)"):
        good([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="gains has 1 arrays; expected 0"):
        good([1.0, 2.0], [[1.0]])
    with pytest.raises(ValueError, match=r"v has shape \(2,\); expected \(1,\)"):
        good.pullback([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"gains\[0\] has shape \(2,\); expected \(1,\)"):
        Network([[[1.0]], [[1.0]]], [[0.0], [0.0]])([1.0], [[1.0, 1.0]])
    with pytest.raises(ValueError, match=r"theta has shape \(2,\); expected \(3,\)"):
        good.unpack([1.0, 2.0])
    with pytest.raises(ValueError, match=r"widths is \(2,\)"):
        network([2], [])
    with pytest.raises(ValueError, match=r"widths\[1\] is 0"):
        network([2, 0], [])
    with pytest.raises(ValueError, match=r"uniform has shape \(1,\); expected \(3,\)"):
        network([2, 1], [0.5])
    with pytest.raises(ValueError, match="outside"):
        network([2, 1], [0.5, 1.5, 0.5])


def test_an_activation_is_no_name():
    with pytest.raises(TypeError, match="activation is 'silu'; expected an Activation, such as SILU"):
        Network([[[1.0]]], [[0.0]], "silu")
