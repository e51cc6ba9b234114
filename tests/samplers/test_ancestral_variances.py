"""samplers/ancestral_variances.py: the paper's formula, laws along eigenvectors, laws with a variance that sees x."""

from functools import partial

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.samplers import (
    analytic_variance,
    ancestral_learned,
    ancestral_vp,
    ancestral_vp_step,
    large_variance,
    learned_fraction,
    learned_variance,
    small_variance,
)
from tests.samplers.laws import SPANS, TARGET, U, check_law, check_order

AT = (0.6, 0.8, 0.8, 0.6)


@pytest.mark.parametrize("fraction", [-0.5, 0.0, 0.3, 1.0, 1.5])
def test_the_formula_of_the_paper(fraction):  # (LRN.1), in the letters of eq. 15, on every step of DDPM's schedule
    betas = np.linspace(1e-4, 0.02, 200)
    signal = np.cumprod(1 - betas)
    small = (1 - signal[:-1]) / (1 - signal[1:]) * betas[1:]
    expected = np.exp(fraction * np.log(betas[1:]) + (1 - fraction) * np.log(small))
    levels = np.sqrt(signal[1:]), np.sqrt(1 - signal[1:]), np.sqrt(signal[:-1]), np.sqrt(1 - signal[:-1])
    # τ is a difference of numbers whose quotient is 1 - τ; 1 - ᾱ one of numbers of size 1
    tau = 1 - (levels[0] * levels[3] / (levels[2] * levels[1])) ** 2
    found = learned_variance(fraction, *levels)
    assert (np.abs(found / expected - 1) <= 32 * U * (1 / tau + 1 / (1 - signal[:-1]))).all()


def test_the_ends_are_the_two_variances():
    np.testing.assert_allclose(learned_variance(1.0, *AT), large_variance(*AT), rtol=4 * U)
    np.testing.assert_allclose(learned_variance(0.0, *AT), small_variance(*AT), rtol=4 * U)
    assert learned_variance(0.7, 0.6, 0.8, 1.0, 0.0) == 0
    assert learned_variance(1.0, 0.6, 0.8, 1.0, 0.0) == large_variance(0.6, 0.8, 1.0, 0.0)


def test_the_fraction_is_the_inverse():  # (LRN.3)
    for v in (-1.0, 0.25, 2.0):
        assert abs(learned_fraction(learned_variance(v, *AT), *AT) - v) <= 64 * U


@pytest.mark.parametrize("name", ["VP", "EDM", "Flow", "Cosine"])
@pytest.mark.parametrize("fraction", [0.3, lambda *at: np.clip(at[0], 0, 1)], ids=["constant", "function"])
def test_the_law_is_that_along_the_eigenvectors(name, fraction):
    def variance(*at):
        return learned_variance(fraction(*at) if callable(fraction) else fraction, *at)

    check_law(
        partial(ancestral_vp, variance=variance),
        lambda values, path, times: recursions.ancestral_vp(values, path, times, noise=variance),
        SPANS[name],
    )


def test_any_fraction_has_order_one():
    for v in (0.3, 0.8):
        check_order(partial(ancestral_vp, variance=partial(learned_variance, v)), SPANS["VP"], 1)


def test_a_fraction_without_x_is_the_plain_sampler():
    path, first, last = SPANS["VP"]
    times = np.linspace(first, last, 9)
    learned = rs.exact.law(ancestral_learned(path, times, fraction=lambda x, alpha, sigma: 0.3), TARGET)
    plain = rs.exact.law(ancestral_vp(path, times, variance=partial(learned_variance, 0.3)), TARGET)
    np.testing.assert_array_equal(learned.cov, plain.cov)


