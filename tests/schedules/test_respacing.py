"""Respaced labels: against fractions, against the published rules in NumPy, and as times of the discrete path."""

from fractions import Fraction

import numpy as np
import pytest

from refscore.paths import DiscreteVP
from refscore.schedules import leading_labels, linspace_labels, times_of_labels, trailing_labels

COUNTS = [(1000, n) for n in (1, 2, 3, 7, 10, 16, 20, 50, 96, 250, 999, 1000)] + [(7, 7), (1, 1), (4000, 27)]


@pytest.mark.parametrize(("total", "n"), COUNTS)
def test_the_rules_in_fractions(total, n):  # (GRD2.1) (GRD2.2) (GRD2.3); round(Fraction) takes halves to even
    backwards = range(n - 1, -1, -1)
    assert leading_labels(n=n, n_train=total).tolist() == [k * (total // n) for k in backwards]
    trailing = [round(Fraction(total * (k + 1), n)) - 1 for k in backwards]
    assert trailing_labels(n=n, n_train=total).tolist() == trailing
    if n > 1:
        inner = [round(Fraction((total - 1) * k, n - 1)) for k in backwards]
        assert linspace_labels(n=n, n_train=total).tolist() == inner


@pytest.mark.parametrize("n", [2, 4, 5, 8, 10, 20, 25, 50, 100])
def test_the_released_rules(n):  # as diffusers' DDIM scheduler writes them, n dividing N
    ratio = 1000 / n
    assert trailing_labels(n=n, n_train=1000).tolist() == (np.round(np.arange(1000, 0, -ratio)) - 1).tolist()
    assert linspace_labels(n=n, n_train=1000).tolist() == np.linspace(0, 999, n).round()[::-1].tolist()
    leading = (np.arange(0, n) * (1000 // n)).round()[::-1] + 1
    assert leading_labels(n=n, n_train=1000, offset=1).tolist() == leading.tolist()


def test_halves_go_to_the_even_neighbour():
    assert trailing_labels(n=2, n_train=3).tolist() == [2, 1]  # 1.5 → 2
    assert trailing_labels(n=2, n_train=5).tolist() == [4, 1]  # 2.5 → 2
    assert linspace_labels(n=3, n_train=4).tolist() == [3, 2, 0]  # 1.5 → 2
    assert linspace_labels(n=3, n_train=6).tolist() == [5, 2, 0]  # 2.5 → 2


@pytest.mark.parametrize("n", [2, 3, 7, 50])
def test_the_times_are_the_levels_of_the_labels(n):  # (GRD2.4)
    betas = np.linspace(1e-4, 0.02, 1000)
    path, products = DiscreteVP(betas), np.cumprod(1 - betas)
    for rule in (leading_labels, linspace_labels, trailing_labels):
        labels = rule(n=n, n_train=1000)
        assert labels.dtype == np.int64
        times = times_of_labels(labels, n_train=1000)
        assert times.shape == (n + 1,)
        assert times[-1] == 0
        np.testing.assert_allclose(path.alpha(times[:-1]) ** 2, products[labels], rtol=1e-12)


def test_only_leading_misses_the_prior():
    assert [rule(n=3, n_train=10)[0] for rule in (leading_labels, linspace_labels, trailing_labels)] == [6, 9, 9]


@pytest.mark.parametrize("rule", [leading_labels, linspace_labels, trailing_labels])
def test_counts_are_held(rule):
    with pytest.raises(ValueError, match="n is 11; expected at most n_train = 10"):
        rule(n=11, n_train=10)
    with pytest.raises(ValueError, match="n is 0"):
        rule(n=0, n_train=10)
    with pytest.raises(TypeError, match="expected an integer"):
        rule(n=2.0, n_train=10)


def test_refusals():
    with pytest.raises(ValueError, match="n is 1; expected at least 2, since both ends are labels"):
        linspace_labels(n=1, n_train=10)
    with pytest.raises(ValueError, match="offset is 1; expected at most 0 with n = 10"):
        leading_labels(n=10, n_train=10, offset=1)
    with pytest.raises(ValueError, match="offset is -1"):
        leading_labels(n=5, n_train=10, offset=-1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([10, 2], r"labels\[0\] is 10; expected a whole number in 0 … 9"),
        ([5, -1], r"labels\[1\] is -1"),
        ([5, 2.5], r"labels\[1\] is 2.5"),
        ([2, 2], r"labels does not descend: labels\[0\] = 2, labels\[1\] = 2"),
        ([], r"labels has shape \(0,\)"),
        ([[3, 1]], r"labels has shape \(1, 2\)"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(ValueError, match=message):
        times_of_labels(labels, n_train=10)
