"""Cosine against the paper's formula and what is known of it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import Cosine

T = np.array([0.0, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.9])


def f(t, s=0.008):
    return np.cos((t + s) / (1 + s) * np.pi / 2) ** 2


def test_it_is_normalised_as_in_the_paper():  # Nichol & Dhariwal (2021), eq. 17
    assert Cosine().alpha(0) == 1
    assert_allclose(Cosine().alpha(T) ** 2, f(T) / f(0), rtol=4e-15)
    # Code that leaves f(0) out starts here:
    assert f"{np.sqrt(f(0)):.5f} {np.sqrt(1 - f(0)):.4f}" == "0.99992 0.0125"


def test_rate_is_the_tangent():  # β = -d log ᾱ/dt = π/(1+s) tan θ, the continuous form of the paper's β
    theta = (T + 0.008) / 1.008 * np.pi / 2
    assert_allclose(Cosine().diffusion(T) ** 2, np.pi / 1.008 * np.tan(theta), rtol=4e-15)
    assert_allclose(Cosine().drift_rate(T), -np.pi / 2.016 * np.tan(theta), rtol=4e-15)


def test_without_offset_it_is_a_quarter_turn():
    path = Cosine(0)
    angle = np.pi / 2 * T
    assert_allclose(path.sigma(T), np.sin(angle), rtol=4e-15)
    assert_allclose(path.sigma_dot(T), np.pi / 2 * np.cos(angle), rtol=4e-15)
    assert_allclose(path.log_snr(T[1:]), -np.log(np.tan(angle[1:])), rtol=0, atol=4e-15)
    assert_allclose(path.time(path.log_snr(T)), T, rtol=2e-14)


def test_far_levels_do_not_underflow():
    assert Cosine(0).sigma(1e-200) == pytest.approx(np.pi / 2 * 1e-200, rel=1e-15, abs=0)
    assert Cosine(0).time(460.0) == pytest.approx(2 / np.pi * np.exp(-460.0), rel=1e-13, abs=0)


def test_variance_is_preserved():
    for s in (0, 0.008, 1.0):
        t = np.append(T, 1.0)
        assert_allclose(Cosine(s).alpha(t) ** 2 + Cosine(s).sigma(t) ** 2, 1, rtol=2e-15)


def test_the_prior_is_exact():
    assert Cosine().prior_scale == 1
    assert Cosine().alpha(1) == 0
    assert Cosine().sigma(1) == pytest.approx(1, rel=4e-16)


@pytest.mark.parametrize("wrong", [-0.008, [0.008, 0.008], np.nan])
def test_offsets_are_refused(wrong):
    with pytest.raises(ValueError, match="s "):
        Cosine(wrong)
