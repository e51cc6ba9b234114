"""objectives/vlb.py against the Gaussians of refscore.targets, exact rational identities, and its own parts."""

import flint
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import refscore as rs
from refscore import objectives
from refscore.objectives import small_log_variance, vlb_term
from tests.cubature import U
from tests.objectives import rational

BETAS = np.linspace(1e-4, 0.02, 1000)
SHORT = np.array([0.0625, 0.25, 0.5])
QUARTERS = st.integers(-12, 12).map(lambda n: n / 4)


@given(QUARTERS, QUARTERS, QUARTERS, QUARTERS)
def test_gaussian_kl(mean1, v1, mean2, v2):  # (VLB.12)
    with flint.ctx.workprec(200):
        w = flint.arb(v1) - flint.arb(v2)
        gap = (flint.arb(mean1) - flint.arb(mean2)) ** 2 * (-flint.arb(v2)).exp()
        exact = float((w.exp() - 1 - w + gap) / 2)
        size = float((w.exp() + 1 + abs(w) + gap) / 2) if abs(v1 - v2) >= 0.5 else exact
    assert abs(objectives.gaussian_kl([mean1], [v1], [mean2], [v2]) - exact) <= 32 * U * size


@pytest.mark.parametrize("w", [1e-12, -1e-8, 1e-4, -0.4999, 0.5001])
def test_kl_keeps_its_digits_where_the_variances_agree(w):
    with flint.ctx.workprec(200):
        exact = float((flint.arb(w).exp() - 1 - flint.arb(w)) / 2)
    assert abs(objectives.gaussian_kl([0.0], [w], [0.0], [0.0]) - exact) <= 8 * U * exact


def test_kl_is_that_of_the_targets():
    m1, m2, v1, v2 = np.array([1.0, -0.5]), np.array([0.25, 2.0]), np.array([0.5, -1.0]), np.array([-0.25, 1.0])
    dense = rs.exact.kl(rs.targets.gaussian(m1, np.diag(np.exp(v1))), rs.targets.gaussian(m2, np.diag(np.exp(v2))))
    assert abs(objectives.gaussian_kl(m1, v1, m2, v2) - dense) <= 64 * U * dense


@pytest.mark.parametrize("betas", [SHORT, BETAS])
def test_prior(betas):  # (VLB.10), (VLB.13)
    x0 = rational.quarters(0, 4, 3)
    signal = np.exp(np.log1p(-betas).sum())
    dense = [
        rs.exact.kl(
            rs.targets.gaussian(np.sqrt(signal) * x, (1 - signal) * np.eye(3)), rs.targets.gaussian(0 * x, np.eye(3))
        )
        for x in x0
    ]
    found = objectives.vlb_prior(x0, betas=betas)
    assert (np.abs(found - dense) <= 1024 * U * (found + 3 * signal)).all()


@pytest.mark.parametrize("k", [2, 3])
def test_a_term_is_the_divergence_of_the_step(k):  # (VLB.11)
    x0, x, prediction = rational.quarters(0, 3, 2), rational.quarters(1, 3, 2), rational.quarters(2, 3, 2)
    v = rational.quarters(3, 3, 2)
    found = vlb_term(prediction, v, x0, x, k, betas=SHORT)
    products = np.cumprod(1 - SHORT)
    keep, before, now = 1 - SHORT[k - 1], products[k - 2], products[k - 1]
    # Regression of x_{k-1} on x_k for both: given x0, and given x̂0 in its place.
    gain, left = np.sqrt(keep) * (1 - before) / (1 - now), (1 - before) * (1 - keep) / (1 - now)
    guess = (x - np.sqrt(1 - now) * prediction) / np.sqrt(now)
    means = [np.sqrt(before) * c + gain * (x - np.sqrt(now) * c) for c in (x0, guess)]
    for i in range(3):
        first = rs.targets.gaussian(means[0][i], left * np.eye(2))
        dense = rs.exact.kl(first, rs.targets.gaussian(means[1][i], np.diag(np.exp(v[i]))))
        assert abs(found[i] - dense) <= 512 * U * (dense + 1 + np.abs(v[i]).sum())


@pytest.mark.parametrize("k", [2, 17, 1000])
def test_a_term_is_a_weighted_loss_of_the_noise(k):  # (VLB.14)
    x0, noise, prediction = (rational.quarters(seed, 3, 2) / 4 for seed in range(3))
    alpha, sigma = (f(k / 1000) for f in (rs.paths.DiscreteVP(BETAS).alpha, rs.paths.DiscreteVP(BETAS).sigma))
    x = alpha * x0 + sigma * noise
    for v in (float(small_log_variance(k, betas=BETAS)), -3.0):
        weight = objectives.vlb_weight(k, v, betas=BETAS)
        found = vlb_term(prediction, np.full((3, 2), v), x0, x, k, betas=BETAS)
        loss = objectives.path(
            lambda x, t: prediction, x0, noise, k, alpha=alpha, sigma=sigma, target=noise, weight=weight
        )
        log_r = small_log_variance(k, betas=BETAS) - v
        # The means are differences of x and x0 of size 1; the loss sees only what is left, over the variance.
        size = (np.abs(x) + np.abs(x0) + np.abs(noise)).sum(-1) ** 2 * np.exp(-v)
        gap = np.sqrt(2 * loss * np.exp(v))
        bound = 64 * U * (loss + gap * np.sqrt(size * np.exp(-v)) + 1 + np.exp(log_r)) + (64 * U) ** 2 * size
        assert (np.abs(found - loss - (np.expm1(log_r) - log_r)) <= bound).all()


