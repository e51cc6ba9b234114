"""fit/draws.py: batches as partitions of the data, and numbers that depend on their own step alone."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refscore import noise
from refscore.fit import Batches, draws, shuffled, with_replacement
from refscore.fit.draws import as_batches, blocked, step_normals, step_uniforms


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 10**6))
def test_everybody_is_seen_once_an_epoch(n, n_data, seed):  # (LOO.2)
    steps = np.arange(3 * n_data)
    index = shuffled(n).at(seed, steps, n_data)
    assert index.shape == (len(steps), n)
    epochs = index.ravel()[: 3 * n_data * n].reshape(-1, n_data)
    assert (np.sort(epochs, axis=1) == np.arange(n_data)).all()
    some = np.array([steps[-1], 0, n_data])
    assert np.array_equal(shuffled(n).at(seed, some, n_data), index[some])


def test_epochs_far_away_are_reached_at_once():
    step, n, n_data = 10**9, 7, 10
    epoch, place = divmod(step * n, n_data)
    orders = [np.argsort(noise.uniforms(3, e, n_data, stream=draws.ORDER)) for e in (epoch, epoch + 1)]
    assert np.array_equal(shuffled(n).at(3, np.array([step]), n_data)[0], np.concatenate(orders)[place : place + n])


def test_large_data_sets_have_the_same_orders(monkeypatch):
    at = shuffled(7).at
    together = at(1, np.arange(40), 50)
    monkeypatch.setattr(draws, "VECTORISED", 0)
    assert np.array_equal(at(1, np.arange(40), 50), together)


def test_every_order_is_as_likely():
    orders = shuffled(4).at(0, np.arange(24_000), 4)
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    for order in map(tuple, orders.tolist()):
        counts[order] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-6  # false alarm 1e-6, once for this seed


def test_with_replacement_every_sample_is_as_likely():  # (LOO.3)
    index = with_replacement(100).at(0, np.arange(1000), 7)
    assert index.min() == 0
    assert index.max() == 6
    assert stats.chisquare(np.bincount(index.ravel())).pvalue > 1e-6
    assert np.array_equal(index[5], np.floor(7 * noise.uniforms(0, 5, 100, stream=draws.CHOICE)))


def test_what_a_batch_means():
    assert as_batches(3, 10).name == "shuffled(3)"
    assert as_batches(10, 10).name == as_batches(None, 10).name == "all 10"
    assert as_batches(None, 10).at(0, np.arange(2), 10).tolist() == [list(range(10))] * 2
    own = Batches("first", 1, lambda seed, steps, n_data: np.zeros((len(steps), 1), np.int64))
    assert as_batches(own, 10) is own
    assert repr(with_replacement(3)) == "with_replacement(3)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: shuffled(0), ValueError, "size is 0; expected at least 1"),
        (lambda: with_replacement(2.0), TypeError, "size is 2.0, of type float"),
        (lambda: as_batches(0, 10), ValueError, "batch is 0; expected at least 1"),
        (lambda: as_batches("all", 10), TypeError, "batch is 'all', of type str"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numbers_of_a_step_are_at_their_address():  # (LOO.1)
    steps = np.array([4, 9])
    z, u = step_normals(11, steps, (3, 2), 77), step_uniforms(11, steps, (5,), 78)
    for row, step in enumerate(steps):
        assert np.array_equal(z[row].ravel(), noise.normals(11, step, 6, stream=77))
        assert np.array_equal(u[row], noise.uniforms(11, step, 5, stream=78))


def test_streams_differ():
    assert len({draws.ORDER, draws.CHOICE, draws.NOISE, draws.LEVEL, draws.PROJECTION}) == 5


@pytest.mark.parametrize("per_step", [1, 2**16, 2**17, 2**30])
def test_blocks_serve_the_rows_of_their_steps(per_step):
    made = []

    def make(steps):
        made.append(len(steps))
        return steps**2, np.stack([steps, -steps], axis=1)

    at = blocked(make, per_step)
    for k in (0, 1, 63, 64, 1000, 2, 999):
        square, both = at(k)
        assert square == k**2
        assert both.tolist() == [k, -k]
    assert max(made) * per_step <= max(draws.BLOCK_NUMBERS, per_step)
