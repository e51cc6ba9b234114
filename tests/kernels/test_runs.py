"""Runs: the same bits however they are cut, spread and compiled, and the reference but for a few roundings."""

from __future__ import annotations

import _thread
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refscore as rs
import refscore_kernels as rk
from refscore_kernels import backends
from tests.kernels.laws import D, samplers, start, targets

FORMS = samplers()
LAWS = targets()


def equal(a: rk.State, b: rk.State) -> bool:
    """The same bits, in states and memories."""
    pairs = zip((a.x, *a.memory), (b.x, *b.memory), strict=True)
    return all(p.dtype == q.dtype and p.tobytes() == q.tobytes() for p, q in pairs)


@pytest.mark.parametrize("name", FORMS)
def test_portable_is_the_reference_but_for_roundings(name: str) -> None:
    sampler, steps = FORMS[name]
    for target in (LAWS["gaussian"], LAWS["isotropic_mixture"]):
        found = rk.run(sampler, target, start(), seed=9, steps=steps, backend="portable")
        truth = rk.run(sampler, target, start(), seed=9, steps=steps, backend="reference")
        for a, b in zip((found.x, *found.memory), (truth.x, *truth.memory), strict=True):
            assert np.abs(a - b).max() <= 1e-11 * (1 + np.abs(b).max())


def test_reference_is_replay_on_the_tape() -> None:
    sampler, _ = FORMS["obabo"]
    z = rs.noise.tape(9, 2 * 9, 131, D).reshape(9, 2, 131, D)
    x = rs.samplers.replay(sampler, rs.samplers.noisy_score(LAWS["gaussian"]), start(), z)
    assert (rk.run(sampler, LAWS["gaussian"], start(), seed=9, steps=9, backend="reference").x == x).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["langevin", "obabo", "unipc"])
def test_cuts_and_offsets_change_no_bit(name: str, dtype: Any) -> None:
    sampler, steps = FORMS[name]
    law, n = LAWS["isotropic_mixture"], steps or sampler.n_steps
    how: dict[str, Any] = {"seed": 2**40 + 3, "stream": 5, "dtype": dtype, "backend": "portable"}
    whole = rk.run(sampler, law, start(), steps=n, **how)
    state: Any = start()
    for part in (1, 3, n - 4):
        state = rk.run(sampler, law, state, steps=part, **how)
    assert equal(state, whole)
    late = rk.run(sampler, law, start()[100:], steps=n, first_chain=100, **how)
    assert late.x.tobytes() == whole.x[100:].tobytes()


def test_blocks_of_the_portable_twin_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler, _ = FORMS["stochastic heun"]
    whole = rk.run(sampler, LAWS["basis_mixture"], start(), seed=1, backend="portable")
    monkeypatch.setattr(backends, "LANES", 17)
    assert equal(rk.run(sampler, LAWS["basis_mixture"], start(), seed=1, backend="portable"), whole)


def test_chains_do_not_see_each_other_or_the_step_number_of_others() -> None:
    a = rk.run(*[FORMS["langevin"][0], LAWS["gaussian"], start()], seed=1, steps=4, backend="portable")
    b = rk.run(*[FORMS["langevin"][0], LAWS["gaussian"], start()[:7]], seed=1, steps=4, backend="portable")
    assert (a.x[:7] == b.x).all()
    assert len(np.unique(a.x)) == a.x.size


def test_a_function_of_python_is_called_between_the_parts_of_a_step() -> None:
    law, (sampler, _) = LAWS["basis_mixture"], FORMS["heun"]
    found = rk.run(sampler, rs.samplers.noisy_score(law), start(), seed=1)
    truth = rk.run(sampler, law, start(), seed=1, backend="reference")
    assert np.abs(found.x - truth.x).max() < 1e-12


def test_callbacks_come_after_every_so_many_steps_and_after_the_last() -> None:
    seen: list[int] = []
    kept = rs.samplers.Running()
    rk.run(FORMS["langevin"][0], LAWS["gaussian"], start(), seed=1, steps=10, backend="portable", every=4,
           callback=rs.samplers.several(lambda k, _: seen.append(k), kept))  # fmt: skip
    assert seen == [3, 7, 9]
    assert kept.value is not None
    assert kept.value.count == 3 * 131


