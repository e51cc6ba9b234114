"""objectives/posterior.py against regression in rational numbers, and numbers of the published schedule."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from refscore import objectives
from tests.cubature import U

BETAS = np.linspace(1e-4, 0.02, 1000)
PARTS = st.lists(st.integers(1, 63).map(lambda n: n / 64), min_size=2, max_size=5)


def chain(betas, k):
    """1 - β_k, ᾱ_{k-1}, ᾱ_k as rational numbers."""
    products = [Fraction(1)]
    for beta in betas:
        products.append(products[-1] * (1 - Fraction(beta)))
    return 1 - Fraction(betas[k - 1]), products[k - 1], products[k]


def root(value):
    return Fraction(float(np.sqrt(float(value))))  # within a unit of the last place


@given(PARTS, st.data())
def test_regression_of_the_step(betas, data):  # (VLB.1), (VLB.2), (VLB.4)
    k = data.draw(st.integers(1, len(betas)))
    keep, before, now = chain(betas, k)
    x0, x = np.array([0.75, -2.0]), np.array([-1.5, 0.25])
    # x_{k-1} given x0 has mean √ᾱ_{k-1} x0 and variance 1 - ᾱ_{k-1}; x_k = √keep x_{k-1} + noise of variance β_k.
    cov, var = root(keep) * (1 - before), 1 - now
    gain = cov / var
    for a, b, found in zip(x0, x, objectives.posterior_mean(x0, x, k, betas=betas), strict=True):
        exact = root(before) * Fraction(a) + gain * (Fraction(b) - root(now) * Fraction(a))
        assert abs(Fraction(float(found)) - exact) <= 64 * Fraction(U) * (abs(Fraction(a)) + abs(Fraction(b))) * 64
    if k > 1:
        left = (1 - before) - keep * (1 - before) ** 2 / var
        small = float(np.exp(objectives.small_log_variance(k, betas=betas)))
        assert abs(Fraction(small) - left) <= 64 * Fraction(U) * left * len(betas) * 8


@given(PARTS, st.data())
def test_predicted_mean_is_the_posterior_of_its_own_data(betas, data):  # (VLB.3)
    k = data.draw(st.integers(1, len(betas)))
    product = np.cumprod(1 - np.array(betas))[k - 1]
    noise, x = np.array([0.5, -1.0]), np.array([2.0, 0.25])
    x0 = (x - np.sqrt(1 - product) * noise) / np.sqrt(product)
    found = objectives.predicted_mean(noise, x, k, betas=betas)
    size = np.abs(x) + np.abs(noise)
    assert (np.abs(found - objectives.posterior_mean(x0, x, k, betas=betas)) <= 2e4 * U * size / np.sqrt(product)).all()


def test_the_first_step_ends_at_the_data():
    found = objectives.posterior_mean([0.5], [3.0], 1, betas=BETAS)
    assert abs(found[0] - 0.5) <= 16 * U


def test_numbers_of_the_published_schedule():
    k = np.arange(1, 1001)
    small, large = (np.exp(f(k, betas=BETAS)) for f in (objectives.small_log_variance, objectives.large_log_variance))
    ratio = small / BETAS
    assert [round(ratio[i], 4) for i in (1, 10, 100)] == [0.4547, 0.8639, 0.9821]
    assert round(small[0] * 1e5, 3) == 5.453
    assert small[0] == small[1] == large[0]  # β̃_2 stands in for the first
    assert (np.abs(large[1:] / BETAS[1:] - 1) <= 2 * (1 - np.log(BETAS[1:])) * U).all()  # log β is rounded


def test_learned_variance_is_between_in_the_logarithm():  # (VLB.6)
    k = np.array([1, 2, 900])
    ends = [objectives.learned_log_variance(np.full((3, 2), v), k, betas=BETAS) for v in (-1.0, 0.0, 1.0)]
    assert np.array_equal(ends[0][:, 0], objectives.small_log_variance(k, betas=BETAS))
    assert np.array_equal(ends[2][:, 1], np.log(BETAS[k - 1]))  # log β_1 itself, not its stand-in
    assert (np.abs(ends[1] - 0.5 * (ends[0] + ends[2])) <= 8 * U * np.abs(ends[0])).all()
    beyond = objectives.learned_log_variance([2.0], 900, betas=BETAS)
    assert beyond > ends[2][2, 0]


def test_refusals():
    zero = np.zeros((3, 2))
    for function in (objectives.posterior_mean, objectives.predicted_mean):
        with pytest.raises(ValueError, match=r"has shape \(2,\); expected \(3, 2\), the shape of x"):
            function(zero[0], zero, 1, betas=BETAS)
        with pytest.raises(ValueError, match=r"k is 1001; expected 1 <= k <= 1000"):
            function(zero, zero, 1001, betas=BETAS)
    for function in (objectives.small_log_variance, objectives.large_log_variance):
        with pytest.raises(ValueError, match=r"betas has shape \(1,\); expected at least two levels"):
            function(1, betas=[0.5])
        with pytest.raises(ValueError, match=r"k is 0; expected 1 <= k <= 1000"):
            function([1, 0], betas=BETAS)
    with pytest.raises(ValueError, match=r"k has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        objectives.learned_log_variance(zero, [1, 2], betas=BETAS)
