"""Replays: a given tape in the place of an address, and scores of Python between compiled parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from tests.kernels.laws import D, samplers, start, targets

FORMS = samplers()
LAWS = targets()


def tape_of(sampler: Any, steps: int) -> Any:
    """The noise of seed 9, in the shape that the sampler takes."""
    if not sampler.draws:
        return None
    z = rs.noise.tape(9, steps * sampler.draws, len(start()), D)
    return z if sampler.draws == 1 else z.reshape(steps, sampler.draws, *z.shape[1:])


def states(state: rk.State) -> list[bytes]:
    """State and memory, to the bit."""
    return [a.tobytes() for a in (state.x, *state.memory)]


@pytest.mark.parametrize("name", FORMS)
def test_on_the_tape_of_a_seed_it_is_the_run_of_that_seed(name: str) -> None:
    sampler, steps = FORMS[name]
    n = steps or sampler.n_steps
    for law in ("gaussian", "basis_mixture"):
        run = rk.run(sampler, LAWS[law], start(), seed=9, steps=n, backend="portable")
        again = rk.replay(sampler, LAWS[law], start(), tape_of(sampler, n), backend="portable")
        assert states(again) == states(run)
        assert again.k == n


def test_it_goes_on_from_a_state() -> None:
    sampler, _ = FORMS["obabo"]
    z = tape_of(sampler, 9)
    whole = rk.replay(sampler, LAWS["gaussian"], start(), z, backend="portable")
    part = rk.replay(sampler, LAWS["gaussian"], start(), z[:4], backend="portable")
    assert states(rk.replay(sampler, LAWS["gaussian"], part, z[4:], backend="portable")) == states(whole)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("langevin", np.float64),
        pytest.param("langevin", np.float32, marks=pytest.mark.slow),
        pytest.param("obabo", np.float64, marks=pytest.mark.slow),
        pytest.param("obabo", np.float32, marks=pytest.mark.slow),
        pytest.param("unipc", np.float64, marks=pytest.mark.slow),
    ],
)
def test_compiled_replays_have_the_same_bits_whoever_says_the_score(name: str, dtype: Any) -> None:
    pytest.importorskip("numba", reason="the compiled kernels need it")
    sampler, steps = FORMS[name]
    z = tape_of(sampler, steps or sampler.n_steps)

    def score(x: Any, alpha: float, sigma: float) -> Any:
        return -x / (1 + alpha * x * x + sigma)

    how: dict[str, Any] = {"dtype": dtype}
    for said in (score, LAWS["gaussian"]) if name != "unipc" else (score,):
        portable = rk.replay(sampler, said, start(), z, backend="portable", **how)
        assert states(rk.replay(sampler, said, start(), z, **how)) == states(portable)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"backend": "reference"}, "backend is 'reference'; expected 'cpu' or 'portable'"),
        ({"noise": None}, "noise is None; expected"),
        ({"noise": np.zeros((2, 3, 4))}, r"noise has shape \(2, 3, 4\); expected \(K, 3, 5\)"),
        ({"start": np.zeros(D)}, r"start has shape \(5,\)"),
        ({"threads": 0}, "threads is 0"),
        ({"sampler": "euler-maruyama", "noise": np.zeros((8, 3, D))}, "noise has 8 steps; expected at most 7"),
    ],
)
def test_wrong_calls_say_what_is_wrong(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"sampler": "langevin", "start": start(3), "noise": np.zeros((2, 3, D)),
                             "backend": "portable"} | wrong  # fmt: skip
    sampler = FORMS[given.pop("sampler")][0]
    with pytest.raises(ValueError, match=message):
        rk.replay(sampler, LAWS["gaussian"], given.pop("start"), given.pop("noise"), **given)
