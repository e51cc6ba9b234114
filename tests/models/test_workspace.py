"""models/workspace.py: each dtype within the radius of balls of as many bits; nothing left from earlier calls."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import GELU, SILU, SIN, SOFTPLUS, TANH, Network
from refscore.models.workspace import Workspace
from tests.derivations import Balls
from tests.models.test_network import held, in_one, middle, one, problem, radius

ALL = [TANH, SOFTPLUS, SILU, GELU, SIN]
BITS = {np.float32: 24, np.float64: 53}


def workspace(widths, activation, n, dtype, *, gains, room=2, seed=0):
    """A workspace with room to spare, and the arguments of its passes."""
    base, u, v, scale, directions = problem(widths, activation, n, gains=gains, dtype=dtype, seed=seed)
    of = lambda a: np.ascontiguousarray(a, dtype)  # noqa: E731
    given = None if scale is None else [of(g) for g in scale]
    return base, Workspace(base, n + room, dtype), of(u), of(v), given, directions


@pytest.mark.parametrize("gains", [False, True])
@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_passes_within_the_radius_of_balls(activation, dtype, gains):  # (NET.1), (NET.3), (NET.4)
    widths, n = (2, 4, 3, 2), 3
    base, space, u, v, scale, (in_theta, in_u) = workspace(widths, activation, n, dtype, gains=gains)
    f, theta, x, bits = one(widths, activation, gains), base.pack(), in_one(u, scale).astype(float), BITS[dtype]
    value = space.forward(u, scale)
    assert value.dtype == dtype
    for i in range(n):
        still = np.zeros_like(theta), np.zeros_like(x[i])
        rough = radius(Balls(f, theta, x[i], bits).coefficient(0, *still))
        assert (np.abs(value[i] - middle(Balls(f, theta, x[i], 200).coefficient(0, *still))) <= rough).all()
    of_u, of_gains = space.backward(v, inputs=True)
    still, moved, left = np.zeros_like(theta), np.zeros_like(x), v.astype(float)
    held(space.gradient @ in_theta, f, theta, x, in_theta, moved, left, bits=bits)
    moved[:, :2] = in_u
    held(np.sum(of_u * in_u), f, theta, x, still, moved, left, bits=bits)
    start = 2
    for slope in of_gains:
        moved = np.zeros_like(x)
        moved[:, start : start + slope.shape[1]] = np.arange(slope.size).reshape(slope.shape) % 4 - 1.5
        held(np.sum(slope * moved[:, start : start + slope.shape[1]]), f, theta, x, still, moved, left, bits=bits)
        start += slope.shape[1]
    assert len(of_gains) == 2 * gains


@pytest.mark.parametrize("dtype", BITS)
def test_theta_is_read_at_each_pass_and_the_gradient_has_its_order(dtype):
    base, space, u, v, _, _ = workspace((2, 4, 3, 2), SILU, 5, dtype, gains=False)
    assert space.theta.flags.c_contiguous
    assert space.gradient.flags.c_contiguous
    assert space.theta.dtype == space.gradient.dtype == dtype
    assert_array_equal(space.theta, base.pack().astype(dtype))
    space.theta *= 0.5  # exact
    other = Workspace(base.unpack(0.5 * base.pack()), 5, dtype)
    assert_array_equal(space.forward(u), other.forward(u))
    space.backward(v)
    other.backward(v)
    assert_array_equal(space.gradient, other.gradient)
    assert_array_equal(base.unpack(space.theta).pack(), space.theta)


def test_fewer_samples_leave_no_trace_of_those_before():
    base, space, u, v, scale, _ = workspace((2, 5, 4, 3), GELU, 6, np.float64, gains=True, room=0)
    space.forward(u, scale)
    space.backward(v, inputs=True)
    for m in (1, 4, 6):
        few = None if scale is None else [np.ascontiguousarray(g[:m]) for g in scale]
        for given in (few, None):
            fresh = Workspace(base, m)
            assert_array_equal(space.forward(u[:m], given), fresh.forward(u[:m], given))
            got, expected = space.backward(v[:m], inputs=True), fresh.backward(v[:m], inputs=True)
            assert_array_equal(got[0], expected[0])
            assert len(got[1]) == len(expected[1]) == (0 if given is None else 2)
            for a, b in zip(got[1], expected[1]):
                assert_array_equal(a, b)
            assert_array_equal(space.gradient, fresh.gradient)


@pytest.mark.parametrize("gains", [False, True])
@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_evaluate_is_forward_and_what_is_not_asked_for_changes_nothing(activation, gains):
    _, space, u, v, scale, _ = workspace((2, 5, 4, 3), activation, 6, np.float32, gains=gains)
    kept = u.copy(), v.copy()
    assert_array_equal(space.evaluate(u, scale).copy(), space.forward(u, scale))
    assert space.backward(v)[0] is None
    gradient = space.gradient.copy()
    space.forward(u, scale)
    assert space.backward(v, inputs=True)[0].shape == (6, 2)
    assert_array_equal(space.gradient, gradient)
    assert_array_equal(u, kept[0])
    assert_array_equal(v, kept[1])


def test_without_hidden_layers():
    space = Workspace(Network([[[1.0, 2.0]]], [[3.0]]), 2)
    assert_array_equal(space.forward(np.array([[1.0, 1.0], [2.0, 0.0]])), [[6.0], [5.0]])
    of_u, of_gains = space.backward(np.array([[1.0], [10.0]]), inputs=True)
    assert_array_equal(of_u, [[1.0, 2.0], [10.0, 20.0]])
    assert of_gains == ()
    assert_array_equal(space.gradient, [21.0, 1.0, 11.0])


@pytest.mark.parametrize("gains", [False, True])
@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_a_step_allocates_nothing_that_grows(activation, dtype, gains):
    n, widths = 2000, (2, 64, 64, 2)
    _, space, u, v, scale, _ = workspace(widths, activation, n, dtype, gains=gains, room=0)

    def step():
        space.forward(u, scale)
        space.backward(v, inputs=True)
        space.theta -= space.gradient
        space.evaluate(u, scale)

    space.theta[:] = 0.01
    step()
    space.theta[:] = 0.01
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What NumPy takes to add a bias to rows, 8192 numbers whatever n is; one of our buffers has 128 000.
    assert peak < 8192 * np.dtype(dtype).itemsize + 6000


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_what_is_not_finite_comes_out(activation):
    _, space, u, v, _, _ = workspace((2, 4, 2), activation, 3, np.float32, gains=False)
    u[1, 0] = np.nan
    assert_array_equal(np.isnan(space.forward(u)), [[False] * 2, [True] * 2, [False] * 2])
    space.backward(v)
    assert np.isnan(space.gradient).any()


def test_what_is_refused():
    base, space, u, v, scale, _ = workspace((2, 4, 4, 3), SILU, 3, np.float32, gains=True)
    with pytest.raises(TypeError, match="dtype is float16; expected float32 or float64"):
        Workspace(base, 3, np.float16)
    with pytest.raises(ValueError, match="n is 0; expected at least 1"):
        Workspace(base, 0)
    with pytest.raises(TypeError, match="u has dtype float64; expected float32"):
        space.forward(u.astype(float))
    with pytest.raises(ValueError, match=r"u has shape \(6, 2\); expected \(m <= 5, 2\)"):
        space.evaluate(np.concatenate([u, u]))
    with pytest.raises(RuntimeError, match="call forward first"):
        space.backward(v)
    with pytest.raises(ValueError, match="gains has 1 arrays; expected 2"):
        space.forward(u, scale[:1])
    with pytest.raises(ValueError, match=r"gains\[1\] has shape \(2, 4\); expected \(3, 4\)"):
        space.forward(u, [scale[0], scale[1][:2]])
    space.forward(u)
    with pytest.raises(ValueError, match=r"v has shape \(2, 3\); expected \(3, 3\)"):
        space.backward(v[:2])
    space.backward(v)  # refused where nothing was done yet
    space.forward(u)
    with pytest.raises(ValueError, match="gains has 1 arrays"):
        space.forward(u, scale[:1])
    with pytest.raises(RuntimeError, match="call forward first"):
        space.backward(v)
    space.forward(u)
    space.evaluate(u)
    with pytest.raises(RuntimeError, match="call forward first"):
        space.backward(v)
    assert repr(space) == "Workspace(2-4-4-3, up to 5 samples, float32)"
