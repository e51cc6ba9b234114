"""fit/state.py: what goes to disk comes back to the bit, whole or not at all, and nothing is unpickled."""

import os
import pickle

import numpy as np
import pytest

from refscore.fit import State, load, save
from refscore.fit.state import differences

CONFIGURATION = {"seed": "0", "σ": "among (3,) …"}


def state(dtype=np.float64, mean=True, n_slots=2, step=3):
    theta = np.array([0.1, -0.0, np.nextafter(0, 1)], dtype)
    slots = tuple(theta + i for i in range(n_slots))
    losses, norms = np.arange(step) / 3, np.arange(step) / 7
    return State(step, theta, slots, theta / 3 if mean else None, losses, norms, CONFIGURATION)


def assert_same(one, other):
    for name in ("theta", "mean", "losses", "gradient_norms"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        assert a is None or (a.dtype == b.dtype and a.tobytes() == b.tobytes())
    assert [slot.tobytes() for slot in one.slots] == [slot.tobytes() for slot in other.slots]
    assert (one.step, one.configuration) == (other.step, other.configuration)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("n_slots", [0, 1, 12])
@pytest.mark.parametrize("step", [0, 3])
def test_there_and_back(dtype, mean, n_slots, step, tmp_path):
    one = state(dtype, mean, n_slots, step)
    save(tmp_path / "run.npz", one)
    assert_same(load(tmp_path / "run.npz"), one)
    assert os.listdir(tmp_path) == ["run.npz"]


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(fails, tmp_path, monkeypatch):
    save(tmp_path / "run", state())
    with monkeypatch.context() as patch:

        def full(*_):
            raise OSError("no space left")

        patch.setattr(os, fails, full)
        with pytest.raises(OSError, match="no space left"):
            save(tmp_path / "run", state(step=9))
    assert_same(load(tmp_path / "run"), state())
    assert os.listdir(tmp_path) == ["run"]


def test_the_file_is_on_disk_before_it_has_the_name(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        done = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, done=done: (order.append(name), done(*args)))
    save(tmp_path / "run", state())
    assert order == ["fsync", "replace"]


def test_a_file_cut_anywhere_is_refused(tmp_path):
    save(tmp_path / "run", state())
    whole = (tmp_path / "run").read_bytes()
    for length in range(0, len(whole), 37):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cut is no checkpoint"):
            load(tmp_path / "cut")


def test_pickled_objects_are_not_read(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "mischief"),)

    np.savez(tmp_path / "a.npz", format=np.array(1), step=np.array([Evil()], object), allow_pickle=True)
    (tmp_path / "b").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npz", "b"):
        with pytest.raises(ValueError, match="is no checkpoint"):
            load(tmp_path / name)
    assert not (tmp_path / "mischief").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": np.array(2)}, "has format 2; expected 1"),
        ({"format": None}, "has format none; expected 1"),
        ({"theta": None}, "is no checkpoint: it has no 'theta'"),
        ({"theta": np.zeros(2)}, r"slots\[0\] has shape \(3,\) and dtype float64; expected \(2,\) and float64"),
        ({"mean": np.zeros(3, np.float32)}, "mean has shape"),
        ({"losses": np.zeros(2)}, r"losses has shape \(2,\) and dtype float64; expected \(3,\)"),
        ({"step": np.array(-1)}, "step is -1; expected at least 0"),
        ({"configuration": np.array("{")}, "is no checkpoint"),
    ],
)
def test_what_does_not_belong_together_is_refused(change, message, tmp_path):
    save(tmp_path / "run", state())
    with np.load(tmp_path / "run") as file:
        arrays = {**file, **change}
    np.savez(tmp_path / "run.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "run.npz")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


def test_a_state_is_a_private_value():
    theta = np.ones(2)
    one = State(0, theta, (theta,), None, np.empty(0), np.empty(0), {})
    theta += 1
    assert one.theta.tolist() == one.slots[0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="read-only"):
        one.theta[0] = 2
    assert repr(one) == "State(step 0, 2 parameters of float64)"
    with pytest.raises(ValueError, match="theta has shape"):
        State(0, np.ones((2, 2)), (), None, np.empty(0), np.empty(0), {})
    with pytest.raises(ValueError, match="theta has shape"):
        State(0, np.ones(2, np.int64), (), None, np.empty(0), np.empty(0), {})


def test_differences_are_told():
    assert differences({"a": "1", "b": "2"}, {"b": "3", "a": "1", "c": "4"}) == [
        "b: 2 in the checkpoint, 3 now",
        "c: nothing in the checkpoint, 4 now",
    ]
    assert differences({"d": "5"}, {}) == ["d: 5 in the checkpoint, nothing now"]