def test_the_last_term_is_the_decoder():
    x0, x = np.array([[1 / 255, -1.0], [101 / 255, 1.0]]), rational.quarters(1, 2, 2)
    prediction, v = rational.quarters(2, 2, 2) / 8, rational.quarters(3, 2, 2)
    mean = objectives.predicted_mean(prediction, x, 1, betas=SHORT)
    assert np.array_equal(vlb_term(prediction, v, x0, x, 1, betas=SHORT), -objectives.discretised_gaussian(x0, mean, v))
    mixed = vlb_term(prediction, v, x0, x, [2, 1], betas=SHORT)
    assert mixed[0] == vlb_term(prediction[0], v[0], x0[0], x[0], 2, betas=SHORT)
    assert mixed[1] == vlb_term(prediction[1], v[1], x0[1], x[1], 1, betas=SHORT)


def test_the_weight_is_a_ratio_of_signal_to_noise():
    k = np.arange(2, 1001)
    weight = objectives.vlb_weight(k, small_log_variance(k, betas=BETAS), betas=BETAS)
    signal = np.exp(np.cumsum(np.log1p(-BETAS)))
    snr = signal / -np.expm1(np.cumsum(np.log1p(-BETAS)))
    assert (np.abs(weight - (snr[:-1] / snr[1:] - 1)) <= 1e4 * U * snr[:-1] / snr[1:]).all()
    assert objectives.vlb_weight(2, 0.5, betas=BETAS).shape == ()


def test_the_whole_bound_is_the_sum_of_its_terms():  # (VLB.9)
    x0, noise = np.array([[1 / 255], [-51 / 255]]), rational.quarters(1, 3, 2, 1)
    path = rs.paths.DiscreteVP(SHORT)
    seen = []

    def model(x, k):
        seen.append(int(k))
        return 0.25 * x, -0.5 + 0 * x

    total = objectives.vlb(model, x0, noise, betas=SHORT)
    assert seen == [1, 2, 3]
    expected = objectives.vlb_prior(x0, betas=SHORT)
    for k in (1, 2, 3):
        x = path.alpha(k / 3) * x0 + path.sigma(k / 3) * noise[k - 1]
        expected = expected + vlb_term(0.25 * x, -0.5 + 0 * x, x0, x, k, betas=SHORT)
    assert np.array_equal(total, expected)


def test_it_bounds_the_likelihood():
    # Two steps, one dimension: -log p(x0) by quadrature over x_1 and x_2 of the model's own chain.
    betas, x0 = np.array([0.25, 0.5]), 51 / 255

    def model(x, k):
        return 0.5 * x, -1.0 + 0 * x

    grid, weights = np.polynomial.legendre.leggauss(160)
    x = 9 * grid[:, None]
    density = 9 * weights * np.exp(-0.5 * x[:, 0] ** 2) / np.sqrt(2 * np.pi)  # of x_2, with the weights of the rule
    mean = objectives.predicted_mean(model(x, 2)[0], x, 2, betas=betas)
    step = np.exp(-0.5 * (x - mean.T) ** 2 / np.exp(-1.0)) / np.sqrt(2 * np.pi * np.exp(-1.0))  # [x_1, x_2]
    first = 9 * weights * (step @ density)
    log_p = objectives.discretised_gaussian(
        np.full_like(x, x0), objectives.predicted_mean(model(x, 1)[0], x, 1, betas=betas), -1.0 + 0 * x
    )
    exact = -np.log(first @ np.exp(log_p))
    nodes, w = np.polynomial.hermite_e.hermegauss(40)
    each = np.array([[[a], [b]] for a in nodes for b in nodes]).transpose(1, 0, 2)
    bound = np.outer(w, w).ravel() / w.sum() ** 2 @ objectives.vlb(model, np.full((1600, 1), x0), each, betas=betas)
    assert exact < bound < exact + 1


def test_refusals():
    zero = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"log_variance has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        vlb_term(zero, zero[:, :1], zero, zero, 2, betas=SHORT)
    with pytest.raises(ValueError, match=r"x0 has shape \(2,\); expected \(3, 2\), the shape of x"):
        vlb_term(zero, zero, zero[0], zero, 2, betas=SHORT)
    with pytest.raises(ValueError, match=r"k is 4; expected 1 <= k <= 3"):
        vlb_term(zero, zero, zero, zero, 4, betas=SHORT)
    with pytest.raises(ValueError, match=r"k is 1; expected 2 <= k <= 3"):
        objectives.vlb_weight(1, 0.0, betas=SHORT)
    with pytest.raises(
        ValueError, match=r"noise has shape \(2, 3, 2\); expected \(3, 3, 2\), the shape of x0 for each"
    ):
        objectives.vlb(lambda x, k: (x, x), zero, np.zeros((2, 3, 2)), betas=SHORT)
    with pytest.raises(ValueError, match=r"mean2 has shape \(2,\); expected \(3, 2\), the shape of mean1"):
        objectives.gaussian_kl(zero, zero, zero[0], zero)
