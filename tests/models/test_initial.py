"""models/initial.py: the formulas, what they are for, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import refscore as rs
from refscore.models import LOG_COSH, gaussian_bernoulli_rbm, product_of_experts

UNIT = 2.0**-53


def test_reproducible_experts():  # (POE.15)
    uniform = rs.noise.uniforms(3, range(400), 12)
    product = product_of_experts(uniform, expert=LOG_COSH, gamma=1.5)
    assert_array_equal(product.matrix, np.sqrt(3 / 12) * (2 * uniform - 1))
    assert product.expert is LOG_COSH
    assert_allclose(product.gamma, 1.5, rtol=4 * UNIT)
    # |w_k|² has mean 1 and variance (4/5)/d, so its mean over 400 experts a standard deviation of 0.013
    assert abs((product.matrix**2).sum(1).mean() - 1) < 0.06
    ends = product_of_experts([[0, 1, 0.5]])
    assert_array_equal(ends.matrix, [[-1, 1, 0]])
    assert_array_equal(ends.gamma, [1])
    with pytest.raises(ValueError, match=r"uniform has values from -1.0 to 1.0; expected 0 to 1"):
        product_of_experts([[-1.0, 1.0]])
    with pytest.raises(ValueError, match=r"uniform has shape \(2,\); expected \(K, d\)"):
        product_of_experts([0.1, 0.2])
    with pytest.raises(ValueError, match=r"gamma is 0.0; expected gamma > 0"):
        product_of_experts([[0.5]], gamma=0)


def test_reproducible_machines():  # (RBM.13)
    uniform = rs.noise.uniforms(3, range(5), 3)
    machine = gaussian_bernoulli_rbm(uniform, centre=[1, 2, 3], sigma=[0.5, 1, 2])
    assert_allclose(machine.matrix, np.array([0.5, 1, 2]) * np.sqrt(6 / 8) * (2 * uniform - 1), rtol=4 * UNIT)
    assert_array_equal(machine.visible_bias, [1, 2, 3])
    assert_allclose(machine.sigma, [0.5, 1, 2], rtol=2 * UNIT)
    assert_allclose(machine.hidden_given_visible([1, 2, 3]), np.full(5, 0.5), rtol=32 * UNIT)
    one = gaussian_bernoulli_rbm(uniform, centre=np.zeros(3), sigma=2)
    assert_allclose(one.sigma, [2, 2, 2], rtol=2 * UNIT)
    with pytest.raises(ValueError, match=r"uniform has values from 0.5 to 1.5; expected 0 to 1"):
        gaussian_bernoulli_rbm([[0.5, 1.5]], centre=[0, 0], sigma=1)
    with pytest.raises(ValueError, match=r"uniform has shape \(2,\); expected \(H, d\)"):
        gaussian_bernoulli_rbm([0.1, 0.2], centre=[0, 0], sigma=1)
    with pytest.raises(ValueError, match=r"centre has shape \(1,\); expected \(2,\)"):
        gaussian_bernoulli_rbm([[0.1, 0.2]], centre=[0], sigma=1)
    with pytest.raises(ValueError, match=r"sigma has shape \(3,\); expected \(\) or \(2,\)"):
        gaussian_bernoulli_rbm([[0.1, 0.2]], centre=[0, 0], sigma=[1, 1, 1])
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        gaussian_bernoulli_rbm([[0.1, 0.2]], centre=[0, 0], sigma=0)