def test_a_fraction_that_sees_x_against_a_sum_over_the_states():  # (LRN.5)
    """One step on the line from a mixture: moments by Gauss and Hermite, the law by Chapman and Kolmogorov."""
    p, path, times = rs.targets.mixture([0.3, 0.7], [[-1.0], [2.0]], 0.25), rs.paths.VP(), np.array([0.6, 0.4])
    sampler = ancestral_learned(path, times, fraction=lambda x, alpha, sigma: 0.5 * (1 + np.tanh(x)))
    start = p.perturb(float(path.alpha(0.6)), float(path.sigma(0.6)))
    law = rs.exact.chapman_kolmogorov.law(sampler, p, start)
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    x = (start.means[:, 0, None] + np.sqrt(start.covs[:, 0, 0])[:, None] * nodes).ravel()[:, None]
    w = (start.weights[:, None] * weights / weights.sum()).ravel()
    a_t, s_t, a_s, s_s = (float(f(t)) for t in times for f in (path.alpha, path.sigma))
    beta, small = 1 - (a_t / a_s) ** 2, (s_s / s_t) ** 2 * (1 - (a_t / a_s) ** 2)
    v = 0.5 * (1 + np.tanh(x))
    mean = (x + beta * start.score(x)) / np.sqrt(1 - beta)
    spread = np.exp(v * np.log(beta) + (1 - v) * np.log(small))
    first = w @ mean[:, 0]
    second = w @ (mean**2 + spread)[:, 0] - first**2
    assert abs(law.law.mean[0] - first) <= 1e-9
    assert abs(law.law.cov[0, 0] - second) <= 1e-9
    third = w @ (mean**3 + 3 * mean * spread)[:, 0]
    terms = law.law.means[:, 0] ** 3 + 3 * law.law.means[:, 0] * law.law.covs[:, 0, 0]
    assert abs(law.law.weights @ terms - third) <= 1e-9


def test_a_step_takes_a_variance_for_every_number():
    x, z = rs.noise.tape(1, 2, 4, 3)
    at = dict(zip(("alpha_t", "sigma_t", "alpha_s", "sigma_s"), AT, strict=True))
    spread = 0.1 + x**2
    moved = ancestral_vp_step(np.sin, x, z, **at, variance=spread)
    still = ancestral_vp_step(np.sin, x, z, **at, variance=0.0)
    np.testing.assert_allclose(moved - still, np.sqrt(spread) * z, rtol=1e-13, atol=1e-14)
    with pytest.raises(ValueError, match=r"variance has shape \(3,\); expected \(\) or the batch shape \(4,\)"):
        ancestral_vp_step(np.sin, x, z, **at, variance=[0.1, 0.2, 0.3])


def test_a_sampler_takes_a_variance_for_every_coordinate():
    unit, d = rs.targets.gaussian(np.zeros(3), 1.0), np.array([0.1, 0.2, 0.3])
    law = rs.exact.law(ancestral_vp(rs.paths.VP(), [0.9, 0.5], variance=lambda *at: d), unit)
    bare = rs.exact.law(ancestral_vp(rs.paths.VP(), [0.9, 0.5], variance=lambda *at: 0.0), unit)
    np.testing.assert_allclose(law.cov - bare.cov, np.diag(d), rtol=8 * U, atol=8 * U)
    sampler = ancestral_vp(rs.paths.VP(), [0.9, 0.5], variance=lambda *at: d[:2])
    with pytest.raises(ValueError, match=r"variance has shape \(2,\); expected \(3,\), the shape of one sample"):
        rs.exact.law(sampler, unit)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"fraction reaches 1.5 where sigma_s is 0"):
        learned_variance(1.5, 0.6, 0.8, 1.0, 0.0)
    with pytest.raises(ValueError, match="expected sigma_s < sigma_t"):
        learned_fraction(0.1, 0.6, 0.8, 0.8, 0.8)
    with pytest.raises(ValueError, match=r"mean_square_score reaches 1.28/sigma_t²; expected at most 1/sigma_t²"):
        analytic_variance(2.0, *AT)
    bad = ancestral_learned(rs.paths.VP(), [0.9, 0.5], fraction=lambda x, alpha, sigma: x[..., :1])
    with pytest.raises(ValueError, match=r"fraction\(x\) has shape \(7, 1\); expected"):
        rs.samplers.replay(bad, rs.samplers.noisy_score(TARGET), np.zeros((7, 2)), np.zeros((1, 7, 2)))
