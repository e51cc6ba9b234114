"""samplers/minibatch.py: mean and covariance over all minibatches, listed; arguments."""

from itertools import combinations, product

import numpy as np
import pytest

from refscore.samplers import control_variate_score, minibatch_score, minibatch_score_cov, sgld_step

DATA = np.array([[1.0, 0.5], [2.0, -1.0], [6.0, 0.25], [-1.0, 2.0], [0.0, 0.0]])
POINT, CENTRE = np.array([0.3, -0.2]), np.array([1.0, 0.5])


def terms(x, index):
    return np.tanh(DATA[index] - x[..., None, :])


def batches(n, replaced):
    return np.array(list(product(range(5), repeat=n) if replaced else combinations(range(5), n)))


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_all_minibatches(n, replaced):  # (SGL.1) (SGL.2)
    index = batches(n, replaced)
    found = minibatch_score(np.negative, terms, np.tile(POINT, (len(index), 1)), index, size=5)
    each = np.tanh(DATA - POINT)
    np.testing.assert_allclose(found.mean(0), -POINT + each.sum(0), rtol=1e-13)
    cov = minibatch_score_cov(each, n, replacement=replaced)
    np.testing.assert_allclose(np.cov(found.T, bias=True), cov, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("replaced", [False, True])
def test_control_variates(replaced):  # (SGL.4)
    index = batches(2, replaced)
    total = np.tanh(DATA - CENTRE).sum(0)
    x = np.tile(POINT, (len(index), 1))
    found = control_variate_score(np.negative, terms, x, index, size=5, centre=CENTRE, total=total)
    change = np.tanh(DATA - POINT) - np.tanh(DATA - CENTRE)
    np.testing.assert_allclose(found.mean(0), -POINT + np.tanh(DATA - POINT).sum(0), rtol=1e-13)
    cov = minibatch_score_cov(change, 2, replacement=replaced)
    np.testing.assert_allclose(np.cov(found.T, bias=True), cov, rtol=1e-12, atol=1e-13)


def test_the_step():  # (SGL.3)
    x, z, index = np.array([[0.3, -0.2]]), np.array([[1.0, 2.0]]), [[0, 3]]
    found = sgld_step(np.negative, terms, x, z, index, size=5, step_size=0.09)
    s = -x + 2.5 * np.tanh(DATA[[0, 3]] - x).sum(0)
    np.testing.assert_allclose(found, x + 0.045 * s + 0.3 * z, rtol=1e-14)


def test_the_covariance_at_many_points():
    each = np.stack([np.tanh(DATA - p) for p in (POINT, CENTRE)])
    both = minibatch_score_cov(each, 3)
    np.testing.assert_array_equal(both[1], minibatch_score_cov(each[1], 3))


def test_bad_arguments_are_named():
    x = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"index has values from 0 to 5; expected them in 0 … 4"):
        minibatch_score(np.negative, terms, x, [[0], [5]], size=5)
    with pytest.raises(ValueError, match=r"index has shape \(1,\); expected \(2, n\)"):
        minibatch_score(np.negative, terms, x, [0], size=5)
    with pytest.raises(TypeError, match="index has dtype float64"):
        minibatch_score(np.negative, terms, x, [[0.0], [1.0]], size=5)
    with pytest.raises(ValueError, match=r"terms\(x, index\) has shape"):
        minibatch_score(np.negative, lambda x, i: terms(x, i).sum(-2), x, [[0], [1]], size=5)
    with pytest.raises(ValueError, match=r"n is 6; expected at most N = 5"):
        minibatch_score_cov(DATA, 6)
