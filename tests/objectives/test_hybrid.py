"""objectives/hybrid.py: the code's arithmetic in other words, and the gradient by autograd with the mean held."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.stats import norm

from refscore.models import LevelAffineScore
from refscore.objectives import hybrid, hybrid_gradient
from tests.cubature import U

BETAS = np.linspace(0.05, 0.5, 10)
X0 = np.array([[1 / 255, -51 / 255], [101 / 255, 1.0], [-1.0, 0.2 / 51]])
NOISE = np.array([[0.5, -0.25], [-1.0, 0.75], [0.25, 1.0]])
K = np.array([1, 7, 2])
OF_NOISE = LevelAffineScore([[0.5, 0.25], [0.0, 1.0]], [0.25, -0.5])
OF_FRACTION = LevelAffineScore([[-0.75, 0.5], [0.25, 0.5]], [0.5, 0.0])


def terms(theta_noise, theta_fraction, held):
    """Simple part and bound part (d log 2 · 1000/N times it) as OpenAI's code computes them, by autograd."""
    products = np.cumprod(1 - BETAS)
    now, before = products[K - 1][:, None], np.concatenate([[1.0], products])[K - 1][:, None]
    beta = BETAS[K - 1][:, None]
    x = np.sqrt(now) * X0 + np.sqrt(1 - now) * NOISE

    def model(theta):
        return -anp.dot(x - theta[4:], anp.reshape(theta[:4], (2, 2)).T) / K[:, None]

    prediction, v = model(theta_noise), model(theta_fraction)
    simple = ((prediction - NOISE) ** 2).mean(-1)
    small = BETAS * (1 - np.concatenate([[1.0], products[:-1]])) / (1 - products)
    small[0] = small[1]
    low, high = np.log(small)[K - 1][:, None], np.log(beta)
    fraction = (v + 1) / 2
    log_variance = fraction * high + (1 - fraction) * low
    fixed = held if held is not None else prediction
    data = np.sqrt(1 / now) * x - np.sqrt(1 / now - 1) * fixed
    ratio = (1 - before) * np.sqrt(1 - beta) / (1 - now)
    mean = beta * np.sqrt(before) / (1 - now) * data + ratio * x
    true = beta * np.sqrt(before) / (1 - now) * X0 + ratio * x
    kl = 0.5 * (-1 + log_variance - low + anp.exp(low - log_variance) + (true - mean) ** 2 * anp.exp(-log_variance))
    inverse = anp.exp(-0.5 * log_variance)
    upper = anp.where(X0 > 0.999, 1.0, norm.cdf((X0 - mean + 1 / 255) * inverse))
    lower = anp.where(X0 < -0.999, 0.0, norm.cdf((X0 - mean - 1 / 255) * inverse))
    decoder = -anp.log(upper - lower)
    bits = anp.where((K == 1)[:, None], decoder, kl).mean(-1) / np.log(2)
    return simple + bits * len(BETAS) / 1000


def test_value_is_the_codes():  # (VLB.15)
    found = hybrid(OF_NOISE, OF_FRACTION, X0, NOISE, K, betas=BETAS)
    exact = terms(OF_NOISE.pack(), OF_FRACTION.pack(), None)
    assert (np.abs(found - exact) <= 1e4 * U * (1 + exact)).all()  # the code's difference of two Φ


def test_gradient_holds_the_mean_in_the_bound():  # (VLB.16), (VLB.17), (VLB.18)
    found = hybrid_gradient(OF_NOISE, OF_FRACTION, X0, NOISE, K, betas=BETAS)
    x_of = np.cumprod(1 - BETAS)[K - 1][:, None]
    held = OF_NOISE(np.sqrt(x_of) * X0 + np.sqrt(1 - x_of) * NOISE, K)
    of_noise = autograd.grad(lambda theta: anp.sum(terms(theta, OF_FRACTION.pack(), held)))(OF_NOISE.pack())
    of_fraction = autograd.grad(lambda theta: anp.sum(terms(OF_NOISE.pack(), theta, held)))(OF_FRACTION.pack())
    exact = np.concatenate([of_noise, of_fraction])
    assert (np.abs(found - exact) <= 1e4 * U * (1 + np.abs(exact))).all()
    free = autograd.grad(lambda theta: anp.sum(terms(theta, OF_FRACTION.pack(), None)))(OF_NOISE.pack())
    assert np.abs(free - of_noise).max() > 1e-4  # and it matters that it is held


def test_one_index_for_all_and_one_sample():
    many = hybrid(OF_NOISE, OF_FRACTION, X0, NOISE, 7, betas=BETAS)
    assert np.array_equal(many, hybrid(OF_NOISE, OF_FRACTION, X0, NOISE, np.full(3, 7), betas=BETAS))
    assert hybrid(OF_NOISE, OF_FRACTION, X0[0], NOISE[0], 7, betas=BETAS) == many[0]
    one = [hybrid_gradient(OF_NOISE, OF_FRACTION, a, z, 1, betas=BETAS) for a, z in zip(X0, NOISE, strict=True)]
    together = hybrid_gradient(OF_NOISE, OF_FRACTION, X0, NOISE, 1, betas=BETAS)
    assert (np.abs(together - sum(one)) <= 32 * U * np.abs(one).sum(0)).all()


@pytest.mark.parametrize("function", [hybrid, hybrid_gradient])
def test_refusals(function):
    with pytest.raises(ValueError, match=r"k is 11; expected 1 <= k <= 10"):
        function(OF_NOISE, OF_FRACTION, X0, NOISE, 11, betas=BETAS)
    with pytest.raises(ValueError, match=r"noise has shape \(2,\); expected \(3, 2\), the shape of x0"):
        function(OF_NOISE, OF_FRACTION, X0, NOISE[0], 2, betas=BETAS)
    with pytest.raises(ValueError, match=r"predict_noise\(x, k\) has shape \(3,\); expected \(3, 2\)"):
        function(lambda x, k: x[:, 0], OF_FRACTION, X0, NOISE, 2, betas=BETAS)
    with pytest.raises(ValueError, match=r"predict_fraction\(x, k\) has shape \(3,\); expected \(3, 2\)"):
        function(OF_NOISE, lambda x, k: x[:, 0], X0, NOISE, 2, betas=BETAS)
