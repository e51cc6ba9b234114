"""targets/responsibilities.py: posterior weights where they are known in closed form."""

import numpy as np
import pytest

from refscore.targets import mixture
from refscore.targets.responsibilities import terms
from tests.targets.definitions import U

ONE, ZERO = np.ones(()), np.zeros(())
FULL = np.array([[2.0, 0.5], [0.5, 1.0]])


def of(p, x, alpha=ONE, sigma=ZERO):
    return terms(np.asarray(x, dtype=float), p.weights, p.means, p.covariances, alpha, sigma)


@pytest.mark.parametrize("out", [0.0, 300.0, 1e6, 1e12])
@pytest.mark.parametrize("cov", [1.0, [1.0, 4.0], FULL], ids=["scalar", "diagonal", "full"])
def test_a_ratio_keeps_its_digits_at_any_distance(out, cov):  # (MIX.4)
    """Equal covariances and means ±(½, 0): log r_1/r_2 = e_1ᵀ Σ⁻¹ x, while the exponents are of size out²."""
    p = mixture([0.5, 0.5], [[0.5, 0.0], [-0.5, 0.0]], [cov, cov])
    row = np.linalg.inv(p.covs[0])[0]
    x = np.array([0.25 - out * row[1] / row[0], out])  # on the line where the exponent is row[0]/4, but for rounding
    exponent = row @ x
    share = of(p, x[None]).share[:, 0]
    cost = 32 * U * (1 + np.abs(row) @ np.abs(x))
    np.testing.assert_allclose(share, [1 / (1 + np.exp(-exponent)), 1 / (1 + np.exp(exponent))], rtol=cost)


def test_naive_exponents_would_lose_them():
    """Why (MIX.4): at (¼, 1e8) the difference of the exponents is ¼, and near 5e15 float64 has only halves."""
    x, means = np.array([0.25, 1e8 + 1 / 3]), np.array([[0.5, 0.0], [-0.5, 0.0]])
    one, other = -0.5 * ((x - means) ** 2).sum(-1)
    share = of(mixture([0.5, 0.5], means), x[None]).share[0, 0]
    assert abs((one - other) / 0.25 - 1) >= 1
    assert abs(share * (1 + np.exp(-0.25)) - 1) <= 8 * U


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_the_likeliest_may_be_taken_for_the_other(side):
    """At 1e12 the naive exponents differ by their rounding, 1e8, and not by 2000; the difference of the means tells."""
    p = mixture([0.5, 0.5], [[1e5, 0.0], [-1e5, 0.0]])
    for height in (1e12, 1e12 + 1, 1e12 + 7):
        x = np.array([[side * 0.01, height]])
        np.testing.assert_array_equal(of(p, x).share[:, 0], [1, 0] if side > 0 else [0, 1])
        assert np.isfinite(p.log_prob(x)).all()


def test_shares_sum_to_one_and_none_is_negative():
    p = mixture([0.25, 0.0, 0.75], [[0, 0], [1, 1], [5, 5]], [1, 2, 3])
    x = np.array([[0.0, 0.0], [300.0, -300.0], [2.0, 2.0]])
    share = of(p, x).share
    np.testing.assert_allclose(share.sum(0), 1, rtol=4 * U)
    assert (share >= 0).all()
    assert not share[1].any()


def test_equal_components_share_by_weight_wherever_x_is():
    p = mixture([0.25, 0.75], [[1, 2], [1, 2]], [FULL, FULL])
    share = of(p, [[0.0, 0.0], [1e9, -3.0]], sigma=np.array([[0.5], [1e20]])).share
    np.testing.assert_allclose(share, [[0.25, 0.25], [0.75, 0.75]], rtol=8 * U)


def test_nothing_but_the_weights_is_known_without_signal():
    p = mixture([0.25, 0.75], [[1, 2], [5, 2]], [1, 9])
    share = of(p, [[3.0, 4.0], [0.0, 0.0]], alpha=np.zeros((2, 1)), sigma=np.array([[1.0], [1e20]])).share
    np.testing.assert_allclose(share, [[0.25, 0.25], [0.75, 0.75]], rtol=8 * U)
