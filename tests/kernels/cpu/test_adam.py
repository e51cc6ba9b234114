"""kernels/refscore_kernels/cpu/adam.py has the bits of refscore.fit.adam."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore import fit, noise
from refscore_kernels import cpu

with_numba = pytest.mark.skipif(find_spec("numba") is None, reason="Numba is not installed (the extra `kernels`)")


def test_it_is_the_same_rule_to_a_checkpoint():
    rate = fit.cosine(1e-3, 100)
    assert repr(cpu.adam(rate, beta1=0.5)) == repr(fit.adam(rate, beta1=0.5))
    with pytest.raises(ValueError, match="beta1"):
        cpu.adam(beta1=1.0)


@pytest.mark.skipif(find_spec("numba") is not None, reason="Numba is installed")
def test_what_is_missing_is_said():
    with pytest.raises(ModuleNotFoundError, match=r"refscore\[kernels\]"):
        cpu.adam().step(np.zeros(1), np.zeros(1), (np.zeros(1), np.zeros(1)), 0)


@with_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [1, 7, 33_666])
def test_the_same_bits(dtype, p):
    rate = fit.cosine(1e-2, 50)
    plain, compiled = fit.adam(rate, epsilon=1e-7), cpu.adam(rate, epsilon=1e-7)
    one, other = np.ones(p, dtype), np.ones(p, dtype)
    slots, others = plain.init(one), compiled.init(other)
    for k in range(50):
        g = (noise.normals(0, 0, p, step=k) * 10.0 ** (k % 7 - 3)).astype(dtype)
        plain.advance(one, g, slots, np.empty_like(one), k)
        compiled.advance(other, g, others, np.empty_like(one), k)
    assert_array_equal(one, other)
    assert_array_equal(slots, others)
    assert one.dtype == other.dtype == dtype
