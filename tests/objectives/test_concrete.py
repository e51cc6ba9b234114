"""objectives/concrete.py and score_entropy.py: definitions, identities by enumeration and gradients by autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.objectives import (
    concrete,
    concrete_gradient,
    denoising_concrete,
    denoising_concrete_gradient,
    denoising_score_entropy,
    denoising_score_entropy_gradient,
    hamming_neighbours,
    ring_neighbours,
    score_entropy,
    score_entropy_gradient,
)
from tests.cubature import U

# Neighbours that are not each other's, one of them twice, one its own; and two tables that are symmetric.
TABLES = {
    "any": np.array([[1, 3], [2, 2], [3, 0], [4, 3], [0, 2]]),
    "ring": ring_neighbours(5),
    "bits": hamming_neighbours(3),
}
RNG = np.random.default_rng(5)
LAW = {k: RNG.integers(1, 9, k) for k in (5, 8)}


def setting(name):
    near = TABLES[name]
    k, m = near.shape
    p = LAW[k] / LAW[k].sum()
    kernel = RNG.integers(1, 9, (k, k)).astype(float)
    return near, p, kernel / kernel.sum(1, keepdims=True), RNG.integers(-8, 9, (k, m)) / 4


@pytest.mark.parametrize("name", TABLES)
def test_concrete_is_explicit_up_to_a_constant(name):  # (CNC.1) (CNC.2) (CNC.4)
    near, p, _, c = setting(name)
    values = concrete(lambda x: c[x], np.arange(len(p)), neighbours=near)
    truth = np.array([[p[n] / p[x] - 1 for n in near[x]] for x in range(len(p))])
    explicit, constant = (0.5 * sum(p[x] * ((f[x] - truth[x]) ** 2).sum() for x in range(len(p))) for f in (c, 0 * c))
    assert abs(p @ values + constant - explicit) <= 64 * U * (explicit + constant + p @ np.abs(values))
    by_hand = [
        (0.5 * c[y] ** 2 + c[y]).sum()
        - sum(c[x, n] for x in range(len(p)) for n in range(len(c[0])) if near[x, n] == y)
        for y in range(len(p))
    ]
    assert_array_equal(values, by_hand)  # quarters: nothing rounds


@pytest.mark.parametrize("name", TABLES)
def test_entropy_is_explicit_up_to_a_constant(name):  # (CNC.8) (CNC.9) (CNC.10)
    near, p, _, c = setting(name)
    s = np.exp(c)
    values = score_entropy(lambda x: s[x], np.arange(len(p)), neighbours=near)
    explicit = sum(p[x] * (s[x, i] - p[n] / p[x] * c[x, i]) for x in range(len(p)) for i, n in enumerate(near[x]))
    size = sum(p[x] * (s[x] + np.abs(c[x])).sum() for x in range(len(p))) + np.abs(c).sum()
    assert abs(p @ values - explicit) <= 64 * U * size


@pytest.mark.parametrize("name", TABLES)
def test_denoising_has_the_slope_of_matching_the_noisy_law(name):  # (CNC.3) (CNC.6) (CNC.12)
    """The two differ by a constant: their gradients under the law agree at any score."""
    near, p, kernel, c = setting(name)
    noisy = p @ kernel
    clean, state = (a.ravel() for a in np.indices(kernel.shape))
    joint = (p[:, None] * kernel).ravel()

    def mean(function, weights):
        return sum(w * function(i) for i, w in enumerate(weights))

    for direct, denoising, table in (
        (concrete_gradient, denoising_concrete_gradient, c),
        (score_entropy_gradient, denoising_score_entropy_gradient, np.exp(c)),
    ):
        score = lambda x, t=table: t[x]  # noqa: E731
        one = mean(lambda y, f=direct, s=score: f(s, [y], neighbours=near), noisy)
        other = mean(
            lambda i, f=denoising, s=score: f(s, clean[i : i + 1], state[i : i + 1], neighbours=near, kernel=kernel),
            joint,
        )
        assert np.abs(one - other).max() <= 256 * U * (1 + np.abs(table).max() + (1 / noisy).max())


def test_gradients_are_autograds():  # (CNC.5) (CNC.7) (CNC.11) (CNC.13)
    near, _, kernel, c = setting("any")
    x0, x = np.array([0, 1, 4, 4, 2]), np.array([[1, 1, 0, 3, 2]])[0]
    k, m = near.shape

    def incoming(values, y):
        pairs = [(z, n) for z in range(k) for n in range(m) if near[z, n] == y]
        return sum(values[z, n] for z, n in pairs) if pairs else 0.0

    ratio = np.array([[kernel[a, n] / kernel[a, b] for n in near[b]] for a, b in zip(x0, x, strict=True)])
    positive = np.exp(c)
    cases = [
        (
            concrete_gradient(lambda y: c[y], x, neighbours=near),
            lambda t: sum(anp.sum(0.5 * t[y] ** 2 + t[y]) - incoming(t, y) for y in x),
            c,
        ),
        (
            score_entropy_gradient(lambda y: positive[y], x, neighbours=near),
            lambda t: sum(anp.sum(t[y]) - incoming(anp.log(t), y) for y in x),
            positive,
        ),
        (
            denoising_concrete_gradient(lambda y: c[y], x0, x, neighbours=near, kernel=kernel),
            lambda t: sum(0.5 * anp.sum((t[y] - r + 1) ** 2) for y, r in zip(x, ratio, strict=True)),
            c,
        ),
        (
            denoising_score_entropy_gradient(lambda y: positive[y], x0, x, neighbours=near, kernel=kernel),
            lambda t: sum(anp.sum(t[y] - r * anp.log(t[y])) for y, r in zip(x, ratio, strict=True)),
            positive,
        ),
    ]
    for got, total, at in cases:
        expected = autograd.grad(total)(at)
        assert np.abs(got - expected).max() <= 32 * U * (np.abs(expected).max() + np.abs(at).max() + ratio.max())


def test_denoising_values_are_their_definitions():  # (CNC.6) (CNC.12)
    near, _, kernel, c = setting("any")
    s = np.exp(c)
    for a in range(5):
        for b in range(5):
            r = np.array([kernel[a, n] / kernel[a, b] for n in near[b]])
            square = denoising_concrete(lambda x: c[x], [a], [b], neighbours=near, kernel=kernel).item()
            entropy = denoising_score_entropy(lambda x: s[x], [a], [b], neighbours=near, kernel=kernel).item()
            expected = (s[b] - r * np.log(s[b]) + r * (np.log(r) - 1)).sum()
            assert abs(square - 0.5 * ((c[b] - r + 1) ** 2).sum()) <= 32 * U * (1 + r.sum() + np.abs(c[b]).sum()) ** 2
            assert abs(entropy - expected) <= 32 * U * (s[b] + r * (1 + np.abs(np.log(s[b])) + np.abs(np.log(r)))).sum()
            assert entropy >= -32 * U * r.sum()


def test_a_kernel_that_cannot_reach_a_neighbour_is_no_harm():  # 0 log 0 = 0
    near, kernel = ring_neighbours(3), np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    ones = lambda x: np.ones((len(x), 2))  # noqa: E731
    assert denoising_score_entropy(ones, [0], [0], neighbours=near, kernel=kernel).tolist() == [2.0]
    assert denoising_concrete(ones, [0], [0], neighbours=near, kernel=kernel).tolist() == [4.0]


def test_batches_of_any_shape():
    near, _, kernel, c = setting("ring")
    x, s = np.array([[0, 4, 2], [1, 1, 3]]), np.exp(c)
    for value in (
        concrete(lambda y: c[y], x, neighbours=near),
        score_entropy(lambda y: s[y], x, neighbours=near),
        denoising_concrete(lambda y: c[y], x[::-1], x, neighbours=near, kernel=kernel),
    ):
        assert value.shape == (2, 3)
    assert concrete(lambda y: c[y], 3, neighbours=near).shape == ()
    assert concrete_gradient(lambda y: c[y], x, neighbours=near).shape == (5, 2)


def test_bad_arguments_are_refused():
    near, _, kernel, c = setting("ring")
    with pytest.raises(ValueError, match=r"x has a value of 5; expected states 0 … 4"):
        concrete(lambda x: c[x], [5], neighbours=near)
    with pytest.raises(ValueError, match=r"score\(x\) has a value of -.*; expected score\(x\) > 0"):
        score_entropy(lambda x: -np.exp(c[x]), [0], neighbours=near)
    with pytest.raises(ValueError, match=r"kernel has shape \(2, 2\); expected \(5, 5\)"):
        denoising_concrete(lambda x: c[x], [0], [0], neighbours=near, kernel=np.eye(2))
    with pytest.raises(ValueError, match=r"kernel is 0 from state 0 to 1: x cannot come from x0"):
        denoising_concrete(lambda x: c[x], [0], [1], neighbours=near, kernel=np.eye(5))
    with pytest.raises(ValueError, match=r"x has shape \(1,\); expected \(2,\), the shape of x0"):
        denoising_concrete(lambda x: c[x], [0, 1], [1], neighbours=near, kernel=kernel)
    with pytest.raises(TypeError, match=r"x has dtype float64; expected integers"):
        concrete(lambda x: c[x], [1.0], neighbours=near)
