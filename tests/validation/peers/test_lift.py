"""validation/peers/lift.py: precision, levels and Brownian noise, all undone afterwards."""

from __future__ import annotations

import math
import sys
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from refscore.conformance.recorders import Tape, serve  # noqa: E402
from validation.peers.lift import SIGMA_MAX, SIGMA_MIN, BrownianNoise, absent, levels, lifted, replaced  # noqa: E402

pytestmark = pytest.mark.peer


def test_a_lifted_module_computes_in_float64_and_is_put_back() -> None:
    module = ModuleType("rounding")
    module.__dict__.update(torch=torch, np=np)
    source = "def third(): return torch.tensor(1 / 3, dtype=torch.float32), np.float32(1 / 3)"
    exec(source, module.__dict__)
    with lifted(module):
        assert [float(value) for value in module.third()] == [1 / 3, 1 / 3]
    assert module.torch is torch
    assert float(module.third()[0]) != 1 / 3


def test_a_replaced_name_is_put_back_after_an_error() -> None:
    module = ModuleType("drawing")
    module.__dict__["torch"] = torch

    def fail() -> None:
        with replaced(module, randn_like=lambda x: x + 7):
            assert float(module.torch.randn_like(torch.zeros(()))) == 7
            assert module.torch.zeros is torch.zeros
            raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        fail()
    assert module.torch is torch


def test_an_absent_module_is_empty_and_gone_afterwards() -> None:
    with absent("nowhere", "nowhere.inside"):
        from nowhere import inside  # type: ignore[import-not-found]

        assert vars(sys.modules["nowhere"])["inside"] is inside
    assert "nowhere" not in sys.modules
    assert "nowhere.inside" not in sys.modules


@pytest.mark.parametrize("warm", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 7, 160])
def test_levels_descend_from_end_to_end(warm: int, n: int) -> None:
    sigmas = levels(warm)(n)
    assert len(sigmas) == n + warm
    assert (float(sigmas[0]), float(sigmas[-1])) == (SIGMA_MAX, SIGMA_MIN)
    assert (sigmas.diff() < 0).all()


@pytest.mark.parametrize("warm", [2, 3, 4])
def test_starting_steps_are_as_accurate_as_the_order_asks(warm: int) -> None:
    """The step of order j leaves h_j^(j + 1): it falls as fast with n as the h^(p + 1) of an ordinary step."""
    few, many = (torch.log(levels(warm)(n)).diff().abs() for n in (100, 200))
    for j in range(1, warm):
        assert math.log2(float(few[j - 1] / many[j - 1])) * (j + 1) == pytest.approx(warm + 1, rel=1e-9)


def test_brownian_increments_have_the_covariance_of_their_overlap() -> None:
    asked = [(4.0, 3.0), (4.0, 1.0), (3.0, 1.0), (1.0, 0.5)]
    x = torch.zeros((3, 1), dtype=torch.float64)  # one row for each of the three draws: 4 → 3, 3 → 1, 1 → 0.5
    with serve("torch", Tape(lambda k, shape: np.eye(3)[:, [k]]), BrownianNoise):
        noise = BrownianNoise(x)
        found = np.array([noise(a, b).numpy()[:, 0] for a, b in asked])
    overlap = [[max(0.0, min(a, c) - max(b, d)) for c, d in asked] for a, b in asked]
    length = np.array([a - b for a, b in asked])
    np.testing.assert_allclose(found @ found.T, overlap / np.sqrt(np.outer(length, length)), rtol=0, atol=1e-15)


def test_brownian_noise_refuses_levels_that_rise() -> None:
    noise = BrownianNoise(torch.zeros((2, 1)))
    noise(2.0, 1.0)
    with pytest.raises(ValueError, match=r"sigma is 1\.5 after 1\.0; expected descending"):
        noise(2.0, 1.5)
