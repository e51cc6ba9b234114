"""exact/ratio_matching.py, concrete.py, score_entropy.py, finite.py: the explicit forms against the objectives."""

import numpy as np
import pytest

from refscore import objectives
from refscore.exact import concrete, ratio_matching, score_entropy
from refscore.exact.finite import law, noised, positive_law, ratios, spread
from tests.cubature import U

RNG = np.random.default_rng(11)
NEAR = np.array([[1, 3], [2, 2], [3, 0], [4, 3], [0, 2]])
P = RNG.integers(1, 9, 5) / 1.0
P = P / P.sum()
KERNEL = RNG.integers(1, 9, (5, 5)).astype(float)
KERNEL = KERNEL / KERNEL.sum(1, keepdims=True)
C = RNG.integers(-8, 9, (5, 2)) / 4
S = np.exp(C)
CLEAN, STATE = np.indices((5, 5))
BITS = np.array([[x >> i & 1 for i in range(3)] for x in range(8)], dtype=float)
Q8, P8 = np.array([3, 1, 4, 1, 5, 9, 2, 6]), np.array([2, 7, 1, 8, 2, 8, 1, 8]) / 37
TINY = 256 * U


def moments(values, weights):
    first = (weights * values).sum()
    return first, (weights * (values - first) ** 2).sum()


def log_of(table):
    return lambda x: np.log(table)[(np.asarray(x) @ [1, 2, 4]).astype(int)]


def test_ratio_matching():  # (RTM.5) (RTM.6) (RTM.7)
    first, second = moments(objectives.ratio_matching(log_of(Q8), BITS), P8)
    assert abs(ratio_matching.ratio_matching_expectation(Q8, P8) - first) <= TINY
    assert abs(ratio_matching.ratio_matching_variance(Q8, P8) - second) <= TINY
    best = ratio_matching.ratio_matching_expectation(P8, P8)
    own = ratio_matching.ratio_matching_minimiser(P8)
    assert abs(best - P8 @ (own**2).sum(-1)) <= TINY
    for x in range(8):
        assert ratio_matching.ratio_matching_expectation(P8 * (1 + 0.25 * np.eye(8)[x]), P8) > best
    pair = own + own[objectives.hamming_neighbours(3), np.arange(3)]
    assert np.abs(pair - 1).max() <= 4 * U  # a bit and its other value


def test_concrete():  # (CNC.2) (CNC.14)
    values = objectives.concrete(lambda x: C[x], np.arange(5), neighbours=NEAR)
    first, second = moments(values, P)
    assert abs(concrete.concrete_expectation(C, P, neighbours=NEAR) - first) <= 16 * TINY
    assert abs(concrete.concrete_variance(C, P, neighbours=NEAR) - second) <= 16 * TINY
    values = objectives.denoising_concrete(lambda x: C[x], CLEAN, STATE, neighbours=NEAR, kernel=KERNEL)
    first, second = moments(values, P[:, None] * KERNEL)
    given = {"neighbours": NEAR, "kernel": KERNEL}
    assert abs(concrete.denoising_concrete_expectation(C, P, **given) - first) <= 64 * TINY * first
    assert abs(concrete.denoising_concrete_variance(C, P, **given) - second) <= 64 * TINY * second


def test_entropy():  # (CNC.9) (CNC.15)
    values = objectives.score_entropy(lambda x: S[x], np.arange(5), neighbours=NEAR)
    first, second = moments(values, P)
    assert abs(score_entropy.score_entropy_expectation(S, P, neighbours=NEAR) - first) <= 16 * TINY
    assert abs(score_entropy.score_entropy_variance(S, P, neighbours=NEAR) - second) <= 16 * TINY * (1 + second)
    values = objectives.denoising_score_entropy(lambda x: S[x], CLEAN, STATE, neighbours=NEAR, kernel=KERNEL)
    first, second = moments(values, P[:, None] * KERNEL)
    given = {"neighbours": NEAR, "kernel": KERNEL}
    assert abs(score_entropy.denoising_score_entropy_expectation(S, P, **given) - first) <= 64 * TINY * (1 + first)
    assert abs(score_entropy.denoising_score_entropy_variance(S, P, **given) - second) <= 64 * TINY * (1 + second)


def test_minimisers_have_no_slope_and_are_the_ratios_of_the_law():  # (CNC.1) (CNC.3)
    best = concrete.concrete_minimiser(P, neighbours=NEAR)
    pull = sum(p * objectives.concrete_gradient(lambda x: best[x], [y], neighbours=NEAR) for y, p in enumerate(P))
    assert np.abs(pull).max() <= TINY
    ratio = score_entropy.score_entropy_minimiser(P, neighbours=NEAR)
    assert np.abs(ratio - 1 - best).max() <= TINY
    pull = sum(p * objectives.score_entropy_gradient(lambda x: ratio[x], [y], neighbours=NEAR) for y, p in enumerate(P))
    assert np.abs(pull).max() <= TINY
    given = {"neighbours": NEAR, "kernel": KERNEL}
    noisy = concrete.denoising_concrete_minimiser(P, **given)
    assert np.abs(noisy - concrete.concrete_minimiser(P @ KERNEL, neighbours=NEAR)).max() == 0
    entropy = score_entropy.denoising_score_entropy_minimiser(P, **given)
    for function, table in (
        (objectives.denoising_concrete_gradient, noisy),
        (objectives.denoising_score_entropy_gradient, entropy),
    ):
        pull = sum(
            P[a] * KERNEL[a, b] * function(lambda x, t=table: t[x], [a], [b], **given)
            for a in range(5)
            for b in range(5)
        )
        assert np.abs(pull).max() <= TINY


def test_laws_are_held_to_be_laws():
    assert spread(np.array([1.0, 5.0]), np.array([0.75, 0.25])) == 3.0
    assert ratios(np.array([[0.5, 0.5], [0.25, 0.75]]), [[1], [0]])[1].tolist() == [[3.0], [1 / 3]]
    assert law([0.25, 0.75]).tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match=r"probabilities has a value of -1.0"):
        law([2, -1])
    with pytest.raises(ValueError, match=r"a row of kernel has shape \(2,\) and sum 2.0"):
        noised([0.5, 0.5], [[1, 1], [0, 1]])
    with pytest.raises(ValueError, match=r"kernel has shape \(1, 2\); expected \(2, 2\)"):
        noised([0.5, 0.5], [[1, 0]])
    with pytest.raises(ValueError, match=r"probabilities has a value of 0.0; expected probabilities > 0"):
        positive_law([0, 1], [[1], [0]])
    with pytest.raises(ValueError, match=r"kernel has a value of 0.0; expected kernel > 0"):
        ratios(np.eye(2), [[1], [0]])
    with pytest.raises(ValueError, match=r"probabilities has shape \(3,\); expected \(2\^d,\)"):
        ratio_matching.ratio_matching_minimiser([1, 1, 1])
    with pytest.raises(ValueError, match=r"score has shape \(1, 2\); expected \(5, 2\)"):
        concrete.concrete_expectation(C[:1], P, neighbours=NEAR)
    with pytest.raises(ValueError, match=r"score has a value of 0.0; expected score > 0"):
        score_entropy.score_entropy_expectation(0 * S, P, neighbours=NEAR)
