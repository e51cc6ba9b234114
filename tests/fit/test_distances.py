"""fit/distances.py against all pairs, in integers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from refscore import noise
from refscore.fit import distances, largest_distance, nearest_distances

U = 2.0**-53
points = st.integers(2, 40).flatmap(
    lambda n: st.integers(1, 4).flatmap(lambda d: arrays(np.int64, (n, d), elements=st.integers(-20, 20)))
)


def squares(x):
    return [[sum((int(a) - int(b)) ** 2 for a, b in zip(p, q)) for q in x] for p in x]


@given(points, st.sampled_from([1, 3, 1024]), st.sampled_from([0, 2**40]))
def test_all_pairs(x, tile, offset):  # (COND.1), (COND.2), (COND.3)
    table = squares(x)
    largest = max(map(max, table))
    nearest = [min(row[:i] + row[i + 1 :]) for i, row in enumerate(table)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "TILE", tile)
        if not largest:
            with pytest.raises(ValueError, match="all the same"):
                largest_distance(x + offset)
            return
        # differences of integers are exact, and so is the sum of squares; the root is rounded once
        assert abs(largest_distance(x + offset) / math.sqrt(largest) - 1) <= 2 * U
        found = nearest_distances(x + offset, at_most=1000)
    assert np.abs(found - np.sqrt(nearest)).max() <= 2 * U * found.max()


def test_neighbours_far_closer_than_the_data_is_wide():
    # The expanded square has an error of u |x|² = 1e-16: all of the distances 1e-9 within the cluster.
    grid = np.arange(40.0)[:, None] * [2.0**-30, 0.0]
    x = np.concatenate([grid, [[1.0, 1.0], [-1.0, 3.0]]])
    assert (nearest_distances(x)[:40] == 2.0**-30).all()
    assert abs(largest_distance(x) / math.hypot(1 + 39 * 2.0**-30, 3) - 1) <= 2 * U


def test_a_cluster_beside_an_outlier_is_the_cluster_alone():
    cluster = noise.normals(1, np.arange(200), 3)
    cluster = np.round(cluster * 2.0**10) * 2.0**-50  # nothing rounds, here or beside the outlier
    both = np.concatenate([cluster, [[3.0, 4.0, 0.0]]])
    assert np.array_equal(nearest_distances(both)[:200], nearest_distances(cluster * 2.0**50) * 2.0**-50)


def test_no_pair_is_left_out_that_may_be_the_farthest(monkeypatch):
    # By radius: A, B, C. A and B are 19.2 apart, A and C 19.5, on opposite sides of the mean.
    outer = np.array([[10.0, 0.0], [9.9 * np.cos(np.pi * 5 / 6), 9.9 / 2], [-9.5, 0.0]])
    x = np.concatenate([outer, np.broadcast_to(-outer.sum(0) / 10, (10, 2))])
    monkeypatch.setattr(distances, "TILE", 1)
    assert largest_distance(x) == 19.5


def test_many_points_are_asked_at_even_distances():
    x = noise.normals(0, np.arange(300), 3)
    every = nearest_distances(x, at_most=300)
    assert np.array_equal(nearest_distances(x, at_most=3), every[[0, 150, 299]])
    assert len(nearest_distances(x, at_most=1)) == 1


def test_few_pairs_are_looked_at(monkeypatch):
    x = noise.normals(0, np.arange(20_000), 2)
    looked, product = [], distances._squared

    def counted(near, far):
        looked.append(near.shape[0] * far.shape[0])
        return product(near, far)

    monkeypatch.setattr(distances, "_squared", counted)
    best = largest_distance(x)
    assert sum(looked) < 0.02 * 20_000**2 / 2
    hull = x[np.argsort(-np.linalg.norm(x, axis=1))[:500]]  # the farthest pair is among the outermost
    assert best == np.sqrt(((hull[:, None] - hull) ** 2).sum(-1)).max()


@pytest.mark.parametrize("call", [largest_distance, nearest_distances])
def test_refusals(call):
    with pytest.raises(ValueError, match=r"data has shape \(1, 2\); expected \(N, d\) with N >= 2"):
        call([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"data has shape \(2,\); expected \(N, d\), one sample a row"):
        call([1.0, 2.0])
    with pytest.raises(ValueError, match="not finite"):
        call([[1.0], [np.nan]])
