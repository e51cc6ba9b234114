"""kernels/refscore_kernels/cpu/activations.py against refscore's derivatives, which are held to ball arithmetic."""

import subprocess
import sys
import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import activations, network
from refscore.models.workspace import Workspace
from refscore_kernels import cpu

NAMES = ["TANH", "SOFTPLUS", "SILU", "GELU"]
with_numba = pytest.mark.skipif(find_spec("numba") is None, reason="Numba is not installed (the extra `kernels`)")


def test_a_value_like_any_other_and_numba_is_imported_when_it_is_used():
    for name in NAMES:
        plain, compiled = getattr(activations, name), getattr(cpu, name)
        assert compiled.derivatives is plain.derivatives
        assert repr(compiled) == repr(plain)
    code = "import refscore_kernels.cpu, sys; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(filter(None, sys.path))})


@pytest.mark.skipif(find_spec("numba") is not None, reason="Numba is installed")
def test_what_is_missing_is_said():
    space = Workspace(network([1, 2, 1], np.full(7, 0.5), cpu.SILU), 1)
    with pytest.raises(ModuleNotFoundError, match=r"refscore\[kernels\]"):
        space.forward(np.zeros((1, 1)))


@with_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_bias_value_and_slope_in_one_pass(name, dtype):
    a = np.concatenate([np.linspace(-12, 12, 3000), np.linspace(-100, 100, 900), [1e4, -1e4, 1e-9, -1e-9, 0, 1e-20]])
    a = np.resize(a.astype(dtype), (355, 11))  # 11: what does not fill a vector is right too
    bias = np.linspace(-2, 2, 11).astype(dtype)
    total = (a + bias).astype(np.float64)
    phi, slope = getattr(cpu, name).derivatives(total, 1)
    got, got_slope, scratch = a.copy(), np.full_like(a, np.nan), np.empty_like(a)
    getattr(cpu, name).forward(got, bias, got_slope, scratch)
    # Two terms of size |a| and one of size 1, each after up to six roundings with half an ulp each.
    bound = 8 * np.finfo(dtype).eps / 2 * (1 + np.abs(total))
    assert (np.abs(got - phi) <= bound).all()
    assert (np.abs(got_slope - slope) <= bound).all()
    if name in ("TANH", "SILU"):  # these keep their digits around 0, where φ is small
        near = np.abs(total) < 1
        assert (np.abs(got - phi)[near] <= 8 * np.finfo(dtype).eps / 2 * np.abs(phi)[near]).all()
    alone = a + bias
    getattr(cpu, name).forward(alone, None, None, scratch)
    assert_array_equal(alone, got)


@with_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_finite_stays_so_and_nothing_else_becomes_it(name, dtype):
    value = np.array([[np.nan, 1e30, -1e30]], dtype)
    slope, scratch = np.zeros_like(value), np.empty_like(value)
    getattr(cpu, name).forward(value, None, slope, scratch)
    assert_array_equal(np.isnan(value), [[True, False, False]])
    assert_array_equal(np.isnan(slope), [[True, False, False]])
    assert np.isfinite(value[0, 1:]).all()


@with_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_a_workspace_has_the_same_passes(name, dtype):
    rng = np.random.default_rng(0)
    widths, p = (2, 16, 16, 3), 2 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3
    uniform, n = rng.uniform(size=p), 50
    u, v = rng.normal(size=(n, 2)).astype(dtype), rng.normal(size=(n, 3)).astype(dtype)
    gains = [rng.uniform(0.5, 2, (n, 16)).astype(dtype) for _ in range(2)]
    found = []
    for activation in (getattr(cpu, name), getattr(activations, name)):
        space = Workspace(network(widths, uniform, activation), n, dtype)
        space.forward(u, gains)
        of_u, of_gains = space.backward(v, inputs=True)
        found.append([space.evaluate(u, gains).copy(), of_u, *of_gains, space.gradient])
    for compiled, plain in zip(*found):
        # Sums of at most 50 terms, none above 20, whose factors differ by 16 roundings in each of two layers.
        assert np.abs(compiled - plain).max() <= 32 * 50 * np.finfo(dtype).eps * np.abs(plain).max()


@with_numba
def test_a_pass_allocates_nothing():
    space = Workspace(network([64, 64, 64], np.full(64 * 65 * 2, 0.5), cpu.SILU), 2000)
    u, v = np.zeros((2000, 64)), np.zeros((2000, 64))
    for traced in (False, True):
        if traced:
            tracemalloc.start()
        space.forward(u)
        space.backward(v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 8192 + 6000  # NumPy's buffer for the bias of the last layer
