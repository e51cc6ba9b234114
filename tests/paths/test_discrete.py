"""DiscreteVP at its nodes, between them, and next to VP."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from refscore.paths import VP, DiscreteVP
from refscore.paths.discrete import _running_sum
from tests.paths.definitions import SIX, error

DDPM = np.linspace(1e-4, 0.02, 1000)


def exact_bars(betas):
    bars = [Fraction(1)]
    for beta in betas:
        bars.append(bars[-1] * (1 - Fraction(float(beta))))
    return [mp.mpf(bar.numerator) / bar.denominator for bar in bars]


@pytest.mark.parametrize("nodes", [np.arange(7) / 6, np.linspace(0, 1, 7)])
def test_the_nodes(nodes):  # (DVP.1), in rational arithmetic
    path, bars = DiscreteVP(SIX), exact_bars(SIX)
    for t, bar in zip(nodes, bars, strict=True):
        assert error(path.alpha(t), mp.sqrt(bar)) <= 24
        assert bar == 1 or error(path.sigma(t), mp.sqrt(1 - bar)) <= 8


def test_ddpm():
    path, bars = DiscreteVP(DDPM), exact_bars(DDPM[:40])
    assert f"{path.alpha(1) ** 2:.4e}" == "4.0358e-05"
    assert f"{path.sigma(0.001):.4f}" == "0.0100"
    # A plain product of 1 - β, and 1 - ᾱ from it, has lost 100 ulps here.
    for k in range(1, 41):
        assert error(path.sigma(k / 1000), mp.sqrt(1 - bars[k])) <= 4


def test_many_small_steps_do_not_add_up_roundings():
    # B = -N log(1 - β) without a sum. Equal terms round the same way again and again: a plain sum is 5900 ulps off.
    n, beta = 100_000, 1e-7
    path = DiscreteVP(np.full(n, beta))
    exact = -n * mp.log1p(-mp.mpf(beta))
    assert error(path.sigma(1), mp.sqrt(-mp.expm1(-exact))) <= 4


def test_between_the_nodes_log_alpha_is_a_line():
    path = DiscreteVP(SIX)
    for k in range(6):
        t = (k + np.array([0.25, 0.5])) / 6
        ends = np.log(path.alpha([k / 6, (k + 1) / 6]))
        assert_allclose(np.log(path.alpha(t)), [0.75 * ends[0] + 0.25 * ends[1], ends.mean()], rtol=1e-14, atol=4e-16)


def test_the_rate_belongs_to_the_step_that_ends_at_the_node():
    path = DiscreteVP(SIX)
    for nodes in (np.arange(1, 7) / 6, np.linspace(0, 1, 7)[1:]):
        assert_allclose(path.diffusion(nodes) ** 2, -6 * np.log1p(-SIX), rtol=4e-16)
        assert_allclose(path.drift_rate(nodes), 3 * np.log1p(-SIX), rtol=4e-16)
    assert path.diffusion(0) == path.diffusion(1 / 6)
    assert_allclose(path.diffusion((np.arange(6) + 0.01) / 6) ** 2, -6 * np.log1p(-SIX), rtol=4e-16)


@pytest.mark.parametrize("n", [3, 49, 1000])
def test_nodes_are_found_however_they_were_rounded(n):
    betas = np.where(np.arange(n) % 2, 0.3, 0.001)
    rates = -n * np.log1p(-betas)
    path = DiscreteVP(betas)
    for nodes in (np.arange(1, n + 1) / n, np.linspace(0, 1, n + 1)[1:], np.arange(1, n + 1) * (1 / n)):
        assert_allclose(path.diffusion(np.minimum(nodes, 1.0)) ** 2, rates, rtol=4e-16)


def test_the_inverse_finds_the_interval():
    path = DiscreteVP(SIX)
    t = np.sort(np.concatenate([np.arange(7) / 6, np.geomspace(1e-10, 1, 50), np.linspace(0.01, 1, 50)]))
    # In the flat third interval a rounding of B ~ 0.36 is B / (b t) = 9 roundings of t, and λ adds as many.
    assert_allclose(path.time(path.log_snr(t)), t, rtol=3e-14)
    assert (np.diff(path.time(np.sort(path.log_snr(t))[::-1])) >= 0).all()


def test_many_steps_approach_vp():  # β_k = β(k/N)/N: the product tends to e^(-B), with error O(1/N)
    t = np.array([0.1, 0.5, 1.0])
    errors = []
    for n in (1000, 2000, 4000):
        betas = (0.1 + 19.9 * (np.arange(n) + 0.5) / n) / n
        errors.append(np.abs(np.log(DiscreteVP(betas).alpha(t)) - np.log(VP().alpha(t))))
    assert_allclose(np.array(errors[0]) / errors[1], 2, rtol=0.01)
    assert_allclose(np.array(errors[1]) / errors[2], 2, rtol=0.01)


def test_running_sums_are_correctly_rounded_but_for_an_ulp():
    terms = 10.0 ** np.linspace(-9, 0, 2000)[::-1]
    exact = np.array([float(sum(map(Fraction, terms[:k].tolist()))) for k in (10, 500, 2000)])
    assert_allclose(_running_sum(terms)[[9, 499, 1999]], exact, rtol=2.0**-52)


def test_betas_are_copied_and_read_only():
    betas = SIX.copy()
    path = DiscreteVP(betas)
    betas[0] = 0.5
    assert_array_equal(path.betas, SIX)
    with pytest.raises(ValueError, match="read-only"):
        path.betas[0] = 0.5
    assert repr(path) == "DiscreteVP(betas=[0.001 … 0.999], N=6)"
    assert (path.t_max, path.prior_scale) == (1, 1)


def test_one_step():
    path = DiscreteVP([0.75])
    assert path.alpha(1) == pytest.approx(0.5, rel=4e-16)
    assert path.alpha(0.5) == pytest.approx(np.sqrt(0.5), rel=4e-16)


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([], r"shape \(0,\)"),
        (0.5, r"shape \(\)"),
        ([[0.5]], r"shape \(1, 1\)"),
        ([0.5, 0.0], r"betas\[1\] is 0.0; expected a value in \(0, 1\)"),
        ([0.5, 1.0], r"betas\[1\] is 1.0"),
        ([-0.5, 0.1], r"betas\[0\]"),
        ([0.5, np.nan], "not finite"),
    ],
)
def test_betas_are_refused(betas, message):
    with pytest.raises(ValueError, match=message):
        DiscreteVP(betas)
