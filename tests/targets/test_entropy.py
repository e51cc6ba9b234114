"""targets/entropy.py: quadrature where the entropy is known, and where mpmath can integrate."""

import numpy as np
import pytest
from mpmath import mp, quad, workdps

from refscore.targets import gaussian, mixture
from refscore.targets.entropy import entropy_on_the_line


def test_one_component_is_a_gaussian():  # (MIX.10), (N.6)
    for variance in (1e-12, 1.0, 1e12):
        assert mixture([1], [[3]], variance).entropy() == pytest.approx(gaussian([3], variance).entropy(), rel=1e-12)
        same = mixture([0.25, 0.75], [[3], [3]], variance)
        assert same.entropy() == pytest.approx(gaussian([3], variance).entropy(), rel=1e-12)


def test_far_components_add_the_entropy_of_the_choice():
    """With modes 200 σ apart H = Σ_k w_k (H_k - log w_k) but for exp(-5000), however narrow they are."""
    w, var = np.array([0.25, 0.5, 0.25]), np.array([1.0, 1e-12, 1e4])
    p = mixture(w, [[0], [1000], [1e5]], var)
    expected = w @ (0.5 * np.log(2 * np.pi * np.e * var) - np.log(w))
    assert p.entropy() == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("narrow", [1e-12, 1e-14])
@pytest.mark.parametrize("order", [1, -1])
def test_a_component_narrower_than_the_rounding_of_its_mean(narrow, order):
    """A wide component has a cut within the narrow one at 1e5; they see 1e-17 of each other: H is as if far apart."""
    means, s = np.array([0.0, 1e5])[::order], np.array([1e5, narrow])[::order]
    expected = 0.5 * (0.5 * np.log(2 * np.pi * np.e * s**2) + np.log(2)).sum()
    assert entropy_on_the_line(np.array([0.5, 0.5]), means, s) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("narrow", [1.0, 0.01])
def test_overlapping_components(narrow):  # (MIX.10)
    w, mu, s = [0.25, 0.75], [0.0, 1.0], [1.0, narrow]

    def integrand(x):
        p = sum(mp.mpf(a) * mp.npdf(x, m, b) for a, m, b in zip(w, mu, s, strict=True))
        return -p * mp.log(p)

    with workdps(20):
        cuts = sorted({m + b * t for m, b in zip(mu, s, strict=True) for t in (-30, -12, -6, -3, 0, 3, 6, 12, 30)})
        truth = float(quad(integrand, cuts))
    found = mixture(w, np.array(mu)[:, None], np.square(s)).entropy()
    assert found == pytest.approx(truth, abs=1e-11)


def test_a_quadrature_that_fails_is_refused(monkeypatch):
    monkeypatch.setattr("scipy.integrate.quad", lambda *a, **k: (0.5, 1e-3, {}, "the maximum number of subdivisions"))
    with pytest.raises(ValueError, match=r"quadrature gives the entropy as .* ± .*; expected an error below 1e-10"):
        mixture([1], [[0]]).entropy()


def test_a_component_without_weight_does_not_count():
    assert mixture([0, 1], [[5], [0]]).entropy() == mixture([1], [[0]]).entropy()


def test_more_than_the_line_is_refused_with_what_is_possible():
    with pytest.raises(ValueError, match=r"quadrature is for d = 1, not for d = 2; possible are a Gaussian's entropy"):
        mixture([1], [[0, 0]]).entropy()
