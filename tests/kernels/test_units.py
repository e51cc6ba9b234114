"""Units of networks against refscore's activations, which are held to ball arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refscore import models
from refscore_kernels import units
from refscore_kernels.portable.networks import PHI
from refscore_kernels.prepare_networks import KINDS

NAMES = ("silu", "tanh", "softplus", "gelu")
TYPES = ((np.float64, 2.0**-53), (np.float32, 2.0**-24))


def arguments(dtype: Any) -> Any:
    """Small, middling and large numbers of both signs."""
    wide, near = np.linspace(-60, 60, 4001), np.linspace(-2, 2, 4001)
    return np.concatenate([wide, near, [0, 1e-30, -1e-30, 1e-9, -1e-9, 700, -700, 1e4, -1e4, 1e30, -1e30]]).astype(
        dtype
    )


@pytest.mark.parametrize("kind", range(4), ids=NAMES)
def test_a_unit_is_its_activation_to_a_few_roundings(kind: int) -> None:
    for (dtype, u), phi in zip(TYPES, PHI[kind], strict=True):
        assert phi is getattr(units, f"{NAMES[kind]}_{'32' if dtype is np.float32 else '64'}")
        a = arguments(dtype)
        found = phi(a)
        assert found.dtype == dtype
        wide = a.astype(np.float64)
        (truth,) = KINDS[kind](wide, 0)
        error = np.abs(found - truth)
        assert (error <= 4 * u * np.maximum(1, np.abs(truth))).all()
        if NAMES[kind] != "gelu":  # these keep their digits where they are small
            inside = np.abs(wide) < 50
            assert (error <= 5 * u * np.abs(truth))[inside].all()


def test_the_numbers_of_the_activations() -> None:
    named = [getattr(models, name.upper()).derivatives for name in NAMES]
    assert list(KINDS) == named


def test_what_is_no_number_stays_so() -> None:
    for pair in PHI:
        for (dtype, _), phi in zip(TYPES, pair, strict=True):
            assert np.isnan(phi(np.array([np.nan, np.nan], dtype))).all()
