"""conformance/kinds.py and fields.py: values go out as fresh copies, and models mean the same in every library."""

import importlib.util

import numpy as np
import pytest

from refscore.conformance.capabilities.objectives.common import MODEL, X
from refscore.conformance.kinds import array_kind

SIGMA = np.array([0.5, 2.0, 8.0])
PEERS = [
    pytest.param(name, marks=[] if name == "numpy" else pytest.mark.peer)
    for name in ("numpy", "torch", "jax")
    if importlib.util.find_spec(name) is not None
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", PEERS)
def test_arrays_go_and_come_back(library, dtype):
    kind = array_kind(library, dtype)
    given = kind.give(X)
    assert str(given.dtype).endswith(dtype)
    assert np.array_equal(kind.take(given), X)
    assert not np.shares_memory(np.asarray(kind.take(kind.give(X))), X)
    assert kind.give(0.5) == 0.5
    assert isinstance(kind.give(0.5), float)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("level", [None, 0.5, SIGMA], ids=["none", "scalar", "per sample"])
@pytest.mark.parametrize("library", PEERS)
def test_a_model_has_the_same_values_in_every_library(library, dtype, level):
    kind = array_kind(library, dtype)
    levels = () if level is None else (kind.give(level),)
    value = kind.give(MODEL)(kind.give(X), *levels)
    assert str(value.dtype).endswith(dtype)
    expected = MODEL(X, *(() if level is None else (level,)))
    u = 2.0 ** (-53 if dtype == "float64" else -24)
    assert (np.abs(kind.take(value) - expected) <= 16 * u * MODEL.magnitude(X, level)).all()


def test_the_jacobian_is_the_derivative():
    """A cubic is differentiated exactly by a central difference with Richardson extrapolation; h is dyadic."""
    h, d = 0.5, X.shape[-1]
    for level in (None, SIGMA):
        for j in range(d):
            e = np.eye(d)[j]
            coarse = (MODEL(X + 2 * h * e, level) - MODEL(X - 2 * h * e, level)) / (4 * h)
            fine = (MODEL(X + h * e, level) - MODEL(X - h * e, level)) / (2 * h)
            error = np.abs((4 * fine - coarse) / 3 - MODEL.jacobian(X, level)[..., j])
            assert (error <= 64 * 2.0**-53 * MODEL.magnitude(np.abs(X) + 1, level)).all()


def test_a_numpy_model_in_float32_stays_in_float32():
    field = array_kind("numpy", "float32").give(MODEL)
    x = X.astype(np.float32)
    for value in (field(x), field(x, 0.5), field.jacobian(x), field.trace(x), field.vjp(x, x), field.jacobian(x, 0.5)):
        assert value.dtype == np.float32


def test_a_missing_library_says_how_to_get_it():
    if importlib.util.find_spec("cupy") is not None:
        pytest.skip("cupy is installed")
    with pytest.raises(
        ModuleNotFoundError, match=r'declares arrays="cupy", and cupy is not installed: pip install cupy'
    ):
        array_kind("cupy", "float64")