def test_states_go_through_a_file(tmp_path: Path) -> None:
    sampler, _ = FORMS["obabo"]
    how: dict[str, Any] = {"seed": 4, "backend": "portable"}
    whole = rk.run(sampler, LAWS["gaussian"], start(), steps=9, **how)
    rk.run(sampler, LAWS["gaussian"], start(), steps=5, checkpoint=tmp_path / "run.npz", **how)
    assert equal(rk.run(sampler, LAWS["gaussian"], rk.load(tmp_path / "run.npz"), steps=4, **how), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_ctrl_c_gives_the_state(tmp_path: Path) -> None:
    sampler, how = FORMS["langevin"][0], {"seed": 4, "backend": "portable"}
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(rk.Interrupted, match=r"stopped after \d+ steps") as stopped:
        rk.run(sampler, LAWS["gaussian"], start(), steps=10**7, checkpoint=tmp_path / "run.npz", **how)  # type: ignore[arg-type]
    k = stopped.value.state.k
    assert equal(rk.run(sampler, LAWS["gaussian"], start(), steps=k, **how), stopped.value.state)  # type: ignore[arg-type]
    assert equal(rk.load(tmp_path / "run.npz"), stopped.value.state)


def test_a_state_goes_on_only_as_what_it_is() -> None:
    sampler, law = FORMS["langevin"][0], LAWS["gaussian"]
    state = rk.run(sampler, law, start(), seed=4, steps=2, backend="portable")
    for wrong, message in [
        ({"seed": 5}, "address"),
        ({"stream": 1}, "address"),
        ({"dtype": np.float32}, "dtype"),
    ]:
        with pytest.raises(ValueError, match=message):
            rk.run(sampler, law, state, **{"seed": 4, "steps": 1, "backend": "portable"} | wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sampler is ddim"):
        rk.run(FORMS["ddim"][0], law, state, seed=4, backend="portable")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"backend": "gpu"}, "backend is 'gpu'; expected one of 'cpu', 'portable', 'reference'"),
        ({"dtype": np.float16}, "dtype is"),
        ({"backend": "reference", "dtype": np.float32}, "expected np.float64 with backend='reference'"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, "seed"),
        ({"steps": None}, "steps is None, but langevin takes any number"),
        ({"steps": -1}, "steps is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"every": 0}, "every is 0"),
        ({"start": np.zeros(D)}, r"start has shape \(5,\); expected \(N, d\)"),
        ({"start": np.zeros((3, 2))}, r"start has shape \(3, 2\); expected \(N, 5\)"),
        ({"start": np.full((3, D), np.nan)}, "start"),
        ({"score": 3}, "score is int; expected a target"),
    ],
)
def test_wrong_calls_say_what_is_wrong(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"score": LAWS["gaussian"], "start": start(3), "seed": 1, "steps": 2, "backend": "portable"}
    given |= wrong
    with pytest.raises((ValueError, TypeError), match=message):
        rk.run(FORMS["langevin"][0], given.pop("score"), given.pop("start"), **given)


def test_more_steps_than_there_are() -> None:
    with pytest.raises(ValueError, match=r"steps is 9; expected at most 7, which ddim.* has left after 0"):
        rk.run(FORMS["ddim"][0], LAWS["gaussian"], start(), seed=1, steps=9, backend="portable")


def test_files_that_hold_no_state(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "b.npz", x=np.zeros(3))
    for name in "ab":
        with pytest.raises(ValueError, match=r"path is .*expected a (file|state)"):
            rk.load(tmp_path / f"{name}.npz")


def test_without_numba_the_portable_twin_runs_after_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    from refscore_kernels.cpu import compiling

    def none() -> Any:
        raise ModuleNotFoundError("No module named 'numba'; compiled kernels need pip install 'refscore[kernels]'")

    monkeypatch.setattr(compiling, "_numba", none)
    for cached in (compiling.kernels, backends.compiled):
        cached.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match=r"pip install 'refscore\[kernels\]'.*NumPy takes the same steps"):
            found = rk.run(FORMS["langevin"][0], LAWS["gaussian"], start(), seed=1, steps=2)
        again = rk.run(FORMS["langevin"][0], LAWS["gaussian"], start(), seed=1, steps=2)  # no second warning
    finally:
        for cached in (compiling.kernels, backends.compiled):
            cached.cache_clear()
    assert equal(found, rk.run(FORMS["langevin"][0], LAWS["gaussian"], start(), seed=1, steps=2, backend="portable"))
    assert equal(found, again)
